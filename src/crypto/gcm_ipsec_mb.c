/*
 * gcm_ipsec_mb.c - AES-GCM through the single-buffer functions of libipsec-mb.
 *
 * The library is opened when a back end is made, not linked: programs that never seal do not map its 12 MB, and libbulla runs where the
 * package is not installed. Its name is a constant, and what it finds is what the loader would have linked. Kept of it are addresses of
 * functions, chosen by the library for this processor; the library stays in the process, so they stay good.
 */
#include <dlfcn.h>
#include <stdlib.h>

#define NO_COMPAT_IMB_API_053 /* old names that collide with OpenSSL's */
#include <intel-ipsec-mb.h>

#include "base/secret.h"
#include "crypto/aead.h"
#include "crypto/backend_inside.h"
#include "crypto/fail.h"
#include "crypto/gcm.h"

#define LIBRARY "libIPSec_MB.so.1"

/* --- finding it ------------------------------------------------------------------------------------------------ */

/* One direction: whole messages with a nonce of 12 bytes, and in steps with any other. */
typedef struct direction {
	aes_gcm_enc_dec_t whole;
	aes_gcm_enc_dec_update_t update;
	aes_gcm_enc_dec_finalize_t finalize;
} direction;

typedef struct functions {
	aes_gcm_pre_t expand;
	aes_gcm_init_var_iv_t begin;
	direction encrypt, decrypt;
} functions;

typedef struct found {
	functions of[3]; /* by key size: 16, 24, 32 */
} found;

static void take_functions(const IMB_MGR *m, found *f)
{
	f->of[0] = (functions){ m->gcm128_pre,
				m->gcm128_init_var_iv,
				{ m->gcm128_enc, m->gcm128_enc_update, m->gcm128_enc_finalize },
				{ m->gcm128_dec, m->gcm128_dec_update, m->gcm128_dec_finalize } };
	f->of[1] = (functions){ m->gcm192_pre,
				m->gcm192_init_var_iv,
				{ m->gcm192_enc, m->gcm192_enc_update, m->gcm192_enc_finalize },
				{ m->gcm192_dec, m->gcm192_dec_update, m->gcm192_dec_finalize } };
	f->of[2] = (functions){ m->gcm256_pre,
				m->gcm256_init_var_iv,
				{ m->gcm256_enc, m->gcm256_enc_update, m->gcm256_enc_finalize },
				{ m->gcm256_dec, m->gcm256_dec_update, m->gcm256_dec_finalize } };
}

/* What it must have, of the processor's and of its own: without AES instructions it would look keys up in tables. */
static bulla_code check(const IMB_MGR *m, bulla_error *err)
{
	static const struct {
		uint64_t feature;
		const char *missing;
	} needs[] = {
		{ IMB_FEATURE_AESNI, "the processor has no instructions for AES" },
		{ IMB_FEATURE_PCLMULQDQ, "the processor has no instruction for carry-less multiplication" },
		{ IMB_FEATURE_SAFE_DATA, "it was built without wiping registers and stack" },
		{ IMB_FEATURE_SELF_TEST_PASS, "it has no self-test, or has failed it" },
	};

	for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
		if (!(m->features & needs[i].feature))
			return bulla_fail(err, BULLA_ERR_CONFIG, "libipsec-mb cannot be used: %s", needs[i].missing);
	return BULLA_OK;
}

/* The manager of jobs chooses the functions. It is 200 KB of queues that nobody needs afterwards. */
static bulla_code ask(void *library, found *f, bulla_error *err)
{
	IMB_MGR *(*alloc)(uint64_t) = (IMB_MGR * (*)(uint64_t)) dlsym(library, "alloc_mb_mgr");
	void (*init)(IMB_MGR *, IMB_ARCH *) = (void (*)(IMB_MGR *, IMB_ARCH *))dlsym(library, "init_mb_mgr_auto");
	void (*release)(IMB_MGR *) = (void (*)(IMB_MGR *))dlsym(library, "free_mb_mgr");
	IMB_ARCH chosen;

	if (!alloc || !init || !release)
		return bulla_fail(err, BULLA_ERR_CONFIG, "libipsec-mb cannot be used: it lacks what version 1.3 has");
	IMB_MGR *m = alloc(0);
	if (!m) return bulla_fail_memory(err);
	init(m, &chosen);
	bulla_code code = check(m, err);
	if (code == BULLA_OK) take_functions(m, f);
	release(m);
	return code;
}

static bulla_code find(void **ret_found, bulla_error *err)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!library) return bulla_fail(err, BULLA_ERR_CONFIG, "libipsec-mb cannot be loaded: %s", dlerror());
	found *f = calloc(1, sizeof *f);
	bulla_code code = f ? ask(library, f, err) : bulla_fail_memory(err);
	dlclose(library); /* it stays */
	if (code == BULLA_OK)
		*ret_found = f;
	else
		free(f);
	return code;
}

/* --- sealing and opening --------------------------------------------------------------------------------------- */

/* The library's working memory, all of it made from a key. */
typedef struct schedule {
	_Alignas(BULLA_SCHEDULE_ALIGN) struct gcm_key_data keys;
	struct gcm_context_data message;
} schedule;

typedef struct state {
	functions with;
	schedule *placed;
} state;

static bulla_code state_new(const void *found_, size_t key_size, bool encrypts, void **out, bulla_error *err)
{
	const found *f = found_;
	state *s = calloc(1, sizeof *s);
	(void)encrypts; /* the same key schedule serves both */
	if (!s) return bulla_fail_memory(err);
	s->with = f->of[key_size / 8 - 2];
	*out = s;
	return BULLA_OK;
}

static void place(void *self, void *placed)
{
	state *s = self;
	s->placed = placed;
}

static bool forget(void *self)
{
	state *s = self;
	if (s->placed) bulla_wipe(s->placed, sizeof *s->placed);
	return true;
}

/* The functions return nothing. They would refuse a NULL where there are bytes, or more than 64 GiB: aead.c lets neither pass. */
static void run(state *s, const direction *d, const uint8_t *key, bulla_bytes nonce, bulla_bytes associated, bulla_bytes in,
		uint8_t *out, uint8_t tag[static BULLA_TAG_SIZE])
{
	schedule *m = s->placed;

	if (key) s->with.expand(key, &m->keys);
	if (nonce.len == BULLA_GCM_NONCE_SIZE) {
		d->whole(&m->keys, &m->message, out, in.data, in.len, nonce.data, associated.data, associated.len, tag,
			 BULLA_TAG_SIZE);
		return;
	}
	s->with.begin(&m->keys, &m->message, nonce.data, nonce.len, associated.data, associated.len);
	if (in.len) d->update(&m->keys, &m->message, out, in.data, in.len);
	d->finalize(&m->keys, &m->message, tag, BULLA_TAG_SIZE);
}

static bulla_code gcm_seal(void *self, const uint8_t *key, bulla_bytes nonce, bulla_bytes associated, bulla_bytes plain,
			   uint8_t *out, bulla_error *err)
{
	state *s = self;
	(void)err;
	run(s, &s->with.encrypt, key, nonce, associated, plain, out, out + plain.len);
	return BULLA_OK;
}

static bulla_code gcm_open(void *self, const uint8_t *key, bulla_bytes nonce, bulla_bytes associated, bulla_bytes sealed,
			   uint8_t *out, bulla_error *err)
{
	state *s = self;
	bulla_bytes text = { sealed.data, sealed.len - BULLA_TAG_SIZE };
	uint8_t tag[BULLA_TAG_SIZE];

	run(s, &s->with.decrypt, key, nonce, associated, text, out, tag);
	bool good = bulla_equal_ct(tag, sealed.data + text.len, sizeof tag);
	bulla_wipe(tag, sizeof tag); /* for changed bytes it would be the tag that makes them good */
	return good ? BULLA_OK : bulla_crypto_fail_auth(err);
}

const bulla_backend_row bulla_backend_ipsec_mb = {
	.find = find,
	.state_new = state_new,
	.state_free = free,
	.schedule_size = sizeof(schedule),
	.place = place,
	.forget = forget,
	.seal = gcm_seal,
	.open = gcm_open,
};
