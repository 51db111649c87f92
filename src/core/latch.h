/*
 * latch.h - a mutex and its condition that a child of a fork finds unlocked, whatever thread of the parent held it.
 */
#ifndef CORE_LATCH_H
#define CORE_LATCH_H

#include "base/pages.h"

#include <pthread.h>

/* Lies on a page of its own, which the kernel zeroes in a child; zeros are an unlocked mutex and a condition without waiters on Linux.
 * What the mutex protects may be half-changed there: a child begins afresh. */
typedef struct bulla_latch {
	bulla_fork_mark mark;
	pthread_mutex_t lock;
	pthread_cond_t changed;
} bulla_latch;

BULLA_MUST bulla_code bulla_latch_new(bulla_latch **out, bulla_error *err); /* MEMORY */
void bulla_latch_free(bulla_latch *latch);                                  /* NULL is fine */

#endif
