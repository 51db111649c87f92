/*
 * rights_rows.c - writes and reads the rows that tell who may do what.
 */
#include "kms/rights_rows.h"
#include "base/cursor.h"

#define VERSION     1
#define NAME_OTHERS "+=,.@_-"

static bool take_copy(bulla_cursor *c, void *out, size_t n)
{
	bulla_bytes taken = bulla_cursor_take(c, n);
	if (taken.len == n) memcpy(out, taken.data, n);
	return taken.len == n;
}

/* --- principals ------------------------------------------------------------------------------------------------ */
bulla_code bulla_principal_encode(const bulla_principal_data *data, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_add_u8(out, VERSION, err));
	TRY(bulla_buf_add_u64(out, (uint64_t)data->created_us, err));
	TRY(bulla_buf_add_u32(out, data->budget, err));
	return bulla_buf_add_u32(out, data->budget_seconds, err);
}

bool bulla_principal_decode(bulla_bytes payload, bulla_principal_data *out)
{
	bulla_cursor c = bulla_cursor_of(payload);
	uint8_t version = bulla_cursor_u8(&c);
	out->created_us = (int64_t)bulla_cursor_u64(&c);
	out->budget = bulla_cursor_u32(&c);
	out->budget_seconds = bulla_cursor_u32(&c);
	return bulla_cursor_end(&c) && version == VERSION;
}

bulla_code bulla_access_encode(const bulla_access_data *data, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_add_u8(out, VERSION, err));
	TRY(bulla_buf_add_u8(out, data->active, err));
	TRY(bulla_buf_add_u64(out, (uint64_t)data->created_us, err));
	TRY(bulla_buf_add_prefixed(out, data->principal, err));
	TRY(bulla_buf_add(out, bulla_view(data->nonce, sizeof data->nonce), err));
	return bulla_buf_add_prefixed(out, data->sealed, err);
}

bool bulla_access_decode(bulla_bytes payload, bulla_access_data *out)
{
	bulla_cursor c = bulla_cursor_of(payload);
	uint8_t version = bulla_cursor_u8(&c), active = bulla_cursor_u8(&c);
	out->active = active == 1;
	out->created_us = (int64_t)bulla_cursor_u64(&c);
	out->principal = bulla_cursor_prefixed(&c);
	bool nonce = take_copy(&c, out->nonce, sizeof out->nonce);
	out->sealed = bulla_cursor_prefixed(&c);
	return bulla_cursor_end(&c) && version == VERSION && active <= 1 && nonce && out->sealed.len > BULLA_TAG_SIZE &&
	       out->sealed.len <= BULLA_ACCESS_SECRET_MAX + BULLA_TAG_SIZE;
}

/* --- policies -------------------------------------------------------------------------------------------------- */
bulla_code bulla_policy_encode(const bulla_policy_data *data, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_add_u8(out, VERSION, err));
	TRY(bulla_buf_add_u64(out, (uint64_t)data->changed_us, err));
	return bulla_buf_add_prefixed(out, data->document, err);
}

bool bulla_policy_decode(bulla_bytes payload, bulla_policy_data *out)
{
	bulla_cursor c = bulla_cursor_of(payload);
	uint8_t version = bulla_cursor_u8(&c);
	out->changed_us = (int64_t)bulla_cursor_u64(&c);
	out->document = bulla_cursor_prefixed(&c);
	return bulla_cursor_end(&c) && version == VERSION && out->document.len;
}

/* --- grants ---------------------------------------------------------------------------------------------------- */
bulla_code bulla_grant_encode(const bulla_grant_data *data, bulla_buf *out, bulla_error *err)
{
	const bulla_bytes texts[] = { data->grantee, data->retiring, data->issuer, data->name };
	TRY(bulla_buf_add_u8(out, VERSION, err));
	TRY(bulla_buf_add(out, bulla_view(data->uuid, sizeof data->uuid), err));
	TRY(bulla_buf_add_u64(out, (uint64_t)data->created_us, err));
	TRY(bulla_buf_add_u32(out, data->operations, err));
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		TRY(bulla_buf_add_prefixed(out, texts[i], err));
	TRY(bulla_buf_add_u8(out, (uint8_t)data->constraint, err));
	return bulla_buf_add_prefixed(out, data->context, err);
}

bool bulla_grant_decode(bulla_bytes payload, bulla_grant_data *out)
{
	bulla_bytes *const texts[] = { &out->grantee, &out->retiring, &out->issuer, &out->name };
	bulla_cursor c = bulla_cursor_of(payload);
	uint8_t version = bulla_cursor_u8(&c);
	bool uuid = take_copy(&c, out->uuid, sizeof out->uuid);
	out->created_us = (int64_t)bulla_cursor_u64(&c);
	out->operations = bulla_cursor_u32(&c);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		*texts[i] = bulla_cursor_prefixed(&c);
	uint8_t constraint = bulla_cursor_u8(&c);
	out->constraint = (bulla_grant_constraint)constraint;
	out->context = bulla_cursor_prefixed(&c);
	return bulla_cursor_end(&c) && version == VERSION && uuid && constraint <= BULLA_GRANT_EQUALS && out->grantee.len;
}

/* --- tags ------------------------------------------------------------------------------------------------------ */
bulla_code bulla_tags_encode(const bulla_tags_data *data, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_add_u8(out, VERSION, err));
	TRY(bulla_buf_add_u16(out, (uint16_t)data->n, err));
	for (size_t i = 0; i < data->n; i++) {
		TRY(bulla_buf_add_prefixed(out, data->pairs[i].name, err));
		TRY(bulla_buf_add_prefixed(out, data->pairs[i].value, err));
	}
	return BULLA_OK;
}

bool bulla_tags_decode(bulla_bytes payload, bulla_tags_data *out)
{
	bulla_cursor c = bulla_cursor_of(payload);
	uint8_t version = bulla_cursor_u8(&c);
	out->n = bulla_cursor_u16(&c);
	if (out->n > BULLA_TAGS_MAX) return false;
	for (size_t i = 0; i < out->n; i++) {
		out->pairs[i].name = bulla_cursor_prefixed(&c);
		out->pairs[i].value = bulla_cursor_prefixed(&c);
	}
	return bulla_cursor_end(&c) && version == VERSION;
}

/* --- freezes --------------------------------------------------------------------------------------------------- */
bulla_code bulla_freeze_encode(const bulla_freeze_data *data, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_add_u8(out, VERSION, err));
	TRY(bulla_buf_add_u64(out, (uint64_t)data->since_us, err));
	TRY(bulla_buf_add_u64(out, (uint64_t)data->until_us, err));
	TRY(bulla_buf_add_prefixed(out, data->who, err));
	return bulla_buf_add_prefixed(out, data->why, err);
}

bool bulla_freeze_decode(bulla_bytes payload, bulla_freeze_data *out)
{
	bulla_cursor c = bulla_cursor_of(payload);
	uint8_t version = bulla_cursor_u8(&c);
	out->since_us = (int64_t)bulla_cursor_u64(&c);
	out->until_us = (int64_t)bulla_cursor_u64(&c);
	out->who = bulla_cursor_prefixed(&c);
	out->why = bulla_cursor_prefixed(&c);
	return bulla_cursor_end(&c) && version == VERSION;
}

/* --- names ----------------------------------------------------------------------------------------------------- */
static bool all_of(bulla_bytes text, const char *others)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = (char)text.data[i];
		bool ok = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!ok && (c == 0 || !strchr(others, c))) return false;
	}
	return true;
}

bulla_code bulla_principal_name_check(bulla_bytes name, bulla_error *err)
{
	if (name.len && name.len <= BULLA_PRINCIPAL_NAME_MAX && all_of(name, NAME_OTHERS)) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_USAGE, "a principal's name is 1 to %d of A-Z, a-z, 0-9 and " NAME_OTHERS,
			  BULLA_PRINCIPAL_NAME_MAX);
}

bulla_code bulla_access_key_id_check(bulla_bytes id, bulla_error *err)
{
	if (id.len >= BULLA_ACCESS_KEY_ID_MIN && id.len <= BULLA_ACCESS_KEY_ID_MAX && all_of(id, "_")) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_USAGE, "an access key id is %d to %d of A-Z, a-z, 0-9 and _", BULLA_ACCESS_KEY_ID_MIN,
			  BULLA_ACCESS_KEY_ID_MAX);
}

bulla_code bulla_policy_name_check(bulla_bytes name, bulla_error *err)
{
	if (name.len && name.len <= BULLA_POLICY_NAME_MAX && all_of(name, NAME_OTHERS)) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_USAGE, "a policy's name is 1 to %d of A-Z, a-z, 0-9 and " NAME_OTHERS,
			  BULLA_POLICY_NAME_MAX);
}
