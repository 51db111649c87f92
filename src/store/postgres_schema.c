/*
 * postgres_schema.c - the tables of a store in PostgreSQL, in numbered steps.
 *
 * Numbers are bigint: 64 bits, read as the engine means them. The tables of the log are made with the store, and stay where they are when
 * a backup takes the place of the rest.
 */
#include "store/postgres.h"

#include <stdio.h>

#define VERSION     1
#define TEXT_OF(x)  TEXT_OF_(x)
#define TEXT_OF_(x) #x

/* Append only: step i leads from version i to version i + 1. */
static const char *const steps[] = {
	"CREATE TABLE bulla_store (version bigint NOT NULL);"
	"CREATE TABLE bulla_state (one bigint PRIMARY KEY CHECK (one = 1), generation bigint NOT NULL, head_size bigint NOT NULL,"
	"  head_root bytea NOT NULL, epoch bigint NOT NULL DEFAULT 0);"
	"INSERT INTO bulla_state VALUES (1, 0, 0, decode(repeat('00', 32), 'hex'));"
	"CREATE TABLE bulla_kms (kind bigint NOT NULL, id bytea NOT NULL, data bytea NOT NULL, PRIMARY KEY (kind, id));"
	"CREATE TABLE bulla_branch (version bigint PRIMARY KEY, identity bytea NOT NULL, sequence bigint NOT NULL,"
	"  print bytea NOT NULL, state bigint NOT NULL, wrapped bytea NOT NULL, created_us bigint NOT NULL);"
	"CREATE UNIQUE INDEX bulla_branch_identity ON bulla_branch (identity, sequence);"
	/* a print may be longer than an ordered index takes */
	"CREATE INDEX bulla_branch_print ON bulla_branch USING hash (print);"
	"CREATE INDEX bulla_branch_closing ON bulla_branch (identity, sequence) WHERE state = 2;"
	"CREATE INDEX bulla_branch_created ON bulla_branch (created_us);"
	"CREATE TABLE bulla_note (name text PRIMARY KEY, value bytea NOT NULL);"
	"INSERT INTO bulla_store VALUES (0);",
};

/* Likewise: the log's have no version of their own and change with the store's. */
static const char log_tables[] =
	"CREATE TABLE IF NOT EXISTS bulla_log_head (one bigint PRIMARY KEY CHECK (one = 1), size bigint NOT NULL,"
	"  note bytea NOT NULL, peaks bytea NOT NULL);"
	"CREATE TABLE IF NOT EXISTS bulla_log_entry (index bigint PRIMARY KEY, entry bytea NOT NULL);"
	"CREATE TABLE IF NOT EXISTS bulla_log_checkpoint (size bigint PRIMARY KEY, note bytea NOT NULL);"
	"CREATE TABLE IF NOT EXISTS bulla_log_tree (size bigint PRIMARY KEY, peaks bytea NOT NULL);";

/* How many relations of the schema fit `condition`. Asked of the catalogue's rows: what a session remembers of names may be older than the
 * lock that it holds. */
static bulla_code count_relations(bulla_pg_link *link, const char *condition, int64_t *ret, bulla_error *err)
{
	char sql[320];
	(void)snprintf(sql, sizeof sql,
		       "SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
		       " WHERE n.nspname = '%s' AND %s",
		       link->place->schema, condition);
	return bulla_pg_ask_text(link, sql, ret, err);
}

static bulla_code fail_newer(const bulla_pg_link *link, int64_t version, bulla_error *err)
{
	bulla_code code = bulla_fail(err, BULLA_ERR_NEWER, "the key store (%s) has schema version %lld; this release knows %d",
				     link->place->name, (long long)version, VERSION);
	return bulla_advise(err, code, "use the release that made it, or a newer one");
}

/* 0 where there is no store. */
static bulla_code read_version(bulla_pg_link *link, int64_t *ret, bulla_error *err)
{
	int64_t all = 0, ours = 0;
	*ret = 0;
	TRY(count_relations(link, "true", &all, err));
	TRY(count_relations(link, "relname = 'bulla_store'", &ours, err));
	if (ours == 0 && all == 0) return BULLA_OK;
	if (ours == 0) {
		bulla_code code = bulla_fail(err, BULLA_ERR_FORMAT, "the %s has tables of somebody else", link->place->name);
		return bulla_advise(err, code,
				    "give the store a schema of its own: postgresql://...?options=-csearch_path%%3DNAME");
	}
	TRY(bulla_pg_ask_text(link, "SELECT max(version) FROM bulla_store", ret, err));
	if (*ret <= 0) return bulla_fail(err, BULLA_ERR_CORRUPT, "the key store (%s) has no version", link->place->name);
	return *ret <= VERSION ? BULLA_OK : fail_newer(link, *ret, err);
}

bulla_code bulla_pg_make_tables(bulla_pg_link *link, int64_t version, bulla_error *err)
{
	for (int64_t i = version; i < VERSION; i++)
		TRY(bulla_pg_run(link, steps[i], err));
	TRY(bulla_pg_run(link, log_tables, err));
	return bulla_pg_run(link, "UPDATE bulla_store SET version = " TEXT_OF(VERSION), err);
}

/* Asked first: CREATE SCHEMA needs a permission even where the schema is there. */
static bulla_code make_schema(bulla_pg_link *link, bulla_error *err)
{
	char sql[160];
	int64_t there = 0;
	(void)snprintf(sql, sizeof sql, "SELECT count(*) FROM pg_catalog.pg_namespace WHERE nspname = '%s'", link->place->schema);
	TRY(bulla_pg_ask_text(link, sql, &there, err));
	if (there) return BULLA_OK;
	(void)snprintf(sql, sizeof sql, "CREATE SCHEMA \"%s\"", link->place->schema);
	return bulla_pg_run(link, sql, err);
}

static bulla_code climb(bulla_pg_link *link, void *self, bulla_error *err)
{
	int64_t version = 0;
	bulla_pg_value number = BULLA_PG_NUMBER(bulla_pg_lock_number(link->place, "schema"));
	(void)self;
	TRY(bulla_pg_do(link, BULLA_PG_LOCK, &number, 1, NULL, err));
	TRY(read_version(link, &version, err)); /* another process may have been first */
	if (version == VERSION) return BULLA_OK;
	if (version == 0) TRY(make_schema(link, err));
	return bulla_pg_make_tables(link, version, err);
}

bulla_code bulla_pg_prepare(bulla_pg_link *link, bool create, bulla_error *err)
{
	int64_t version = 0;
	_Static_assert(sizeof steps / sizeof *steps == VERSION, "a step for each version");
	TRY(read_version(link, &version, err));
	if (version == VERSION) return BULLA_OK;
	if (version || create) return bulla_pg_transact(link, BULLA_PG_BEGIN, climb, NULL, NULL, err);
	bulla_code code = bulla_fail(err, BULLA_ERR_NOT_FOUND, "there is no key store in the %s", link->place->name);
	return bulla_advise(err, code, "bulla init");
}
