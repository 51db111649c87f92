/*
 * metrics.h - numbers about a running server, in Prometheus's text format (version 0.0.4).
 *
 * What there is to count is a table of families that the host declares. Counters and histograms have one shard for each writer (a loop, a
 * worker): a shard's numbers are added to without a lock, by its owner, and summed when somebody asks.
 */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include "base/buf.h"

#define BULLA_METRICS_TYPE       "text/plain; version=0.0.4; charset=utf-8"
#define BULLA_METRICS_SHARDS_MAX 256
#define BULLA_METRICS_CELLS_MAX  (1u << 20) /* numbers of all families and shards */

typedef enum bulla_metric_kind {
	BULLA_METRIC_COUNTER = 1,
	BULLA_METRIC_GAUGE,    /* one number for all: no shards */
	BULLA_METRIC_HISTOGRAM /* of durations: buckets from 50 microseconds to 10 seconds; written in seconds */
} bulla_metric_kind;

typedef struct bulla_metric_label {
	const char *name;          /* NULL: no such label */
	const char *const *values; /* `n` of them */
	size_t n;
} bulla_metric_label;

typedef struct bulla_metric_family {
	const char *name; /* "bulla_kms_requests_total"; a histogram's ends in _seconds */
	const char *help; /* one line */
	bulla_metric_kind kind;
	bulla_metric_label labels[2];
} bulla_metric_family;

typedef struct bulla_metrics bulla_metrics; /* any thread */

/* `families` must stay as long as it. USAGE for an empty table, LIMIT, MEMORY. */
BULLA_MUST bulla_code bulla_metrics_new(const bulla_metric_family *families, size_t n_families, unsigned shards,
					bulla_metrics **out, bulla_error *err);
void bulla_metrics_free(bulla_metrics *metrics); /* NULL is fine */

/* `first` and `second` number the values of the family's labels; 0 where there is no such label. Numbers out of range are ignored. */
void bulla_metrics_add(bulla_metrics *metrics, unsigned shard, size_t family, size_t first, size_t second, uint64_t n);
void bulla_metrics_observe(bulla_metrics *metrics, unsigned shard, size_t family, size_t first, size_t second, int64_t us);
/* For a gauge; and for a counter that somebody else counts, whose sum this is then (no shard may add to it). */
void bulla_metrics_set(bulla_metrics *metrics, size_t family, size_t first, size_t second, int64_t value);

/* Appends all of it. Counters and histograms that are zero under a label are left out. */
BULLA_MUST bulla_code bulla_metrics_write(const bulla_metrics *metrics, bulla_buf *out, bulla_error *err);

#endif
