/*
 * lane.c - a thread's kept contexts: their making and unmaking, random bytes, SHA-256 and HMAC-SHA-256.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/lane.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/sha.h>
#include <sodium.h>
#include <stddef.h>
#include <stdlib.h>

#include "crypto/fail.h"
#include "crypto/lane_inside.h"
#include "crypto/remembered.h"

static bulla_code make_hmac(bulla_lane *lane, bulla_error *err)
{
	const OSSL_PARAM with_sha256[] = {
		OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){ "SHA256" }, sizeof "SHA256" - 1),
		OSSL_PARAM_END,
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	lane->hmac = mac ? EVP_MAC_CTX_new(mac) : NULL;
	lane->hmac_blank = true;
	bool good = lane->hmac && EVP_MAC_CTX_set_params(lane->hmac, with_sha256) == 1;
	EVP_MAC_free(mac); /* the context holds its own reference */
	return good ? BULLA_OK : bulla_crypto_fail(err, "preparing HMAC-SHA-256");
}

static bulla_code make_ciphers(bulla_lane *lane, const bulla_backend *backend, bulla_error *err)
{
	static const size_t sizes[BULLA_GCM_SIZES] = { [BULLA_GCM_256] = 32, [BULLA_GCM_192] = 24, [BULLA_GCM_128] = 16 };

	for (size_t i = 0; i < BULLA_GCM_SIZES; i++) {
		TRY(bulla_gcm_init(&lane->gcm_seal[i], backend, sizes[i], true, err));
		TRY(bulla_gcm_init(&lane->gcm_open[i], backend, sizes[i], false, err));
	}
	TRY(bulla_xaes_init(&lane->xaes_seal, backend, true, err));
	return bulla_xaes_init(&lane->xaes_open, backend, false, err);
}

/* --- secrets --------------------------------------------------------------------------------------------------- */

/* Takes `size` bytes from the pages; NULL where there are none. */
static void *take(uint8_t **at, size_t size)
{
	uint8_t *taken = *at;
	if (taken) *at += size;
	return size ? taken : NULL;
}

static size_t schedules_at(void)
{
	return (sizeof(bulla_lane_secrets) + BULLA_SCHEDULE_ALIGN - 1) / BULLA_SCHEDULE_ALIGN * BULLA_SCHEDULE_ALIGN;
}

/* Every GCM of the lane remembers its key in `s`, with its schedule behind; or nowhere, where `s` is NULL. */
static void place(bulla_lane *lane, bulla_lane_secrets *s)
{
	size_t size = bulla_gcm_schedule_size(&lane->gcm_seal[0]);
	uint8_t *at = s ? (uint8_t *)s + schedules_at() : NULL;

	lane->secrets = s;
	for (size_t i = 0; i < BULLA_GCM_SIZES; i++) {
		bulla_gcm_place(&lane->gcm_seal[i], s ? &s->gcm_seal[i] : NULL, take(&at, size));
		bulla_gcm_place(&lane->gcm_open[i], s ? &s->gcm_open[i] : NULL, take(&at, size));
	}
	bulla_xaes_place(&lane->xaes_seal, s ? &s->xaes_seal : NULL, take(&at, size));
	bulla_xaes_place(&lane->xaes_open, s ? &s->xaes_open : NULL, take(&at, size));
}

static bulla_code map_secrets(bulla_lane *lane, bulla_error *err)
{
	enum { SCHEDULES = 2 * BULLA_GCM_SIZES + 2 };
	TRY(bulla_pages_map(schedules_at() + SCHEDULES * bulla_gcm_schedule_size(&lane->gcm_seal[0]), &lane->pages, err));
	place(lane, (bulla_lane_secrets *)(void *)lane->pages.data);
	return BULLA_OK;
}

/* In a child: what lay there is not there. */
static void leave_secrets(bulla_lane *lane)
{
	bulla_pages_abandon(&lane->pages);
	place(lane, NULL);
}

/* OpenSSL's contexts too: the heap that they lie on is inherited. */
static void forget_contexts(bulla_lane *lane)
{
	static const uint8_t zeros[BULLA_KEY_SIZE];

	for (size_t i = 0; i < BULLA_GCM_SIZES; i++) {
		bulla_gcm_forget(&lane->gcm_seal[i]);
		bulla_gcm_forget(&lane->gcm_open[i]);
	}
	bulla_xaes_forget(&lane->xaes_seal);
	bulla_xaes_forget(&lane->xaes_open);
	lane->hmac_keyed = false;
	if (!lane->hmac_blank) lane->hmac_blank = EVP_MAC_init(lane->hmac, zeros, sizeof zeros, NULL) == 1;
}

bulla_code bulla_lane_renew(bulla_lane *lane, bulla_error *err)
{
	leave_secrets(lane);
	forget_contexts(lane);
	TRY(map_secrets(lane, err));
	lane->here->random_left = 0;
	bulla_fork_mark_take(&lane->here->mark);
	return BULLA_OK;
}

void bulla_lane_forget(bulla_lane *lane)
{
	bool ours = bulla_fork_mark_is_ours(&lane->here->mark);
	if (!ours) leave_secrets(lane);
	forget_contexts(lane);
	if (ours) bulla_wipe(lane->secrets, offsetof(bulla_lane_secrets, random));
}

/* --- life ------------------------------------------------------------------------------------------------------ */

static bulla_code make_all(bulla_lane *lane, const bulla_backend *backend, bulla_error *err)
{
	if (sodium_init() < 0) return bulla_fail(err, BULLA_ERR_CRYPTO, "preparing libsodium failed");
	TRY(bulla_fork_page_new(sizeof *lane->here, &lane->here, err));
	TRY(make_hmac(lane, err));
	TRY(make_ciphers(lane, backend, err));
	return map_secrets(lane, err);
}

bulla_code bulla_lane_new_with(const bulla_backend *backend, bulla_lane **out, bulla_error *err)
{
	bulla_lane *lane = calloc(1, sizeof *lane);
	if (!lane) return bulla_fail_memory(err);
	bulla_code code = make_all(lane, backend, err);
	if (code != BULLA_OK) {
		bulla_lane_free(lane);
		return code;
	}
	*out = lane;
	return BULLA_OK;
}

bulla_code bulla_lane_new(bulla_lane **out, bulla_error *err)
{
	return bulla_lane_new_with(NULL, out, err);
}

void bulla_lane_free(bulla_lane *lane)
{
	if (!lane) return;
	for (size_t i = 0; i < BULLA_GCM_SIZES; i++) {
		bulla_gcm_done(&lane->gcm_seal[i]);
		bulla_gcm_done(&lane->gcm_open[i]);
	}
	bulla_xaes_done(&lane->xaes_seal);
	bulla_xaes_done(&lane->xaes_open);
	EVP_MAC_CTX_free(lane->hmac);
	if (lane->here && bulla_fork_mark_is_ours(&lane->here->mark))
		bulla_pages_unmap(&lane->pages);
	else
		bulla_pages_abandon(&lane->pages);
	bulla_fork_page_free(lane->here, sizeof *lane->here);
	free(lane);
}

bulla_code bulla_random(bulla_lane *lane, void *out, size_t n, bulla_error *err)
{
	TRY(bulla_lane_enter(lane, err));
	return bulla_random_draw(lane->secrets->random, &lane->here->random_left, out, n, err);
}

/* Short parts copied together: one call into OpenSSL is cheaper than four. */
typedef struct gathered {
	bulla_bytes whole;
	uint8_t bytes[256];
} gathered;

static void gathered_wipe(gathered *g)
{
	bulla_wipe(g->bytes, g->whole.len);
}

#define GATHERED __attribute__((cleanup(gathered_wipe))) gathered

/* The parts to feed instead: one when they fit together into `g`, else as they came. */
static const bulla_bytes *gather(const bulla_bytes *parts, size_t *n, gathered *g)
{
	g->whole = (bulla_bytes){ g->bytes, 0 };
	if (*n < 2) return parts;
	for (size_t i = 0; i < *n; i++) {
		if (parts[i].len > sizeof g->bytes - g->whole.len) return parts;
		if (parts[i].len) memcpy(g->bytes + g->whole.len, parts[i].data, parts[i].len);
		g->whole.len += parts[i].len;
	}
	*n = 1;
	return &g->whole;
}

static void sha256_wipe(SHA256_CTX *c)
{
	bulla_wipe(c, sizeof *c);
}

enum { SHORT_BLOCKS = 4, SHORT_MAX = SHORT_BLOCKS * SHA256_CBLOCK - 1 - 8 };

static void put_digest(const SHA256_CTX *c, uint8_t out[static 32])
{
	for (size_t i = 0; i < 8; i++)
		bulla_put_u32(out + 4 * i, c->h[i]);
}

/* A message of up to SHORT_MAX bytes, ended as FIPS 180-4, 5.1.1 has it: 0x80, zeros, its length in bits. In whole blocks nothing of it stays
 * in the context. */
static bool hash_short(const bulla_bytes *parts, size_t n, size_t len, uint8_t out[static 32])
{
	uint8_t blocks[SHORT_BLOCKS * SHA256_CBLOCK], *at = blocks;
	size_t size = (len + 1 + 8 + SHA256_CBLOCK - 1) / SHA256_CBLOCK * SHA256_CBLOCK;
	SHA256_CTX c;

	for (size_t i = 0; i < n; at += parts[i++].len)
		if (parts[i].len) memcpy(at, parts[i].data, parts[i].len);
	*at++ = 0x80;
	memset(at, 0, size - len - 1 - 8);
	bulla_put_u64(blocks + size - 8, 8 * (uint64_t)len);
	bool good = SHA256_Init(&c) == 1 && SHA256_Update(&c, blocks, size) == 1;
	bulla_wipe(blocks, size);
	if (good) put_digest(&c, out);
	return good;
}

static bool hash_long(const bulla_bytes *parts, size_t n, uint8_t out[static 32])
{
	__attribute__((cleanup(sha256_wipe))) SHA256_CTX c;
	bool good = SHA256_Init(&c) == 1;

	for (size_t i = 0; i < n && good; i++)
		good = parts[i].len == 0 || SHA256_Update(&c, parts[i].data, parts[i].len) == 1;
	return good && SHA256_Final(out, &c) == 1;
}

/* OpenSSL's own functions for SHA-256, without EVP: for messages of two blocks, of which a record has three or four, EVP's way in and out
 * takes as long as the hashing. They are deprecated for what they do not offer (engines, providers, a choice at run time). Joining parts and
 * ending the message takes them another third of that, so short ones come in whole blocks. */
bulla_code bulla_sha256(bulla_lane *lane, const bulla_bytes *parts, size_t n, uint8_t out[static 32], bulla_error *err)
{
	size_t len = 0;
	(void)lane; /* nothing is kept between messages */

	for (size_t i = 0; i < n; i++)
		len = parts[i].len > SHORT_MAX ? SHORT_MAX + 1 : len + parts[i].len;
	if (len <= SHORT_MAX ? hash_short(parts, n, len, out) : hash_long(parts, n, out)) return BULLA_OK;
	return bulla_crypto_fail(err, "hashing with SHA-256");
}

/* Starts a message; without a key where `key` is the one that the context has. */
static bool begin_hmac(bulla_lane *lane, const uint8_t key[static BULLA_KEY_SIZE])
{
	bool same = lane->hmac_keyed && bulla_key_remembered(lane->secrets->hmac.bytes, key, BULLA_KEY_SIZE);

	lane->hmac_keyed = lane->hmac_blank = false;
	if (EVP_MAC_init(lane->hmac, same ? NULL : key, same ? 0 : BULLA_KEY_SIZE, NULL) != 1) return false;
	if (!same) memcpy(lane->secrets->hmac.bytes, key, BULLA_KEY_SIZE);
	lane->hmac_keyed = true;
	return true;
}

bulla_code bulla_hmac_sha256(bulla_lane *lane, const uint8_t key[static BULLA_KEY_SIZE], const bulla_bytes *parts, size_t n,
			     uint8_t out[static 32], bulla_error *err)
{
	TRY(bulla_lane_enter(lane, err));
	GATHERED together;
	const bulla_bytes *part = gather(parts, &n, &together);
	bool good = begin_hmac(lane, key);
	size_t len;

	for (size_t i = 0; i < n && good; i++)
		good = part[i].len == 0 || EVP_MAC_update(lane->hmac, part[i].data, part[i].len) == 1;
	if (good && EVP_MAC_final(lane->hmac, out, &len, 32) == 1) return BULLA_OK;
	lane->hmac_keyed = false;
	return bulla_crypto_fail(err, "authenticating with HMAC-SHA-256");
}
