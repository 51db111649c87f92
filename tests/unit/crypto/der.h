/*
 * der.h - DER of elliptic-curve keys, put together from bare numbers as vectors give them.
 */
#ifndef TEST_CRYPTO_DER_H
#define TEST_CRYPTO_DER_H

#include "base/buf.h"
#include "crypto/key_spec.h"

/* Tag, length below 65536, content. */
static inline bool der_put(bulla_buf *out, uint8_t tag, bulla_bytes content)
{
	bool good = bulla_buf_add_u8(out, tag, NULL) == BULLA_OK;
	if (content.len >= 256)
		good = good && bulla_buf_add_u8(out, 0x82, NULL) == BULLA_OK &&
		       bulla_buf_add_u16(out, (uint16_t)content.len, NULL) == BULLA_OK;
	else
		good = good && (content.len < 128 || bulla_buf_add_u8(out, 0x81, NULL) == BULLA_OK) &&
		       bulla_buf_add_u8(out, (uint8_t)content.len, NULL) == BULLA_OK;
	return good && bulla_buf_add(out, content, NULL) == BULLA_OK;
}

/* AlgorithmIdentifier of a named curve. */
static inline bool der_put_curve(bulla_buf *out, bulla_spec spec)
{
	static const struct {
		const char *oid;
		size_t len;
	} curves[BULLA_SPEC_COUNT] = {
		[BULLA_SPEC_ECC_NIST_P256] = { "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10 },
		[BULLA_SPEC_ECC_NIST_P384] = { "\x06\x05\x2b\x81\x04\x00\x22", 7 },
		[BULLA_SPEC_ECC_NIST_P521] = { "\x06\x05\x2b\x81\x04\x00\x23", 7 },
		[BULLA_SPEC_ECC_SECG_P256K1] = { "\x06\x05\x2b\x81\x04\x00\x0a", 7 },
	};
	BULLA_BUF_AUTO bulla_buf inner = { 0 };
	return bulla_buf_add(&inner, bulla_view("\x06\x07\x2a\x86\x48\xce\x3d\x02\x01", 9), NULL) == BULLA_OK &&
	       bulla_buf_add(&inner, bulla_view(curves[spec].oid, curves[spec].len), NULL) == BULLA_OK &&
	       der_put(out, 0x30, bulla_view_buf(&inner));
}

/* SubjectPublicKeyInfo of a point in whatever form. */
static inline bool der_put_public(bulla_buf *out, bulla_spec spec, bulla_bytes point)
{
	BULLA_BUF_AUTO bulla_buf bits = { 0 }, inner = { 0 };
	return bulla_buf_add_u8(&bits, 0, NULL) == BULLA_OK && bulla_buf_add(&bits, point, NULL) == BULLA_OK &&
	       der_put_curve(&inner, spec) && der_put(&inner, 0x03, bulla_view_buf(&bits)) &&
	       der_put(out, 0x30, bulla_view_buf(&inner));
}

/* PKCS #8 of a number, big-endian, of any length; without the public key, which follows from it. */
static inline bool der_put_private(bulla_buf *out, bulla_spec spec, bulla_bytes number)
{
	static const uint8_t zeros[66];
	size_t size = (bulla_spec_about(spec)->bits + 7) / 8;
	BULLA_BUF_AUTO bulla_buf scalar = { 0 }, key = { 0 }, sequence = { 0 }, inner = { 0 };
	while (number.len && *number.data == 0)
		number = bulla_view(number.data + 1, number.len - 1);
	return number.len <= size && bulla_buf_add(&scalar, bulla_view(zeros, size - number.len), NULL) == BULLA_OK &&
	       bulla_buf_add(&scalar, number, NULL) == BULLA_OK && der_put(&key, 0x02, bulla_view("\x01", 1)) &&
	       der_put(&key, 0x04, bulla_view_buf(&scalar)) && der_put(&sequence, 0x30, bulla_view_buf(&key)) &&
	       der_put(&inner, 0x02, bulla_view("\x00", 1)) && der_put_curve(&inner, spec) &&
	       der_put(&inner, 0x04, bulla_view_buf(&sequence)) && der_put(out, 0x30, bulla_view_buf(&inner));
}

#endif
