/*
 * cache.c - a hash table of open keys with a list in order of use, and the flights that are filling it.
 */
#include "core/cache.h"

#include "base/buf.h"
#include "core/latch.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REPORT_AFTER_US (60 * 1000000ll)
#define ID_MAX          1024
#define SWEEP_US        1000000ll /* how often a look-up looks through everything; what is too old is never used, swept or not */

/* A key under one name (kind, id). An entry has a second name when it is also CURRENT. */
struct name {
	struct name *next;   /* in its bucket */
	struct entry *entry; /* NULL: a flight is on its way */
	uint64_t hash;
	bulla_cache_kind kind;
	size_t len;
	uint8_t id[];
};

struct entry {
	bulla_cached_key key; /* first: a bulla_cached_key * is its entry */
	bulla_secret *slot;
	uint8_t *bytes; /* identity and wrapped form */
	struct name *names[2];
	struct entry *newer, *older;
	int64_t born_us, used_us; /* used_us: first use that is not reported yet */
	uint64_t uses;
	int64_t unreported;
	size_t held;
	bool evicted;
};

struct bulla_cache {
	bulla_latch *latch;
	bulla_cache_limits limits;
	bulla_pool *pool;
	unsigned generation; /* of the pool: whose keys these are */
	int64_t (*now_us)(void *self);
	void *now_self;
	bulla_cache_report report;
	void *report_self;
	struct name **buckets;
	size_t mask;
	struct entry *newest, *oldest;
	size_t count;
	int64_t swept_us;
};

/* What is to be told once the lock is free. */
struct notes {
	struct note {
		uint8_t identity[ID_MAX];
		size_t len;
		uint64_t version;
		int64_t count;
		struct note *next;
	} * first;
};

static uint64_t hash_of(bulla_cache_kind kind, bulla_bytes id) /* FNV-1a */
{
	uint64_t h = 1469598103934665603ull ^ (uint64_t)kind;
	for (size_t i = 0; i < id.len; i++)
		h = (h ^ id.data[i]) * 1099511628211ull;
	return h ^ (h >> 29);
}

static struct name **find(bulla_cache *cache, bulla_cache_kind kind, bulla_bytes id, uint64_t hash)
{
	struct name **at = &cache->buckets[hash & cache->mask];
	while (*at && !((*at)->hash == hash && (*at)->kind == kind && bulla_bytes_equal(bulla_view((*at)->id, (*at)->len), id)))
		at = &(*at)->next;
	return at;
}

static struct name *name_new(bulla_cache *cache, bulla_cache_kind kind, bulla_bytes id)
{
	uint64_t hash = hash_of(kind, id);
	struct name **at = find(cache, kind, id, hash);
	if (*at) return *at;
	struct name *name = calloc(1, sizeof *name + id.len);
	if (!name) return NULL;
	name->hash = hash;
	name->kind = kind;
	name->len = id.len;
	if (id.len) memcpy(name->id, id.data, id.len);
	return *at = name;
}

static void name_drop(bulla_cache *cache, struct name *name)
{
	struct name **at = &cache->buckets[name->hash & cache->mask];
	while (*at != name)
		at = &(*at)->next;
	*at = name->next;
	free(name);
}

static void unlink_entry(bulla_cache *cache, struct entry *e)
{
	*(e->newer ? &e->newer->older : &cache->newest) = e->older;
	*(e->older ? &e->older->newer : &cache->oldest) = e->newer;
	e->newer = e->older = NULL;
}

static void link_newest(bulla_cache *cache, struct entry *e)
{
	e->older = cache->newest;
	*(cache->newest ? &cache->newest->newer : &cache->oldest) = e;
	cache->newest = e;
}

static void entry_free(bulla_cache *cache, struct entry *e)
{
	bulla_pool_give(cache->pool, e->slot);
	free(e->bytes);
	free(e);
}

static void note_use(struct notes *notes, struct entry *e)
{
	if (!e->unreported || !e->key.identity.len || e->key.identity.len > ID_MAX) return;
	struct note *note = malloc(sizeof *note);
	if (!note) return; /* tried again at the next tick */
	memcpy(note->identity, e->key.identity.data, e->key.identity.len);
	note->len = e->key.identity.len;
	note->version = e->key.version;
	note->count = e->unreported;
	note->next = notes->first;
	notes->first = note;
	e->unreported = 0;
}

static void evict(bulla_cache *cache, struct entry *e, struct notes *notes)
{
	note_use(notes, e);
	for (size_t i = 0; i < 2; i++)
		if (e->names[i]) name_drop(cache, e->names[i]);
	unlink_entry(cache, e);
	cache->count--;
	e->evicted = true;
	if (!e->held) entry_free(cache, e);
}

static void evict_all(bulla_cache *cache, struct notes *notes)
{
	while (cache->newest)
		evict(cache, cache->newest, notes);
}

static void tell(bulla_cache *cache, struct notes *notes)
{
	while (notes->first) {
		struct note *note = notes->first;
		notes->first = note->next;
		if (cache->report)
			cache->report(cache->report_self, bulla_view(note->identity, note->len), note->version, note->count);
		free(note);
	}
}

bulla_code bulla_cache_new(const bulla_cache_limits *limits, bulla_pool *pool, int64_t (*now_us)(void *self), void *now_self,
			   bulla_cache_report report, void *report_self, bulla_cache **out, bulla_error *err)
{
	bulla_cache *cache = calloc(1, sizeof *cache);
	size_t buckets = 64;
	while (buckets < 2 * limits->max_keys && buckets < (1u << 20))
		buckets *= 2;
	if (!cache || !(cache->buckets = calloc(buckets, sizeof *cache->buckets))) {
		free(cache);
		return bulla_fail_memory(err);
	}
	bulla_code code = bulla_latch_new(&cache->latch, err);
	if (code) {
		free(cache->buckets);
		free(cache);
		return code;
	}
	cache->limits = *limits;
	cache->pool = pool;
	cache->generation = bulla_pool_generation(pool);
	cache->now_us = now_us;
	cache->now_self = now_self;
	cache->report = report;
	cache->report_self = report_self;
	cache->mask = buckets - 1;
	*out = cache;
	return BULLA_OK;
}

void bulla_cache_free(bulla_cache *cache)
{
	if (!cache) return;
	bulla_cache_forget(cache);
	for (size_t i = 0; i <= cache->mask; i++)
		while (cache->buckets[i])
			name_drop(cache, cache->buckets[i]);
	bulla_latch_free(cache->latch);
	free(cache->buckets);
	free(cache);
}

static bool is_stale(const bulla_cache *cache, const struct entry *e, int64_t now)
{
	return now < e->born_us || now - e->born_us >= cache->limits.max_age_ms * 1000 || e->uses >= cache->limits.max_uses;
}

static void use(struct entry *e, uint64_t uses, int64_t now)
{
	if (uses && !e->unreported) e->used_us = now;
	e->uses += uses;
	e->unreported += (int64_t)uses;
}

/* In a child of a fork the pool is another: nothing here may be used, and no flight of the parent will ever land. The lists may have been cut
 * in the middle of a change, so they are left behind rather than walked; what was used the parent reports. */
static void forget_parent(bulla_cache *cache)
{
	unsigned generation = bulla_pool_generation(cache->pool);
	if (cache->generation == generation) return;
	memset(cache->buckets, 0, (cache->mask + 1) * sizeof *cache->buckets);
	cache->newest = cache->oldest = NULL;
	cache->count = 0;
	cache->generation = generation;
}

static void enter(bulla_cache *cache)
{
	pthread_mutex_lock(&cache->latch->lock);
	forget_parent(cache);
}

static void leave(bulla_cache *cache)
{
	pthread_mutex_unlock(&cache->latch->lock);
}

/* Drops what is too old, notes what was used a minute ago. */
static void sweep(bulla_cache *cache, int64_t now, struct notes *notes)
{
	cache->swept_us = now;
	for (struct entry *e = cache->oldest, *newer; e; e = newer) {
		newer = e->newer;
		if (is_stale(cache, e, now))
			evict(cache, e, notes);
		else if (e->unreported && now - e->used_us >= REPORT_AFTER_US)
			note_use(notes, e);
	}
}

bulla_cache_outcome bulla_cache_get(bulla_cache *cache, bulla_cache_kind kind, bulla_bytes id, uint64_t uses,
				    const bulla_cached_key **ret)
{
	bulla_cache_outcome outcome = BULLA_CACHE_YOURS;
	struct notes notes = { 0 };

	enter(cache);
	int64_t now = cache->now_us(
		cache->now_self); /* inside: else a key put by a faster thread would lie in the future, and look stale */
	if (now - cache->swept_us >= SWEEP_US || now < cache->swept_us) sweep(cache, now, &notes);
	struct name *name = *find(cache, kind, id, hash_of(kind, id));
	if (name && name->entry && is_stale(cache, name->entry, now)) {
		evict(cache, name->entry, &notes);
		name = NULL;
	}
	if (name && name->entry) {
		struct entry *e = name->entry;
		use(e, uses, now);
		e->held++;
		if (cache->newest != e) {
			unlink_entry(cache, e);
			link_newest(cache, e);
		}
		*ret = &e->key;
		outcome = BULLA_CACHE_HIT;
	} else if (name) {
		outcome = BULLA_CACHE_FLYING;
	} else {
		(void)name_new(cache, kind, id); /* without memory for the flight two may fetch: still correct */
	}
	leave(cache);
	tell(cache, &notes);
	return outcome;
}

static struct entry *entry_new(bulla_cache *cache, const bulla_cached_key *key, bulla_error *err)
{
	struct entry *e = calloc(1, sizeof *e);
	if (!e) return NULL;
	size_t size = key->identity.len + key->wrapped.len;
	if (!(e->bytes = malloc(size ? size : 1)) || bulla_pool_take(cache->pool, &e->slot, err)) {
		free(e->bytes);
		free(e);
		return NULL;
	}
	memcpy(e->slot, key->key, sizeof *e->slot);
	if (key->identity.len) memcpy(e->bytes, key->identity.data, key->identity.len);
	if (key->wrapped.len) memcpy(e->bytes + key->identity.len, key->wrapped.data, key->wrapped.len);
	e->key = (bulla_cached_key){ .key = e->slot,
				     .version = key->version,
				     .created_us = key->created_us,
				     .identity = bulla_view(e->bytes, key->identity.len),
				     .wrapped = bulla_view(e->bytes + key->identity.len, key->wrapped.len),
				     .closing = key->closing,
				     .read_us = key->read_us ? key->read_us : cache->now_us(cache->now_self) };
	e->born_us = e->key.read_us;
	return e;
}

/* Gives `e` the name (kind, id); an entry that had it is evicted. */
static void claim_name(bulla_cache *cache, struct entry *e, bulla_cache_kind kind, bulla_bytes id, struct notes *notes)
{
	struct name *name = name_new(cache, kind, id);
	if (name && name->entry) {
		struct entry *old = name->entry;
		if (old == e) return;
		evict(cache, old, notes);
		name = name_new(cache, kind, id);
	}
	if (!name) return;
	name->entry = e;
	e->names[e->names[0] ? 1 : 0] = name;
}

bulla_code bulla_cache_put(bulla_cache *cache, bulla_cache_kind kind, bulla_bytes id, const bulla_cached_key *key, uint64_t uses,
			   const bulla_cached_key **ret, bulla_error *err)
{
	struct notes notes = { 0 };
	uint8_t version[8];
	bulla_put_u64(version, key->version);

	enter(cache);
	struct entry *e = entry_new(cache, key, err);
	if (!e) {
		leave(cache);
		bulla_cache_land(cache, kind, id);
		return bulla_fail_memory(err);
	}
	e->uses = uses; /* this first use is the KMS's own record: not counted again */
	e->held = 1;
	link_newest(cache, e);
	cache->count++;
	claim_name(cache, e, kind, id, &notes);
	if (kind == BULLA_CACHE_CURRENT) claim_name(cache, e, BULLA_CACHE_VERSION, bulla_view(version, 8), &notes);
	while (cache->count > cache->limits.max_keys && cache->oldest != e)
		evict(cache, cache->oldest, &notes);
	pthread_cond_broadcast(&cache->latch->changed);
	leave(cache);
	tell(cache, &notes);
	*ret = &e->key;
	return BULLA_OK;
}

void bulla_cache_land(bulla_cache *cache, bulla_cache_kind kind, bulla_bytes id)
{
	enter(cache);
	struct name *name = *find(cache, kind, id, hash_of(kind, id));
	if (name && !name->entry) name_drop(cache, name);
	pthread_cond_broadcast(&cache->latch->changed);
	leave(cache);
}

void bulla_cache_give(bulla_cache *cache, const bulla_cached_key *key)
{
	if (!key) return;
	struct entry *e = (struct entry *)(uintptr_t)key;
	enter(cache);
	if (--e->held == 0 && e->evicted) entry_free(cache, e);
	leave(cache);
}

void bulla_cache_wait(bulla_cache *cache, int ms)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	int64_t ns = until.tv_nsec + (int64_t)ms * 1000000;
	until.tv_sec += ns / 1000000000;
	until.tv_nsec = ns % 1000000000;
	enter(cache);
	pthread_cond_timedwait(&cache->latch->changed, &cache->latch->lock, &until);
	leave(cache);
}

void bulla_cache_tick(bulla_cache *cache)
{
	struct notes notes = { 0 };
	enter(cache);
	sweep(cache, cache->now_us(cache->now_self), &notes);
	leave(cache);
	tell(cache, &notes);
}

void bulla_cache_forget(bulla_cache *cache)
{
	struct notes notes = { 0 };
	enter(cache);
	evict_all(cache, &notes);
	leave(cache);
	tell(cache, &notes);
}

size_t bulla_cache_count(bulla_cache *cache)
{
	enter(cache);
	size_t count = cache->count;
	leave(cache);
	return count;
}
