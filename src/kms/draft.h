/*
 * draft.h - the rows that one change will write, gathered, then sealed together with the new digest over all rows.
 */
#ifndef KMS_DRAFT_H
#define KMS_DRAFT_H

#include "kms/row.h"

typedef struct bulla_draft_row {
	bulla_kms_table table;
	uint8_t id[BULLA_ROW_ID_MAX];
	size_t id_len;
	bool removes;
	bulla_buf payload;
	bulla_buf bytes; /* sealed */
} bulla_draft_row;

/* Zero it to begin. */
typedef struct bulla_draft {
	bulla_draft_row *rows;
	size_t n, cap;
	bulla_kms_row *sealed; /* views, for the store */
} bulla_draft;

void bulla_draft_done(bulla_draft *draft); /* leaves it empty and usable */

/* Writes, or removes, a row; each (table, id) once. Copies. */
BULLA_MUST bulla_code bulla_draft_put(bulla_draft *draft, bulla_kms_table table, bulla_bytes id, bulla_bytes payload,
				      bulla_error *err);
BULLA_MUST bulla_code bulla_draft_remove(bulla_draft *draft, bulla_kms_table table, bulla_bytes id, bulla_error *err);

/* Seals every row under `generation`, the digest over what the store will then hold included. `before` is what it holds now, sorted.
 * `*ret` lives as long as the draft. */
BULLA_MUST bulla_code bulla_draft_seal(bulla_draft *draft, bulla_lane *lane, const bulla_root *root, uint64_t generation,
				       const bulla_stored_row *before, size_t n_before, const bulla_kms_row **ret, size_t *ret_n,
				       bulla_error *err);

#endif
