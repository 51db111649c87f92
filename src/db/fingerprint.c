/*
 * fingerprint.c - one hash over a table's definition and its model, so that `apply --plan` notices when either is no longer
 * what was planned.
 *
 * What a job adds (columns, indexes, triggers) is left out: a plan stays good for an apply that is taken up again.
 */
#include "db/check.h"

#include "base/text.h"
#include "crypto/lane.h"

#include <inttypes.h>
#include <string.h>

/* Lengths before texts, so that no two definitions are written alike. */
static bulla_code put(bulla_buf *out, const char *text, bulla_error *err)
{
	return bulla_buf_printf(out, err, "%zu:%s;", text ? strlen(text) : 0, text ? text : "");
}

static bulla_code put_number(bulla_buf *out, uint64_t number, bulla_error *err)
{
	return bulla_buf_printf(out, err, "%" PRIu64 ";", number);
}

static bool is_ours(const bulla_model *model, const char *column)
{
	for (size_t i = 0; i < model->field_count; i++) {
		if (bulla_name_equal(model->fields[i].column, column)) return true;
		if (model->fields[i].index && bulla_name_equal(model->fields[i].index->column, column)) return true;
		if (model->fields[i].before && bulla_name_equal(model->fields[i].before->index->column, column)) return true;
	}
	for (size_t k = 0; k < model->key_count; k++)
		if (bulla_name_equal(model->keys[k].column, column)) return true;
	return false;
}

static bulla_code put_columns(const bulla_mapping *m, bulla_buf *out, bulla_error *err)
{
	for (size_t i = 0; i < m->table->column_count; i++) {
		const bulla_column *c = &m->table->columns[i];
		if (is_ours(m->model, c->name)) continue;
		TRY(put(out, c->name, err));
		TRY(put(out, c->type, err));
		TRY(put(out, c->collation, err));
		TRY(put(out, c->definition, err));
		TRY(put_number(out, (uint64_t)(c->not_null + 2 * c->has_default + 4 * c->generated), err));
	}
	for (size_t i = 0; i < m->table->pk_count; i++)
		TRY(put(out, m->table->pk[i], err));
	return BULLA_OK;
}

static bulla_code put_objects(const bulla_mapping *m, bulla_buf *out, bulla_error *err)
{
	const bulla_table *t = m->table;
	for (size_t i = 0; i < t->index_count; i++) {
		if (t->indexes[i].ours) continue;
		TRY(put(out, t->indexes[i].name, err));
		TRY(put(out, t->indexes[i].sql, err));
		for (size_t c = 0; c < t->indexes[i].column_count; c++)
			TRY(put(out, t->indexes[i].columns[c], err));
	}
	for (size_t i = 0; i < t->trigger_count; i++)
		if (!t->triggers[i].ours) TRY(put(out, t->triggers[i].sql, err));
	for (size_t i = 0; i < t->foreign_key_count; i++) {
		TRY(put(out, t->foreign_keys[i].from_table, err));
		TRY(put(out, t->foreign_keys[i].from_column, err));
		TRY(put(out, t->foreign_keys[i].to_table, err));
		TRY(put(out, t->foreign_keys[i].to_column, err));
	}
	return BULLA_OK;
}

static bulla_code put_field(const bulla_field *field, bulla_buf *out, bulla_error *err)
{
	const bulla_index_spec *index = field->index;
	TRY(put(out, field->name, err));
	TRY(put(out, field->plaintext, err));
	TRY(put(out, field->column, err));
	TRY(put(out, bulla_type_name(field->type), err));
	TRY(put(out, field->data_key, err));
	TRY(put_number(out, field->padding, err));
	TRY(put_number(out, (uint64_t)(field->null_sealed + 2 * field->base64), err));
	if (!index) return BULLA_OK;
	TRY(put(out, index->name, err));
	TRY(put(out, index->column, err));
	TRY(put(out, index->scope, err));
	TRY(put_number(out, index->version, err));
	TRY(put_number(out, index->bits, err));
	return put_number(out, (uint64_t)(index->kind + 2 * index->unique + 4 * index->normalize + 64 * index->expression), err);
}

static bulla_code put_context(const bulla_context_part *parts, size_t n, bulla_buf *out, bulla_error *err)
{
	for (size_t i = 0; i < n; i++) {
		TRY(put(out, parts[i].name, err));
		TRY(put(out, parts[i].constant ? parts[i].value : parts[i].template_.text, err));
	}
	return BULLA_OK;
}

static bulla_code put_model(const bulla_model *model, bulla_buf *out, bulla_error *err)
{
	TRY(put(out, model->name, err));
	TRY(put_number(out, model->data_key, err));
	TRY(put(out, model->branch.name.text, err));
	TRY(put(out, model->branch.under, err));
	TRY(put_context(model->context, model->context_count, out, err));
	for (size_t k = 0; k < model->key_count; k++) {
		TRY(put(out, model->keys[k].column, err));
		TRY(put(out, model->keys[k].kms_key, err));
		TRY(put_context(model->keys[k].context, model->keys[k].context_count, out, err));
	}
	for (size_t i = 0; i < model->field_count; i++)
		TRY(put_field(&model->fields[i], out, err));
	return BULLA_OK;
}

static bulla_code hash(bulla_bytes text, uint8_t out[static 32], bulla_error *err)
{
	bulla_lane *lane = NULL;
	TRY(bulla_lane_new(&lane, err));
	bulla_code code = bulla_sha256(lane, &text, 1, out, err);
	bulla_lane_free(lane);
	return code;
}

bulla_code bulla_fingerprint(const bulla_mapping *mapping, char out[static 65], bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf text = { 0 }, hex = { 0 };
	uint8_t digest[32];
	TRY(put(&text, mapping->table->name, err));
	TRY(put_number(&text,
		       (uint64_t)(mapping->table->without_rowid + 2 * mapping->table->strict + 4 * mapping->table->autoincrement),
		       err));
	TRY(put_columns(mapping, &text, err));
	TRY(put_objects(mapping, &text, err));
	TRY(put_model(mapping->model, &text, err));
	TRY(hash(bulla_view_buf(&text), digest, err));
	TRY(bulla_hex_encode(bulla_view(digest, sizeof digest), &hex, err));
	TRY(bulla_buf_terminate(&hex, err));
	memcpy(out, hex.data, 65);
	return BULLA_OK;
}
