/*
 * doctor_machine.c - checks of the machine: memory that is locked, core files, the clock.
 */
#include "cli/doctor.h"
#include "base/bytes.h"
#include "base/error.h"
#include "cli/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* --- memory ------------------------------------------------------------------------------------------------------ */
#define BYTES_PER_KEY  128 /* a slot, and what a cache entry keeps beside it */
#define BYTES_AT_LEAST (256 * 1024)

static void check_limit(bulla_doctor *doctor)
{
	struct rlimit limit;
	size_t keys = doctor->project ? bulla_schema_environment(doctor->project->schema)->cache.max_keys : 1000;
	uint64_t needed = BYTES_AT_LEAST + (uint64_t)keys * BYTES_PER_KEY;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= needed) return;
	bulla_diagnose(doctor, BULLA_WARNING, "memory_limit", NULL, NULL,
		       "this process may lock %llu KiB of memory; a full cache of %zu keys wants about %llu KiB",
		       (unsigned long long)limit.rlim_cur / 1024, keys, (unsigned long long)needed / 1024);
	bulla_prescribe(doctor, "ulimit -l %llu; for a service: LimitMEMLOCK=%lluK", (unsigned long long)needed / 1024,
			(unsigned long long)needed / 1024);
}

/* What memory mapped now gets, the library's gets too. */
static void check_pages(bulla_doctor *doctor, bool *ret_locked)
{
	bulla_secret_memory memory;
	*ret_locked = false;
	if (bulla_secret_memory_look(&memory, NULL)) return;
	*ret_locked = memory.locked;
	if (!memory.locked)
		bulla_diagnose(doctor, BULLA_WARNING, "memory_unlocked", NULL,
			       "raise RLIMIT_MEMLOCK (ulimit -l; LimitMEMLOCK= of a service)",
			       "the kernel does not lock the memory of keys: it can be written to swap");
	else if (memory.kind != BULLA_MEMORY_SECRET)
		bulla_diagnose(doctor, BULLA_NOTE, "memory_fallback", NULL,
			       "use Linux 5.14 or newer with secretmem switched on (secretmem.enable=y)",
			       "the kernel has no memfd_secret: the memory of keys is locked, and root's debuggers can read it");
	if (!memory.undumpable)
		bulla_diagnose(
			doctor, BULLA_WARNING, "memory_dumped", NULL,
			"switch core files off (ulimit -c 0; LimitCORE=0 of a service), or use a kernel with MADV_DONTDUMP",
			"the kernel does not keep the memory of keys out of core files");
}

/* Swap in memory, and swap behind the device mapper, which is how it is encrypted, are left alone. */
static bool is_plain_swap(const char *line)
{
	return *line == '/' && strncmp(line, "/dev/zram", 9) != 0 && strncmp(line, "/dev/dm-", 8) != 0 &&
	       strncmp(line, "/dev/mapper/", 12) != 0;
}

static void check_swap(bulla_doctor *doctor, bool locked)
{
	char swaps[4096];
	if (!bulla_system_read(doctor, "/proc/swaps", swaps, sizeof swaps)) return;
	for (const char *line = strchr(swaps, '\n'); line; line = strchr(line + 1, '\n')) {
		if (!is_plain_swap(line + 1)) continue;
		bulla_diagnose(
			doctor, locked ? BULLA_NOTE : BULLA_WARNING, "swap", NULL,
			"encrypt swap (dm-crypt with a random key), or switch it off: swapoff -a",
			"there is swap that is not encrypted (%.*s): keys are locked in memory, records that are being worked "
			"on are not",
			(int)strcspn(line + 1, " \t"), line + 1);
		return;
	}
}

void bulla_check_memory(bulla_doctor *doctor)
{
	bool locked = false;
	check_pages(doctor, &locked);
	check_limit(doctor);
	check_swap(doctor, locked);
}

/* --- core files --------------------------------------------------------------------------------------------------- */
/* This command allows itself none; what applications get is what it was started with, and what its parent has. */
static bool parent_dumps(const bulla_doctor *doctor)
{
	char path[64], limits[8192];
	(void)snprintf(path, sizeof path, "/proc/%ld/limits", (long)getppid());
	if (!bulla_system_read(doctor, *doctor->system ? "/proc/parent/limits" : path, limits, sizeof limits)) return false;
	const char *line = strstr(limits, "Max core file size");
	return line && line[strcspn(line, "0123456789u")] != '0';
}

void bulla_check_core_files(bulla_doctor *doctor)
{
	char pattern[256] = "", word[16] = "";
	(void)bulla_system_read(doctor, "/proc/sys/kernel/core_pattern", pattern, sizeof pattern);
	if (pattern[0] == '|') /* the limit does not hold for a program that takes them */
		bulla_diagnose(
			doctor, BULLA_WARNING, "core_handler", NULL,
			"let it keep none of programs that use bulla (systemd-coredump: Storage=none in coredump.conf)",
			"core files go to %.120s, whatever the limit: keys are kept out of them, records that are being worked "
			"on are not",
			pattern + 1);
	else if (parent_dumps(doctor))
		bulla_diagnose(
			doctor, BULLA_NOTE, "core_files", NULL, "ulimit -c 0; for a service: LimitCORE=0",
			"programs that are started from here write core files: keys are kept out of them, records that are "
			"being worked on are not");
	if (bulla_system_read(doctor, "/proc/sys/fs/suid_dumpable", word, sizeof word) && strcmp(word, "1") == 0)
		bulla_diagnose(doctor, BULLA_WARNING, "suid_dumpable", NULL, "sysctl fs.suid_dumpable=0",
			       "programs that have changed their user write core files too (fs.suid_dumpable is 1)");
	if (bulla_system_read(doctor, "/proc/sys/kernel/yama/ptrace_scope", word, sizeof word) && strcmp(word, "0") == 0)
		bulla_diagnose(doctor, BULLA_NOTE, "ptrace", NULL, "sysctl kernel.yama.ptrace_scope=1",
			       "every program of the same user may read the memory of this one (kernel.yama.ptrace_scope is 0)");
}

/* --- the clock ---------------------------------------------------------------------------------------------------- */
#define OLDEST_YEAR  2024
#define NEWEST_YEAR  2200
#define TOLERANCE_US (60 * 1000000LL)

/* Times as audit events write them: they compare as bytes do. */
static void time_text(int64_t us, char out[static 32])
{
	struct tm utc;
	time_t seconds = (time_t)(us / 1000000);
	out[0] = 0;
	if (gmtime_r(&seconds, &utc)) (void)strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &utc);
}

typedef struct newest {
	char time[32];
} newest;

static bulla_code take_time(void *self, uint64_t index, bulla_bytes entry, bulla_error *err)
{
	newest *n = self;
	bulla_json *event = NULL;
	(void)index;
	TRY(bulla_json_parse(entry, &event, err));
	(void)snprintf(n->time, sizeof n->time, "%.*s", BULLA_SHOW(bulla_tree_text(event, "eventTime")));
	bulla_json_free(event);
	return BULLA_OK;
}

static void check_log(bulla_doctor *doctor)
{
	newest last = { "" };
	char limit[32];
	bulla_log_head head;
	bulla_error ignored;
	bulla_log *log = doctor->project ? doctor->project->log : NULL;
	if (!log || bulla_log_head_now(log, &head, &ignored) || head.size == 0) return;
	if (bulla_log_each(log, head.size - 1, head.size, take_time, &last, &ignored)) return;
	time_text(doctor->now_us + TOLERANCE_US, limit);
	if (strcmp(last.time, limit) <= 0) return;
	bulla_diagnose(
		doctor, BULLA_DANGER, "clock_behind_log", NULL,
		"set the clock (timedatectl set-ntp true), and find out who turned it",
		"the newest entry of the audit log was written at %.19s, which is later than now: the clock was turned back",
		last.time);
}

static void check_rows(bulla_doctor *doctor)
{
	int64_t last = 0;
	char text[32];
	for (size_t i = 0; i < BULLA_MODELS_MAX; i++) {
		int64_t at = bulla_tree_integer(doctor->models[i], "newest_ms", 0);
		if (at > last) last = at;
	}
	if (last * 1000 <= doctor->now_us + TOLERANCE_US) return;
	time_text(last * 1000, text);
	bulla_diagnose(doctor, BULLA_WARNING, "clock_behind_jobs", NULL,
		       "set the clock of this host, or of the one that ran that job",
		       "a job wrote at %s, which is later than now", text);
}

static int64_t since_start(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Time-outs and the age of cached keys hang from the clock that cannot be set. */
static void check_monotonic(bulla_doctor *doctor)
{
	const struct timespec moment = { 0, 10000000 };
	int64_t before = since_start();
	(void)nanosleep(&moment, NULL);
	int64_t passed = since_start() - before;
	if (passed >= moment.tv_nsec) return;
	bulla_diagnose(doctor, BULLA_DANGER, "clock_stands", NULL,
		       "restart the machine or its virtual one; look at the clock source",
		       "the monotonic clock does not go forward: cached keys would not grow old");
}

void bulla_check_clock(bulla_doctor *doctor)
{
	struct tm utc;
	time_t now = (time_t)(doctor->now_us / 1000000);
	int year = gmtime_r(&now, &utc) ? utc.tm_year + 1900 : 0;
	if (year < OLDEST_YEAR || year > NEWEST_YEAR)
		bulla_diagnose(doctor, BULLA_DANGER, "clock_year", NULL, "set the clock: timedatectl set-ntp true",
			       "the clock says that it is the year %d", year);
	check_monotonic(doctor);
	check_log(doctor);
	check_rows(doctor);
}
