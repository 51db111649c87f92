/*
 * shred_book.c - the tables bulla_shred and bulla_shredded.
 */
#include "db/shred_book.h"

#include "db/quarantine.h"
#include "io/file.h"

static const char *const steps[] = { "", "destroying", "clearing", "done" };

static const char *const tables[] = {
	"CREATE TABLE IF NOT EXISTS bulla_shred(id TEXT NOT NULL, model TEXT NOT NULL, step TEXT NOT NULL, versions BLOB,"
	" cleared INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(id, model))",
	"CREATE TABLE IF NOT EXISTS bulla_shredded(model TEXT NOT NULL, pk TEXT NOT NULL, at INTEGER NOT NULL,"
	" PRIMARY KEY(model, pk))",
};

static bulla_code exists(bulla_db *db, const char *name, bool *ret, bulla_error *err)
{
	bulla_table *table = NULL;
	TRY(db->target->inspect(db, name, &table, err));
	*ret = table != NULL;
	bulla_table_free(table);
	return BULLA_OK;
}

bulla_code bulla_shred_book_make(bulla_db *db, bulla_error *err)
{
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
		TRY(db->target->run(db, tables[i], NULL, 0, NULL, NULL, NULL, err));
	return BULLA_OK;
}

typedef struct reading {
	bulla_shred_entry *entry;
	bulla_buf *versions;
} reading;

static bulla_code add_versions(bulla_buf *out, const bulla_value *value, bulla_error *err)
{
	bool whole = value->kind == BULLA_KIND_BINARY && value->bytes.len % 8 == 0;
	return whole ? bulla_buf_add(out, value->bytes, err) : BULLA_OK;
}

static bulla_code read_entry(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	reading *r = self;
	(void)n;
	for (size_t i = 1; i < sizeof steps / sizeof *steps; i++)
		if (bulla_bytes_is(values[0].bytes, steps[i])) r->entry->step = (bulla_shred_step)i;
	r->entry->cleared = (uint64_t)values[1].integer;
	return r->versions ? add_versions(r->versions, &values[2], err) : BULLA_OK;
}

bulla_code bulla_shred_book_load(bulla_db *db, const char *id, const char *model, bulla_shred_entry *ret, bulla_buf *versions,
				 bulla_error *err)
{
	bool there;
	reading r = { ret, versions };
	bulla_value name[] = { bulla_value_text(id), bulla_value_text(model) };
	*ret = (bulla_shred_entry){ 0 };
	TRY(exists(db, "bulla_shred", &there, err));
	if (!there) return BULLA_OK;
	return db->target->run(db, "SELECT step, cleared, versions FROM bulla_shred WHERE id = ? AND model = ?", name, 2,
			       read_entry, &r, NULL, err);
}

bulla_code bulla_shred_book_forget(bulla_db *db, const char *id, bulla_error *err)
{
	bool there;
	bulla_value name = bulla_value_text(id);
	TRY(exists(db, "bulla_shred", &there, err));
	if (!there) return BULLA_OK;
	return db->target->run(db, "DELETE FROM bulla_shred WHERE id = ?", &name, 1, NULL, NULL, NULL, err);
}

bulla_code bulla_shred_book_store(bulla_db *db, const char *id, const char *model, const bulla_shred_entry *entry,
				  bulla_bytes versions, bulla_error *err)
{
	static const char update[] = "UPDATE bulla_shred SET step = ?, cleared = ?, at = ? WHERE id = ? AND model = ?";
	bulla_value args[] = { bulla_value_text(steps[entry->step]), bulla_value_integer((int64_t)entry->cleared),
			       bulla_value_integer(bulla_now_us(NULL) / 1000), bulla_value_text(id), bulla_value_text(model) };
	bulla_value known[] = { { .kind = BULLA_KIND_BINARY, .bytes = versions }, bulla_value_text(id), bulla_value_text(model) };
	uint64_t changed = 0;
	TRY(db->target->run(db, update, args, 5, NULL, NULL, &changed, err));
	if (!changed)
		TRY(db->target->run(db, "INSERT INTO bulla_shred(step, cleared, at, id, model) VALUES(?, ?, ?, ?, ?)", args, 5,
				    NULL, NULL, NULL, err));
	if (versions.len == 0) return BULLA_OK;
	return db->target->run(db, "UPDATE bulla_shred SET versions = ? WHERE id = ? AND model = ?", known, 3, NULL, NULL, NULL,
			       err);
}

bulla_code bulla_shred_book_row(bulla_db *db, const char *model, bulla_bytes pk, bulla_error *err)
{
	bulla_value args[] = { bulla_value_text(model),
			       { .kind = BULLA_KIND_TEXT, .bytes = pk },
			       bulla_value_integer(bulla_now_us(NULL) / 1000) };
	TRY(bulla_quarantine_release(db, model, pk, NULL, err));
	TRY(db->target->run(db, "DELETE FROM bulla_shredded WHERE model = ? AND pk = ?", args, 2, NULL, NULL, NULL, err));
	return db->target->run(db, "INSERT INTO bulla_shredded(model, pk, at) VALUES(?, ?, ?)", args, 3, NULL, NULL, NULL, err);
}

static bulla_code read_count(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	(void)n;
	(void)err;
	*(uint64_t *)self = (uint64_t)values[0].integer;
	return BULLA_OK;
}

/* A count from one of the tables, where it is there. */
static bulla_code count(bulla_db *db, const char *table, const char *sql, const char *model, uint64_t *ret, bulla_error *err)
{
	bool there;
	bulla_value name = bulla_value_text(model);
	*ret = 0;
	TRY(exists(db, table, &there, err));
	return there ? db->target->run(db, sql, &name, 1, read_count, ret, NULL, err) : BULLA_OK;
}

bulla_code bulla_shred_book_count(bulla_db *db, const char *model, uint64_t *ret, bulla_error *err)
{
	return count(db, "bulla_shredded", "SELECT count(*) FROM bulla_shredded WHERE model = ?", model, ret, err);
}

bulla_code bulla_shred_book_open(bulla_db *db, const char *model, uint64_t *ret, bulla_error *err)
{
	return count(db, "bulla_shred", "SELECT count(*) FROM bulla_shred WHERE model = ? AND step <> 'done'", model, ret, err);
}

bulla_code bulla_shred_book_last(bulla_db *db, const char *model, uint64_t *ret_ms, bulla_error *err)
{
	return count(db, "bulla_shred",
		     "SELECT coalesce(max(at), 0) FROM bulla_shred WHERE model = ? AND step IN ('clearing', 'done')", model,
		     ret_ms, err);
}

bulla_code bulla_shred_book_rows(bulla_db *db, const char *model, bulla_bytes after, size_t max, bulla_answer each, void *self,
				 bulla_error *err)
{
	bool there;
	bulla_value args[] = { bulla_value_text(model),
			       { .kind = BULLA_KIND_TEXT, .bytes = after },
			       bulla_value_integer((int64_t)max) };
	TRY(exists(db, "bulla_shredded", &there, err));
	if (!there) return BULLA_OK;
	return db->target->run(db, "SELECT pk FROM bulla_shredded WHERE model = ? AND pk > ? ORDER BY pk LIMIT ?", args, 3, each,
			       self, NULL, err);
}

static bulla_code read_versions(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	(void)n;
	return add_versions(self, &values[0], err);
}

bulla_code bulla_shred_book_versions(bulla_db *db, bulla_buf *out, bulla_error *err)
{
	bool there;
	TRY(exists(db, "bulla_shred", &there, err));
	if (!there) return BULLA_OK;
	return db->target->run(db, "SELECT DISTINCT versions FROM bulla_shred WHERE step IN ('clearing', 'done')", NULL, 0,
			       read_versions, out, NULL, err);
}
