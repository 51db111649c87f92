/*
 * rekey.c - changes of the store as a whole: every row under a new root key; the log's head taken over after a discontinuity.
 */
#include "kms/change.h"
#include "kms/founding.h"

typedef struct rekey {
	bulla_root root; /* the new one */
	bulla_bytes note;
} rekey;

static bulla_code draft_founding(bulla_change *c, const rekey *r, bulla_error *err)
{
	BULLA_SECRET seed = { 0 };
	TRY(bulla_founding_seed(c->now->rows, c->now->row_count, c->lane, &c->engine->root, &seed, err));
	return bulla_founding_draft(&c->draft, c->lane, &r->root, r->note, &seed, err);
}

static bulla_code draft_material(bulla_change *c, const rekey *r, const bulla_material *m, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf payload = { 0 }, sealed = { 0 };
	bulla_material_data data = m->data;
	uint8_t id[BULLA_UUID_SIZE + BULLA_MATERIAL_ID_SIZE];
	TRY(bulla_material_wrap(c->lane, &r->root, &m->name, bulla_material_bytes(m), &data, &sealed, err));
	TRY(bulla_material_encode(&data, &payload, err));
	memcpy(id, m->name.uuid, BULLA_UUID_SIZE);
	memcpy(id + BULLA_UUID_SIZE, m->name.id, BULLA_MATERIAL_ID_SIZE);
	return bulla_draft_put(&c->draft, BULLA_KMS_MATERIAL, bulla_view(id, sizeof id), bulla_view_buf(&payload), err);
}

static bulla_code draft_access_key(bulla_change *c, const rekey *r, const bulla_access_key *key, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf payload = { 0 }, sealed = { 0 };
	bulla_access_data data = key->data;
	TRY(bulla_access_secret_wrap(c->lane, &r->root, key->id, bulla_view(key->secret->bytes, key->secret_len), &data, &sealed,
				     err));
	TRY(bulla_access_encode(&data, &payload, err));
	return bulla_draft_put(&c->draft, BULLA_KMS_ACCESS, key->id, bulla_view_buf(&payload), err);
}

static bool holds_a_key(bulla_kms_table table)
{
	return table == BULLA_KMS_META || table == BULLA_KMS_MATERIAL || table == BULLA_KMS_ACCESS;
}

/* Rows that hold no key need a new MAC only: written again as they are. */
static bulla_code draft_plain_rows(bulla_change *c, bulla_error *err)
{
	for (size_t i = 0; i < c->now->row_count; i++) {
		const bulla_stored_row *row = &c->now->rows[i];
		if (holds_a_key(row->table)) continue;
		TRY(bulla_draft_put(&c->draft, row->table, row->id, row->payload, err));
	}
	return BULLA_OK;
}

static bulla_code plan_rekey(void *self, bulla_change *c, bulla_error *err)
{
	rekey *r = self;
	c->root = &r->root;
	c->next_root = &r->root;
	TRY(draft_founding(c, r, err));
	TRY(draft_plain_rows(c, err));
	for (size_t i = 0; i < c->now->material_count; i++)
		TRY(draft_material(c, r, &c->now->materials[i], err));
	for (size_t i = 0; i < c->now->rights.key_count; i++)
		TRY(draft_access_key(c, r, &c->now->rights.keys[i], err));
	return BULLA_OK;
}

bulla_code bulla_engine_rekey(bulla_engine *engine, const uint8_t new_root_key[static BULLA_KEY_SIZE], bulla_bytes root_note,
			      bulla_error *err)
{
	rekey r = { .note = root_note };
	TRY(bulla_engine_check(engine, err));
	TRY(bulla_root_derive(engine->pool, new_root_key, &r.root, err));
	bulla_code code = bulla_engine_change(engine, NULL, "RekeyStore", plan_rekey, &r, err);
	bulla_root_done(&r.root);
	return code;
}

/* --- discontinuity --------------------------------------------------------------------------------------------- */
typedef struct adoption {
	bulla_bytes reason;
	uint64_t logged;
} adoption;

static bulla_code plan_adopt(void *self, bulla_change *c, bulla_error *err)
{
	const adoption *a = self;
	(void)err;
	c->event.detail = a->reason;
	c->adopts = true;
	c->logged = a->logged;
	return BULLA_OK;
}

bulla_code bulla_engine_adopt(bulla_engine *engine, bulla_bytes reason, uint64_t logged_generation, bulla_error *err)
{
	adoption a = { reason, logged_generation };
	return bulla_engine_change(engine, NULL, "Discontinuity", plan_adopt, &a, err);
}
