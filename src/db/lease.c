/*
 * lease.c - one run at a time: the owner of a model's job, and how to tell that an owner is dead.
 *
 * An owner is host, boot, process namespace, process and its start time. On the same host a process can be asked for;
 * elsewhere only a heartbeat that has stopped tells. Whoever takes over changes the owner, and the next checkpoint of the old
 * one fails with its whole batch.
 */
#include "db/run.h"

#include "io/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOST_MAX 128

static size_t read_small(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);
	if (fd >= 0) (void)close(fd);
	out[n > 0 ? n : 0] = 0;
	return n > 0 ? (size_t)n : 0;
}

/* This host, as far as process ids mean something: another boot or another container is another host. */
static void describe_host(char *out)
{
	char name[64] = "", boot[16] = "", space[64] = "";
	(void)gethostname(name, sizeof name - 1);
	(void)read_small("/proc/sys/kernel/random/boot_id", boot, 9);
	ssize_t n = readlink("/proc/self/ns/pid", space, sizeof space - 1);
	space[n > 0 ? n : 0] = 0;
	snprintf(out, HOST_MAX, "%.40s/%s/%.40s", name, boot, space);
	for (char *c = out; *c; c++)
		if (*c == ' ') *c = '_';
}

/* State and start time of a process, fields 3 and 22 of its stat; false when there is none. */
static bool describe_process(long pid, char *ret_state, unsigned long long *ret_start)
{
	char path[64], stat[1024];
	snprintf(path, sizeof path, "/proc/%ld/stat", pid);
	if (read_small(path, stat, sizeof stat) == 0) return false;
	char *at = strrchr(stat, ')'); /* the name before it may hold anything */
	if (!at || sscanf(at + 1, " %c", ret_state) != 1) return false;
	for (int field = 2; field < 22 && at; field++)
		at = strchr(at + 1, ' ');
	return at && sscanf(at, " %llu", ret_start) == 1;
}

static void describe_owner(const bulla_run *run, char *out)
{
	char host[HOST_MAX], state;
	unsigned long long start = 0;
	describe_host(host);
	(void)describe_process((long)getpid(), &state, &start);
	snprintf(out, BULLA_OWNER_MAX, "%s %ld %llu %s", host, (long)getpid(), start, run->id);
}

typedef enum life { UNKNOWN, DEAD, ALIVE } life;

/* Known of those that ran here: dead is one that is not there, is a corpse, or is another process under the same number. */
static life ask(const char *owner)
{
	char host[HOST_MAX], here[HOST_MAX], state;
	long pid;
	unsigned long long start, found;
	describe_host(here);
	if (sscanf(owner, "%127s %ld %llu", host, &pid, &start) != 3 || strcmp(host, here) != 0) return UNKNOWN;
	if (!describe_process(pid, &state, &found)) return DEAD;
	return state == 'Z' || state == 'X' || found != start ? DEAD : ALIVE;
}

bool bulla_lease_is_live(const bulla_job_state *state, int64_t now_ms)
{
	life known = *state->owner ? ask(state->owner) : DEAD;
	if (known != UNKNOWN) return known == ALIVE; /* a long verification has no heart to beat */
	return now_ms - state->heartbeat_ms < BULLA_LEASE_MS;
}

static bulla_code busy(const bulla_run *run, int64_t now_ms, bulla_error *err)
{
	char host[HOST_MAX] = "";
	long pid = 0;
	(void)sscanf(run->state.owner, "%127[^/ ]%*s %ld", host, &pid);
	bulla_code code =
		bulla_fail(err, BULLA_ERR_BUSY, "process %ld on host %s is working on model %s; it was last heard of %lld s ago",
			   pid, host, run->job->model->key, (long long)((now_ms - run->state.heartbeat_ms) / 1000));
	return bulla_advise(err, code,
			    "wait for it, or end it: a dead one is replaced at once on its own host, after %d s elsewhere",
			    BULLA_LEASE_MS / 1000);
}

static bulla_code take(bulla_run *run, bulla_error *err)
{
	int64_t now = bulla_now_us(NULL) / 1000;
	TRY(bulla_book_make(run->db, err));
	TRY(bulla_book_load(run->db, run->job->model->key, &run->state, err));
	if (bulla_lease_is_live(&run->state, now)) return busy(run, now, err);
	describe_owner(run, run->state.owner);
	memcpy(run->state.job, run->id, sizeof run->id);
	run->state.heartbeat_ms = run->state.started_ms = now;
	return bulla_book_store(run->db, run->job->model->key, &run->state, NULL, err);
}

bulla_code bulla_lease_take(bulla_run *run, bulla_error *err)
{
	TRY(run->db->target->begin_write(run->db, err));
	bulla_code code = take(run, err);
	if (!code)
		code = run->db->target->commit(run->db, err);
	else
		run->db->target->rollback(run->db);
	if (!code) memcpy(run->owner, run->state.owner, sizeof run->owner);
	return code;
}

bulla_code bulla_lease_store(bulla_run *run, bulla_error *err)
{
	run->state.heartbeat_ms = bulla_now_us(NULL) / 1000;
	return bulla_book_store(run->db, run->job->model->key, &run->state, run->owner, err);
}

bulla_code bulla_lease_save(bulla_run *run, bulla_error *err)
{
	TRY(run->db->target->begin_write(run->db, err));
	bulla_code code = bulla_lease_store(run, err);
	if (!code) return run->db->target->commit(run->db, err);
	run->db->target->rollback(run->db);
	return code;
}

/* Only the owner is touched: what the run holds in memory may belong to a batch that was rolled back. A lease that cannot
 * be given back ends by itself, since the owner's process does. */
/* Tried again where it fails: for want of memory that is there by now, this process would wait for itself. */
void bulla_lease_give(bulla_run *run)
{
	bulla_value args[] = { bulla_value_text(run->job->model->key), bulla_value_text(run->owner) };
	for (int tries = 0; *run->owner && tries < 2; tries++)
		if (!run->db->target->run(run->db, "UPDATE bulla_job SET owner = NULL WHERE model = ? AND owner = ?", args, 2,
					  NULL, NULL, NULL, NULL))
			*run->owner = 0;
}
