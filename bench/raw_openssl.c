/*
 * raw_openssl.c - a bare OpenSSL loop over records, against which the library is measured.
 */
#include "raw.h"
#include "raw_records.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

/* A branch key: AES-256 under it, and K1. */
typedef struct branch {
	EVP_CIPHER_CTX *ecb;
	uint8_t k1[16];
} branch;

typedef struct kit {
	EVP_CIPHER_CTX *seal, *open;
	EVP_MD_CTX *sha256;
	branch branches[2];
	labels labels;
	pool random;
	bool good;
} kit;

/* --- the pieces of a record -------------------------------------------------------------------------------------- */

static void sha256(kit *k, const uint8_t *in, size_t n, uint8_t out[static 32])
{
	k->good &= EVP_DigestInit_ex2(k->sha256, NULL, NULL) == 1 && EVP_DigestUpdate(k->sha256, in, n) == 1 &&
		   EVP_DigestFinal_ex(k->sha256, out, NULL) == 1;
}

static void commit(kit *k, const record *r, const uint8_t key[static KEY], uint8_t out[static 32])
{
	uint8_t in[COMMITTED];

	write_committed(r, key, in);
	sha256(k, in, sizeof in, out);
	OPENSSL_cleanse(in + sizeof in - KEY, KEY);
}

static void check(kit *k, record *r, size_t which)
{
	uint8_t in[CHECKED], digest[32];

	write_checked(r, which, in);
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

	write_derivation(b->k1, nonce, out);
	k->good &= EVP_EncryptUpdate(b->ecb, out, &n, out, KEY) == 1;
}

static void wrap(kit *k, size_t which, record *r, const uint8_t key[static KEY])
{
	uint8_t derived[KEY];

	derive(k, &k->branches[which], r->commitment, derived);
	gcm_seal(k, derived, r->commitment + NONCE, wrap_label(&k->labels, which, r), WRAP_LABEL, key, KEY, r->wrapped);
	OPENSSL_cleanse(derived, KEY);
}

static void unwrap(kit *k, size_t which, const record *r, uint8_t key[static KEY])
{
	uint8_t derived[KEY], commitment[32];

	derive(k, &k->branches[which], r->commitment, derived);
	gcm_open(k, derived, r->commitment + NONCE, wrap_label(&k->labels, which, r), WRAP_LABEL, r->wrapped, KEY, key);
	OPENSSL_cleanse(derived, KEY);
	commit(k, r, key, commitment);
	k->good &= CRYPTO_memcmp(commitment, r->commitment, 32) == 0;
}

/* --- one record -------------------------------------------------------------------------------------------------- */

static void seal(kit *k, record *r)
{
	uint8_t key[KEY];

	draw(&k->random, key, KEY);
	commit(k, r, key, r->commitment);
	check(k, r, 0);
	check(k, r, 1);
	wrap(k, 0, r, key);
	for (size_t i = 0; i < 2; i++) {
		field *f = &r->fields[i];
		draw(&k->random, f->nonce, NONCE);
		gcm_seal(k, i == 0 ? key : NULL, f->nonce, field_label(&k->labels, i, r), FIELD_LABEL, f->plain, f->len,
			 f->sealed);
	}
	OPENSSL_cleanse(key, KEY);
}

static void open(kit *k, record *r)
{
	uint8_t key[KEY];

	unwrap(k, 0, r, key);
	for (size_t i = 0; i < 2; i++) {
		field *f = &r->fields[i];
		gcm_open(k, i == 0 ? key : NULL, f->nonce, field_label(&k->labels, i, r), FIELD_LABEL, f->sealed, f->len,
			 f->plain);
	}
	OPENSSL_cleanse(key, KEY);
}

static void rewrap(kit *k, record *r)
{
	uint8_t key[KEY];

	unwrap(k, 0, r, key);
	wrap(k, 1, r, key);
	OPENSSL_cleanse(key, KEY);
}

static void seal_all(void *k, record *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		seal(k, &all[i]);
}

static void open_all(void *k, record *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		open(k, &all[i]);
}

static void rewrap_all(void *k, record *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		rewrap(k, &all[i]);
}

/* --- making the kit ---------------------------------------------------------------------------------------------- */

static EVP_CIPHER_CTX *cipher(const char *name, const uint8_t *key, int encrypts)
{
	EVP_CIPHER *fetched = EVP_CIPHER_fetch(NULL, name, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	must(fetched && ctx && EVP_CipherInit_ex2(ctx, fetched, key, NULL, encrypts, NULL) == 1, "OpenSSL");
	EVP_CIPHER_free(fetched);
	return ctx;
}

static void make_branch(branch *b, uint8_t byte)
{
	uint8_t key[KEY], l[16] = { 0 };
	int n;

	memset(key, byte, sizeof key);
	b->ecb = cipher("AES-256-ECB", key, 1);
	must(EVP_CIPHER_CTX_set_padding(b->ecb, 0) == 1 && EVP_EncryptUpdate(b->ecb, l, &n, l, sizeof l) == 1, "OpenSSL");
	make_k1(l, b->k1);
}

static double time_pass(size_t records, pass *before, pass *act)
{
	static kit k;
	EVP_MD *md = EVP_MD_fetch(NULL, "SHA256", NULL);

	k = (kit){ .good = true };
	k.seal = cipher("AES-256-GCM", NULL, 1);
	k.open = cipher("AES-256-GCM", NULL, 0);
	k.sha256 = EVP_MD_CTX_new();
	must(md && k.sha256 && EVP_DigestInit_ex2(k.sha256, md, NULL) == 1, "OpenSSL");
	EVP_MD_free(md);
	make_branch(&k.branches[0], 0xa1);
	make_branch(&k.branches[1], 0xb2);
	make_labels(&k.labels);
	double best = measure(records, &k, before, act);
	must(k.good, "OpenSSL");
	for (size_t i = 0; i < 2; i++)
		EVP_CIPHER_CTX_free(k.branches[i].ecb);
	EVP_MD_CTX_free(k.sha256);
	EVP_CIPHER_CTX_free(k.open);
	EVP_CIPHER_CTX_free(k.seal);
	OPENSSL_cleanse(&k, sizeof k);
	return best;
}

static double seal_ns(size_t records)
{
	return time_pass(records, NULL, seal_all);
}

static double open_ns(size_t records)
{
	return time_pass(records, seal_all, open_all);
}

static double rewrap_ns(size_t records)
{
	return time_pass(records, seal_all, rewrap_all);
}

const raw_loop raw_openssl = { "a raw OpenSSL loop", seal_ns, open_ns, rewrap_ns };
