/*
 * mend.c - giving rows that a verification has put aside back to the queue: as long as plaintext is there it is the truth.
 *
 * Such a row has a ciphertext that does not open, or opens to something else; nothing would seal it again by itself. Its
 * ciphertexts, indexes and keys go, all together, and the rounds of apply seal it like any other row.
 */
#include "db/apply.h"

#include "base/text.h"
#include "db/sql_text.h"

#include <inttypes.h>
#include <stdio.h>

/* One value of a primary key, as bulla_pk_write() wrote it. */
typedef struct part {
	bulla_value value;
	bool hex; /* a blob, or text that is not UTF-8: compared by its bytes */
} part;

static bulla_code read_part(const bulla_json *node, bulla_buf *bytes, part *ret, bulla_error *err)
{
	bulla_bytes text;
	*ret = (part){ 0 };
	if (bulla_json_is_null(node)) return BULLA_OK;
	if (bulla_json_integer(node, &ret->value.integer)) {
		ret->value.kind = BULLA_KIND_INTEGER;
	} else if (bulla_json_number(node, &ret->value.number)) {
		ret->value.kind = BULLA_KIND_FLOAT;
	} else if (bulla_json_string(node, &text)) {
		ret->value = (bulla_value){ .kind = BULLA_KIND_TEXT, .bytes = text };
	} else {
		if (!bulla_json_string(bulla_json_member(node, "hex"), &text))
			return bulla_fail(err, BULLA_ERR_FORMAT, "a primary key in bulla_quarantine is not understood");
		TRY(bulla_hex_decode(text, bytes, err));
		ret->value = (bulla_value){ .kind = BULLA_KIND_BINARY, .bytes = bulla_view_buf(bytes) };
		ret->hex = true;
	}
	return BULLA_OK;
}

static bulla_code add_null(bulla_buf *sql, const char *column, bulla_error *err)
{
	TRY(bulla_sql_add_name(sql, column, err));
	return bulla_buf_add_str(sql, " = NULL, ", err);
}

static bulla_code add_statement(const bulla_mapping *m, const part *parts, bulla_buf *sql, bulla_error *err)
{
	TRY(bulla_buf_add_str(sql, "UPDATE ", err));
	TRY(bulla_sql_add_name(sql, m->home, err));
	TRY(bulla_buf_add_str(sql, " SET ", err));
	for (size_t i = 0; i < m->model->field_count; i++) {
		const bulla_field *field = &m->model->fields[i];
		TRY(add_null(sql, field->column, err));
		if (field->index) TRY(add_null(sql, field->index->column, err));
	}
	for (size_t k = 0; k < m->model->key_count; k++)
		TRY(add_null(sql, m->model->keys[k].column, err));
	sql->len -= 2; /* the last comma */
	for (size_t i = 0; i < m->table->pk_count; i++) {
		TRY(bulla_buf_add_str(sql, i ? " AND " : " WHERE ", err));
		TRY(bulla_buf_add_str(sql, parts[i].hex ? "CAST(" : "(", err));
		TRY(bulla_sql_add_name(sql, m->table->pk[i], err));
		TRY(bulla_buf_add_str(sql, parts[i].hex ? " AS BLOB) IS ?" : ") IS ?", err));
	}
	return bulla_buf_terminate(sql, err);
}

static bulla_code unseal(bulla_apply *a, bulla_bytes pk, uint64_t *rows, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf sql = { 0 };
	bulla_buf bytes[BULLA_INPUTS_MAX] = { 0 };
	bulla_value values[BULLA_INPUTS_MAX];
	part parts[BULLA_INPUTS_MAX];
	const bulla_mapping *m = &a->run.mapping;
	size_t n = m->table->pk_count;
	uint64_t changed = 0;
	bulla_json *json = NULL;
	bulla_code code = bulla_json_parse(pk, &json, err);
	if (!code && (bulla_json_count(json) != n || n > BULLA_INPUTS_MAX)) goto out; /* of another key than the table has now */
	for (size_t i = 0; !code && i < n; i++) {
		code = read_part(bulla_json_at(json, i), &bytes[i], &parts[i], err);
		values[i] = parts[i].value;
	}
	if (!code) code = add_statement(m, parts, &sql, err);
	if (!code) code = a->run.db->target->run(a->run.db, (const char *)sql.data, values, n, NULL, NULL, &changed, err);
	*rows += changed;
out:
	for (size_t i = 0; i < BULLA_INPUTS_MAX; i++)
		bulla_buf_done(&bytes[i]);
	bulla_json_free(json);
	return code;
}

static bulla_code collect(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	(void)n;
	return bulla_aside_add(self, values[0].bytes, "", BULLA_REASON_NONE, err);
}

static bulla_code unseal_all(bulla_apply *a, const bulla_aside *rows, uint64_t *ret_unsealed, bulla_error *err)
{
	for (size_t i = 0; i < rows->n; i++)
		TRY(unseal(a, bulla_aside_entry(rows, i).pk, ret_unsealed, err));
	return bulla_lease_store(&a->run, err);
}

static bulla_code mend(bulla_apply *a, bulla_aside *rows, uint64_t *ret_unsealed, bulla_error *err)
{
	static const char sql[] = "SELECT DISTINCT pk FROM bulla_quarantine WHERE model = ? AND job LIKE 'verify:%'";
	const bulla_target *target = a->run.db->target;
	bulla_value model = bulla_value_text(a->run.job->model->key);
	TRY(target->run(a->run.db, sql, &model, 1, collect, rows, NULL, err));
	if (rows->n == 0) return BULLA_OK;
	TRY(target->begin_write(a->run.db, err));
	bulla_code code = unseal_all(a, rows, ret_unsealed, err);
	if (!code) return target->commit(a->run.db, err);
	target->rollback(a->run.db);
	return code;
}

bulla_code bulla_apply_mend(bulla_apply *apply, bulla_error *err)
{
	char detail[64];
	uint64_t unsealed = 0;
	bulla_aside rows = { 0 };
	bulla_code code = mend(apply, &rows, &unsealed, err);
	bulla_aside_done(&rows);
	if (code || unsealed == 0) return code;
	snprintf(detail, sizeof detail, "apply: %" PRIu64 " rows from quarantine", unsealed);
	return bulla_run_record(&apply->run, "RowsUnsealed", detail, err);
}
