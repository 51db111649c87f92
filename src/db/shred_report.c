/*
 * shred_report.c - what was done and proven, what can still tell of it and when that ends: under a signature.
 */
#include "db/shred_inside.h"

#include "db/report.h"
#include "io/file.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#define DAY_TEXT 32

/* --- what can still tell ------------------------------------------------------------------------------------------ */

static void tell(bulla_json_writer *w, const char *how, const char *format, ...) BULLA_PRINTF(3, 4);
static void tell(bulla_json_writer *w, const char *how, const char *format, ...)
{
	char where[512];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(where, sizeof where, format, arguments);
	va_end(arguments);
	bulla_json_open(w, NULL, '{');
	bulla_json_put_str(w, "where", where);
	bulla_json_put_str(w, "how_to_end", how);
	bulla_json_close(w, '}');
}

static void day_of(int64_t us, char out[static DAY_TEXT])
{
	struct tm tm;
	time_t seconds = (time_t)(us / 1000000);
	(void)gmtime_r(&seconds, &tm);
	(void)strftime(out, DAY_TEXT, "%Y-%m-%d %H:%M:%S UTC", &tm);
}

/* When the last backup from before is gone. */
static void tell_end(const bulla_shred_result *r, char *out, size_t size)
{
	char day[DAY_TEXT];
	if (!r->gone_us) {
		(void)snprintf(out, size,
			       "destroy them; how long they are kept is unknown (backups: { retention: ... } in bulla.yaml)");
		return;
	}
	day_of(r->gone_us, day);
	(void)snprintf(out, size, "they are gone by %s, if all are kept as bulla.yaml says", day);
}

static void tell_index(const bulla_shred_report *r, const bulla_model *model, const bulla_field *field, bulla_json_writer *w)
{
	if (r->subject && bulla_subject_has_index(r->options, r->subject, model, field->index))
		tell(w, "it ends with the last such copy, where model or index once had another name; else it has ended",
		     "the blind index of %s.%s in backups and other copies: its key was this subject's own and is destroyed too",
		     model->key, field->name);
	else
		tell(w, "it ends with the last such copy, or when the index has another key and the old one is gone",
		     "the blind index of %s.%s in backups and other copies: who holds the index key can test guesses on it",
		     model->key, field->name);
}

static void tell_fields(const bulla_shred_report *r, const bulla_model *model, bulla_json_writer *w)
{
	for (size_t f = 0; f < model->field_count; f++) {
		const bulla_field *field = &model->fields[f];
		const char *kms_key = model->data_key == BULLA_DATA_KEY_NONE ? NULL : model->keys[field->key].kms_key;
		if (field->index) tell_index(r, model, field, w);
		if (kms_key && r->subject)
			tell(w, "it ends with the last such copy",
			     "the field %s.%s in backups and other copies: it hangs from %s, which still opens it", model->key,
			     field->name, kms_key);
	}
}

static void tell_remains(const bulla_shred_report *r, bulla_json_writer *w)
{
	char end[256];
	bool sense = false;
	tell_end(r->result, end, sizeof end);
	if (r->subject)
		tell(w, end,
		     "backups of the key store from before: one of them and a backup of the data bring it back. bulla kms "
		     "restore destroys the key in them again");
	else
		tell(w, end, "backups, replicas and other copies of the data from before: they open as ever, by the KMS key");
	for (size_t i = 0; i < r->table_count; i++) {
		tell_fields(r, r->tables[i].job->model, w);
		sense |= bulla_shred_leaves_sense(r->tables[i].job->model, !r->subject);
	}
	if (sense && !r->rewritten)
		tell(w, "run it again without --no-rewrite, or VACUUM the database",
		     "free pages and logs of the database's own files");
	if (sense)
		tell(w, "delete the snapshots, then trim or overwrite the free space (fstrim)",
		     "snapshots of the file system, and blocks of the disk that files have left free");
	tell(w, "look for it there: bulla cannot see them", "logs, caches, exports and search engines of the application");
	if (r->subject)
		tell(w, "give branches and contexts opaque ids: the log is not rewritten",
		     "the audit log, in which the branch is named");
}

/* --- what was done ------------------------------------------------------------------------------------------------ */

static void put_table(const bulla_shred_table *t, bulla_json_writer *w)
{
	bulla_json_open(w, NULL, '{');
	bulla_json_put_str(w, "model", t->job->model->key);
	bulla_json_put_str(w, "table", t->run.mapping.table->name);
	bulla_json_put_int(w, "rows", (int64_t)t->rows);
	bulla_json_put_int(w, "cleared", (int64_t)t->book.cleared);
	bulla_json_put_int(w, "refused", (int64_t)t->refused);
	bulla_json_put_int(w, "under_other_keys", (int64_t)t->strays);
	bulla_json_put_int(w, "key_destroyed", (int64_t)t->proven);
	bulla_json_put_int(w, "still_open", (int64_t)t->still_open);
	bulla_json_put_int(w, "neighbours_open", (int64_t)t->neighbours);
	bulla_json_put_int(w, "neighbours_lost", (int64_t)t->lost);
	bulla_json_close(w, '}');
}

static bulla_code write_parts(const bulla_shred_report *r, bulla_error *err)
{
	bulla_json_writer tables = bulla_json_to(&r->result->tables), remains = bulla_json_to(&r->result->remains);
	bulla_json_open(&tables, NULL, '[');
	for (size_t i = 0; i < r->table_count; i++)
		put_table(&r->tables[i], &tables);
	bulla_json_close(&tables, ']');
	bulla_json_open(&remains, NULL, '[');
	tell_remains(r, &remains);
	bulla_json_close(&remains, ']');
	TRY(bulla_json_end(&tables, err));
	return bulla_json_end(&remains, err);
}

static void put_versions(const bulla_subject *s, bulla_json_writer *w)
{
	bulla_json_open(w, "versions", '[');
	for (size_t at = 0; at < s->own; at += 8)
		bulla_json_put_hex(w, NULL, bulla_view(s->versions.data + at, 8));
	bulla_json_close(w, ']');
}

static void put_subject(const bulla_shred_report *r, bulla_json_writer *w)
{
	const bulla_shred_result *result = r->result;
	if (!r->subject) {
		bulla_json_put_str(w, "model", r->tables[0].job->model->key);
		bulla_json_put_raw(w, "primary_key", r->pk);
		bulla_report_time(w, "erased", result->destroyed_us);
		return;
	}
	bulla_json_put_bytes(w, "branch", bulla_view_buf(&result->branch));
	put_versions(r->subject, w);
	bulla_json_put_int(w, "branches_below", (int64_t)result->below);
	bulla_report_time(w, "closed", result->closed_us);
	bulla_report_time(w, "destroyed", result->destroyed_us);
}

static bulla_code write_object(const bulla_shred_report *r, bulla_buf *out, bulla_error *err)
{
	const bulla_shred_result *result = r->result;
	bulla_json_writer w = bulla_json_to(out);
	bulla_json_open(&w, NULL, '{');
	bulla_json_put_str(&w, "report", r->subject ? "bulla shred" : "bulla erase");
	bulla_json_put_int(&w, "version", 1);
	bulla_report_time(&w, "at", bulla_now_us(NULL));
	bulla_json_put_str(&w, "principal", r->job->principal ? r->job->principal : "");
	put_subject(r, &w);
	bulla_json_put_raw(&w, "tables", bulla_view_buf(&result->tables));
	bulla_json_put_bool(&w, "free_pages_rewritten", r->rewritten);
	bulla_report_time(&w, "backups_gone", result->gone_us);
	bulla_json_put_raw(&w, "remains", bulla_view_buf(&result->remains));
	bulla_json_put_str(&w, "bulla", BULLA_VERSION);
	bulla_json_close(&w, '}');
	return bulla_json_end(&w, err);
}

bulla_code bulla_shred_write_report(const bulla_shred_report *r, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf object = { 0 };
	BULLA_BUF_AUTO bulla_buf line = { 0 };
	bulla_shred_result *result = r->result;
	TRY(write_parts(r, err));
	TRY(write_object(r, &object, err));
	TRY(bulla_report_sign(r->job, bulla_view_buf(&object), &line, err));
	return bulla_report_save(r->job, r->subject ? "shred" : "erase", bulla_now_us(NULL), bulla_view_buf(&line),
				 result->report, sizeof result->report, err);
}
