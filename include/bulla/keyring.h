/*
 * keyring.h - the keys of one environment, opened from bulla.yaml.
 *
 *     bulla_keyring *keyring;
 *     bulla_error err = { 0 };
 *     if (bulla_keyring_open(NULL, &keyring, &err)) { fprintf(stderr, "%s\n", err.text); ... }
 *
 * A keyring is shareable between threads: immutable but for its cache, which is locked inside.
 */
#ifndef BULLA_KEYRING_H
#define BULLA_KEYRING_H

#include <bulla/bytes.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bulla_keyring bulla_keyring;
typedef struct bulla_model bulla_model; /* borrowed from the keyring, immutable */

/* What the notification callback is told about one question to a KMS (see kms_encrypted's notifications). Views live until
 * the callback returns; it is called without locks held, from whichever thread asked. */
typedef struct bulla_notice {
	const char *operation; /* "wrap" or "unwrap" */
	const char *key_id;    /* as configured */
	bulla_bytes context;   /* canonical encryption context of the first item */
	bool data_key;         /* it was a data key or branch key; false: the content of a box */
	size_t count;          /* keys in the question */
	int64_t duration_us;
	bulla_code outcome;
} bulla_notice;

typedef struct bulla_keyring_options {
	size_t size;                                            /* sizeof(bulla_keyring_options): lets the structure grow */
	const char *config;                                     /* path of bulla.yaml; NULL: $BULLA_CONFIG, else ./bulla.yaml */
	const char *environment;                                /* NULL: $BULLA_ENV, else "development" */
	void (*notify)(void *self, const bulla_notice *notice); /* may be NULL */
	void *notify_self;
} bulla_keyring_options;

/* Reads bulla.yaml, opens the engine's store and audit log where the environment uses them, and a session with each key.
 * `options` may be NULL. NOT_FOUND, CONFIG, PERMISSION, ROOT_KEY, NEWER, LOCKED, AUDIT ... say what is wrong and what to do. */
BULLA_API BULLA_MUST bulla_code bulla_keyring_open(const bulla_keyring_options *options, bulla_keyring **out, bulla_error *err);

/* Writes the pending CachedUse records, wipes every cached key, closes everything. Free records and batches first. NULL is fine. */
BULLA_API void bulla_keyring_free(bulla_keyring *keyring);

/* Drops keys past max_age and reports uses older than 60 s; operations do that once a second. Wipes what finished records left in the crypto
 * library's contexts too. For a host that idles. */
BULLA_API void bulla_keyring_tick(bulla_keyring *keyring);

/* Forgets every cached key at once. */
BULLA_API void bulla_keyring_forget(bulla_keyring *keyring);

/* How many keys are cached now, and how many questions were put to a KMS since the keyring was opened. */
BULLA_API void bulla_keyring_stats(bulla_keyring *keyring, size_t *ret_cached, uint64_t *ret_kms_questions);

/* A model by its key in bulla.yaml. NOT_FOUND names those there are. */
BULLA_API BULLA_MUST bulla_code bulla_keyring_model(const bulla_keyring *keyring, const char *key, const bulla_model **ret,
						    bulla_error *err);

/* Names and positions, for callers that build rows. Names are borrowed. An input is a column that the context or the branch
 * key's name is made of; a key is a wrapped-key column. */
BULLA_API size_t bulla_model_fields(const bulla_model *model);
BULLA_API const char *bulla_model_field_name(const bulla_model *model, size_t position);   /* "email" */
BULLA_API const char *bulla_model_field_column(const bulla_model *model, size_t position); /* "email_ciphertext" */
BULLA_API const char *bulla_model_field_index(const bulla_model *model, size_t position);  /* "email_bidx" or NULL */
BULLA_API const char *bulla_model_field_previous_index(const bulla_model *model,
						       size_t position); /* of the index being replaced, or NULL */
BULLA_API BULLA_MUST bulla_code bulla_model_position(const bulla_model *model, const char *field, size_t *ret, bulla_error *err);
BULLA_API size_t bulla_model_inputs(const bulla_model *model);
BULLA_API const char *bulla_model_input(const bulla_model *model, size_t position); /* "id" */
BULLA_API size_t bulla_model_keys(const bulla_model *model);
BULLA_API const char *bulla_model_key_column(const bulla_model *model, size_t position); /* "encrypted_kms_key" */

#ifdef __cplusplus
}
#endif
#endif
