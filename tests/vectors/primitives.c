/*
 * primitives.c - how one vector of each offered primitive is tried.
 *
 * What has two directions is tried in both: a valid vector must come out exactly as its author says, an invalid one must
 * be refused, and making it must not be possible either.
 */
#include "judge.h"

#include "crypto/aead.h"
#include "crypto/kdf.h"
#include "crypto/keywrap.h"
#include "crypto/mac.h"
#include "crypto/sign.h"

/* --- authenticated encryption ------------------------------------------------------------------------------------ */

/* The row with that name and key size; where there is none, any row of that name, which will refuse the key. */
static bulla_aead aead_row(const char *name, size_t key_size)
{
	bulla_aead found = BULLA_AEAD_COUNT;

	for (int i = 0; i < BULLA_AEAD_COUNT; i++) {
		const bulla_aead_info *info = bulla_aead_about((bulla_aead)i);
		if (strcmp(info->name, name) != 0) continue;
		found = (bulla_aead)i;
		if (info->key_size == key_size) break;
	}
	return found;
}

typedef struct aead_parts {
	bulla_buf key, iv, aad, msg, ct;
} aead_parts;

static void aead_parts_done(aead_parts *p)
{
	bulla_buf *all[] = { &p->key, &p->iv, &p->aad, &p->msg, &p->ct };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		bulla_buf_done(all[i]);
}

static bool aead_parts_read(const bulla_json *test, aead_parts *p)
{
	return hex(test, "key", &p->key) && hex(test, "iv", &p->iv) && hex(test, "aad", &p->aad) && hex(test, "msg", &p->msg) &&
	       hex(test, "ct", &p->ct) && hex(test, "tag", &p->ct); /* the tag behind the ciphertext */
}

static outcome aead_both_ways(const vector *v, bulla_aead row, const aead_parts *p)
{
	bulla_bytes key = bulla_view_buf(&p->key), iv = bulla_view_buf(&p->iv), aad = bulla_view_buf(&p->aad);
	bulla_bytes msg = bulla_view_buf(&p->msg), ct = bulla_view_buf(&p->ct);
	BULLA_BUF_AUTO bulla_buf sealed = { 0 }, opened = { 0 };

	if (bulla_buf_reserve(&sealed, msg.len + BULLA_TAG_SIZE, NULL) != BULLA_OK ||
	    bulla_buf_reserve(&opened, ct.len + 1, NULL) != BULLA_OK)
		return failed("out of memory");
	bulla_code code = bulla_aead_seal(v->lane, row, key, iv, aad, msg, sealed.data, NULL);
	outcome sealing = judge(v->expected, code, same(bulla_view(sealed.data, code ? 0 : msg.len + BULLA_TAG_SIZE), ct));
	code = bulla_aead_open(v->lane, row, key, iv, aad, ct, opened.data, NULL);
	bool exact = v->expected == INVALID || (!code && same(bulla_view(opened.data, ct.len - BULLA_TAG_SIZE), msg));
	return both(v->expected, sealing, judge(v->expected, code, exact));
}

static outcome try_aead(const vector *v, const primitive *p)
{
	__attribute__((cleanup(aead_parts_done))) aead_parts parts = { 0 };
	int64_t tag_bits;

	if (!number(v->group, "tagSize", 4096, &tag_bits) || !aead_parts_read(v->test, &parts)) return malformed;
	if (tag_bits != 8 * BULLA_TAG_SIZE) return skipped("this length of tags is not offered");
	bool gcm = strcmp(p->algorithm, "AES-GCM") == 0;
	if (gcm && parts.iv.len > 64) return skipped("nonces of more than 64 bytes are not offered");
	return aead_both_ways(v, aead_row(p->algorithm, parts.key.len), &parts);
}

/* --- message authentication -------------------------------------------------------------------------------------- */

static outcome try_mac(const vector *v, const primitive *p)
{
	BULLA_BUF_AUTO bulla_buf key = { 0 }, msg = { 0 }, tag = { 0 };
	bulla_mac row = (bulla_mac)p->row;
	int64_t bits;
	uint8_t full[64];

	if (!number(v->group, "tagSize", 4096, &bits) || !hex(v->test, "key", &key) || !hex(v->test, "msg", &msg) ||
	    !hex(v->test, "tag", &tag))
		return malformed;
	size_t len = (size_t)bits / 8;
	if (bits % 8 || len > bulla_mac_size(row)) return skipped("this length of tags is not offered");
	bulla_code code = bulla_mac_compute(row, bulla_view_buf(&key), bulla_view_buf(&msg), full, NULL);
	return judge(v->expected, code, code == BULLA_OK && same(bulla_view(full, len), bulla_view_buf(&tag)));
}

/* --- key derivation ---------------------------------------------------------------------------------------------- */

enum { DERIVED_MAX = 1 << 20 };

static outcome try_hkdf(const vector *v, const primitive *p)
{
	BULLA_BUF_AUTO bulla_buf ikm = { 0 }, salt = { 0 }, info = { 0 }, okm = { 0 }, out = { 0 };
	int64_t size;

	if (!hex(v->test, "ikm", &ikm) || !hex(v->test, "salt", &salt) || !hex(v->test, "info", &info) ||
	    !hex(v->test, "okm", &okm) || !number(v->test, "size", DERIVED_MAX, &size))
		return malformed;
	if (bulla_buf_reserve(&out, (size_t)size + 1, NULL) != BULLA_OK) return failed("out of memory");
	bulla_code code = bulla_hkdf((bulla_mac)p->row, bulla_view_buf(&ikm), bulla_view_buf(&salt), bulla_view_buf(&info),
				     out.data, (size_t)size, NULL);
	/* An invalid one asks for too much and has no output to compare: it must be refused. */
	bool exact = v->expected == INVALID || same(bulla_view(out.data, (size_t)size), bulla_view_buf(&okm));
	return judge(v->expected, code, exact);
}

static outcome try_pbkdf2(const vector *v, const primitive *p)
{
	BULLA_BUF_AUTO bulla_buf password = { 0 }, salt = { 0 }, dk = { 0 }, out = { 0 };
	int64_t size, iterations;

	if (!hex(v->test, "password", &password) || !hex(v->test, "salt", &salt) || !hex(v->test, "dk", &dk) ||
	    !number(v->test, "dkLen", DERIVED_MAX, &size) || !number(v->test, "iterationCount", UINT32_MAX, &iterations))
		return malformed;
	if (bulla_buf_reserve(&out, (size_t)size + 1, NULL) != BULLA_OK) return failed("out of memory");
	bulla_code code = bulla_pbkdf2((bulla_mac)p->row, bulla_view_buf(&password), bulla_view_buf(&salt), (uint32_t)iterations,
				       out.data, (size_t)size, NULL);
	bool exact = v->expected == INVALID || same(bulla_view(out.data, (size_t)size), bulla_view_buf(&dk));
	return judge(v->expected, code, exact);
}

/* --- key wrap ---------------------------------------------------------------------------------------------------- */

static outcome try_keywrap(const vector *v, const primitive *p)
{
	BULLA_BUF_AUTO bulla_buf key = { 0 }, msg = { 0 }, ct = { 0 }, wrapped = { 0 }, unwrapped = { 0 };
	bool padded = p->row;

	if (!hex(v->test, "key", &key) || !hex(v->test, "msg", &msg) || !hex(v->test, "ct", &ct)) return malformed;
	bulla_code code = bulla_keywrap(bulla_view_buf(&key), padded, bulla_view_buf(&msg), &wrapped, NULL);
	outcome wrapping = judge(v->expected, code, same(bulla_view_buf(&wrapped), bulla_view_buf(&ct)));
	code = bulla_keyunwrap(bulla_view_buf(&key), padded, bulla_view_buf(&ct), &unwrapped, NULL);
	bool exact = v->expected == INVALID || same(bulla_view_buf(&unwrapped), bulla_view_buf(&msg));
	return both(v->expected, wrapping, judge(v->expected, code, exact));
}

/* --- signatures -------------------------------------------------------------------------------------------------- */

static outcome try_eddsa(const vector *v, const primitive *p)
{
	const bulla_json *key = bulla_json_member(v->group, "publicKey");
	BULLA_BUF_AUTO bulla_buf public_key = { 0 }, msg = { 0 }, sig = { 0 };
	bulla_bytes curve;
	(void)p;

	if (!key) key = bulla_json_member(v->group, "key"); /* the first schema's name */
	if (!bulla_json_string(bulla_json_member(key, "curve"), &curve)) return malformed;
	if (!bulla_bytes_is(curve, "edwards25519")) return skipped("this curve is not offered");
	if (!hex(key, "pk", &public_key) || public_key.len != 32 || !hex(v->test, "msg", &msg) || !hex(v->test, "sig", &sig))
		return malformed;
	return judge(v->expected, bulla_ed25519_verify(public_key.data, bulla_view_buf(&msg), bulla_view_buf(&sig), NULL), true);
}

/* --- the table --------------------------------------------------------------------------------------------------- */

static const primitive primitives[] = {
	{ "AES-GCM", try_aead, 0 },
	{ "CHACHA20-POLY1305", try_aead, 0 },
	{ "XCHACHA20-POLY1305", try_aead, 0 },
	{ "HMACSHA256", try_mac, BULLA_HMAC_SHA256 },
	{ "HMACSHA384", try_mac, BULLA_HMAC_SHA384 },
	{ "HMACSHA512", try_mac, BULLA_HMAC_SHA512 },
	{ "HMACSHA224", try_mac, BULLA_HMAC_SHA224 },
	{ "AES-CMAC", try_mac, BULLA_AES_CMAC },
	{ "HKDF-SHA-256", try_hkdf, BULLA_HMAC_SHA256 },
	{ "HKDF-SHA-384", try_hkdf, BULLA_HMAC_SHA384 },
	{ "HKDF-SHA-512", try_hkdf, BULLA_HMAC_SHA512 },
	{ "PBKDF2-HMACSHA256", try_pbkdf2, BULLA_HMAC_SHA256 },
	{ "PBKDF2-HMACSHA384", try_pbkdf2, BULLA_HMAC_SHA384 },
	{ "PBKDF2-HMACSHA512", try_pbkdf2, BULLA_HMAC_SHA512 },
	{ "AES-WRAP", try_keywrap, false },
	{ "AES-KWP", try_keywrap, true },
	{ "KW", try_keywrap, false }, /* the first schema's names of these two */
	{ "KWP", try_keywrap, true },
	{ "EDDSA", try_eddsa, 0 },
	{ "ECDSA", try_signature, 0 },
	{ "RSASSA-PKCS1-v1_5", try_signature, 1 },
	{ "RSASSA-PSS", try_signature, 2 },
	{ "RSAES-OAEP", try_oaep, 0 },
	{ "ECDH", try_ecdh, 0 },
};

const primitive *primitive_find(bulla_bytes algorithm)
{
	for (size_t i = 0; i < sizeof primitives / sizeof *primitives; i++)
		if (bulla_bytes_is(algorithm, primitives[i].algorithm)) return &primitives[i];
	return NULL;
}
