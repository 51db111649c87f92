/*
 * inspect.c - telling what a ciphertext is without any key: a table of formats, asked from the most particular to the least.
 */
#include "base/json.h"
#include "base/text.h"
#include "core/provider.h"
#include "format/field.h"
#include "format/wrapped_key.h"
#include "kms/engine.h"

#include <bulla/inspect.h>

#define INSPECT_MAX ((size_t)BULLA_VALUE_MAX * 2) /* bytes of one ciphertext, in text */

static void put_u64(bulla_json_writer *w, const char *name, uint64_t value)
{
	uint8_t bytes[8];
	bulla_put_u64(bytes, value);
	bulla_json_put_hex(w, name, bulla_view(bytes, 8));
}

static void put_engine_blob(bulla_json_writer *w, bulla_bytes blob)
{
	uint8_t uuid[BULLA_UUID_SIZE], material[BULLA_MATERIAL_ID_SIZE];
	if (bulla_engine_blob_parse(blob, uuid, material, NULL)) return;
	bulla_json_put_hex(w, "key", bulla_view(uuid, sizeof uuid));
	bulla_json_put_hex(w, "material", bulla_view(material, sizeof material));
}

static void put_wrap(bulla_json_writer *w, const bulla_wrap *wrap)
{
	bulla_json_open(w, NULL, '{');
	bulla_json_put_str(w, "kind", bulla_wrap_kind_name(wrap->kind));
	put_u64(w, "reference", wrap->reference);
	bulla_json_put_int(w, "bytes", (int64_t)wrap->blob.len);
	if (wrap->kind == BULLA_WRAP_ENGINE) put_engine_blob(w, wrap->blob);
	bulla_json_close(w, '}');
}

static bool wrapped_key(bulla_json_writer *w, bulla_bytes bytes)
{
	bulla_wrapped_key key;
	if (bulla_wrapped_key_parse(bytes, &key, NULL)) return false;
	bool box = key.version == BULLA_WRAPPED_BOX;
	bulla_json_put_str(w, "format", box ? "bulla box" : "bulla wrapped key");
	bulla_json_put_int(w, "version", key.version);
	bulla_json_put_int(w, "bytes", (int64_t)bytes.len);
	if (!box) bulla_json_put_hex(w, "commitment", key.commitment);
	bulla_json_open(w, "wraps", '[');
	for (size_t i = 0; i < key.wrap_count; i++)
		put_wrap(w, &key.wraps[i]);
	bulla_json_close(w, ']');
	bulla_json_put_int(w, "checks", (int64_t)key.checks.len / 2);
	return true;
}

static bool engine_blob(bulla_json_writer *w, bulla_bytes bytes)
{
	uint8_t uuid[BULLA_UUID_SIZE], material[BULLA_MATERIAL_ID_SIZE];
	if (bulla_engine_blob_parse(bytes, uuid, material, NULL)) return false;
	bulla_json_put_str(w, "format", "bulla engine blob");
	bulla_json_put_int(w, "version", 1);
	bulla_json_put_int(w, "bytes", (int64_t)bytes.len);
	put_engine_blob(w, bytes);
	return true;
}

static bool field(bulla_json_writer *w, bulla_bytes bytes)
{
	uint8_t header, version = bytes.len ? bytes.data[0] & BULLA_FIELD_VERSION_MASK : 0;
	size_t overhead = bulla_field_overhead(version);
	if (!overhead || bulla_field_header(bytes, version, &header, NULL)) return false;
	if ((header & BULLA_FIELD_NULL) && bytes.len > overhead)
		return false; /* base64 of a field begins with A, which is 0x41 */
	bulla_json_put_str(w, "format", "bulla field");
	bulla_json_put_int(w, "version", version);
	bulla_json_put_int(w, "bytes", (int64_t)bytes.len);
	bulla_json_put_str(w, "data_key", version == BULLA_FIELD_RECORD ? "record" : "shared");
	bulla_json_put_int(w, "value_bytes", (int64_t)(bytes.len - overhead));
	bulla_json_put_bool(w, "padded", header & BULLA_FIELD_PADDED);
	bulla_json_put_bool(w, "sealed_null", header & BULLA_FIELD_NULL);
	return true;
}

static bool (*const formats[])(bulla_json_writer *w, bulla_bytes bytes) = { wrapped_key, engine_blob, field };

/* FORMAT where they are of none. */
static bulla_code inspect_raw(bulla_bytes bytes, bulla_buf *out, bulla_error *err)
{
	size_t start = out->len;
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		bulla_json_writer w = bulla_json_to(out);
		bulla_json_open(&w, NULL, '{');
		if (formats[i](&w, bytes)) {
			bulla_json_close(&w, '}');
			return bulla_json_end(&w, err);
		}
		out->len = start;
	}
	return bulla_fail(err, BULLA_ERR_FORMAT, "these %zu bytes are of no format that bulla knows", bytes.len);
}

static bulla_bytes trim(bulla_bytes text)
{
	while (text.len && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == '\r' || text.data[text.len - 1] == ' '))
		text.len--;
	if (text.len > 3 && memcmp(text.data, "b1:", 3) == 0) text = bulla_view(text.data + 3, text.len - 3);
	return text;
}

bulla_code bulla_inspect(bulla_bytes ciphertext, bulla_buf *out, bulla_error *err)
{
	static bulla_code (*const forms[])(bulla_bytes, bulla_buf *, bulla_error *) = { bulla_hex_decode, bulla_base64_decode };
	BULLA_BUF_AUTO bulla_buf raw = { 0 };
	bulla_bytes text = trim(ciphertext);
	if (ciphertext.len > INSPECT_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "the ciphertext is longer than %zu bytes", INSPECT_MAX);
	bulla_code code = inspect_raw(ciphertext, out, err);
	for (size_t i = 0; i < sizeof forms / sizeof *forms && code == BULLA_ERR_FORMAT; i++) {
		bulla_buf_clear(&raw);
		code = forms[i](text, &raw, err);
		if (code == BULLA_OK) code = inspect_raw(bulla_view_buf(&raw), out, err);
		if (code == BULLA_ERR_ENCODING) code = BULLA_ERR_FORMAT;
	}
	if (code != BULLA_ERR_FORMAT) return code;
	return bulla_fail(err, code, "these %zu bytes are of no format that bulla knows", ciphertext.len);
}
