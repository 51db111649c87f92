/*
 * buf.c - the capped, growing buffer that wipes whatever it lets go.
 */
#include "base/buf.h"
#include "base/secret.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_CAP 64

static size_t limit_of(const bulla_buf *buf)
{
	return buf->max ? buf->max : BULLA_BUF_MAX;
}

/* Moves to a larger allocation: never realloc(), which would leave a copy behind. */
static bulla_code grow(bulla_buf *buf, size_t need, bulla_error *err)
{
	size_t cap = buf->cap < FIRST_CAP ? FIRST_CAP : buf->cap;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	uint8_t *data = malloc(cap);
	if (!data) return bulla_fail_memory(err);
	if (buf->data) {
		memcpy(data, buf->data, buf->len);
		bulla_wipe(buf->data, buf->cap);
		free(buf->data);
	}
	buf->data = data;
	buf->cap = cap;
	return BULLA_OK;
}

/* Room for `extra` more bytes of content and `spare` beyond it that the limit does not count. */
static inline bulla_code make_room(bulla_buf *buf, size_t extra, size_t spare, bulla_error *err)
{
	size_t max = limit_of(buf);
	if (buf->len > max || extra > max - buf->len)
		return bulla_fail(err, BULLA_ERR_LIMIT, "more than the limit of %zu bytes", max);
	size_t need;
	if (__builtin_add_overflow(buf->len + extra, spare, &need))
		return bulla_fail(err, BULLA_ERR_LIMIT, "more than the limit of %zu bytes", max);
	return need <= buf->cap ? BULLA_OK : grow(buf, need, err);
}

bulla_code bulla_buf_reserve(bulla_buf *buf, size_t extra, bulla_error *err)
{
	return make_room(buf, extra, extra == 0, err);
}

bulla_code bulla_buf_add(bulla_buf *buf, bulla_bytes bytes, bulla_error *err)
{
	TRY(make_room(buf, bytes.len, 0, err));
	if (bytes.len) memcpy(buf->data + buf->len, bytes.data, bytes.len);
	buf->len += bytes.len;
	return BULLA_OK;
}

bulla_code bulla_buf_add_u8(bulla_buf *buf, uint8_t v, bulla_error *err)
{
	TRY(make_room(buf, 1, 0, err));
	buf->data[buf->len++] = v;
	return BULLA_OK;
}

bulla_code bulla_buf_add_u16(bulla_buf *buf, uint16_t v, bulla_error *err)
{
	TRY(make_room(buf, 2, 0, err));
	bulla_put_u16(buf->data + buf->len, v);
	buf->len += 2;
	return BULLA_OK;
}

bulla_code bulla_buf_add_u32(bulla_buf *buf, uint32_t v, bulla_error *err)
{
	TRY(make_room(buf, 4, 0, err));
	bulla_put_u32(buf->data + buf->len, v);
	buf->len += 4;
	return BULLA_OK;
}

bulla_code bulla_buf_add_u64(bulla_buf *buf, uint64_t v, bulla_error *err)
{
	TRY(make_room(buf, 8, 0, err));
	bulla_put_u64(buf->data + buf->len, v);
	buf->len += 8;
	return BULLA_OK;
}

bulla_code bulla_buf_add_str(bulla_buf *buf, const char *text, bulla_error *err)
{
	return bulla_buf_add(buf, bulla_view_str(text), err);
}

bulla_code bulla_buf_add_prefixed(bulla_buf *buf, bulla_bytes bytes, bulla_error *err)
{
	if (bytes.len > UINT16_MAX) return bulla_fail(err, BULLA_ERR_LIMIT, "a part of more than 65535 bytes");
	TRY(make_room(buf, bytes.len + 2, 0, err));
	bulla_put_u16(buf->data + buf->len, (uint16_t)bytes.len);
	if (bytes.len) memcpy(buf->data + buf->len + 2, bytes.data, bytes.len);
	buf->len += bytes.len + 2;
	return BULLA_OK;
}

/* Fits most texts at the first try; a longer one is printed again where there is room for it. */
bulla_code bulla_buf_printf(bulla_buf *buf, bulla_error *err, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	size_t room = buf->cap - buf->len;
	int n = vsnprintf(room ? (char *)buf->data + buf->len : NULL, room, format, args);
	bulla_code code = BULLA_OK;
	if (n < 0)
		code = bulla_fail(err, BULLA_ERR_USAGE, "a format that cannot be printed");
	else
		code = make_room(buf, (size_t)n, 1, err);
	if (code == BULLA_OK && (size_t)n >= room) vsnprintf((char *)buf->data + buf->len, (size_t)n + 1, format, again);
	if (code == BULLA_OK) buf->len += (size_t)n;
	va_end(again);
	va_end(args);
	return code;
}

bulla_code bulla_buf_terminate(bulla_buf *buf, bulla_error *err)
{
	TRY(make_room(buf, 0, 1, err));
	buf->data[buf->len] = 0;
	return BULLA_OK;
}

void bulla_buf_clear(bulla_buf *buf)
{
	bulla_wipe(buf->data, buf->len);
	buf->len = 0;
}

/* The whole allocation: bytes may lie beyond `len` after a failed print or a shortened content. */
void bulla_buf_done(bulla_buf *buf)
{
	if (!buf) return;
	bulla_wipe(buf->data, buf->cap);
	free(buf->data);
	*buf = (bulla_buf){ .max = buf->max };
}
