/*
 * kind.h - the table of an implementation: what store.c needs to know of memory.c, sqlite.c and postgres.c.
 */
#ifndef STORE_KIND_H
#define STORE_KIND_H

#include "io/log.h"
#include "store/store.h"

#define BULLA_STORE_NOTE_NAME_MAX 128
#define BULLA_STORE_NOTE_MAX      65536 /* bytes of one note */
#define BULLA_STORE_IDENTITY_MAX  1024  /* of a branch */
#define BULLA_STORE_PRINT_MAX     8192
#define BULLA_STORE_WRAPPED_MAX   65536
#define BULLA_STORE_ROW_MAX       65536 /* of the engine */
#define BULLA_STORE_BUSY_MS       10000 /* how long another process may hold the store */

/* Takes a whole store, part by part: first its state, then rows, branches (each identity's versions in order, `sequence` from 1), notes.
 * Views live until the call returns. */
typedef struct bulla_store_taker {
	bulla_code (*state)(void *self, uint64_t generation, const bulla_log_head *head, bulla_error *err);
	bulla_code (*row)(void *self, const bulla_kms_row *row, bulla_error *err);
	bulla_code (*branch)(void *self, const bulla_branch_row *row, int64_t sequence, bulla_error *err);
	bulla_code (*note)(void *self, const char *name, bulla_bytes value, bulla_error *err);
	void *self;
} bulla_store_taker;
typedef bulla_code (*bulla_store_source)(void *self, const bulla_store_taker *taker, bulla_error *err);

/* `self` is what open made. The tables are complete but for their `self`. */
typedef struct bulla_store_kind {
	const char *scheme; /* with its colon */
	bulla_code (*open)(const char *rest, bool create, const bulla_patience *patience, void **ret_self, bulla_error *err);
	/* What it is called before people; NULL: as the URL says behind its scheme. */
	void (*place)(const char *rest, char out[static BULLA_STORE_PLACE_MAX]);
	void (*close)(void *self);
	bulla_code (*backup)(void *self, const char *path, bulla_error *err);
	bulla_code (*note_get)(void *self, const char *name, bulla_buf *out, bulla_error *err);
	bulla_code (*note_set)(void *self, const char *name, bulla_bytes value, bulla_error *err);
	bulla_code (*examine)(void *self, bulla_store_server *ret, bulla_error *err); /* NULL: there is no server */
	/* All of it in one snapshot. NULL: it is not copied. */
	bulla_code (*give)(void *self, const bulla_store_taker *taker, bulla_error *err);
	/* What `source` gives takes the place of what is there, in one transaction. With `keep_as` that stays under this name; without,
	 * there must be nothing: EXISTS. */
	bulla_code (*take)(void *self, bulla_store_source source, void *source_self, const char *keep_as, bulla_error *err);
	/* NULL where the log is not in the store. */
	bulla_code (*log_open)(void *self, const char *origin, const bulla_secret *seed, bool create, bulla_log **out,
			       bulla_error *err);
	bulla_code (*log_verify)(void *self, const char *origin, const uint8_t public_key[static 32],
				 void (*progress)(void *self, uint64_t done, uint64_t total), void *progress_self,
				 bulla_log_report *ret, bulla_error *err);
	bulla_code (*log_export)(void *self, const char *origin, const char *directory, bulla_error *err);
	const bulla_kms_store *kms;
	const bulla_branch_store *branches;
} bulla_store_kind;

extern const bulla_store_kind bulla_store_memory, bulla_store_sqlite, bulla_store_postgres;

/* --- what both check --------------------------------------------------------------------------------------------- */
/* USAGE or LIMIT unless these rows may be written: at least one, ids and data within bounds. */
BULLA_MUST bulla_code bulla_store_check_rows(const bulla_kms_row *rows, size_t n, bulla_error *err);
BULLA_MUST bulla_code bulla_store_check_branch(const bulla_branch_row *row, bulla_error *err);
BULLA_MUST bulla_code bulla_store_check_move(bulla_branch_state from, bulla_branch_state to, bulla_error *err);
/* May a version that is in `state` be passed when its branch moves so? CONFLICT. */
BULLA_MUST bulla_code bulla_store_check_passed(bulla_branch_state state, bulla_branch_state from, bulla_branch_state to,
					       bulla_error *err);
/* After the move of a branch with `n` versions, of which `destroyed` had been destroyed before. NOT_FOUND, KEY_DESTROYED. */
BULLA_MUST bulla_code bulla_store_check_moved(size_t n, size_t destroyed, bulla_branch_state to, bulla_error *err);
/* May a branch whose newest version is in `newest` get one in `next`? KEY_CLOSING, KEY_DESTROYED. */
BULLA_MUST bulla_code bulla_store_check_follows(bulla_branch_state newest, bulla_branch_state next, bulla_error *err);
BULLA_MUST bulla_code bulla_store_check_generation(uint64_t expected, uint64_t next, bulla_error *err);

/* CONFLICT, with its one text for each. */
bulla_code bulla_store_fail_generation(bulla_error *err);
bulla_code bulla_store_fail_version(bulla_error *err);
bulla_code bulla_store_fail_newest(bulla_error *err);
bulla_code bulla_store_fail_wrapped(bulla_error *err);
bulla_code bulla_store_fail_note(bulla_error *err); /* NOT_FOUND */

#endif
