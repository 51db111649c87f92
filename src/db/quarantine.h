/*
 * quarantine.h - rows that could not be sealed or opened: bulla_quarantine(model, pk, field, reason, job, at), never a value.
 *
 * An entry is made by a pass of a kind (apply, verify or rotate) and stays until a later pass of that kind over all rows no longer
 * finds it. Reason `type` also stands for a row whose sealed form the table's own constraints or triggers refuse; such an entry
 * has BULLA_FIELD_CONSTRAINT in the place of the field.
 */
#ifndef DB_QUARANTINE_H
#define DB_QUARANTINE_H

#include "core/reason.h"
#include "db/book.h"

struct bulla_job;

#define BULLA_FIELD_CONSTRAINT "(constraint)"

typedef struct bulla_quarantine_entry {
	bulla_bytes pk;    /* JSON text, see bulla_pk_write() */
	const char *field; /* "" for the whole row */
	bulla_reason reason;
} bulla_quarantine_entry;

/* All inside a transaction. `job` is "apply:<id>", "verify:<id>" or "rotate:<id>". */
BULLA_MUST bulla_code bulla_quarantine_put(bulla_db *db, const char *model, const char *job, const bulla_quarantine_entry *entry,
					   bulla_error *err);
/* The row was sealed or opened after all. `ret_removed` counts. */
BULLA_MUST bulla_code bulla_quarantine_release(bulla_db *db, const char *model, bulla_bytes pk, uint64_t *ret_removed,
					       bulla_error *err);
/* Forgets the entries of `kind` ("apply", "verify", "rotate") that are older than a complete pass begun at `before_ms`. */
BULLA_MUST bulla_code bulla_quarantine_purge(bulla_db *db, const char *model, const char *kind, int64_t before_ms,
					     bulla_error *err);

/* How many rows, whatever the number of their fields. 0 where the table does not exist. */
BULLA_MUST bulla_code bulla_quarantine_count(bulla_db *db, const char *model, uint64_t *ret, bulla_error *err);
BULLA_MUST bulla_code bulla_quarantine_has(bulla_db *db, const char *model, bulla_bytes pk, bool *ret, bulla_error *err);
/* Has a pass of another kind than `kind` put that row aside? */
BULLA_MUST bulla_code bulla_quarantine_has_other(bulla_db *db, const char *model, const char *kind, bulla_bytes pk, bool *ret,
						 bulla_error *err);
/* Writes {"reason": rows, ...} as the member `name`. */
BULLA_MUST bulla_code bulla_quarantine_tell(bulla_db *db, const char *model, bulla_json_writer *out, const char *name,
					    bulla_error *err);

/* Writes [{"reason","field","rows","meaning"}...], the commonest first, as the member `name`. */
BULLA_MUST bulla_code bulla_quarantine_explain(bulla_db *db, const char *model, bulla_json_writer *out, const char *name,
					       bulla_error *err);

/* --- rows to be put aside, collected outside a transaction -------------------------------------------------------- */
#define BULLA_ASIDE_MAX 100000 /* of one pass; the rest is counted only */

typedef struct bulla_aside {
	size_t n, cap;
	uint64_t left_out;
	struct bulla_aside_entry {
		size_t at, len; /* of the primary key in `pks` */
		const char *field;
		bulla_reason reason;
	} * list;
	bulla_buf pks;
} bulla_aside;

void bulla_aside_done(bulla_aside *aside);
void bulla_aside_clear(bulla_aside *aside);
BULLA_MUST bulla_code bulla_aside_add(bulla_aside *aside, bulla_bytes pk, const char *field, bulla_reason reason,
				      bulla_error *err);
bulla_quarantine_entry bulla_aside_entry(const bulla_aside *aside, size_t i);

/* Why a row failed: a code that is the row's own fault is a reason, with the field at fault ("" for the whole row); NONE
 * for a failure of the keyring or the machine. A branch key that was used here and is gone, without a tombstone, is KEY_DESTROYED; one that
 * never was here is WRONG_KEY. `model` is what the cells are in the order of. */
bulla_reason bulla_row_reason(const struct bulla_job *job, const bulla_model *model, const bulla_row *row,
			      const char **ret_field);

/* The row hangs from a branch that was destroyed on purpose, and nothing else is wrong with it: it is counted, and no fault. */
bool bulla_row_is_shredded(const bulla_row *row);

#endif
