/*
 * test_pool.c - slots are zeroed, stay put, are guarded and do not reach a child process; what the machine gives is told.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/pool.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MANY 3000 /* more than a few chunks */

static bool zeroed(const bulla_secret *slot)
{
	static const bulla_secret zero;
	return bulla_equal_ct(slot, &zero, sizeof zero);
}

static void slots_are_zeroed_apart_and_reused(void **state)
{
	(void)state;
	static bulla_secret *slots[MANY];
	bulla_pool *pool = NULL;
	assert_int_equal(bulla_pool_new(&pool, NULL), BULLA_OK);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < MANY; i++) {
			assert_int_equal(bulla_pool_take(pool, &slots[i], NULL), BULLA_OK);
			assert_true(zeroed(slots[i]));
			memset(slots[i], (int)(i % 255) + 1, sizeof *slots[i]);
		}
		for (size_t i = 0; i < MANY; i++) {
			for (size_t b = 0; b < sizeof slots[i]->bytes; b++)
				assert_int_equal(slots[i]->bytes[b], i % 255 + 1);
			bulla_pool_give(pool, slots[i]);
			assert_true(zeroed(slots[i]));
		}
	}
	assert_false(bulla_pool_is_wiped(pool));
	bulla_pool_give(pool, NULL);
	bulla_pool_free(pool);
	bulla_pool_free(NULL);
}

static void a_slot_given_twice_is_not_taken_twice(void **state)
{
	(void)state;
	bulla_pool *pool = NULL;
	bulla_secret *a, *b, *c, foreign = { { 1 } };
	assert_int_equal(bulla_pool_new(&pool, NULL), BULLA_OK);
	assert_int_equal(bulla_pool_take(pool, &a, NULL), BULLA_OK);
	bulla_pool_give(pool, a);
	bulla_pool_give(pool, a);
	bulla_pool_give(pool, &foreign);
	assert_int_equal(foreign.bytes[0], 1);
	assert_int_equal(bulla_pool_take(pool, &b, NULL), BULLA_OK);
	assert_int_equal(bulla_pool_take(pool, &c, NULL), BULLA_OK);
	assert_ptr_not_equal(b, c);
	bulla_pool_free(pool);
}

static int status_of(pid_t pid)
{
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Runs `body` in a child; its exit status, or 128 + the signal that ended it. */
static int in_child(void (*body)(bulla_pool *pool, bulla_secret *slot), bulla_pool *pool, bulla_secret *slot)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL); /* cmocka's handler would report it as a failure of its own */
		signal(SIGBUS, SIG_DFL);
		body(pool, slot);
		_exit(1);
	}
	return status_of(pid);
}

static void runs_lie_together(void **state)
{
	(void)state;
	bulla_pool *pool = NULL;
	bulla_secret *run[40], *one[40], *none = NULL;
	assert_int_equal(bulla_pool_new(&pool, NULL), BULLA_OK);
	for (size_t i = 0; i < 40; i++) {
		assert_int_equal(bulla_pool_take(pool, &one[i], NULL), BULLA_OK);
		assert_int_equal(bulla_pool_take_run(pool, i + 1, &run[i], NULL), BULLA_OK);
		memset(one[i], 0xff, sizeof *one[i]);
		for (size_t k = 0; k < i + 1; k++) {
			assert_true(zeroed(run[i] + k));
			memset(run[i] + k, (int)i + 1, sizeof *run[i]);
		}
	}
	for (size_t i = 0; i < 40; i += 2)
		bulla_pool_give_run(pool, run[i], i + 1);
	for (size_t i = 0; i < 40; i++)
		for (size_t k = 0; k < i + 1; k++)
			assert_int_equal(run[i][k].bytes[31], i % 2 ? i + 1 : 0);
	for (size_t i = 0; i < 40; i++)
		assert_int_equal(one[i]->bytes[0], 0xff);
	assert_int_equal(bulla_pool_take_run(pool, 0, &none, NULL), BULLA_ERR_LIMIT);
	assert_int_equal(bulla_pool_take_run(pool, BULLA_POOL_RUN_MAX + 1, &none, NULL), BULLA_ERR_LIMIT);
	assert_int_equal(bulla_pool_take_run(pool, BULLA_POOL_RUN_MAX, &none, NULL), BULLA_OK);
	bulla_pool_free(pool);
}

static void child_looks(bulla_pool *pool, bulla_secret *slot)
{
	bulla_secret *other = NULL;
	if (bulla_pool_generation(pool) != 1 || !bulla_pool_is_wiped(pool)) _exit(2);
	bulla_pool_give(pool, slot); /* the parent's: changes nothing, touches nothing */
	if (bulla_pool_generation(pool) != 1) _exit(3);
	if (bulla_pool_take(pool, &other, NULL) != BULLA_OK || other == slot || !zeroed(other)) _exit(4);
	memset(other, 0xbb, sizeof *other);
	pid_t grandchild = fork();
	if (grandchild == 0) {
		if (bulla_pool_generation(pool) != 2 || bulla_pool_take(pool, &slot, NULL) != BULLA_OK || !zeroed(slot)) _exit(5);
		bulla_pool_free(pool);
		_exit(0);
	}
	if (status_of(grandchild) || bulla_pool_generation(pool) != 1 || other->bytes[31] != 0xbb) _exit(6);
	bulla_pool_free(pool);
	_exit(0);
}

static void child_reads(bulla_pool *pool, bulla_secret *slot)
{
	(void)pool;
	_exit(((const volatile uint8_t *)slot)[0] == 0xaa ? 2 : 3);
}

static void child_reads_later(bulla_pool *pool, bulla_secret *slot)
{
	bulla_secret *other = NULL;
	if (bulla_pool_take(pool, &other, NULL) != BULLA_OK) _exit(4);
	child_reads(pool, slot);
}

static void a_child_has_none_of_it(void **state)
{
	(void)state;
	bulla_pool *pool = NULL;
	bulla_secret *slot;
	assert_int_equal(bulla_pool_new(&pool, NULL), BULLA_OK);
	assert_int_equal(bulla_pool_take(pool, &slot, NULL), BULLA_OK);
	memset(slot, 0xaa, sizeof *slot);
	assert_int_equal(in_child(child_looks, pool, slot), 0);
	assert_int_equal(in_child(child_reads, pool, slot), 128 + SIGSEGV);
	assert_int_equal(in_child(child_reads_later, pool, slot), 128 + SIGSEGV);
	assert_int_equal(slot->bytes[31], 0xaa); /* the parent keeps its own */
	assert_int_equal(bulla_pool_generation(pool), 0);
	bulla_pool_free(pool);
}

/* In a pool of the child's own: it does not have its parent's. */
static bulla_secret *slot_of_own(void)
{
	bulla_pool *pool = NULL;
	bulla_secret *slot;
	if (bulla_pool_new(&pool, NULL) || bulla_pool_take(pool, &slot, NULL)) _exit(9);
	return slot;
}

static void read_below(bulla_pool *unused, bulla_secret *slot)
{
	(void)unused;
	slot = slot_of_own();
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const volatile uint8_t *p = (const volatile uint8_t *)((uintptr_t)slot / page * page);
	_exit(p[-1] ? 2 : 3); /* the first slots lie in the first page */
}

static void read_above(bulla_pool *unused, bulla_secret *slot)
{
	(void)unused;
	slot = slot_of_own();
	const volatile uint8_t *p = (const volatile uint8_t *)slot;
	size_t limit = 16 * (size_t)sysconf(_SC_PAGESIZE);
	for (size_t i = 0; i < limit; i++)
		if (p[i] == 0xee) _exit(2);
	_exit(3);
}

static void guard_pages_stop_an_overrun(void **state)
{
	(void)state;
	assert_int_equal(in_child(read_below, NULL, NULL), 128 + SIGSEGV);
	assert_int_equal(in_child(read_above, NULL, NULL), 128 + SIGSEGV);
}

/* A limit of two pages, and no more privilege that would pass it by. */
static void with_little_to_lock(bulla_pool *unused, bulla_secret *slot)
{
	(void)unused;
	bulla_pool *pool = NULL;
	bulla_secret_memory memory;
	struct rlimit little = { 8192, 8192 }, none = { 0, 0 }, some = { 4096, RLIM_INFINITY };
	if (bulla_secret_memory_look(&memory, NULL) || !memory.locked || !memory.undumpable) _exit(2);
	if (memory.kind != BULLA_MEMORY_SECRET && memory.kind != BULLA_MEMORY_LOCKED) _exit(3);
	if (setrlimit(RLIMIT_CORE, &some) || bulla_secret_memory_look(&memory, NULL) || memory.core_files_off) _exit(4);
	if (prctl(PR_SET_DUMPABLE, 0) || bulla_secret_memory_look(&memory, NULL) || !memory.core_files_off) _exit(5);
	if (prctl(PR_SET_DUMPABLE, 1) || setrlimit(RLIMIT_CORE, &none)) _exit(6);
	if (bulla_secret_memory_look(&memory, NULL) || !memory.core_files_off) _exit(7);
	if (setrlimit(RLIMIT_MEMLOCK, &little) || (geteuid() == 0 && setuid(65534))) _exit(8);
	if (bulla_secret_memory_look(&memory, NULL) || !memory.locked || memory.lock_limit != 8192) _exit(9);
	if (bulla_pool_new(&pool, NULL) || bulla_pool_take(pool, &slot, NULL)) _exit(10); /* four pages: not locked, and usable */
	memset(slot, 1, sizeof *slot);
	bulla_pool_free(pool);
	if (setrlimit(RLIMIT_MEMLOCK, &none) || bulla_secret_memory_look(&memory, NULL)) _exit(11);
	_exit(memory.kind == BULLA_MEMORY_PLAIN && !memory.locked && memory.undumpable ? 0 : 12);
}

static void what_the_machine_gives_is_told(void **state)
{
	(void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	skip(); /* they replace mlock() by nothing */
#endif
	assert_int_equal(in_child(with_little_to_lock, NULL, NULL), 0);
	assert_string_equal(bulla_memory_kind_name(BULLA_MEMORY_SECRET), "memfd_secret");
	assert_string_equal(bulla_memory_kind_name(BULLA_MEMORY_LOCKED), "locked");
	assert_string_equal(bulla_memory_kind_name(BULLA_MEMORY_PLAIN), "plain");
}

static void *take_and_give(void *self)
{
	bulla_pool *pool = self;
	bulla_secret *mine[40];
	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < 40; i++) {
			if (bulla_pool_take(pool, &mine[i], NULL) != BULLA_OK || !zeroed(mine[i])) return self;
			memset(mine[i], 1 + round % 200, sizeof *mine[i]);
		}
		for (size_t i = 0; i < 40; i++)
			bulla_pool_give(pool, mine[i]);
	}
	return NULL;
}

static void threads_share_it(void **state)
{
	(void)state;
	bulla_pool *pool = NULL;
	pthread_t threads[4];
	assert_int_equal(bulla_pool_new(&pool, NULL), BULLA_OK);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, pool), 0);
	for (size_t i = 0; i < 4; i++) {
		void *failed = pool;
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	bulla_pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_are_zeroed_apart_and_reused),
		cmocka_unit_test(a_slot_given_twice_is_not_taken_twice),
		cmocka_unit_test(runs_lie_together),
		cmocka_unit_test(a_child_has_none_of_it),
		cmocka_unit_test(guard_pages_stop_an_overrun),
		cmocka_unit_test(what_the_machine_gives_is_told),
		cmocka_unit_test(threads_share_it),
	};
	return cmocka_run_group_tests_name("base/pool", tests, NULL, NULL);
}
