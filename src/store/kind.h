/*
 * kind.h - the table of an implementation: what store.c needs to know of memory.c and sqlite.c.
 */
#ifndef STORE_KIND_H
#define STORE_KIND_H

#include "store/store.h"

#define BULLA_NOTE_NAME_MAX      128
#define BULLA_NOTE_MAX           65536 /* bytes of one note */
#define BULLA_STORE_IDENTITY_MAX 1024  /* of a branch */
#define BULLA_STORE_PRINT_MAX    8192
#define BULLA_STORE_WRAPPED_MAX  65536
#define BULLA_STORE_ROW_MAX      65536 /* of the engine */
#define BULLA_STORE_BUSY_MS      10000 /* how long another process may hold the store */

/* `self` is what open made. The tables are complete but for their `self`. */
typedef struct bulla_store_kind {
	const char *scheme; /* with its colon */
	bulla_code (*open)(const char *rest, bool create, const bulla_patience *patience, void **ret_self, bulla_error *err);
	void (*close)(void *self);
	bulla_code (*backup)(void *self, const char *path, bulla_error *err);
	bulla_code (*note_get)(void *self, const char *name, bulla_buf *out, bulla_error *err);
	bulla_code (*note_set)(void *self, const char *name, bulla_bytes value, bulla_error *err);
	const bulla_kms_store *kms;
	const bulla_branch_store *branches;
} bulla_store_kind;

extern const bulla_store_kind bulla_store_memory, bulla_store_sqlite;

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
