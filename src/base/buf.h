/*
 * buf.h - appending to a bulla_buf. On failure the buffer is as it was before the call.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/bytes.h"
#include "base/error.h"

#define BULLA_BUF_AUTO __attribute__((cleanup(bulla_buf_done)))

/* Room for `extra` more bytes without another allocation, and `data` set even for none. LIMIT beyond max, MEMORY. */
BULLA_MUST bulla_code bulla_buf_reserve(bulla_buf *buf, size_t extra, bulla_error *err);
BULLA_MUST bulla_code bulla_buf_add(bulla_buf *buf, bulla_bytes bytes, bulla_error *err);
BULLA_MUST bulla_code bulla_buf_add_u8(bulla_buf *buf, uint8_t v, bulla_error *err);
BULLA_MUST bulla_code bulla_buf_add_u16(bulla_buf *buf, uint16_t v, bulla_error *err);
BULLA_MUST bulla_code bulla_buf_add_u32(bulla_buf *buf, uint32_t v, bulla_error *err);
BULLA_MUST bulla_code bulla_buf_add_u64(bulla_buf *buf, uint64_t v, bulla_error *err);
BULLA_MUST bulla_code bulla_buf_add_str(bulla_buf *buf, const char *text, bulla_error *err);
/* u16 length, then the bytes; LIMIT above 65535. */
BULLA_MUST bulla_code bulla_buf_add_prefixed(bulla_buf *buf, bulla_bytes bytes, bulla_error *err);
BULLA_MUST bulla_code bulla_buf_printf(bulla_buf *buf, bulla_error *err, const char *format, ...) BULLA_PRINTF(3, 4);
/* A NUL behind the content, not counted in len, so that `data` is a C string. */
BULLA_MUST bulla_code bulla_buf_terminate(bulla_buf *buf, bulla_error *err);
/* Wipes the content, keeps the memory. */
void bulla_buf_clear(bulla_buf *buf);

#endif
