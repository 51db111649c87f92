/*
 * jobs.c - apply, verify and rotate over a million rows of SQLite, each against its floor, with the peak of their memory.
 */
#include "bench.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROWS              1000000
#define MEMORY_TARGET_MIB 64.0

struct measured {
	double seconds;
	double mib;
};

static bulla_code make_table(const char *path, long rows, const char *long_value, bulla_error *err)
{
	sqlite3 *db = NULL;
	char sql[1024];
	snprintf(sql, sizeof sql,
		 "PRAGMA journal_mode=WAL; CREATE TABLE users (id INTEGER PRIMARY KEY, first_name TEXT, email TEXT, created_at "
		 "TEXT);"
		 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %ld)"
		 "INSERT INTO users SELECT i, 'Name' || (i * 7919 %% 100000), 'p' || i || '@example.org' || %s, '2024-01-01' "
		 "FROM n;"
		 "PRAGMA wal_checkpoint(TRUNCATE);",
		 rows, long_value);
	bool ok = sqlite3_open(path, &db) == SQLITE_OK && sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
	sqlite3_close(db);
	return ok ? BULLA_OK : bulla_fail(err, BULLA_ERR_DATABASE, "cannot make the table of the benchmark");
}

static bulla_code shell(const char *command, bulla_error *err)
{
	return system(command) == 0 ? BULLA_OK : bulla_fail(err, BULLA_ERR_IO, "a command of the benchmark failed");
}

static bulla_code run(const char *program, const char *what, const char *database, const char *directory, struct measured *ret,
		      bulla_error *err)
{
	char command[4096];
	long kib = 0;
	snprintf(command, sizeof command, "'%s' %s '%s' '%s'", program, what, database, directory);
	FILE *out = popen(command, "r");
	bool ok = out && fscanf(out, "%lf %ld", &ret->seconds, &kib) == 2;
	if (!out || pclose(out) != 0 || !ok) return bulla_fail(err, BULLA_ERR_IO, "a job of the benchmark failed");
	ret->mib = (double)kib / 1024;
	return BULLA_OK;
}

static void report_rate(bench *b, const char *name, double seconds, double floor_seconds, const char *reference, double target)
{
	bench_report(b, &(figure){ .name = name,
				   .value = ROWS / seconds,
				   .unit = "rows per second",
				   .ratio = floor_seconds / seconds,
				   .reference = reference,
				   .target = target });
}

static void report_memory(bench *b, const char *name, double mib)
{
	bench_report(b, &(figure){ .name = name, .value = mib, .unit = "MiB", .target = MEMORY_TARGET_MIB, .at_most = true });
}

struct paths {
	char job[4200], floor[4200], directory[64], first[128], second[128], copy[1024];
};

/* The best of three, each on a fresh copy, the floor and the job in turn: the machine's weather is the same for both. */
static bulla_code compare_floor(bench *b, const struct paths *p, const char *what, const char *name, double target,
				bulla_error *err)
{
	char full[96];
	struct measured job = { 1e12, 0 }, floor = { 1e12, 0 };
	for (int round = 0; round < 3; round++) {
		struct measured m;
		TRY(shell(p->copy, err));
		TRY(run(p->floor, what, p->second, p->directory, &m, err));
		if (m.seconds < floor.seconds) floor = m;
		TRY(shell(p->copy, err));
		TRY(run(p->job, what, p->second, p->directory, &m, err));
		if (m.seconds < job.seconds) job = m;
	}
	snprintf(full, sizeof full, "%s, 1,000,000 rows x 2 fields, SQLite", name);
	report_rate(b, full, job.seconds, floor.seconds, "the same statements with random bytes", target);
	snprintf(full, sizeof full, "%s: peak memory", name);
	report_memory(b, full, job.mib);
	return BULLA_OK;
}

/* On a table that is finished: what is copied from here on. */
static bulla_code compare_rotate(bench *b, const struct paths *p, bulla_error *err)
{
	struct measured m;
	char move[512];
	TRY(run(p->job, "finish", p->second, p->directory, &m, err));
	snprintf(move, sizeof move, "rm -f '%s'* && mv '%s' '%s'", p->first, p->second, p->first);
	TRY(shell(move, err));
	TRY(compare_floor(b, p, "wrap", "rotate --wrap", 0.7, err));
	return compare_floor(b, p, "data", "rotate --data", 0.6, err);
}

static bulla_code compare_verify(bench *b, const struct paths *p, bulla_error *err)
{
	struct measured verify = { 1e12, 0 }, scan = { 1e12, 0 };
	for (int round = 0; round < 3; round++) {
		struct measured m;
		TRY(run(p->job, "scan", p->second, p->directory, &m, err));
		if (m.seconds < scan.seconds) scan = m;
		TRY(run(p->job, "verify", p->second, p->directory, &m, err));
		if (m.seconds < verify.seconds) verify = m;
	}
	report_rate(b, "verify, 1,000,000 rows x 2 fields, SQLite", verify.seconds, scan.seconds, "stepping through every column",
		    0.2);
	report_memory(b, "verify: peak memory", verify.mib);
	return BULLA_OK;
}

/* Rows of 64 KiB: batches must be cut by bytes, not only by rows. */
static bulla_code measure_large_rows(bench *b, const struct paths *p, bulla_error *err)
{
	struct measured m;
	TRY(make_table(p->first, 4000, "substr(hex(zeroblob(32700)), 1, 65400)", err));
	TRY(run(p->job, "apply", p->first, p->directory, &m, err));
	report_memory(b, "apply, rows of 64 KiB: peak memory", m.mib);
	TRY(run(p->job, "verify", p->first, p->directory, &m, err));
	report_memory(b, "verify, rows of 64 KiB: peak memory", m.mib);
	return BULLA_OK;
}

bulla_code bench_jobs(bench *b, const char *program_directory, bulla_error *err)
{
	struct paths p;
	char clean[128];
	snprintf(p.directory, sizeof p.directory, "/tmp/bulla-bench-XXXXXX");
	if (!mkdtemp(p.directory)) return bulla_fail(err, BULLA_ERR_IO, "cannot make a temporary directory");
	snprintf(p.job, sizeof p.job, "%s/job", program_directory);
	snprintf(p.floor, sizeof p.floor, "%s/floor", program_directory);
	snprintf(p.first, sizeof p.first, "%s/plain.db", p.directory);
	snprintf(p.second, sizeof p.second, "%s/app.db", p.directory);
	snprintf(p.copy, sizeof p.copy, "rm -f '%s'* && cp '%s' '%s' && sync '%s'", p.second, p.first, p.second, p.second);
	bulla_code code = make_table(p.first, ROWS, "''", err);
	if (!code) code = compare_floor(b, &p, "apply", "apply", 0.7, err);
	if (!code) code = compare_verify(b, &p, err);
	if (!code) code = compare_rotate(b, &p, err);
	if (!code) code = unlink(p.first) ? bulla_fail(err, BULLA_ERR_IO, "cannot remove a file") : BULLA_OK;
	if (!code) code = measure_large_rows(b, &p, err);
	snprintf(clean, sizeof clean, "rm -rf '%s'", p.directory);
	bulla_code cleaned = shell(clean, NULL);
	return code ? code : cleaned;
}
