/*
 * test_doctor.c - checks of the machine over files of the test's own: each fault is planted, found, mended, and gone.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/doctor.h"
#include "io/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

typedef struct world {
	char dir[64];
	bulla_cli cli;
	bulla_doctor doctor;
} world;

static const char *const directories[] = { "/proc/sys/kernel/yama", "/proc/sys/fs", "/proc/parent" };

static const struct {
	const char *path, *text;
} healthy[] = {
	{ "/proc/swaps", "Filename\tType\tSize\n" },
	{ "/proc/parent/limits",
	  "Limit                     Soft Limit\nMax core file size        0                    unlimited\n" },
	{ "/proc/sys/kernel/core_pattern", "core\n" },
	{ "/proc/sys/fs/suid_dumpable", "0\n" },
	{ "/proc/sys/kernel/yama/ptrace_scope", "1\n" },
};

static void write_file(const world *w, const char *path, const char *text)
{
	char whole[256];
	snprintf(whole, sizeof whole, "%s%s", w->dir, path);
	FILE *file = fopen(whole, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	fclose(file);
}

static void heal(world *w)
{
	for (size_t i = 0; i < sizeof healthy / sizeof *healthy; i++)
		write_file(w, healthy[i].path, healthy[i].text);
}

static int set_up(void **state)
{
	world *w = calloc(1, sizeof *w);
	strcpy(w->dir, "/tmp/bulla-doctor-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
		char path[256];
		snprintf(path, sizeof path, "%s%s", w->dir, directories[i]);
		assert_int_equal(bulla_directory_make(path, 0700, NULL), BULLA_OK);
	}
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	w->doctor = (bulla_doctor){ .cli = &w->cli, .system = w->dir, .now_us = (int64_t)now.tv_sec * 1000000 };
	w->doctor.list = calloc(BULLA_DIAGNOSES_MAX, sizeof *w->doctor.list);
	heal(w);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const parents[] = {
		"/proc/sys/kernel/yama", "/proc/sys/kernel", "/proc/sys/fs", "/proc/sys", "/proc/parent", "/proc", ""
	};
	world *w = *state;
	char path[256];
	for (size_t i = 0; i < sizeof parents / sizeof *parents; i++) {
		snprintf(path, sizeof path, "%s%s", w->dir, parents[i]);
		bulla_directory_remove(path);
	}
	free(w->doctor.list);
	free(w);
	return 0;
}

static const bulla_diagnosis *found(const world *w, const char *id)
{
	for (size_t i = 0; i < w->doctor.n; i++)
		if (strcmp(w->doctor.list[i].id, id) == 0) return &w->doctor.list[i];
	return NULL;
}

static size_t look(world *w, bulla_check_run run)
{
	w->doctor.n = 0;
	run(&w->doctor);
	for (size_t i = 0; i < w->doctor.n; i++) {
		assert_true(w->doctor.list[i].text[0]);
		assert_true(w->doctor.list[i].cure[0]);
	}
	return w->doctor.n;
}

static void test_faults_of_the_machine(void **state)
{
	static const struct {
		bulla_check_run run;
		const char *path, *text, *id;
	} faults[] = {
		{ bulla_check_core_files, "/proc/sys/kernel/core_pattern", "|/usr/lib/systemd/systemd-coredump %P\n",
		  "core_handler" },
		{ bulla_check_core_files, "/proc/parent/limits",
		  "Limit  Soft Limit\nMax core file size        unlimited     unlimited\n", "core_files" },
		{ bulla_check_core_files, "/proc/parent/limits", "Limit  Soft Limit\nMax core file size        1024   1024\n",
		  "core_files" },
		{ bulla_check_core_files, "/proc/sys/fs/suid_dumpable", "1\n", "suid_dumpable" },
		{ bulla_check_core_files, "/proc/sys/kernel/yama/ptrace_scope", "0\n", "ptrace" },
		{ bulla_check_memory, "/proc/swaps", "Filename\tType\tSize\n/dev/zram0 partition 1\n/swapfile file 2097148\n",
		  "swap" },
	};
	world *w = *state;
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		size_t before = look(w, faults[i].run);
		assert_null(found(w, faults[i].id));
		write_file(w, faults[i].path, faults[i].text);
		assert_int_equal(look(w, faults[i].run), before + 1);
		assert_non_null(found(w, faults[i].id));
		heal(w);
		look(w, faults[i].run);
		assert_null(found(w, faults[i].id));
	}
}

static void test_encrypted_swap_is_well(void **state)
{
	world *w = *state;
	write_file(w, "/proc/swaps", "Filename\tType\tSize\n/dev/dm-1 partition 2097148\n/dev/zram0 partition 1\n");
	look(w, bulla_check_memory);
	assert_null(found(w, "swap"));
}

static void test_a_system_that_tells_nothing(void **state)
{
	world *w = *state;
	w->doctor.system = "/nonexistent";
	assert_int_equal(look(w, bulla_check_core_files), 0);
	look(w, bulla_check_memory);
	assert_null(found(w, "swap"));
}

static void test_memory_that_may_not_be_locked(void **state)
{
	world *w = *state;
	struct rlimit before, small = { 4096, 0 };
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &before), 0);
	small.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &small), 0);
	look(w, bulla_check_memory);
	assert_non_null(found(w, "memory_limit"));
	if (geteuid() != 0) assert_non_null(found(w, "memory_unlocked")); /* the limit does not hold for root */
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &before), 0);
	look(w, bulla_check_memory);
	if (before.rlim_cur >= 1 << 20) assert_null(found(w, "memory_limit"));
}

static void test_years(void **state)
{
	world *w = *state;
	int64_t now = w->doctor.now_us;
	assert_int_equal(look(w, bulla_check_clock), 0);
	w->doctor.now_us = 0;
	assert_int_equal(look(w, bulla_check_clock), 1);
	assert_int_equal(found(w, "clock_year")->severity, BULLA_DANGER);
	w->doctor.now_us = 9000000000LL * 1000000;
	look(w, bulla_check_clock);
	assert_non_null(found(w, "clock_year"));
	w->doctor.now_us = now;
	assert_int_equal(look(w, bulla_check_clock), 0);
}

static void test_rows_of_tomorrow(void **state)
{
	world *w = *state;
	char text[64];
	snprintf(text, sizeof text, "{\"newest_ms\":%lld}", (long long)(w->doctor.now_us / 1000 + 86400000));
	assert_int_equal(bulla_json_parse(bulla_view_str(text), &w->doctor.models[3], NULL), BULLA_OK);
	look(w, bulla_check_clock);
	assert_non_null(found(w, "clock_behind_jobs"));
	w->doctor.now_us += 86400000000LL;
	assert_int_equal(look(w, bulla_check_clock), 0);
	bulla_json_free(w->doctor.models[3]);
}

/* --- a log and databases that are only said to be ------------------------------------------------------------------ */

static void test_a_log_of_tomorrow(void **state)
{
	static const char entry[] = "{\"eventTime\":\"2026-03-01T12:00:00.000000Z\"}";
	world *w = *state;
	bulla_project project = { .log = NULL };
	bulla_secret seed = { { 1, 2, 3 } };
	char path[128];
	snprintf(path, sizeof path, "%s/log", w->dir);
	assert_int_equal(bulla_log_open(path, "bulla/00000000", &seed, true, &project.log, NULL), BULLA_OK);
	bulla_bytes entries[] = { bulla_view_str(entry) };
	bulla_audit_sink sink = bulla_log_sink(project.log);
	bulla_log_head head;
	assert_int_equal(sink.append(sink.self, entries, 1, 0, &head, NULL), BULLA_OK);
	w->doctor.project = &project;
	w->doctor.now_us = 1772366400LL * 1000000; /* 2026-03-01T12:00:00Z */
	assert_int_equal(look(w, bulla_check_clock), 0);
	w->doctor.now_us -= 86400LL * 1000000;
	look(w, bulla_check_clock);
	assert_non_null(found(w, "clock_behind_log"));
	assert_non_null(strstr(found(w, "clock_behind_log")->text, "2026-03-01T12:00:00"));
	w->doctor.project = NULL;
	bulla_log_close(project.log);
	char inside[160];
	static const char *const parts[] = { "/tile/entries/000.p", "/tile/0/000.p", "/tile/entries", "/tile/0", "/tile", "" };
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		snprintf(inside, sizeof inside, "%s%s", path, parts[i]);
		bulla_directory_remove(inside);
	}
}

static const char *nothing(void *self, const char *name)
{
	(void)self, (void)name;
	return NULL;
}

static void test_room_and_logs_of_a_database(void **state)
{
	static const char yaml[] =
		"version: 1\ndatabases: { main: { url: \"sqlite:a.db\" } }\nmodels: { t: { branch_key: { name: t }, "
		"fields: { a: {} } } }\n";
	static const struct {
		const char *facts, *id;
	} cases[] = {
		{ "{\"phase\":\"applied\",\"database\":{\"bytes\":1000,\"free_bytes\":9000000000,\"temporary_free_bytes\":999}}",
		  "space_temporary" },
		{ "{\"phase\":\"applied\",\"database\":{\"bytes\":1000000000,\"free_bytes\":1900000000}}", "space_database" },
		{ "{\"phase\":\"finished\",\"database\":{\"bytes\":1000000000,\"free_bytes\":1900000000}}", NULL },
		{ "{\"phase\":\"applied\",\"database\":{\"bytes\":1000,\"wal_bytes\":300000000}}", "wal" },
		{ "{\"phase\":\"applied\",\"database\":{\"bytes\":1000,\"wal_bytes\":3000}}", NULL },
	};
	world *w = *state;
	bulla_project project = { .log = NULL };
	assert_int_equal(bulla_schema_parse(bulla_view_str(yaml), "t.yaml", NULL, NULL, nothing, NULL, &project.schema, NULL),
			 BULLA_OK);
	w->doctor.project = &project;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(bulla_json_parse(bulla_view_str(cases[i].facts), &w->doctor.models[0], NULL), BULLA_OK);
		assert_int_equal(look(w, bulla_check_databases), cases[i].id ? 1 : 0);
		if (cases[i].id) assert_non_null(found(w, cases[i].id));
		bulla_json_free(w->doctor.models[0]);
		w->doctor.models[0] = NULL;
	}
	bulla_schema_free(project.schema);
	w->doctor.project = NULL;
}

static void test_more_than_there_is_room_for(void **state)
{
	world *w = *state;
	char text[1000];
	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = 0;
	for (int i = 0; i < BULLA_DIAGNOSES_MAX + 10; i++)
		bulla_diagnose(&w->doctor, BULLA_NOTE, "escrow", text, text, "%s", text);
	bulla_prescribe(&w->doctor, "%s", text);
	assert_int_equal(w->doctor.n, BULLA_DIAGNOSES_MAX);
	assert_int_equal(strlen(w->doctor.list[0].text), BULLA_DIAGNOSIS_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_faults_of_the_machine, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_encrypted_swap_is_well, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_system_that_tells_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_memory_that_may_not_be_locked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_years, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_rows_of_tomorrow, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_log_of_tomorrow, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_room_and_logs_of_a_database, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_more_than_there_is_room_for, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
