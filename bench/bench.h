/*
 * bench.h - how a figure is measured and reported: one line each, met or short of its target.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "base/error.h"

#include <stdbool.h>
#include <stdio.h>

typedef struct bench bench;

/* Prints `name: value unit, ratio R of REFERENCE, target T: met` and remembers it for the JSON file. */
typedef struct figure {
	const char *name;
	double value;
	const char *unit;
	double ratio;          /* 0: the value itself is compared */
	const char *reference; /* what the ratio is of */
	double target;
	bool at_most; /* the target is an upper limit */
} figure;

void bench_report(bench *b, const figure *f);

double bench_seconds(void); /* CLOCK_MONOTONIC */

/* The groups of figures, one file each. */
BULLA_MUST bulla_code bench_records(bench *b, bulla_error *err);
BULLA_MUST bulla_code bench_engine(bench *b, bulla_error *err);
BULLA_MUST bulla_code bench_threads(bench *b, bulla_error *err);
BULLA_MUST bulla_code bench_census(bench *b, const char *program_directory, bulla_error *err);
BULLA_MUST bulla_code bench_jobs(bench *b, const char *program_directory, bulla_error *err);

#endif
