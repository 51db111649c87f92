/*
 * round.c - the questions that open or make many wrapped keys: session by session, as many keys in one question as the provider takes.
 */
#include "core/wrapping.h"

#include "core/reason.h"

#include <stdlib.h>
#include <string.h>

struct bulla_wrapping_round {
	bulla_op *op;
	bulla_wrapping **members;
	size_t n, cap;
	const bulla_session *only;
	size_t session; /* making: which one is next */
	bool asked;
	size_t *asked_about; /* members of the question under way */
	bulla_question_item *items;
	size_t asked_n;
	size_t next_member; /* making: first member that this session has not been asked about */
	bulla_error error;  /* the first failure of a KMS */
};

bulla_code bulla_wrapping_round_new(bulla_op *op, bulla_wrapping_round **out, bulla_error *err)
{
	bulla_wrapping_round *round = calloc(1, sizeof *round);
	if (!round) return bulla_fail_memory(err);
	round->op = op;
	*out = round;
	return BULLA_OK;
}

void bulla_wrapping_round_free(bulla_wrapping_round *round)
{
	if (!round) return;
	free(round->members);
	free(round->asked_about);
	free(round->items);
	free(round);
}

void bulla_wrapping_round_clear(bulla_wrapping_round *round)
{
	round->n = round->asked_n = round->session = round->next_member = 0;
	round->asked = false;
	round->only = NULL;
	round->error.code = BULLA_OK;
}

const bulla_error *bulla_wrapping_round_error(const bulla_wrapping_round *round)
{
	return &round->error;
}

void bulla_wrapping_round_only(bulla_wrapping_round *round, const bulla_session *session)
{
	round->only = session;
}

bulla_code bulla_wrapping_round_add(bulla_wrapping_round *round, bulla_wrapping *wrapping, bulla_error *err)
{
	if (round->n == round->cap) {
		size_t cap = round->cap ? 2 * round->cap : 16;
		bulla_wrapping **members = realloc(round->members, cap * sizeof *members);
		if (members) round->members = members;
		size_t *about = realloc(round->asked_about, cap * sizeof *about);
		if (about) round->asked_about = about;
		bulla_question_item *items = realloc(round->items, cap * sizeof *items);
		if (items) round->items = items;
		if (!members || !about || !items) return bulla_fail_memory(err);
		round->cap = cap;
	}
	round->members[round->n++] = wrapping;
	return BULLA_OK;
}

static bool is_making(const bulla_wrapping_round *round)
{
	return round->n && round->members[0]->making;
}

static void add_item(bulla_wrapping_round *round, size_t member, bulla_bytes input, bulla_buf *made, uint64_t reference)
{
	bulla_wrapping *w = round->members[member];
	round->asked_about[round->asked_n] = member;
	round->items[round->asked_n++] = (bulla_question_item){
		.context = w->context,
		.commitment = bulla_view(w->commitment, BULLA_COMMITMENT_SIZE),
		.input = input,
		.made = made,
		.reference = reference,
	};
}

/* --- opening --------------------------------------------------------------------------------------------------- */

/* The next session that made one of the member's wraps. */
static const bulla_session *candidate(const bulla_wrapping_round *round, bulla_wrapping *w, size_t *ret_session)
{
	const bulla_keyring *keyring = round->op->keyring;
	for (size_t s = w->next_session; s < keyring->session_count; s++)
		for (size_t i = 0; i < w->parsed.wrap_count; i++) {
			const bulla_wrap *wrap = &w->parsed.wraps[i];
			size_t from = s;
			if (bulla_keyring_unwrapper(keyring, wrap->kind, wrap->reference, wrap->blob, &from) !=
			    &keyring->sessions[s])
				continue;
			w->asked_wrap = i;
			*ret_session = s;
			return &keyring->sessions[s];
		}
	w->next_session = keyring->session_count;
	return NULL;
}

/* The session that the first unsettled member needs, and all members that need it too. */
static const bulla_session *collect(bulla_wrapping_round *round)
{
	const bulla_session *session = NULL;
	round->asked_n = 0;
	for (size_t i = 0; i < round->n; i++) {
		bulla_wrapping *w = round->members[i];
		size_t at = 0;
		if (w->settled) continue;
		const bulla_session *wanted = candidate(round, w, &at);
		if (!wanted || (session && wanted != session)) continue;
		if (!bulla_session_can_unwrap(wanted)) {
			w->tried = true;
			w->code = BULLA_ERR_DENIED;
			w->next_session = at + 1;
			i--; /* look at this member again */
			continue;
		}
		session = wanted;
		w->next_session = at + 1;
		const bulla_wrap *wrap = &w->parsed.wraps[w->asked_wrap];
		add_item(round, i, wrap->blob, &w->plain, wrap->reference);
		if (round->asked_n == session->provider->max_items) break;
	}
	return session;
}

static void take_opened(bulla_wrapping_round *round, bulla_code whole)
{
	for (size_t i = 0; i < round->asked_n; i++) {
		bulla_wrapping *w = round->members[round->asked_about[i]];
		bulla_code code = whole ? whole : round->items[i].code;
		w->tried = true;
		w->settled = code == BULLA_OK;
		w->closed = w->settled && round->items[i].closed;
		if (code) {
			w->code = code;
			bulla_buf_clear(&w->plain);
		}
	}
}

/* --- making ---------------------------------------------------------------------------------------------------- */

/* The wrap that `maker` can re-encrypt: its own before another's. */
static const bulla_wrap *source_for(const bulla_keyring *keyring, const bulla_wrapped_key *key, const bulla_session *maker,
				    bool *ret_own)
{
	const bulla_wrap *found = NULL;
	*ret_own = false;
	if (!maker->provider->re_encrypts) return NULL;
	for (size_t i = 0; i < key->wrap_count && !*ret_own; i++) {
		const bulla_wrap *wrap = &key->wraps[i];
		const bulla_session *from;
		for (size_t s = 0; (from = bulla_keyring_unwrapper(keyring, wrap->kind, wrap->reference, wrap->blob, &s));) {
			if (from->provider != maker->provider || !bulla_session_can_unwrap(from)) continue;
			if (!maker->provider->re_encrypts(maker->handle, from->handle)) continue;
			if (!found || from == maker) found = wrap;
			*ret_own |= from == maker;
		}
	}
	return found;
}

bool bulla_wrapping_can_again(const bulla_keyring *keyring, const bulla_wrapped_key *key, const bulla_session *only)
{
	bool own;
	if (only) return source_for(keyring, key, only, &own) != NULL;
	for (size_t s = 0; s < keyring->session_count; s++)
		if (keyring->sessions[s].role == BULLA_SESSION_CURRENT && !source_for(keyring, key, &keyring->sessions[s], &own))
			return false;
	return true;
}

static const bulla_session *next_maker(bulla_wrapping_round *round)
{
	const bulla_keyring *keyring = round->op->keyring;
	if (round->only) return round->session == 0 ? round->only : NULL;
	while (round->session < keyring->session_count && keyring->sessions[round->session].role != BULLA_SESSION_CURRENT)
		round->session++;
	return round->session < keyring->session_count ? &keyring->sessions[round->session] : NULL;
}

static const bulla_session *collect_making(bulla_wrapping_round *round)
{
	const bulla_session *session = next_maker(round);
	round->asked_n = 0;
	if (!session) return NULL;
	while (round->next_member < round->n && round->asked_n < session->provider->max_items) {
		bulla_wrapping *w = round->members[round->next_member];
		bool own;
		bulla_bytes input =
			w->again ? source_for(round->op->keyring, &w->source, session, &own)->blob : bulla_view_buf(&w->plain);
		w->blob_start = w->blobs.len;
		add_item(round, round->next_member++, input, &w->blobs, 0);
	}
	if (round->next_member == round->n) {
		round->session++;
		round->next_member = 0;
	}
	return session;
}

/* A service that does not answer takes nothing away: the wrap that it has made before stays. */
static bool keep_old(bulla_wrapping_round *round, const bulla_session *session, bulla_wrapping *w, bulla_question_item *item)
{
	bool own = false;
	const bulla_wrap *old = w->again ? source_for(round->op->keyring, &w->source, session, &own) : NULL;
	if (!own || bulla_reason_of(w->code) || bulla_buf_add(&w->blobs, old->blob, NULL)) return false;
	item->reference = old->reference;
	return true;
}

static void take_made(bulla_wrapping_round *round, const bulla_session *session, bulla_code whole)
{
	for (size_t i = 0; i < round->asked_n; i++) {
		bulla_wrapping *w = round->members[round->asked_about[i]];
		bulla_code code = whole ? whole : round->items[i].code;
		if (!code && w->parsed.wrap_count == BULLA_WRAPS_MAX) code = BULLA_ERR_LIMIT;
		if (code) {
			w->code = code;
			w->blobs.len = w->blob_start;
			if (!keep_old(round, session, w, &round->items[i])) continue;
		}
		w->parsed.wraps[w->parsed.wrap_count++] = (bulla_wrap){ (uint8_t)session->provider->kind,
									round->items[i].reference,
									{ NULL, w->blobs.len - w->blob_start } };
	}
}

static void judge_made(bulla_wrapping_round *round)
{
	size_t enough = round->only ? 1 : bulla_schema_environment(round->op->keyring->config.schema)->min_wraps;
	for (size_t i = 0; i < round->n; i++) {
		round->members[i]->tried = true;
		round->members[i]->settled = round->members[i]->parsed.wrap_count >= enough;
	}
}

/* --- the round ------------------------------------------------------------------------------------------------- */

static bulla_code refuse_box(const bulla_session *session, bulla_error *err)
{
	if (session->provider->binds_context) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_REFUSED, "the key %s binds no encryption context: a box would not be bound to its own",
			  session->key_id);
}

static void take(bulla_wrapping_round *round, const bulla_session *session, bulla_code whole, const bulla_error *e)
{
	round->asked = false;
	if (whole && !round->error.code) round->error = *e;
	if (is_making(round))
		take_made(round, session, whole);
	else
		take_opened(round, whole);
}

/* Puts the collected question; `*ret_need` says whether the host has to do something first. */
static void ask(bulla_wrapping_round *round, const bulla_session *session, bool *ret_need)
{
	bulla_error e = { 0 };
	const bulla_wrapping *first = round->members[round->asked_about[0]];
	bulla_question question = { .verb = first->again    ? BULLA_ASK_REWRAP
					    : first->making ? BULLA_ASK_WRAP
							    : BULLA_ASK_UNWRAP,
				    .box = first->parsed.version == BULLA_WRAPPED_BOX,
				    .items = round->items,
				    .n = round->asked_n };
	bulla_code code = question.box ? refuse_box(session, &e) : BULLA_OK;
	if (!code) code = bulla_op_ask(round->op, session, &question, ret_need, &e);
	round->asked = code == BULLA_OK;
	if (code) take(round, session, code, &e);
}

bulla_progress_made bulla_wrapping_round_step(bulla_wrapping_round *round)
{
	bool need = false;
	while (!need) {
		if (round->asked) {
			bulla_error e = { 0 };
			const bulla_session *session = round->op->asked;
			bulla_code code = bulla_op_answer(round->op, &e);
			take(round, session, code, &e);
		}
		const bulla_session *session = is_making(round) ? collect_making(round) : collect(round);
		if (!session || !round->asked_n) break;
		ask(round, session, &need);
	}
	if (need) return BULLA_STEP_NEED;
	if (is_making(round)) judge_made(round);
	return BULLA_STEP_DONE;
}
