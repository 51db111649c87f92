/*
 * text.h - hexadecimal, base64 (RFC 4648), UTF-8 and Unicode normalisation.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/buf.h"

BULLA_MUST bulla_code bulla_hex_encode(bulla_bytes in, bulla_buf *out, bulla_error *err);   /* appends, lower case */
BULLA_MUST bulla_code bulla_hex_decode(bulla_bytes in, bulla_buf *out, bulla_error *err);   /* strict; ENCODING */
BULLA_MUST bulla_code bulla_base64_encode(bulla_bytes in, bulla_buf *out, bulla_error *err); /* one line, padded */
BULLA_MUST bulla_code bulla_base64_decode(bulla_bytes in, bulla_buf *out, bulla_error *err); /* strict; ENCODING */

/* Well-formed UTF-8 by RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool bulla_utf8_valid(bulla_bytes text);

/* Appends NFC(text), then full Unicode case folding, then NFC again, so that equal results mean equal letters.
 * ENCODING for invalid UTF-8. */
BULLA_MUST bulla_code bulla_text_fold(bulla_bytes text, bulla_buf *out, bulla_error *err);

/* The last `n` code points of valid UTF-8, as a view; all of it when it has fewer. */
bulla_bytes bulla_utf8_last(bulla_bytes text, size_t n);

#endif
