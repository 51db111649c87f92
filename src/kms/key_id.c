/*
 * key_id.c - reads and prints key ids.
 */
#include "kms/key_id.h"
#include "base/cursor.h"

#include <stdio.h>

#define ARN_PREFIX "arn:aws:kms:"
#define KEY_PREFIX "key/"

static const char hex[] = "0123456789abcdef";

/* Takes `text` off the front of `rest`. */
static bool skip(bulla_bytes *rest, const char *text)
{
	size_t n = strlen(text);
	if (rest->len < n || memcmp(rest->data, text, n) != 0) return false;
	*rest = bulla_view(rest->data + n, rest->len - n);
	return true;
}

/* Takes everything up to the next colon, which goes as well. */
static bool take_part(bulla_bytes *rest, bulla_bytes *ret)
{
	const uint8_t *colon = rest->len ? memchr(rest->data, ':', rest->len) : NULL;
	if (!colon) return false;
	*ret = bulla_view(rest->data, (size_t)(colon - rest->data));
	*rest = bulla_view(colon + 1, rest->len - ret->len - 1);
	return true;
}

static bool all_of(bulla_bytes text, const char *others, bool upper)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = (char)text.data[i];
		bool ok = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (upper && c >= 'A' && c <= 'Z');
		if (!ok && (c == 0 || !strchr(others, c))) return false;
	}
	return true;
}

/* --- uuids ----------------------------------------------------------------------------------------------------- */
static bool is_dash(size_t at)
{
	return at == 8 || at == 13 || at == 18 || at == 23;
}

static bool uuid_parse(bulla_bytes text, uint8_t out[static BULLA_UUID_SIZE])
{
	if (text.len != BULLA_UUID_TEXT) return false;
	size_t digits = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (is_dash(i)) {
			if (text.data[i] != '-') return false;
			continue;
		}
		const char *digit = text.data[i] ? strchr(hex, (char)text.data[i]) : NULL;
		if (!digit) return false;
		out[digits / 2] = (uint8_t)((out[digits / 2] << 4) | (digit - hex));
		digits++;
	}
	return true;
}

void bulla_uuid_print(const uint8_t uuid[static BULLA_UUID_SIZE], char out[static BULLA_UUID_TEXT + 1])
{
	size_t at = 0;
	for (size_t i = 0; i < BULLA_UUID_SIZE; i++) {
		if (is_dash(at)) out[at++] = '-';
		out[at++] = hex[uuid[i] >> 4];
		out[at++] = hex[uuid[i] & 15];
	}
	out[at] = 0;
}

void bulla_uuid_mark(uint8_t uuid[static BULLA_UUID_SIZE])
{
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
}

/* --- realms and ARNs ------------------------------------------------------------------------------------------- */
bulla_code bulla_realm_check(const bulla_realm *realm, bulla_error *err)
{
	const bulla_bytes account = realm->account, region = realm->region;
	for (size_t i = 0; i < account.len; i++)
		if (account.data[i] < '0' || account.data[i] > '9')
			return bulla_fail(err, BULLA_ERR_CONFIG, "an account of the engine is 12 digits");
	if (account.len != BULLA_ACCOUNT_SIZE) return bulla_fail(err, BULLA_ERR_CONFIG, "an account of the engine is 12 digits");
	if (region.len == 0 || region.len > BULLA_REGION_MAX || !all_of(region, "-", false))
		return bulla_fail(err, BULLA_ERR_CONFIG, "a region of the engine is 1 to %d of a-z, 0-9 and -", BULLA_REGION_MAX);
	return BULLA_OK;
}

bool bulla_realm_equal(const bulla_realm *a, const bulla_realm *b)
{
	return bulla_bytes_equal(a->region, b->region) && bulla_bytes_equal(a->account, b->account);
}

size_t bulla_key_arn_print(const bulla_realm *realm, const uint8_t uuid[static BULLA_UUID_SIZE], char out[static BULLA_ARN_MAX])
{
	char id[BULLA_UUID_TEXT + 1];
	bulla_uuid_print(uuid, id);
	int n = snprintf(out, BULLA_ARN_MAX, ARN_PREFIX "%.*s:%.*s:" KEY_PREFIX "%s", (int)realm->region.len,
			 (const char *)realm->region.data, (int)realm->account.len, (const char *)realm->account.data, id);
	return n > 0 ? (size_t)n : 0;
}

void bulla_alias_arn_print(const bulla_realm *realm, bulla_bytes name, char *out, size_t size)
{
	(void)snprintf(out, size, ARN_PREFIX "%.*s:%.*s:" BULLA_ALIAS_PREFIX "%.*s", (int)realm->region.len,
		       (const char *)realm->region.data, (int)realm->account.len, (const char *)realm->account.data,
		       (int)name.len, (const char *)name.data);
}

/* --- key ids --------------------------------------------------------------------------------------------------- */
static bool resource_parse(bulla_bytes rest, bulla_key_id *out)
{
	out->is_alias = skip(&rest, BULLA_ALIAS_PREFIX);
	out->alias = rest;
	if (out->is_alias) return rest.len > 0 && rest.len <= BULLA_ALIAS_NAME_MAX;
	return skip(&rest, KEY_PREFIX) && uuid_parse(rest, out->uuid);
}

static bool id_parse(bulla_bytes text, bulla_key_id *out)
{
	*out = (bulla_key_id){ .is_arn = skip(&text, ARN_PREFIX) };
	if (out->is_arn)
		return take_part(&text, &out->realm.region) && take_part(&text, &out->realm.account) && resource_parse(text, out);
	out->is_alias = skip(&text, BULLA_ALIAS_PREFIX);
	out->alias = text;
	if (out->is_alias) return text.len > 0 && text.len <= BULLA_ALIAS_NAME_MAX;
	return uuid_parse(text, out->uuid);
}

bulla_code bulla_key_id_parse(bulla_bytes text, bulla_key_id *out, bulla_error *err)
{
	if (id_parse(text, out)) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_NOT_FOUND,
			  "that is no key id of the engine: a uuid, an ARN, alias/NAME or an alias ARN");
}

bulla_code bulla_alias_parse(const char *text, bulla_bytes *ret_name, bulla_error *err)
{
	bulla_bytes name = bulla_view_str(text), rest = name;
	(void)skip(&name, BULLA_ALIAS_PREFIX);
	rest = name;
	if (name.len == 0 || name.len > BULLA_ALIAS_NAME_MAX || !all_of(name, "/_-", true))
		return bulla_fail(err, BULLA_ERR_USAGE, "an alias is alias/ and 1 to %d of A-Z, a-z, 0-9, /, _ and -",
				  BULLA_ALIAS_NAME_MAX);
	if (skip(&rest, "aws/")) return bulla_fail(err, BULLA_ERR_USAGE, "aliases that begin with alias/aws/ are reserved");
	*ret_name = name;
	return BULLA_OK;
}
