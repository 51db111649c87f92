/*
 * public_keys.c - how one vector of a key pair's is tried: signatures verified, ciphertexts opened, secrets agreed on.
 *
 * What the vector asks for and AWS KMS does not have (another hash for a curve, a label, another salt) is skipped, not refused.
 */
#include "judge.h"

#include "../unit/crypto/der.h"
#include "crypto/pkey.h"

#include <stdio.h>

static bool text_is(const bulla_json *object, const char *name, const char *text)
{
	bulla_bytes found;
	return bulla_json_string(bulla_json_member(object, name), &found) && bulla_bytes_is(found, text);
}

/* The algorithm of ours that has that name in front and the group's hash behind: "SHA-256" is "SHA_256" there. */
static bool algorithm_of(const bulla_json *group, const char *front, bulla_algorithm *out)
{
	bulla_bytes sha;
	char name[64];

	if (!bulla_json_string(bulla_json_member(group, "sha"), &sha) || sha.len < 5 || sha.len > 16) return false;
	snprintf(name, sizeof name, "%s_SHA_%.*s", front, (int)sha.len - 4, (const char *)sha.data + 4);
	return bulla_algorithm_find(bulla_view_str(name), out);
}

/* The one spec that reads the key, private or public, and fits the algorithm. */
static bulla_pkey *key_of(bulla_algorithm algorithm, bool is_private, bulla_bytes der)
{
	for (bulla_spec spec = BULLA_SPEC_RSA_2048; spec <= BULLA_SPEC_ECC_NIST_EDWARDS25519; spec++) {
		bulla_pkey *key;
		if (bulla_algorithm_fits(algorithm, spec, bulla_algorithm_about(algorithm)->use) &&
		    (is_private ? bulla_pkey_read_private : bulla_pkey_read_public)(spec, der, &key, NULL) == BULLA_OK)
			return key;
	}
	return NULL;
}

/* --- signatures -------------------------------------------------------------------------------------------------- */

static bool has_our_padding(const bulla_json *group, bulla_algorithm algorithm)
{
	bulla_bytes sha, mgf_sha;
	int64_t salt;

	return text_is(group, "mgf", "MGF1") && bulla_json_string(bulla_json_member(group, "sha"), &sha) &&
	       bulla_json_string(bulla_json_member(group, "mgfSha"), &mgf_sha) && bulla_bytes_equal(sha, mgf_sha) &&
	       number(group, "sLen", 4096, &salt) && (size_t)salt == bulla_algorithm_about(algorithm)->digest_size;
}

outcome try_signature(const vector *v, const primitive *p)
{
	static const char *const fronts[] = { "ECDSA", "RSASSA_PKCS1_V1_5", "RSASSA_PSS" };
	BULLA_BUF_AUTO bulla_buf der = { 0 }, msg = { 0 }, sig = { 0 };
	bulla_algorithm algorithm;

	if (!hex(v->group, bulla_json_member(v->group, "publicKeyDer") ? "publicKeyDer" : "keyDer", &der) ||
	    !hex(v->test, "msg", &msg) || !hex(v->test, "sig", &sig))
		return malformed;
	if (!algorithm_of(v->group, fronts[p->row], &algorithm)) return skipped("this hash is not offered");
	if (p->row == 2 && !has_our_padding(v->group, algorithm)) return skipped("this padding is not offered");
	bulla_pkey *key = key_of(algorithm, false, bulla_view_buf(&der));
	if (!key) return skipped("this key is not offered, or not with this hash");
	bulla_code code = bulla_pkey_verify(key, algorithm, BULLA_MESSAGE_RAW, bulla_view_buf(&msg), bulla_view_buf(&sig), NULL);
	bulla_pkey_free(key);
	return judge(v->expected, code, true);
}

/* --- encryption -------------------------------------------------------------------------------------------------- */

outcome try_oaep(const vector *v, const primitive *p)
{
	BULLA_BUF_AUTO bulla_buf der = { 0 }, msg = { 0 }, ct = { 0 }, label = { 0 }, out = { 0 };
	bulla_bytes sha, mgf_sha;
	bulla_algorithm algorithm;
	(void)p;

	if (!hex(v->group, "privateKeyPkcs8", &der) || !hex(v->test, "msg", &msg) || !hex(v->test, "ct", &ct) ||
	    !hex(v->test, "label", &label) || !bulla_json_string(bulla_json_member(v->group, "sha"), &sha) ||
	    !bulla_json_string(bulla_json_member(v->group, "mgfSha"), &mgf_sha))
		return malformed;
	if (!algorithm_of(v->group, "RSAES_OAEP", &algorithm) || !bulla_bytes_equal(sha, mgf_sha))
		return skipped("this hash is not offered");
	if (label.len) return skipped("labels are not offered");
	bulla_pkey *key = key_of(algorithm, true, bulla_view_buf(&der));
	if (!key) return skipped("this key is not offered");
	bulla_code code = bulla_pkey_decrypt(key, algorithm, bulla_view_buf(&ct), &out, NULL);
	bulla_pkey_free(key);
	return judge(v->expected, code, v->expected == INVALID || same(bulla_view_buf(&out), bulla_view_buf(&msg)));
}

/* --- agreement --------------------------------------------------------------------------------------------------- */

static bool spec_of(const bulla_json *group, bulla_spec *out)
{
	static const struct {
		const char *curve;
		bulla_spec spec;
	} curves[] = {
		{ "secp256r1", BULLA_SPEC_ECC_NIST_P256 },
		{ "secp384r1", BULLA_SPEC_ECC_NIST_P384 },
		{ "secp521r1", BULLA_SPEC_ECC_NIST_P521 },
	};
	for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
		if (text_is(group, "curve", curves[i].curve)) {
			*out = curves[i].spec;
			return true;
		}
	return false;
}

outcome try_ecdh(const vector *v, const primitive *p)
{
	BULLA_BUF_AUTO bulla_buf peer = { 0 }, own = { 0 }, number_of_it = { 0 }, shared = { 0 }, out = { 0 };
	bulla_spec spec;
	bulla_pkey *key;
	(void)p;

	if (!spec_of(v->group, &spec)) return skipped("this curve is not offered");
	if (!text_is(v->group, "encoding", "asn")) return skipped("this encoding of keys is not offered");
	if (!hex(v->test, "public", &peer) || !hex(v->test, "private", &number_of_it) || !hex(v->test, "shared", &shared) ||
	    !der_put_private(&own, spec, bulla_view_buf(&number_of_it)) ||
	    bulla_pkey_read_private(spec, bulla_view_buf(&own), &key, NULL) != BULLA_OK)
		return malformed;
	bulla_code code = bulla_pkey_agree(key, bulla_view_buf(&peer), &out, NULL);
	bulla_pkey_free(key);
	return judge(v->expected, code, v->expected == INVALID || same(bulla_view_buf(&out), bulla_view_buf(&shared)));
}
