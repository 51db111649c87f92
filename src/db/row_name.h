/*
 * row_name.h - a row's name in the quarantine, read back: the primary key as bulla_pk_write() (book.h) wrote it.
 */
#ifndef DB_ROW_NAME_H
#define DB_ROW_NAME_H

#include "core/schema.h"
#include "db/target.h"

typedef struct bulla_row_name {
	bool fits; /* false: of another key than the table has now; no values */
	size_t n;
	bulla_value values[BULLA_INPUTS_MAX]; /* views into what follows */
	bool hex[BULLA_INPUTS_MAX];           /* a blob, or text that is not UTF-8: compared by its bytes */
	bool any_hex;
	bulla_json *json;
	bulla_buf bytes[BULLA_INPUTS_MAX];
} bulla_row_name;

/* FORMAT for what is no such name. _done() also after a failure. */
BULLA_MUST bulla_code bulla_row_name_read(bulla_row_name *name, bulla_bytes pk, const bulla_table *table, bulla_error *err);
void bulla_row_name_done(bulla_row_name *name);

#endif
