/*
 * direct.c - keys and boxes on their way through a KMS.
 */
#include "core/direct.h"

#include <stdlib.h>
#include <string.h>

typedef enum direct_state {
	DIRECT_CHECK = 1, /* look into the cache */
	DIRECT_WAIT,      /* another op is fetching it */
	DIRECT_OPEN,      /* ask */
	DIRECT_MAKE,      /* ask */
	DIRECT_AGAIN,     /* ask */
	DIRECT_DONE
} direct_state;

struct item {
	direct_state state;
	bulla_wrapping w;
	bulla_buf context;
	uint8_t id[32]; /* opening: in the cache too. wrapping: the commitment */
	bool listed;    /* in the table by its id */
	bool flying;
	const bulla_cached_key *held;
	const bulla_session *only;
	bulla_code code;
};

struct bulla_direct {
	bulla_op *op;
	struct item **items;
	size_t n, cap;
	uint32_t *table; /* index + 1 of listed items, by id */
	size_t table_size;
	bulla_wrapping_round *round;
	direct_state asking; /* DIRECT_OPEN, DIRECT_MAKE or DIRECT_AGAIN while a round is under way */
	bool waiting;
	bulla_error error;
};

bulla_code bulla_direct_new(bulla_op *op, bulla_direct **out, bulla_error *err)
{
	bulla_direct *d = calloc(1, sizeof *d);
	if (!d) return bulla_fail_memory(err);
	bulla_code code = bulla_wrapping_round_new(op, &d->round, err);
	if (code) {
		free(d);
		return code;
	}
	d->op = op;
	*out = d;
	return BULLA_OK;
}

static void item_free(bulla_direct *d, struct item *item)
{
	if (item->flying) bulla_cache_land(d->op->keyring->cache, BULLA_CACHE_DATA, bulla_view(item->id, sizeof item->id));
	bulla_cache_give(d->op->keyring->cache, item->held);
	bulla_wrapping_done(&item->w);
	bulla_buf_done(&item->context);
	free(item);
}

void bulla_direct_clear(bulla_direct *d)
{
	for (size_t i = 0; i < d->n; i++)
		item_free(d, d->items[i]);
	d->n = 0;
	if (d->table) memset(d->table, 0, d->table_size * sizeof *d->table);
	d->asking = 0;
	d->waiting = false;
	d->error.code = BULLA_OK;
	bulla_wrapping_round_clear(d->round);
}

void bulla_direct_free(bulla_direct *d)
{
	if (!d) return;
	bulla_direct_clear(d);
	bulla_wrapping_round_free(d->round);
	free(d->items);
	free(d->table);
	free(d);
}

const bulla_error *bulla_direct_error(const bulla_direct *d)
{
	return &d->error;
}

/* --- adding ---------------------------------------------------------------------------------------------------- */

static size_t place(const bulla_direct *d, const uint8_t id[static 32], bool *ret_found)
{
	size_t at = bulla_get_u64(id) & (d->table_size - 1);
	for (; d->table[at]; at = (at + 1) & (d->table_size - 1))
		if (memcmp(d->items[d->table[at] - 1]->id, id, 32) == 0) {
			*ret_found = true;
			return at;
		}
	*ret_found = false;
	return at;
}

static bulla_code grow(bulla_direct *d, bulla_error *err)
{
	if (d->n < d->cap) return BULLA_OK;
	size_t cap = d->cap ? 2 * d->cap : 16;
	struct item **items = realloc(d->items, cap * sizeof *items);
	if (!items) return bulla_fail_memory(err);
	d->items = items;
	uint32_t *table = calloc(4 * cap, sizeof *table);
	if (!table) return bulla_fail_memory(err);
	free(d->table);
	d->table = table;
	d->table_size = 4 * cap;
	d->cap = cap;
	for (size_t i = 0; i < d->n; i++) {
		bool found;
		if (!d->items[i]->listed) continue;
		d->table[place(d, d->items[i]->id, &found)] = (uint32_t)i + 1;
	}
	return BULLA_OK;
}

static bulla_code item_new(bulla_direct *d, bulla_bytes context, struct item **ret, bulla_error *err)
{
	TRY(grow(d, err));
	struct item *item = calloc(1, sizeof *item);
	if (!item) return bulla_fail_memory(err);
	bulla_code code = bulla_buf_add(&item->context, context, err);
	if (code) {
		free(item);
		return code;
	}
	*ret = item;
	return BULLA_OK;
}

static uint32_t keep(bulla_direct *d, struct item *item, direct_state state)
{
	item->state = state;
	d->items[d->n] = item;
	return (uint32_t)d->n++;
}

/* The same, unless one with its id is there already: then that one's number. */
static uint32_t keep_once(bulla_direct *d, struct item *item, direct_state state)
{
	bool found;
	size_t at = place(d, item->id, &found);
	if (found) {
		item_free(d, item);
		return d->table[at] - 1;
	}
	item->listed = true;
	uint32_t number = keep(d, item, state);
	d->table[at] = number + 1;
	return number;
}

bulla_code bulla_direct_open(bulla_direct *d, bulla_bytes bytes, bulla_bytes context, uint32_t *ret_number, bulla_error *err)
{
	struct item *item;
	TRY(item_new(d, context, &item, err));
	bulla_code code = bulla_wrapping_begin_open(&item->w, bytes, bulla_view_buf(&item->context), err);
	bulla_bytes parts[] = { bytes, context }; /* all of it: a key whose blob was changed must not pass for another's */
	if (!code) code = bulla_sha256(d->op->lane, parts, 2, item->id, err);
	if (code) {
		item_free(d, item);
		return code;
	}
	*ret_number = keep_once(d, item, item->w.parsed.version == BULLA_WRAPPED_BOX ? DIRECT_OPEN : DIRECT_CHECK);
	return BULLA_OK;
}

bulla_code bulla_direct_wrap(bulla_direct *d, const bulla_secret *key, bulla_bytes context,
			     const uint8_t commitment[static BULLA_COMMITMENT_SIZE], bulla_bytes checks,
			     const bulla_session *only, uint32_t *ret_number, bulla_error *err)
{
	struct item *item;
	TRY(item_new(d, context, &item, err));
	bulla_code code = bulla_wrapping_begin_wrap(&item->w, key, bulla_view_buf(&item->context), commitment, checks, err);
	if (code) {
		item_free(d, item);
		return code;
	}
	item->only = only;
	memcpy(item->id, commitment, sizeof item->id);
	*ret_number = keep_once(d, item, DIRECT_MAKE); /* the rows of a shared key are wrapped once */
	return BULLA_OK;
}

bulla_code bulla_direct_again(bulla_direct *d, bulla_bytes bytes, bulla_bytes context, const bulla_session *only,
			      uint32_t *ret_number, bulla_error *err)
{
	struct item *item;
	TRY(item_new(d, context, &item, err));
	bulla_code code = bulla_wrapping_begin_again(&item->w, bytes, bulla_view_buf(&item->context), err);
	bulla_bytes parts[] = { bulla_view_str("again"), bytes, context };
	if (!code) code = bulla_sha256(d->op->lane, parts, 3, item->id, err);
	if (code) {
		item_free(d, item);
		return code;
	}
	item->only = only;
	*ret_number = keep_once(d, item, DIRECT_AGAIN);
	return BULLA_OK;
}

bulla_code bulla_direct_box(bulla_direct *d, bulla_bytes plain, bulla_bytes context, const bulla_session *only,
			    uint32_t *ret_number, bulla_error *err)
{
	struct item *item;
	TRY(item_new(d, context, &item, err));
	bulla_code code = bulla_wrapping_begin_box(&item->w, d->op->lane, plain, bulla_view_buf(&item->context), err);
	if (code) {
		item_free(d, item);
		return code;
	}
	item->only = only;
	*ret_number = keep(d, item, DIRECT_MAKE);
	return BULLA_OK;
}

/* --- stepping -------------------------------------------------------------------------------------------------- */

static void check(bulla_direct *d, struct item *item)
{
	switch (bulla_cache_get(d->op->keyring->cache, BULLA_CACHE_DATA, bulla_view(item->id, sizeof item->id), 1, &item->held)) {
	case BULLA_CACHE_HIT:
		item->state = DIRECT_DONE;
		break;
	case BULLA_CACHE_YOURS:
		item->state = DIRECT_OPEN;
		item->flying = true;
		break;
	case BULLA_CACHE_FLYING:
		item->state = DIRECT_WAIT;
		break;
	}
}

/* No key of the environment made it: was it one that is known to be destroyed? */
static bulla_code why_unknown(const bulla_direct *d, const bulla_wrapping *w)
{
	for (size_t i = 0; i < w->parsed.wrap_count; i++)
		if (bulla_keyring_is_destroyed(d->op->keyring, w->parsed.wraps[i].kind, w->parsed.wraps[i].blob))
			return BULLA_ERR_KEY_DESTROYED;
	return BULLA_ERR_UNKNOWN_KEY;
}

static bulla_code take_key(bulla_direct *d, struct item *item)
{
	BULLA_SECRET key = { 0 };
	if (!item->w.settled && !item->w.tried) return why_unknown(d, &item->w);
	TRY(bulla_wrapping_key(&item->w, d->op->lane, &key, NULL));
	bulla_cached_key cached = { .key = &key };
	item->flying = false;
	return bulla_cache_put(d->op->keyring->cache, BULLA_CACHE_DATA, bulla_view(item->id, sizeof item->id), &cached, 1,
			       &item->held, NULL);
}

static void take_opened(bulla_direct *d, struct item *item)
{
	item->state = DIRECT_DONE;
	if (item->w.parsed.version != BULLA_WRAPPED_BOX)
		item->code = take_key(d, item);
	else if (!item->w.settled)
		item->code = item->w.tried ? item->w.code : why_unknown(d, &item->w);
	if (item->code && item->flying) {
		bulla_cache_land(d->op->keyring->cache, BULLA_CACHE_DATA, bulla_view(item->id, sizeof item->id));
		item->flying = false;
	}
}

static void take_made(bulla_direct *d, struct item *item)
{
	(void)d;
	item->state = DIRECT_DONE;
	item->code = bulla_wrapping_made(&item->w, NULL);
}

static bool is_question(direct_state state)
{
	return state == DIRECT_OPEN || state == DIRECT_MAKE || state == DIRECT_AGAIN;
}

/* Is it part of the round that is being asked? Makers go in groups with one destination. */
static bool in_round(const bulla_direct *d, const struct item *item, const bulla_session *only)
{
	return item->state == d->asking && (d->asking == DIRECT_OPEN || item->only == only);
}

/* Gathers the next round; false when nothing is left to ask. */
static bool begin_round(bulla_direct *d)
{
	bulla_wrapping_round_clear(d->round);
	const struct item *first = NULL;
	for (size_t i = 0; i < d->n && !first; i++)
		if (is_question(d->items[i]->state)) first = d->items[i];
	if (!first) return false;
	d->asking = first->state;
	bulla_wrapping_round_only(d->round, first->only);
	for (size_t i = 0; i < d->n; i++) {
		struct item *item = d->items[i];
		if (!in_round(d, item, first->only)) continue;
		item->code = bulla_wrapping_round_add(d->round, &item->w, NULL);
		if (item->code) item->state = DIRECT_DONE;
	}
	return true;
}

static void end_round(bulla_direct *d)
{
	const bulla_error *e = bulla_wrapping_round_error(d->round);
	if (e->code && !d->error.code) d->error = *e;
	for (size_t i = 0; i < d->n; i++) {
		struct item *item = d->items[i];
		if (item->state != d->asking || !(item->w.tried || item->w.settled || d->asking == DIRECT_OPEN)) continue;
		if (d->asking == DIRECT_OPEN)
			take_opened(d, item);
		else
			take_made(d, item);
	}
	d->asking = 0;
}

static bool settle(bulla_direct *d)
{
	bool waiting = false;
	for (size_t i = 0; i < d->n; i++) {
		if (d->items[i]->state == DIRECT_CHECK) check(d, d->items[i]);
		waiting |= d->items[i]->state == DIRECT_WAIT;
	}
	return waiting;
}

bulla_progress_made bulla_direct_step(bulla_direct *d)
{
	for (size_t i = 0; d->waiting && i < d->n; i++)
		if (d->items[i]->state == DIRECT_WAIT) d->items[i]->state = DIRECT_CHECK;
	d->waiting = false;
	for (;;) {
		bool waiting = settle(d);
		if (!d->asking && !begin_round(d)) {
			if (!waiting) return BULLA_STEP_DONE;
			d->waiting = true;
			bulla_op_wait(d->op);
			return BULLA_STEP_NEED;
		}
		if (bulla_wrapping_round_step(d->round) == BULLA_STEP_NEED) return BULLA_STEP_NEED;
		end_round(d);
	}
}

/* --- results --------------------------------------------------------------------------------------------------- */

static bulla_code result(const bulla_direct *d, const struct item *item, bulla_error *err)
{
	if (!item->code) return BULLA_OK;
	if (err && d->error.code == item->code)
		*err = d->error;
	else
		bulla_fail(err, item->code, "the KMS did not open or make a wrapped key: %s", bulla_code_name(item->code));
	return item->code;
}

bulla_code bulla_direct_key(const bulla_direct *d, uint32_t number, bulla_secret *ret_key, bulla_error *err)
{
	const struct item *item = d->items[number];
	TRY(result(d, item, err));
	memcpy(ret_key, item->held->key, sizeof *ret_key);
	return BULLA_OK;
}

bulla_code bulla_direct_content(const bulla_direct *d, uint32_t number, bulla_bytes *ret, bulla_error *err)
{
	TRY(result(d, d->items[number], err));
	*ret = bulla_view_buf(&d->items[number]->w.plain);
	return BULLA_OK;
}

bulla_code bulla_direct_bytes(const bulla_direct *d, uint32_t number, bulla_bytes *ret, bulla_error *err)
{
	TRY(result(d, d->items[number], err));
	*ret = bulla_view_buf(&d->items[number]->w.bytes);
	return BULLA_OK;
}

bulla_bytes bulla_direct_differing(const bulla_direct *d, bulla_lane *lane, uint32_t number)
{
	bulla_bytes name;
	size_t sealed, given;
	if (bulla_wrapping_differing(&d->items[number]->w, lane, &sealed, &given, &name)) return bulla_view(NULL, 0);
	return name;
}

bulla_code bulla_direct_explain(const bulla_direct *d, uint32_t number, bulla_error *err)
{
	struct item *item = d->items[number];
	bulla_bytes name;
	size_t sealed, given;
	if (item->code != BULLA_ERR_AUTH || bulla_wrapping_differing(&item->w, d->op->lane, &sealed, &given, &name))
		return result(d, item, err);
	if (name.data)
		return bulla_fail(err, BULLA_ERR_CONTEXT, "the encryption context differs in %.*s", (int)name.len,
				  (const char *)name.data);
	if (sealed && sealed != given)
		return bulla_fail(err, BULLA_ERR_CONTEXT, "the encryption context has %zu pairs, and the box was sealed with %zu",
				  given, sealed);
	return result(d, item, err);
}
