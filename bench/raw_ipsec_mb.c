/*
 * raw_ipsec_mb.c - a bare libipsec-mb loop over records, against which the library on that back end is measured.
 *
 * Messages that are hashed go through its multi-buffer jobs, a portion of records at a time: its SHA-256 of one message takes four times
 * as long. AES-GCM is its single-buffer functions, for which there is no faster form, and the two blocks of a derivation are a job.
 */
#include "raw.h"
#include "raw_records.h"

#include <openssl/crypto.h>

#define NO_COMPAT_IMB_API_053 /* old names that collide with OpenSSL's */
#include <intel-ipsec-mb.h>

enum { PORTION = 256 };

typedef struct branch {
	_Alignas(16) uint8_t schedule[15 * 16];
	uint8_t k1[16];
} branch;

typedef struct kit {
	IMB_MGR *m;
	branch branches[2];
	labels labels;
	pool random;
	_Alignas(64) struct gcm_key_data gcm;
	struct gcm_context_data message;
	uint8_t keys[PORTION][KEY];
	uint8_t hashed[PORTION][COMMITTED > CHECKED ? COMMITTED : CHECKED];
	uint8_t digests[PORTION][32];
	bool good;
} kit;

/* --- the pieces of a record -------------------------------------------------------------------------------------- */

/* `n` messages of one length, in k->hashed. */
static void sha256(kit *k, size_t n, size_t len)
{
	size_t done = 0;

	for (size_t i = 0; i < n; i++) {
		IMB_JOB *job = IMB_GET_NEXT_JOB(k->m);
		job->cipher_mode = IMB_CIPHER_NULL;
		job->cipher_direction = IMB_DIR_ENCRYPT;
		job->hash_alg = IMB_AUTH_SHA_256;
		job->chain_order = IMB_ORDER_HASH_CIPHER;
		job->src = k->hashed[i];
		job->hash_start_src_offset_in_bytes = 0;
		job->msg_len_to_hash_in_bytes = len;
		job->auth_tag_output = k->digests[i];
		job->auth_tag_output_len_in_bytes = 32;
		done += IMB_SUBMIT_JOB_NOCHECK(k->m) != NULL;
	}
	while (IMB_FLUSH_JOB(k->m))
		done++;
	k->good &= done == n;
}

static void commit(kit *k, const record *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		write_committed(&all[i], k->keys[i], k->hashed[i]);
	sha256(k, n, COMMITTED);
	OPENSSL_cleanse(k->hashed, sizeof k->hashed);
}

static void check(kit *k, record *all, size_t n, size_t which)
{
	for (size_t i = 0; i < n; i++)
		write_checked(&all[i], which, k->hashed[i]);
	sha256(k, n, CHECKED);
	for (size_t i = 0; i < n; i++)
		memcpy(all[i].checks[which], k->digests[i], 2);
}

static void ecb(kit *k, const branch *b, uint8_t *blocks, size_t len)
{
	IMB_JOB *job = IMB_GET_NEXT_JOB(k->m);

	job->cipher_mode = IMB_CIPHER_ECB;
	job->cipher_direction = IMB_DIR_ENCRYPT;
	job->hash_alg = IMB_AUTH_NULL;
	job->chain_order = IMB_ORDER_CIPHER_HASH;
	job->enc_keys = job->dec_keys = b->schedule;
	job->key_len_in_bytes = KEY;
	job->iv = NULL;
	job->iv_len_in_bytes = 0;
	job->src = job->dst = blocks;
	job->cipher_start_src_offset_in_bytes = 0;
	job->msg_len_to_cipher_in_bytes = len;
	job = IMB_SUBMIT_JOB_NOCHECK(k->m);
	k->good &= job && job->status == IMB_STATUS_COMPLETED;
}

/* Keys k->gcm with XAES-256-GCM's derived key. */
static void derive(kit *k, size_t which, const uint8_t nonce[static NONCE])
{
	uint8_t derived[KEY];

	write_derivation(k->branches[which].k1, nonce, derived);
	ecb(k, &k->branches[which], derived, sizeof derived);
	IMB_AES256_GCM_PRE(k->m, derived, &k->gcm);
	OPENSSL_cleanse(derived, sizeof derived);
}

static void gcm_open(kit *k, const uint8_t *nonce, const uint8_t *associated, size_t associated_len, const uint8_t *sealed,
		     size_t len, uint8_t *out)
{
	uint8_t tag[TAG];

	IMB_AES256_GCM_DEC(k->m, &k->gcm, &k->message, out, sealed, len, nonce, associated, associated_len, tag, TAG);
	k->good &= CRYPTO_memcmp(tag, sealed + len, TAG) == 0;
}

static void wrap(kit *k, size_t which, record *r, const uint8_t key[static KEY])
{
	derive(k, which, r->commitment);
	IMB_AES256_GCM_ENC(k->m, &k->gcm, &k->message, r->wrapped, key, KEY, r->commitment + NONCE,
			   wrap_label(&k->labels, which, r), WRAP_LABEL, r->wrapped + KEY, TAG);
}

static void unwrap(kit *k, size_t which, const record *all, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		derive(k, which, all[i].commitment);
		gcm_open(k, all[i].commitment + NONCE, wrap_label(&k->labels, which, &all[i]), WRAP_LABEL, all[i].wrapped, KEY,
			 k->keys[i]);
	}
	commit(k, all, n);
	for (size_t i = 0; i < n; i++)
		k->good &= CRYPTO_memcmp(k->digests[i], all[i].commitment, 32) == 0;
}

static void seal_field(kit *k, record *r, size_t which)
{
	field *f = &r->fields[which];
	draw(&k->random, f->nonce, NONCE);
	IMB_AES256_GCM_ENC(k->m, &k->gcm, &k->message, f->sealed, f->plain, f->len, f->nonce, field_label(&k->labels, which, r),
			   FIELD_LABEL, f->sealed + f->len, TAG);
}

/* --- a portion of records ---------------------------------------------------------------------------------------- */

static void seal(kit *k, record *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		draw(&k->random, k->keys[i], KEY);
	commit(k, all, n);
	for (size_t i = 0; i < n; i++)
		memcpy(all[i].commitment, k->digests[i], 32);
	check(k, all, n, 0);
	check(k, all, n, 1);
	for (size_t i = 0; i < n; i++) {
		wrap(k, 0, &all[i], k->keys[i]);
		IMB_AES256_GCM_PRE(k->m, k->keys[i], &k->gcm);
		seal_field(k, &all[i], 0);
		seal_field(k, &all[i], 1);
	}
	OPENSSL_cleanse(k->keys, sizeof k->keys);
}

static void open(kit *k, record *all, size_t n)
{
	unwrap(k, 0, all, n);
	for (size_t i = 0; i < n; i++) {
		IMB_AES256_GCM_PRE(k->m, k->keys[i], &k->gcm);
		for (size_t j = 0; j < 2; j++) {
			field *f = &all[i].fields[j];
			gcm_open(k, f->nonce, field_label(&k->labels, j, &all[i]), FIELD_LABEL, f->sealed, f->len, f->plain);
		}
	}
	OPENSSL_cleanse(k->keys, sizeof k->keys);
}

static void rewrap(kit *k, record *all, size_t n)
{
	unwrap(k, 0, all, n);
	for (size_t i = 0; i < n; i++)
		wrap(k, 1, &all[i], k->keys[i]);
	OPENSSL_cleanse(k->keys, sizeof k->keys);
}

static inline void by_portions(kit *k, record *all, size_t n, void (*act)(kit *, record *, size_t))
{
	for (size_t i = 0; i < n; i += PORTION)
		act(k, all + i, n - i < PORTION ? n - i : PORTION);
}

static void seal_all(void *k, record *all, size_t n)
{
	by_portions(k, all, n, seal);
}

static void open_all(void *k, record *all, size_t n)
{
	by_portions(k, all, n, open);
}

static void rewrap_all(void *k, record *all, size_t n)
{
	by_portions(k, all, n, rewrap);
}

/* --- making the kit ---------------------------------------------------------------------------------------------- */

static void make_branch(kit *k, branch *b, uint8_t byte)
{
	_Alignas(16) uint8_t unused[15 * 16];
	uint8_t key[KEY], l[16] = { 0 };

	memset(key, byte, sizeof key);
	IMB_AES_KEYEXP_256(k->m, key, b->schedule, unused);
	ecb(k, b, l, sizeof l);
	make_k1(l, b->k1);
}

static double time_pass(size_t records, pass *before, pass *act)
{
	static kit k;
	IMB_ARCH chosen;

	k = (kit){ .good = true, .m = alloc_mb_mgr(0) };
	must(k.m, "libipsec-mb");
	init_mb_mgr_auto(k.m, &chosen);
	make_branch(&k, &k.branches[0], 0xa1);
	make_branch(&k, &k.branches[1], 0xb2);
	make_labels(&k.labels);
	double best = measure(records, &k, before, act);
	must(k.good, "libipsec-mb");
	free_mb_mgr(k.m);
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

const raw_loop raw_ipsec_mb = { "a raw libipsec-mb loop", seal_ns, open_ns, rewrap_ns };
