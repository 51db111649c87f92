/*
 * store.h - the stores: each implements kms_store and branch_store.
 *
 * sqlite: WAL, synchronous=FULL, 0600, a numbered schema in `bulla_store(version)`; several processes may use one at once.
 * postgresql: for any number of nodes: tables in a schema of their own, and the audit log beside them (docs/POSTGRESQL.md).
 * memory: for tests and for environments that keep nothing. Shareable between threads.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "core/branch_store.h"
#include "io/log.h"
#include "io/patience.h"
#include "kms/store.h"

typedef struct bulla_store bulla_store;

/* `url` is `memory:`, `sqlite:PATH` or `postgresql://...`. With `create` a missing file is made (its directory with mode 0700), or the
 * missing tables. NOT_FOUND, PERMISSION (mode or owner), NEWER (schema), LOCKED (10 s), READ_ONLY, FULL, CORRUPT, CONFIG (unknown scheme),
 * UNAVAILABLE (the server): later calls may find it again. */
BULLA_MUST bulla_code bulla_store_open(const char *url, bool create, bulla_store **out, bulla_error *err);
/* The same with another patience, for opening and for every later use; what it points to outlives the store. */
BULLA_MUST bulla_code bulla_store_open_patiently(const char *url, bool create, const bulla_patience *patience, bulla_store **out,
						 bulla_error *err);
void bulla_store_close(bulla_store *store); /* NULL is fine */

bulla_kms_store bulla_store_kms(bulla_store *store);
bulla_branch_store bulla_store_branches(bulla_store *store);

#define BULLA_STORE_PLACE_MAX 256
/* What a store is called before people: its file, or the database without what else is in its URL. */
void bulla_store_place(const char *url, char out[static BULLA_STORE_PLACE_MAX]);

/* A consistent copy of the whole store into the new file `path` (0600), while others use it. EXISTS. USAGE for memory. */
BULLA_MUST bulla_code bulla_store_backup(bulla_store *store, const char *path, bulla_error *err);

/* All of `from` (SQLite or PostgreSQL) takes the place of what is in `to` (PostgreSQL), in one transaction; the log is left alone. What was
 * there stays under the name `keep_as`; NULL: there must be nothing (EXISTS). */
BULLA_MUST bulla_code bulla_store_replace(bulla_store *to, bulla_store *from, const char *keep_as, bulla_error *err);

/* --- a log that lies in the store --------------------------------------------------------------------------------- */
bool bulla_store_has_log(const bulla_store *store);
/* As bulla_log_open(); only for a store that has its log, which outlives it. NOT_FOUND where it was not begun. */
BULLA_MUST bulla_code bulla_store_log_open(bulla_store *store, const char *origin, const bulla_secret *seed, bool create,
					   bulla_log **out, bulla_error *err);
/* As bulla_log_verify(). */
BULLA_MUST bulla_code bulla_store_log_verify(bulla_store *store, const char *origin, const uint8_t public_key[static 32],
					     void (*progress)(void *self, uint64_t done, uint64_t total), void *self,
					     bulla_log_report *ret, bulla_error *err);
/* Writes the log as static files (io/log_mirror.h) into a new directory. EXISTS. */
BULLA_MUST bulla_code bulla_store_log_export(bulla_store *store, const char *origin, const char *directory, bulla_error *err);

/* What keeps the server of a store from what is promised here; nothing of it for a store that has none. */
typedef struct bulla_store_server {
	bool loses_commits; /* it does not write what it has acknowledged to the disk (fsync, full_page_writes) */
	bool unencrypted;   /* reached over a network without TLS */
} bulla_store_server;
BULLA_MUST bulla_code bulla_store_examine(bulla_store *store, bulla_store_server *ret, bulla_error *err);

/* Small notes of the verifier and of jobs ("last verified head"), outside the engine's MACs. `out` may stay empty: NOT_FOUND. */
BULLA_MUST bulla_code bulla_store_note_get(bulla_store *store, const char *name, bulla_buf *out, bulla_error *err);
BULLA_MUST bulla_code bulla_store_note_set(bulla_store *store, const char *name, bulla_bytes value, bulla_error *err);

#endif
