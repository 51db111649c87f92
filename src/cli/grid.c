/*
 * grid.c - aligned columns for people.
 */
#include "cli/grid.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

#define CELL_MAX 512

bulla_grid bulla_grid_of(const char *const *headings)
{
	bulla_grid grid = { 0 };
	while (headings[grid.columns] && grid.columns < BULLA_COLUMNS_MAX) {
		grid.headings[grid.columns] = headings[grid.columns];
		grid.columns++;
	}
	return grid;
}

static void add(bulla_grid *grid, bulla_bytes text)
{
	if (grid->limit && grid->cells == grid->limit * grid->columns) {
		grid->left++;
		return;
	}
	if (!grid->failed) grid->failed = bulla_text_printable(text, &grid->text, NULL);
	if (!grid->failed) grid->failed = bulla_buf_add_u8(&grid->text, 0, NULL);
	grid->cells++;
}

void bulla_grid_cell(bulla_grid *grid, const char *format, ...)
{
	char text[CELL_MAX];
	va_list arguments;
	va_start(arguments, format);
	int n = vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	add(grid, bulla_view(text, n < 0 ? 0 : strlen(text)));
}

void bulla_grid_count(bulla_grid *grid, uint64_t n)
{
	char text[BULLA_COUNT_MAX];
	add(grid, bulla_view_str(bulla_count_text(n, text)));
}

/* Code points: close enough to cells on the screen for names and numbers. */
static size_t width(const char *text)
{
	size_t n = 0;
	for (; *text; text++)
		n += ((uint8_t)*text & 0xC0) != 0x80;
	return n;
}

static bool to_the_right(const bulla_grid *grid, size_t column)
{
	return grid->headings[column][0] == '>';
}

static const char *heading(const bulla_grid *grid, size_t column)
{
	return grid->headings[column] + (to_the_right(grid, column) ? 1 : 0);
}

static void measure(const bulla_grid *grid, size_t widths[static BULLA_COLUMNS_MAX])
{
	const char *cell = (const char *)grid->text.data;
	for (size_t c = 0; c < grid->columns; c++)
		widths[c] = width(heading(grid, c));
	for (size_t i = 0; i < grid->cells; i++, cell += strlen(cell) + 1) {
		size_t own = width(cell);
		if (own > widths[i % grid->columns]) widths[i % grid->columns] = own;
	}
}

static bulla_code add_cell(const bulla_grid *grid, size_t column, const char *cell, size_t wide, bulla_buf *line,
			   bulla_error *err)
{
	bool last = column + 1 == grid->columns;
	int blanks = (int)(wide - width(cell));
	if (to_the_right(grid, column)) return bulla_buf_printf(line, err, "%*s%s%s", blanks, "", cell, last ? "" : "  ");
	return bulla_buf_printf(line, err, "%s%*s", cell, last ? 0 : blanks + 2, "");
}

static bulla_code print_lines(const bulla_grid *grid, bulla_cli *cli, bulla_error *err)
{
	size_t widths[BULLA_COLUMNS_MAX];
	BULLA_BUF_AUTO bulla_buf line = { 0 };
	measure(grid, widths);
	for (size_t c = 0; c < grid->columns; c++)
		TRY(add_cell(grid, c, heading(grid, c), widths[c], &line, err));
	bulla_cli_print(cli, "%.*s", (int)line.len, (const char *)line.data);
	const char *cell = (const char *)grid->text.data;
	for (size_t i = 0; i < grid->cells; i++, cell += strlen(cell) + 1) {
		size_t column = i % grid->columns;
		if (column == 0) bulla_buf_clear(&line);
		TRY(add_cell(grid, column, cell, widths[column], &line, err));
		if (column + 1 == grid->columns) bulla_cli_print(cli, "%.*s", (int)line.len, (const char *)line.data);
	}
	char more[BULLA_COUNT_MAX];
	if (grid->left) bulla_cli_print(cli, "  ... and %s more", bulla_count_text(grid->left / grid->columns, more));
	return BULLA_OK;
}

bulla_code bulla_grid_print(bulla_grid *grid, bulla_cli *cli, bulla_error *err)
{
	bulla_code code = grid->failed ? bulla_fail_memory(err) : BULLA_OK;
	if (code == BULLA_OK && grid->cells && grid->columns) code = print_lines(grid, cli, err);
	bulla_buf_done(&grid->text);
	return code;
}
