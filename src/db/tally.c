/*
 * tally.c - an open hash table of counts that becomes a sample when it is full.
 */
#include "db/tally.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP ((size_t)1 << 12)

bulla_code bulla_tally_init(bulla_tally *t, bulla_lane *lane, bulla_error *err)
{
	*t = (bulla_tally){ .cap = FIRST_CAP };
	t->entries = calloc(t->cap, sizeof *t->entries);
	if (!t->entries) return bulla_fail_memory(err);
	return bulla_random(lane, t->key, sizeof t->key, err);
}

void bulla_tally_done(bulla_tally *t)
{
	free(t->entries);
	bulla_wipe(t, sizeof *t);
}

static bool kept(const bulla_tally *t, uint64_t hash)
{
	return t->level == 0 || hash >> (64 - t->level) == 0;
}

static struct bulla_tally_entry *find(struct bulla_tally_entry *entries, size_t cap, uint64_t hash)
{
	size_t at = (size_t)hash & (cap - 1);
	while (entries[at].hash && entries[at].hash != hash)
		at = (at + 1) & (cap - 1);
	return &entries[at];
}

/* Twice the room, or half of the values. */
static bulla_code make_room(bulla_tally *t, bulla_error *err)
{
	if (2 * t->n < t->cap) return BULLA_OK;
	bool larger = t->cap < (size_t)2 * BULLA_TALLY_MAX;
	size_t cap = larger ? 2 * t->cap : t->cap;
	struct bulla_tally_entry *entries = calloc(cap, sizeof *entries);
	if (!entries) return bulla_fail_memory(err);
	if (!larger) t->level++;
	t->n = 0;
	for (size_t i = 0; i < t->cap; i++) {
		if (!t->entries[i].hash || !kept(t, t->entries[i].hash)) continue;
		*find(entries, cap, t->entries[i].hash) = t->entries[i];
		t->n++;
	}
	free(t->entries);
	t->entries = entries;
	t->cap = cap;
	return BULLA_OK;
}

bulla_code bulla_tally_add(bulla_tally *t, bulla_lane *lane, bulla_bytes value, bulla_error *err)
{
	uint8_t mac[32];
	TRY(bulla_hmac_sha256(lane, t->key, &value, 1, mac, err));
	uint64_t hash = bulla_get_u64(mac) | 1; /* 0 means free */
	t->values++;
	if (!kept(t, hash)) return BULLA_OK;
	TRY(make_room(t, err));
	struct bulla_tally_entry *e = find(t->entries, t->cap, hash);
	t->n += e->hash == 0;
	e->hash = hash;
	e->count++;
	return BULLA_OK;
}

bulla_tally_result bulla_tally_result_of(const bulla_tally *t)
{
	bulla_tally_result r = { .exact = t->level == 0 };
	double seen = 0, weighted = 0, scale = ldexp(1, (int)t->level);
	for (size_t i = 0; i < t->cap; i++) {
		uint64_t count = t->entries[i].count;
		if (!count) continue;
		if (count > r.top) r.top = count;
		if (count > 1) r.repeated += count;
		seen += (double)count;
		weighted += (double)count * log2((double)count);
	}
	r.distinct = (uint64_t)((double)t->n * scale);
	r.repeated = (uint64_t)((double)r.repeated * scale);
	if (seen > 0) r.entropy_bits = log2(seen) - weighted / seen + (double)t->level;
	return r;
}
