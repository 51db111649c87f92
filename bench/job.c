/*
 * job.c - one step of a job on one database, timed: `job apply|verify|finish|wrap|data|scan DATABASE DIRECTORY`.
 *
 * Prints seconds and the peak of resident memory in KiB. Linked with floor_batch.c instead of the real batch it is the floor: the same
 * statements, triggers and checkpoints with random bytes in the place of cryptography.
 */
#include "bench.h"
#include "world.h"

#include "db/job.h"

#include <sqlite3.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

double bench_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const char YAML[] = "version: 1\n"
			   "environments: { development: { key: \"env:BENCH_KEY\" } }\n"
			   "databases: { main: { url: \"sqlite:%s\" } }\n"
			   "models:\n"
			   "  users:\n"
			   "    context: { model_name: User, model_id: \"{id}\" }\n"
			   "    branch_key: { name: users }\n"
			   "    fields: { first_name: { type: string }, email: { type: string } }\n";

/* Every column of every row, as a program that reads the whole table would. */
static bulla_code scan(const char *path, bulla_error *err)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *s = NULL;
	volatile size_t sum = 0;
	bool ok = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
		  sqlite3_prepare_v2(db, "SELECT * FROM users", -1, &s, NULL) == SQLITE_OK;
	int code = SQLITE_DONE;
	while (ok && (code = sqlite3_step(s)) == SQLITE_ROW)
		for (int c = 0; c < sqlite3_column_count(s); c++) {
			const uint8_t *bytes = sqlite3_column_blob(s, c);
			int len = sqlite3_column_bytes(s, c);
			if (len) sum += bytes[0] + (size_t)len;
		}
	sqlite3_finalize(s);
	sqlite3_close(db);
	return ok && code == SQLITE_DONE ? BULLA_OK : bulla_fail(err, BULLA_ERR_DATABASE, "cannot read the table");
}

static bulla_code apply(const bulla_job *job, uint64_t *ret_rows, bulla_error *err)
{
	bulla_job_result result;
	TRY(bulla_job_apply(job, &(bulla_apply_options){ 0 }, &result, err));
	*ret_rows = result.done;
	return BULLA_OK;
}

static bulla_code verify(const bulla_job *job, uint64_t *ret_rows, bulla_error *err)
{
	bulla_job_result result;
	TRY(bulla_job_verify(job, &(bulla_verify_options){ 0 }, &result, err));
	*ret_rows = result.done;
	return BULLA_OK;
}

static bulla_code finish(const bulla_job *job, uint64_t *ret_rows, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf places = { 0 };
	bulla_job_result result;
	TRY(bulla_job_finish(job, &(bulla_finish_options){ 0 }, &result, &places, err));
	*ret_rows = result.rows;
	return BULLA_OK;
}

static bulla_code rotate(const bulla_job *job, bulla_rotate_kind kind, uint64_t *ret_rows, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf census = { 0 };
	bulla_rotate_result result;
	TRY(bulla_job_rotate(job, &(bulla_rotate_options){ .kind = kind }, &result, &census, err));
	*ret_rows = result.left ? 0 : result.changed;
	return BULLA_OK;
}

static bulla_code wrap(const bulla_job *job, uint64_t *ret_rows, bulla_error *err)
{
	return rotate(job, BULLA_ROTATE_WRAP, ret_rows, err);
}

static bulla_code data(const bulla_job *job, uint64_t *ret_rows, bulla_error *err)
{
	return rotate(job, BULLA_ROTATE_DATA, ret_rows, err);
}

static const struct {
	const char *name;
	bulla_code (*run)(const bulla_job *job, uint64_t *ret_rows, bulla_error *err);
} steps[] = {
	{ "apply", apply }, { "verify", verify }, { "finish", finish }, { "wrap", wrap }, { "data", data },
};

static bulla_code run_step(const char *what, const bulla_job *job, bulla_error *err)
{
	uint64_t rows = 0;
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		if (strcmp(what, steps[i].name) == 0) TRY(steps[i].run(job, &rows, err));
	return rows ? BULLA_OK : bulla_fail(err, BULLA_ERR_INTERNAL, "the job did nothing");
}

static bulla_code run(const char *what, const char *path, const char *directory, bulla_error *err)
{
	static const uint8_t seed[32] = { 1 };
	char yaml[2048], store[1024];
	bench_world world;
	if (strcmp(what, "scan") == 0) return scan(path, err);
	snprintf(yaml, sizeof yaml, YAML, path);
	snprintf(store, sizeof store, "sqlite:%s/store.db", directory);
	TRY(bench_world_open(&world, yaml, store, err));
	bulla_job job = { .keyring = world.keyring,
			  .schema = world.schema,
			  .model = world.model,
			  .base_dir = directory,
			  .reports = directory,
			  .sign_seed = seed,
			  .sign_name = "bench",
			  .principal = "bench" };
	char url[1024];
	snprintf(url, sizeof url, "sqlite:%s", path);
	job.url = url;
	bulla_code code = run_step(what, &job, err);
	bench_world_close(&world);
	return code;
}

int main(int argc, char **argv)
{
	bulla_error err = { 0 };
	struct rusage usage;
	if (argc != 4) return 2;
	double start = bench_seconds();
	if (run(argv[1], argv[2], argv[3], &err)) {
		fprintf(stderr, "bench job: %s: %s\n", bulla_code_name(err.code), err.text);
		return 1;
	}
	double seconds = bench_seconds() - start;
	getrusage(RUSAGE_SELF, &usage);
	printf("%.6f %ld\n", seconds, usage.ru_maxrss);
	return 0;
}
