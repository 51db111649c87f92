/*
 * rotation.c - the row of a model in bulla_rotation, and the list of data keys that are to go.
 */
#include "db/rotation.h"

#include "db/book.h"

#include <string.h>

static const char *const kinds[] = {
	[BULLA_ROTATE_WRAP] = "wrap",
	[BULLA_ROTATE_DATA] = "data",
	[BULLA_ROTATE_INDEX] = "index",
	[BULLA_ROTATE_CONTEXT] = "context",
};
#define KINDS (sizeof kinds / sizeof *kinds)

const char *bulla_rotate_kind_name(bulla_rotate_kind kind)
{
	return (size_t)kind < KINDS && kinds[kind] ? kinds[kind] : "";
}

static const char table[] = "CREATE TABLE IF NOT EXISTS bulla_rotation(model TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, "
			    "since INTEGER NOT NULL, began INTEGER NOT NULL, ended INTEGER, round INTEGER NOT NULL, "
			    "done INTEGER NOT NULL, position BLOB, current TEXT)";
static const char list[] = "CREATE TABLE IF NOT EXISTS bulla_rotated(model TEXT NOT NULL, commitment BLOB NOT NULL, "
			   "PRIMARY KEY(model, commitment)) WITHOUT ROWID";

static bulla_code exists(bulla_db *db, const char *name, bool *ret, bulla_error *err)
{
	bulla_table *found = NULL;
	TRY(db->target->inspect(db, name, &found, err));
	*ret = found != NULL;
	bulla_table_free(found);
	return BULLA_OK;
}

/* --- the row ---------------------------------------------------------------------------------------------------- */

void bulla_rotation_done(bulla_rotation *rotation)
{
	bulla_buf_done(&rotation->position);
	bulla_buf_done(&rotation->current);
	*rotation = (bulla_rotation){ 0 };
}

static bulla_code read_row(void *self, const bulla_value *v, size_t n, bulla_error *err)
{
	bulla_rotation *r = self;
	(void)n;
	r->found = true;
	for (size_t k = 1; k < KINDS; k++)
		if (bulla_bytes_is(v[0].bytes, kinds[k])) r->kind = (bulla_rotate_kind)k;
	if (!r->kind) return bulla_fail(err, BULLA_ERR_NEWER, "the rotation of this table was begun by a newer release of bulla");
	r->since_us = v[1].integer;
	r->began_ms = v[2].integer;
	r->pending = v[3].kind == BULLA_KIND_NULL;
	r->ended_ms = r->pending ? 0 : v[3].integer;
	r->round = (uint64_t)v[4].integer;
	r->done = (uint64_t)v[5].integer;
	if (v[6].kind == BULLA_KIND_BINARY) TRY(bulla_buf_add(&r->position, v[6].bytes, err));
	return v[7].kind == BULLA_KIND_TEXT ? bulla_buf_add(&r->current, v[7].bytes, err) : BULLA_OK;
}

bulla_code bulla_rotation_load(bulla_db *db, const char *model, bulla_rotation *rotation, bulla_error *err)
{
	bool there;
	bulla_value name = bulla_value_text(model);
	bulla_rotation_done(rotation);
	TRY(exists(db, "bulla_rotation", &there, err));
	if (!there) return BULLA_OK;
	return db->target->run(
		db, "SELECT kind, since, began, ended, round, done, position, current FROM bulla_rotation WHERE model = ?", &name,
		1, read_row, rotation, NULL, err);
}

bulla_code bulla_rotation_store(bulla_db *db, const char *model, const bulla_rotation *r, bulla_error *err)
{
	bulla_value args[] = {
		bulla_value_text(bulla_rotate_kind_name(r->kind)),
		bulla_value_integer(r->since_us),
		bulla_value_integer(r->began_ms),
		r->pending ? (bulla_value){ 0 } : bulla_value_integer(r->ended_ms),
		bulla_value_integer((int64_t)r->round),
		bulla_value_integer((int64_t)r->done),
		bulla_value_buf(&r->position, BULLA_KIND_BINARY),
		bulla_value_buf(&r->current, BULLA_KIND_TEXT),
		bulla_value_text(model),
	};
	static const char update[] = "UPDATE bulla_rotation SET kind = ?, since = ?, began = ?, ended = ?, round = ?, done = ?, "
				     "position = ?, current = ? WHERE model = ?";
	static const char insert[] =
		"INSERT INTO bulla_rotation(kind, since, began, ended, round, done, position, current, model) "
		"VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)";
	size_t n = sizeof args / sizeof *args;
	uint64_t changed = 0;
	if (r->found) TRY(db->target->run(db, update, args, n, NULL, NULL, &changed, err));
	if (changed) return BULLA_OK;
	TRY(db->target->run(db, table, NULL, 0, NULL, NULL, NULL, err));
	return db->target->run(db, insert, args, n, NULL, NULL, NULL, err);
}

/* --- data keys that are to go -------------------------------------------------------------------------------------- */

bulla_code bulla_rotated_make(bulla_db *db, bulla_error *err)
{
	return db->target->run(db, list, NULL, 0, NULL, NULL, NULL, err);
}

static bulla_value binary(bulla_bytes bytes)
{
	return (bulla_value){ .kind = BULLA_KIND_BINARY, .bytes = bytes };
}

bulla_code bulla_rotated_add(bulla_db *db, const char *model, bulla_bytes commitment, bulla_error *err)
{
	bulla_value args[] = { bulla_value_text(model), binary(commitment), bulla_value_text(model), binary(commitment) };
	return db->target->run(db,
			       "INSERT INTO bulla_rotated(model, commitment) SELECT ?, ? WHERE NOT EXISTS"
			       " (SELECT 1 FROM bulla_rotated WHERE model = ? AND commitment = ?)",
			       args, 4, NULL, NULL, NULL, err);
}

static bulla_code note(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	(void)values;
	(void)n;
	(void)err;
	*(bool *)self = true;
	return BULLA_OK;
}

bulla_code bulla_rotated_has(bulla_db *db, const char *model, bulla_bytes commitment, bool *ret, bulla_error *err)
{
	bulla_value args[] = { bulla_value_text(model), binary(commitment) };
	*ret = false;
	return db->target->run(db, "SELECT 1 FROM bulla_rotated WHERE model = ? AND commitment = ?", args, 2, note, ret, NULL,
			       err);
}

bulla_code bulla_rotated_forget(bulla_db *db, const char *model, bulla_error *err)
{
	bool there;
	bulla_value name = bulla_value_text(model);
	TRY(exists(db, "bulla_rotated", &there, err));
	if (!there) return BULLA_OK;
	return db->target->run(db, "DELETE FROM bulla_rotated WHERE model = ?", &name, 1, NULL, NULL, NULL, err);
}

/* --- indexes that are being replaced ------------------------------------------------------------------------------------ */

static const char window[] = "CREATE TABLE IF NOT EXISTS bulla_window(model TEXT NOT NULL, before TEXT NOT NULL, "
			     "PRIMARY KEY(model, before))";

bulla_code bulla_window_note(bulla_db *db, const char *model, const char *column, bulla_error *err)
{
	bulla_value args[] = { bulla_value_text(model), bulla_value_text(column), bulla_value_text(model),
			       bulla_value_text(column) };
	TRY(db->target->run(db, window, NULL, 0, NULL, NULL, NULL, err));
	return db->target->run(db,
			       "INSERT INTO bulla_window(model, before) SELECT ?, ? WHERE NOT EXISTS"
			       " (SELECT 1 FROM bulla_window WHERE model = ? AND before = ?)",
			       args, 4, NULL, NULL, NULL, err);
}

static bulla_code take_column(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	(void)n;
	return bulla_aside_add(self, values[0].bytes, "", BULLA_REASON_NONE, err);
}

bulla_code bulla_window_list(bulla_db *db, const char *model, bulla_aside *ret, bulla_error *err)
{
	bool there;
	bulla_value name = bulla_value_text(model);
	TRY(exists(db, "bulla_window", &there, err));
	if (!there) return BULLA_OK;
	return db->target->run(db, "SELECT before FROM bulla_window WHERE model = ? ORDER BY 1", &name, 1, take_column, ret, NULL,
			       err);
}

bulla_code bulla_window_forget(bulla_db *db, const char *model, const char *column, bulla_error *err)
{
	bulla_value args[] = { bulla_value_text(model), bulla_value_text(column) };
	return db->target->run(db, "DELETE FROM bulla_window WHERE model = ? AND before = ?", args, 2, NULL, NULL, NULL, err);
}
