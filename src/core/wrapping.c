/*
 * wrapping.c - one wrapped key being opened or made, by a branch key or with the answers of a round.
 */
#include "core/wrapping.h"

#include "base/context.h"

#include <string.h>

void bulla_wrapping_done(bulla_wrapping *w)
{
	bulla_buf_done(&w->plain);
	bulla_buf_done(&w->blobs);
	bulla_buf_done(&w->bytes);
	*w = (bulla_wrapping){ 0 };
}

bulla_code bulla_wrapping_begin_open(bulla_wrapping *w, bulla_bytes bytes, bulla_bytes context, bulla_error *err)
{
	bulla_wrapping_done(w);
	TRY(bulla_wrapped_key_parse(bytes, &w->parsed, err));
	w->context = context;
	memcpy(w->commitment, w->parsed.commitment.data, BULLA_COMMITMENT_SIZE);
	return BULLA_OK;
}

bool bulla_wrapping_branch(const bulla_wrapping *w, uint64_t *ret_version)
{
	for (size_t i = 0; i < w->parsed.wrap_count; i++)
		if (w->parsed.wraps[i].kind == BULLA_WRAP_BRANCH) {
			*ret_version = w->parsed.wraps[i].reference;
			return true;
		}
	return false;
}

bulla_code bulla_wrapping_open_by_branch(bulla_wrapping *w, bulla_lane *lane, const bulla_cached_key *branch,
					 bulla_secret *ret_key, bulla_error *err)
{
	bulla_wrap_label label = { BULLA_WRAP_BRANCH, branch->version, branch->identity };
	for (size_t i = 0; i < w->parsed.wrap_count; i++) {
		const bulla_wrap *wrap = &w->parsed.wraps[i];
		if (wrap->kind != BULLA_WRAP_BRANCH || wrap->reference != branch->version) continue;
		TRY(bulla_wrap_open(lane, branch->key->bytes, &label, w->commitment, wrap->blob, ret_key->bytes, err));
		return bulla_commitment_check(lane, w->context, ret_key->bytes, w->commitment, err);
	}
	return bulla_fail(err, BULLA_ERR_UNKNOWN_KEY, "the wrapped key does not hang from that branch key");
}

bulla_code bulla_wrapping_key(bulla_wrapping *w, bulla_lane *lane, bulla_secret *ret_key, bulla_error *err)
{
	if (!w->settled && !w->tried)
		return bulla_fail(err, BULLA_ERR_UNKNOWN_KEY, "no key of this environment made this wrapped key");
	if (!w->settled)
		return bulla_fail(err, w->code, "no key of this environment opened the wrapped key: %s",
				  bulla_code_name(w->code));
	if (w->plain.len != BULLA_KEY_SIZE) return bulla_fail(err, BULLA_ERR_AUTH, "%s", BULLA_AUTH_TEXT);
	TRY(bulla_commitment_check(lane, w->context, w->plain.data, w->commitment, err));
	memcpy(ret_key->bytes, w->plain.data, BULLA_KEY_SIZE);
	return BULLA_OK;
}

bulla_code bulla_wrapping_begin_wrap(bulla_wrapping *w, const bulla_secret *key, bulla_bytes context,
				     const uint8_t commitment[static BULLA_COMMITMENT_SIZE], bulla_bytes checks, bulla_error *err)
{
	bulla_wrapping_done(w);
	w->making = true;
	w->context = context;
	memcpy(w->commitment, commitment, BULLA_COMMITMENT_SIZE);
	if (checks.len) memcpy(w->checks, checks.data, checks.len);
	w->parsed = (bulla_wrapped_key){ .version = BULLA_WRAPPED_KEY,
					 .commitment = bulla_view(w->commitment, BULLA_COMMITMENT_SIZE),
					 .checks = bulla_view(w->checks, checks.len) };
	return bulla_buf_add(&w->plain, bulla_view(key->bytes, BULLA_KEY_SIZE), err);
}

bulla_code bulla_wrapping_begin_again(bulla_wrapping *w, bulla_bytes bytes, bulla_bytes context, bulla_error *err)
{
	bulla_wrapping_done(w);
	TRY(bulla_wrapped_key_parse(bytes, &w->source, err));
	w->making = w->again = true;
	w->context = context;
	memcpy(w->commitment, w->source.commitment.data, BULLA_COMMITMENT_SIZE);
	w->parsed = (bulla_wrapped_key){ .version = w->source.version,
					 .commitment = bulla_view(w->commitment, BULLA_COMMITMENT_SIZE),
					 .checks = w->source.checks };
	return BULLA_OK;
}

bulla_code bulla_wrapping_begin_create(bulla_wrapping *w, bulla_lane *lane, bulla_bytes context, bulla_error *err)
{
	BULLA_SECRET key = { 0 };
	uint8_t commitment[BULLA_COMMITMENT_SIZE];
	TRY(bulla_random(lane, key.bytes, sizeof key.bytes, err));
	TRY(bulla_commitment(lane, context, key.bytes, commitment, err));
	return bulla_wrapping_begin_wrap(w, &key, context, commitment, bulla_view(NULL, 0), err);
}

/* The pair as it stands in the canonical context that it was decoded from: its name has 2 bytes before it, its value follows. */
static bulla_bytes canonical_pair(const bulla_pair *pair)
{
	return bulla_view(pair->name.data - 2, 2 + pair->name.len + 2 + pair->value.len);
}

/* A check for each pair, so that a failed opening can say which one differs; none where there are too many. */
static bulla_code check_pairs(bulla_wrapping *w, bulla_lane *lane, uint8_t *checks, size_t *ret_n, bulla_pair *pairs,
			      bulla_error *err)
{
	TRY(bulla_context_decode(w->context, pairs, ret_n, err));
	if (*ret_n > BULLA_CHECKS_MAX) *ret_n = 0;
	for (size_t i = 0; i < *ret_n; i++)
		TRY(bulla_context_check(lane, w->commitment, canonical_pair(&pairs[i]), checks + 2 * i, err));
	return BULLA_OK;
}

bulla_code bulla_wrapping_differing(bulla_wrapping *w, bulla_lane *lane, size_t *ret_sealed, size_t *ret_given,
				    bulla_bytes *ret_name)
{
	uint8_t checks[2 * BULLA_CHECKS_MAX];
	bulla_pair pairs[BULLA_CONTEXT_PAIRS_MAX];
	size_t n;
	*ret_name = bulla_view(NULL, 0);
	TRY(check_pairs(w, lane, checks, &n, pairs, NULL));
	TRY(bulla_context_decode(w->context, pairs, ret_given, NULL)); /* n is 0 where there are too many for checks */
	*ret_sealed = w->parsed.checks.len / 2;
	if (*ret_sealed != n) return BULLA_OK;
	for (size_t i = 0; i < n && !ret_name->data; i++)
		if (memcmp(checks + 2 * i, w->parsed.checks.data + 2 * i, 2) != 0) *ret_name = pairs[i].name;
	return BULLA_OK;
}

bulla_code bulla_wrapping_begin_box(bulla_wrapping *w, bulla_lane *lane, bulla_bytes plain, bulla_bytes context, bulla_error *err)
{
	bulla_pair pairs[BULLA_CONTEXT_PAIRS_MAX];
	size_t n;
	bulla_wrapping_done(w);
	w->making = true;
	w->context = context;
	TRY(bulla_random(lane, w->commitment, sizeof w->commitment, err));
	TRY(check_pairs(w, lane, w->checks, &n, pairs, err));
	w->parsed = (bulla_wrapped_key){ .version = BULLA_WRAPPED_BOX,
					 .commitment = bulla_view(w->commitment, BULLA_COMMITMENT_SIZE),
					 .checks = bulla_view(w->checks, 2 * n) };
	return bulla_buf_add(&w->plain, plain, err);
}

bulla_code bulla_wrapping_create_by_branch(bulla_wrapping *w, bulla_lane *lane, const bulla_cached_key *branch, bulla_error *err)
{
	uint8_t blob[BULLA_LOCAL_BLOB_SIZE];
	bulla_wrap_label label = { BULLA_WRAP_BRANCH, branch->version, branch->identity };
	TRY(bulla_wrap_seal(lane, branch->key->bytes, &label, w->commitment, w->plain.data, blob, err));
	w->parsed.wrap_count = 1;
	w->parsed.wraps[0] = (bulla_wrap){ BULLA_WRAP_BRANCH, branch->version, bulla_view(blob, sizeof blob) };
	bulla_code code = bulla_wrapped_key_write(&w->parsed, &w->bytes, err);
	w->parsed.wraps[0].blob = bulla_view(NULL, 0); /* it was a view of the stack */
	return code;
}

bulla_code bulla_wrapping_made(bulla_wrapping *w, bulla_error *err)
{
	if (!w->settled)
		return bulla_fail(err, w->code ? w->code : BULLA_ERR_UNAVAILABLE, "too few KMS keys wrapped the new key: %s",
				  bulla_code_name(w->code ? w->code : BULLA_ERR_UNAVAILABLE));
	/* the blobs' buffer has stopped growing: their views can be made now */
	size_t at = 0;
	for (size_t i = 0; i < w->parsed.wrap_count; i++) {
		w->parsed.wraps[i].blob.data = w->blobs.data + at;
		at += w->parsed.wraps[i].blob.len;
	}
	return bulla_wrapped_key_write(&w->parsed, &w->bytes, err);
}
