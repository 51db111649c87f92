/*
 * test_random.c - the buffer of random bytes: wiped as it is used, wiped when it ends, new in a child either way.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* for a generator that can be made to fail */
#include "known.h"

#include <openssl/rand.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/random.h"

static bulla_random_source primed(void)
{
	bulla_random_source source;
	uint8_t byte;

	assert_int_equal(bulla_random_init(&source, NULL), BULLA_OK);
	assert_int_equal(source.page->left, 0);
	assert_int_equal(bulla_random_draw(&source, &byte, 1, NULL), BULLA_OK);
	assert_int_equal(source.page->left, BULLA_RANDOM_BYTES - 1);
	return source;
}

static size_t leading_zeros(const bulla_random_source *source)
{
	size_t n = 0;
	while (n < BULLA_RANDOM_BYTES && source->page->bytes[n] == 0)
		n++;
	return n;
}

static void wiped_as_used(void **state)
{
	bulla_random_source source = primed();
	uint8_t expected[100], drawn[100];
	(void)state;

	memcpy(expected, source.page->bytes + 1, sizeof expected);
	assert_int_equal(bulla_random_draw(&source, drawn, sizeof drawn, NULL), BULLA_OK);
	assert_memory_equal(drawn, expected, sizeof drawn);
	assert_true(leading_zeros(&source) >= 101);
	assert_true(leading_zeros(&source) < 101 + 8); /* the unused ones are there */
	bulla_random_done(&source);
	assert_null(source.page);
	bulla_random_done(&source);
}

static void refilled_at_the_end(void **state)
{
	bulla_random_source source = primed();
	uint8_t most[BULLA_RANDOM_BYTES - 11], over[20], tail[10];
	(void)state;

	assert_int_equal(bulla_random_draw(&source, most, sizeof most, NULL), BULLA_OK);
	assert_int_equal(source.page->left, 10);
	memcpy(tail, source.page->bytes + BULLA_RANDOM_BYTES - 10, 10);
	assert_int_equal(bulla_random_draw(&source, over, sizeof over, NULL), BULLA_OK);
	assert_memory_equal(over, tail, 10); /* the last ten of the old page, then ten of a new one */
	assert_int_equal(source.page->left, BULLA_RANDOM_BYTES - 10);
	bulla_random_done(&source);
}

/* Whether a child finds the page of its parent, seen as its draw equalling what the parent would draw next. */
static bool child_draws_the_same(bulla_random_source *source)
{
	uint8_t next[32], drawn[32];
	int status;

	memcpy(next, source->page->bytes + BULLA_RANDOM_BYTES - source->page->left, sizeof next);
	pid_t child = fork();
	if (child == 0) {
		if (bulla_random_draw(source, drawn, sizeof drawn, NULL) != BULLA_OK) _exit(2);
		_exit(memcmp(drawn, next, sizeof drawn) == 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return WEXITSTATUS(status) == 1;
}

static void kernel_wipes_for_a_child(void **state)
{
	bulla_random_source source = primed();
	(void)state;

	if (!source.wiped_on_fork) {
		bulla_random_done(&source);
		skip();
	}
	assert_false(child_draws_the_same(&source));
	bulla_random_done(&source);
}

/* A kernel that refuses the advice: the page is inherited, the process id tells. */
static void process_id_tells_a_child(void **state)
{
	bulla_random_source source = primed();
	(void)state;

	if (source.wiped_on_fork) assert_int_equal(madvise(source.page, BULLA_RANDOM_PAGE, MADV_KEEPONFORK), 0);
	source.wiped_on_fork = true; /* the test can see a shared page: without either guard the child does draw the same */
	assert_true(child_draws_the_same(&source));
	source.wiped_on_fork = false;
	assert_false(child_draws_the_same(&source));
	bulla_random_done(&source);
}

/* A generator that fails for as long as `broken`. */
static bool broken;

static int sometimes(unsigned char *out, int n)
{
	memset(out, 0x77, (size_t)n);
	return broken ? 0 : 1;
}

static void generator_fails(void **state)
{
	static const size_t sizes[] = { 32, BULLA_RANDOM_BYTES, BULLA_RANDOM_BYTES + 1 };
	RAND_METHOD method = { .bytes = sometimes };
	uint8_t out[BULLA_RANDOM_BYTES + 1];
	bulla_random_source source = primed();
	bulla_error e = { 0 };
	(void)state;

	assert_int_equal(RAND_set_rand_method(&method), 1);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		memset(source.page, 0, BULLA_RANDOM_PAGE);
		memset(out, 0x5a, sizeof out);
		broken = true;
		assert_int_equal(bulla_random_draw(&source, out, sizes[i], &e), BULLA_ERR_CRYPTO);
		for (size_t j = 0; j < sizes[i]; j++)
			assert_int_equal(out[j], 0);
		assert_int_equal(source.page->left, 0); /* a half-made page is not handed out later */
		broken = false;
		assert_int_equal(bulla_random_draw(&source, out, sizes[i], &e), BULLA_OK);
		assert_int_equal(out[sizes[i] - 1], 0x77);
	}
	assert_int_equal(RAND_set_rand_method(NULL), 1);
	bulla_random_done(&source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wiped_as_used),
		cmocka_unit_test(refilled_at_the_end),
		cmocka_unit_test(kernel_wipes_for_a_child),
		cmocka_unit_test(process_id_tells_a_child),
		cmocka_unit_test(generator_fails),
	};
	return cmocka_run_group_tests_name("crypto/random", tests, NULL, NULL);
}
