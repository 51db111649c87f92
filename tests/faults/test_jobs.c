/*
 * test_jobs.c - allocations of a whole job made to fail, one in each run: the job says so, every row is what it was, and the job then goes on.
 *
 * A job allocates some thousand times: BULLA_FAULTS of them are tried in each (60 where it is not set), other ones on another day.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../unit/db/world.h"
#include "base/text.h"
#include "faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROWS   40
#define TRIES  60 /* faults of one job in a short run */
#define TO_SQL "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b BLOB, other TEXT)"
#define MODEL                                                                                                                    \
	"  t:\n    context: { model_id: \"{id}\" }\n    branch_key: { name: t }\n    migrating: true\n    read: ciphertext\n"    \
	"    fields: { a: { index: { normalize: lowercase } }, b: { type: binary } }\n"

static const char *const plaintext =
	"SELECT group_concat(id || ':' || ifnull(a, 'NULL') || ':' || ifnull(lower(hex(b)), 'NULL'), '|')"
	" FROM (SELECT * FROM t ORDER BY id)";

static char fill_sql[65536];

static const char *filled(void)
{
	size_t n = (size_t)snprintf(fill_sql, sizeof fill_sql, TO_SQL ";");
	for (int i = 1; i <= ROWS; i++)
		n += (size_t)snprintf(fill_sql + n, sizeof fill_sql - n, "INSERT INTO t VALUES (%d, %s, %s, 'x%d');", i,
				      i % 5 ? "'Text of ' || abs(random())" : "NULL", i % 7 ? "randomblob(20)" : "zeroblob(0)",
				      i);
	return fill_sql;
}

/* --- the jobs -------------------------------------------------------------------------------------------------- */

typedef bulla_code (*job)(world *w);

static bulla_code plan(world *w)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	size_t refusals = 0;
	return bulla_job_plan(&w->job, &out, &refusals, &w->err);
}

static bulla_code apply(world *w)
{
	return bulla_job_apply(&w->job, NULL, &w->result, &w->err);
}

static bulla_code verify(world *w)
{
	bulla_verify_options options = { 0 };
	return bulla_job_verify(&w->job, &options, &w->result, &w->err);
}

static bulla_code finish(world *w)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	bulla_finish_options options = { .settle_ms = 0 };
	return bulla_job_finish(&w->job, &options, &w->result, &out, &w->err);
}

/* A row as the query writes it. */
static bulla_code take_row(void *self, const char *const *names, const bulla_value *values, size_t n, bulla_error *err)
{
	bulla_buf *out = self;
	(void)names, (void)n;
	TRY(bulla_buf_printf(out, err, "%s%d:", out->len ? "|" : "", (int)values[0].integer));
	TRY(values[1].kind ? bulla_buf_add(out, values[1].bytes, err) : bulla_buf_add_str(out, "NULL", err));
	TRY(bulla_buf_add_u8(out, ':', err));
	TRY(values[2].kind ? bulla_hex_encode(values[2].bytes, out, err) : bulla_buf_add_str(out, "NULL", err));
	return bulla_buf_terminate(out, err);
}

static bulla_code read_out(world *w, bulla_buf *out)
{
	bulla_exported found;
	bulla_buf_clear(out);
	TRY(bulla_job_export(&w->job, take_row, out, &found, &w->err));
	if (found.rows != ROWS || found.failed) fail_msg("%d rows were exported, %d failed", (int)found.rows, (int)found.failed);
	return BULLA_OK;
}

static bulla_code export_all(world *w)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	return read_out(w, &out);
}

static void must(world *w, bulla_code code, const char *what)
{
	if (code) fail_msg("%s: %s: %s (%s)", what, bulla_code_name(code), w->err.text, w->err.next);
}

/* What comes before each of them, and what it changes. */
static const struct step {
	const char *name;
	job run;
	int before; /* how many of the ladder's steps */
	bool drops; /* the plaintext, when it has succeeded */
} steps[] = {
	{ "plan", plan, 0, false },     { "apply", apply, 0, false },  { "apply again", apply, 1, false },
	{ "verify", verify, 1, false }, { "finish", finish, 2, true }, { "export", export_all, 3, true },
};

static void climb(world *w, int n)
{
	static const job ladder[] = { apply, verify, finish };
	for (int i = 0; i < n; i++)
		must(w, ladder[i](w), "a step of the ladder");
}

/* --- one fault ------------------------------------------------------------------------------------------------- */

static bool is_finished(world *w)
{
	return world_int(w, "SELECT count(*) FROM pragma_table_info('t') WHERE name = 'a'") == 0;
}

/* As plaintext where it is still there, and read through the library. */
static void check_rows(world *w, const char *expected)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	if (!is_finished(w)) assert_string_equal(world_text(w, plaintext), expected);
	if (world_int(w, "SELECT count(*) FROM pragma_table_info('t') WHERE name = 'encrypted_kms_key'") == 0) return;
	must(w, read_out(w, &out), "export");
	assert_string_equal(out.data, expected);
}

static size_t complaints;

/* 1 when the fault was told. */
static long run_once(const struct step *step, long number, bool *ret_fired)
{
	world w;
	world_open(&w, filled(), MODEL);
	char *expected = strdup(world_text(&w, plaintext));
	climb(&w, step->before);
	w.err = (bulla_error){ 0 };
	faults_arm(number, false);
	bulla_code code = step->run(&w);
	*ret_fired = faults_disarm();
	if (code && (!*ret_fired || (code != BULLA_ERR_MEMORY && code != BULLA_ERR_CRYPTO && code != BULLA_ERR_DATABASE)))
		print_error("%s: allocation %ld: %s: %s\n", step->name, number, bulla_code_name(code), w.err.text), complaints++;
	check_rows(&w, expected);
	if (code) must(&w, step->run(&w), step->name);
	if (!is_finished(&w)) {
		must(&w, apply(&w), "apply");
		world_verify_clean(&w);
		must(&w, finish(&w), "finish");
	}
	assert_int_equal(world_int(&w, "SELECT count(*) FROM bulla_quarantine"), 0);
	check_rows(&w, expected);
	free(expected);
	world_close(&w);
	return code ? 1 : 0;
}

/* How many faults are tried in each job: all in short ones. */
static long wanted(void)
{
	const char *given = getenv("BULLA_FAULTS");
	return given ? strtol(given, NULL, 10) : TRIES;
}

static void try_step(const struct step *step)
{
	long end = 64, refused = 0, tried = 0;
	bool fired = true;
	for (; fired; end *= 2) /* how many there are, roughly */
		refused += run_once(step, end, &fired);
	long stride = end / 2 / (wanted() > 0 ? wanted() : 1) + 1;
	long n = time(NULL) / 86400 % stride;
	for (fired = true; fired; n += stride, tried++)
		refused += run_once(step, n, &fired);
	print_message("%s: %ld of about %ld allocations, %ld were fatal to it\n", step->name, tried, n, refused);
	assert_true(refused > 0);
}

static void jobs_go_on(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		try_step(&steps[i]);
	assert_int_equal(complaints, 0);
}

int main(void)
{
	faults_install();
	const struct CMUnitTest tests[] = { cmocka_unit_test(jobs_go_on) };
	return cmocka_run_group_tests_name("faults/jobs", tests, NULL, NULL);
}
