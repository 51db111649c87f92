/*
 * access_pair.c - draws new access keys.
 */
#include "kms/access_pair.h"
#include "base/text.h"
#include "crypto/lane.h"

#define ID_DIGITS    16
#define SECRET_BYTES 30

static bulla_code draw(bulla_lane *lane, bulla_access_pair *out, bulla_error *err)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	uint8_t id[ID_DIGITS];
	BULLA_SECRET secret = { 0 };
	TRY(bulla_random(lane, id, sizeof id, err));
	TRY(bulla_random(lane, secret.bytes, SECRET_BYTES, err));
	TRY(bulla_base64_encode(bulla_view(secret.bytes, SECRET_BYTES), &text, err));
	memcpy(out->id, "AKIA", 4);
	for (size_t i = 0; i < ID_DIGITS; i++)
		out->id[4 + i] = digits[id[i] % 32];
	out->id[sizeof out->id - 1] = 0;
	memcpy(out->secret, text.data, sizeof out->secret - 1);
	out->secret[sizeof out->secret - 1] = 0;
	return BULLA_OK;
}

bulla_code bulla_access_pair_make(bulla_access_pair *out, bulla_error *err)
{
	bulla_lane *lane = NULL;
	TRY(bulla_lane_new(&lane, err));
	bulla_code code = draw(lane, out, err);
	bulla_lane_free(lane);
	return code;
}
