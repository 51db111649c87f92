/*
 * resolve.c - the walk over an op's wants: cache, store, parent or KMS, and the making of new keys.
 */
#include "core/resolve_inside.h"

#include <stdlib.h>
#include <string.h>

static bulla_code wrapping_new(struct bulla_want *w, bulla_error *err)
{
	bulla_want_drop_wrapping(w);
	w->wrapping = calloc(1, sizeof *w->wrapping);
	return w->wrapping ? BULLA_OK : bulla_fail_memory(err);
}

/* --- immediate moves ------------------------------------------------------------------------------------------- */

void bulla_want_fail(bulla_resolver *r, struct bulla_want *w, const bulla_error *e)
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

static void check(bulla_resolver *r, struct bulla_want *w)
{
	uint8_t version[8];
	bulla_put_u64(version, w->version);
	switch (bulla_cache_get(r->op->keyring->cache, w->current ? BULLA_CACHE_CURRENT : BULLA_CACHE_VERSION,
				w->current ? bulla_view_buf(&w->identity) : bulla_view(version, 8), w->uses, &w->key)) {
	case BULLA_CACHE_HIT:
		w->state = WANT_DONE;
		if (!bulla_want_is_outdated(r, w, w->key->created_us)) break;
		bulla_cache_give(r->op->keyring->cache, w->key);
		w->key = NULL;
		w->state = WANT_LOAD;
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
static bulla_code add_parent(bulla_resolver *r, struct bulla_want *child, const char *under, bulla_error *err)
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

static bulla_code check_depth(bulla_resolver *r, struct bulla_want *child, bulla_error *err)
{
	struct bulla_want *parent = r->wants[child->parent];
	if (parent->depth <= child->depth) parent->depth = child->depth + 1;
	if (parent->depth > BULLA_BRANCH_DEPTH_MAX)
		return bulla_fail(err, BULLA_ERR_CONFIG,
				  "branch keys hang from each other more than %d levels deep, or in a circle",
				  BULLA_BRANCH_DEPTH_MAX);
	return BULLA_OK;
}

/* True when the parent has its result; a failed parent fails the child. */
static bool parent_ready(bulla_resolver *r, struct bulla_want *w)
{
	struct bulla_want *parent = r->wants[w->parent];
	if (parent->state == WANT_FAILED) {
		bulla_error e = r->error;
		e.code = parent->code;
		w->tombstone = parent->tombstone;
		bulla_want_fail(r, w, &e);
	}
	return parent->state == WANT_DONE;
}

static bulla_code set_context(bulla_resolver *r, struct bulla_want *w, bulla_error *err)
{
	bulla_buf_clear(&w->context);
	if (w->given_context.len) return bulla_buf_add(&w->context, bulla_view_buf(&w->given_context), err);
	return bulla_branch_context(r->op->lane, bulla_view_buf(&w->identity), w->version, &w->context, err);
}

/* The row is opened: into the cache with it. */
static bulla_code finish_open(bulla_resolver *r, struct bulla_want *w, const bulla_secret *key, bulla_error *err)
{
	uint8_t version[8];
	bulla_put_u64(version, w->version);
	bulla_cached_key cached = { .key = key,
				    .version = w->version,
				    .created_us = w->created_us,
				    .identity = bulla_view_buf(&w->identity),
				    .wrapped = bulla_view_buf(&w->wrapped),
				    .closing = w->closing || w->row == BULLA_BRANCH_CLOSING,
				    .read_us = w->read_us };
	w->flying = false;
	TRY(bulla_cache_put(r->op->keyring->cache, w->current ? BULLA_CACHE_CURRENT : BULLA_CACHE_VERSION,
			    w->current ? bulla_view_buf(&w->identity) : bulla_view(version, 8), &cached, w->uses, &w->key, err));
	w->state = WANT_DONE;
	return BULLA_OK;
}

static bulla_code start_open(bulla_resolver *r, struct bulla_want *w, bulla_error *err)
{
	uint64_t reference;
	TRY(set_context(r, w, err));
	TRY(wrapping_new(w, err));
	TRY(bulla_wrapping_begin_open(w->wrapping, bulla_view_buf(&w->wrapped), bulla_view_buf(&w->context), err));
	if (!bulla_wrapping_branch(w->wrapping, &reference)) {
		w->state = WANT_ASK_OPEN;
		return BULLA_OK;
	}
	if (w->parent == BULLA_NO_PARENT) {
		TRY(bulla_want_version(r, reference, 1, &w->parent, err));
		TRY(check_depth(r, w, err));
	}
	return BULLA_OK;
}

/* Each row that is sealed under a shared data key gets a copy of its wraps: under a closed key those would be new ones. */
static bulla_code check_kms_closing(const struct bulla_want *w, bool closed, bulla_error *err)
{
	bulla_branch_purpose purpose;
	if (!w->current || !closed) return BULLA_OK;
	TRY(bulla_branch_purpose_of(bulla_view_buf(&w->identity), &purpose, err));
	if (purpose != BULLA_BRANCH_SHARED) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_KEY_CLOSING, "the model's shared data key hangs from a key that is closed");
	return bulla_advise(err, code,
			    "bulla key close KEY once more hangs it from the keys that bulla.yaml names now; then bulla rotate");
}

/* Whatever hangs from a closed branch is closed with it: it goes when that one is destroyed, and what were still sealed under it would be
 * lost. The cached key remembers, since the row of a cached parent was not read. */
static bulla_code check_closing(struct bulla_want *w, const bulla_cached_key *parent, bulla_error *err)
{
	w->closing = parent->closing;
	if (!w->current || !w->closing) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_KEY_CLOSING,
			  "a branch key that this one hangs from is closing and takes no new records");
}

static bulla_code move_open(bulla_resolver *r, struct bulla_want *w, bulla_error *err)
{
	BULLA_SECRET key = { 0 };
	if (w->parent == BULLA_NO_PARENT) TRY(start_open(r, w, err));
	if (w->state != WANT_OPEN || !parent_ready(r, w)) return BULLA_OK;
	const bulla_cached_key *parent = r->wants[w->parent]->key;
	TRY(check_closing(w, parent, err));
	TRY(bulla_wrapping_open_by_branch(w->wrapping, r->op->lane, parent, &key, err));
	if (parent->read_us < w->read_us) w->read_us = parent->read_us;
	return finish_open(r, w, &key, err);
}

static bulla_code start_create(bulla_resolver *r, struct bulla_want *w, bulla_error *err)
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

static bulla_code move_create(bulla_resolver *r, struct bulla_want *w, bulla_error *err)
{
	if (w->parent == BULLA_NO_PARENT) TRY(start_create(r, w, err));
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
			struct bulla_want *w = r->wants[i];
			bulla_error e; /* not cleared: only a failure writes it, and only then is it read */
			bulla_code code = BULLA_OK;
			bulla_want_state before = w->state;
			if (before == WANT_CHECK)
				check(r, w);
			else if (before == WANT_OPEN)
				code = move_open(r, w, &e);
			else if (before == WANT_CREATE)
				code = move_create(r, w, &e);
			if (code) bulla_want_fail(r, w, &e);
			moved |= w->state != before;
		}
	}
}

static bool any(const bulla_resolver *r, bulla_want_state state)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->wants[i]->state == state) return true;
	return false;
}
/* --- the KMS --------------------------------------------------------------------------------------------------- */

/* Hands the wants in `state` to the round; false when there is none. */
static bulla_code begin_round(bulla_resolver *r, bulla_want_state state, bool *ret_any, bulla_error *err)
{
	*ret_any = any(r, state);
	if (!*ret_any) return BULLA_OK;
	bulla_wrapping_round_clear(r->round);
	for (size_t i = 0; i < r->n; i++)
		if (r->wants[i]->state == state) TRY(bulla_wrapping_round_add(r->round, r->wants[i]->wrapping, err));
	return BULLA_OK;
}

/* What the KMS itself said is the better message. */
static void fail_round(bulla_resolver *r, struct bulla_want *w, const bulla_error *e)
{
	const bulla_error *kms = bulla_wrapping_round_error(r->round);
	bulla_want_fail(r, w, kms->code == e->code ? kms : e);
}

static void end_open(bulla_resolver *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct bulla_want *w = r->wants[i];
		bulla_error e = { 0 };
		BULLA_SECRET key = { 0 };
		if (w->state != WANT_ASK_OPEN) continue;
		if (bulla_wrapping_key(w->wrapping, r->op->lane, &key, &e) || check_kms_closing(w, w->wrapping->closed, &e) ||
		    finish_open(r, w, &key, &e))
			fail_round(r, w, &e);
	}
}

static void end_create(bulla_resolver *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct bulla_want *w = r->wants[i];
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
		struct bulla_want *w = r->wants[i];
		if (w->state != WANT_INSERT) continue;
		w->made++;
		w->state = WANT_LOAD; /* read back; perhaps another process was first */
		bulla_want_drop_wrapping(w);
	}
}

/* Takes the result of what was pending. */
static bulla_code take_result(bulla_resolver *r, bulla_progress_made *ret, bulla_error *err)
{
	bulla_pending was = r->pending;
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
		bulla_want_judge(r, r->wants[i]);
	if (was == PENDING_INSERT) after_insert(r);
	for (size_t i = 0; was == PENDING_WAIT && i < r->n; i++)
		if (r->wants[i]->state == WANT_WAIT) r->wants[i]->state = WANT_CHECK;
	return BULLA_OK;
}

static bulla_code call_store(bulla_resolver *r, bulla_pending what, bulla_code (*call)(void *self, bulla_error *err),
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

static bulla_code ask(bulla_resolver *r, bulla_pending what, bulla_want_state state, bool *ret_any, bulla_error *err)
{
	TRY(begin_round(r, state, ret_any, err));
	if (*ret_any) r->pending = what; /* take_result() steps the round */
	return BULLA_OK;
}

/* Nothing is left to ask or to read, and some still wait for a parent: they wait for each other. */
static void fail_circles(bulla_resolver *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct bulla_want *w = r->wants[i];
		bulla_error e;
		e.code = BULLA_OK;
		if (w->state == WANT_OPEN)
			bulla_fail(&e, BULLA_ERR_CORRUPT, "the store's branch keys hang from each other in a circle");
		if (w->state == WANT_CREATE) bulla_fail(&e, BULLA_ERR_CONFIG, "branch keys hang from each other in a circle");
		if (e.code) bulla_want_fail(r, w, &e);
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
		if (any(r, WANT_LOAD)) return call_store(r, PENDING_LOAD, bulla_resolver_load, ret, err);
		TRY(ask(r, PENDING_OPEN, WANT_ASK_OPEN, &asking, err));
		if (!asking) TRY(ask(r, PENDING_CREATE, WANT_ASK_CREATE, &asking, err));
		if (asking) continue;
		if (any(r, WANT_INSERT)) return call_store(r, PENDING_INSERT, bulla_resolver_insert, ret, err);
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
