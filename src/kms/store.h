/*
 * store.h - the table kms_store: where the engine keeps its rows.
 *
 * A store knows nothing of cryptography: rows are sealed and authenticated by the engine, under a MAC that covers table,
 * row and generation. Implemented by store/memory.c and store/sqlite.c. Shareable between threads; several processes may
 * use one SQLite store at once.
 */
#ifndef KMS_STORE_H
#define KMS_STORE_H

#include "base/buf.h"
#include "audit/sink.h"

/* Rows are kept by (table, id): small, few, and read as a whole. */
typedef enum bulla_kms_table {
	BULLA_KMS_META = 1, /* one row each: "root" (how the root key is made, canary), "log" (signing key), "rows" (all MACs) */
	BULLA_KMS_KEY = 2,  /* id = key uuid */
	BULLA_KMS_MATERIAL = 3,  /* id = key uuid ‖ material id */
	BULLA_KMS_ALIAS = 4,     /* id = alias name without "alias/" */
	BULLA_KMS_PRINCIPAL = 5, /* id = name */
	BULLA_KMS_ACCESS = 6,    /* id = access key id */
	BULLA_KMS_POLICY = 7,    /* id = 'u' ‖ principal ‖ 00 ‖ name, or 'k' ‖ key uuid */
	BULLA_KMS_GRANT = 8,     /* id = the grant's 32 bytes */
	BULLA_KMS_TAGS = 9,      /* id = key uuid */
	BULLA_KMS_FREEZE = 10,   /* id = '*', 'k' ‖ key uuid, or 'u' ‖ principal */
	BULLA_KMS_TABLES
} bulla_kms_table;

typedef struct bulla_kms_row {
	bulla_kms_table table;
	bulla_bytes id;
	bulla_bytes data; /* NULL data in a change deletes the row */
} bulla_kms_row;

typedef struct bulla_kms_store {
	/* A number that changes whenever any process has changed a row. Cheap: called before every group of calls. */
	bulla_code (*version)(void *self, uint64_t *ret_version, bulla_error *err);

	/* `each` must not call the store. Calls `each` for every row, in one snapshot, together with the snapshot's generation and log head. Views live
	 * until `each` returns. A failure of `each` ends the walk and is returned. */
	bulla_code (*load)(void *self, bulla_code (*each)(void *each_self, const bulla_kms_row *row, bulla_error *err),
			   void *each_self, uint64_t *ret_generation, bulla_log_head *ret_head, bulla_error *err);

	/* Applies all `rows`, sets generation to `expected_generation` + 1 and moves the head forward to `head` (as set_head does),
	 * in one durable transaction; CONFLICT, and nothing changed, when the generation is no longer the expected one. USAGE
	 * without rows: each change writes the row that authenticates the generation. What a change deletes is overwritten. */
	bulla_code (*change)(void *self, uint64_t expected_generation, const bulla_kms_row *rows, size_t n,
			     const bulla_log_head *head, bulla_error *err);

	/* The same after a discontinuity: generation and head are what is told, even where the head becomes shorter. USAGE unless
	 * `new_generation` is larger than the expected one. */
	bulla_code (*adopt)(void *self, uint64_t expected_generation, uint64_t new_generation, const bulla_kms_row *rows,
			    size_t n, const bulla_log_head *head, bulla_error *err);

	/* Moves the head forward after key uses, without changing the generation; a smaller size than the stored one is
	 * ignored (another process was faster). Durable on return. */
	bulla_code (*set_head)(void *self, const bulla_log_head *head, bulla_error *err);

	/* The head alone. */
	bulla_code (*head)(void *self, bulla_log_head *ret_head, bulla_error *err);

	void *self;
} bulla_kms_store;

#endif
