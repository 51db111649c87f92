/*
 * memory.c - a database as text that can be compared.
 */
#include "memory.h"

#include "base/buf.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(bulla_buf *out, const char *text)
{
	assert_int_equal(bulla_buf_add_str(out, text, NULL), BULLA_OK);
}

/* Class and bytes: a real by its eight bytes, text and blobs in hexadecimal digits. */
static void add_value(bulla_buf *out, sqlite3_stmt *stmt, int column)
{
	static const char *const kinds[] = { "", "i", "r", "t", "b", "n" };
	int kind = sqlite3_column_type(stmt, column);
	double number = sqlite3_column_double(stmt, column);
	int64_t integer = sqlite3_column_int64(stmt, column);
	const unsigned char *bytes = (const unsigned char *)&number;
	int n = sizeof number;
	add(out, kinds[kind]);
	if (kind == SQLITE_INTEGER) bytes = (const unsigned char *)&integer;
	if (kind == SQLITE_NULL) n = 0;
	if (kind == SQLITE_TEXT || kind == SQLITE_BLOB) {
		bytes = kind == SQLITE_TEXT ? sqlite3_column_text(stmt, column) : sqlite3_column_blob(stmt, column);
		n = sqlite3_column_bytes(stmt, column);
	}
	for (int i = 0; i < n; i++)
		assert_int_equal(bulla_buf_printf(out, NULL, "%02x", bytes[i]), BULLA_OK);
	add(out, ",");
}

static char *read_all(world *w, const char *sql)
{
	bulla_buf out = { 0 };
	sqlite3_stmt *stmt = NULL;
	if (sqlite3_prepare_v2(w->db, sql, -1, &stmt, NULL) != SQLITE_OK) return strdup("");
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(stmt); i++)
			add_value(&out, stmt, i);
		add(&out, "\n");
	}
	sqlite3_finalize(stmt);
	assert_int_equal(bulla_buf_terminate(&out, NULL), BULLA_OK);
	char *text = strdup((const char *)out.data);
	bulla_buf_done(&out);
	return text;
}

static char *read_rows(world *w, const char *table)
{
	char sql[256];
	snprintf(sql, sizeof sql, "SELECT rowid, * FROM \"%s\" ORDER BY rowid", table);
	char *rows = read_all(w, sql);
	if (*rows) return rows;
	free(rows);
	snprintf(sql, sizeof sql, "SELECT * FROM \"%s\"", table); /* WITHOUT ROWID: in the order of the key */
	return read_all(w, sql);
}

memory memory_of(world *w, const char *table)
{
	return (memory){ read_all(w, "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"),
			 read_rows(w, table), read_all(w, "SELECT * FROM sqlite_sequence ORDER BY name") };
}

void memory_done(memory *m)
{
	free(m->schema);
	free(m->rows);
	free(m->sequence);
}

static void tell_schema(world *w)
{
	sqlite3_stmt *stmt = NULL;
	(void)sqlite3_prepare_v2(w->db, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name", -1, &stmt,
				 NULL);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		print_error("%s\n", sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
}

static void compare(const char *what, const char *part, const char *before, const char *now)
{
	if (strcmp(before, now) != 0) fail_msg("%s: %s differ:\n%.4000s\n--- now\n%.4000s", what, part, before, now);
}

void memory_rows_equal(world *w, const memory *before, const char *table, const char *what)
{
	memory now = memory_of(w, table);
	compare(what, "rows", before->rows, now.rows);
	memory_done(&now);
}

void memory_equal(world *w, const memory *before, const char *table, const char *what)
{
	memory now = memory_of(w, table);
	if (strcmp(before->schema, now.schema) != 0) tell_schema(w);
	compare(what, "rows", before->rows, now.rows);
	compare(what, "definitions", before->schema, now.schema);
	compare(what, "sequences", before->sequence, now.sequence);
	assert_string_equal(world_text(w, "PRAGMA integrity_check"), "ok");
	memory_done(&now);
}
