/*
 * text.h - hexadecimal, base64 (RFC 4648), UTF-8, Unicode normalisation, points in time, durations.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/buf.h"

BULLA_MUST bulla_code bulla_hex_encode(bulla_bytes in, bulla_buf *out, bulla_error *err);    /* appends, lower case */
BULLA_MUST bulla_code bulla_hex_decode(bulla_bytes in, bulla_buf *out, bulla_error *err);    /* strict; ENCODING */
BULLA_MUST bulla_code bulla_base64_encode(bulla_bytes in, bulla_buf *out, bulla_error *err); /* one line, padded */
BULLA_MUST bulla_code bulla_base64_decode(bulla_bytes in, bulla_buf *out, bulla_error *err); /* strict; ENCODING */

/* Exactly `n` bytes, at most BULLA_READ_MAX, with nothing allocated: for keys, hashes and signatures. False for anything else; `out` is then
 * undefined. */
#define BULLA_READ_MAX 64
BULLA_MUST bool bulla_hex_read(bulla_bytes in, void *out, size_t n);
BULLA_MUST bool bulla_base64_read(bulla_bytes in, void *out, size_t n);

/* Well-formed UTF-8 by RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool bulla_utf8_valid(bulla_bytes text);

/* How many bytes the first code point of `text` takes; 0 when it is empty or does not begin well-formed. */
size_t bulla_utf8_first(bulla_bytes text);

/* Appends NFC(text), then full Unicode case folding, then NFC again, so that equal results mean equal letters.
 * ENCODING for invalid UTF-8, LIMIT above BULLA_VALUE_MAX bytes. */
BULLA_MUST bulla_code bulla_text_fold(bulla_bytes text, bulla_buf *out, bulla_error *err);

/* The last `n` code points of valid UTF-8, as a view; all of it when it has fewer. */
bulla_bytes bulla_utf8_last(bulla_bytes text, size_t n);

#define BULLA_TIME_TEXT 28 /* "2026-11-21T19:05:00.000000Z" and a NUL */

/* A point in time, microseconds since 1970, as people read it: "2026-11-21T19:05:00Z"; "never" for 0. */
const char *bulla_time_text(int64_t time_us, char out[static BULLA_TIME_TEXT]);

/* The same back, and "2026-11-21T19:05:00.000001Z"; years 1970 to 9999. False for anything else. */
bool bulla_time_read(bulla_bytes text, int64_t *ret_us);

/* "250ms", "300s", "5m", "1h", "2d" in milliseconds; whole numbers only, at most about 292 million years. False for anything else. */
bool bulla_duration_parse(const char *text, int64_t *ret_ms);

#endif
