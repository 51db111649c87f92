/*
 * direct.h - data keys that a KMS wraps itself, without a branch key; and boxes, whose content it wraps.
 *
 * Opened keys are kept in the keyring's cache under a hash of their wrapped form and context, so that many readers of one cold key are one
 * question.
 */
#ifndef CORE_DIRECT_H
#define CORE_DIRECT_H

#include "core/wrapping.h"

typedef struct bulla_direct bulla_direct;

BULLA_MUST bulla_code bulla_direct_new(bulla_op *op, bulla_direct **out, bulla_error *err);
void bulla_direct_free(bulla_direct *direct);  /* NULL is fine */
void bulla_direct_clear(bulla_direct *direct); /* forgets everything, wipes, gives back keys, ends flights */

/* To be opened. `bytes` must stay valid until the direct is cleared; the context is copied. FORMAT, VERSION. */
BULLA_MUST bulla_code bulla_direct_open(bulla_direct *direct, bulla_bytes bytes, bulla_bytes context, uint32_t *ret_number,
					bulla_error *err);

/* To be wrapped; everything is copied. `only` NULL: under all current keys. One with the same commitment, which fixes key and context, is
 * the same item. */
BULLA_MUST bulla_code bulla_direct_wrap(bulla_direct *direct, const bulla_secret *key, bulla_bytes context,
					const uint8_t commitment[static BULLA_COMMITMENT_SIZE], bulla_bytes checks,
					const bulla_session *only, uint32_t *ret_number, bulla_error *err);
BULLA_MUST bulla_code bulla_direct_box(bulla_direct *direct, bulla_bytes plain, bulla_bytes context, const bulla_session *only,
				       uint32_t *ret_number, bulla_error *err);

/* To be wrapped again under the current keys (or `only`), by services that release nothing: see bulla_wrapping_can_again(). `bytes` as for
 * bulla_direct_open(). bulla_direct_bytes() is the result. */
BULLA_MUST bulla_code bulla_direct_again(bulla_direct *direct, bulla_bytes bytes, bulla_bytes context, const bulla_session *only,
					 uint32_t *ret_number, bulla_error *err);

/* One step of the op: DONE when each has its result. */
bulla_progress_made bulla_direct_step(bulla_direct *direct);

/* Results. The failure of that one otherwise. */
BULLA_MUST bulla_code bulla_direct_key(const bulla_direct *direct, uint32_t number, bulla_secret *ret_key, bulla_error *err);
BULLA_MUST bulla_code bulla_direct_content(const bulla_direct *direct, uint32_t number, bulla_bytes *ret, bulla_error *err);
BULLA_MUST bulla_code bulla_direct_bytes(const bulla_direct *direct, uint32_t number, bulla_bytes *ret, bulla_error *err);

/* Of a box that did not open: the pair that appears to differ, a view into its context; empty where that is not known. By the lane of the thread
 * that asks. */
bulla_bytes bulla_direct_differing(const bulla_direct *direct, bulla_lane *lane, uint32_t number);
/* Why a box did not open: CONTEXT with the pair that appears to differ, where that can be told; else its own failure. */
BULLA_MUST bulla_code bulla_direct_explain(const bulla_direct *direct, uint32_t number, bulla_error *err);

/* The first failure of a KMS, with its text; code OK when there was none. */
const bulla_error *bulla_direct_error(const bulla_direct *direct);

#endif
