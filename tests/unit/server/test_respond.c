/*
 * test_respond.c - health, readiness and metrics answer at their targets, and nothing else does.
 */
#include "help.h"

#include "server/respond.h"

#include <string.h>

static const bulla_metric_family families[] = { { "bulla_things", "Things.", BULLA_METRIC_GAUGE, { { 0 } } } };

typedef struct world {
	bulla_upkeep upkeep;
	bulla_metrics *metrics;
	atomic_bool ready;
} world;

static const char *unready(void *self)
{
	world *w = self;
	return atomic_load(&w->ready) ? NULL : "the key store is locked\n";
}

static void refresh(void *self)
{
	world *w = self;
	bulla_metrics_set(w->metrics, 0, 0, 0, 42);
}

static void turn(void *self, unsigned loop, bulla_exchange *const *ready, size_t n)
{
	world *w = self;
	(void)loop;
	for (size_t i = 0; i < n; i++)
		if (!bulla_upkeep_answer(&w->upkeep, ready[i])) bulla_respond_text(ready[i], 404, "No.\n");
}

static void test_upkeep(void **state)
{
	(void)state;
	world w = { 0 };
	assert_int_equal(bulla_metrics_new(families, 1, 1, &w.metrics, NULL), BULLA_OK);
	w.upkeep = (bulla_upkeep){ unready, refresh, &w, w.metrics };
	help_server s;
	help_open(&s, &(bulla_listener_config){ .handler = { .turn = turn, .self = &w } });
	assert_string_equal(help_once(&s, GET("/healthz")).body, "ok\n");
	help_answer a = help_once(&s, GET("/readyz"));
	assert_int_equal(a.status, 503);
	assert_string_equal(a.body, "the key store is locked\n");
	atomic_store(&w.ready, true);
	assert_int_equal(help_once(&s, GET("/readyz")).status, 200);
	a = help_once(&s, GET("/metrics"));
	assert_non_null(strstr(a.head, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	assert_non_null(strstr(a.body, "\nbulla_things 42\n"));
	assert_int_equal(help_once(&s, "POST /readyz HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").status, 405);
	assert_int_equal(help_once(&s, GET("/healthz/")).status, 404);
	assert_int_equal(help_once(&s, GET("/")).status, 404);
	w.upkeep.metrics = NULL;
	assert_int_equal(help_once(&s, GET("/metrics")).status, 404);
	help_close(&s);
	bulla_metrics_free(w.metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_upkeep) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
