/*
 * world.h - what the tests of jobs stand in: a directory with a database, a keyring over a key in memory, and a second
 * connection that plays the application.
 */
#ifndef TEST_DB_WORLD_H
#define TEST_DB_WORLD_H

#include "core/branch_store.h"
#include "db/job.h"

#include <sqlite3.h>

struct bulla_provider;
struct bulla_store;

typedef struct world {
	char dir[64];
	char path[96];
	char store_url[128];
	char yaml[8192], models[7168], keys[256];
	bulla_schema *schema;
	struct bulla_store *store;
	bulla_branch_store branches;
	bulla_keyring *keyring;
	bulla_job job;
	sqlite3 *db; /* the application's connection */
	bulla_error err;
	bulla_job_result result;
	char records[16][64]; /* operations that were recorded */
	size_t record_count;
} world;

/* Makes the database with `sql`; `models` is the YAML below "models:", its first model the job's. */
void world_open(world *w, const char *sql, const char *models);
/* The database exists already, at `path`, which is copied. */
void world_open_copy(world *w, const char *path, const char *models);
/* The branch keys lie in a file, so that another process can use them: in a child, after a fork, world_reopen() makes a
 * keyring of its own. */
void world_open_durable(world *w, const char *sql, const char *models);
void world_reopen(world *w);
/* The same with copies of the database and of the store of another world, which was opened so too and is not in use meanwhile. */
void world_open_beside(world *w, world *prepared);
/* Other keys in the environment, as `environments.development` has them: a process that starts anew on the same store. */
void world_keys(world *w, const char *keys);
/* Other models, as a program with another bulla.yaml has them. */
void world_schema(world *w, const char *models);
void world_schema_of(world *w, const char *models, const char *key); /* the job is that model's */
/* For a branch store's each(): counts rows. */
bulla_code world_count_row(void *self, const bulla_branch_row *row, bulla_error *err);
/* Closes the keyring and what it was made from. */
void world_keys_close(world *w);
void world_close(world *w);
/* Who finds providers for keyrings that are made from now on; NULL: bulla_provider_find(). */
void world_provider(const struct bulla_provider *(*find)(bulla_bytes key_id));
void world_model(world *w, const char *key);

/* Statements of the application. */
void world_sql(world *w, const char *sql);
int world_try(world *w, const char *sql); /* SQLite's code */
int64_t world_int(world *w, const char *sql);
const char *world_text(world *w, const char *sql); /* valid until the next call; "" for NULL */

/* Does the plan of EXPLAIN QUERY PLAN have such a line? */
bool world_plan(world *w, const char *sql, const char *line);

/* Jobs that must succeed, or must fail with `code`. */
void world_apply(world *w);
void world_apply_fails(world *w, bulla_code code);
void world_verify(world *w);
void world_verify_clean(world *w);
void world_finish(world *w);

/* How often do these bytes occur in the database's files? */
size_t world_grep(world *w, const char *text, size_t len);

#endif
