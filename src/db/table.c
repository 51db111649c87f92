/*
 * table.c - finding things in the description of a table.
 */
#include "db/table.h"

#include <stdlib.h>

void bulla_table_free(bulla_table *table)
{
	if (!table) return;
	bulla_arena_done(&table->arena);
	free(table);
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool bulla_name_equal(const char *a, const char *b)
{
	for (; *a && lower(*a) == lower(*b); a++)
		b++;
	return lower(*a) == lower(*b);
}

const bulla_column *bulla_table_column(const bulla_table *table, const char *name)
{
	for (size_t i = 0; i < table->column_count; i++)
		if (bulla_name_equal(table->columns[i].name, name)) return &table->columns[i];
	return NULL;
}

bool bulla_table_is_pk(const bulla_table *table, const char *column)
{
	for (size_t i = 0; i < table->pk_count; i++)
		if (bulla_name_equal(table->pk[i], column)) return true;
	return false;
}

bool bulla_table_index_has(const bulla_table_index *index, const char *column)
{
	for (size_t i = 0; i < index->column_count; i++)
		if (index->columns[i] && bulla_name_equal(index->columns[i], column)) return true;
	return false;
}
