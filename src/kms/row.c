/*
 * row.c - seals, takes apart and checks rows of the store.
 */
#include "kms/row.h"
#include "base/cursor.h"
#include "base/text.h"

#include <stdio.h>

#define ROW_VERSION  1
#define ROW_LABEL    "bulla row v1" /* their NULs are part of them */
#define DIGEST_LABEL "bulla rows v1"

static const char *const table_names[] = {
	[BULLA_KMS_META] = "meta",           [BULLA_KMS_KEY] = "key",
	[BULLA_KMS_MATERIAL] = "material",   [BULLA_KMS_ALIAS] = "alias",
	[BULLA_KMS_PRINCIPAL] = "principal", [BULLA_KMS_ACCESS] = "access key",
	[BULLA_KMS_POLICY] = "policy",       [BULLA_KMS_GRANT] = "grant",
	[BULLA_KMS_TAGS] = "tags",           [BULLA_KMS_FREEZE] = "freeze",
};

static const char *name_of(bulla_kms_table table)
{
	size_t n = sizeof table_names / sizeof *table_names;
	return (size_t)table < n && table_names[table] ? table_names[table] : "unknown table";
}

static bool is_printable(bulla_bytes id)
{
	for (size_t i = 0; i < id.len; i++)
		if (id.data[i] <= ' ' || id.data[i] > '~') return false;
	return id.len > 0;
}

bulla_code bulla_stored_row_corrupt(bulla_error *err, bulla_kms_table table, bulla_bytes id, const char *what)
{
	char print[2 * 40 + 1] = "";
	if (id.len > 40) id.len = 40;
	if (is_printable(id))
		(void)snprintf(print, sizeof print, "%.*s", (int)id.len, (const char *)id.data);
	else
		for (size_t i = 0; i < id.len; i++)
			(void)snprintf(print + 2 * i, 3, "%02x", id.data[i]);
	bulla_code code = bulla_fail(err, BULLA_ERR_CORRUPT, "the key store is damaged: %s %s: %s", name_of(table), print, what);
	return bulla_advise(err, code, "restore the store from its last backup: bulla kms restore FILE --force");
}

static bulla_code compute_mac(bulla_lane *lane, const bulla_root *root, bulla_kms_table table, bulla_bytes id, bulla_bytes sealed,
			      uint8_t out[static BULLA_ROW_MAC], bulla_error *err)
{
	uint8_t place[3] = { (uint8_t)table };
	bulla_put_u16(place + 1, (uint16_t)id.len);
	bulla_bytes parts[] = { bulla_view(ROW_LABEL, sizeof ROW_LABEL), bulla_view(place, sizeof place), id, sealed };
	return bulla_hmac_sha256(lane, root->keys[BULLA_ROOT_MAC]->bytes, parts, 4, out, err);
}

bulla_code bulla_stored_row_seal(bulla_lane *lane, const bulla_root *root, bulla_kms_table table, bulla_bytes id,
				 uint64_t generation, bulla_bytes payload, bulla_buf *out, bulla_error *err)
{
	uint8_t mac[BULLA_ROW_MAC];
	size_t start = out->len;
	if (id.len == 0 || id.len > BULLA_ROW_ID_MAX || payload.len > BULLA_ROW_MAX - 64)
		return bulla_fail(err, BULLA_ERR_LIMIT, "a row of the key store is too large");
	TRY(bulla_buf_add_u8(out, ROW_VERSION, err));
	TRY(bulla_buf_add_u64(out, generation, err));
	TRY(bulla_buf_add(out, payload, err));
	TRY(compute_mac(lane, root, table, id, bulla_view(out->data + start, out->len - start), mac, err));
	return bulla_buf_add(out, bulla_view(mac, sizeof mac), err);
}

bulla_code bulla_stored_row_split(const bulla_kms_row *stored, bulla_stored_row *out, bulla_error *err)
{
	const bulla_bytes data = stored->data;
	if (data.len < 1 + 8 + BULLA_ROW_MAC || data.len > BULLA_ROW_MAX || stored->id.len == 0 ||
	    stored->id.len > BULLA_ROW_ID_MAX)
		return bulla_stored_row_corrupt(err, stored->table, stored->id, "it has a wrong length");
	size_t sealed = data.len - BULLA_ROW_MAC;
	*out = (bulla_stored_row){ .table = stored->table,
				   .id = stored->id,
				   .generation = bulla_get_u64(data.data + 1),
				   .payload = bulla_view(data.data + 9, sealed - 9),
				   .sealed = bulla_view(data.data, sealed),
				   .mac = bulla_view(data.data + sealed, BULLA_ROW_MAC) };
	return BULLA_OK;
}

bulla_code bulla_stored_row_is_known(const bulla_stored_row *row, bulla_error *err)
{
	unsigned version = row->sealed.data[0];
	if (version == ROW_VERSION) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_NEWER, "the key store has rows of version %u, made by a newer release", version);
}

bulla_code bulla_stored_row_check(bulla_lane *lane, const bulla_root *root, const bulla_stored_row *row, bulla_error *err)
{
	uint8_t mac[BULLA_ROW_MAC];
	TRY(compute_mac(lane, root, row->table, row->id, row->sealed, mac, err));
	if (!bulla_equal_ct(mac, row->mac.data, BULLA_ROW_MAC))
		return bulla_stored_row_corrupt(err, row->table, row->id, "it was changed outside of bulla");
	return bulla_stored_row_is_known(row, err);
}

int bulla_stored_row_compare(const bulla_stored_row *a, const bulla_stored_row *b)
{
	if (a->table != b->table) return a->table < b->table ? -1 : 1;
	return bulla_bytes_compare(a->id, b->id);
}

bool bulla_stored_row_is_manifest(const bulla_stored_row *row)
{
	return row->table == BULLA_KMS_META && bulla_bytes_is(row->id, BULLA_META_ROWS);
}

bulla_code bulla_stored_row_digest(bulla_lane *lane, const bulla_stored_row *rows, size_t n, uint8_t out[static 32],
				   bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf macs = { 0 };
	TRY(bulla_buf_reserve(&macs, n * BULLA_ROW_MAC + 1, err));
	for (size_t i = 0; i < n; i++)
		if (!bulla_stored_row_is_manifest(&rows[i])) TRY(bulla_buf_add(&macs, rows[i].mac, err));
	bulla_bytes parts[] = { bulla_view(DIGEST_LABEL, sizeof DIGEST_LABEL), bulla_view_buf(&macs) };
	return bulla_sha256(lane, parts, 2, out, err);
}
