/*
 * pool.c - the pages where long-lived keys live.
 *
 * A chunk is one mapping: a guard page, CHUNK_PAGES of slots, a guard page. Which slots are taken is kept outside, in
 * ordinary memory, because the slots themselves read as zero in a child process. The first slots of the first chunk
 * hold the header: its mark is zeroed with everything else, which is how a child knows; its mutex as well, and an
 * all-zero mutex is an unlocked one on Linux, so a child is not stuck behind a thread that it does not have.
 */
#include "base/pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define CHUNK_PAGES 4
#define MARK        0x616c6c7562u

typedef struct header {
	uint64_t mark;
	pthread_mutex_t lock;
} header;

#define HEADER_SLOTS ((sizeof(header) + sizeof(bulla_secret) - 1) / sizeof(bulla_secret))

typedef struct chunk {
	struct chunk *next;
	uint8_t *mapping;
	bulla_secret *slots;
	size_t free_count;
	uint64_t taken[]; /* one bit a slot */
} chunk;

struct bulla_pool {
	header *head; /* on the first chunk's pages */
	chunk *chunks;
	size_t page;
	size_t slots_per_chunk;
	bool locked, undumpable, wiped_on_fork;
	pid_t owner; /* answers where the kernel does not wipe on fork */
};

static size_t mapping_size(const bulla_pool *pool)
{
	return (CHUNK_PAGES + 2) * pool->page;
}

/* Maps the pages and asks the kernel for every protection; what it refuses is remembered, not fatal. */
static bulla_code map_pages(bulla_pool *pool, chunk *c, bulla_error *err)
{
	size_t size = CHUNK_PAGES * pool->page;
	uint8_t *mapping = mmap(NULL, mapping_size(pool), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mapping == MAP_FAILED) return bulla_fail(err, BULLA_ERR_MEMORY, "no more pages for keys");
	uint8_t *pages = mapping + pool->page;
	if (mprotect(pages, size, PROT_READ | PROT_WRITE)) {
		munmap(mapping, mapping_size(pool));
		return bulla_fail(err, BULLA_ERR_MEMORY, "no more pages for keys");
	}
	if (mlock(pages, size)) pool->locked = false;
	if (madvise(pages, size, MADV_DONTDUMP)) pool->undumpable = false;
	if (madvise(pages, size, MADV_WIPEONFORK)) pool->wiped_on_fork = false;
	c->mapping = mapping;
	c->slots = (bulla_secret *)(void *)pages;
	return BULLA_OK;
}

static bulla_code add_chunk(bulla_pool *pool, bulla_error *err)
{
	size_t n = pool->slots_per_chunk;
	chunk *c = calloc(1, sizeof *c + n / 64 * sizeof(uint64_t));
	if (!c) return bulla_fail_memory(err);
	c->free_count = n;
	bulla_code code = map_pages(pool, c, err);
	if (code != BULLA_OK) {
		free(c);
		return code;
	}
	c->next = pool->chunks;
	pool->chunks = c;
	return BULLA_OK;
}

static void free_chunk(const bulla_pool *pool, chunk *c)
{
	bulla_wipe(c->slots, CHUNK_PAGES * pool->page);
	munmap(c->mapping, mapping_size(pool));
	free(c);
}

bulla_code bulla_pool_new(bulla_pool **out, bulla_error *err)
{
	bulla_pool *pool = calloc(1, sizeof *pool);
	if (!pool) return bulla_fail_memory(err);
	pool->page = (size_t)sysconf(_SC_PAGESIZE);
	pool->slots_per_chunk = CHUNK_PAGES * pool->page / sizeof(bulla_secret);
	pool->locked = pool->undumpable = pool->wiped_on_fork = true;
	pool->owner = getpid();
	bulla_code code = add_chunk(pool, err);
	if (code != BULLA_OK) {
		free(pool);
		return code;
	}
	pool->head = (header *)(void *)pool->chunks->slots;
	pool->head->mark = MARK;
	pthread_mutex_init(&pool->head->lock, NULL);
	pool->chunks->taken[0] = (1u << HEADER_SLOTS) - 1;
	pool->chunks->free_count -= HEADER_SLOTS;
	*out = pool;
	return BULLA_OK;
}

void bulla_pool_free(bulla_pool *pool)
{
	if (!pool) return;
	pthread_mutex_destroy(&pool->head->lock);
	while (pool->chunks) {
		chunk *c = pool->chunks;
		pool->chunks = c->next;
		free_chunk(pool, c);
	}
	free(pool);
}

static bulla_secret *take_from(chunk *c)
{
	size_t word = 0;
	while (c->taken[word] == UINT64_MAX)
		word++;
	unsigned bit = (unsigned)__builtin_ctzll(~c->taken[word]);
	c->taken[word] |= (uint64_t)1 << bit;
	c->free_count--;
	return &c->slots[word * 64 + bit];
}

bulla_code bulla_pool_take(bulla_pool *pool, bulla_secret **out, bulla_error *err)
{
	bulla_code code = BULLA_OK;
	pthread_mutex_lock(&pool->head->lock);
	chunk *c = pool->chunks;
	while (c && c->free_count == 0)
		c = c->next;
	if (!c) {
		code = add_chunk(pool, err);
		c = pool->chunks;
	}
	if (code == BULLA_OK) *out = take_from(c);
	pthread_mutex_unlock(&pool->head->lock);
	return code;
}

static chunk *chunk_of(const bulla_pool *pool, const bulla_secret *slot)
{
	for (chunk *c = pool->chunks; c; c = c->next)
		if (slot >= c->slots && slot < c->slots + pool->slots_per_chunk) return c;
	return NULL;
}

/* A slot given twice, or one of another pool, changes nothing. */
void bulla_pool_give(bulla_pool *pool, bulla_secret *slot)
{
	if (!slot) return;
	pthread_mutex_lock(&pool->head->lock);
	chunk *c = chunk_of(pool, slot);
	size_t at = c ? (size_t)(slot - c->slots) : 0;
	uint64_t bit = (uint64_t)1 << at % 64;
	if (c && c->taken[at / 64] & bit) {
		bulla_secret_wipe(slot);
		c->taken[at / 64] &= ~bit;
		c->free_count++;
	}
	pthread_mutex_unlock(&pool->head->lock);
}

bool bulla_pool_is_wiped(const bulla_pool *pool)
{
	return pool->head->mark != MARK || (!pool->wiped_on_fork && getpid() != pool->owner);
}

bool bulla_pool_is_locked(const bulla_pool *pool)
{
	return pool->locked;
}

bool bulla_pool_is_undumpable(const bulla_pool *pool)
{
	return pool->undumpable;
}

bulla_code bulla_secret_pages_new(size_t size, void **ret, bulla_error *err)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED) return bulla_fail_memory(err);
	(void)madvise(pages, size, MADV_DONTDUMP);
	(void)mlock(pages, size); /* RLIMIT_MEMLOCK may forbid it: then they can be swapped, as SECURITY.md says */
	*ret = pages;
	return BULLA_OK;
}

void bulla_secret_pages_free(void *pages, size_t size)
{
	if (!pages) return;
	bulla_wipe(pages, size);
	(void)munmap(pages, size);
}
