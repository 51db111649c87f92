/*
 * sign_prehash.c - Ed25519ph on libsodium's scalars and points: its own Ed25519ph wants the message, not the digest that a KMS is given.
 */
#include "crypto/sign.h"

#include <sodium.h>

enum { SCALAR = crypto_core_ed25519_SCALARBYTES, POINT = crypto_core_ed25519_BYTES, HASH = crypto_hash_sha512_BYTES };
_Static_assert(SCALAR == 32 && POINT == 32 && HASH == BULLA_PREHASH_SIZE, "sizes of RFC 8032");

/* What signing needs of the key and must not leave behind. */
typedef struct work {
	uint8_t hash[HASH]; /* of the seed: the scalar, then the prefix */
	uint8_t wide[2 * SCALAR];
	uint8_t secret[SCALAR]; /* the key's scalar below the order of the group */
	uint8_t nonce[SCALAR];
} work;

static void work_wipe(work *w)
{
	bulla_wipe(w, sizeof *w);
}

/* SHA-512(dom2(1, "") ‖ parts) as a scalar, section 5.1. */
static void hash_to_scalar(const bulla_bytes *parts, size_t n, uint8_t out[static SCALAR])
{
	static const uint8_t dom2[] = "SigEd25519 no Ed25519 collisions\x01"; /* with its NUL: a context of no bytes */
	crypto_hash_sha512_state state;
	uint8_t hash[HASH];

	crypto_hash_sha512_init(&state);
	crypto_hash_sha512_update(&state, dom2, sizeof dom2);
	for (size_t i = 0; i < n; i++)
		crypto_hash_sha512_update(&state, parts[i].data, parts[i].len);
	crypto_hash_sha512_final(&state, hash);
	crypto_core_ed25519_scalar_reduce(out, hash);
	bulla_wipe(&state, sizeof state);
	bulla_wipe(hash, sizeof hash);
}

static void expand(const uint8_t seed[static 32], work *w)
{
	crypto_hash_sha512(w->hash, seed, 32);
	memset(w->wide, 0, sizeof w->wide);
	memcpy(w->wide, w->hash, SCALAR);
	w->wide[0] &= 0xf8;
	w->wide[31] = (w->wide[31] & 0x7f) | 0x40;
	crypto_core_ed25519_scalar_reduce(w->secret, w->wide);
}

bulla_code bulla_ed25519ph_sign(const uint8_t seed[static 32], const uint8_t prehash[static BULLA_PREHASH_SIZE],
				uint8_t ret_signature[static BULLA_SIGNATURE_SIZE], bulla_error *err)
{
	__attribute__((cleanup(work_wipe))) work w;
	uint8_t public_key[POINT], point[POINT], challenge[SCALAR];

	TRY(bulla_ed25519_public(seed, public_key, err));
	expand(seed, &w);
	const bulla_bytes once[] = { bulla_view(w.hash + SCALAR, HASH - SCALAR), bulla_view(prehash, HASH) };
	hash_to_scalar(once, 2, w.nonce);
	if (crypto_scalarmult_ed25519_base_noclamp(point, w.nonce) != 0)
		return bulla_fail(err, BULLA_ERR_CRYPTO, "signing with Ed25519ph failed");
	const bulla_bytes asked[] = { bulla_view(point, POINT), bulla_view(public_key, POINT), bulla_view(prehash, HASH) };
	hash_to_scalar(asked, 3, challenge);
	memcpy(ret_signature, point, POINT);
	crypto_core_ed25519_scalar_mul(w.wide, challenge, w.secret);
	crypto_core_ed25519_scalar_add(ret_signature + POINT, w.wide, w.nonce);
	return BULLA_OK;
}

/* A scalar has one form: a signature plus the order of the group would be a second signature. */
static bool is_canonical(const uint8_t scalar[static SCALAR])
{
	uint8_t wide[2 * SCALAR] = { 0 }, reduced[SCALAR];

	memcpy(wide, scalar, SCALAR);
	crypto_core_ed25519_scalar_reduce(reduced, wide);
	return bulla_equal_ct(reduced, scalar, SCALAR);
}

/* [S]B - [k]A is R. libsodium refuses points of small order, off the curve and outside the group. */
static bool fits(const uint8_t public_key[static POINT], const uint8_t *prehash, const uint8_t *signature)
{
	uint8_t challenge[SCALAR], left[POINT], right[POINT], point[POINT];
	const bulla_bytes asked[] = { bulla_view(signature, POINT), bulla_view(public_key, POINT), bulla_view(prehash, HASH) };

	hash_to_scalar(asked, 3, challenge);
	return is_canonical(signature + POINT) && crypto_scalarmult_ed25519_base_noclamp(left, signature + POINT) == 0 &&
	       crypto_scalarmult_ed25519_noclamp(right, challenge, public_key) == 0 &&
	       crypto_core_ed25519_sub(point, left, right) == 0 && bulla_equal_ct(point, signature, POINT);
}

bulla_code bulla_ed25519ph_verify(const uint8_t public_key[static 32], const uint8_t prehash[static BULLA_PREHASH_SIZE],
				  bulla_bytes signature, bulla_error *err)
{
	if (signature.len == BULLA_SIGNATURE_SIZE && fits(public_key, prehash, signature.data)) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_AUTH, "the signature does not fit the key and the message");
}
