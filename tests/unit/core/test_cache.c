/*
 * test_cache.c - the keys that are held open: their limits, flights, reports, and what a fork leaves of them.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000ll

static bulla_pool *pool;
static bulla_cache *cache;
static _Atomic int64_t now;
static atomic_int slow; /* how many of the next looks at the clock take a while to come back */
static char reports[64][64];
static size_t report_count;

static int64_t clock_us(void *self)
{
	(void)self;
	int64_t seen = now;
	if (atomic_fetch_sub(&slow, 1) > 0) nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	return seen;
}

static void report(void *self, bulla_bytes identity, uint64_t version, int64_t count)
{
	(void)self;
	if (report_count < 64)
		snprintf(reports[report_count++], sizeof reports[0], "%.*s %llu %lld", (int)identity.len,
			 (const char *)identity.data, (unsigned long long)version, (long long)count);
}

static void begin(int64_t max_age_ms, uint64_t max_uses, size_t max_keys)
{
	bulla_cache_limits limits = { max_age_ms, max_uses, max_keys };
	now = 1000 * SECOND;
	report_count = 0;
	assert_int_equal(bulla_pool_new(&pool, NULL), BULLA_OK);
	assert_int_equal(bulla_cache_new(&limits, pool, clock_us, NULL, report, NULL, &cache, NULL), BULLA_OK);
}

static void end(void)
{
	bulla_cache_free(cache);
	bulla_pool_free(pool);
}

static bulla_bytes version_id(uint64_t version, uint8_t out[8])
{
	bulla_put_u64(out, version);
	return bulla_view(out, 8);
}

static bulla_cache_outcome get(const char *identity, uint64_t uses, const bulla_cached_key **ret)
{
	return bulla_cache_get(cache, BULLA_CACHE_CURRENT, bulla_view_str(identity), uses, ret);
}

/* The key of `version` is filled with its low byte. */
static const bulla_cached_key *put(const char *identity, uint64_t version)
{
	bulla_secret secret;
	const bulla_cached_key *held = NULL;
	memset(&secret, (int)(version & 0xff), sizeof secret);
	bulla_cached_key key = {
		.key = &secret, .version = version, .identity = bulla_view_str(identity), .wrapped = bulla_view_str("wrapped")
	};
	assert_int_equal(bulla_cache_put(cache, BULLA_CACHE_CURRENT, bulla_view_str(identity), &key, 1, &held, NULL), BULLA_OK);
	assert_non_null(held);
	return held;
}

static void add(const char *identity, uint64_t version)
{
	bulla_cache_give(cache, put(identity, version));
}

/* Asks for it and gives it back, or ends the flight that asking began. */
static bool has(const char *identity)
{
	const bulla_cached_key *key = NULL;
	bool hit = get(identity, 0, &key) == BULLA_CACHE_HIT;
	if (hit)
		bulla_cache_give(cache, key);
	else
		bulla_cache_land(cache, BULLA_CACHE_CURRENT, bulla_view_str(identity));
	return hit;
}

/* --- finding --------------------------------------------------------------------------------------------------- */

static void found_by_both_names(void **state)
{
	const bulla_cached_key *key;
	uint8_t id[8];
	(void)state;
	begin(1000, 100, 10);
	assert_int_equal(get("a", 1, &key), BULLA_CACHE_YOURS);
	add("a", 0x1234);
	assert_int_equal(get("a", 1, &key), BULLA_CACHE_HIT);
	assert_int_equal(key->version, 0x1234);
	assert_int_equal(key->key->bytes[31], 0x34);
	assert_true(bulla_bytes_is(key->identity, "a"));
	assert_true(bulla_bytes_is(key->wrapped, "wrapped"));
	bulla_cache_give(cache, key);
	assert_int_equal(bulla_cache_get(cache, BULLA_CACHE_VERSION, version_id(0x1234, id), 1, &key), BULLA_CACHE_HIT);
	bulla_cache_give(cache, key);
	assert_int_equal(bulla_cache_get(cache, BULLA_CACHE_DATA, version_id(0x1234, id), 1, &key), BULLA_CACHE_YOURS);
	end();
}

static void flights(void **state)
{
	const bulla_cached_key *key;
	(void)state;
	begin(1000, 100, 10);
	assert_int_equal(get("a", 1, &key), BULLA_CACHE_YOURS);
	assert_int_equal(get("a", 1, &key), BULLA_CACHE_FLYING);
	bulla_cache_land(cache, BULLA_CACHE_CURRENT, bulla_view_str("a"));
	assert_int_equal(get("a", 1, &key), BULLA_CACHE_YOURS);
	add("a", 1);
	assert_int_equal(get("a", 1, &key), BULLA_CACHE_HIT);
	bulla_cache_give(cache, key);
	bulla_cache_land(cache, BULLA_CACHE_CURRENT, bulla_view_str("a")); /* no flight any more: it stays */
	assert_true(has("a"));
	bulla_cache_wait(cache, 1); /* returns */
	end();
}

static void a_newer_version_takes_the_place(void **state)
{
	const bulla_cached_key *old, *key;
	uint8_t id[8];
	(void)state;
	begin(1000, 100, 10);
	old = put("a", 1);
	add("a", 2);
	assert_int_equal(get("a", 1, &key), BULLA_CACHE_HIT);
	assert_int_equal(key->version, 2);
	bulla_cache_give(cache, key);
	assert_int_equal(bulla_cache_count(cache), 1);
	assert_int_equal(bulla_cache_get(cache, BULLA_CACHE_VERSION, version_id(1, id), 1, &key), BULLA_CACHE_YOURS);
	assert_int_equal(old->key->bytes[0], 1); /* whoever holds it still reads it */
	bulla_cache_give(cache, old);
	end();
}

/* --- limits ---------------------------------------------------------------------------------------------------- */

static void max_age(void **state)
{
	(void)state;
	begin(300000, 100, 10);
	add("a", 1);
	now += 299 * SECOND;
	assert_true(has("a"));
	now += SECOND;
	assert_false(has("a"));
	assert_int_equal(bulla_cache_count(cache), 0);
	add("b", 2);
	now -= 1; /* a clock that was turned back makes no key immortal */
	assert_false(has("b"));
	add("c", 3);
	now += 300 * SECOND;
	bulla_cache_tick(cache); /* without anybody asking */
	assert_int_equal(bulla_cache_count(cache), 0);
	end();
}

static void max_uses(void **state)
{
	const bulla_cached_key *key;
	(void)state;
	begin(1000000, 10, 10);
	add("a", 1); /* 1 */
	for (int i = 0; i < 3; i++) {
		assert_int_equal(get("a", 3, &key), BULLA_CACHE_HIT);
		bulla_cache_give(cache, key);
	}
	assert_int_equal(get("a", 1, &key), BULLA_CACHE_YOURS);
	end();
}

static void max_keys_in_order_of_use(void **state)
{
	(void)state;
	begin(1000000, 1000, 3);
	add("a", 1);
	add("b", 2);
	add("c", 3);
	assert_true(has("a")); /* now the newest */
	add("d", 4);
	assert_int_equal(bulla_cache_count(cache), 3);
	assert_false(has("b"));
	assert_true(has("c"));
	assert_true(has("a"));
	assert_true(has("d"));
	add("e", 5);
	assert_false(has("c"));
	end();
}

static void evicted_while_held(void **state)
{
	(void)state;
	begin(1000000, 1000, 1);
	const bulla_cached_key *a = put("a", 7);
	add("b", 2);
	assert_false(has("a"));
	assert_int_equal(a->key->bytes[0], 7);
	bulla_cache_give(cache, a);
	const bulla_cached_key *b = put("b", 3);
	bulla_cache_forget(cache);
	assert_int_equal(bulla_cache_count(cache), 0);
	assert_int_equal(b->key->bytes[0], 3);
	bulla_cache_give(cache, b);
	bulla_cache_give(cache, NULL);
	end();
}

static void wiped_when_it_goes(void **state)
{
	(void)state;
	begin(1000000, 1000, 10);
	const bulla_cached_key *a = put("a", 7);
	const bulla_secret *slot = a->key; /* the pool's memory stays mapped */
	bulla_cache_forget(cache);
	assert_int_equal(slot->bytes[0], 7);
	bulla_cache_give(cache, a);
	for (size_t i = 0; i < sizeof slot->bytes; i++)
		assert_int_equal(slot->bytes[i], 0);
	end();
}

/* --- reports --------------------------------------------------------------------------------------------------- */

static void use(const char *identity, uint64_t uses)
{
	const bulla_cached_key *key;
	assert_int_equal(get(identity, uses, &key), BULLA_CACHE_HIT);
	bulla_cache_give(cache, key);
}

static void reported_after_a_minute(void **state)
{
	(void)state;
	begin(1000000000, 1000, 10);
	add("a", 1); /* the first use is the KMS's own record */
	bulla_cache_tick(cache);
	now += 3600 * SECOND;
	bulla_cache_tick(cache);
	assert_int_equal(report_count, 0);
	use("a", 3);
	now += 59 * SECOND;
	use("a", 4);
	bulla_cache_tick(cache);
	assert_int_equal(report_count, 0);
	now += SECOND;
	bulla_cache_tick(cache);
	assert_int_equal(report_count, 1);
	assert_string_equal(reports[0], "a 1 7");
	now += 3600 * SECOND;
	bulla_cache_tick(cache);
	assert_int_equal(report_count, 1);
	end();
	assert_int_equal(report_count, 1);
}

static void reported_at_eviction_and_at_the_end(void **state)
{
	(void)state;
	begin(1000000000, 1000, 1);
	add("a", 1);
	use("a", 2);
	add("b", 2);
	assert_int_equal(report_count, 1);
	assert_string_equal(reports[0], "a 1 2");
	use("b", 5);
	end();
	assert_int_equal(report_count, 2);
	assert_string_equal(reports[1], "b 2 5");
}

/* --- threads --------------------------------------------------------------------------------------------------- */

#define THREADS 3000

static atomic_int fetched, hits;

static void *reader(void *self)
{
	const bulla_cached_key *key = NULL;
	(void)self;
	for (bool done = false; !done;) {
		switch (get("cold", 1, &key)) {
		case BULLA_CACHE_HIT:
			if (key->key->bytes[0] == 9) atomic_fetch_add(&hits, 1);
			bulla_cache_give(cache, key);
			done = true;
			break;
		case BULLA_CACHE_YOURS:
			atomic_fetch_add(&fetched, 1);
			nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL); /* a KMS far away */
			bulla_cache_give(cache, put("cold", 9));
			atomic_fetch_add(&hits, 1);
			done = true;
			break;
		case BULLA_CACHE_FLYING:
			bulla_cache_wait(cache, 20);
			break;
		}
	}
	return NULL;
}

static void three_thousand_threads_one_question(void **state)
{
	pthread_t *threads = calloc(THREADS, sizeof *threads);
	pthread_attr_t small;
	size_t started = 0;
	(void)state;
	begin(1000000, 100000, 10);
	fetched = hits = 0;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 128 << 10);
	while (started < THREADS && pthread_create(&threads[started], &small, reader, NULL) == 0)
		started++;
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	pthread_attr_destroy(&small);
	free(threads);
	assert_int_equal(started, THREADS);
	assert_int_equal(fetched, 1);
	assert_int_equal(hits, THREADS);
	end();
}

/* A thread that has looked at the clock and is overtaken by one that puts the key: to it that key was born in the future. */
static void *overtaken(void *self)
{
	const bulla_cached_key *key = NULL;
	atomic_store((atomic_int *)self, 1);
	switch (get("cold", 1, &key)) {
	case BULLA_CACHE_HIT:
		bulla_cache_give(cache, key);
		break;
	case BULLA_CACHE_YOURS:
		atomic_fetch_add(&fetched, 1);
		bulla_cache_give(cache, put("cold", 9));
		break;
	case BULLA_CACHE_FLYING:
		break;
	}
	return NULL;
}

static void overtaken_threads_fetch_no_second_time(void **state)
{
	pthread_t thread;
	atomic_int there = 0;
	const bulla_cached_key *key = NULL;
	(void)state;
	begin(1000000, 100000, 10);
	fetched = 0;
	slow = 1;
	assert_int_equal(pthread_create(&thread, NULL, overtaken, &there), 0);
	while (!there || slow > 0)
		sched_yield();
	now += SECOND;
	bulla_cache_outcome outcome = get("cold", 1, &key);
	if (outcome == BULLA_CACHE_YOURS) {
		atomic_fetch_add(&fetched, 1);
		key = put("cold", 9);
	}
	pthread_join(thread, NULL);
	bulla_cache_give(cache, key);
	assert_int_equal(fetched, 1);
	end();
}

/* --- forks ----------------------------------------------------------------------------------------------------- */

/* What a child answers, as its exit status; killed when it is stuck. */
static int in_child(int (*body)(void))
{
	int status = 0;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		alarm(10);
		_exit(body());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int child_finds_nothing(void)
{
	const bulla_cached_key *key;
	if (get("a", 1, &key) != BULLA_CACHE_YOURS) return 1;
	if (get("flight of the parent", 1, &key) != BULLA_CACHE_YOURS) return 2;
	if (bulla_cache_count(cache) != 0) return 3;
	if (report_count) return 4;
	add("a", 5);
	if (get("a", 1, &key) != BULLA_CACHE_HIT || key->key->bytes[0] != 5) return 5;
	bulla_cache_give(cache, key);
	bulla_cache_tick(cache);
	return get("a", 1, &key) == BULLA_CACHE_HIT ? 0 : 6; /* it forgets its parent once */
}

static void lost_in_a_fork(void **state)
{
	const bulla_cached_key *key;
	(void)state;
	begin(1000000, 1000, 10);
	add("a", 1);
	use("a", 1);
	const bulla_cached_key *held = put("b", 2);
	assert_int_equal(get("flight of the parent", 1, &key), BULLA_CACHE_YOURS);
	assert_int_equal(in_child(child_finds_nothing), 0);
	assert_true(has("a"));
	assert_int_equal(held->key->bytes[0], 2);
	bulla_cache_give(cache, held);
	end();
}

static atomic_bool stop;

static void *churn(void *self)
{
	(void)self;
	while (!stop) {
		bulla_cache_tick(cache);
		if (!has("x")) add("x", 3);
	}
	return NULL;
}

static int child_asks(void)
{
	const bulla_cached_key *key;
	return get("a", 1, &key) == BULLA_CACHE_YOURS ? 0 : 1;
}

/* A child is not stuck behind a thread of the parent that held the lock. */
static void forked_in_the_middle(void **state)
{
	pthread_t thread;
	(void)state;
	begin(1000000, 1000000000, 2);
	add("a", 1);
	stop = false;
	assert_int_equal(pthread_create(&thread, NULL, churn, NULL), 0);
	for (int i = 0; i < 60; i++)
		assert_int_equal(in_child(child_asks), 0);
	stop = true;
	pthread_join(thread, NULL);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found_by_both_names),
		cmocka_unit_test(flights),
		cmocka_unit_test(a_newer_version_takes_the_place),
		cmocka_unit_test(max_age),
		cmocka_unit_test(max_uses),
		cmocka_unit_test(max_keys_in_order_of_use),
		cmocka_unit_test(evicted_while_held),
		cmocka_unit_test(wiped_when_it_goes),
		cmocka_unit_test(reported_after_a_minute),
		cmocka_unit_test(reported_at_eviction_and_at_the_end),
		cmocka_unit_test(three_thousand_threads_one_question),
		cmocka_unit_test(overtaken_threads_fetch_no_second_time),
		cmocka_unit_test(lost_in_a_fork),
		cmocka_unit_test(forked_in_the_middle),
	};
	return cmocka_run_group_tests_name("core/cache", tests, NULL, NULL);
}
