/*
 * rehang.c - wrapping branch and index keys again: opened and wrapped, or re-encrypted unseen; then opened for proof.
 */
#include "core/rehang.h"

#include "core/branch.h"
#include "core/direct.h"

#include <stdlib.h>

#define PHASES 3 /* after each the service has answered: open or re-encrypt, wrap, open what was made */

typedef struct place {
	uint32_t number; /* of what is under way for the row */
	bool again;      /* re-encrypted: there is nothing to wrap */
	bulla_buf context;
	bulla_buf made;
} place;

struct bulla_rehang {
	bulla_op op; /* its first member */
	bulla_direct *direct;
	bulla_rehang_row *rows;
	place *places;
	size_t n;
	int phase;
};

/* --- is it due ----------------------------------------------------------------------------------------------------- */

static bool is_wrapped_by(const bulla_wrapped_key *key, const bulla_session *session)
{
	for (size_t i = 0; i < key->wrap_count; i++)
		if (session->provider->kind == key->wraps[i].kind &&
		    session->provider->recognises(session->handle, key->wraps[i].reference, key->wraps[i].blob))
			return true;
	return false;
}

bool bulla_rehang_is_due(const bulla_keyring *keyring, const bulla_branch_row *row)
{
	bulla_wrapped_key key;
	size_t current = 0;
	if (row->state == BULLA_BRANCH_DESTROYED || bulla_wrapped_key_parse(row->wrapped, &key, NULL)) return false;
	for (size_t i = 0; i < key.wrap_count; i++)
		if (key.wraps[i].kind == BULLA_WRAP_BRANCH) return false;
	for (size_t s = 0; s < keyring->session_count; s++) {
		if (keyring->sessions[s].role != BULLA_SESSION_CURRENT) continue;
		if (!is_wrapped_by(&key, &keyring->sessions[s])) return true;
		current++;
	}
	return key.wrap_count != current;
}

/* --- the op -------------------------------------------------------------------------------------------------------- */

static bulla_code begin_row(bulla_rehang *r, size_t i, bulla_error *err)
{
	bulla_rehang_row *row = &r->rows[i];
	place *p = &r->places[i];
	bulla_wrapped_key key;
	if (row->context.len)
		TRY(bulla_buf_add(&p->context, row->context, err));
	else
		TRY(bulla_branch_context(r->op.lane, row->identity, row->version, &p->context, err));
	TRY(bulla_wrapped_key_parse(row->wrapped, &key, err));
	p->again = bulla_wrapping_can_again(r->op.keyring, &key, NULL);
	bulla_bytes context = bulla_view_buf(&p->context);
	return p->again ? bulla_direct_again(r->direct, row->wrapped, context, NULL, &p->number, err)
			: bulla_direct_open(r->direct, row->wrapped, context, &p->number, err);
}

static bulla_code wrap_row(bulla_rehang *r, size_t i, bulla_error *err)
{
	place *p = &r->places[i];
	bulla_wrapped_key key;
	BULLA_SECRET opened = { 0 };
	if (p->again) return BULLA_OK;
	TRY(bulla_wrapped_key_parse(r->rows[i].wrapped, &key, err));
	TRY(bulla_direct_key(r->direct, p->number, &opened, err));
	return bulla_direct_wrap(r->direct, &opened, bulla_view_buf(&p->context), key.commitment.data, key.checks, NULL,
				 &p->number, err);
}

/* What was made is opened: nothing takes the place of a key that works before it is known to work itself. */
static bulla_code prove_row(bulla_rehang *r, size_t i, bulla_error *err)
{
	place *p = &r->places[i];
	bulla_bytes made;
	TRY(bulla_direct_bytes(r->direct, p->number, &made, err));
	TRY(bulla_buf_add(&p->made, made, err));
	return bulla_direct_open(r->direct, bulla_view_buf(&p->made), bulla_view_buf(&p->context), &p->number, err);
}

static bulla_code end_row(bulla_rehang *r, size_t i, bulla_error *err)
{
	BULLA_SECRET opened = { 0 };
	TRY(bulla_direct_key(r->direct, r->places[i].number, &opened, err));
	r->rows[i].made = bulla_view_buf(&r->places[i].made);
	return BULLA_OK;
}

static void each_row(bulla_rehang *r, bulla_code (*work)(bulla_rehang *r, size_t i, bulla_error *err))
{
	for (size_t i = 0; i < r->n; i++)
		if (!r->rows[i].code) r->rows[i].code = work(r, i, NULL);
}

static bulla_code step(bulla_op *op, bulla_progress_made *ret, bulla_error *err)
{
	static bulla_code (*const phases[])(bulla_rehang * r, size_t i, bulla_error * err) = { wrap_row, prove_row, end_row };
	bulla_rehang *r = (bulla_rehang *)op;
	(void)err;
	while (r->phase < PHASES) {
		*ret = bulla_direct_step(r->direct);
		if (*ret == BULLA_STEP_NEED) return BULLA_OK;
		each_row(r, phases[r->phase++]);
	}
	*ret = BULLA_STEP_DONE;
	return BULLA_OK;
}

static void end(bulla_op *op)
{
	bulla_direct_clear(((bulla_rehang *)op)->direct);
}

static bulla_code init(bulla_rehang *r, bulla_keyring *keyring, bulla_error *err)
{
	r->places = calloc(r->n + 1, sizeof *r->places);
	if (!r->places) return bulla_fail_memory(err);
	r->op = (bulla_op){ .step = step, .abort = end, .keyring = keyring };
	TRY(bulla_lane_new(&r->op.lane, err));
	return bulla_direct_new(&r->op, &r->direct, err);
}

bulla_code bulla_rehang_new(bulla_keyring *keyring, bulla_rehang_row *rows, size_t n, bulla_rehang **out, bulla_error *err)
{
	bulla_rehang *r = calloc(1, sizeof *r);
	if (!r) return bulla_fail_memory(err);
	r->rows = rows;
	r->n = n;
	bulla_code code = init(r, keyring, err);
	if (code) {
		bulla_rehang_free(r);
		return code;
	}
	for (size_t i = 0; i < n; i++)
		rows[i].code = BULLA_OK;
	each_row(r, begin_row);
	*out = r;
	return BULLA_OK;
}

bulla_op *bulla_rehang_op(bulla_rehang *rehang)
{
	return &rehang->op;
}

void bulla_rehang_free(bulla_rehang *r)
{
	if (!r) return;
	if (r->direct) bulla_op_reset(&r->op);
	bulla_direct_free(r->direct);
	bulla_lane_free(r->op.lane);
	for (size_t i = 0; r->places && i < r->n; i++) {
		bulla_buf_done(&r->places[i].context);
		bulla_buf_done(&r->places[i].made);
	}
	free(r->places);
	free(r);
}
