/*
 * engine.h - the embedded key-management engine: root key -> key material versions -> a fresh derived key per call.
 *
 * Every call is an event in the audit log that is durable before a plaintext leaves; a group of calls shares one append.
 * Blob (docs/FORMAT.md, "Engine blob"): b5 01, key uuid 16, material id 8, nonce 16, ciphertext, tag 16. Key ids, ARNs and
 * states are shaped like AWS KMS's.
 *
 * An engine is internally locked and shareable between threads; several processes may open one store.
 */
#ifndef KMS_ENGINE_H
#define KMS_ENGINE_H

#include "audit/sink.h"
#include "base/buf.h"
#include "base/secret.h"
#include "crypto/backend.h"
#include "kms/caller.h"
#include "kms/key_kind.h"
#include "kms/store.h"

typedef struct bulla_engine bulla_engine;

#define BULLA_UUID_SIZE           16
#define BULLA_MATERIAL_ID_SIZE    8
#define BULLA_MATERIAL_PRINT_SIZE 32   /* kms/material.h */
#define BULLA_KMS_PLAINTEXT_MAX   4096 /* bytes that Encrypt takes, as AWS KMS does */
#define BULLA_ENGINE_GROUP_MAX    1000 /* requests of one bulla_engine_call() */
#define BULLA_ARN_MAX             256  /* bytes of an ARN with its NUL */

/* Seconds and microseconds since 1970, so that tests can turn the clock. */
typedef struct bulla_clock {
	int64_t (*now_us)(void *self);
	void *self;
} bulla_clock;

typedef struct bulla_engine_config {
	bulla_kms_store store;
	bulla_audit_sink audit;
	bulla_clock clock;
	const bulla_backend *backend; /* of the lanes that answer calls; NULL: OpenSSL. Outlives the engine */
	const uint8_t *root_key;      /* BULLA_KEY_SIZE bytes, copied into the pool */
	const char *principal;        /* "local:<uid>/<user>@<host>", copied */
	const char *account;          /* 12 digits for ARNs; NULL: 000000000000 */
	const char *region;           /* NULL: "local" */
} bulla_engine_config;

/* Makes a new store's first rows: canary and log signing seed under `root_key`. `root_note` is kept as it is in the clear
 * (how the root key is made: "file", or "passphrase" with salt and cost); at most 1 KiB. EXISTS when the store has them. */
BULLA_MUST bulla_code bulla_engine_init(const bulla_engine_config *config, bulla_bytes root_note, bulla_error *err);

/* What init kept as `root_note`, readable without a root key. NOT_FOUND when the store is empty. */
BULLA_MUST bulla_code bulla_engine_root_note(const bulla_kms_store *store, bulla_buf *out, bulla_error *err);

/* Opens: ROOT_KEY when the canary does not open, CORRUPT when a row's MAC is wrong, NOT_FOUND for an empty store. It does
 * not compare log and store heads: the caller that owns the log does (lib/), with bulla_engine_head(). */
BULLA_MUST bulla_code bulla_engine_open(const bulla_engine_config *config, bulla_engine **out, bulla_error *err);
void bulla_engine_free(bulla_engine *engine); /* wipes; NULL is fine */

/* The Ed25519 seed that signs this store's checkpoints and reports. Needs only the store and the root key, so that the log
 * can be opened before the engine. */
BULLA_MUST bulla_code bulla_engine_log_seed(const bulla_kms_store *store, const uint8_t root_key[static BULLA_KEY_SIZE],
					    bulla_secret *ret_seed, bulla_error *err);

/* --- using keys ------------------------------------------------------------------------------------------------ */
typedef enum bulla_engine_operation {
	BULLA_ENGINE_GENERATE_DATA_KEY = 1,
	BULLA_ENGINE_GENERATE_DATA_KEY_WITHOUT_PLAINTEXT = 2,
	BULLA_ENGINE_ENCRYPT = 3,
	BULLA_ENGINE_DECRYPT = 4,
	BULLA_ENGINE_RE_ENCRYPT = 5, /* opens `input` with `context`, seals under `key_id` with `new_context` */
	BULLA_ENGINE_GENERATE_RANDOM = 6,
	BULLA_ENGINE_REFUSED = 7, /* only recorded: whoever took the request refused it */
	BULLA_ENGINE_SIGN = 8,
	BULLA_ENGINE_VERIFY = 9, /* AUTH: it is not the key's signature of `input` */
	BULLA_ENGINE_GENERATE_MAC = 10,
	BULLA_ENGINE_VERIFY_MAC = 11,           /* AUTH */
	BULLA_ENGINE_DERIVE_SHARED_SECRET = 12, /* FORMAT for what is no public key of the key's curve */
	BULLA_ENGINE_GET_PUBLIC_KEY = 13,       /* REFUSED for a key that has none */
	BULLA_ENGINE_GENERATE_DATA_KEY_PAIR = 14,
	BULLA_ENGINE_GENERATE_DATA_KEY_PAIR_WITHOUT_PLAINTEXT = 15
} bulla_engine_operation;

/* What was refused before it came to the engine. Static or living as long as the request. */
typedef struct bulla_engine_refusal {
	const char *operation; /* as it was asked for; "" when not even that is known */
	bulla_code code;
	const bulla_error *why;
} bulla_engine_refusal;

/* Views that live until the call returns. */
typedef struct bulla_engine_request {
	bulla_engine_operation operation;
	bulla_bytes key_id;      /* uuid, ARN, alias/NAME or alias ARN; optional for DECRYPT, where it must name the blob's key:
	                          * UNKNOWN_KEY. RE_ENCRYPT: the key that seals; not for GENERATE_RANDOM */
	bulla_bytes source_id;   /* RE_ENCRYPT: the key that must have made the blob, likewise; empty: any */
	bulla_bytes context;     /* canonical (base/context.h) */
	bulla_bytes new_context; /* RE_ENCRYPT */
	bulla_bytes
		input; /* ENCRYPT: plaintext; DECRYPT, RE_ENCRYPT: blob; SIGN, VERIFY, *_MAC: message; DERIVE_SHARED_SECRET: the
				  * other side's public key */
	bulla_bytes proof; /* VERIFY: signature; VERIFY_MAC: MAC */
	bulla_algorithm
		algorithm; /* KEY_USAGE unless the key has it. DECRYPT with another than SYMMETRIC_DEFAULT: key_id is needed */
	bulla_algorithm source_algorithm;    /* RE_ENCRYPT: of the key that opens */
	bool digest;                         /* SIGN, VERIFY: `input` is the message's hash */
	bulla_spec pair;                     /* GENERATE_DATA_KEY_PAIR*: of which kind */
	size_t bytes;                        /* GENERATE_*: length of the key or of the random bytes, 1..1024; 0 means 32 */
	const bulla_caller *caller;          /* NULL: this process itself. DENIED where the caller may not */
	const bulla_engine_refusal *refusal; /* REFUSED */
} bulla_engine_request;

/* Owned by the caller, zeroed before the first use; clear with bulla_engine_reply_done(), or use it again: its buffers are wiped and
 * kept. NOT_FOUND: `key_id` names nothing. UNKNOWN_KEY: a blob names a key or material that this store never had; KEY_DESTROYED: one
 * that was deleted. KEY_DISABLED and KEY_PENDING hold for every use, KEY_CLOSING for sealing. AUTH: wrong context or a changed blob. */
typedef struct bulla_engine_reply {
	bulla_code code;                 /* of this request; the other members are set only on BULLA_OK */
	char text[BULLA_ERROR_TEXT_MAX]; /* the failure's one line */
	bulla_buf blob;                  /* or signature, or MAC */
	bulla_buf plaintext;  /* data key, decrypted bytes, random bytes, shared secret, PKCS #8 of a pair; wiped by _done */
	bulla_buf public_key; /* SubjectPublicKeyInfo */
	bulla_key_kind kind;  /* of the key */
	char key_arn[BULLA_ARN_MAX];
	uint8_t key_uuid[BULLA_UUID_SIZE];
	uint8_t material_id[BULLA_MATERIAL_ID_SIZE];
	uint8_t material_print[BULLA_MATERIAL_PRINT_SIZE];
	bool closed;                                     /* the key takes no new wraps */
	char source_arn[BULLA_ARN_MAX];                  /* RE_ENCRYPT: of the key that opened */
	uint8_t source_print[BULLA_MATERIAL_PRINT_SIZE]; /* likewise */
} bulla_engine_reply;

void bulla_engine_reply_done(bulla_engine_reply *reply);

/* Answers `n` requests; all their events, the refused ones too, are one append. BULLA_OK means that every request has its
 * reply; anything else (AUDIT, IO, LOCKED ...) means that none has and nothing was released. After a fork the child must open store,
 * log and engine anew: USAGE. */
BULLA_MUST bulla_code bulla_engine_call(bulla_engine *engine, const bulla_engine_request *requests, size_t n,
					bulla_engine_reply *replies, bulla_error *err);

/* The key uuid and material id inside a blob. FORMAT or VERSION when it is none of ours. Pure. */
BULLA_MUST bulla_code bulla_engine_blob_parse(bulla_bytes blob, uint8_t ret_uuid[static BULLA_UUID_SIZE],
					      uint8_t ret_material[static BULLA_MATERIAL_ID_SIZE], bulla_error *err);

/* --- managing keys --------------------------------------------------------------------------------------------- */
typedef enum bulla_key_state { BULLA_KEY_ENABLED = 1, BULLA_KEY_DISABLED = 2, BULLA_KEY_PENDING_DELETION = 3 } bulla_key_state;

typedef struct bulla_key_info {
	uint8_t uuid[BULLA_UUID_SIZE];
	char id[37]; /* the uuid in text */
	char arn[BULLA_ARN_MAX];
	char aliases[256];     /* comma-separated, each with "alias/", cut with "..." */
	char description[128]; /* of a longer one, as many whole characters as fit */
	bulla_key_state state;
	bulla_key_kind kind;
	int64_t created_us;
	int64_t deletion_us;      /* when PENDING_DELETION ends; 0 otherwise */
	uint32_t rotation_days;   /* 0: not by schedule */
	int64_t next_rotation_us; /* 0: not by schedule */
	uint32_t materials;       /* how many versions; the newest seals */
	uint8_t current_material[BULLA_MATERIAL_ID_SIZE];
	int64_t rotated_us; /* when the newest material was made */
	int64_t closed_us;  /* since when it takes no new wraps; 0: it does */
} bulla_key_info;

/* One version of a key's material. */
typedef struct bulla_material_info {
	uint8_t uuid[BULLA_UUID_SIZE]; /* of its key */
	uint8_t id[BULLA_MATERIAL_ID_SIZE];
	int64_t created_us;
} bulla_material_info;

/* Each is one audit event, refusals included, and one store transaction; KEY_DISABLED, KEY_PENDING and NOT_FOUND follow AWS's rules for
 * states, a deleted key is KEY_DESTROYED. The event comes first: where the store then refuses, a second one with the same request id
 * names the error. `key` is any form of key id; an alias is "alias/NAME" or NAME. `ret` may be NULL where given. EXISTS: the alias. */
BULLA_MUST bulla_code bulla_engine_create_key(bulla_engine *engine, const char *description, const char *alias_or_null,
					      bulla_key_info *ret, bulla_error *err);
BULLA_MUST bulla_code bulla_engine_describe(bulla_engine *engine, bulla_bytes key, bulla_key_info *ret, bulla_error *err);
/* Is that a key which was deleted, and whose tombstone is here? */
bool bulla_engine_is_destroyed(bulla_engine *engine, const uint8_t uuid[static BULLA_UUID_SIZE]);
/* All keys, sorted by creation. `*ret` is malloc'ed; free() it. */
BULLA_MUST bulla_code bulla_engine_list(bulla_engine *engine, bulla_key_info **ret, size_t *ret_n, bulla_error *err);
/* All material of all keys that are not deleted, sorted by key and id. `*ret` is malloc'ed; free() it. */
BULLA_MUST bulla_code bulla_engine_materials(bulla_engine *engine, bulla_material_info **ret, size_t *ret_n, bulla_error *err);
/* Also opens a closed key again. */
BULLA_MUST bulla_code bulla_engine_enable(bulla_engine *engine, bulla_bytes key, bulla_error *err);
BULLA_MUST bulla_code bulla_engine_disable(bulla_engine *engine, bulla_bytes key, bulla_error *err);
/* From the next call on nothing new is sealed under the key and it is not rotated (KEY_CLOSING); it opens what it has sealed. A key that is
 * closed already keeps the time since when. */
BULLA_MUST bulla_code bulla_engine_close(bulla_engine *engine, bulla_bytes key, bulla_error *err);
/* Waiting period of 7 to 30 days, as AWS KMS has it, in which the key answers nothing: whoever still needs it finds out. */
BULLA_MUST bulla_code bulla_engine_schedule_deletion(bulla_engine *engine, bulla_bytes key, uint32_t days, bulla_error *err);
BULLA_MUST bulla_code bulla_engine_cancel_deletion(bulla_engine *engine, bulla_bytes key, bulla_error *err);
/* Destroys the material of a key whose waiting period is over: KEY_PENDING before that, USAGE where none was begun. Never done by itself: what
 * refers to the key is counted first, which the engine cannot (lib/retire.h). */
BULLA_MUST bulla_code bulla_engine_destroy(bulla_engine *engine, bulla_bytes key, bulla_error *err);
/* New material; the old stays for decryption. */
BULLA_MUST bulla_code bulla_engine_rotate(bulla_engine *engine, bulla_bytes key, bulla_key_info *ret, bulla_error *err);
/* By schedule, every 90 to 2560 days; 0 switches it off. */
BULLA_MUST bulla_code bulla_engine_set_rotation(bulla_engine *engine, bulla_bytes key, uint32_t days, bulla_error *err);
/* Creates or moves `alias/NAME`; deletes it where `key` is empty. */
BULLA_MUST bulla_code bulla_engine_set_alias(bulla_engine *engine, const char *alias, bulla_bytes key, bulla_error *err);
/* Carries out scheduled rotations that are due. Cheap when none is. */
BULLA_MUST bulla_code bulla_engine_tick(bulla_engine *engine, bulla_error *err);

/* --- the store as a whole -------------------------------------------------------------------------------------- */
/* What the store last knew of the log. */
BULLA_MUST bulla_code bulla_engine_head(bulla_engine *engine, bulla_log_head *ret_head, uint64_t *ret_generation,
					bulla_error *err);
/* Wraps every row again under `new_root_key`, in one transaction; the engine goes on with it. */
BULLA_MUST bulla_code bulla_engine_rekey(bulla_engine *engine, const uint8_t new_root_key[static BULLA_KEY_SIZE],
					 bulla_bytes root_note, bulla_error *err);
/* After a discontinuity (a store restored from a backup, a log repaired): writes a Discontinuity event with `reason`, then takes the
 * log's head for the store's, even when the log is shorter, and moves the generation beyond `logged_generation`
 * (bulla_log_generation), so that log and store agree again. Killed between the two, they still disagree. */
BULLA_MUST bulla_code bulla_engine_adopt(bulla_engine *engine, bulla_bytes reason, uint64_t logged_generation, bulla_error *err);
/* Writes an event of the caller's (CachedUse, ShredProof ...) with this engine's principal and clock. */
BULLA_MUST bulla_code bulla_engine_record(bulla_engine *engine, const bulla_event *event, bulla_error *err);

#endif
