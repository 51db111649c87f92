/*
 * status.c - how far a model is, told from the database alone: no key is needed.
 */
#include "db/run.h"

#include "base/text.h"
#include "db/census.h"
#include "db/quarantine.h"
#include "db/orphan.h"
#include "db/rotation.h"
#include "db/sealed_sql.h"
#include "db/shredded.h"
#include "db/sql_text.h"
#include "format/wrapped_key.h"
#include "io/file.h"

#include <stdio.h>
#include <time.h>

/* --- statements ------------------------------------------------------------------------------------------------ */

/* Two sums for a field: sealed, and unsealed. The rest is NULL. */
static bulla_code add_field(bulla_buf *sql, const bulla_mapping *m, const struct bulla_mapped_field *f, bulla_error *err)
{
	if (!f->cipher) {
		TRY(bulla_buf_add_str(sql, ", 0", err));
	} else {
		TRY(bulla_buf_add_str(sql, ", count(", err));
		TRY(bulla_sealed_add_column(sql, m, true, f->field->column, err));
		TRY(bulla_buf_add_str(sql, ")", err));
	}
	if (!f->plain) return bulla_buf_add_str(sql, ", 0", err);
	TRY(bulla_buf_add_str(sql, ", coalesce(sum(", err));
	TRY(bulla_sealed_add_column(sql, m, false, f->plain->name, err));
	TRY(bulla_buf_add_str(sql, " IS NOT NULL", err));
	if (f->cipher) {
		TRY(bulla_buf_add_str(sql, " AND ", err));
		TRY(bulla_sealed_add_column(sql, m, true, f->field->column, err));
		TRY(bulla_buf_add_str(sql, " IS NULL", err));
	}
	return bulla_buf_add_str(sql, "), 0)", err);
}

static bulla_code count_sql(const bulla_mapping *m, bulla_buf *sql, bulla_error *err)
{
	TRY(bulla_buf_add_str(sql, "SELECT count(*)", err));
	for (size_t f = 0; f < m->model->field_count; f++)
		TRY(add_field(sql, m, &m->fields[f], err));
	TRY(bulla_sealed_add_from(sql, m, err));
	return bulla_buf_terminate(sql, err);
}

/* --- telling --------------------------------------------------------------------------------------------------- */

struct teller {
	bulla_run *run;
	bulla_json_writer *out;
	bulla_census census; /* of one key column */
	bulla_shredded shredded;
	bool counts;         /* rows by this column: of the columns that hang from the branch only the first */
	bulla_bytes current; /* hex: kind and reference of the version that the last rotation went to; empty: not known */
	int64_t debt;        /* rows under others */
};

static bulla_code tell_counts(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	struct teller *t = self;
	const bulla_mapping *m = &t->run->mapping;
	int64_t rows = values[0].integer;
	(void)n;
	(void)err;
	bulla_json_put_int(t->out, "rows", rows);
	bulla_json_open(t->out, "fields", '[');
	for (size_t f = 0; f < m->model->field_count; f++) {
		int64_t sealed = values[1 + 2 * f].integer, unsealed = values[2 + 2 * f].integer;
		bulla_json_open(t->out, NULL, '{');
		bulla_json_put_str(t->out, "name", m->fields[f].field->name);
		bulla_json_put_str(t->out, "column", m->fields[f].field->column);
		bulla_json_put_int(t->out, "sealed", sealed);
		bulla_json_put_int(t->out, "unsealed", unsealed);
		bulla_json_put_int(t->out, "null", rows - sealed - unsealed);
		bulla_json_put_bool(t->out, "index_missing",
				    m->fields[f].cipher && m->fields[f].field->index && !m->fields[f].index);
		bulla_json_put_bool(t->out, "plaintext_left", m->fields[f].plain || t->run->state.phase == BULLA_PHASE_UNDOING);
		bulla_json_close(t->out, '}');
	}
	bulla_json_close(t->out, ']');
	return BULLA_OK;
}

static bool is_version(bulla_bytes version, bulla_bytes hex)
{
	BULLA_BUF_AUTO bulla_buf bytes = { 0 };
	return bulla_hex_decode(hex, &bytes, NULL) == BULLA_OK && bulla_bytes_equal(version, bulla_view_buf(&bytes));
}

static bulla_code take_wraps(void *self, bulla_bytes directory, uint64_t rows, bulla_error *err)
{
	struct teller *t = self;
	bulla_bytes first = bulla_directory_count(directory) ? bulla_view(directory.data + 1, 9) : (bulla_bytes){ 0 };
	bulla_census_add_wraps(&t->census, directory, rows);
	if (t->counts) TRY(bulla_shredded_add(&t->shredded, directory, rows, err));
	if (t->current.len && !is_version(first, t->current)) t->debt += (int64_t)rows;
	return BULLA_OK;
}

static bulla_code tell_versions(struct teller *t, const bulla_json *current, bulla_error *err)
{
	const bulla_mapping *m = &t->run->mapping;
	const bulla_target *target = t->run->db->target;
	bulla_json_open(t->out, "keys", '[');
	for (size_t k = 0; k < m->model->key_count; k++) {
		const char *column = m->model->keys[k].column;
		t->census = (bulla_census){ 0 };
		t->current = bulla_view(NULL, 0);
		if (!m->keys[k]) continue;
		t->counts = m->model->branch.name.text && !m->model->keys[k].kms_key && t->shredded.list.len == 0;
		(void)bulla_json_string(bulla_json_member(current, column), &t->current);
		TRY(target->count_wraps(t->run->db, m->aside ? m->side : m->table, column, false, take_wraps, t, NULL, err));
		bulla_census_tell(&t->census, t->out, column, "rows");
	}
	bulla_json_close(t->out, ']');
	return BULLA_OK;
}

static void tell_time(bulla_json_writer *out, const char *name, int64_t ms)
{
	char text[32];
	struct tm utc;
	time_t seconds = (time_t)(ms / 1000);
	if (ms == 0 || !gmtime_r(&seconds, &utc)) {
		bulla_json_put_null(out, name);
		return;
	}
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
	bulla_json_put_str(out, name, text);
}

/* A rotation that is under way, or was: what it has done, and how much lies under other versions than the one that it went to (the wrap
 * debt), where all rows have the same. */
static bulla_code tell_rotation(struct teller *t, const bulla_rotation *rotation, const bulla_json *current, bulla_error *err)
{
	TRY(tell_versions(t, current, err));
	if (bulla_json_count(current)) bulla_json_put_int(t->out, "wrap_debt", t->debt);
	if (!rotation->found) {
		bulla_json_put_null(t->out, "rotation");
		return BULLA_OK;
	}
	bulla_json_open(t->out, "rotation", '{');
	bulla_json_put_str(t->out, "kind", bulla_rotate_kind_name(rotation->kind));
	bulla_json_put_bool(t->out, "under_way", rotation->pending);
	tell_time(t->out, "began", rotation->began_ms);
	tell_time(t->out, "ended", rotation->ended_ms);
	bulla_json_put_int(t->out, "rotated", (int64_t)rotation->done);
	bulla_json_put_int(t->out, "round", (int64_t)rotation->round);
	bulla_json_close(t->out, '}');
	return BULLA_OK;
}

static bulla_code tell_keys(struct teller *t, bulla_error *err)
{
	bulla_rotation rotation = { 0 };
	bulla_json *current = NULL;
	bulla_code code = bulla_rotation_load(t->run->db, t->run->job->model->key, &rotation, err);
	if (!code && rotation.current.len) code = bulla_json_parse(bulla_view_buf(&rotation.current), &current, err);
	if (!code) code = tell_rotation(t, &rotation, current, err);
	bulla_json_free(current);
	bulla_rotation_done(&rotation);
	return code;
}

static void tell_workers(const bulla_run *run, bulla_json_writer *out)
{
	int64_t now = bulla_now_us(NULL) / 1000;
	bulla_json_open(out, "workers", '[');
	if (run->state.owner[0]) {
		bulla_json_open(out, NULL, '{');
		bulla_json_put_str(out, "owner", run->state.owner);
		bulla_json_put_bool(out, "alive", bulla_lease_is_live(&run->state, now));
		bulla_json_put_int(out, "heartbeat_seconds_ago", (now - run->state.heartbeat_ms) / 1000);
		bulla_json_close(out, '}');
	}
	bulla_json_close(out, ']');
}

static void tell_job(const bulla_run *run, bulla_json_writer *out)
{
	const bulla_job_state *state = &run->state;
	bulla_json_put_str(out, "model", run->job->model->key);
	bulla_json_put_str(out, "table", run->mapping.table->name);
	bulla_json_put_str(out, "phase", bulla_phase_name(state->phase));
	tell_time(out, "started", state->started_ms);
	tell_time(out, "filled", state->filled_ms);
	tell_time(out, "last_plaintext_write", state->last_unsealed_ms);
	bulla_json_put_int(out, "sealed_by_jobs", (int64_t)state->done);
	bulla_json_put_int(out, "conflicts", (int64_t)state->conflicts);
}

static bulla_code tell_number(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	(void)n;
	(void)err;
	bulla_json_put_int(self, "opened", values[0].integer);
	return BULLA_OK;
}

/* How many rows an undo has opened until now. */
static bulla_code tell_undo(bulla_run *run, bulla_json_writer *out, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf sql = { 0 };
	bool there = false;
	if (run->state.phase != BULLA_PHASE_UNDOING) return BULLA_OK;
	TRY(bulla_mapping_stage(&run->mapping, run->db, &there, err));
	if (!there) return BULLA_OK;
	TRY(bulla_buf_add_str(&sql, "SELECT count(*) FROM ", err));
	TRY(bulla_sql_add_name(&sql, run->mapping.stage->name, err));
	TRY(bulla_buf_terminate(&sql, err));
	return run->db->target->run(run->db, (const char *)sql.data, NULL, 0, tell_number, out, NULL, err);
}

/* Sealed columns of fields that the model names no more. */
static bulla_code tell_unnamed(const bulla_run *run, bulla_json_writer *out, bulla_error *err)
{
	bulla_aside orphans = { 0 };
	bulla_code code = bulla_orphan_list(run, &orphans, err);
	bulla_json_open(out, "unnamed", '[');
	for (size_t i = 0; !code && i < orphans.n; i++)
		bulla_json_put_bytes(out, NULL, bulla_aside_entry(&orphans, i).pk);
	bulla_json_close(out, ']');
	bulla_aside_done(&orphans);
	return code;
}

static bulla_code tell_rows(struct teller *t, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf sql = { 0 };
	bulla_run *run = t->run;
	TRY(count_sql(&run->mapping, &sql, err));
	TRY(run->db->target->run(run->db, (const char *)sql.data, NULL, 0, tell_counts, t, NULL, err));
	TRY(tell_keys(t, err));
	return bulla_shredded_tell(&t->shredded, run, t->out, err);
}

static bulla_code tell(bulla_run *run, bulla_json_writer *out, bulla_error *err)
{
	struct teller t = { .run = run, .out = out };
	TRY(run->db->target->begin_read(run->db, err));
	bulla_json_open(out, NULL, '{');
	tell_job(run, out);
	bulla_code code = tell_rows(&t, err);
	bulla_shredded_done(&t.shredded);
	TRY(code);
	TRY(bulla_quarantine_tell(run->db, run->job->model->key, out, "quarantine", err));
	TRY(bulla_quarantine_explain(run->db, run->job->model->key, out, "quarantine_entries", err));
	TRY(tell_unnamed(run, out, err));
	tell_workers(run, out);
	TRY(tell_undo(run, out, err));
	bulla_json_close(out, '}');
	return run->db->target->commit(run->db, err);
}

bulla_code bulla_job_status(const bulla_job *job, bulla_buf *out, bulla_error *err)
{
	bulla_run run;
	bulla_json_writer writer = bulla_json_to(out);
	TRY(bulla_run_open(&run, job, false, false, err));
	bulla_code code = tell(&run, &writer, err);
	if (!code) code = bulla_json_end(&writer, err);
	bulla_run_close(&run);
	return code;
}

/* --- the quarantine, entry by entry ---------------------------------------------------------------------------- */

typedef struct lister {
	bulla_code (*each)(void *self, const bulla_put_aside *entry, bulla_error *err);
	void *self;
} lister;

static bulla_code list_entry(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	const lister *l = self;
	bulla_put_aside entry = { values[0].bytes, values[1].bytes, values[2].bytes, values[3].bytes, values[4].integer };
	const uint8_t *colon = entry.kind.len ? memchr(entry.kind.data, ':', entry.kind.len) : NULL;
	(void)n;
	if (colon) entry.kind.len = (size_t)(colon - entry.kind.data);
	return l->each(l->self, &entry, err);
}

bulla_code bulla_job_quarantine(const bulla_job *job,
				bulla_code (*each)(void *self, const bulla_put_aside *entry, bulla_error *err), void *self,
				bulla_error *err)
{
	static const char sql[] = "SELECT pk, field, reason, job, at FROM bulla_quarantine WHERE model = ? ORDER BY pk, field";
	bulla_run run;
	bool exists = false;
	lister l = { each, self };
	bulla_value model = bulla_value_text(job->model->key);
	TRY(bulla_run_open(&run, job, false, false, err));
	bulla_code code = bulla_book_exists(run.db, &exists, err);
	if (!code && exists) code = run.db->target->run(run.db, sql, &model, 1, list_entry, &l, NULL, err);
	bulla_run_close(&run);
	return code;
}
