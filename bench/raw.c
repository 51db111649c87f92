/*
 * raw.c - a bare OpenSSL loop over records, against which the library is measured.
 */
#include "raw.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KEY = 32, TAG = 16, NONCE = 12, CONTEXT = 40, PART = 20, FIELD_MIN = 5, FIELD_MAX = 17, RANDOM = 4096, PASSES = 5 };

static const char commit_text[16] = "bulla commit v1"; /* with its NUL */
static const char part_text[14] = "bulla part v1";
static const char wrap_text[14] = "bulla wrap v1";
static const char field_text[15] = "bulla field v1";

typedef struct field {
	uint8_t len;
	uint8_t plain[FIELD_MAX];
	uint8_t nonce[NONCE];
	uint8_t sealed[FIELD_MAX + TAG];
} field;

typedef struct record {
	uint8_t context[CONTEXT];
	uint8_t commitment[32];
	uint8_t checks[2][2];
	uint8_t wrapped[KEY + TAG];
	field fields[2];
} record;

/* A branch key: AES-256 under it, and K1. */
typedef struct branch {
	EVP_CIPHER_CTX *ecb;
	uint8_t k1[16];
	uint8_t associated[70]; /* all but its last 32 bytes, the commitment, are constant */
} branch;

typedef struct kit {
	EVP_CIPHER_CTX *seal, *open;
	EVP_MD_CTX *sha256;
	branch branches[2];
	uint8_t field_associated[2][77]; /* all but the last 40 bytes, the context, are constant */
	uint8_t random[RANDOM];
	size_t random_left;
	bool good;
} kit;

static void must(bool good)
{
	if (good) return;
	fprintf(stderr, "bench: the raw OpenSSL loop failed\n");
	exit(1);
}

/* --- the pieces of a record -------------------------------------------------------------------------------------- */

static void draw(kit *k, uint8_t *out, size_t n)
{
	if (k->random_left < n) {
		k->good &= RAND_bytes(k->random, RANDOM) == 1;
		k->random_left = RANDOM;
	}
	uint8_t *from = k->random + RANDOM - k->random_left;
	memcpy(out, from, n);
	OPENSSL_cleanse(from, n);
	k->random_left -= n;
}

static void sha256(kit *k, const uint8_t *in, size_t n, uint8_t out[static 32])
{
	k->good &= EVP_DigestInit_ex2(k->sha256, NULL, NULL) == 1 && EVP_DigestUpdate(k->sha256, in, n) == 1 &&
		   EVP_DigestFinal_ex(k->sha256, out, NULL) == 1;
}

static void commit(kit *k, const record *r, const uint8_t key[static KEY], uint8_t out[static 32])
{
	uint8_t in[sizeof commit_text + CONTEXT + KEY];

	memcpy(in, commit_text, sizeof commit_text);
	memcpy(in + sizeof commit_text, r->context, CONTEXT);
	memcpy(in + sizeof commit_text + CONTEXT, key, KEY);
	sha256(k, in, sizeof in, out);
	OPENSSL_cleanse(in + sizeof commit_text + CONTEXT, KEY);
}

static void check(kit *k, record *r, size_t which)
{
	uint8_t in[sizeof part_text + 32 + PART], digest[32];

	memcpy(in, part_text, sizeof part_text);
	memcpy(in + sizeof part_text, r->commitment, 32);
	memcpy(in + sizeof part_text + 32, r->context + which * PART, PART);
	sha256(k, in, sizeof in, digest);
	memcpy(r->checks[which], digest, 2);
}

/* `key` is NULL for the one that the context has. */
static void gcm_seal(kit *k, const uint8_t *key, const uint8_t *nonce, const uint8_t *associated, size_t associated_len,
		     const uint8_t *plain, size_t len, uint8_t *out)
{
	OSSL_PARAM tag[] = { OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, out + len, TAG), OSSL_PARAM_END };
	int n;

	k->good &= EVP_EncryptInit_ex2(k->seal, NULL, key, nonce, NULL) == 1 &&
		   EVP_EncryptUpdate(k->seal, NULL, &n, associated, (int)associated_len) == 1 &&
		   EVP_EncryptUpdate(k->seal, out, &n, plain, (int)len) == 1 &&
		   EVP_EncryptFinal_ex(k->seal, out + len, &n) == 1 && EVP_CIPHER_CTX_get_params(k->seal, tag) == 1;
}

static void gcm_open(kit *k, const uint8_t *key, const uint8_t *nonce, const uint8_t *associated, size_t associated_len,
		     const uint8_t *sealed, size_t len, uint8_t *out)
{
	const OSSL_PARAM tag[] = { OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, (void *)(sealed + len), TAG),
				   OSSL_PARAM_END };
	uint8_t nothing[TAG];
	int n;

	k->good &= EVP_DecryptInit_ex2(k->open, NULL, key, nonce, tag) == 1 &&
		   EVP_DecryptUpdate(k->open, NULL, &n, associated, (int)associated_len) == 1 &&
		   EVP_DecryptUpdate(k->open, out, &n, sealed, (int)len) == 1 && EVP_DecryptFinal_ex(k->open, nothing, &n) == 1;
}

/* XAES-256-GCM's derived key. */
static void derive(kit *k, const branch *b, const uint8_t nonce[static NONCE], uint8_t out[static KEY])
{
	int n;

	for (size_t i = 0; i < 2; i++) {
		uint8_t *m = out + 16 * i;
		memcpy(m, (const uint8_t[]){ 0, (uint8_t)(i + 1), 'X', 0 }, 4);
		memcpy(m + 4, nonce, NONCE);
		for (size_t j = 0; j < 16; j++)
			m[j] ^= b->k1[j];
	}
	k->good &= EVP_EncryptUpdate(b->ecb, out, &n, out, KEY) == 1;
}

static void wrap(kit *k, branch *b, record *r, const uint8_t key[static KEY])
{
	uint8_t derived[KEY];

	derive(k, b, r->commitment, derived);
	memcpy(b->associated + sizeof b->associated - 32, r->commitment, 32);
	gcm_seal(k, derived, r->commitment + NONCE, b->associated, sizeof b->associated, key, KEY, r->wrapped);
	OPENSSL_cleanse(derived, KEY);
}

static void unwrap(kit *k, branch *b, const record *r, uint8_t key[static KEY])
{
	uint8_t derived[KEY], commitment[32];

	derive(k, b, r->commitment, derived);
	memcpy(b->associated + sizeof b->associated - 32, r->commitment, 32);
	gcm_open(k, derived, r->commitment + NONCE, b->associated, sizeof b->associated, r->wrapped, KEY, key);
	OPENSSL_cleanse(derived, KEY);
	commit(k, r, key, commitment);
	k->good &= CRYPTO_memcmp(commitment, r->commitment, 32) == 0;
}

static const uint8_t *field_associated(kit *k, const record *r, size_t which)
{
	uint8_t *associated = k->field_associated[which];
	memcpy(associated + sizeof k->field_associated[which] - CONTEXT, r->context, CONTEXT);
	return associated;
}

/* --- one record -------------------------------------------------------------------------------------------------- */

static void seal(kit *k, record *r)
{
	uint8_t key[KEY];

	draw(k, key, KEY);
	commit(k, r, key, r->commitment);
	check(k, r, 0);
	check(k, r, 1);
	wrap(k, &k->branches[0], r, key);
	for (size_t i = 0; i < 2; i++) {
		field *f = &r->fields[i];
		draw(k, f->nonce, NONCE);
		gcm_seal(k, i == 0 ? key : NULL, f->nonce, field_associated(k, r, i), sizeof k->field_associated[i], f->plain,
			 f->len, f->sealed);
	}
	OPENSSL_cleanse(key, KEY);
}

static void open(kit *k, record *r)
{
	uint8_t key[KEY];

	unwrap(k, &k->branches[0], r, key);
	for (size_t i = 0; i < 2; i++) {
		field *f = &r->fields[i];
		gcm_open(k, i == 0 ? key : NULL, f->nonce, field_associated(k, r, i), sizeof k->field_associated[i], f->sealed,
			 f->len, f->plain);
	}
	OPENSSL_cleanse(key, KEY);
}

static void rewrap(kit *k, record *r)
{
	uint8_t key[KEY];

	unwrap(k, &k->branches[0], r, key);
	wrap(k, &k->branches[1], r, key);
	OPENSSL_cleanse(key, KEY);
}

/* --- making the kit and the records ------------------------------------------------------------------------------ */

static EVP_CIPHER_CTX *cipher(const char *name, const uint8_t *key, int encrypts)
{
	EVP_CIPHER *fetched = EVP_CIPHER_fetch(NULL, name, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	must(fetched && ctx && EVP_CipherInit_ex2(ctx, fetched, key, NULL, encrypts, NULL) == 1);
	EVP_CIPHER_free(fetched);
	return ctx;
}

static void make_branch(branch *b, uint8_t byte)
{
	uint8_t key[KEY], l[16] = { 0 };
	int n;

	memset(key, byte, sizeof key);
	b->ecb = cipher("AES-256-ECB", key, 1);
	must(EVP_CIPHER_CTX_set_padding(b->ecb, 0) == 1 && EVP_EncryptUpdate(b->ecb, l, &n, l, sizeof l) == 1);
	for (size_t i = 0; i < 16; i++)
		b->k1[i] = (uint8_t)(l[i] << 1 | (i < 15 ? l[i + 1] >> 7 : 0));
	if (l[0] & 0x80) b->k1[15] ^= 0x87;
	memset(b->associated, byte, sizeof b->associated);
	memcpy(b->associated, wrap_text, sizeof wrap_text);
}

static void make_kit(kit *k)
{
	EVP_MD *md = EVP_MD_fetch(NULL, "SHA256", NULL);

	*k = (kit){ .good = true };
	k->seal = cipher("AES-256-GCM", NULL, 1);
	k->open = cipher("AES-256-GCM", NULL, 0);
	k->sha256 = EVP_MD_CTX_new();
	must(md && k->sha256 && EVP_DigestInit_ex2(k->sha256, md, NULL) == 1);
	EVP_MD_free(md);
	make_branch(&k->branches[0], 0xa1);
	make_branch(&k->branches[1], 0xb2);
	for (size_t i = 0; i < 2; i++) {
		memset(k->field_associated[i], (int)('0' + i), sizeof k->field_associated[i]);
		memcpy(k->field_associated[i], field_text, sizeof field_text);
	}
}

static void free_kit(kit *k)
{
	must(k->good);
	for (size_t i = 0; i < 2; i++)
		EVP_CIPHER_CTX_free(k->branches[i].ecb);
	EVP_MD_CTX_free(k->sha256);
	EVP_CIPHER_CTX_free(k->open);
	EVP_CIPHER_CTX_free(k->seal);
	OPENSSL_cleanse(k, sizeof *k);
}

static record *make_records(size_t n)
{
	record *all = calloc(n, sizeof *all);

	must(all);
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < CONTEXT; j++)
			all[i].context[j] = (uint8_t)(i >> (8 * (j % sizeof i)));
		for (size_t j = 0; j < 2; j++) {
			field *f = &all[i].fields[j];
			f->len = (uint8_t)(FIELD_MIN + (i + 6 * j) % (FIELD_MAX - FIELD_MIN + 1));
			memset(f->plain, (int)('a' + i % 26), f->len);
		}
	}
	return all;
}

/* --- timing ------------------------------------------------------------------------------------------------------ */

static double now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The best pass of `act`. Before each pass that needs one, and off the clock, every record is sealed anew. */
static double measure(size_t n, void (*act)(kit *, record *))
{
	record *all = make_records(n);
	double best = 0;
	kit k;

	make_kit(&k);
	for (int pass = 0; pass <= PASSES; pass++) {
		for (size_t i = 0; i < n && act != seal; i++)
			seal(&k, &all[i]);
		double start = now_ns();
		for (size_t i = 0; i < n; i++)
			act(&k, &all[i]);
		double took = (now_ns() - start) / (double)n;
		if (pass == 1 || (pass > 1 && took < best)) best = took;
	}
	free_kit(&k);
	free(all);
	return best;
}

double raw_seal_ns(size_t records)
{
	return measure(records, seal);
}

double raw_open_ns(size_t records)
{
	return measure(records, open);
}

double raw_rewrap_ns(size_t records)
{
	return measure(records, rewrap);
}
