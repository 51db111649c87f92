/*
 * context.h - the encryption context in its canonical bytes.
 *
 * Pairs sorted by the name's UTF-8 bytes; u16 count, then u16 length, name, u16 length, value for each, big-endian:
 * the serialisation of the AWS Encryption SDK (message format, "AAD"), which differs from ours in one case: it
 * writes the empty context as no bytes, ours is 00 00.
 */
#ifndef BASE_CONTEXT_H
#define BASE_CONTEXT_H

#include "base/buf.h"

#define BULLA_CONTEXT_MAX       8192 /* canonical bytes */
#define BULLA_CONTEXT_PAIRS_MAX 64

/* Appends the canonical form of `n` pairs (any order) to `out`. ENCODING for invalid UTF-8, USAGE for an empty or
 * duplicate name, LIMIT beyond the two limits above. */
BULLA_MUST bulla_code bulla_context_encode(const bulla_pair *pairs, size_t n, bulla_buf *out, bulla_error *err);

/* Splits canonical bytes into at most BULLA_CONTEXT_PAIRS_MAX views into `canonical`. FORMAT when they are not in
 * canonical form (order, duplicates, UTF-8 and trailing bytes included). */
BULLA_MUST bulla_code bulla_context_decode(bulla_bytes canonical, bulla_pair pairs[static BULLA_CONTEXT_PAIRS_MAX], size_t *ret_n,
					   bulla_error *err);

#endif
