/*
 * metrics.c - counting by shards and writing the sums.
 */
#include "server/metrics.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static const int64_t bounds_us[] = { 50,    100,   250,    500,    1000,   2500,    5000,    10000,
				     25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 10000000 };
#define BOUNDS (sizeof bounds_us / sizeof *bounds_us)

/* One series of a histogram: a count for each bound and one beyond them, then the sum of microseconds. */
#define HISTOGRAM_CELLS (BOUNDS + 2)
#define SUM_CELL        (BOUNDS + 1)
#define CACHE_LINE      8 /* cells: shards do not share one */

typedef _Atomic uint64_t cell;

struct bulla_metrics {
	const bulla_metric_family *families;
	size_t n_families;
	unsigned shards;
	size_t stride;  /* cells of a shard */
	size_t *begins; /* of each family in a shard */
	cell *cells;
};

static size_t values_of(const bulla_metric_label *label)
{
	return label->name ? label->n : 1;
}

static size_t series_of(const bulla_metric_family *family)
{
	return values_of(&family->labels[0]) * values_of(&family->labels[1]);
}

static size_t width_of(const bulla_metric_family *family)
{
	return family->kind == BULLA_METRIC_HISTOGRAM ? HISTOGRAM_CELLS : 1;
}

bulla_code bulla_metrics_new(const bulla_metric_family *families, size_t n_families, unsigned shards, bulla_metrics **out,
			     bulla_error *err)
{
	if (!n_families || !shards) return bulla_fail(err, BULLA_ERR_USAGE, "there is nothing to count");
	if (shards > BULLA_METRICS_SHARDS_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "more than %d shards of metrics", BULLA_METRICS_SHARDS_MAX);
	bulla_metrics *m = calloc(1, sizeof *m);
	if (m) *m = (bulla_metrics){ families, n_families, shards, 0, calloc(n_families, sizeof *m->begins), NULL };
	if (!m || !m->begins) {
		bulla_metrics_free(m);
		return bulla_fail_memory(err);
	}
	for (size_t i = 0; i < n_families; i++) {
		m->begins[i] = m->stride;
		m->stride += series_of(&families[i]) * width_of(&families[i]);
	}
	m->stride = (m->stride + CACHE_LINE) / CACHE_LINE * CACHE_LINE;
	if (m->stride > BULLA_METRICS_CELLS_MAX / shards) {
		bulla_metrics_free(m);
		return bulla_fail(err, BULLA_ERR_LIMIT, "more than %u numbers", BULLA_METRICS_CELLS_MAX);
	}
	m->cells = calloc(m->stride * shards, sizeof *m->cells);
	if (!m->cells) {
		bulla_metrics_free(m);
		return bulla_fail_memory(err);
	}
	*out = m;
	return BULLA_OK;
}

void bulla_metrics_free(bulla_metrics *metrics)
{
	if (!metrics) return;
	free(metrics->begins);
	free(metrics->cells);
	free(metrics);
}

/* --- counting ---------------------------------------------------------------------------------------------------- */

/* The first cell of a series, NULL where there is no such thing. */
static cell *find(const bulla_metrics *m, unsigned shard, size_t family, size_t first, size_t second, bulla_metric_kind kind)
{
	if (shard >= m->shards || family >= m->n_families) return NULL;
	const bulla_metric_family *f = &m->families[family];
	size_t n_second = values_of(&f->labels[1]);
	if ((kind && f->kind != kind) || first >= values_of(&f->labels[0]) || second >= n_second) return NULL;
	return m->cells + shard * m->stride + m->begins[family] + (first * n_second + second) * width_of(f);
}

/* Relaxed and atomic: a shard has one writer as a rule, and is right when it has several. */
static void add(cell *at, uint64_t n)
{
	atomic_fetch_add_explicit(at, n, memory_order_relaxed);
}

void bulla_metrics_add(bulla_metrics *metrics, unsigned shard, size_t family, size_t first, size_t second, uint64_t n)
{
	cell *at = find(metrics, shard, family, first, second, BULLA_METRIC_COUNTER);
	if (at) add(at, n);
}

void bulla_metrics_observe(bulla_metrics *metrics, unsigned shard, size_t family, size_t first, size_t second, int64_t us)
{
	cell *at = find(metrics, shard, family, first, second, BULLA_METRIC_HISTOGRAM);
	if (!at) return;
	if (us < 0) us = 0;
	size_t bucket = 0;
	while (bucket < BOUNDS && us > bounds_us[bucket])
		bucket++;
	add(at + bucket, 1);
	add(at + SUM_CELL, (uint64_t)us);
}

void bulla_metrics_set(bulla_metrics *metrics, size_t family, size_t first, size_t second, int64_t value)
{
	cell *at = find(metrics, 0, family, first, second, 0);
	if (at && width_of(&metrics->families[family]) == 1) atomic_store_explicit(at, (uint64_t)value, memory_order_relaxed);
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

/* Of all shards. */
static uint64_t sum(const bulla_metrics *m, const cell *first_shard, size_t offset)
{
	uint64_t n = 0;
	for (unsigned i = 0; i < m->shards; i++)
		n += atomic_load_explicit(first_shard + offset + i * m->stride, memory_order_relaxed);
	return n;
}

/* A label's value, as the format asks: backslash, quote and line feed escaped. */
static bulla_code put_value(bulla_buf *out, const char *value, bulla_error *err)
{
	for (; *value; value++) {
		const char *escaped = *value == '\\' ? "\\\\" : *value == '"' ? "\\\"" : *value == '\n' ? "\\n" : NULL;
		TRY(escaped ? bulla_buf_add_str(out, escaped, err) : bulla_buf_add_u8(out, (uint8_t)*value, err));
	}
	return BULLA_OK;
}

static bulla_code put_label(bulla_buf *out, char *separator, const char *name, const char *value, bulla_error *err)
{
	TRY(bulla_buf_printf(out, err, "%c%s=\"", *separator, name));
	*separator = ',';
	TRY(put_value(out, value, err));
	return bulla_buf_add_str(out, "\"", err);
}

/* `name suffix{labels,le="..."} `; `le` may be NULL. */
static bulla_code put_name(const bulla_metric_family *f, size_t series, const char *suffix, const char *le, bulla_buf *out,
			   bulla_error *err)
{
	char separator = '{';
	size_t n_second = values_of(&f->labels[1]);
	const size_t at[2] = { series / n_second, series % n_second };
	TRY(bulla_buf_printf(out, err, "%s%s", f->name, suffix));
	for (int i = 0; i < 2; i++)
		if (f->labels[i].name) TRY(put_label(out, &separator, f->labels[i].name, f->labels[i].values[at[i]], err));
	if (le) TRY(put_label(out, &separator, "le", le, err));
	return bulla_buf_add_str(out, separator == ',' ? "} " : " ", err);
}

/* The sum of the buckets is the count, so that both agree whatever is added meanwhile. */
static bulla_code put_histogram(const bulla_metrics *m, const bulla_metric_family *f, size_t series, const cell *at,
				bulla_buf *out, bulla_error *err)
{
	uint64_t counts[BOUNDS + 1], n = 0, so_far = 0;
	for (size_t i = 0; i <= BOUNDS; i++)
		n += counts[i] = sum(m, at, i);
	if (!n) return BULLA_OK;
	for (size_t i = 0; i < BOUNDS; i++) {
		char le[32];
		snprintf(le, sizeof le, "%g", (double)bounds_us[i] / 1e6);
		TRY(put_name(f, series, "_bucket", le, out, err));
		TRY(bulla_buf_printf(out, err, "%" PRIu64 "\n", so_far += counts[i]));
	}
	TRY(put_name(f, series, "_bucket", "+Inf", out, err));
	TRY(bulla_buf_printf(out, err, "%" PRIu64 "\n", n));
	TRY(put_name(f, series, "_sum", NULL, out, err));
	TRY(bulla_buf_printf(out, err, "%.6f\n", (double)sum(m, at, SUM_CELL) / 1e6));
	TRY(put_name(f, series, "_count", NULL, out, err));
	return bulla_buf_printf(out, err, "%" PRIu64 "\n", n);
}

static bulla_code put_number(const bulla_metrics *m, const bulla_metric_family *f, size_t series, const cell *at, bulla_buf *out,
			     bulla_error *err)
{
	uint64_t n = sum(m, at, 0);
	bool silent = !n && f->kind == BULLA_METRIC_COUNTER && f->labels[0].name;
	if (silent) return BULLA_OK;
	TRY(put_name(f, series, "", NULL, out, err));
	if (f->kind == BULLA_METRIC_GAUGE) return bulla_buf_printf(out, err, "%" PRId64 "\n", (int64_t)n);
	return bulla_buf_printf(out, err, "%" PRIu64 "\n", n);
}

static bulla_code put_family(const bulla_metrics *m, size_t family, bulla_buf *out, bulla_error *err)
{
	static const char *const types[] = {
		[BULLA_METRIC_COUNTER] = "counter", [BULLA_METRIC_GAUGE] = "gauge", [BULLA_METRIC_HISTOGRAM] = "histogram"
	};
	const bulla_metric_family *f = &m->families[family];
	TRY(bulla_buf_printf(out, err, "# HELP %s %s\n# TYPE %s %s\n", f->name, f->help, f->name, types[f->kind]));
	for (size_t series = 0; series < series_of(f); series++) {
		const cell *at = m->cells + m->begins[family] + series * width_of(f);
		if (f->kind == BULLA_METRIC_HISTOGRAM)
			TRY(put_histogram(m, f, series, at, out, err));
		else
			TRY(put_number(m, f, series, at, out, err));
	}
	return BULLA_OK;
}

bulla_code bulla_metrics_write(const bulla_metrics *metrics, bulla_buf *out, bulla_error *err)
{
	for (size_t i = 0; i < metrics->n_families; i++)
		TRY(put_family(metrics, i, out, err));
	return BULLA_OK;
}
