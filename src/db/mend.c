/*
 * mend.c - giving rows that a verification or a rotation has put aside back to the queue: as long as plaintext is there it is the truth.
 *
 * Such a row has a ciphertext that does not open, or opens to something else; nothing would seal it again by itself. Its
 * ciphertexts, indexes and keys go, all together, and the rounds of apply seal it like any other row.
 */
#include "db/apply.h"

#include "db/row_name.h"
#include "db/sql_text.h"

#include <inttypes.h>
#include <stdio.h>

static bulla_code add_null(bulla_buf *sql, const char *column, bulla_error *err)
{
	TRY(bulla_sql_add_name(sql, column, err));
	return bulla_buf_add_str(sql, " = NULL, ", err);
}

static bulla_code add_statement(const bulla_mapping *m, const bulla_row_name *row, bulla_buf *sql, bulla_error *err)
{
	TRY(bulla_buf_add_str(sql, "UPDATE ", err));
	TRY(bulla_sql_add_name(sql, m->home, err));
	TRY(bulla_buf_add_str(sql, " SET ", err));
	for (size_t i = 0; i < m->model->field_count; i++) {
		const bulla_field *field = &m->model->fields[i];
		TRY(add_null(sql, field->column, err));
		if (field->index) TRY(add_null(sql, field->index->column, err));
		if (m->fields[i].before) TRY(add_null(sql, field->before->index->column, err));
	}
	for (size_t k = 0; k < m->model->key_count; k++)
		TRY(add_null(sql, m->model->keys[k].column, err));
	sql->len -= 2; /* the last comma */
	for (size_t i = 0; i < m->table->pk_count; i++) {
		TRY(bulla_buf_add_str(sql, i ? " AND " : " WHERE ", err));
		TRY(bulla_buf_add_str(sql, row->hex[i] ? "CAST(" : "(", err));
		TRY(bulla_sql_add_name(sql, m->table->pk[i], err));
		TRY(bulla_buf_add_str(sql, row->hex[i] ? " AS BLOB) IS ?" : ") IS ?", err));
	}
	return bulla_buf_terminate(sql, err);
}

static bulla_code unseal(bulla_apply *a, bulla_bytes pk, uint64_t *rows, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf sql = { 0 };
	bulla_row_name name;
	const bulla_mapping *m = &a->run.mapping;
	uint64_t changed = 0;
	bulla_code code = bulla_row_name_read(&name, pk, m->table, err);
	if (!code && name.fits) {
		code = add_statement(m, &name, &sql, err);
		if (!code)
			code = a->run.db->target->run(a->run.db, (const char *)sql.data, name.values, name.n, NULL, NULL,
						      &changed, err);
	}
	*rows += changed;
	bulla_row_name_done(&name);
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
	static const char sql[] = "SELECT DISTINCT pk FROM bulla_quarantine WHERE model = ? AND job NOT LIKE 'apply:%'";
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
