/*
 * lane_inside.h - what a lane holds, for the files of this room.
 */
#ifndef CRYPTO_LANE_INSIDE_H
#define CRYPTO_LANE_INSIDE_H

#include "crypto/lane.h"
#include "crypto/random.h"
#include "crypto/xaes.h"

/* The key sizes of AES-GCM, as places in a lane. */
typedef enum bulla_gcm_size { BULLA_GCM_256, BULLA_GCM_192, BULLA_GCM_128, BULLA_GCM_SIZES } bulla_gcm_size;

struct bulla_lane {
	bulla_random_source random;
	EVP_MAC_CTX *hmac;
	bool hmac_keyed; /* `hmac_key` is what `hmac` is keyed with */
	uint8_t hmac_key[BULLA_KEY_SIZE];
	bulla_gcm gcm_seal[BULLA_GCM_SIZES], gcm_open[BULLA_GCM_SIZES];
	bulla_xaes xaes_seal, xaes_open;
};

#endif
