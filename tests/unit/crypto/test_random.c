/*
 * test_random.c - the buffer of random bytes: wiped as it is used, filled again at its end, empty when the generator fails.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* for a generator that can be made to fail */
#include "known.h"

#include <openssl/rand.h>

#include "crypto/random.h"

typedef struct source {
	uint8_t bytes[BULLA_RANDOM_BYTES];
	size_t left;
} source;

static bulla_code draw(source *s, uint8_t *out, size_t n, bulla_error *err)
{
	return bulla_random_draw(s->bytes, &s->left, out, n, err);
}

static void prime(source *s)
{
	uint8_t byte;

	*s = (source){ 0 };
	assert_int_equal(draw(s, &byte, 1, NULL), BULLA_OK);
	assert_int_equal(s->left, BULLA_RANDOM_BYTES - 1);
}

static size_t leading_zeros(const source *s)
{
	size_t n = 0;
	while (n < BULLA_RANDOM_BYTES && s->bytes[n] == 0)
		n++;
	return n;
}

static void wiped_as_used(void **state)
{
	source s;
	uint8_t expected[100], drawn[100];
	(void)state;

	prime(&s);
	memcpy(expected, s.bytes + 1, sizeof expected);
	assert_int_equal(draw(&s, drawn, sizeof drawn, NULL), BULLA_OK);
	assert_memory_equal(drawn, expected, sizeof drawn);
	assert_true(leading_zeros(&s) >= 101);
	assert_true(leading_zeros(&s) < 101 + 8); /* the unused ones are there */
}

static void refilled_at_the_end(void **state)
{
	source s;
	uint8_t most[BULLA_RANDOM_BYTES - 11], over[20], tail[10];
	(void)state;

	prime(&s);
	assert_int_equal(draw(&s, most, sizeof most, NULL), BULLA_OK);
	assert_int_equal(s.left, 10);
	memcpy(tail, s.bytes + BULLA_RANDOM_BYTES - 10, 10);
	assert_int_equal(draw(&s, over, sizeof over, NULL), BULLA_OK);
	assert_memory_equal(over, tail, 10); /* the last ten of the old bytes, then ten new ones */
	assert_int_equal(s.left, BULLA_RANDOM_BYTES - 10);
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
	source s = { 0 };
	bulla_error e = { 0 };
	(void)state;

	assert_int_equal(RAND_set_rand_method(&method), 1);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		s.left = 0;
		memset(out, 0x5a, sizeof out);
		broken = true;
		assert_int_equal(draw(&s, out, sizes[i], &e), BULLA_ERR_CRYPTO);
		for (size_t j = 0; j < sizes[i]; j++)
			assert_int_equal(out[j], 0);
		assert_int_equal(s.left, 0); /* a half-made page is not handed out later */
		broken = false;
		assert_int_equal(draw(&s, out, sizes[i], &e), BULLA_OK);
		assert_int_equal(out[sizes[i] - 1], 0x77);
	}
	assert_int_equal(RAND_set_rand_method(NULL), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wiped_as_used),
		cmocka_unit_test(refilled_at_the_end),
		cmocka_unit_test(generator_fails),
	};
	return cmocka_run_group_tests_name("crypto/random", tests, NULL, NULL);
}
