/*
 * patience.c - waiting for locks, and asking the kernel who holds them.
 */
#include "io/patience.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

/* --- waiting ------------------------------------------------------------------------------------------------------ */

/* It may not be turned: a clock that jumps must not end a wait. */
static int64_t ticks_us(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void tell(const bulla_patience *patience, int64_t wait_ms, const char *name, const char *path)
{
	char what[512], holder[BULLA_HOLDER_MAX];
	bool known = bulla_lock_holder(path, holder);
	(void)snprintf(what, sizeof what, "%s %.300s%s%s%s", name, path, known ? ", which " : "", known ? holder : "",
		       known ? " holds" : "");
	patience->waiting(patience->self, what, wait_ms);
}

bulla_wait bulla_wait_now(void)
{
	return (bulla_wait){ .began_us = ticks_us() };
}

bool bulla_wait_on(bulla_wait *wait, const bulla_patience *patience, int64_t preset_ms, const char *name, const char *path)
{
	int64_t now = ticks_us(), wait_ms = patience->wait_ms ? patience->wait_ms : preset_ms;
	if (!wait->began_us) wait->began_us = now;
	int64_t waited_ms = (now - wait->began_us) / 1000;
	if (waited_ms >= wait_ms || (patience->stop && atomic_load(patience->stop))) return false;
	if (waited_ms >= BULLA_WAIT_TOLD_MS && !wait->told && patience->waiting) {
		wait->told = true;
		tell(patience, wait_ms, name, path);
	}
	return true;
}

/* --- holders ------------------------------------------------------------------------------------------------------ */

typedef struct search {
	struct stat file;
	long reader, writer; /* processes; 0: none */
} search;

/* "7: POSIX  ADVISORY  WRITE 4711 08:01:123456 0 EOF"; those that wait themselves have an arrow behind the number. */
static void take_line(search *s, const char *line)
{
	char mode[8];
	long pid;
	unsigned major_number, minor_number;
	unsigned long inode;
	if (sscanf(line, "%*d: %*s %*s %7s %ld %x:%x:%lu", mode, &pid, &major_number, &minor_number, &inode) != 5) return;
	if (inode != s->file.st_ino || major_number != major(s->file.st_dev) || minor_number != minor(s->file.st_dev)) return;
	if (pid <= 0 || pid == (long)getpid()) return;
	*(mode[0] == 'W' ? &s->writer : &s->reader) = pid;
}

static bool find(const char *path, search *ret)
{
	char *line = NULL;
	size_t size = 0;
	*ret = (search){ 0 };
	if (stat(path, &ret->file)) return false;
	FILE *locks = fopen("/proc/locks", "re");
	if (!locks) return false;
	while (getline(&line, &size, locks) > 0)
		take_line(ret, line);
	free(line);
	(void)fclose(locks);
	return ret->reader || ret->writer;
}

static void name_process(long pid, char out[static BULLA_HOLDER_MAX])
{
	char path[64], name[32] = "";
	(void)snprintf(path, sizeof path, "/proc/%ld/comm", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, name, sizeof name - 1);
	if (fd >= 0) (void)close(fd);
	if (n > 0 && name[n - 1] == '\n') name[n - 1] = 0;
	(void)snprintf(out, BULLA_HOLDER_MAX, name[0] ? "process %ld (%s)" : "process %ld", pid, name);
}

/* A database in WAL mode is locked through the index of its log, and every connection has a reading lock on the file itself. */
bool bulla_lock_holder(const char *path, char out[static BULLA_HOLDER_MAX])
{
	search beside, self;
	char index[4096];
	(void)snprintf(index, sizeof index, "%s-shm", path);
	bool wal = find(index, &beside), any = find(path, &self);
	long pid = wal && beside.writer ? beside.writer : any && self.writer ? self.writer : any && !wal ? self.reader : 0;
	if (pid) name_process(pid, out);
	return pid != 0;
}

const char *bulla_lock_holder_text(const char *path, char out[static BULLA_HOLDER_MAX])
{
	if (!path || !bulla_lock_holder(path, out)) (void)snprintf(out, BULLA_HOLDER_MAX, "another process");
	return out;
}
