/*
 * key_id.h - the forms of a key id: uuid, key ARN, alias/NAME, alias ARN.
 */
#ifndef KMS_KEY_ID_H
#define KMS_KEY_ID_H

#include "kms/codec.h"

#define BULLA_UUID_TEXT      36
#define BULLA_ALIAS_NAME_MAX 250 /* bytes without "alias/" */
#define BULLA_ALIAS_PREFIX   "alias/"

/* Where keys live: what an ARN says before its resource. Texts are views. */
typedef struct bulla_realm {
	bulla_bytes region;
	bulla_bytes account;
} bulla_realm;

/* Where the engine lives; views that live as long as it. */
void bulla_engine_home(const bulla_engine *engine, bulla_realm *ret);

/* A key id taken apart; exactly one of the two is meant. Views. */
typedef struct bulla_key_id {
	bool is_alias;
	bool is_arn;
	bulla_realm realm;             /* is_arn: what the ARN says */
	uint8_t uuid[BULLA_UUID_SIZE]; /* !is_alias */
	bulla_bytes alias;             /* is_alias: without "alias/" */
} bulla_key_id;

/* NOT_FOUND when `text` has none of the forms. */
BULLA_MUST bulla_code bulla_key_id_parse(bulla_bytes text, bulla_key_id *out, bulla_error *err);

/* CONFIG unless account is 12 digits and region 1..32 of [a-z0-9-]. */
BULLA_MUST bulla_code bulla_realm_check(const bulla_realm *realm, bulla_error *err);
bool bulla_realm_equal(const bulla_realm *a, const bulla_realm *b);

/* "alias/NAME" or NAME; `ret_name` is a view of NAME. USAGE unless NAME is 1..250 of [A-Za-z0-9/_-] and not "aws/...". */
BULLA_MUST bulla_code bulla_alias_parse(const char *text, bulla_bytes *ret_name, bulla_error *err);

/* 36 characters and a NUL, lower case. */
void bulla_uuid_print(const uint8_t uuid[static BULLA_UUID_SIZE], char out[static BULLA_UUID_TEXT + 1]);
/* Sets version 4 and variant in random bytes (RFC 9562). */
void bulla_uuid_mark(uint8_t uuid[static BULLA_UUID_SIZE]);

/* "arn:aws:kms:<region>:<account>:key/<uuid>" with its NUL; its length. */
size_t bulla_key_arn_print(const bulla_realm *realm, const uint8_t uuid[static BULLA_UUID_SIZE], char out[static BULLA_ARN_MAX]);

/* "arn:aws:kms:<region>:<account>:alias/<name>" with its NUL, cut where it does not fit. */
void bulla_alias_arn_print(const bulla_realm *realm, bulla_bytes name, char *out, size_t size);

#endif
