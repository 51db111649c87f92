/*
 * resolve.c - the walk over an op's wants: cache, store, parent or KMS, and the making of new keys.
 */
#include "core/resolve.h"

#include "core/branch.h"
#include "core/wrapping.h"

#include <stdlib.h>
#include <string.h>

#define NO_PARENT SIZE_MAX
#define SPARE_MAX 16 /* wants that are kept for the next op: a single record has one or two */

typedef enum want_state {
	WANT_CHECK = 1,  /* look into the cache */
	WANT_WAIT,       /* another op is fetching it */
	WANT_LOAD,       /* read its row */
	WANT_OPEN,       /* unwrap its row: by its parent ... */
	WANT_ASK_OPEN,   /* ... or by the KMS */
	WANT_CREATE,     /* make one under its parent ... */
	WANT_ASK_CREATE, /* ... or under the KMS keys */
	WANT_INSERT,     /* write the row that was made */
	WANT_DONE,
	WANT_FAILED
} want_state;

struct want {
	want_state state;
	bool current; /* by identity; else by version */
	bool flying;  /* its flight in the cache is ours */
	bool made;    /* we inserted a row for it */
	uint64_t version;
	bulla_buf identity;
	const char *under;
	bulla_buf given_context; /* SHARED */
	uint64_t uses;
	unsigned depth;
	size_t parent;
	const bulla_cached_key *key;
	bulla_code code;
	bulla_buf context; /* canonical, of the row being opened or made */
	bulla_buf wrapped; /* the row */
	bulla_branch_state row;
	bulla_wrapping *wrapping; /* of a key that is being opened or made (core/wrapping.h); NULL for one that was cached */
};

typedef enum pending { PENDING_NOTHING = 0, PENDING_LOAD, PENDING_OPEN, PENDING_CREATE, PENDING_INSERT, PENDING_WAIT } pending;

struct bulla_resolver {
	bulla_op *op;
	struct want **wants;
	size_t n, made, cap; /* those from n to made are spare */
	uint32_t *table; /* index + 1 by hash; a power of two, at most half full */
	size_t table_size;
	pending pending;
	bulla_wrapping_round *round; /* the question under way */
	bulla_error error;
};

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

static void wrapping_free(struct want *w)
{
	if (w->wrapping) bulla_wrapping_done(w->wrapping);
	free(w->wrapping);
	w->wrapping = NULL;
}

static bulla_code wrapping_new(struct want *w, bulla_error *err)
{
	wrapping_free(w);
	w->wrapping = calloc(1, sizeof *w->wrapping);
	return w->wrapping ? BULLA_OK : bulla_fail_memory(err);
}

/* Gives back what the want holds; its buffers stay. */
static void want_reset(bulla_resolver *r, struct want *w)
{
	bulla_cache *cache = r->op->keyring->cache;
	if (w->flying) {
		uint8_t version[8];
		bulla_put_u64(version, w->version);
		bulla_cache_land(cache, w->current ? BULLA_CACHE_CURRENT : BULLA_CACHE_VERSION,
				 w->current ? bulla_view_buf(&w->identity) : bulla_view(version, 8));
	}
	bulla_cache_give(cache, w->key);
	wrapping_free(w);
	bulla_buf_clear(&w->identity);
	bulla_buf_clear(&w->given_context);
	bulla_buf_clear(&w->context);
	bulla_buf_clear(&w->wrapped);
	w->flying = false;
	w->key = NULL;
}

static void want_free(bulla_resolver *r, struct want *w)
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

static uint64_t hash_of(const struct want *w)
{
	uint8_t version[8];
	bulla_put_u64(version, w->version);
	return hash_want(w->current, w->current ? bulla_view_buf(&w->identity) : bulla_view(version, 8));
}

static bool is_want(const struct want *w, bool current, bulla_bytes identity, uint64_t version)
{
	return w->current == current &&
	       (current ? bulla_bytes_equal(bulla_view_buf(&w->identity), identity) : w->version == version);
}

static bulla_code grow(bulla_resolver *r, bulla_error *err)
{
	if (r->n < r->cap) return BULLA_OK;
	size_t cap = r->cap ? 2 * r->cap : 16;
	struct want **wants = realloc(r->wants, cap * sizeof *wants);
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

static bulla_code add(bulla_resolver *r, bool current, bulla_bytes identity, uint64_t version, uint64_t uses, size_t *ret,
		      bool *ret_new, bulla_error *err)
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
	struct want *w = r->wants[r->n];
	*w = (struct want){ .state = WANT_CHECK,
			    .current = current,
			    .version = version,
			    .uses = uses,
			    .parent = NO_PARENT,
			    .identity = w->identity,
			    .given_context = w->given_context,
			    .context = w->context,
			    .wrapped = w->wrapped };
	TRY(bulla_buf_add(&w->identity, identity, err)); /* on failure it stays a spare one */
	r->table[at] = (uint32_t)r->n + 1;
	*ret = r->n++;
	*ret_new = true;
	return BULLA_OK;
}

bulla_code bulla_want_current(bulla_resolver *r, bulla_bytes identity, const char *under, bulla_bytes context, uint64_t uses,
			      size_t *ret_index, bulla_error *err)
{
	bool is_new;
	TRY(add(r, true, identity, 0, uses, ret_index, &is_new, err));
	if (!is_new) return BULLA_OK;
	r->wants[*ret_index]->under = under;
	return bulla_buf_add(&r->wants[*ret_index]->given_context, context, err);
}

bulla_code bulla_want_version(bulla_resolver *r, uint64_t version, uint64_t uses, size_t *ret_index, bulla_error *err)
{
	bool is_new;
	return add(r, false, bulla_view(NULL, 0), version, uses, ret_index, &is_new, err);
}

void bulla_want_use(bulla_resolver *r, size_t index, uint64_t uses)
{
	r->wants[index]->uses += uses;
}

struct bulla_want_result bulla_want_result(const bulla_resolver *r, size_t index)
{
	return (struct bulla_want_result){ r->wants[index]->key, r->wants[index]->code };
}

const bulla_error *bulla_resolver_error(const bulla_resolver *r)
{
	return &r->error;
}

/* --- immediate moves ------------------------------------------------------------------------------------------- */

static void fail(bulla_resolver *r, struct want *w, const bulla_error *e)
{
	w->state = WANT_FAILED;
	w->code = e->code;
	if (!r->error.code) r->error = *e;
	if (w->flying) {
		uint8_t version[8];
		bulla_put_u64(version, w->version);
		bulla_cache_land(r->op->keyring->cache, w->current ? BULLA_CACHE_CURRENT : BULLA_CACHE_VERSION,
				 w->current ? bulla_view_buf(&w->identity) : bulla_view(version, 8));
		w->flying = false;
	}
}

static void check(bulla_resolver *r, struct want *w)
{
	uint8_t version[8];
	bulla_put_u64(version, w->version);
	switch (bulla_cache_get(r->op->keyring->cache, w->current ? BULLA_CACHE_CURRENT : BULLA_CACHE_VERSION,
				w->current ? bulla_view_buf(&w->identity) : bulla_view(version, 8), w->uses, &w->key)) {
	case BULLA_CACHE_HIT:
		w->state = WANT_DONE;
		break;
	case BULLA_CACHE_YOURS:
		w->state = WANT_LOAD;
		w->flying = true;
		break;
	case BULLA_CACHE_FLYING:
		w->state = WANT_WAIT;
		break;
	}
}

/* The constant branch `under`, as a want; its own parent is what the schema says of the model that names it. */
static bulla_code add_parent(bulla_resolver *r, struct want *child, const char *under, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf identity = { 0 };
	const char *grandparent = NULL;
	size_t n;
	const bulla_model *models = bulla_schema_models(r->op->keyring->config.schema, &n);
	for (size_t i = 0; i < n; i++)
		if (models[i].branch.name.text && strcmp(models[i].branch.name.text, under) == 0)
			grandparent = models[i].branch.under;
	TRY(bulla_branch_identity(BULLA_BRANCH_RECORD, bulla_view_str(under), NULL, 0, &identity, err));
	TRY(bulla_want_current(r, bulla_view_buf(&identity), grandparent, bulla_view(NULL, 0), 1, &child->parent, err));
	return BULLA_OK;
}

static bulla_code check_depth(bulla_resolver *r, struct want *child, bulla_error *err)
{
	struct want *parent = r->wants[child->parent];
	if (parent->depth <= child->depth) parent->depth = child->depth + 1;
	if (parent->depth > BULLA_BRANCH_DEPTH_MAX)
		return bulla_fail(err, BULLA_ERR_CONFIG,
				  "branch keys hang from each other more than %d levels deep, or in a circle",
				  BULLA_BRANCH_DEPTH_MAX);
	return BULLA_OK;
}

/* True when the parent has its result; a failed parent fails the child. */
static bool parent_ready(bulla_resolver *r, struct want *w)
{
	struct want *parent = r->wants[w->parent];
	if (parent->state == WANT_FAILED) {
		bulla_error e = r->error;
		e.code = parent->code;
		fail(r, w, &e);
	}
	return parent->state == WANT_DONE;
}

static bulla_code set_context(bulla_resolver *r, struct want *w, bulla_error *err)
{
	bulla_buf_clear(&w->context);
	if (w->given_context.len) return bulla_buf_add(&w->context, bulla_view_buf(&w->given_context), err);
	return bulla_branch_context(r->op->lane, bulla_view_buf(&w->identity), w->version, &w->context, err);
}

/* The row is opened: into the cache with it. */
static bulla_code finish_open(bulla_resolver *r, struct want *w, const bulla_secret *key, bulla_error *err)
{
	uint8_t version[8];
	bulla_put_u64(version, w->version);
	bulla_cached_key cached = { .key = key,
				    .version = w->version,
				    .identity = bulla_view_buf(&w->identity),
				    .wrapped = bulla_view_buf(&w->wrapped) };
	w->flying = false;
	TRY(bulla_cache_put(r->op->keyring->cache, w->current ? BULLA_CACHE_CURRENT : BULLA_CACHE_VERSION,
			    w->current ? bulla_view_buf(&w->identity) : bulla_view(version, 8), &cached, w->uses, &w->key, err));
	w->state = WANT_DONE;
	return BULLA_OK;
}

static bulla_code start_open(bulla_resolver *r, struct want *w, bulla_error *err)
{
	uint64_t reference;
	TRY(set_context(r, w, err));
	TRY(wrapping_new(w, err));
	TRY(bulla_wrapping_begin_open(w->wrapping, bulla_view_buf(&w->wrapped), bulla_view_buf(&w->context), err));
	if (!bulla_wrapping_branch(w->wrapping, &reference)) {
		w->state = WANT_ASK_OPEN;
		return BULLA_OK;
	}
	if (w->parent == NO_PARENT) {
		TRY(bulla_want_version(r, reference, 1, &w->parent, err));
		TRY(check_depth(r, w, err));
	}
	return BULLA_OK;
}

static bulla_code move_open(bulla_resolver *r, struct want *w, bulla_error *err)
{
	BULLA_SECRET key = { 0 };
	if (w->parent == NO_PARENT) TRY(start_open(r, w, err));
	if (w->state != WANT_OPEN || !parent_ready(r, w)) return BULLA_OK;
	TRY(bulla_wrapping_open_by_branch(w->wrapping, r->op->lane, r->wants[w->parent]->key, &key, err));
	return finish_open(r, w, &key, err);
}

static bulla_code start_create(bulla_resolver *r, struct want *w, bulla_error *err)
{
	uint8_t version[8];
	TRY(bulla_random(r->op->lane, version, 8, err));
	w->version = bulla_get_u64(version);
	TRY(set_context(r, w, err));
	TRY(wrapping_new(w, err));
	TRY(bulla_wrapping_begin_create(w->wrapping, r->op->lane, bulla_view_buf(&w->context), err));
	if (!w->under) {
		w->state = WANT_ASK_CREATE;
		return BULLA_OK;
	}
	TRY(add_parent(r, w, w->under, err));
	return check_depth(r, w, err);
}

static bulla_code move_create(bulla_resolver *r, struct want *w, bulla_error *err)
{
	if (w->parent == NO_PARENT) TRY(start_create(r, w, err));
	if (w->state != WANT_CREATE || !parent_ready(r, w)) return BULLA_OK;
	TRY(bulla_wrapping_create_by_branch(w->wrapping, r->op->lane, r->wants[w->parent]->key, err));
	w->state = WANT_INSERT;
	return BULLA_OK;
}

/* Moves every want as far as it goes without I/O. New wants appear behind the loop's place. */
static void settle(bulla_resolver *r)
{
	for (bool moved = true; moved;) {
		moved = false;
		for (size_t i = 0; i < r->n; i++) {
			struct want *w = r->wants[i];
			bulla_error e; /* not cleared: only a failure writes it, and only then is it read */
			bulla_code code = BULLA_OK;
			want_state before = w->state;
			if (before == WANT_CHECK)
				check(r, w);
			else if (before == WANT_OPEN)
				code = move_open(r, w, &e);
			else if (before == WANT_CREATE)
				code = move_create(r, w, &e);
			if (code) fail(r, w, &e);
			moved |= w->state != before;
		}
	}
}

static bool any(const bulla_resolver *r, want_state state)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->wants[i]->state == state) return true;
	return false;
}

/* --- the store ------------------------------------------------------------------------------------------------- */

static void take_row(bulla_resolver *r, struct want *w, const bulla_branch_row *row)
{
	bulla_error e = { 0 };
	w->version = row->version;
	w->row = row->state;
	bulla_buf_clear(&w->wrapped);
	if (!w->current) bulla_buf_clear(&w->identity);
	bulla_code code = w->current ? BULLA_OK : bulla_buf_add(&w->identity, row->identity, &e);
	if (code || bulla_buf_add(&w->wrapped, row->wrapped, &e))
		fail(r, w, &e);
	else
		w->state = WANT_OPEN;
	w->parent = NO_PARENT;
}

struct found {
	bulla_resolver *r;
	size_t *index; /* of the want that each query is about */
};

static bulla_code each_row(void *self, size_t index, const bulla_branch_row *row, bulla_error *err)
{
	struct found *found = self;
	(void)err;
	take_row(found->r, found->r->wants[found->index[index]], row);
	return BULLA_OK;
}

static bulla_code load(void *self, bulla_error *err)
{
	bulla_resolver *r = self;
	const bulla_branch_store *store = r->op->keyring->config.branches;
	bulla_bytes *identities = calloc(r->n, sizeof *identities);
	uint64_t *versions = calloc(r->n, sizeof *versions);
	size_t *by_identity = calloc(r->n, sizeof *by_identity), *by_version = calloc(r->n, sizeof *by_version);
	size_t n = 0, m = 0;
	bulla_code code = BULLA_OK;

	if (!identities || !versions || !by_identity || !by_version) {
		code = bulla_fail_memory(err);
		goto out;
	}
	for (size_t i = 0; i < r->n; i++) {
		struct want *w = r->wants[i];
		if (w->state != WANT_LOAD) continue;
		if (w->current) {
			by_identity[n] = i;
			identities[n++] = bulla_view_buf(&w->identity);
		} else {
			by_version[m] = i;
			versions[m++] = w->version;
		}
	}
	if (n) code = store->current(store->self, identities, n, each_row, &(struct found){ r, by_identity }, err);
	if (!code && m) code = store->by_version(store->self, versions, m, each_row, &(struct found){ r, by_version }, err);
out:
	free(identities);
	free(versions);
	free(by_identity);
	free(by_version);
	return code;
}

/* After the rows have been read: what is absent, closed or destroyed. */
static void judge(bulla_resolver *r, struct want *w)
{
	bulla_error e = { 0 };
	if (w->state == WANT_LOAD && w->current && !w->made)
		w->state = WANT_CREATE;
	else if (w->state == WANT_LOAD && w->current)
		bulla_fail(&e, BULLA_ERR_CORRUPT, "a new branch key was written and is not in the store");
	else if (w->state == WANT_LOAD)
		bulla_fail(&e, BULLA_ERR_UNKNOWN_KEY, "the store has no branch key of version %016llx",
			   (unsigned long long)w->version);
	else if (w->state == WANT_OPEN && w->row == BULLA_BRANCH_DESTROYED)
		bulla_fail(&e, BULLA_ERR_KEY_DESTROYED, "the branch key was destroyed: what hangs from it is shredded");
	else if (w->state == WANT_OPEN && w->row == BULLA_BRANCH_CLOSING && w->current)
		bulla_fail(&e, BULLA_ERR_KEY_CLOSING, "the branch key is closing and takes no new records");
	if (e.code) fail(r, w, &e);
}

static bulla_code insert(void *self, bulla_error *err)
{
	bulla_resolver *r = self;
	const bulla_branch_store *store = r->op->keyring->config.branches;
	bulla_branch_row *rows = calloc(r->n, sizeof *rows);
	bulla_buf *prints = calloc(r->n, sizeof *prints);
	int64_t now = r->op->keyring->config.now_us(r->op->keyring->config.now_self);
	size_t n = 0;
	bulla_code code = rows && prints ? BULLA_OK : bulla_fail_memory(err);

	for (size_t i = 0; i < r->n && !code; i++) {
		struct want *w = r->wants[i];
		if (w->state != WANT_INSERT) continue;
		code = bulla_branch_print(bulla_view_buf(&w->identity), &prints[n], err);
		rows[n] = (bulla_branch_row){ .identity = bulla_view_buf(&w->identity),
					      .print = bulla_view_buf(&prints[n]),
					      .version = w->version,
					      .state = BULLA_BRANCH_ACTIVE,
					      .wrapped = bulla_view_buf(&w->wrapping->bytes),
					      .created_us = now };
		n++;
	}
	if (!code) code = store->create(store->self, rows, n, err);
	for (size_t i = 0; i < n; i++)
		bulla_buf_done(&prints[i]);
	free(rows);
	free(prints);
	return code;
}

/* --- the KMS --------------------------------------------------------------------------------------------------- */

/* Hands the wants in `state` to the round; false when there is none. */
static bulla_code begin_round(bulla_resolver *r, want_state state, bool *ret_any, bulla_error *err)
{
	*ret_any = any(r, state);
	if (!*ret_any) return BULLA_OK;
	bulla_wrapping_round_clear(r->round);
	for (size_t i = 0; i < r->n; i++)
		if (r->wants[i]->state == state) TRY(bulla_wrapping_round_add(r->round, r->wants[i]->wrapping, err));
	return BULLA_OK;
}

/* What the KMS itself said is the better message. */
static void fail_round(bulla_resolver *r, struct want *w, const bulla_error *e)
{
	const bulla_error *kms = bulla_wrapping_round_error(r->round);
	fail(r, w, kms->code == e->code ? kms : e);
}

static void end_open(bulla_resolver *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct want *w = r->wants[i];
		bulla_error e = { 0 };
		BULLA_SECRET key = { 0 };
		if (w->state != WANT_ASK_OPEN) continue;
		if (bulla_wrapping_key(w->wrapping, r->op->lane, &key, &e) || finish_open(r, w, &key, &e)) fail_round(r, w, &e);
	}
}

static void end_create(bulla_resolver *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct want *w = r->wants[i];
		bulla_error e = { 0 };
		if (w->state != WANT_ASK_CREATE) continue;
		if (bulla_wrapping_made(w->wrapping, &e))
			fail_round(r, w, &e);
		else
			w->state = WANT_INSERT;
	}
}

/* --- the walk -------------------------------------------------------------------------------------------------- */

static void after_insert(bulla_resolver *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct want *w = r->wants[i];
		if (w->state != WANT_INSERT) continue;
		w->made = true;
		w->state = WANT_LOAD; /* read back; perhaps another process was first */
		wrapping_free(w);
	}
}

/* Takes the result of what was pending. */
static bulla_code take_result(bulla_resolver *r, bulla_progress_made *ret, bulla_error *err)
{
	pending was = r->pending;
	r->pending = PENDING_NOTHING;
	if (was == PENDING_OPEN || was == PENDING_CREATE) {
		*ret = bulla_wrapping_round_step(r->round);
		if (*ret == BULLA_STEP_NEED) {
			r->pending = was;
			return BULLA_OK;
		}
		if (was == PENDING_OPEN)
			end_open(r);
		else
			end_create(r);
		return BULLA_OK;
	}
	if (was == PENDING_LOAD || was == PENDING_INSERT) TRY(bulla_op_called(r->op, err));
	for (size_t i = 0; was == PENDING_LOAD && i < r->n; i++)
		judge(r, r->wants[i]);
	if (was == PENDING_INSERT) after_insert(r);
	for (size_t i = 0; was == PENDING_WAIT && i < r->n; i++)
		if (r->wants[i]->state == WANT_WAIT) r->wants[i]->state = WANT_CHECK;
	return BULLA_OK;
}

static bulla_code call_store(bulla_resolver *r, pending what, bulla_code (*call)(void *self, bulla_error *err),
			     bulla_progress_made *ret, bulla_error *err)
{
	if (!r->op->keyring->config.branches) {
		bulla_fail(err, BULLA_ERR_CONFIG, "branch keys and indexes need a store, and this environment has none");
		return bulla_advise(err, BULLA_ERR_CONFIG, "run `bulla init`, or set `store:` in bulla.yaml");
	}
	bulla_op_call(r->op, call, r);
	r->pending = what;
	*ret = BULLA_STEP_NEED;
	return BULLA_OK;
}

static bulla_code ask(bulla_resolver *r, pending what, want_state state, bool *ret_any, bulla_error *err)
{
	TRY(begin_round(r, state, ret_any, err));
	if (*ret_any) r->pending = what; /* take_result() steps the round */
	return BULLA_OK;
}

/* Nothing is left to ask or to read, and some still wait for a parent: they wait for each other. */
static void fail_circles(bulla_resolver *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct want *w = r->wants[i];
		bulla_error e;
		e.code = BULLA_OK;
		if (w->state == WANT_OPEN)
			bulla_fail(&e, BULLA_ERR_CORRUPT, "the store's branch keys hang from each other in a circle");
		if (w->state == WANT_CREATE) bulla_fail(&e, BULLA_ERR_CONFIG, "branch keys hang from each other in a circle");
		if (e.code) fail(r, w, &e);
	}
}

bulla_code bulla_resolver_step(bulla_resolver *r, bulla_progress_made *ret, bulla_error *err)
{
	for (;;) {
		bool asking = false;
		*ret = BULLA_STEP_DONE;
		if (r->pending) TRY(take_result(r, ret, err));
		if (*ret == BULLA_STEP_NEED) return BULLA_OK;
		settle(r);
		if (any(r, WANT_LOAD)) return call_store(r, PENDING_LOAD, load, ret, err);
		TRY(ask(r, PENDING_OPEN, WANT_ASK_OPEN, &asking, err));
		if (!asking) TRY(ask(r, PENDING_CREATE, WANT_ASK_CREATE, &asking, err));
		if (asking) continue;
		if (any(r, WANT_INSERT)) return call_store(r, PENDING_INSERT, insert, ret, err);
		if (!any(r, WANT_WAIT)) {
			fail_circles(r);
			return BULLA_OK;
		}
		bulla_op_wait(r->op);
		r->pending = PENDING_WAIT;
		*ret = BULLA_STEP_NEED;
		return BULLA_OK;
	}
}
