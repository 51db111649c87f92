/*
 * codec.c - writes and reads what the rows of the store say.
 */
#include "kms/codec.h"
#include "base/cursor.h"

#define VERSION        1
#define VERSION_CLOSED 2 /* of a key's row: a release that does not know of closing must not seal under it */
#define VERSION_KIND   3 /* of a key's row: it is not symmetric */

#define VERSION_MATERIAL_KIND 2 /* of a material's row, likewise */

static void take_copy(bulla_cursor *c, void *out, size_t n)
{
	bulla_bytes taken = bulla_cursor_take(c, n);
	if (taken.len == n) memcpy(out, taken.data, n);
}

static int64_t take_time(bulla_cursor *c)
{
	return (int64_t)bulla_cursor_u64(c);
}

static bulla_code add_fixed(bulla_buf *out, const void *data, size_t n, bulla_error *err)
{
	return bulla_buf_add(out, bulla_view(data, n), err);
}

/* A time of this calendar: sums and differences of two are numbers too. */
static bool is_time(int64_t us)
{
	return us >= 0 && us < BULLA_TIME_MAX_US;
}

/* --- keys ------------------------------------------------------------------------------------------------------ */
bulla_key_kind bulla_key_data_kind(const bulla_key_data *data)
{
	return (bulla_key_kind){ .spec = data->spec,
				 .use = (bulla_use)(data->usage - BULLA_KEY_USAGE_ENCRYPT_DECRYPT),
				 .origin = (bulla_key_origin)(data->origin - BULLA_KEY_ORIGIN_ENGINE) };
}

static uint8_t version_of(const bulla_key_data *data)
{
	if (data->spec != BULLA_SPEC_SYMMETRIC_DEFAULT) return VERSION_KIND;
	return data->closed_us ? VERSION_CLOSED : VERSION;
}

bulla_code bulla_key_encode(const bulla_key_data *data, bulla_buf *out, bulla_error *err)
{
	const uint8_t head[] = { version_of(data), (uint8_t)data->state, data->usage, data->origin };
	TRY(add_fixed(out, head, sizeof head, err));
	TRY(bulla_buf_add_u64(out, (uint64_t)data->created_us, err));
	TRY(bulla_buf_add_u64(out, (uint64_t)data->deletion_us, err));
	TRY(bulla_buf_add_u32(out, data->rotation_days, err));
	TRY(bulla_buf_add_u64(out, (uint64_t)data->next_rotation_us, err));
	TRY(add_fixed(out, data->current, sizeof data->current, err));
	TRY(bulla_buf_add_prefixed(out, data->account, err));
	TRY(bulla_buf_add_prefixed(out, data->region, err));
	TRY(bulla_buf_add_prefixed(out, data->description, err));
	if (head[0] >= VERSION_CLOSED) TRY(bulla_buf_add_u64(out, (uint64_t)data->closed_us, err));
	return head[0] >= VERSION_KIND ? bulla_buf_add_u8(out, (uint8_t)data->spec, err) : BULLA_OK;
}

/* Each version says something that the one before cannot: no row has two forms. */
static bool is_of_version(const bulla_key_data *data, uint8_t version)
{
	bulla_key_kind kind = bulla_key_data_kind(data);
	return version == version_of(data) && bulla_key_kind_exists(kind.spec, kind.use) && bulla_key_origin_name(kind.origin);
}

bool bulla_key_decode(bulla_bytes payload, bulla_key_data *out)
{
	bulla_cursor c = bulla_cursor_of(payload);
	uint8_t version = bulla_cursor_u8(&c);
	uint8_t state = bulla_cursor_u8(&c);
	out->state = (bulla_key_state)state;
	out->usage = bulla_cursor_u8(&c);
	out->origin = bulla_cursor_u8(&c);
	out->created_us = take_time(&c);
	out->deletion_us = take_time(&c);
	out->rotation_days = bulla_cursor_u32(&c);
	out->next_rotation_us = take_time(&c);
	take_copy(&c, out->current, sizeof out->current);
	out->account = bulla_cursor_prefixed(&c);
	out->region = bulla_cursor_prefixed(&c);
	out->description = bulla_cursor_prefixed(&c);
	out->closed_us = version >= VERSION_CLOSED ? take_time(&c) : 0;
	out->spec = version >= VERSION_KIND ? (bulla_spec)bulla_cursor_u8(&c) : BULLA_SPEC_SYMMETRIC_DEFAULT;
	bool timed = is_time(out->created_us) && is_time(out->deletion_us) && is_time(out->next_rotation_us) &&
		     is_time(out->closed_us) && out->rotation_days <= BULLA_ROTATION_DAYS_MAX;
	return bulla_cursor_end(&c) && is_of_version(out, version) && timed && state >= BULLA_KEY_ENABLED &&
	       state <= BULLA_KEY_TOMBSTONE && out->account.len == BULLA_ACCOUNT_SIZE && out->region.len <= BULLA_REGION_MAX &&
	       out->description.len <= BULLA_DESCRIPTION_MAX;
}

/* --- material -------------------------------------------------------------------------------------------------- */
bool bulla_material_fits(bulla_spec spec, size_t len)
{
	const bulla_spec_info *about = bulla_spec_about(spec);
	if (!about || bulla_key_kind_is_pair(spec)) return about && len > 0 && len <= BULLA_MATERIAL_MAX;
	return len == about->bits / 8;
}

bulla_code bulla_material_encode(const bulla_material_data *data, bulla_buf *out, bulla_error *err)
{
	bool symmetric = data->spec == BULLA_SPEC_SYMMETRIC_DEFAULT;
	const uint8_t head[] = { symmetric ? VERSION : VERSION_MATERIAL_KIND, data->usage, data->origin };
	TRY(add_fixed(out, head, sizeof head, err));
	TRY(bulla_buf_add_u64(out, (uint64_t)data->created_us, err));
	TRY(add_fixed(out, data->commitment, sizeof data->commitment, err));
	TRY(add_fixed(out, data->nonce, sizeof data->nonce, err));
	if (symmetric) return bulla_buf_add(out, data->sealed, err);
	TRY(bulla_buf_add_u8(out, (uint8_t)data->spec, err));
	return bulla_buf_add_prefixed(out, data->sealed, err);
}

bool bulla_material_decode(bulla_bytes payload, bulla_material_data *out)
{
	bulla_cursor c = bulla_cursor_of(payload);
	uint8_t version = bulla_cursor_u8(&c);
	out->usage = bulla_cursor_u8(&c);
	out->origin = bulla_cursor_u8(&c);
	out->created_us = take_time(&c);
	take_copy(&c, out->commitment, sizeof out->commitment);
	take_copy(&c, out->nonce, sizeof out->nonce);
	out->spec = version == VERSION_MATERIAL_KIND ? (bulla_spec)bulla_cursor_u8(&c) : BULLA_SPEC_SYMMETRIC_DEFAULT;
	bool symmetric = out->spec == BULLA_SPEC_SYMMETRIC_DEFAULT;
	out->sealed = symmetric ? bulla_cursor_take(&c, BULLA_SEALED_KEY_SIZE) : bulla_cursor_prefixed(&c);
	return bulla_cursor_end(&c) && version == (symmetric ? VERSION : VERSION_MATERIAL_KIND) &&
	       out->sealed.len > BULLA_TAG_SIZE && bulla_material_fits(out->spec, out->sealed.len - BULLA_TAG_SIZE);
}

/* --- aliases --------------------------------------------------------------------------------------------------- */
bulla_code bulla_alias_encode(const bulla_alias_data *data, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_add_u8(out, VERSION, err));
	TRY(add_fixed(out, data->uuid, sizeof data->uuid, err));
	TRY(bulla_buf_add_u64(out, (uint64_t)data->created_us, err));
	return bulla_buf_add_u64(out, (uint64_t)data->updated_us, err);
}

bool bulla_alias_decode(bulla_bytes payload, bulla_alias_data *out)
{
	bulla_cursor c = bulla_cursor_of(payload);
	uint8_t version = bulla_cursor_u8(&c);
	take_copy(&c, out->uuid, sizeof out->uuid);
	out->created_us = take_time(&c);
	out->updated_us = take_time(&c);
	return bulla_cursor_end(&c) && version == VERSION;
}

/* --- META ------------------------------------------------------------------------------------------------------ */
bulla_code bulla_root_encode(const bulla_root_data *data, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_add_u8(out, VERSION, err));
	TRY(bulla_buf_add_prefixed(out, data->note, err));
	TRY(add_fixed(out, data->salt, sizeof data->salt, err));
	return add_fixed(out, data->canary, sizeof data->canary, err);
}

bool bulla_root_decode(bulla_bytes payload, bulla_root_data *out)
{
	bulla_cursor c = bulla_cursor_of(payload);
	uint8_t version = bulla_cursor_u8(&c);
	out->note = bulla_cursor_prefixed(&c);
	take_copy(&c, out->salt, sizeof out->salt);
	take_copy(&c, out->canary, sizeof out->canary);
	return bulla_cursor_end(&c) && version == VERSION && out->note.len <= BULLA_ROOT_NOTE_MAX;
}

bulla_code bulla_seed_encode(const bulla_sealed_key *data, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_add_u8(out, VERSION, err));
	TRY(add_fixed(out, data->nonce, sizeof data->nonce, err));
	return add_fixed(out, data->sealed, sizeof data->sealed, err);
}

bool bulla_seed_decode(bulla_bytes payload, bulla_sealed_key *out)
{
	bulla_cursor c = bulla_cursor_of(payload);
	uint8_t version = bulla_cursor_u8(&c);
	take_copy(&c, out->nonce, sizeof out->nonce);
	take_copy(&c, out->sealed, sizeof out->sealed);
	return bulla_cursor_end(&c) && version == VERSION;
}

bulla_code bulla_rows_encode(const bulla_rows_data *data, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_add_u8(out, VERSION, err));
	TRY(bulla_buf_add_u32(out, data->count, err));
	return add_fixed(out, data->digest, sizeof data->digest, err);
}

bool bulla_rows_decode(bulla_bytes payload, bulla_rows_data *out)
{
	bulla_cursor c = bulla_cursor_of(payload);
	uint8_t version = bulla_cursor_u8(&c);
	out->count = bulla_cursor_u32(&c);
	take_copy(&c, out->digest, sizeof out->digest);
	return bulla_cursor_end(&c) && version == VERSION;
}
