/*
 * evidence.c - keyed hashes of stored rows, added up in many sums.
 */
#include "db/evidence.h"

#include "db/digest.h"

#include <string.h>

/* Where a row goes need only be the same each time: FNV-1a over what finds it. */
static uint64_t mix(uint64_t hash, const void *data, size_t len)
{
	const uint8_t *bytes = data;
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3ull;
	return hash;
}

uint32_t bulla_evidence_sum(const bulla_mapping *mapping, const bulla_shape *shape, const bulla_value *values)
{
	uint64_t hash = 0xcbf29ce484222325ull;
	for (size_t i = 0; i < mapping->locator_count; i++) {
		const bulla_value *v = &values[shape->locator[i]];
		if (v->kind == BULLA_KIND_INTEGER)
			hash = mix(hash, &v->integer, sizeof v->integer);
		else if (v->kind == BULLA_KIND_FLOAT)
			hash = mix(hash, &v->number, sizeof v->number);
		else if (v->kind != BULLA_KIND_NULL && v->bytes.data)
			hash = mix(hash, v->bytes.data, v->bytes.len);
	}
	return (uint32_t)((hash ^ (hash >> 32)) % BULLA_EVIDENCE_SUMS);
}

bulla_code bulla_trace_row(const bulla_page *page, size_t row, bulla_lane *lane, const bulla_secret *key, bulla_buf *scratch,
			   bulla_trace *ret, bulla_error *err)
{
	uint8_t hash[32];
	const bulla_value *values = bulla_page_values(page, row);
	bulla_buf_clear(scratch);
	for (size_t i = 0; i < page->shape->width; i++) {
		bulla_value v = values[i];
		bool left_out = (v.kind == BULLA_KIND_TEXT || v.kind == BULLA_KIND_BINARY) && !v.bytes.data;
		if (left_out)
			v = (bulla_value){ .kind = BULLA_KIND_INTEGER,
					   .integer = (int64_t)v.bytes.len }; /* too large to be sealed at all */
		TRY(bulla_digest_write(&v, scratch, err));
	}
	bulla_bytes bytes = bulla_view_buf(scratch);
	TRY(bulla_hmac_sha256(lane, key->bytes, &bytes, 1, hash, err));
	ret->sum = bulla_evidence_sum(page->mapping, page->shape, values);
	memcpy(ret->hash, hash, sizeof ret->hash);
	return BULLA_OK;
}

void bulla_evidence_add(bulla_evidence *evidence, const bulla_trace *trace)
{
	evidence->sums[trace->sum][0] += trace->hash[0];
	evidence->sums[trace->sum][1] += trace->hash[1];
}

void bulla_evidence_keep_equal(bulla_evidence *ret, const bulla_evidence *a, const bulla_evidence *b)
{
	*ret = (bulla_evidence){ 0 };
	for (uint32_t sum = 0; sum < BULLA_EVIDENCE_SUMS; sum++)
		if (!bulla_evidence_differs_at(a, b, sum)) memcpy(ret->sums[sum], a->sums[sum], sizeof ret->sums[sum]);
}

bool bulla_evidence_equal(const bulla_evidence *a, const bulla_evidence *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

bool bulla_evidence_differs_at(const bulla_evidence *a, const bulla_evidence *b, uint32_t sum)
{
	return memcmp(a->sums[sum], b->sums[sum], sizeof a->sums[sum]) != 0;
}
