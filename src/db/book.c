/*
 * book.c - the row of a model in bulla_job, and how rows are named in the bookkeeping.
 */
#include "db/book.h"

#include "base/cursor.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static const char *const phases[] = { "planned", "applying", "applied", "verified", "dropped", "finished", "undoing" };
#define PHASES (sizeof phases / sizeof *phases)

const char *bulla_phase_name(bulla_phase phase)
{
	return (size_t)phase < PHASES ? phases[phase] : "";
}

/* --- the tables ------------------------------------------------------------------------------------------------- */

static const char *const tables[] = {
	"CREATE TABLE IF NOT EXISTS bulla_job(model TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL, job TEXT NOT NULL, "
	"phase TEXT NOT NULL,"
	" owner TEXT, heartbeat INTEGER, started INTEGER, filled INTEGER, last_unsealed INTEGER, done INTEGER, conflicts "
	"INTEGER, bytes INTEGER,"
	" position BLOB, columns TEXT, casualties TEXT)",
	"CREATE TABLE IF NOT EXISTS bulla_quarantine(model TEXT NOT NULL, pk TEXT NOT NULL, field TEXT NOT NULL, reason TEXT NOT "
	"NULL,"
	" job TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(model, pk, field))",
	"CREATE TABLE IF NOT EXISTS bulla_report(model TEXT NOT NULL, at INTEGER NOT NULL, clean INTEGER NOT NULL, complete "
	"INTEGER NOT NULL,"
	" digest TEXT NOT NULL, report TEXT NOT NULL, PRIMARY KEY(model, at))",
	"CREATE TABLE IF NOT EXISTS bulla_original(model TEXT NOT NULL, position INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT "
	"NOT NULL,"
	" sql TEXT NOT NULL, PRIMARY KEY(model, position))",
};

static bulla_code read_integer(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	(void)n;
	(void)err;
	*(int64_t *)self = values[0].integer;
	return BULLA_OK;
}

bulla_code bulla_book_exists(bulla_db *db, bool *ret, bulla_error *err)
{
	bulla_table *table = NULL;
	int64_t version = 0;
	TRY(db->target->inspect(db, "bulla_job", &table, err));
	*ret = table != NULL;
	bulla_table_free(table);
	if (!*ret) return BULLA_OK;
	TRY(db->target->run(db, "SELECT coalesce(max(version), 0) FROM bulla_job", NULL, 0, read_integer, &version, NULL, err));
	if (version <= BULLA_BOOK_VERSION) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_NEWER, "the jobs in this database belong to a newer release of bulla");
	return bulla_advise(err, code, "use that release here");
}

bulla_code bulla_book_make(bulla_db *db, bulla_error *err)
{
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
		TRY(db->target->run(db, tables[i], NULL, 0, NULL, NULL, NULL, err));
	return BULLA_OK;
}

/* Those above, which are there together, and those that other commands make when they need them. What says which keys were destroyed
 * (bulla_shred) is kept. */
static const char *const together[] = { "bulla_job", "bulla_quarantine", "bulla_report", "bulla_original" };
static const char *const apart[] = { "bulla_rotation", "bulla_rotated", "bulla_window", "bulla_sealed", "bulla_shredded" };

static bulla_code run_on(bulla_db *db, const char *verb, const char *table, const bulla_value *model, int64_t *ret,
			 bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf sql = { 0 };
	TRY(bulla_buf_printf(&sql, err, "%s%s%s", verb, table, model ? " WHERE model = ?" : ""));
	TRY(bulla_buf_terminate(&sql, err));
	return db->target->run(db, (const char *)sql.data, model, model ? 1 : 0, ret ? read_integer : NULL, ret, NULL, err);
}

/* Adds the rows that are left. */
static bulla_code forget(bulla_db *db, const char *table, const char *model, int64_t *left, bool *ret_there, bulla_error *err)
{
	bulla_table *found = NULL;
	bulla_value name = bulla_value_text(model);
	int64_t rows = 0;
	TRY(db->target->inspect(db, table, &found, err));
	*ret_there = found != NULL;
	bulla_table_free(found);
	if (!*ret_there) return BULLA_OK;
	TRY(run_on(db, "DELETE FROM ", table, &name, NULL, err));
	TRY(run_on(db, "SELECT count(*) FROM ", table, NULL, &rows, err));
	*left += rows;
	return BULLA_OK;
}

static bulla_code forget_set(bulla_db *db, const char *const *set, size_t n, const char *model, bulla_error *err)
{
	bool there[sizeof together / sizeof *together];
	int64_t left = 0;
	for (size_t i = 0; i < n; i++)
		TRY(forget(db, set[i], model, &left, &there[i], err));
	for (size_t i = 0; i < n && left == 0; i++)
		if (there[i]) TRY(run_on(db, "DROP TABLE ", set[i], NULL, NULL, err));
	return BULLA_OK;
}

bulla_code bulla_book_forget(bulla_db *db, const char *model, bulla_error *err)
{
	for (size_t i = 0; i < sizeof apart / sizeof *apart; i++)
		TRY(forget_set(db, &apart[i], 1, model, err));
	return forget_set(db, together, sizeof together / sizeof *together, model, err);
}

/* --- the row ---------------------------------------------------------------------------------------------------- */

void bulla_job_state_done(bulla_job_state *state)
{
	bulla_buf_done(&state->position);
	bulla_buf_done(&state->columns);
	bulla_buf_done(&state->casualties);
	*state = (bulla_job_state){ 0 };
}

static void copy_text(char *out, size_t size, const bulla_value *value)
{
	snprintf(out, size, "%.*s", (int)value->bytes.len, value->kind == BULLA_KIND_TEXT ? (const char *)value->bytes.data : "");
}

static int64_t integer_of(const bulla_value *value)
{
	return value->kind == BULLA_KIND_INTEGER ? value->integer : 0;
}

static bulla_code copy_bytes(bulla_buf *out, const bulla_value *value, bulla_error *err)
{
	bool bytes = value->kind == BULLA_KIND_TEXT || value->kind == BULLA_KIND_BINARY;
	return bytes ? bulla_buf_add(out, value->bytes, err) : BULLA_OK;
}

static bulla_code read_row(void *self, const bulla_value *v, size_t n, bulla_error *err)
{
	bulla_job_state *state = self;
	char phase[16];
	(void)n;
	state->found = true;
	copy_text(state->job, sizeof state->job, &v[0]);
	copy_text(phase, sizeof phase, &v[1]);
	while (state->phase < BULLA_PHASE_UNDOING && strcmp(phase, phases[state->phase]) != 0)
		state->phase++;
	copy_text(state->owner, sizeof state->owner, &v[2]);
	state->heartbeat_ms = integer_of(&v[3]);
	state->started_ms = integer_of(&v[4]);
	state->filled_ms = integer_of(&v[5]);
	state->last_unsealed_ms = integer_of(&v[6]);
	state->done = (uint64_t)integer_of(&v[7]);
	state->conflicts = (uint64_t)integer_of(&v[8]);
	state->bytes = (uint64_t)integer_of(&v[9]);
	TRY(copy_bytes(&state->position, &v[10], err));
	TRY(copy_bytes(&state->columns, &v[11], err));
	return copy_bytes(&state->casualties, &v[12], err);
}

bulla_code bulla_book_load(bulla_db *db, const char *model, bulla_job_state *state, bulla_error *err)
{
	bool exists;
	bulla_value name = bulla_value_text(model);
	bulla_job_state_done(state);
	TRY(bulla_book_exists(db, &exists, err));
	if (!exists) return BULLA_OK;
	return db->target->run(db,
			       "SELECT job, phase, owner, heartbeat, started, filled, last_unsealed, done, conflicts, bytes, "
			       "position, columns, casualties"
			       " FROM bulla_job WHERE model = ?",
			       &name, 1, read_row, state, NULL, err);
}

bulla_code bulla_book_store(bulla_db *db, const char *model, const bulla_job_state *state, const char *owner, bulla_error *err)
{
	static const char insert[] = "INSERT INTO bulla_job(model, version, job, phase) SELECT ?, ?, '', '' WHERE NOT EXISTS"
				     " (SELECT 1 FROM bulla_job WHERE model = ?)";
	static const char update[] = "UPDATE bulla_job SET job = ?, phase = ?, owner = ?, heartbeat = ?, started = ?, filled = "
				     "?, last_unsealed = ?, done = ?,"
				     " conflicts = ?, bytes = ?, position = ?, columns = ?, casualties = ? WHERE model = ? AND "
				     "(? IS NULL OR owner = ?)";
	bulla_value fence = owner ? bulla_value_text(owner) : (bulla_value){ 0 };
	bulla_value first[] = { bulla_value_text(model), bulla_value_integer(BULLA_BOOK_VERSION), bulla_value_text(model) };
	bulla_value args[] = {
		bulla_value_text(state->job),
		bulla_value_text(bulla_phase_name(state->phase)),
		*state->owner ? bulla_value_text(state->owner) : (bulla_value){ 0 },
		bulla_value_integer(state->heartbeat_ms),
		bulla_value_integer(state->started_ms),
		bulla_value_integer(state->filled_ms),
		bulla_value_integer(state->last_unsealed_ms),
		bulla_value_integer((int64_t)state->done),
		bulla_value_integer((int64_t)state->conflicts),
		bulla_value_integer((int64_t)state->bytes),
		bulla_value_buf(&state->position, BULLA_KIND_BINARY),
		bulla_value_buf(&state->columns, BULLA_KIND_TEXT),
		bulla_value_buf(&state->casualties, BULLA_KIND_TEXT),
		bulla_value_text(model),
		fence,
		fence,
	};
	uint64_t changed = 0;
	if (!owner) TRY(db->target->run(db, insert, first, 3, NULL, NULL, NULL, err));
	TRY(db->target->run(db, update, args, sizeof args / sizeof *args, NULL, NULL, &changed, err));
	if (changed) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_BUSY, "another process has taken over the job of model %s", model);
}

/* --- naming rows ------------------------------------------------------------------------------------------------ */

static bool has_bytes(const bulla_value *value)
{
	return value->kind == BULLA_KIND_TEXT || value->kind == BULLA_KIND_BINARY;
}

bulla_code bulla_position_write(const bulla_value *values, size_t n, bulla_buf *out, bulla_error *err)
{
	for (size_t i = 0; i < n; i++) {
		TRY(bulla_buf_add_u8(out, (uint8_t)values[i].kind, err));
		uint64_t word = (uint64_t)values[i].integer;
		if (values[i].kind == BULLA_KIND_FLOAT) memcpy(&word, &values[i].number, sizeof word);
		if (has_bytes(&values[i])) word = values[i].bytes.len;
		if (values[i].kind != BULLA_KIND_NULL) TRY(bulla_buf_add_u64(out, word, err));
		if (has_bytes(&values[i])) TRY(bulla_buf_add(out, values[i].bytes, err));
	}
	return BULLA_OK;
}

bulla_code bulla_position_read(bulla_bytes bytes, bulla_value *values, size_t n, bulla_error *err)
{
	bulla_cursor c = bulla_cursor_of(bytes);
	for (size_t i = 0; i < n; i++) {
		values[i] = (bulla_value){ .kind = (bulla_kind)bulla_cursor_u8(&c) };
		if (values[i].kind > BULLA_KIND_BOOLEAN) c.failed = true;
		if (values[i].kind == BULLA_KIND_NULL) continue;
		uint64_t word = bulla_cursor_u64(&c);
		values[i].integer = (int64_t)word;
		memcpy(&values[i].number, &word, sizeof word);
		if (has_bytes(&values[i])) values[i].bytes = bulla_cursor_take(&c, (size_t)word);
	}
	return bulla_cursor_end(&c) ? BULLA_OK
				    : bulla_fail(err, BULLA_ERR_FORMAT, "the checkpoint in bulla_job is not one of this table");
}

static void put_hex(bulla_json_writer *w, bulla_bytes bytes)
{
	bulla_json_open(w, NULL, '{');
	bulla_json_put_hex(w, "hex", bytes);
	bulla_json_close(w, '}');
}

bulla_code bulla_pk_write(const bulla_value *values, const size_t *positions, size_t n, bulla_buf *out, bulla_error *err)
{
	bulla_json_writer w = bulla_json_to(out);
	bulla_json_open(&w, NULL, '[');
	for (size_t i = 0; i < n; i++) {
		const bulla_value *v = &values[positions[i]];
		if (v->kind == BULLA_KIND_INTEGER)
			bulla_json_put_int(&w, NULL, v->integer);
		else if (v->kind == BULLA_KIND_FLOAT)
			bulla_json_put_number(&w, NULL, v->number);
		else if (!has_bytes(v))
			bulla_json_put_null(&w, NULL);
		else if (v->kind == BULLA_KIND_TEXT && bulla_utf8_valid(v->bytes))
			bulla_json_put_bytes(&w, NULL, v->bytes);
		else
			put_hex(&w, v->bytes);
	}
	bulla_json_close(&w, ']');
	return bulla_json_end(&w, err);
}
