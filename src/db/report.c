/*
 * report.c - making, signing, keeping and checking reports.
 */
#include "db/report.h"

#include "base/text.h"
#include "crypto/sign.h"
#include "io/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SIGNATURE_MEMBER ",\"signature\":"

/* --- the object --------------------------------------------------------------------------------------------------- */

static void format_time(int64_t us, const char *format, char *out, size_t size)
{
	struct tm tm;
	time_t seconds = (time_t)(us / 1000000);
	char day[32];
	gmtime_r(&seconds, &tm);
	strftime(day, sizeof day, format, &tm);
	snprintf(out, size, "%s.%03dZ", day, (int)(us / 1000 % 1000));
}

void bulla_report_time(bulla_json_writer *w, const char *name, int64_t us)
{
	char text[40];
	format_time(us, "%Y-%m-%dT%H:%M:%S", text, sizeof text);
	bulla_json_put_str(w, name, us ? text : NULL);
}

static void tell_fields(const bulla_model *model, bulla_json_writer *w)
{
	bulla_json_open(w, "fields", '[');
	for (size_t i = 0; i < model->field_count; i++)
		bulla_json_put_str(w, NULL, model->fields[i].name);
	bulla_json_close(w, ']');
}

/* Primary keys as JSON texts: what names a row in the quarantine names it here. */
static void tell_examples(const bulla_aside *examples, bulla_json_writer *w)
{
	bulla_json_open(w, "differing_rows", '[');
	for (size_t i = 0; i < examples->n; i++)
		bulla_json_put_bytes(w, NULL, bulla_aside_entry(examples, i).pk);
	bulla_json_close(w, ']');
}

static void tell_counts(const bulla_report *r, bulla_json_writer *w)
{
	const bulla_verified *found = r->found;
	bulla_json_put_int(w, "rows", (int64_t)r->rows);
	bulla_json_put_int(w, "looked_at", (int64_t)found->rows);
	bulla_json_put_int(w, "equal", (int64_t)found->equal);
	bulla_json_put_int(w, "differences", (int64_t)found->differences);
	bulla_json_put_int(w, "unsealed", (int64_t)found->unsealed);
	bulla_json_put_int(w, "not_opened", (int64_t)found->failed);
	bulla_json_put_int(w, "shredded", (int64_t)found->shredded);
	if (r->strict) bulla_json_put_int(w, "stale", (int64_t)found->stale);
	bulla_json_put_int(w, "sample", (int64_t)r->sample);
	bulla_json_put_str(w, "read", r->paged ? "pages" : "snapshot");
	bulla_json_put_bool(w, "complete", r->complete);
	bulla_json_put_bool(w, "clean", r->clean);
	bulla_json_put_bool(w, "finished", r->finished);
}

static bulla_code write_object(const bulla_report *r, bulla_buf *out, bulla_error *err)
{
	const bulla_job *job = r->run->job;
	bulla_json_writer w = bulla_json_to(out);
	char digest[65];
	bulla_digest_hex(&r->found->digest, digest);
	bulla_json_open(&w, NULL, '{');
	bulla_json_put_str(&w, "report", r->title ? r->title : "bulla verification");
	bulla_json_put_int(&w, "version", 1);
	bulla_json_put_str(&w, "model", job->model->key);
	bulla_json_put_str(&w, "table", r->run->mapping.table->name);
	bulla_report_time(&w, "at", r->at_us);
	bulla_json_put_str(&w, "principal", job->principal ? job->principal : "");
	bulla_json_put_str(&w, "job", r->run->id);
	tell_counts(r, &w);
	if (r->undo.len) bulla_json_put_raw(&w, "undo", r->undo);
	tell_fields(job->model, &w);
	bulla_json_put_str(&w, "digest", digest);
	bulla_json_put_str(&w, "digest_equal_to", r->equal_to);
	bulla_json_put_str(&w, "fingerprint", r->fingerprint);
	bulla_json_open(&w, "keys", '[');
	bulla_census_tell(&r->found->census, &w, NULL, "records");
	bulla_json_close(&w, ']');
	tell_examples(&r->found->examples, &w);
	bulla_json_put_number(&w, "seconds", bulla_run_seconds(r->run));
	bulla_json_put_str(&w, "bulla", BULLA_VERSION);
	bulla_json_close(&w, '}');
	return bulla_json_end(&w, err);
}

/* --- the signature ------------------------------------------------------------------------------------------------ */

static bulla_code write_signature(const bulla_job *job, bulla_bytes object, bulla_buf *out, bulla_error *err)
{
	uint8_t key[32], signature[BULLA_SIGNATURE_SIZE];
	TRY(bulla_ed25519_public(job->sign_seed, key, err));
	TRY(bulla_ed25519_sign(job->sign_seed, object, signature, err));
	bulla_json_writer w = bulla_json_to(out);
	bulla_json_open(&w, NULL, '{');
	bulla_json_put_str(&w, "name", job->sign_name ? job->sign_name : "");
	bulla_json_put_hex(&w, "key", bulla_view(key, sizeof key));
	bulla_json_put_base64(&w, "ed25519", bulla_view(signature, sizeof signature));
	bulla_json_close(&w, '}');
	return bulla_json_end(&w, err);
}

bulla_code bulla_report_sign(const bulla_job *job, bulla_bytes object, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_add(out, bulla_view(object.data, object.len - 1), err));
	TRY(bulla_buf_add_str(out, SIGNATURE_MEMBER, err));
	TRY(write_signature(job, object, out, err));
	return bulla_buf_add_str(out, "}\n", err);
}

bulla_code bulla_report_make(const bulla_report *report, bulla_buf *out, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf object = { 0 };
	TRY(write_object(report, &object, err));
	return bulla_report_sign(report->run->job, bulla_view_buf(&object), out, err);
}

/* The last member of `line`: where it begins, and its object. What follows it would not be signed: nothing may. */
static bulla_code find_signature(bulla_bytes line, size_t *ret_at, bulla_bytes *ret_object, bulla_error *err)
{
	const size_t n = strlen(SIGNATURE_MEMBER);
	if (line.len == 0) return bulla_fail(err, BULLA_ERR_FORMAT, "the report is empty");
	const uint8_t *cut = line.data, *last = NULL, *end = line.data + line.len;
	for (; (cut = memmem(cut, (size_t)(end - cut), SIGNATURE_MEMBER, n)); cut += n)
		last = cut;
	if (!last) return bulla_fail(err, BULLA_ERR_FORMAT, "the report has no signature");
	if (end[-1] == '\n') end--;
	if (end[-1] != '}') return bulla_fail(err, BULLA_ERR_FORMAT, "the report goes on behind its signature");
	*ret_at = (size_t)(last - line.data);
	*ret_object = bulla_view(last + n, (size_t)(end - 1 - last) - n);
	return BULLA_OK;
}

/* An object alone: another member behind it does not parse. */
static bulla_code read_signature(bulla_bytes object, bulla_buf *out, bulla_error *err)
{
	bulla_json *signature = NULL;
	bulla_bytes text;
	TRY(bulla_json_parse(object, &signature, err));
	bool found = bulla_json_string(bulla_json_member(signature, "ed25519"), &text);
	bulla_code code =
		found ? bulla_base64_decode(text, out, err) : bulla_fail(err, BULLA_ERR_FORMAT, "the report has no signature");
	bulla_json_free(signature);
	return code;
}

bulla_code bulla_report_check(bulla_bytes line, const uint8_t public_key[static 32], bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf object = { 0 }, signature = { 0 };
	bulla_bytes last;
	size_t at = 0;
	TRY(find_signature(line, &at, &last, err));
	TRY(read_signature(last, &signature, err));
	TRY(bulla_buf_add(&object, bulla_view(line.data, at), err));
	TRY(bulla_buf_add_str(&object, "}", err));
	return bulla_ed25519_verify(public_key, bulla_view_buf(&object), bulla_view_buf(&signature), err);
}

/* --- keeping ------------------------------------------------------------------------------------------------------ */

/* A model's key is any YAML scalar; a file name is not. */
static void file_name(const char *key, char *out, size_t size)
{
	size_t n = 0;
	for (; key[n] && n + 1 < size; n++) {
		bool plain = (key[n] >= 'a' && key[n] <= 'z') || (key[n] >= 'A' && key[n] <= 'Z') ||
			     (key[n] >= '0' && key[n] <= '9') || key[n] == '_';
		out[n] = plain ? key[n] : '_';
	}
	out[n] = 0;
}

bulla_code bulla_report_file(const bulla_report *report, bulla_bytes line, char *ret_path, size_t size, bulla_error *err)
{
	const bulla_job *job = report->run->job;
	return bulla_report_save(job, job->model->key, report->at_us, line, ret_path, size, err);
}

bulla_code bulla_report_save(const bulla_job *job, const char *subject, int64_t at_us, bulla_bytes line, char *ret_path,
			     size_t size, bulla_error *err)
{
	char name[64], at[40];
	*ret_path = 0;
	if (!job->reports) return BULLA_OK;
	TRY(bulla_directory_make(job->reports, 0700, err));
	file_name(subject, name, sizeof name);
	format_time(at_us, "%Y%m%dT%H%M%S", at, sizeof at);
	if (snprintf(ret_path, size, "%s/%s-%s.json", job->reports, name, at) >= (int)size)
		return bulla_fail(err, BULLA_ERR_LIMIT, "the path of the reports is longer than %zu bytes", size);
	return bulla_file_write(ret_path, line, 0600, false, err);
}

bulla_code bulla_report_keep(const bulla_report *report, bulla_bytes line, bulla_error *err)
{
	char digest[65];
	bulla_db *db = report->run->db;
	bulla_digest_hex(&report->found->digest, digest);
	bulla_value args[] = { bulla_value_text(report->run->job->model->key),
			       bulla_value_integer(report->at_us / 1000),
			       bulla_value_integer(report->clean),
			       bulla_value_integer(report->complete),
			       bulla_value_text(digest),
			       { .kind = BULLA_KIND_TEXT, .bytes = line } };
	TRY(db->target->run(db, "DELETE FROM bulla_report WHERE model = ? AND at = ?", args, 2, NULL, NULL, NULL, err));
	return db->target->run(db,
			       "INSERT INTO bulla_report(model, at, clean, complete, digest, report) VALUES(?, ?, ?, ?, ?, ?)",
			       args, 6, NULL, NULL, NULL, err);
}

static void copy_member(const bulla_json *report, const char *name, char *out, size_t size)
{
	bulla_bytes text = { 0 };
	(void)bulla_json_string(bulla_json_member(report, name), &text);
	snprintf(out, size, "%.*s", (int)text.len, text.len ? (const char *)text.data : "");
}

/* Clean, complete and of this model, by its own words: the columns beside it are not signed. */
static bool is_of(const bulla_json *report, const char *model)
{
	bulla_bytes text;
	bool clean = false, complete = false;
	return bulla_json_string(bulla_json_member(report, "model"), &text) && bulla_bytes_is(text, model) &&
	       bulla_json_boolean(bulla_json_member(report, "clean"), &clean) && clean &&
	       bulla_json_boolean(bulla_json_member(report, "complete"), &complete) && complete;
}

static bulla_code read_report(bulla_bytes line, const char *model, bulla_last_report *ret, bulla_error *err)
{
	bulla_json *report = NULL;
	int64_t rows = 0;
	TRY(bulla_json_parse(line, &report, err));
	ret->found = is_of(report, model);
	copy_member(report, "digest", ret->digest, sizeof ret->digest);
	copy_member(report, "fingerprint", ret->fingerprint, sizeof ret->fingerprint);
	copy_member(report, "at", ret->at, sizeof ret->at);
	(void)bulla_json_integer(bulla_json_member(report, "rows"), &rows);
	ret->rows = (uint64_t)rows;
	bulla_json_free(report);
	return BULLA_OK;
}

static bulla_code copy_line(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	(void)n;
	if (values[0].kind != BULLA_KIND_TEXT || values[0].bytes.len > BULLA_REPORT_MAX) return BULLA_OK;
	return bulla_buf_add(self, values[0].bytes, err);
}

/* Anybody who can write the database can write a report: only a signature makes one. */
bulla_code bulla_report_last(const bulla_run *run, const uint8_t seed[static 32], bulla_last_report *ret, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf line = { 0 };
	uint8_t public_key[32];
	bulla_value model = bulla_value_text(run->job->model->key);
	bool exists;
	*ret = (bulla_last_report){ 0 };
	TRY(bulla_book_exists(run->db, &exists, err));
	if (!exists) return BULLA_OK;
	TRY(run->db->target->run(
		run->db,
		"SELECT report FROM bulla_report WHERE model = ? AND clean = 1 AND complete = 1 ORDER BY at DESC LIMIT 1", &model,
		1, copy_line, &line, NULL, err));
	if (line.len == 0) return BULLA_OK;
	TRY(bulla_ed25519_public(seed, public_key, err));
	bulla_code code = bulla_report_check(bulla_view_buf(&line), public_key, err);
	if (code == BULLA_ERR_MEMORY) return code;
	if (code) return BULLA_OK;
	return read_report(bulla_view_buf(&line), run->job->model->key, ret, err);
}
