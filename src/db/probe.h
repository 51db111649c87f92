/*
 * probe.h - a record that is sealed and thrown away: it shows which keys seal now, and proves that they open again.
 */
#ifndef DB_PROBE_H
#define DB_PROBE_H

#include "core/schema.h"

#include <bulla/batch.h>

typedef struct bulla_probe {
	bulla_bytes inputs[BULLA_INPUTS_MAX];
	bulla_cell cells[BULLA_FIELDS_MAX];
	bulla_bytes keys[BULLA_FIELDS_MAX + 1];
	bulla_row row;
} bulla_probe;

/* Does every row hang from the same branch, or from none? Else no key is the current one for all, and there is nothing to probe. */
bool bulla_probe_is_possible(const bulla_model *model);

/* Seals a record with some value in each field; probe->keys and the cells' ciphertexts are views into `batch`. */
BULLA_MUST bulla_code bulla_probe_seal(const bulla_model *model, bulla_batch *batch, bulla_probe *ret, bulla_error *err);
/* Opens it again by `batch`, which is another one. */
BULLA_MUST bulla_code bulla_probe_open(bulla_probe *probe, bulla_batch *batch, bulla_error *err);

#endif
