/*
 * plan.c - fuzz target: from a schema file to the plans of all its models over a small database, which stays as it is.
 */
#include "place.h"

#include "db/job.h"

#include <sqlite3.h>

PLACE_NO_SYNC

static const char sql[] =
	"CREATE TABLE users(id INTEGER PRIMARY KEY, tenant_id INTEGER, email TEXT COLLATE NOCASE, phone, born DATE, photo BLOB,"
	" balance DECIMAL(10,2) DEFAULT 0, note TEXT CHECK(length(note) < 90), email_ciphertext BLOB);"
	"CREATE TABLE pair(a TEXT, b INTEGER, secret TEXT NOT NULL UNIQUE, PRIMARY KEY(a, b)) WITHOUT ROWID;"
	"CREATE TABLE bare(email TEXT); CREATE TABLE strict(id INTEGER PRIMARY KEY, email ANY) STRICT;"
	"CREATE TABLE made(id INTEGER PRIMARY KEY, email TEXT, up TEXT AS (upper(email)));"
	"CREATE INDEX by_email ON users(email) WHERE email <> ''; CREATE VIEW mails AS SELECT email FROM users;"
	"CREATE TRIGGER seen AFTER UPDATE OF email ON users BEGIN UPDATE users SET note = 'x' WHERE id = new.id; END;"
	"INSERT INTO users VALUES(1, 7, 'a@example.org', '+49 30 1', '1990-01-02', x'00ff', 1.5, NULL, NULL),"
	" (2, 7, 'A@example.org', NULL, NULL, NULL, 'abc', '', NULL), (3, NULL, x'c3', 5, 7.5, 'text', NULL, 'n', x'01');"
	"INSERT INTO pair VALUES('x', 1, 's'), ('y', 2, 't'); INSERT INTO bare VALUES('b@example.org');"
	"INSERT INTO strict VALUES(1, 1), (2, 'c@example.org'); INSERT INTO made(id, email) VALUES(1, 'd');";

static void make_database(const place *p)
{
	sqlite3 *db = NULL;
	char path[256], *message = NULL;
	place_path(p, "app.db", path);
	HOLDS(sqlite3_open(path, &db) == SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &message)) (void)fprintf(stderr, "%s\n", message);
	HOLDS(!message && sqlite3_close(db) == SQLITE_OK);
}

/* The database's bytes, made once. */
static bulla_bytes database(void)
{
	static bulla_buf bytes;
	if (bytes.len) return bulla_view_buf(&bytes);
	place p = place_make();
	make_database(&p);
	bytes = place_get(&p, "app.db");
	place_remove(&p);
	return bulla_view_buf(&bytes);
}

/* Values of the database are counted, never told; unless the schema itself has them. */
static bool has_value(bulla_bytes text)
{
	return text.len && (memmem(text.data, text.len, "example.org", 11) || memmem(text.data, text.len, "+49 30", 6));
}

static void plan_model(const place *p, bulla_bytes yaml, const bulla_schema *schema, const bulla_model *model)
{
	bulla_error err = { 0 };
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	size_t refusals = 0;
	bulla_json *plan = NULL;
	bulla_job job = {
		.schema = schema, .model = model, .url = "sqlite:app.db", .base_dir = p->path, .patience = { .wait_ms = 1 }
	};
	if (!fuzz_ok(bulla_job_plan(&job, &out, &refusals, &err), &err)) return;
	fuzz_must(bulla_json_parse(bulla_view_buf(&out), &plan, &err), &err);
	HOLDS(bulla_json_count(bulla_json_member(plan, "refusals")) == refusals);
	bulla_json_free(plan);
	HOLDS(has_value(yaml) || !has_value(bulla_view_buf(&out)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bulla_error err = { 0 };
	bulla_schema *schema = NULL;
	size_t n = 0;
	if (!fuzz_ok(bulla_schema_parse(bulla_view(data, size), "bulla.yaml", NULL, NULL, NULL, NULL, &schema, &err), &err))
		return 0;
	const bulla_model *models = bulla_schema_models(schema, &n);
	place p = place_make();
	if (n) place_put(&p, "app.db", database());
	for (size_t i = 0; i < n && i < 4; i++)
		plan_model(&p, bulla_view(data, size), schema, &models[i]);
	if (n) {
		BULLA_BUF_AUTO bulla_buf after = place_get(&p, "app.db");
		HOLDS(fuzz_same(&after, database()));
	}
	place_remove(&p);
	bulla_schema_free(schema);
	return 0;
}
