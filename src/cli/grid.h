/*
 * grid.h - aligned columns for people.
 */
#ifndef CLI_GRID_H
#define CLI_GRID_H

#include "cli/cli.h"

#define BULLA_COLUMNS_MAX 12
/* The limit of lists that may have a line for each record of a table. */
#define BULLA_GRID_SHORT 10

/* Cells are kept until the table is printed, so that columns are as wide as they must be. */
typedef struct bulla_grid {
	size_t columns;
	const char *headings[BULLA_COLUMNS_MAX]; /* those that begin with '>' stand to the right */
	bulla_buf text;                          /* cells, each ended by NUL, row after row */
	size_t cells;
	size_t limit; /* set it to show only so many rows, and the number of the others; 0: all */
	size_t left;  /* cells that are not shown */
	bulla_code failed;
} bulla_grid;

/* Headings end with NULL. */
bulla_grid bulla_grid_of(const char *const *headings);
/* The next cell, left to right. What could play tricks on a terminal is escaped. */
void bulla_grid_cell(bulla_grid *grid, const char *format, ...) BULLA_PRINTF(2, 3);
/* The next cell: "1,234". */
void bulla_grid_count(bulla_grid *grid, uint64_t n);
/* Prints and frees; nothing where there is no row. */
BULLA_MUST bulla_code bulla_grid_print(bulla_grid *grid, bulla_cli *cli, bulla_error *err);

#endif
