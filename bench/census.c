/*
 * census.c - the command `key census` over a million rows that hang from two versions of a branch key, row by row in turn as a
 * rotation leaves them: exact counts, the whole process from its start to its end.
 */
#include "bench.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TARGET_MS 150
#define ROUNDS    5

static const char yaml[] = "version: 1\n"
			   "databases: { main: { url: \"sqlite:app.db\" } }\n"
			   "models:\n"
			   "  users:\n"
			   "    context: { model_name: User, model_id: \"{id}\" }\n"
			   "    branch_key: { name: users }\n"
			   "    fields: { email: {} }\n";

/* Wrapped keys of 98 bytes; two of three are under the newer version. */
static const char sql[] =
	"PRAGMA journal_mode=WAL;"
	"CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, email_ciphertext BLOB, encrypted_kms_key BLOB);"
	"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)"
	"INSERT INTO users SELECT i, NULL, randomblob(50), CAST(x'01' || randomblob(32) || x'010800000000000000' || "
	"iif(i % 3, x'0b', x'0a') || x'0030' || randomblob(53) AS BLOB) FROM n;"
	"PRAGMA wal_checkpoint(TRUNCATE);";

static bulla_code write_yaml(const char *directory, bulla_error *err)
{
	char path[256];
	snprintf(path, sizeof path, "%s/bulla.yaml", directory);
	FILE *f = fopen(path, "we");
	bool ok = f && fputs(yaml, f) >= 0;
	if (f && fclose(f)) ok = false;
	return ok ? BULLA_OK : bulla_fail(err, BULLA_ERR_IO, "cannot write %s", path);
}

static bulla_code make_table(const char *directory, bulla_error *err)
{
	sqlite3 *db = NULL;
	char path[256];
	snprintf(path, sizeof path, "%s/app.db", directory);
	bool ok = sqlite3_open(path, &db) == SQLITE_OK && sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
	sqlite3_close(db);
	return ok ? BULLA_OK : bulla_fail(err, BULLA_ERR_DATABASE, "cannot make the table of the benchmark");
}

static bulla_code run(const char *program, const char *directory, const char *arguments, char *out, size_t size, bulla_error *err)
{
	char command[PATH_MAX + 256];
	snprintf(command, sizeof command, "cd '%s' && '%s' %s 2>/dev/null", directory, program, arguments);
	FILE *answer = popen(command, "r");
	size_t n = answer ? fread(out, 1, size - 1, answer) : 0;
	out[n] = 0;
	if (!answer || pclose(answer)) return bulla_fail(err, BULLA_ERR_IO, "a command of the benchmark failed: %s", arguments);
	return BULLA_OK;
}

/* The best of several, each of which must have counted right. */
static bulla_code measure(const char *program, const char *directory, double *ret_ms, bulla_error *err)
{
	static char out[65536];
	TRY(run(program, directory, "init -q", out, sizeof out, err));
	TRY(run(program, directory, "key census -q --index", out, sizeof out, err));
	*ret_ms = 1e12;
	for (int i = 0; i < ROUNDS; i++) {
		double start = bench_seconds();
		TRY(run(program, directory, "key census -q --json", out, sizeof out, err));
		double ms = (bench_seconds() - start) * 1000;
		if (!strstr(out, "\"rows\":666667}") || !strstr(out, "\"rows\":333333}"))
			return bulla_fail(err, BULLA_ERR_INTERNAL, "the census has counted wrong");
		if (ms < *ret_ms) *ret_ms = ms;
	}
	return BULLA_OK;
}

bulla_code bench_census(bench *b, const char *program_directory, bulla_error *err)
{
	char directory[] = "/tmp/bulla-bench-XXXXXX", relative[4200], program[PATH_MAX], clean[64];
	double ms = 0;
	if (!mkdtemp(directory)) return bulla_fail(err, BULLA_ERR_IO, "cannot make a temporary directory");
	snprintf(relative, sizeof relative, "%s/../src/cli/bulla", program_directory);
	bool found = realpath(relative, program);
	bulla_code code = found ? write_yaml(directory, err) : bulla_fail(err, BULLA_ERR_NOT_FOUND, "cannot find the command");
	if (!code) code = make_table(directory, err);
	if (!code) code = measure(program, directory, &ms, err);
	snprintf(clean, sizeof clean, "rm -rf '%s'", directory);
	if (system(clean)) fprintf(stderr, "bench: cannot remove %s\n", directory);
	if (code) return code;
	bench_report(b, &(figure){ .name = "key census, 1,000,000 rows, exact counts, the whole command",
				   .value = ms,
				   .unit = "ms",
				   .target = TARGET_MS,
				   .at_most = true });
	return BULLA_OK;
}
