/*
 * row_name.c - primary keys out of the quarantine.
 */
#include "db/row_name.h"

#include "base/text.h"

static bulla_code read_part(bulla_row_name *name, size_t i, const bulla_json *node, bulla_error *err)
{
	bulla_bytes text;
	bulla_value *value = &name->values[i];
	if (bulla_json_is_null(node)) return BULLA_OK;
	if (bulla_json_integer(node, &value->integer)) {
		value->kind = BULLA_KIND_INTEGER;
	} else if (bulla_json_number(node, &value->number)) {
		value->kind = BULLA_KIND_FLOAT;
	} else if (bulla_json_string(node, &text)) {
		*value = (bulla_value){ .kind = BULLA_KIND_TEXT, .bytes = text };
	} else {
		if (!bulla_json_string(bulla_json_member(node, "hex"), &text))
			return bulla_fail(err, BULLA_ERR_FORMAT, "a primary key in bulla_quarantine is not understood");
		TRY(bulla_hex_decode(text, &name->bytes[i], err));
		*value = (bulla_value){ .kind = BULLA_KIND_BINARY, .bytes = bulla_view_buf(&name->bytes[i]) };
		name->hex[i] = name->any_hex = true;
	}
	return BULLA_OK;
}

bulla_code bulla_row_name_read(bulla_row_name *name, bulla_bytes pk, const bulla_table *table, bulla_error *err)
{
	*name = (bulla_row_name){ .n = table->pk_count };
	TRY(bulla_json_parse(pk, &name->json, err));
	name->fits = bulla_json_count(name->json) == name->n && name->n <= BULLA_INPUTS_MAX;
	for (size_t i = 0; name->fits && i < name->n; i++)
		TRY(read_part(name, i, bulla_json_at(name->json, i), err));
	return BULLA_OK;
}

void bulla_row_name_done(bulla_row_name *name)
{
	for (size_t i = 0; i < BULLA_INPUTS_MAX; i++)
		bulla_buf_done(&name->bytes[i]);
	bulla_json_free(name->json);
	name->json = NULL;
}
