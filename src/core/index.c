/*
 * index.c - normalising a value and hashing it under an index key.
 */
#include "core/index.h"

#include "base/text.h"
#include "crypto/kdf.h"
#include "format/value.h"

#include <stdio.h>
#include <string.h>

static const char INDEX[] = "bulla index v1"; /* the NULs are part of what is hashed */
static const char SALT[] = "bulla index salt v1";

/* Argon2id of a slow index: RFC 9106's t=3, with 4 MiB, so that one value costs about 5 ms. */
#define SLOW_PASSES     3
#define SLOW_MEMORY_KIB 4096
#define SLOW_LANES      1

static const char *const expressions[] = { [BULLA_EXPRESSION_NONE] = "value", [BULLA_EXPRESSION_LAST4] = "last4" };
static const char *const normalizers[] = { [BULLA_NORMALIZE_NONE] = "", [BULLA_NORMALIZE_LOWERCASE] = "+lowercase" };

static bulla_code normalize_text(const bulla_index_spec *spec, bulla_bytes text, bulla_buf *out, bulla_error *err)
{
	if (spec->normalize != BULLA_NORMALIZE_LOWERCASE && spec->expression == BULLA_EXPRESSION_NONE)
		return bulla_buf_add(out, text, err);
	if (!bulla_utf8_valid(text)) return bulla_fail(err, BULLA_ERR_ENCODING, "an indexed text is not valid UTF-8");
	size_t start = out->len;
	TRY(spec->normalize == BULLA_NORMALIZE_LOWERCASE ? bulla_text_fold(text, out, err) : bulla_buf_add(out, text, err));
	if (spec->expression == BULLA_EXPRESSION_LAST4) {
		bulla_bytes last = bulla_utf8_last(bulla_view(out->data + start, out->len - start), 4);
		if (last.len) memmove(out->data + start, last.data, last.len);
		out->len = start + last.len;
	}
	return BULLA_OK;
}

bulla_code bulla_index_normalize(const bulla_field *field, const bulla_value *value, bulla_buf *out, bulla_error *err)
{
	size_t size;
	TRY(bulla_value_measure(field->type, value, &size, err));
	if (value->kind == BULLA_KIND_TEXT) {
		if (field->type == BULLA_TYPE_ANY) TRY(bulla_buf_add_u8(out, BULLA_KIND_TEXT, err));
		return normalize_text(field->index, value->bytes, out, err);
	}
	TRY(bulla_buf_reserve(out, size, err));
	bulla_value_write(field->type, value, out->data + out->len);
	out->len += size;
	return BULLA_OK;
}

/* Everything that says which index this is, then the one value with its length. */
static bulla_code describe(const bulla_model *model, const bulla_field *field, const bulla_value *value, bulla_buf *out,
			   bulla_error *err)
{
	const bulla_index_spec *spec = field->index;
	char expression[32];
	snprintf(expression, sizeof expression, "%s%s", expressions[spec->expression], normalizers[spec->normalize]);
	TRY(bulla_buf_add(out, bulla_view(INDEX, sizeof INDEX), err));
	TRY(bulla_buf_add_prefixed(out, bulla_view_str(model->name), err));
	TRY(bulla_buf_add_prefixed(out, bulla_view_str(spec->name), err));
	TRY(bulla_buf_add_u32(out, spec->version, err));
	TRY(bulla_buf_add_prefixed(out, bulla_view_str(expression), err));
	TRY(bulla_buf_add_u8(out, 1, err));
	TRY(bulla_buf_add_u32(out, 0, err));
	size_t start = out->len;
	TRY(bulla_index_normalize(field, value, out, err));
	bulla_put_u32(out->data + start - 4, (uint32_t)(out->len - start));
	return BULLA_OK;
}

static bulla_code slow(bulla_lane *lane, const uint8_t *key, bulla_bytes x, uint8_t out[static 32], bulla_error *err)
{
	uint8_t salt[32];
	BULLA_SECRET stretched = { 0 };
	bulla_bytes label = bulla_view(SALT, sizeof SALT - 1);
	TRY(bulla_hmac_sha256(lane, key, &label, 1, salt, err));
	TRY(bulla_argon2id(x, bulla_view(salt, 16), SLOW_PASSES, SLOW_MEMORY_KIB, SLOW_LANES, stretched.bytes,
			   sizeof stretched.bytes, err));
	bulla_bytes parts[] = { bulla_view_str("slow"), bulla_view(stretched.bytes, sizeof stretched.bytes) };
	return bulla_hmac_sha256(lane, key, parts, 2, out, err);
}

bulla_code bulla_index_compute(bulla_lane *lane, const bulla_model *model, const bulla_field *field,
			       const uint8_t key[static BULLA_KEY_SIZE], const bulla_value *value, bulla_buf *scratch,
			       uint8_t out[static BULLA_INDEX_MAX], bulla_error *err)
{
	bulla_buf_clear(scratch);
	TRY(describe(model, field, value, scratch, err));
	bulla_bytes x = bulla_view_buf(scratch);
	return field->index->kind == BULLA_INDEX_SLOW ? slow(lane, key, x, out, err)
						      : bulla_hmac_sha256(lane, key, &x, 1, out, err);
}
