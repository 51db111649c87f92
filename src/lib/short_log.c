/*
 * short_log.c - an audit sink for a store in memory, which ends with the process: it counts and forgets.
 *
 * Nobody can look into it afterwards, so environments that are not marked `insecure: true` do not get one.
 */
#include "lib/inside.h"

#include <pthread.h>
#include <stdlib.h>

struct bulla_short_log {
	pthread_mutex_t lock;
	uint64_t size;
};

static bulla_code append(void *self, const bulla_bytes *entries, size_t n, uint64_t generation, bulla_log_head *ret_head,
			 bulla_error *err)
{
	struct bulla_short_log *log = self;
	(void)entries, (void)generation, (void)err;
	(void)pthread_mutex_lock(&log->lock);
	log->size += n;
	if (ret_head) *ret_head = (bulla_log_head){ .size = log->size };
	(void)pthread_mutex_unlock(&log->lock);
	return BULLA_OK;
}

bulla_code bulla_short_log_new(struct bulla_short_log **out, bulla_error *err)
{
	struct bulla_short_log *log = calloc(1, sizeof *log);
	if (!log) return bulla_fail_memory(err);
	(void)pthread_mutex_init(&log->lock, NULL);
	*out = log;
	return BULLA_OK;
}

void bulla_short_log_free(struct bulla_short_log *log)
{
	if (log) (void)pthread_mutex_destroy(&log->lock);
	free(log);
}

bulla_audit_sink bulla_short_log_sink(struct bulla_short_log *log)
{
	return (bulla_audit_sink){ append, log };
}
