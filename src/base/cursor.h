/*
 * cursor.h - reading a format in wire order without ever overrunning it.
 *
 * The first read that does not fit marks the cursor as failed; later reads give zeros and empty views. So a parser
 * is one line per field and one check at its end: bulla_cursor_end() is true only when every read fitted and
 * nothing trails.
 */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include "base/bytes.h"

typedef struct bulla_cursor {
	bulla_bytes rest;
	bool failed;
} bulla_cursor;

static inline bulla_cursor bulla_cursor_of(bulla_bytes bytes)
{
	return (bulla_cursor){ bytes, false };
}

static inline bulla_bytes bulla_cursor_take(bulla_cursor *c, size_t n)
{
	if (c->failed || n > c->rest.len) {
		c->failed = true;
		return (bulla_bytes){ NULL, 0 };
	}
	bulla_bytes taken = { c->rest.data, n };
	if (n) c->rest = (bulla_bytes){ c->rest.data + n, c->rest.len - n };
	return taken;
}

static inline uint8_t bulla_cursor_u8(bulla_cursor *c)
{
	bulla_bytes b = bulla_cursor_take(c, 1);
	return b.len ? b.data[0] : 0;
}

static inline uint16_t bulla_cursor_u16(bulla_cursor *c)
{
	bulla_bytes b = bulla_cursor_take(c, 2);
	return b.len ? bulla_get_u16(b.data) : 0;
}

static inline uint32_t bulla_cursor_u32(bulla_cursor *c)
{
	bulla_bytes b = bulla_cursor_take(c, 4);
	return b.len ? bulla_get_u32(b.data) : 0;
}

static inline uint64_t bulla_cursor_u64(bulla_cursor *c)
{
	bulla_bytes b = bulla_cursor_take(c, 8);
	return b.len ? bulla_get_u64(b.data) : 0;
}

static inline bulla_bytes bulla_cursor_prefixed(bulla_cursor *c)
{
	return bulla_cursor_take(c, bulla_cursor_u16(c));
}

static inline bool bulla_cursor_end(const bulla_cursor *c)
{
	return !c->failed && c->rest.len == 0;
}

#endif
