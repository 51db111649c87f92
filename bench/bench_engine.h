/*
 * bench_engine.h - how many data keys a second the engine generates, in groups, each audited.
 */
#ifndef BENCH_BENCH_ENGINE_H
#define BENCH_BENCH_ENGINE_H

#include "base/error.h"

/* Calls per second of one thread over about `seconds`, in groups of 1000: the store in memory, the audit log in `directory` (put it on
 * tmpfs to measure the engine, not the disk). 0 on failure. */
double bench_engine_generate(const char *directory, unsigned seconds, bulla_error *err);

#endif
