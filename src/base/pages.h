/*
 * pages.h - whole pages for secrets, each run of them between two guard pages, and pages that tell a process that it is a child.
 *
 * Secret pages are memfd_secret(2) where the kernel has it (Linux 5.14, not switched off): core files, debuggers, swap and the rest of the kernel
 * do not see them. Elsewhere they are ordinary pages, locked as far as RLIMIT_MEMLOCK allows and kept out of core files
 * (MADV_DONTDUMP). Either way a child of a fork does not have them (MADV_DONTFORK): where they were there is nothing, not even zeros,
 * so whoever keeps a pointer into them asks first whether the process is still the one that mapped them. That is what a fork mark is for.
 */
#ifndef BASE_PAGES_H
#define BASE_PAGES_H

#include "base/error.h"

#include <sys/types.h>

typedef enum bulla_memory_kind {
	BULLA_MEMORY_SECRET = 1, /* memfd_secret: nobody else's at all */
	BULLA_MEMORY_LOCKED = 2, /* ordinary and locked: never in swap */
	BULLA_MEMORY_PLAIN = 3   /* ordinary: the lock was refused, it may be written to swap */
} bulla_memory_kind;

/* One run of secret pages. Zeroed: none. */
typedef struct bulla_pages {
	uint8_t *data;
	size_t size; /* bytes, whole pages */
	bulla_memory_kind kind;
	bool undumpable; /* left out of core files */
	bool inherited;  /* the kernel refused to keep them from children */
} bulla_pages;

/* At least `size` zeroed bytes on pages of their own; reading or writing just below or just above them ends the process. MEMORY when there are none at
 * all; what else the kernel refuses is told in `out`. */
BULLA_MUST bulla_code bulla_pages_map(size_t size, bulla_pages *out, bulla_error *err);
/* Wipes and unmaps, in the process that mapped them; `pages` is zeroed. Fine when zeroed. */
void bulla_pages_unmap(bulla_pages *pages);
/* In a child, instead: forgets pages that only the parent has, and keeps what is mapped later from lying where stale pointers point. */
void bulla_pages_abandon(bulla_pages *pages);

/* The first member of a page that the kernel zeroes in a child (MADV_WIPEONFORK). Where it refuses, process ids are compared. */
typedef struct bulla_fork_mark {
	pid_t owner; /* 0 in a child: zeroed with everything else */
	bool compares;
} bulla_fork_mark;

/* A zeroed object of `size` bytes that begins with a bulla_fork_mark, on a page of its own: not secret, in core files, never inherited. An
 * all-zero mutex is an unlocked one on Linux, so one that lies here holds nobody up in a child. MEMORY. */
BULLA_MUST bulla_code bulla_fork_page_new(size_t size, void *ret, bulla_error *err);
void bulla_fork_page_free(void *page, size_t size); /* NULL is fine */

/* Is this still the process that made the page, or took it over? */
bool bulla_fork_mark_compare(const bulla_fork_mark *mark);
static inline bool bulla_fork_mark_is_ours(const bulla_fork_mark *mark)
{
	return mark->owner && (!mark->compares || bulla_fork_mark_compare(mark));
}
/* Takes the page over in a child. */
void bulla_fork_mark_take(bulla_fork_mark *mark);

#endif
