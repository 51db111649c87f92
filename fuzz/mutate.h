/*
 * mutate.h - changes bytes as the fuzzer says: flips, sets, cuts, inserts, moves and splices, up to the end of its input.
 */
#ifndef FUZZ_MUTATE_H
#define FUZZ_MUTATE_H

#include "fuzz.h"

/* Room for one more change that inserts. */
#define MUTATE_MAX 70000

static inline void mutate_cut(bulla_buf *b, size_t at, size_t n)
{
	if (n > b->len - at) n = b->len - at;
	if (n) memmove(b->data + at, b->data + at + n, b->len - at - n);
	b->len -= n;
}

static inline void mutate_insert(bulla_buf *b, size_t at, bulla_bytes bytes)
{
	size_t tail = b->len - at;
	if (bytes.len == 0 || b->len + bytes.len > MUTATE_MAX) return;
	uint8_t *copy = malloc(bytes.len); /* `bytes` may lie in `b`, which moves */
	HOLDS(copy);
	memcpy(copy, bytes.data, bytes.len);
	fuzz_add(b, bulla_view(copy, bytes.len));
	memmove(b->data + at + bytes.len, b->data + at, tail);
	memcpy(b->data + at, copy, bytes.len);
	free(copy);
}

/* One change. `other` is a second whole of the same kind, for splices. */
static inline void mutate_once(bulla_cursor *in, bulla_buf *b, bulla_bytes other)
{
	enum { FLIP, SET, CUT, INSERT, COPY, SPLICE, TRUNCATE, KINDS } kind = bulla_cursor_u8(in) % KINDS;
	size_t at = bulla_cursor_u16(in) % (b->len + 1), n = bulla_cursor_u8(in);
	size_t from = bulla_cursor_u16(in);
	if (kind == FLIP && at < b->len) b->data[at] ^= (uint8_t)(1u << (n & 7));
	if (kind == SET && at < b->len) b->data[at] = (uint8_t)n;
	if (kind == CUT) mutate_cut(b, at, n);
	if (kind == INSERT) mutate_insert(b, at, bulla_cursor_take(in, n < in->rest.len ? n : in->rest.len));
	if (kind == COPY && from < b->len)
		mutate_insert(b, at, bulla_view(b->data + from, n < b->len - from ? n : b->len - from));
	if (kind == TRUNCATE) b->len = at;
	if (kind == SPLICE) { /* the head of this one, the tail of the other */
		b->len = at;
		from %= other.len + 1;
		mutate_insert(b, at, bulla_view(other.data + from, other.len - from));
	}
}

static inline void mutate(bulla_cursor *in, bulla_buf *b, bulla_bytes other)
{
	for (size_t i = 0; i < 64 && in->rest.len; i++)
		mutate_once(in, b, other);
}

#endif
