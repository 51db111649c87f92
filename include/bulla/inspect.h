/*
 * inspect.h - what is this ciphertext, told without any key.
 */
#ifndef BULLA_INSPECT_H
#define BULLA_INSPECT_H

#include <bulla/bytes.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Appends one JSON object: {"format":"bulla wrapped key", "version":1, "wraps":[{"kind":"branch","reference":"..."}], ...}. Takes raw
 * bytes, base64 or hex. Bytes that are of no known format are FORMAT. Pure; nothing in the answer is secret. */
BULLA_API BULLA_MUST bulla_code bulla_inspect(bulla_bytes ciphertext, bulla_buf *out, bulla_error *err);

#ifdef __cplusplus
}
#endif
#endif
