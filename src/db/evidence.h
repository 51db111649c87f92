/*
 * evidence.h - which rows are not any more what was verified, told without opening them.
 *
 * `finish` verifies before its lock, and must know under the lock that nothing has changed since, or what. So each row's
 * stored bytes go through a keyed hash into one of 65,536 sums, chosen by the row's locator. Equal sums mean equal rows;
 * under a sum that differs a few rows are opened again. One mebibyte, whatever the table's size.
 */
#ifndef DB_EVIDENCE_H
#define DB_EVIDENCE_H

#include "base/secret.h"
#include "crypto/lane.h"
#include "db/page.h"

#define BULLA_EVIDENCE_SUMS 65536

typedef struct bulla_evidence {
	uint64_t sums[BULLA_EVIDENCE_SUMS][2];
} bulla_evidence;

/* One row as evidence. */
typedef struct bulla_trace {
	uint32_t sum; /* which of the sums it goes into */
	uint64_t hash[2];
} bulla_trace;

BULLA_MUST bulla_code bulla_trace_row(const bulla_page *page, size_t row, bulla_lane *lane, const bulla_secret *key,
				      bulla_buf *scratch, bulla_trace *ret, bulla_error *err);
void bulla_evidence_add(bulla_evidence *evidence, const bulla_trace *trace);

/* Which sum a row goes into, by its locator alone. */
uint32_t bulla_evidence_sum(const bulla_mapping *mapping, const bulla_shape *shape, const bulla_value *values);

/* Makes `ret` the sums that are equal in both, and zero elsewhere. */
void bulla_evidence_keep_equal(bulla_evidence *ret, const bulla_evidence *a, const bulla_evidence *b);

bool bulla_evidence_equal(const bulla_evidence *a, const bulla_evidence *b);
bool bulla_evidence_differs_at(const bulla_evidence *a, const bulla_evidence *b, uint32_t sum);

#endif
