/*
 * pkey_agree.c - the shared secret of two key pairs on one curve.
 */
#include "crypto/pkey_inside.h"

#include "base/secret.h"
#include "crypto/fail.h"

static bool derive(EVP_PKEY *own, EVP_PKEY *peer, uint8_t *out, size_t *len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
	bool good = ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
		    EVP_PKEY_derive(ctx, out, len) == 1;

	EVP_PKEY_CTX_free(ctx);
	return good;
}

static bulla_code agree(const bulla_pkey *pkey, const bulla_pkey *peer, bulla_buf *out, bulla_error *err)
{
	size_t len = BULLA_PKEY_SHARED_MAX;

	TRY(bulla_buf_reserve(out, len, err));
	if (derive(pkey->evp, peer->evp, out->data + out->len, &len) && len == (bulla_spec_about(pkey->spec)->bits + 7) / 8) {
		out->len += len;
		return BULLA_OK;
	}
	bulla_wipe(out->data + out->len, BULLA_PKEY_SHARED_MAX);
	return bulla_crypto_fail(err, "agreeing on a shared secret");
}

bulla_code bulla_pkey_agree(const bulla_pkey *pkey, bulla_bytes peer, bulla_buf *out, bulla_error *err)
{
	bulla_pkey *other;

	TRY(bulla_pkey_allow(pkey, BULLA_ALGORITHM_ECDH, BULLA_USE_KEY_AGREEMENT, true, err));
	TRY(bulla_pkey_read_public(pkey->spec, peer, &other, err));
	bulla_code code = agree(pkey, other, out, err);
	bulla_pkey_free(other);
	return code;
}
