/*
 * test_pool.c - slots are zeroed, stay put, are guarded and do not reach a child process.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/pool.h"

#include <pthread.h>
#include <signal.h>
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
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void child_looks(bulla_pool *pool, bulla_secret *slot)
{
	bulla_secret *other = NULL;
	if (!bulla_pool_is_wiped(pool)) _exit(2);
	if (!zeroed(slot)) _exit(3);
	if (bulla_pool_take(pool, &other, NULL) != BULLA_OK || other == slot) _exit(4);
	bulla_pool_give(pool, slot);
	bulla_pool_free(pool);
	_exit(0);
}

static void a_child_sees_zeros(void **state)
{
	(void)state;
	bulla_pool *pool = NULL;
	bulla_secret *slot;
	assert_int_equal(bulla_pool_new(&pool, NULL), BULLA_OK);
	assert_int_equal(bulla_pool_take(pool, &slot, NULL), BULLA_OK);
	memset(slot, 0xaa, sizeof *slot);
	assert_int_equal(in_child(child_looks, pool, slot), 0);
	assert_int_equal(slot->bytes[31], 0xaa); /* the parent keeps its own */
	assert_false(bulla_pool_is_wiped(pool));
	bulla_pool_free(pool);
}

static void read_below(bulla_pool *pool, bulla_secret *slot)
{
	(void)pool;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const volatile uint8_t *p = (const volatile uint8_t *)((uintptr_t)slot / page * page);
	_exit(p[-1] ? 2 : 3); /* the first slots lie in the first page */
}

static void read_above(bulla_pool *pool, bulla_secret *slot)
{
	(void)pool;
	const volatile uint8_t *p = (const volatile uint8_t *)slot;
	size_t limit = 16 * (size_t)sysconf(_SC_PAGESIZE);
	for (size_t i = 0; i < limit; i++)
		if (p[i] == 0xee) _exit(2);
	_exit(3);
}

static void guard_pages_stop_an_overrun(void **state)
{
	(void)state;
	bulla_pool *pool = NULL;
	bulla_secret *slot;
	assert_int_equal(bulla_pool_new(&pool, NULL), BULLA_OK);
	assert_int_equal(bulla_pool_take(pool, &slot, NULL), BULLA_OK);
	assert_int_equal(in_child(read_below, pool, slot), 128 + SIGSEGV);
	assert_int_equal(in_child(read_above, pool, slot), 128 + SIGSEGV);
	bulla_pool_free(pool);
}

static void unlocked_pool(bulla_pool *unused, bulla_secret *slot)
{
	(void)unused;
	(void)slot;
	bulla_pool *pool = NULL;
	if (bulla_pool_new(&pool, NULL) != BULLA_OK) _exit(2);
	if (!bulla_pool_is_locked(pool)) _exit(3);
	bulla_pool_free(pool);
	struct rlimit none = { 0, 0 };
	if (setrlimit(RLIMIT_MEMLOCK, &none) || (geteuid() == 0 && setuid(65534))) _exit(4);
	if (bulla_pool_new(&pool, NULL) != BULLA_OK) _exit(5);
	_exit(bulla_pool_is_locked(pool) || !bulla_pool_is_undumpable(pool) ? 6 : 0);
}

static void a_refused_lock_is_told_not_fatal(void **state)
{
	(void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	skip(); /* they replace mlock() by nothing */
#endif
	assert_int_equal(in_child(unlocked_pool, NULL, NULL), 0);
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
		cmocka_unit_test(a_child_sees_zeros),
		cmocka_unit_test(guard_pages_stop_an_overrun),
		cmocka_unit_test(a_refused_lock_is_told_not_fatal),
		cmocka_unit_test(threads_share_it),
	};
	return cmocka_run_group_tests_name("base/pool", tests, NULL, NULL);
}
