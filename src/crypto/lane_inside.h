/*
 * lane_inside.h - what a lane holds, for the files of this room.
 */
#ifndef CRYPTO_LANE_INSIDE_H
#define CRYPTO_LANE_INSIDE_H

#include "base/pages.h"
#include "crypto/lane.h"
#include "crypto/random.h"
#include "crypto/xaes.h"

/* The key sizes of AES-GCM, as places in a lane. */
typedef enum bulla_gcm_size { BULLA_GCM_256, BULLA_GCM_192, BULLA_GCM_128, BULLA_GCM_SIZES } bulla_gcm_size;

/* On secret pages, which a child does not have. */
typedef struct bulla_lane_secrets {
	bulla_secret hmac, gcm_seal[BULLA_GCM_SIZES], gcm_open[BULLA_GCM_SIZES]; /* the last key of each */
	bulla_xaes_keys xaes_seal, xaes_open;
	uint8_t random[BULLA_RANDOM_BYTES];
} bulla_lane_secrets;

/* Behind it the key schedules of a back end that leaves them to us. */
_Static_assert(sizeof(bulla_lane_secrets) <= 4096, "a lane on OpenSSL locks one page, one on libipsec-mb four");

/* One page that a child finds zeroed. */
typedef struct bulla_lane_mark {
	bulla_fork_mark mark;
	size_t random_left; /* the last ones of `random` that are unused */
} bulla_lane_mark;

struct bulla_lane {
	bulla_lane_mark *here;
	bulla_pages pages;
	bulla_lane_secrets *secrets; /* on `pages` */
	EVP_MAC_CTX *hmac;
	bool hmac_blank; /* `hmac` has had no key since the last bulla_lane_forget() */
	bool hmac_keyed; /* secrets->hmac is what `hmac` is keyed with */
	bulla_gcm gcm_seal[BULLA_GCM_SIZES], gcm_open[BULLA_GCM_SIZES];
	bulla_xaes xaes_seal, xaes_open;
};

/* In a child: a secret page of its own, and contexts without keys. MEMORY. */
BULLA_MUST bulla_code bulla_lane_renew(bulla_lane *lane, bulla_error *err);

/* Before anything that touches `secrets`. */
static inline bulla_code bulla_lane_enter(bulla_lane *lane, bulla_error *err)
{
	return bulla_fork_mark_is_ours(&lane->here->mark) ? BULLA_OK : bulla_lane_renew(lane, err);
}

#endif
