/*
 * gcm.c - AES-GCM that remembers its key.
 */
#include "crypto/gcm.h"

#include "crypto/backend_inside.h"
#include "crypto/remembered.h"

bulla_code bulla_gcm_init(bulla_gcm *gcm, const bulla_backend *backend, size_t key_size, bool encrypts, bulla_error *err)
{
	backend = bulla_backend_or_default(backend);
	*gcm = (bulla_gcm){ .with = backend->row, .key_size = key_size, .blank = true };
	return gcm->with->state_new(backend->found, key_size, encrypts, &gcm->state, err);
}

void bulla_gcm_done(bulla_gcm *gcm)
{
	if (gcm->with) gcm->with->state_free(gcm->state);
	*gcm = (bulla_gcm){ 0 };
}

size_t bulla_gcm_schedule_size(const bulla_gcm *gcm)
{
	return gcm->with->schedule_size;
}

void bulla_gcm_place(bulla_gcm *gcm, bulla_secret *key, void *schedule)
{
	gcm->keyed = false;
	gcm->key = key;
	if (gcm->with->place) gcm->with->place(gcm->state, schedule);
}

void bulla_gcm_forget(bulla_gcm *gcm)
{
	gcm->keyed = false;
	if (!gcm->blank) gcm->blank = gcm->with->forget(gcm->state);
}

/* The key to give to the state: NULL when it has it. Until the message has succeeded the key counts as unknown, so that a failure
 * cannot leave a state that is keyed with something else than we remember. */
static inline const uint8_t *begin(bulla_gcm *gcm, const uint8_t *key)
{
	bool same = gcm->keyed && bulla_key_remembered(gcm->key->bytes, key, gcm->key_size);

	gcm->keyed = gcm->blank = false;
	return same ? NULL : key;
}

/* A tag that does not fit is the message's fault: the state is keyed. */
static inline bulla_code end(bulla_gcm *gcm, const uint8_t *given, bulla_code code)
{
	if (code != BULLA_OK && code != BULLA_ERR_AUTH) return code;
	if (given) memcpy(gcm->key->bytes, given, gcm->key_size);
	gcm->keyed = true;
	return code;
}

bulla_code bulla_gcm_seal(bulla_gcm *gcm, const uint8_t *key, bulla_bytes nonce, bulla_bytes associated, bulla_bytes plain,
			  uint8_t *out, bulla_error *err)
{
	const uint8_t *given = begin(gcm, key);
	return end(gcm, given, gcm->with->seal(gcm->state, given, nonce, associated, plain, out, err));
}

bulla_code bulla_gcm_open(bulla_gcm *gcm, const uint8_t *key, bulla_bytes nonce, bulla_bytes associated, bulla_bytes sealed,
			  uint8_t *out, bulla_error *err)
{
	const uint8_t *given = begin(gcm, key);
	return end(gcm, given, gcm->with->open(gcm->state, given, nonce, associated, sealed, out, err));
}
