/*
 * record_view.h - a row of the table as its users knew it: the columns they had, each with its plaintext again.
 */
#ifndef DB_RECORD_VIEW_H
#define DB_RECORD_VIEW_H

#include "db/page.h"
#include "db/run.h"

/* The columns of a record in the order in which the table had them before the first apply; later ones follow. Columns of
 * ours are left out. */
typedef struct bulla_record_view {
	const bulla_mapping *mapping;
	const bulla_shape *shape; /* PLAIN | SEALED | REST */
	size_t n;
	const char **names;
	size_t *position;    /* in the shape; BULLA_NOWHERE when `field` counts */
	size_t *field;       /* of the model; BULLA_NOWHERE for a column that is not encrypted */
	bulla_value *values; /* of one record, filled by bulla_record_view_fill() */
	bulla_json *columns; /* what bulla_job remembers; names are views into it */
	bulla_arena arena;
} bulla_record_view;

/* `wanted` NULL: all columns; else those, in that order (NOT_FOUND for one that there is not). */
BULLA_MUST bulla_code bulla_record_view_init(bulla_record_view *view, const bulla_run *run, const bulla_shape *shape,
					     const char *const *wanted, size_t wanted_count, bulla_error *err);
void bulla_record_view_done(bulla_record_view *view);

/* Fills view->values from a row of a page that was opened: the opened value, or under `migrating: true` the plaintext
 * column where nothing is sealed yet (REFUSED without). A field that did not open is a failure: its code. Views into page
 * and batch. */
BULLA_MUST bulla_code bulla_record_view_fill(bulla_record_view *view, const bulla_page *page, size_t row, bulla_error *err);

#endif
