/*
 * keywrap.h - AES key wrap: KW (RFC 3394) and KWP (RFC 5649), NIST SP 800-38F.
 */
#ifndef CRYPTO_KEYWRAP_H
#define CRYPTO_KEYWRAP_H

#include "base/buf.h"

#define BULLA_KEYWRAP_MAX 65536 /* bytes of what is wrapped */

/* `padded` chooses KWP. Appends to `out`. Key of 16, 24 or 32 bytes. USAGE for lengths the standard does not allow,
 * LIMIT beyond BULLA_KEYWRAP_MAX; unwrap: AUTH for anything that does not unwrap. On failure `out` is as it was. */
BULLA_MUST bulla_code bulla_keywrap(bulla_bytes key, bool padded, bulla_bytes plain, bulla_buf *out, bulla_error *err);
BULLA_MUST bulla_code bulla_keyunwrap(bulla_bytes key, bool padded, bulla_bytes wrapped, bulla_buf *out, bulla_error *err);

#endif
