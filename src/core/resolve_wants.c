/*
 * resolve_wants.c - the list of an op's wants: adding each once, keeping its memory, giving back its key.
 */
#include "core/resolve_inside.h"

#include <stdlib.h>
#include <string.h>

#define SPARE_MAX 16 /* wants that are kept for the next op: a single record has one or two */

bulla_code bulla_resolver_new(bulla_op *op, bulla_resolver **out, bulla_error *err)
{
	bulla_resolver *r = calloc(1, sizeof *r);
	if (!r) return bulla_fail_memory(err);
	bulla_code code = bulla_wrapping_round_new(op, &r->round, err);
	if (code) {
		free(r);
		return code;
	}
	r->op = op;
	*out = r;
	return BULLA_OK;
}

void bulla_want_drop_wrapping(struct bulla_want *w)
{
	if (w->wrapping) bulla_wrapping_done(w->wrapping);
	free(w->wrapping);
	w->wrapping = NULL;
}

/* Gives back what the want holds; its buffers stay. */
static void want_reset(bulla_resolver *r, struct bulla_want *w)
{
	bulla_cache *cache = r->op->keyring->cache;
	if (w->flying) {
		uint8_t version[8];
		bulla_put_u64(version, w->version);
		bulla_cache_land(cache, w->current ? BULLA_CACHE_CURRENT : BULLA_CACHE_VERSION,
				 w->current ? bulla_view_buf(&w->identity) : bulla_view(version, 8));
	}
	bulla_cache_give(cache, w->key);
	bulla_want_drop_wrapping(w);
	bulla_buf_clear(&w->identity);
	bulla_buf_clear(&w->given_context);
	bulla_buf_clear(&w->context);
	bulla_buf_clear(&w->wrapped);
	w->flying = false;
	w->key = NULL;
}

static void want_free(bulla_resolver *r, struct bulla_want *w)
{
	want_reset(r, w);
	bulla_buf_done(&w->identity);
	bulla_buf_done(&w->given_context);
	bulla_buf_done(&w->context);
	bulla_buf_done(&w->wrapped);
	free(w);
}

void bulla_resolver_clear(bulla_resolver *r)
{
	if (r->n && r->table) memset(r->table, 0, r->table_size * sizeof *r->table);
	for (size_t i = 0; i < r->n; i++)
		want_reset(r, r->wants[i]);
	r->n = 0;
	while (r->made > SPARE_MAX)
		want_free(r, r->wants[--r->made]);
	r->pending = PENDING_NOTHING;
	r->error.code = BULLA_OK;
}

void bulla_resolver_free(bulla_resolver *r)
{
	if (!r) return;
	bulla_resolver_clear(r);
	while (r->made)
		want_free(r, r->wants[--r->made]);
	bulla_wrapping_round_free(r->round);
	free(r->wants);
	free(r->table);
	free(r);
}

/* --- adding ---------------------------------------------------------------------------------------------------- */

static uint64_t hash_want(bool current, bulla_bytes id)
{
	uint64_t h = current ? 1469598103934665603ull : 7809847782465536322ull;
	for (size_t i = 0; i < id.len; i++)
		h = (h ^ id.data[i]) * 1099511628211ull;
	return h ^ (h >> 31);
}

static uint64_t hash_of(const struct bulla_want *w)
{
	uint8_t version[8];
	bulla_put_u64(version, w->version);
	return hash_want(w->current, w->current ? bulla_view_buf(&w->identity) : bulla_view(version, 8));
}

static bool is_want(const struct bulla_want *w, bool current, bulla_bytes identity, uint64_t version)
{
	return w->current == current &&
	       (current ? bulla_bytes_equal(bulla_view_buf(&w->identity), identity) : w->version == version);
}

static bulla_code grow(bulla_resolver *r, bulla_error *err)
{
	if (r->n < r->cap) return BULLA_OK;
	size_t cap = r->cap ? 2 * r->cap : 16;
	struct bulla_want **wants = realloc(r->wants, cap * sizeof *wants);
	if (!wants) return bulla_fail_memory(err);
	r->wants = wants;
	uint32_t *table = calloc(4 * cap, sizeof *table);
	if (!table) return bulla_fail_memory(err);
	free(r->table);
	r->table = table;
	r->table_size = 4 * cap;
	r->cap = cap;
	for (size_t i = 0; i < r->n; i++) {
		size_t at = hash_of(r->wants[i]) & (r->table_size - 1);
		while (table[at])
			at = (at + 1) & (r->table_size - 1);
		table[at] = (uint32_t)i + 1;
	}
	return BULLA_OK;
}

/* Finds the want, or a free place in the table for it. */
static bool find(const bulla_resolver *r, bool current, bulla_bytes identity, uint64_t version, size_t *ret)
{
	uint8_t id[8];
	bulla_put_u64(id, version);
	size_t at = hash_want(current, current ? identity : bulla_view(id, 8)) & (r->table_size - 1);
	for (; r->table[at]; at = (at + 1) & (r->table_size - 1)) {
		*ret = r->table[at] - 1;
		if (is_want(r->wants[*ret], current, identity, version)) return true;
	}
	*ret = at;
	return false;
}

/* Whole, or not at all: one without its context would be found by the next row, and make a key that nobody opens. */
static bulla_code add(bulla_resolver *r, bool current, bulla_bytes identity, uint64_t version, bulla_bytes context, uint64_t uses,
		      size_t *ret, bool *ret_new, bulla_error *err)
{
	TRY(grow(r, err));
	size_t at;
	*ret_new = false;
	if (find(r, current, identity, version, &at)) {
		r->wants[at]->uses += uses;
		*ret = at;
		return BULLA_OK;
	}
	if (r->n == r->made) {
		if (!(r->wants[r->n] = calloc(1, sizeof **r->wants))) return bulla_fail_memory(err);
		r->made++;
	}
	struct bulla_want *w = r->wants[r->n];
	*w = (struct bulla_want){ .state = WANT_CHECK,
				  .current = current,
				  .version = version,
				  .uses = uses,
				  .parent = BULLA_NO_PARENT,
				  .identity = w->identity,
				  .given_context = w->given_context,
				  .context = w->context,
				  .wrapped = w->wrapped };
	TRY(bulla_buf_add(&w->identity, identity, err)); /* on failure it stays a spare one */
	bulla_code code = bulla_buf_add(&w->given_context, context, err);
	if (code) {
		bulla_buf_clear(&w->identity);
		return code;
	}
	r->table[at] = (uint32_t)r->n + 1;
	*ret = r->n++;
	*ret_new = true;
	return BULLA_OK;
}

bulla_code bulla_want_current(bulla_resolver *r, bulla_bytes identity, const char *under, bulla_bytes context, uint64_t uses,
			      size_t *ret_index, bulla_error *err)
{
	bool is_new;
	TRY(add(r, true, identity, 0, context, uses, ret_index, &is_new, err));
	if (is_new) r->wants[*ret_index]->under = under;
	return BULLA_OK;
}

bulla_code bulla_want_version(bulla_resolver *r, uint64_t version, uint64_t uses, size_t *ret_index, bulla_error *err)
{
	bool is_new;
	return add(r, false, bulla_view(NULL, 0), version, bulla_view(NULL, 0), uses, ret_index, &is_new, err);
}

void bulla_resolver_since(bulla_resolver *r, int64_t us, bool shared)
{
	r->since_us = us;
	r->since_shared = shared;
}

bool bulla_want_is_outdated(const bulla_resolver *r, const struct bulla_want *w, int64_t created_us)
{
	bulla_branch_purpose purpose;
	if (!w->current || created_us >= r->since_us) return false;
	if (bulla_branch_purpose_of(bulla_view_buf(&w->identity), &purpose, NULL)) return false;
	return purpose == BULLA_BRANCH_RECORD || (purpose == BULLA_BRANCH_SHARED && r->since_shared);
}

void bulla_want_use(bulla_resolver *r, size_t index, uint64_t uses)
{
	r->wants[index]->uses += uses;
}

struct bulla_want_result bulla_want_result(const bulla_resolver *r, size_t index)
{
	const struct bulla_want *w = r->wants[index];
	return (struct bulla_want_result){ w->key, w->code, w->tombstone };
}

const bulla_error *bulla_resolver_error(const bulla_resolver *r)
{
	return &r->error;
}
