/*
 * flip.h - every single bit flipped and every length cut: what is authenticated must open in none of them.
 */
#ifndef TEST_FLIP_H
#define TEST_FLIP_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"

#include <stdlib.h>

/* Tries to open `changed`, a copy of exactly its own size (so that a sanitizer sees every byte read behind it). True when it opened. */
typedef bool (*flip_opens)(void *self, bulla_bytes changed);

/* Bytes [from, to) are not authenticated: flipping them may leave a blob that opens. */
typedef struct flip_gap {
	size_t from, to;
} flip_gap;

static inline uint8_t *flip_copy(bulla_bytes whole, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	assert_non_null(copy);
	if (len) memcpy(copy, whole.data, len);
	return copy;
}

static inline void flip_bit(bulla_bytes whole, size_t bit, flip_gap gap, flip_opens opens, void *self)
{
	uint8_t *copy = flip_copy(whole, whole.len);
	copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
	bool opened = opens(self, bulla_view(copy, whole.len));
	free(copy);
	if (opened && (bit / 8 < gap.from || bit / 8 >= gap.to))
		fail_msg("opened with bit %zu of byte %zu flipped", bit % 8, bit / 8);
}

/* The first `len` bytes alone; beyond the end, the blob with bytes behind it. */
static inline void flip_cut(bulla_bytes whole, size_t len, flip_opens opens, void *self)
{
	uint8_t *copy = malloc(len ? len : 1);
	assert_non_null(copy);
	memset(copy, 0, len);
	if (len) memcpy(copy, whole.data, len < whole.len ? len : whole.len);
	bool opened = opens(self, bulla_view(copy, len));
	free(copy);
	if (opened) fail_msg("opened when cut to %zu of %zu bytes", len, whole.len);
}

/* All of it; first that the blob opens as it is. `gap` {0, 0}: everything is authenticated. */
static inline void flip_everything(bulla_bytes whole, flip_gap gap, flip_opens opens, void *self)
{
	uint8_t *copy = flip_copy(whole, whole.len);
	assert_true(opens(self, bulla_view(copy, whole.len)));
	free(copy);
	for (size_t bit = 0; bit < 8 * whole.len; bit++)
		flip_bit(whole, bit, gap, opens, self);
	for (size_t len = 0; len < whole.len; len++)
		flip_cut(whole, len, opens, self);
	for (size_t more = 1; more <= 16; more++)
		flip_cut(whole, whole.len + more, opens, self);
}

#endif
