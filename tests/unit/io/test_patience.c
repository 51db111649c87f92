/*
 * test_patience.c - how long a wait goes on and who is told; who holds a lock, asked of the kernel while a child holds it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "io/patience.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct place {
	char dir[64], path[96], shm[96];
	pid_t child;
} place;

static int set_up(void **state)
{
	place *p = calloc(1, sizeof *p);
	strcpy(p->dir, "/tmp/bulla-patience-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->path, sizeof p->path, "%s/file", p->dir);
	snprintf(p->shm, sizeof p->shm, "%s/file-shm", p->dir);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	place *p = *state;
	(void)unlink(p->path);
	(void)unlink(p->shm);
	(void)rmdir(p->dir);
	free(p);
	return 0;
}

typedef enum kind { FLOCK, WRITE, READ } kind;

static void take(const char *path, kind how)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	struct flock lock = { .l_type = how == WRITE ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET, .l_start = 120, .l_len = 1 };
	if (how == FLOCK ? flock(fd, LOCK_EX) : fcntl(fd, F_SETLK, &lock)) _exit(1);
}

/* A child that holds a lock on `path` until release(). */
static void hold(place *p, const char *path, kind how)
{
	int ready[2];
	char byte;
	assert_int_equal(pipe(ready), 0);
	p->child = fork();
	if (p->child == 0) {
		take(path, how);
		if (write(ready[1], "x", 1) == 1) pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
}

static void release(place *p)
{
	kill(p->child, SIGKILL);
	waitpid(p->child, NULL, 0);
}

static void expect_holder(const place *p)
{
	char holder[BULLA_HOLDER_MAX], wanted[BULLA_HOLDER_MAX];
	assert_true(bulla_lock_holder(p->path, holder));
	snprintf(wanted, sizeof wanted, "process %ld (", (long)p->child);
	if (strncmp(holder, wanted, strlen(wanted)) != 0) fail_msg("%s instead of %s", holder, wanted);
	assert_string_equal(bulla_lock_holder_text(p->path, holder), holder);
}

static void test_holders(void **state)
{
	place *p = *state;
	char holder[BULLA_HOLDER_MAX];
	if (access("/proc/locks", R_OK)) skip();
	static const kind kinds[] = { FLOCK, WRITE, READ };
	assert_false(bulla_lock_holder(p->path, holder));
	for (size_t i = 0; i < 3; i++) {
		hold(p, p->path, kinds[i]);
		expect_holder(p);
		release(p);
		assert_false(bulla_lock_holder(p->path, holder));
	}
	assert_string_equal(bulla_lock_holder_text(p->path, holder), "another process");
	assert_string_equal(bulla_lock_holder_text(NULL, holder), "another process");
}

/* What SQLite does in WAL mode: writers lock the index, everybody has a reading lock on the file. */
static void test_beside_the_file(void **state)
{
	place *p = *state;
	char holder[BULLA_HOLDER_MAX];
	if (access("/proc/locks", R_OK)) skip();
	hold(p, p->shm, WRITE);
	expect_holder(p);
	release(p);
	hold(p, p->shm, READ);
	assert_false(bulla_lock_holder(p->path, holder));
	release(p);
}

static void test_own_locks_are_nobody_elses(void **state)
{
	place *p = *state;
	char holder[BULLA_HOLDER_MAX];
	take(p->path, WRITE);
	assert_false(bulla_lock_holder(p->path, holder));
}

typedef struct told {
	int times;
	char what[512];
	int64_t wait_ms;
} told;

static void tell(void *self, const char *what, int64_t wait_ms)
{
	told *t = self;
	t->times++;
	t->wait_ms = wait_ms;
	snprintf(t->what, sizeof t->what, "%s", what);
}

static void pause_ms(long ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };
	nanosleep(&time, NULL);
}

static void test_a_wait(void **state)
{
	place *p = *state;
	told t = { 0 };
	bulla_patience patience = { .wait_ms = 1400, .waiting = tell, .self = &t };
	bulla_wait wait = { 0 };
	hold(p, p->path, FLOCK);
	assert_true(bulla_wait_on(&wait, &patience, 1, "the log", p->path));
	assert_int_equal(t.times, 0);
	pause_ms(BULLA_WAIT_TOLD_MS + 50);
	assert_true(bulla_wait_on(&wait, &patience, 1, "the log", p->path));
	assert_true(bulla_wait_on(&wait, &patience, 1, "the log", p->path));
	assert_int_equal(t.times, 1);
	assert_int_equal(t.wait_ms, 1400);
	char wanted[256];
	snprintf(wanted, sizeof wanted, "the log %s, which process %ld (", p->path, (long)p->child);
	assert_int_equal(strncmp(t.what, wanted, strlen(wanted)), 0);
	pause_ms(400);
	assert_false(bulla_wait_on(&wait, &patience, 1, "the log", p->path));
	release(p);
}

static void test_presets_and_stops(void **state)
{
	place *p = *state;
	atomic_bool stop = false;
	bulla_patience usual = { 0 }, stopped = { .wait_ms = 60000, .stop = &stop };
	bulla_wait wait = bulla_wait_now(), other = bulla_wait_now();
	pause_ms(20);
	assert_false(bulla_wait_on(&wait, &usual, 10, "it", p->path));
	assert_true(bulla_wait_on(&wait, &usual, 60000, "it", p->path));
	assert_true(bulla_wait_on(&other, &stopped, 1, "it", p->path));
	atomic_store(&stop, true);
	assert_false(bulla_wait_on(&other, &stopped, 1, "it", p->path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_holders, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_beside_the_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_own_locks_are_nobody_elses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_wait, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_presets_and_stops, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
