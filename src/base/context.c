/*
 * context.c - the encryption context's canonical bytes, there and back.
 */
#include "base/context.h"
#include "base/cursor.h"
#include "base/text.h"

/* Insertion sort of positions: a context has two pairs as a rule. A name met twice is `*duplicate`. */
static void sort_names(const bulla_pair *pairs, size_t n, uint8_t order[static BULLA_CONTEXT_PAIRS_MAX], bool *duplicate)
{
	for (size_t i = 0; i < n; i++) {
		size_t at = i;
		for (; at > 0; at--) {
			int c = bulla_bytes_compare(pairs[order[at - 1]].name, pairs[i].name);
			if (c == 0) *duplicate = true;
			if (c <= 0) break;
			order[at] = order[at - 1];
		}
		order[at] = (uint8_t)i;
	}
}

static bulla_code measure(const bulla_pair *pairs, size_t n, size_t *ret_size, bulla_error *err)
{
	size_t size = 2;
	for (size_t i = 0; i < n; i++) {
		const bulla_pair *p = &pairs[i];
		if (p->name.len == 0) return bulla_fail(err, BULLA_ERR_USAGE, "an encryption context with an empty name");
		bool fits = p->name.len <= BULLA_CONTEXT_MAX && p->value.len <= BULLA_CONTEXT_MAX;
		if (fits) size += 4 + p->name.len + p->value.len;
		if (!fits || size > BULLA_CONTEXT_MAX)
			return bulla_fail(err, BULLA_ERR_LIMIT, "an encryption context of more than %d bytes", BULLA_CONTEXT_MAX);
		if (!bulla_utf8_valid(p->name) || !bulla_utf8_valid(p->value))
			return bulla_fail(err, BULLA_ERR_ENCODING, "an encryption context that is not valid UTF-8");
	}
	*ret_size = size;
	return BULLA_OK;
}

static uint8_t *put_prefixed(uint8_t *at, bulla_bytes bytes)
{
	bulla_put_u16(at, (uint16_t)bytes.len);
	if (bytes.len) memcpy(at + 2, bytes.data, bytes.len);
	return at + 2 + bytes.len;
}

bulla_code bulla_context_encode(const bulla_pair *pairs, size_t n, bulla_buf *out, bulla_error *err)
{
	if (n > BULLA_CONTEXT_PAIRS_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "an encryption context of more than %d pairs", BULLA_CONTEXT_PAIRS_MAX);
	uint8_t order[BULLA_CONTEXT_PAIRS_MAX];
	bool duplicate = false;
	size_t size = 0;
	TRY(measure(pairs, n, &size, err));
	sort_names(pairs, n, order, &duplicate);
	if (duplicate) return bulla_fail(err, BULLA_ERR_USAGE, "an encryption context with one name twice");
	TRY(bulla_buf_reserve(out, size, err));
	uint8_t *at = out->data + out->len;
	bulla_put_u16(at, (uint16_t)n);
	at += 2;
	for (size_t i = 0; i < n; i++) {
		at = put_prefixed(at, pairs[order[i]].name);
		at = put_prefixed(at, pairs[order[i]].value);
	}
	out->len += size;
	return BULLA_OK;
}

static bulla_code not_canonical(bulla_error *err)
{
	return bulla_fail(err, BULLA_ERR_FORMAT, "bytes that are no canonical encryption context");
}

bulla_code bulla_context_decode(bulla_bytes canonical, bulla_pair pairs[static BULLA_CONTEXT_PAIRS_MAX], size_t *ret_n,
				bulla_error *err)
{
	if (canonical.len > BULLA_CONTEXT_MAX) return not_canonical(err);
	bulla_cursor c = bulla_cursor_of(canonical);
	size_t n = bulla_cursor_u16(&c);
	if (n > BULLA_CONTEXT_PAIRS_MAX) return not_canonical(err);
	bulla_pair found[BULLA_CONTEXT_PAIRS_MAX];
	for (size_t i = 0; i < n; i++) {
		found[i].name = bulla_cursor_prefixed(&c);
		found[i].value = bulla_cursor_prefixed(&c);
		if (found[i].name.len == 0 || !bulla_utf8_valid(found[i].name) || !bulla_utf8_valid(found[i].value))
			return not_canonical(err);
		if (i > 0 && bulla_bytes_compare(found[i - 1].name, found[i].name) >= 0) return not_canonical(err);
	}
	if (!bulla_cursor_end(&c)) return not_canonical(err);
	if (n) memcpy(pairs, found, n * sizeof *found);
	*ret_n = n;
	return BULLA_OK;
}
