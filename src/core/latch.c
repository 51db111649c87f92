/*
 * latch.c - the page that a latch lies on.
 */
#include "core/latch.h"

#include <sys/mman.h>

bulla_code bulla_latch_new(bulla_latch **out, bulla_error *err)
{
	void *page = mmap(NULL, sizeof **out, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED) return bulla_fail_memory(err);
	(void)madvise(page, sizeof **out,
		      MADV_WIPEONFORK); /* where it is refused a child may wait for a thread it does not have */
	*out = page;
	pthread_mutex_init(&(*out)->lock, NULL);
	pthread_cond_init(&(*out)->changed, NULL);
	return BULLA_OK;
}

void bulla_latch_free(bulla_latch *latch)
{
	if (latch) munmap(latch, sizeof *latch);
}
