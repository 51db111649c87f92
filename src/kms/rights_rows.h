/*
 * rights_rows.h - what the rows say that tell who may do what: principals, their access keys, policies, grants, tags, freezes.
 *
 * Integers are big-endian, texts u16-prefixed, times microseconds since 1970; each begins with a version byte 0x01, and nothing trails.
 *
 *   PRINCIPAL 01, u64 created, u32 budget, u32 budget's seconds
 *   ACCESS    01, u8 active, u64 created, principal, 24 nonce, sealed secret
 *   POLICY    01, u64 changed, document
 *   GRANT     01, 16 key uuid, u64 created, u32 operations, grantee, retiring principal, issuer, name, u8 constraint, context
 *   TAGS      01, u16 count, key and value of each
 *   FREEZE    01, u64 since, u64 until, who, why
 */
#ifndef KMS_RIGHTS_ROWS_H
#define KMS_RIGHTS_ROWS_H

#include "kms/codec.h"
#include "kms/grant_match.h"

#define BULLA_PRINCIPAL_NAME_MAX 64 /* IAM's bound of a user's name */
#define BULLA_ACCESS_KEY_ID_MIN  3  /* IAM has 16; the ids of examples and of other servers are shorter */
#define BULLA_ACCESS_KEY_ID_MAX  128
#define BULLA_ACCESS_SECRET_MAX  128 /* bytes */
#define BULLA_POLICY_NAME_MAX    128 /* IAM's bound */
#define BULLA_GRANT_ID_SIZE      32
#define BULLA_GRANT_NAME_MAX     256
#define BULLA_ARN_TEXT_MAX       256 /* of a principal in a grant */
#define BULLA_TAGS_MAX           50
#define BULLA_TAG_KEY_MAX        128 /* characters; four bytes each at most */
#define BULLA_TAG_VALUE_MAX      256
#define BULLA_FREEZE_TEXT_MAX    256

/* All texts are views. */
typedef struct bulla_principal_data {
	int64_t created_us;
	uint32_t budget;         /* decryptions in a window; 0: as many as it likes */
	uint32_t budget_seconds; /* the window */
} bulla_principal_data;

typedef struct bulla_access_data {
	bool active;
	int64_t created_us;
	bulla_bytes principal;
	uint8_t nonce[BULLA_XAES_NONCE_SIZE];
	bulla_bytes sealed; /* the secret, and a tag */
} bulla_access_data;

typedef struct bulla_policy_data {
	int64_t changed_us;
	bulla_bytes document;
} bulla_policy_data;

typedef struct bulla_grant_data {
	uint8_t uuid[BULLA_UUID_SIZE]; /* of the key */
	int64_t created_us;
	uint32_t operations; /* bits by bulla_grant_operation */
	bulla_bytes grantee, retiring, issuer, name;
	bulla_grant_constraint constraint;
	bulla_bytes context; /* canonical; empty without a constraint */
} bulla_grant_data;

typedef struct bulla_tags_data {
	size_t n;
	bulla_pair pairs[BULLA_TAGS_MAX];
} bulla_tags_data;

typedef struct bulla_freeze_data {
	int64_t since_us, until_us; /* until: 0 is until somebody thaws */
	bulla_bytes who, why;
} bulla_freeze_data;

/* Encoders append. Decoders answer false for anything that is not exactly that form. */
BULLA_MUST bulla_code bulla_principal_encode(const bulla_principal_data *data, bulla_buf *out, bulla_error *err);
BULLA_MUST bulla_code bulla_access_encode(const bulla_access_data *data, bulla_buf *out, bulla_error *err);
BULLA_MUST bulla_code bulla_policy_encode(const bulla_policy_data *data, bulla_buf *out, bulla_error *err);
BULLA_MUST bulla_code bulla_grant_encode(const bulla_grant_data *data, bulla_buf *out, bulla_error *err);
BULLA_MUST bulla_code bulla_tags_encode(const bulla_tags_data *data, bulla_buf *out, bulla_error *err);
BULLA_MUST bulla_code bulla_freeze_encode(const bulla_freeze_data *data, bulla_buf *out, bulla_error *err);

bool bulla_principal_decode(bulla_bytes payload, bulla_principal_data *out);
bool bulla_access_decode(bulla_bytes payload, bulla_access_data *out);
bool bulla_policy_decode(bulla_bytes payload, bulla_policy_data *out);
bool bulla_grant_decode(bulla_bytes payload, bulla_grant_data *out);
bool bulla_tags_decode(bulla_bytes payload, bulla_tags_data *out);
bool bulla_freeze_decode(bulla_bytes payload, bulla_freeze_data *out);

/* USAGE unless it is a name as IAM has them for users: 1 to 64 of A-Z, a-z, 0-9 and +=,.@_- */
BULLA_MUST bulla_code bulla_principal_name_check(bulla_bytes name, bulla_error *err);
/* USAGE unless it is 3 to 128 of A-Z, a-z, 0-9 and _. */
BULLA_MUST bulla_code bulla_access_key_id_check(bulla_bytes id, bulla_error *err);
/* USAGE unless it is 1 to 128 of A-Z, a-z, 0-9 and +=,.@_- */
BULLA_MUST bulla_code bulla_policy_name_check(bulla_bytes name, bulla_error *err);

#endif
