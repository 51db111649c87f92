/*
 * sealed_sql.c - the table beside its side table, for statements of our own.
 */
#include "db/sealed_sql.h"

#include "db/sql_text.h"

bulla_code bulla_sealed_add_column(bulla_buf *sql, const bulla_mapping *m, bool ours, const char *column, bulla_error *err)
{
	TRY(bulla_buf_add_str(sql, ours && m->aside ? "s." : "t.", err));
	return bulla_sql_add_name(sql, column, err);
}

bulla_code bulla_sealed_add_from(bulla_buf *sql, const bulla_mapping *m, bulla_error *err)
{
	TRY(bulla_buf_add_str(sql, " FROM ", err));
	TRY(bulla_sql_add_name(sql, m->table->name, err));
	TRY(bulla_buf_add_str(sql, " t", err));
	if (!m->aside || !m->side) return BULLA_OK;
	TRY(bulla_buf_add_str(sql, " LEFT JOIN ", err));
	TRY(bulla_sql_add_name(sql, m->side->name, err));
	for (size_t i = 0; i < m->table->pk_count; i++) {
		TRY(bulla_buf_add_str(sql, i ? " AND t." : " s ON t.", err));
		TRY(bulla_sql_add_name(sql, m->table->pk[i], err));
		TRY(bulla_buf_add_str(sql, " = s.", err));
		TRY(bulla_sql_add_name(sql, m->table->pk[i], err));
	}
	return BULLA_OK;
}
