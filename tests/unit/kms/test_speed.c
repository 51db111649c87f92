/*
 * test_speed.c - how long a full group takes, printed and not judged: benches judge, and machines differ.
 */
#include "help.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 40

static double seconds(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void test_group_of_1000(void **state)
{
	fixture *f = *state;
	enum { N = BULLA_ENGINE_GROUP_MAX };
	bulla_engine_request *requests = calloc(N, sizeof *requests);
	bulla_engine_reply *replies = calloc(N, sizeof *replies);
	for (size_t i = 0; i < N; i++)
		requests[i] = (bulla_engine_request){ .operation = BULLA_ENGINE_GENERATE_DATA_KEY,
						      .key_id = bulla_view_str("alias/test"),
						      .context = context() };
	double start = seconds();
	for (int i = 0; i < ROUNDS; i++) {
		f->log.text.len = 0;
		assert_int_equal(bulla_engine_call(f->engine, requests, N, replies, NULL), BULLA_OK);
	}
	double taken = seconds() - start;
	print_message("generate data key, groups of %d, a log that only copies: %.0f per second, %.2f us each\n", N,
		      ROUNDS * N / taken, taken / ROUNDS / N * 1e6);
	for (size_t i = 0; i < N; i++)
		bulla_engine_reply_done(&replies[i]);
	free(requests);
	free(replies);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_group_of_1000, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests_name("kms/speed", tests, NULL, NULL);
}
