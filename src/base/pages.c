/*
 * pages.c - the one place that maps pages for secrets.
 */
#include "base/pages.h"
#include "base/secret.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447 /* the same number on every architecture; glibc has no wrapper */
#endif

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* Anywhere: the guards come later. NULL where the kernel has none, or RLIMIT_MEMLOCK is used up. */
static void *map_secret(size_t size)
{
	int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
	if (fd < 0) return NULL;
	void *data = MAP_FAILED;
	if (ftruncate(fd, (off_t)size) == 0) data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	return data == MAP_FAILED ? NULL : data;
}

/* Moved into the reservation rather than mapped there: a mapping that is refused would leave a hole, which another thread might fill. */
static bool place_secret(uint8_t *at, size_t size)
{
	void *data = map_secret(size);
	if (!data) return false;
	if (mremap(data, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, at) == at) return true;
	(void)munmap(data, size);
	return false;
}

bulla_code bulla_pages_map(size_t size, bulla_pages *out, bulla_error *err)
{
	size_t page = page_size(), whole;
	if (__builtin_add_overflow(size, 3 * page - 1, &whole)) return bulla_fail_memory(err);
	whole = whole / page * page;
	bulla_pages pages = { .size = whole - 2 * page };

	uint8_t *guard = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (guard == MAP_FAILED) return bulla_fail_memory(err);
	pages.data = guard + page;
	if (place_secret(pages.data, pages.size)) {
		pages.kind = BULLA_MEMORY_SECRET;
	} else if (mprotect(pages.data, pages.size, PROT_READ | PROT_WRITE)) {
		(void)munmap(guard, whole);
		return bulla_fail_memory(err);
	} else {
		pages.kind = mlock(pages.data, pages.size) ? BULLA_MEMORY_PLAIN : BULLA_MEMORY_LOCKED;
	}
	pages.undumpable = madvise(pages.data, pages.size, MADV_DONTDUMP) == 0;
	pages.inherited = madvise(pages.data, pages.size, MADV_DONTFORK) != 0;
	*out = pages;
	return BULLA_OK;
}

void bulla_pages_unmap(bulla_pages *pages)
{
	size_t page = page_size();
	if (pages->data) {
		bulla_wipe(pages->data, pages->size);
		(void)munmap(pages->data - page, pages->size + 2 * page);
	}
	*pages = (bulla_pages){ 0 };
}

void bulla_pages_abandon(bulla_pages *pages)
{
	if (pages->data && pages->inherited)
		bulla_wipe(pages->data, pages->size);
	else if (pages->data)
		(void)mmap(pages->data, pages->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	*pages = (bulla_pages){ 0 };
}

bulla_code bulla_fork_page_new(size_t size, void *ret, bulla_error *err)
{
	bulla_fork_mark *mark = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mark == MAP_FAILED) return bulla_fail_memory(err);
	mark->compares = madvise(mark, size, MADV_WIPEONFORK) != 0;
	mark->owner = getpid();
	memcpy(ret, &mark, sizeof mark);
	return BULLA_OK;
}

void bulla_fork_page_free(void *page, size_t size)
{
	if (page) (void)munmap(page, size);
}

bool bulla_fork_mark_compare(const bulla_fork_mark *mark)
{
	return mark->owner == getpid();
}

void bulla_fork_mark_take(bulla_fork_mark *mark)
{
	mark->owner = getpid();
}
