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
#include "format/wrapped_key.h"

#include <bulla/op.h>

#define BULLA_BLOB_MAX     8192 /* bytes of one wrap */
#define BULLA_QUESTION_MAX 1000 /* items of one question; a provider may lower it */

typedef enum bulla_question_verb { BULLA_ASK_WRAP = 1, BULLA_ASK_UNWRAP = 2, BULLA_ASK_REWRAP = 3 } bulla_question_verb;

/* One key to wrap or blob to unwrap or to wrap again. What is made is appended to `made`: WRAP and REWRAP a blob, UNWRAP what it holds
 * (32 bytes, or the content of a box). `code`, for WRAP and REWRAP `reference` and for UNWRAP `closed` are set by the answer. Views live until the question
 * is answered. */
typedef struct bulla_question_item {
	bulla_bytes context;    /* canonical */
	bulla_bytes commitment; /* 32 bytes: of the wrapped key that the blob is part of; of a box its random bytes */
	bulla_bytes input;      /* WRAP: plaintext key or content; UNWRAP, REWRAP: blob */
	bulla_buf *made;
	uint64_t reference; /* UNWRAP: as the directory has it. WRAP, REWRAP: out */
	bool closed;        /* UNWRAP, out: the key takes no new wraps, as far as its service tells */
	bulla_code code;
} bulla_question_item;

typedef struct bulla_question {
	bulla_question_verb verb;
	bool box; /* the content of a box, at most 4096 bytes; else a 32-byte key */
	bulla_question_item *items;
	size_t n;
} bulla_question;

/* Where the sessions of a provider come from, given by lib/ when a keyring is built. */
typedef struct bulla_provider_world {
	/* The provider that owns a key id, NULL when none does: bulla_provider_find() (provider/providers.h), or a test's. */
	const struct bulla_provider *(*find)(bulla_bytes key_id);
	struct bulla_engine *engine; /* local: NULL where the environment has none */
	const char *base_dir;        /* file: */
	const char *(*getenv)(void *self, const char *name);
	bulla_code (*read_key_file)(void *self, const char *path, bulla_buf *out, bulla_error *err); /* checks mode and owner */
	void *self;
	bool insecure;
} bulla_provider_world;

typedef struct bulla_provider {
	const char *name; /* "local", "file", "env", "test" */
	bulla_wrap_kind kind;
	bool binds_context; /* the service itself authenticates the encryption context */
	size_t max_items;   /* of one question */
	/* Does this provider understand that form of key id? Pure grammar. */
	bool (*owns)(bulla_bytes key_id);
	/* A session with one key; shareable between threads. */
	bulla_code (*open)(const bulla_provider_world *world, bulla_bytes key_id, void **ret_session, bulla_error *err);
	void (*close)(void *session);
	/* false: a key that can only encrypt (KEY_ID/encrypt). */
	bool (*can_unwrap)(const void *session);
	/* Can the service wrap by this session's key what `from`, a session of this provider too, has wrapped, without releasing it? Then
	 * REWRAP may be asked. NULL: never. */
	bool (*re_encrypts)(const void *session, const void *from);
	/* Is a wrap with this reference and blob made by this session's key? Decides UNKNOWN_KEY without any call. */
	bool (*recognises)(const void *session, uint64_t reference, bulla_bytes blob);
	/* Does the service know, without any call, that the key which made this blob was destroyed? NULL: never. */
	bool (*is_destroyed)(const void *session, bulla_bytes blob);
	/* Question to need: HTTP (fill the request of `need->http`, which the op owns and frees), CALL (need->call and self), or DONE:
	 * answer at once. `*ret_exchange` is the provider's state for this question, freed by `answer`; it may stay NULL. */
	bulla_code (*ask)(void *session, const bulla_question *question, void **ret_exchange, bulla_need *need, bulla_error *err);
	/* Need, satisfied, to answer: fills the items. A failure of the whole exchange is returned; one of an item is its code. */
	bulla_code (*answer)(void *session, const bulla_question *question, void *exchange, bulla_need *need, bulla_lane *lane,
			     bulla_error *err);
	/* Frees an exchange that will not be answered. */
	void (*abandon)(void *session, void *exchange);
} bulla_provider;

#endif
