/*
 * latch.c - the page that a latch lies on.
 */
#include "core/latch.h"

bulla_code bulla_latch_new(bulla_latch **out, bulla_error *err)
{
	TRY(bulla_fork_page_new(sizeof **out, out, err));
	pthread_mutex_init(&(*out)->lock, NULL);
	pthread_cond_init(&(*out)->changed, NULL);
	return BULLA_OK;
}

void bulla_latch_free(bulla_latch *latch)
{
	bulla_fork_page_free(latch, sizeof *latch);
}
