/*
 * field.c - sealing and opening one field in the native format.
 */
#include "format/field.h"

#include <string.h>

static const char LABEL[] = "bulla field v1"; /* its NUL is part of the associated data */

/* One row a version. */
static const struct version {
	uint8_t number;
	bulla_aead aead;
	size_t nonce;
} versions[] = {
	{ BULLA_FIELD_RECORD, BULLA_AEAD_AES_256_GCM, BULLA_GCM_NONCE_SIZE },
	{ BULLA_FIELD_SHARED, BULLA_AEAD_XAES_256_GCM, BULLA_XAES_NONCE_SIZE },
};

static const struct version *version_of(uint8_t header)
{
	uint8_t number = header & BULLA_FIELD_VERSION_MASK;
	for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
		if (versions[i].number == number) return &versions[i];
	return NULL;
}

size_t bulla_field_overhead(uint8_t version)
{
	const struct version *v = version_of(version);
	return v ? 1 + v->nonce + BULLA_TAG_SIZE : 0;
}

size_t bulla_field_padded_size(size_t len, uint32_t block)
{
	return block ? (len / block + 1) * block : len;
}

void bulla_field_pad(bulla_bytes value, uint32_t block, uint8_t *out)
{
	size_t padded = bulla_field_padded_size(value.len, block);
	if (value.len) memcpy(out, value.data, value.len);
	if (padded == value.len) return;
	out[value.len] = 0x80;
	memset(out + value.len + 1, 0, padded - value.len - 1);
}

/* Without a branch on the content. */
size_t bulla_field_unpadded_size(const uint8_t *data, size_t len)
{
	size_t found = SIZE_MAX;
	uint8_t open = 1; /* still among the trailing zeros */
	for (size_t i = len; i-- > 0;) {
		uint8_t is_mark = (uint8_t)(((unsigned)(data[i] ^ 0x80) - 1u) >> 31) & open;
		uint8_t is_zero = (uint8_t)(((unsigned)data[i] - 1u) >> 31);
		size_t mask = (size_t)0 - is_mark;
		found = (found & ~mask) | (i & mask);
		open = open & is_zero;
	}
	return found;
}

bulla_code bulla_field_label(bulla_bytes model, bulla_bytes field, const char *type, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_add(out, bulla_view(LABEL, sizeof LABEL), err));
	TRY(bulla_buf_add_u8(out, 0, err));
	TRY(bulla_buf_add_prefixed(out, model, err));
	TRY(bulla_buf_add_prefixed(out, field, err));
	return bulla_buf_add_prefixed(out, bulla_view_str(type), err);
}

bulla_code bulla_field_seal(bulla_lane *lane, const uint8_t key[static BULLA_KEY_SIZE], uint8_t header, bulla_bytes associated,
			    bulla_bytes plain, uint8_t *out, bulla_error *err)
{
	const struct version *v = version_of(header);
	if (!v) return bulla_fail(err, BULLA_ERR_INTERNAL, "no field format has the header %02x", header);
	out[0] = header;
	TRY(bulla_random(lane, out + 1, v->nonce, err));
	return bulla_aead_seal(lane, v->aead, bulla_view(key, BULLA_KEY_SIZE), bulla_view(out + 1, v->nonce), associated, plain,
			       out + 1 + v->nonce, err);
}

bulla_code bulla_field_header(bulla_bytes sealed, uint8_t version, uint8_t *ret_header, bulla_error *err)
{
	if (sealed.len < bulla_field_overhead(version))
		return bulla_fail(err, BULLA_ERR_FORMAT, "a field of %zu bytes is too short: at least %zu are needed", sealed.len,
				  bulla_field_overhead(version));
	uint8_t header = sealed.data[0];
	if ((header & BULLA_FIELD_VERSION_MASK) != version)
		return bulla_fail(err, BULLA_ERR_VERSION, "a field has format version %u, this schema expects %u",
				  header & BULLA_FIELD_VERSION_MASK, version);
	if ((header & BULLA_FIELD_NULL) && (header & BULLA_FIELD_PADDED))
		return bulla_fail(err, BULLA_ERR_VERSION, "a field has the header %02x, which this release does not know",
				  header);
	*ret_header = header;
	return BULLA_OK;
}

bulla_code bulla_field_open(bulla_lane *lane, const uint8_t key[static BULLA_KEY_SIZE], bulla_bytes associated,
			    bulla_bytes sealed, uint8_t *out, size_t *ret_len, bulla_error *err)
{
	const struct version *v = version_of(sealed.data[0]);
	if (!v) return bulla_fail(err, BULLA_ERR_VERSION, "a field has an unknown format version");
	size_t start = 1 + v->nonce;
	TRY(bulla_aead_open(lane, v->aead, bulla_view(key, BULLA_KEY_SIZE), bulla_view(sealed.data + 1, v->nonce), associated,
			    bulla_view(sealed.data + start, sealed.len - start), out, err));
	size_t len = sealed.len - start - BULLA_TAG_SIZE;
	if (sealed.data[0] & BULLA_FIELD_PADDED) {
		size_t value = bulla_field_unpadded_size(out, len);
		if (value == SIZE_MAX) bulla_wipe(out, len);
		len = value;
	}
	if (len == SIZE_MAX || ((sealed.data[0] & BULLA_FIELD_NULL) && len))
		return bulla_fail(err, BULLA_ERR_AUTH, "%s", BULLA_AUTH_TEXT);
	*ret_len = len;
	return BULLA_OK;
}
