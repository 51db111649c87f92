/*
 * test_metrics.c - what is counted is written as Prometheus reads it; sums hold over shards and threads.
 */
#include "help.h"

#include "server/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const operations[] = { "Encrypt", "Decrypt", "a\"b\\c\nd" };
static const char *const outcomes[] = { "ok", "denied" };

enum { REQUESTS, FROZEN, LATENCY, BYTES };

static const bulla_metric_family families[] = {
	[REQUESTS] = { "bulla_requests_total",
		       "Requests.",
		       BULLA_METRIC_COUNTER,
		       { { "operation", operations, 3 }, { "outcome", outcomes, 2 } } },
	[FROZEN] = { "bulla_frozen", "Freezes in force.", BULLA_METRIC_GAUGE, { { 0 } } },
	[LATENCY] = { "bulla_request_duration_seconds",
		      "From the request to its answer.",
		      BULLA_METRIC_HISTOGRAM,
		      { { "operation", operations, 3 } } },
	[BYTES] = { "bulla_bytes_total", "Bytes.", BULLA_METRIC_COUNTER, { { 0 } } },
};

static bulla_metrics *make(unsigned shards)
{
	bulla_metrics *m = NULL;
	assert_int_equal(bulla_metrics_new(families, 4, shards, &m, NULL), BULLA_OK);
	return m;
}

static char *text_of(const bulla_metrics *m)
{
	bulla_buf out = { 0 };
	assert_int_equal(bulla_metrics_write(m, &out, NULL), BULLA_OK);
	assert_int_equal(bulla_buf_terminate(&out, NULL), BULLA_OK);
	return (char *)out.data; /* free() */
}

static void has(const char *text, const char *line)
{
	if (!strstr(text, line)) fail_msg("not there: %s in\n%s", line, text);
}

static void test_numbers_are_written(void **state)
{
	(void)state;
	bulla_metrics *m = make(3);
	bulla_metrics_add(m, 0, REQUESTS, 0, 0, 5);
	bulla_metrics_add(m, 2, REQUESTS, 0, 0, 7);
	bulla_metrics_add(m, 1, REQUESTS, 2, 1, 1);
	bulla_metrics_set(m, FROZEN, 0, 0, 2);
	bulla_metrics_set(m, FROZEN, 0, 0, -1);
	bulla_metrics_observe(m, 0, LATENCY, 1, 0, 50);
	bulla_metrics_observe(m, 1, LATENCY, 1, 0, 51);
	bulla_metrics_observe(m, 1, LATENCY, 1, 0, 11000000);
	/* out of range: ignored */
	bulla_metrics_add(m, 3, REQUESTS, 0, 0, 1000);
	bulla_metrics_add(m, 0, REQUESTS, 3, 0, 1000);
	bulla_metrics_add(m, 0, REQUESTS, 0, 2, 1000);
	bulla_metrics_add(m, 0, LATENCY, 0, 0, 1000);
	bulla_metrics_add(m, 0, 4, 0, 0, 1000);
	bulla_metrics_set(m, LATENCY, 0, 0, 1000);
	char *text = text_of(m);
	has(text, "# TYPE bulla_requests_total counter\nbulla_requests_total{operation=\"Encrypt\",outcome=\"ok\"} 12\n");
	has(text, "bulla_requests_total{operation=\"a\\\"b\\\\c\\nd\",outcome=\"denied\"} 1\n");
	has(text, "# HELP bulla_frozen Freezes in force.\n# TYPE bulla_frozen gauge\nbulla_frozen -1\n");
	has(text, "bulla_request_duration_seconds_bucket{operation=\"Decrypt\",le=\"5e-05\"} 1\n");
	has(text, "bulla_request_duration_seconds_bucket{operation=\"Decrypt\",le=\"0.0001\"} 2\n");
	has(text, "bulla_request_duration_seconds_bucket{operation=\"Decrypt\",le=\"10\"} 2\n");
	has(text, "bulla_request_duration_seconds_bucket{operation=\"Decrypt\",le=\"+Inf\"} 3\n");
	has(text, "bulla_request_duration_seconds_sum{operation=\"Decrypt\"} 11.000101\n");
	has(text, "bulla_request_duration_seconds_count{operation=\"Decrypt\"} 3\n");
	has(text, "bulla_bytes_total 0\n");
	assert_null(strstr(text, "1000\n"));
	free(text);
	bulla_metrics_free(m);
}

static void test_promtool_reads_it(void **state)
{
	(void)state;
	if (system("command -v promtool >/dev/null 2>&1") != 0) {
		print_message("promtool is not installed (Debian: prometheus)\n");
		skip();
	}
	bulla_metrics *m = make(2);
	for (size_t i = 0; i < 3; i++) {
		bulla_metrics_add(m, 0, REQUESTS, i, i % 2, i + 1);
		bulla_metrics_observe(m, 1, LATENCY, i, 0, (int64_t)i * 40000);
	}
	char path[] = "/tmp/bulla-metrics-XXXXXX", command[96];
	int fd = mkstemp(path);
	char *text = text_of(m);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	snprintf(command, sizeof command, "promtool check metrics <%s", path);
	assert_int_equal(system(command), 0);
	unlink(path);
	free(text);
	bulla_metrics_free(m);
}

static void *count(void *m)
{
	for (int i = 0; i < 20000; i++) {
		bulla_metrics_add(m, 1, REQUESTS, 1, 0, 1);
		bulla_metrics_observe(m, 1, LATENCY, 0, 0, i);
	}
	return NULL;
}

static void test_threads_lose_nothing(void **state)
{
	(void)state;
	bulla_metrics *m = make(2);
	pthread_t threads[3];
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, count, m);
	for (int i = 0; i < 5; i++)
		free(text_of(m));
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	char *text = text_of(m);
	has(text, "bulla_requests_total{operation=\"Decrypt\",outcome=\"ok\"} 60000\n");
	has(text, "bulla_request_duration_seconds_count{operation=\"Encrypt\"} 60000\n");
	free(text);
	bulla_metrics_free(m);
}

static void test_what_cannot_be_made(void **state)
{
	(void)state;
	bulla_metrics *m = NULL;
	assert_int_equal(bulla_metrics_new(families, 0, 1, &m, NULL), BULLA_ERR_USAGE);
	assert_int_equal(bulla_metrics_new(families, 4, 0, &m, NULL), BULLA_ERR_USAGE);
	assert_int_equal(bulla_metrics_new(families, 4, BULLA_METRICS_SHARDS_MAX + 1, &m, NULL), BULLA_ERR_LIMIT);
	const bulla_metric_family many = { "x", "y", BULLA_METRIC_COUNTER, { { "l", operations, BULLA_METRICS_CELLS_MAX } } };
	assert_int_equal(bulla_metrics_new(&many, 1, 2, &m, NULL), BULLA_ERR_LIMIT);
	assert_null(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_are_written),
		cmocka_unit_test(test_promtool_reads_it),
		cmocka_unit_test(test_threads_lose_nothing),
		cmocka_unit_test(test_what_cannot_be_made),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
