/*
 * bytes.h - views of bytes: making, comparing, reading big-endian integers.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <bulla/bytes.h>
#include <string.h>

static inline bulla_bytes bulla_view(const void *data, size_t len)
{
	return (bulla_bytes){ data, len };
}

static inline bulla_bytes bulla_view_str(const char *text)
{
	return (bulla_bytes){ (const uint8_t *)text, text ? strlen(text) : 0 };
}

static inline bulla_bytes bulla_view_buf(const bulla_buf *buf)
{
	return (bulla_bytes){ buf->data, buf->len };
}

/* Bytewise order, shorter first on a common prefix. For names and other public bytes. */
static inline int bulla_bytes_compare(bulla_bytes a, bulla_bytes b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n ? memcmp(a.data, b.data, n) : 0;
	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static inline bool bulla_bytes_equal(bulla_bytes a, bulla_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool bulla_bytes_is(bulla_bytes a, const char *text)
{
	return bulla_bytes_equal(a, bulla_view_str(text));
}

/* Equality in time that depends on `len` alone: for tags, commitments, keys. */
bool bulla_equal_ct(const void *a, const void *b, size_t len);

static inline void bulla_put_u16(uint8_t out[static 2], uint16_t v)
{
	out[0] = (uint8_t)(v >> 8);
	out[1] = (uint8_t)v;
}

static inline void bulla_put_u32(uint8_t out[static 4], uint32_t v)
{
	bulla_put_u16(out, (uint16_t)(v >> 16));
	bulla_put_u16(out + 2, (uint16_t)v);
}

static inline void bulla_put_u64(uint8_t out[static 8], uint64_t v)
{
	bulla_put_u32(out, (uint32_t)(v >> 32));
	bulla_put_u32(out + 4, (uint32_t)v);
}

static inline uint16_t bulla_get_u16(const uint8_t in[static 2])
{
	return (uint16_t)((in[0] << 8) | in[1]);
}

static inline uint32_t bulla_get_u32(const uint8_t in[static 4])
{
	return ((uint32_t)bulla_get_u16(in) << 16) | bulla_get_u16(in + 2);
}

static inline uint64_t bulla_get_u64(const uint8_t in[static 8])
{
	return ((uint64_t)bulla_get_u32(in) << 32) | bulla_get_u32(in + 4);
}

#endif
