/*
 * pool.c - the slots where long-lived keys live.
 *
 * A chunk is one run of secret pages. Which of its slots are taken is kept outside, in ordinary memory, because the pages do not exist in
 * a child. The mutex lies on a fork page: a child is not stuck behind a thread that it does not have.
 */
#include "base/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define CHUNK_PAGES 4

typedef struct header {
	bulla_fork_mark mark;
	pthread_mutex_t lock;
} header;

typedef struct chunk {
	struct chunk *next;
	bulla_pages pages;
	bulla_secret *slots;
	size_t free_count;
	uint64_t taken[]; /* one bit a slot */
} chunk;

struct bulla_pool {
	header *head;
	chunk *chunks;
	size_t chunk_size;
	size_t slots_per_chunk;
	atomic_uint forks; /* between the maker and the process that last used it */
};

static bulla_code add_chunk(bulla_pool *pool, bulla_error *err)
{
	size_t n = pool->slots_per_chunk;
	chunk *c = calloc(1, sizeof *c + n / 64 * sizeof(uint64_t));
	if (!c) return bulla_fail_memory(err);
	c->free_count = n;
	bulla_code code = bulla_pages_map(pool->chunk_size, &c->pages, err);
	if (code != BULLA_OK) {
		free(c);
		return code;
	}
	c->slots = (bulla_secret *)(void *)c->pages.data;
	c->next = pool->chunks;
	pool->chunks = c;
	return BULLA_OK;
}

static void drop_chunks(bulla_pool *pool, void (*end)(bulla_pages *pages))
{
	while (pool->chunks) {
		chunk *c = pool->chunks;
		pool->chunks = c->next;
		end(&c->pages);
		free(c);
	}
}

bulla_code bulla_pool_new(bulla_pool **out, bulla_error *err)
{
	bulla_pool *pool = calloc(1, sizeof *pool);
	if (!pool) return bulla_fail_memory(err);
	pool->chunk_size = CHUNK_PAGES * (size_t)sysconf(_SC_PAGESIZE);
	pool->slots_per_chunk = pool->chunk_size / sizeof(bulla_secret);
	bulla_code code = bulla_fork_page_new(sizeof *pool->head, &pool->head, err);
	if (code == BULLA_OK) {
		pthread_mutex_init(&pool->head->lock, NULL);
		code = add_chunk(pool, err);
	}
	if (code != BULLA_OK) {
		bulla_pool_free(pool);
		return code;
	}
	*out = pool;
	return BULLA_OK;
}

/* The chunk list may have been cut in the middle of a change, which is one pointer: it holds either way. */
static void enter(bulla_pool *pool)
{
	pthread_mutex_lock(&pool->head->lock);
	if (bulla_fork_mark_is_ours(&pool->head->mark)) return;
	drop_chunks(pool, bulla_pages_abandon);
	atomic_fetch_add(&pool->forks, 1);
	bulla_fork_mark_take(&pool->head->mark);
}

static void leave(bulla_pool *pool)
{
	pthread_mutex_unlock(&pool->head->lock);
}

void bulla_pool_free(bulla_pool *pool)
{
	if (!pool) return;
	if (pool->head) {
		enter(pool);
		leave(pool);
		pthread_mutex_destroy(&pool->head->lock);
	}
	drop_chunks(pool, bulla_pages_unmap);
	bulla_fork_page_free(pool->head, sizeof *pool->head);
	free(pool);
}

unsigned bulla_pool_generation(const bulla_pool *pool)
{
	return atomic_load(&pool->forks) + (bulla_fork_mark_is_ours(&pool->head->mark) ? 0 : 1);
}

/* --- slots ----------------------------------------------------------------------------------------------------- */

static bool is_taken(const chunk *c, size_t slot)
{
	return c->taken[slot / 64] >> slot % 64 & 1;
}

static void set_taken(chunk *c, size_t slot, bool taken)
{
	uint64_t bit = (uint64_t)1 << slot % 64;
	c->taken[slot / 64] = taken ? c->taken[slot / 64] | bit : c->taken[slot / 64] & ~bit;
	c->free_count += taken ? (size_t)-1 : 1;
}

/* The first of `n` free slots beside each other; `slots` where there are none. */
static size_t find_run(const chunk *c, size_t slots, size_t n)
{
	size_t run = 0;
	if (c->free_count < n) return slots;
	for (size_t i = 0; i < slots; i++) {
		if (i % 64 == 0 && c->taken[i / 64] == UINT64_MAX) {
			i += 63;
			run = 0;
			continue;
		}
		run = is_taken(c, i) ? 0 : run + 1;
		if (run == n) return i + 1 - n;
	}
	return slots;
}

static bulla_code take(bulla_pool *pool, size_t n, bulla_secret **out, bulla_error *err)
{
	chunk *c = pool->chunks;
	size_t first = pool->slots_per_chunk;
	for (; c; c = c->next)
		if ((first = find_run(c, pool->slots_per_chunk, n)) < pool->slots_per_chunk) break;
	if (!c) {
		TRY(add_chunk(pool, err));
		c = pool->chunks;
		first = 0;
	}
	for (size_t i = 0; i < n; i++)
		set_taken(c, first + i, true);
	*out = c->slots + first;
	return BULLA_OK;
}

bulla_code bulla_pool_take_run(bulla_pool *pool, size_t n, bulla_secret **out, bulla_error *err)
{
	if (n == 0 || n > BULLA_POOL_RUN_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "1 to %d slots are taken together", BULLA_POOL_RUN_MAX);
	enter(pool);
	bulla_code code = take(pool, n, out, err);
	leave(pool);
	return code;
}

bulla_code bulla_pool_take(bulla_pool *pool, bulla_secret **out, bulla_error *err)
{
	return bulla_pool_take_run(pool, 1, out, err);
}

static chunk *chunk_of(const bulla_pool *pool, const bulla_secret *slot)
{
	for (chunk *c = pool->chunks; c; c = c->next)
		if (slot >= c->slots && slot < c->slots + pool->slots_per_chunk) return c;
	return NULL;
}

/* A slot given twice, or one of another pool, changes nothing. */
static void give(const bulla_pool *pool, bulla_secret *slot)
{
	chunk *c = chunk_of(pool, slot);
	size_t at = c ? (size_t)(slot - c->slots) : 0;
	if (!c || !is_taken(c, at)) return;
	bulla_secret_wipe(slot);
	set_taken(c, at, false);
}

void bulla_pool_give_run(bulla_pool *pool, bulla_secret *slots, size_t n)
{
	if (!slots) return;
	enter(pool);
	for (size_t i = 0; i < n; i++)
		give(pool, slots + i);
	leave(pool);
}

void bulla_pool_give(bulla_pool *pool, bulla_secret *slot)
{
	bulla_pool_give_run(pool, slot, 1);
}

/* --- what it is made of ---------------------------------------------------------------------------------------- */

static rlim_t limit_of(__rlimit_resource_t resource)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
	(void)getrlimit(resource, &limit);
	return limit.rlim_cur;
}

bulla_code bulla_secret_memory_look(bulla_secret_memory *out, bulla_error *err)
{
	bulla_pages pages;
	TRY(bulla_pages_map(1, &pages, err));
	rlim_t lock = limit_of(RLIMIT_MEMLOCK);
	*out = (bulla_secret_memory){
		.kind = pages.kind,
		.locked = pages.kind != BULLA_MEMORY_PLAIN,
		.undumpable = pages.undumpable,
		.core_files_off = limit_of(RLIMIT_CORE) == 0 || prctl(PR_GET_DUMPABLE) == 0,
		.lock_limit = lock == RLIM_INFINITY ? SIZE_MAX : (size_t)lock,
	};
	bulla_pages_unmap(&pages);
	return BULLA_OK;
}

const char *bulla_memory_kind_name(bulla_memory_kind kind)
{
	static const char *const names[] = {
		[BULLA_MEMORY_SECRET] = "memfd_secret",
		[BULLA_MEMORY_LOCKED] = "locked",
		[BULLA_MEMORY_PLAIN] = "plain",
	};
	return names[kind];
}
