/*
 * references.h - what hangs from which key: the rows of tables as a census counted them, joined with the branch keys and KMS keys of the
 * project.
 *
 * First the rows are added (whoever counts them, see db/wraps.h), then bulla_references_join() reads the key store: in this order, or a branch
 * key made in between would look unknown. One thread; read-only after that.
 */
#ifndef LIB_REFERENCES_H
#define LIB_REFERENCES_H

#include "base/arena.h"
#include "core/branch_store.h"
#include "lib/project.h"

#define BULLA_REFERENCES_MAX (16u << 20) /* keys of tables, and branch keys, of one census */

/* The name of a key in a wrap's directory (format/wrapped_key.h). */
typedef struct bulla_reference {
	uint8_t kind;
	uint64_t reference;
} bulla_reference;

typedef struct bulla_reference_column {
	const char *database, *table, *column;
	const char *model;   /* "": no model of bulla.yaml names it */
	bool indexed;        /* counted through an index */
	uint64_t rows;       /* that have a key */
	uint64_t unreadable; /* of those, whose key cannot be read */
} bulla_reference_column;

/* One version of a branch, index or shared data key. */
typedef struct bulla_reference_branch {
	uint64_t version;
	const char *print;
	bulla_branch_purpose purpose;
	bulla_branch_state state;
	int64_t created_us;
	const bulla_reference *under; /* its own wraps; none under a tombstone */
	size_t under_count;
	uint64_t rows; /* that have a wrap by it, in all columns */
	bool selected; /* hangs from the key that was asked about, at whatever depth, or is it */
	bool direct;   /* right from it */
} bulla_reference_branch;

typedef struct bulla_reference_rows {
	size_t column;
	bulla_reference key;
	uint64_t rows;
	const bulla_reference_branch *branch; /* NULL: a KMS key, or a branch key that this store does not have */
	bool selected, direct;                /* as above */
} bulla_reference_rows;

/* A key of bulla.yaml that the engine does not hold. */
typedef struct bulla_reference_key {
	const char *key_id;
	const struct bulla_provider *provider;
	void *session;
	bool wraps; /* not one of `previous` */
} bulla_reference_key;

/* Members are for reading. */
typedef struct bulla_references {
	bulla_arena arena;
	bulla_reference_column *columns;
	size_t column_count, column_max;
	bulla_reference_rows *rows; /* in the order of columns; of one column, most rows first */
	size_t row_count, row_max;
	bulla_reference_column open; /* the column that is being added */
	size_t open_first;           /* its first place in `rows` */
	size_t *slots;               /* 1 + places in `rows` of that column, by hash */
	size_t slot_count;
	bulla_reference_branch *branches; /* sorted by version */
	size_t branch_count, branch_max;
	bulla_key_info *keys; /* of the engine, without destroyed ones */
	size_t key_count;
	bulla_material_info *materials; /* sorted by id */
	size_t material_count;
	bulla_reference_key *others;
	size_t other_count;
} bulla_references;

void bulla_references_init(bulla_references *refs);
void bulla_references_done(bulla_references *refs);

/* Rows of the column that bulla_references_column() then names; several calls about one key add up. */
BULLA_MUST bulla_code bulla_references_add(bulla_references *refs, const bulla_reference *wraps, size_t n, uint64_t rows,
					   bulla_error *err);
BULLA_MUST bulla_code bulla_references_column(bulla_references *refs, const char *database, const char *model, const char *table,
					      const char *column, bool indexed, bulla_error *err);

/* Reads branch keys, engine keys and the keys of bulla.yaml (one that cannot be opened stays without a name). */
BULLA_MUST bulla_code bulla_references_join(bulla_references *refs, bulla_project *project, bulla_error *err);

/* What is asked about: exactly one member is set. */
typedef struct bulla_reference_subject {
	const uint8_t *uuid;              /* of the engine's key */
	const bulla_reference_key *other; /* of refs->others */
	const char *branch;               /* print of branch keys, whatever their purpose */
} bulla_reference_subject;

typedef struct bulla_reference_sum {
	uint64_t rows;         /* wrapped by the key itself */
	size_t columns;        /* in so many columns */
	size_t branches[4];    /* branch keys right under it, by purpose; destroyed ones have gone */
	size_t branches_below; /* further down */
	uint64_t rows_below;   /* wrapped by all of those */
	uint64_t unreadable;   /* rows of any column whose key cannot be read: they may be its own */
	uint64_t unknown;      /* rows of models under branch keys that the store does not have: these may hang from it */
	size_t unnamed;        /* columns with rows wrapped by the key itself that no model names */
} bulla_reference_sum;

/* Marks what hangs from the subject as selected, and sums it up. NULL: everything. */
void bulla_references_select(bulla_references *refs, const bulla_reference_subject *subject, bulla_reference_sum *ret);
/* Nothing hangs from it, as far as that can be known. */
bool bulla_reference_sum_is_empty(const bulla_reference_sum *sum);

/* The engine's key, or the key of bulla.yaml, that a wrap is by; both NULL: a branch key or nobody's. */
const bulla_key_info *bulla_references_engine_key(const bulla_references *refs, bulla_reference key);
const bulla_reference_key *bulla_references_other_key(const bulla_references *refs, bulla_reference key);
const bulla_reference_branch *bulla_references_branch(const bulla_references *refs, uint64_t version);

#endif
