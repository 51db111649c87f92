/*
 * constant_time.c - what handles secrets under valgrind's memcheck: secrets are marked undefined, so a branch or an address that depends on one is
 * reported, as by ctgrind.
 *
 *     constant_time          runs every check; valgrind must report nothing
 *     constant_time leak     compares with memcmp()'s early end; valgrind must report it
 *
 * A result is declared defined before it is looked at: that it is known is its purpose.
 */
#include "base/bytes.h"
#include "crypto/lane_inside.h"
#include "crypto/remembered.h"
#include "format/field.h"
#include "format/wrapped_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <valgrind/memcheck.h>

static int failures;

/* The answer of a check, which may be known, must be `wanted`. */
static void expect(const char *what, size_t got, size_t wanted)
{
	VALGRIND_MAKE_MEM_DEFINED(&got, sizeof got);
	if (got == wanted) return;
	printf("%s: %zu, not %zu\n", what, got, wanted);
	failures++;
}

static void fill(uint8_t *out, size_t n, uint8_t with)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(with + i * 7);
}

static void compare(void)
{
	uint8_t secret[80], known[80];
	for (size_t n = 0; n <= sizeof secret; n++)
		for (size_t differs = 0; differs <= n; differs++) {
			fill(secret, sizeof secret, 3);
			fill(known, sizeof known, 3);
			if (differs < n) secret[differs] ^= 0x10;
			VALGRIND_MAKE_MEM_UNDEFINED(secret, sizeof secret);
			expect("bulla_equal_ct", bulla_equal_ct(secret, known, n), differs == n);
			expect("bulla_equal_ct", bulla_equal_ct(known, secret, n), differs == n);
			VALGRIND_MAKE_MEM_DEFINED(secret, sizeof secret);
		}
}

static void remembered(void)
{
	uint8_t kept[32], key[32];
	for (size_t differs = 0; differs <= sizeof key; differs++) {
		fill(kept, sizeof kept, 9);
		fill(key, sizeof key, 9);
		if (differs < sizeof key) key[differs] ^= 1;
		VALGRIND_MAKE_MEM_UNDEFINED(kept, sizeof kept);
		VALGRIND_MAKE_MEM_UNDEFINED(key, sizeof key);
		expect("bulla_key_remembered", bulla_key_remembered(kept, key, sizeof key), differs == sizeof key);
	}
}

static void unpad(void)
{
	uint8_t plain[96], padded[128];
	for (uint32_t block = 16; block <= 64; block *= 2)
		for (size_t len = 0; len < sizeof plain - block; len++) {
			fill(plain, sizeof plain, 0x80);
			size_t size = bulla_field_padded_size(len, block);
			bulla_field_pad(bulla_view(plain, len), block, padded);
			VALGRIND_MAKE_MEM_UNDEFINED(padded, size);
			expect("bulla_field_unpadded_size", bulla_field_unpadded_size(padded, size), len);
		}
	VALGRIND_MAKE_MEM_DEFINED(padded, sizeof padded);
	memset(padded, 0, sizeof padded);
	VALGRIND_MAKE_MEM_UNDEFINED(padded, sizeof padded);
	expect("padding that is none", bulla_field_unpadded_size(padded, sizeof padded), SIZE_MAX);
}

static void commitment(bulla_lane *lane)
{
	uint8_t key[BULLA_KEY_SIZE], made[BULLA_COMMITMENT_SIZE];
	bulla_bytes context = bulla_view("\0\1\0\1a\0\1b", 8);
	for (int change = 0; change < 2; change++) {
		bool fits = false;
		fill(key, sizeof key, 1);
		if (bulla_commitment(lane, context, key, made, NULL)) abort();
		key[31] ^= (uint8_t)change;
		VALGRIND_MAKE_MEM_UNDEFINED(key, sizeof key);
		bulla_code code = bulla_commitment_fits(lane, context, key, made, &fits, NULL);
		expect("bulla_commitment_fits", fits, !change);
		expect("bulla_commitment_fits", code, BULLA_OK);
	}
}

/* The doubling in GF(2^128) has a carry that depends on the key. */
static void derive(bulla_lane *lane)
{
	uint8_t key[BULLA_KEY_SIZE];
	bulla_secret out;
	fill(key, sizeof key, 5);
	VALGRIND_MAKE_MEM_UNDEFINED(key, sizeof key);
	bulla_code code = bulla_xaes_derive(&lane->xaes_seal, key, (const uint8_t *)"ABCDEFGHIJKL", &out, NULL);
	expect("bulla_xaes_derive", code, BULLA_OK);
}

/* AES and GHASH by instructions, not by tables: of the back end that `choice` names, where it is there. */
static void encrypt(const char *choice)
{
	uint8_t key[BULLA_KEY_SIZE], nonce[12] = { 0 }, plain[100], sealed[sizeof plain + BULLA_TAG_SIZE];
	bulla_backend *backend = NULL;
	bulla_lane *lane = NULL;
	if (bulla_backend_new(choice, &backend, NULL)) return;
	if (bulla_lane_new_with(backend, &lane, NULL)) abort();
	fill(key, sizeof key, 11);
	fill(plain, sizeof plain, 13);
	VALGRIND_MAKE_MEM_UNDEFINED(key, sizeof key);
	VALGRIND_MAKE_MEM_UNDEFINED(plain, sizeof plain);
	bulla_code code = bulla_gcm_seal(&lane->gcm_seal[BULLA_GCM_256], key, bulla_view(nonce, sizeof nonce),
					 bulla_view(nonce, 5), bulla_view(plain, sizeof plain), sealed, NULL);
	expect("bulla_gcm_seal", code, BULLA_OK);
	bulla_lane_free(lane);
	bulla_backend_free(backend);
}

/* What must not pass: an end at the first difference. */
static void leak(void)
{
	volatile uint8_t secret[8] = { 1, 2, 3 }, known[8] = { 1, 2, 4 };
	size_t n = 0;
	VALGRIND_MAKE_MEM_UNDEFINED((uint8_t *)(uintptr_t)secret, sizeof secret);
	while (n < sizeof secret && secret[n] == known[n])
		n++;
	expect("leak", n, 2);
}

int main(int argc, char **argv)
{
	(void)argv;
	bulla_lane *lane = NULL;
	if (argc > 1) {
		leak();
		return 0;
	}
	if (bulla_lane_new(&lane, NULL)) return 1;
	compare();
	remembered();
	unpad();
	commitment(lane);
	derive(lane);
	encrypt("openssl");
	encrypt("ipsec-mb");
	bulla_lane_free(lane);
	return failures ? 1 : 0;
}
