/*
 * sealed_sql.h - pieces of statements over a table and its sealed columns, wherever those lie.
 *
 * The table is called t, its side table s.
 */
#ifndef DB_SEALED_SQL_H
#define DB_SEALED_SQL_H

#include "db/mapping.h"

#include "base/buf.h"

/* Appends a column with its table; `ours` for ciphertexts, indexes and keys. */
BULLA_MUST bulla_code bulla_sealed_add_column(bulla_buf *sql, const bulla_mapping *m, bool ours, const char *column,
					      bulla_error *err);
/* Appends ` FROM "users" t`, joined with its side table where the sealed columns lie there. */
BULLA_MUST bulla_code bulla_sealed_add_from(bulla_buf *sql, const bulla_mapping *m, bulla_error *err);

#endif
