/*
 * layout.h - a model prepared for cryptography: contexts as sorted parts, associated data as prefixes, branch names as scopes.
 */
#ifndef CORE_LAYOUT_H
#define CORE_LAYOUT_H

#include "base/context.h"
#include "core/branch.h"
#include "core/schema.h"
#include "format/wrapped_key.h"

/* A context, its parts in canonical order. */
typedef struct bulla_context_plan {
	size_t n;
	struct bulla_context_plan_part {
		bulla_bytes name;
		bulla_bytes constant; /* when `values` is NULL */
		const bulla_template *values;
		size_t head, head_len; /* in `heads`: the pair up to its value, with the value where it is constant */
		bool checked;
	} part[BULLA_CONTEXT_PAIRS_MAX];
	bulla_buf heads;
} bulla_context_plan;

typedef struct bulla_layout {
	const bulla_model *model;
	size_t plan_count; /* plan 0: the model's own context */
	bulla_context_plan *plans;
	size_t *key_plan;       /* of each key: under which context it is wrapped */
	bulla_buf *labels;      /* of each field: start of its associated data */
	size_t *field_plan;     /* of each field: which context follows the label */
	uint8_t field_version;  /* BULLA_FIELD_RECORD or _SHARED */
	bulla_buf branch_scope; /* of the branch template */
} bulla_layout;

BULLA_MUST bulla_code bulla_layout_init(bulla_layout *layout, const bulla_model *model, bulla_error *err);
void bulla_layout_done(bulla_layout *layout);

/* One row's canonical context in fixed memory. */
typedef struct bulla_row_context {
	size_t len;
	uint8_t bytes[BULLA_CONTEXT_MAX];
	struct {
		uint16_t at, len;
	} pair[BULLA_CONTEXT_PAIRS_MAX]; /* of each part, inside `bytes` */
} bulla_row_context;

/* CONTEXT when an input is NULL, ENCODING for invalid UTF-8, LIMIT beyond 8 KiB. */
BULLA_MUST bulla_code bulla_layout_context(const bulla_layout *layout, size_t plan, const bulla_bytes *inputs,
					   bulla_row_context *ret, bulla_error *err);

/* Writes the checks of a plan's checked parts, in canonical order; returns their bytes (2 each) in `*ret_len`. */
BULLA_MUST bulla_code bulla_layout_checks(const bulla_layout *layout, size_t plan, const bulla_row_context *context,
					  bulla_lane *lane, const uint8_t commitment[static BULLA_COMMITMENT_SIZE],
					  uint8_t out[static 2 * BULLA_CHECKS_MAX], size_t *ret_len, bulla_error *err);
size_t bulla_layout_check_count(const bulla_layout *layout, size_t plan);

/* Does the check of some checked part differ? `*ret_part` is then 1 + the first one's position in the model's context, or 0 where it is of a
 * data key's own. False when all agree or they cannot be compared. Advice only: it chooses messages. */
bool bulla_layout_differing(const bulla_layout *layout, size_t plan, const bulla_row_context *context, bulla_lane *lane,
			    const bulla_wrapped_key *key, size_t *ret_part);

/* Appends the identity of the branch that this row hangs from. */
BULLA_MUST bulla_code bulla_layout_branch(const bulla_layout *layout, const bulla_bytes *inputs, bulla_buf *out,
					  bulla_error *err);

/* Appends the identity of an index key; `inputs` are used only with a scope. */
BULLA_MUST bulla_code bulla_layout_index(const bulla_layout *layout, const bulla_index_spec *index, const bulla_bytes *inputs,
					 bulla_buf *out, bulla_error *err);

/* Appends the identity of the shared data key at position `key`. */
BULLA_MUST bulla_code bulla_layout_shared(const bulla_layout *layout, size_t key, bulla_buf *out, bulla_error *err);

#endif
