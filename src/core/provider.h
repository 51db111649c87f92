/*
 * provider.h - the table provider: how one kind of KMS wraps and unwraps keys.
 *
 * A provider is two pure functions. `ask` turns a question into a need (an HTTP exchange, a blocking call, or nothing at all),
 * `answer` turns what came back into the result. It never does I/O, so it is tested with recorded bytes. One row per service,
 * in provider/table.c.
 */
#ifndef CORE_PROVIDER_H
#define CORE_PROVIDER_H

#include "base/buf.h"
#include "base/secret.h"
#include "crypto/lane.h"

#include <bulla/op.h>

#define BULLA_BLOB_MAX 8192          /* bytes of one wrap */
#define BULLA_QUESTION_MAX 1000      /* items of one question; a provider may lower it */

/* What byte `kind` of a wrap's directory entry means (docs/FORMAT.md). */
typedef enum bulla_wrap_kind {
	BULLA_WRAP_AWS = 1,
	BULLA_WRAP_GCP = 2,
	BULLA_WRAP_VAULT = 3,
	BULLA_WRAP_AZURE = 4,
	BULLA_WRAP_PKCS11 = 5,
	BULLA_WRAP_ENGINE = 6,
	BULLA_WRAP_KEYFILE = 7, /* file: and env: */
	BULLA_WRAP_BRANCH = 8,
	BULLA_WRAP_TEST = 255
} bulla_wrap_kind;

typedef enum bulla_question_verb { BULLA_ASK_WRAP = 1, BULLA_ASK_UNWRAP = 2 } bulla_question_verb;

/* One key to wrap or blob to unwrap. `key` is the caller's slot: read by WRAP, written by UNWRAP. `code` and `reference` are set
 * by the answer; `blob` is appended to by WRAP and read by UNWRAP. */
typedef struct bulla_question_item {
	bulla_bytes context;      /* canonical */
	bulla_bytes commitment;   /* 32 bytes, of the wrapped key that the blob is part of */
	bulla_secret *key;
	bulla_buf *made;          /* WRAP: the blob is appended here */
	bulla_bytes blob;         /* UNWRAP */
	uint64_t reference;
	bulla_code code;
} bulla_question_item;

typedef struct bulla_question {
	bulla_question_verb verb;
	bulla_question_item *items;
	size_t n;
} bulla_question;

/* Where the sessions of a provider come from, given by lib/ when a keyring is built. */
typedef struct bulla_provider_world {
	struct bulla_engine *engine;    /* local: NULL where the environment has none */
	const char *base_dir;           /* file: */
	const char *(*getenv)(void *self, const char *name);
	bulla_code (*read_key_file)(void *self, const char *path, bulla_buf *out, bulla_error *err); /* checks mode and owner */
	void *self;
	bool insecure;
} bulla_provider_world;

typedef struct bulla_provider {
	const char *name;               /* "local", "file", "env", "test" */
	bulla_wrap_kind kind;
	bool binds_context;             /* the service itself authenticates the encryption context */
	size_t max_items;               /* of one question */
	/* Does this provider understand that form of key id? Pure grammar. */
	bool (*owns)(bulla_bytes key_id);
	/* A session with one key; shareable between threads. */
	bulla_code (*open)(const bulla_provider_world *world, bulla_bytes key_id, void **ret_session, bulla_error *err);
	void (*close)(void *session);
	/* false: a key that can only encrypt (KEY_ID/encrypt). */
	bool (*can_unwrap)(const void *session);
	/* Is a wrap with this reference and blob made by this session's key? Decides UNKNOWN_KEY without any call. */
	bool (*recognises)(const void *session, uint64_t reference, bulla_bytes blob);
	/* Question to need: HTTP (fill the request of `need->http`, which the op owns and frees), CALL (need->call and self), or DONE:
	 * answer at once. `*ret_exchange` is the provider's state for this question, freed by `answer`; it may stay NULL. */
	bulla_code (*ask)(void *session, const bulla_question *question, void **ret_exchange, bulla_need *need, bulla_error *err);
	/* Need, satisfied, to answer: fills the items. A failure of the whole exchange is returned; one of an item is its code. */
	bulla_code (*answer)(void *session, const bulla_question *question, void *exchange, bulla_need *need, bulla_lane *lane,
	                     bulla_error *err);
	/* Frees an exchange that will not be answered. */
	void (*abandon)(void *session, void *exchange);
} bulla_provider;

/* provider/table.c: the row that owns `key_id`; NULL when none does. */
const bulla_provider *bulla_provider_find(bulla_bytes key_id);

#endif
