/* A public sample database from plan to finish: Chinook's customers and employees. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "world.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define YAML                                                                                                                     \
	"  customers:\n    table: Customer\n    primary_key: CustomerId\n    context: { model_name: Customer, model_id: "        \
	"\"{CustomerId}\" }\n"                                                                                                   \
	"    branch_key: { name: customers }\n    fields:\n      FirstName: { type: string }\n      LastName: { type: string, "  \
	"index: {} }\n"                                                                                                          \
	"      Address: { type: string }\n      Phone: { type: string }\n      Fax: { type: string }\n"                          \
	"      Email: { type: string, index: { normalize: lowercase, unique: true } }\n"                                         \
	"  employees:\n    table: Employee\n    primary_key: EmployeeId\n    context: { model_name: Employee, model_id: "        \
	"\"{EmployeeId}\" }\n"                                                                                                   \
	"    branch_key: { name: employees }\n    fields: { BirthDate: { type: datetime } }\n"

static bool find_chinook(char *out, size_t size)
{
	const char *shared = getenv("BULLA_SHARED");
	snprintf(out, size, "%s/data/Chinook_Sqlite.sqlite", shared ? shared : SHARED);
	return access(out, R_OK) == 0;
}

typedef struct records {
	size_t n;
	char first[2048]; /* column=value, of the first record */
	char all[262144]; /* values, one after the other */
} records;

static void add_text(char *out, size_t size, const bulla_value *v)
{
	size_t at = strlen(out);
	if (v->kind == BULLA_KIND_INTEGER)
		snprintf(out + at, size - at, "%lld|", (long long)v->integer);
	else if (v->kind == BULLA_KIND_TEXT)
		snprintf(out + at, size - at, "%.*s|", (int)v->bytes.len, (const char *)v->bytes.data);
	else
		snprintf(out + at, size - at, "?%d|", (int)v->kind);
}

static bulla_code collect(void *self, const char *const *names, const bulla_value *values, size_t n, bulla_error *err)
{
	records *r = self;
	(void)err;
	for (size_t i = 0; i < n; i++) {
		size_t at = strlen(r->first);
		if (r->n == 0) snprintf(r->first + at, sizeof r->first - at, "%s=", names[i]);
		if (r->n == 0) add_text(r->first, sizeof r->first, &values[i]);
		add_text(r->all, sizeof r->all, &values[i]);
	}
	r->n++;
	return BULLA_OK;
}

static void check(const world *w, bulla_code code)
{
	if (code) fail_msg("%s: %s", bulla_code_name(code), w->err.text);
}

static void run_model(world *w, const char *model, uint64_t rows)
{
	BULLA_BUF_AUTO bulla_buf plan = { 0 };
	size_t refusals;
	world_model(w, model);
	check(w, bulla_job_plan(&w->job, &plan, &refusals, &w->err));
	assert_int_equal(refusals, 0);
	world_apply(w);
	assert_int_equal(w->result.done, rows);
	world_verify_clean(w);
}

static void a_sample_database_from_plan_to_finish(void **state)
{
	(void)state;
	static records before, after;
	char path[4096];
	world w;
	uint64_t hits, others;
	bulla_exported done;
	if (!find_chinook(path, sizeof path)) {
		print_message("no %s: skipped\n", path);
		skip();
	}
	before = after = (records){ 0 };
	world_open_copy(&w, path, YAML);
	int64_t customers = world_int(&w, "SELECT count(*) FROM Customer"),
		employees = world_int(&w, "SELECT count(*) FROM Employee");
	world_sql(&w, "CREATE TABLE keep AS SELECT * FROM Customer");
	run_model(&w, "customers", (uint64_t)customers);
	check(&w, bulla_job_export(&w.job, collect, &before, &done, &w.err));
	assert_int_equal(done.rows, customers);
	world_sql(&w, "DROP TABLE keep");
	world_finish(&w);
	check(&w, bulla_job_export(&w.job, collect, &after, &done, &w.err));
	assert_int_equal(done.failed, 0);
	assert_string_equal(before.all, after.all);
	assert_non_null(strstr(after.first, "CustomerId=1|FirstName=Luís|LastName=Gonçalves|"));
	assert_int_equal(world_grep(&w, "Gonçalves", strlen("Gonçalves")), 0);
	assert_int_equal(world_grep(&w, "@gmail.com", 10), 0);

	records found = { 0 };
	bulla_value wanted = { .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str("LUISG@embraer.com.br") };
	const bulla_field *email;
	check(&w, bulla_model_field(w.job.model, "Email", &email, &w.err));
	check(&w, bulla_job_search(&w.job, email, &wanted, collect, &found, &hits, &others, &w.err));
	assert_int_equal(hits, 1);
	assert_non_null(strstr(found.first, "Luís"));

	records one = { 0 };
	bulla_bytes id = bulla_view_str("2");
	check(&w, bulla_job_get(&w.job, &id, 1, NULL, 0, collect, &one, &w.err));
	assert_non_null(strstr(one.first, "CustomerId=2|FirstName=Leonie|LastName=Köhler|"));

	BULLA_BUF_AUTO bulla_buf status = { 0 };
	check(&w, bulla_job_status(&w.job, &status, &w.err));
	check(&w, bulla_buf_terminate(&status, &w.err));
	assert_non_null(strstr((const char *)status.data, "\"phase\":\"finished\""));

	run_model(&w, "employees", (uint64_t)employees);
	world_finish(&w);
	world_verify_clean(&w);
	assert_true(w.result.digest_equal);
	assert_string_equal(world_text(&w, "PRAGMA integrity_check"), "ok");
	assert_int_equal(world_int(&w, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_sample_database_from_plan_to_finish) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
