/*
 * wraps.h - how many rows of the registered tables hang from which key: the count that comes before a key is retired.
 *
 * Every column that holds wrapped keys counts, and with data_key: none every column of boxes; a record with several wraps counts under each of
 * them. A table that is no longer named (it was renamed, its model was taken out) counts as well, as long as the index is on it that a job has
 * made. Boxes elsewhere and backups are not seen.
 */
#ifndef DB_WRAPS_H
#define DB_WRAPS_H

#include "core/schema.h"
#include "format/wrapped_key.h"
#include "io/patience.h"

#include <stdatomic.h>

typedef struct bulla_wraps_column {
	const char *database; /* its name in bulla.yaml */
	const char *model;    /* "" where no model names the column */
	const char *table;    /* the side table where the columns lie there */
	const char *column;
	bool indexed; /* false: every row was read; bulla_wraps_index() spares that */
} bulla_wraps_column;

/* Rows that have the same wraps. */
typedef struct bulla_wraps_group {
	uint64_t rows;
	size_t wrap_count; /* 0: keys that cannot be read */
	struct bulla_wraps_one {
		uint8_t kind; /* bulla_wrap_kind */
		uint64_t reference;
	} wraps[BULLA_WRAPS_MAX];
} bulla_wraps_group;

/* Where the counts go: groups of a column, and then the column itself, also one without any. Views. */
typedef struct bulla_wraps_sink {
	bulla_code (*group)(void *self, const bulla_wraps_group *group, bulla_error *err);
	bulla_code (*column)(void *self, const bulla_wraps_column *column, bulla_error *err);
	void *self;
} bulla_wraps_sink;

typedef struct bulla_wraps_options {
	const bulla_schema *schema;
	const bulla_model *model; /* this one alone; NULL: all of the schema, in all databases */
	const char *base_dir;     /* of relative URLs */
	bool every_row;           /* read the rows and not an index */
	bulla_patience patience;  /* for locks; preset: 30 s */
	const atomic_bool *stop;  /* may be NULL */
} bulla_wraps_options;

/* Counts exactly, each database in one snapshot. A column that does not exist yet has no rows; a database or table that cannot be read,
 * and ciphertexts beside which the column of keys is missing, fail, naming the model: it is never taken for empty. */
BULLA_MUST bulla_code bulla_wraps_count(const bulla_wraps_options *options, const bulla_wraps_sink *sink, bulla_error *err);

/* The model's columns that hold wraps, one after the other; NULL after the last. */
const char *bulla_wraps_column_of(const bulla_model *model, size_t i);

/* Makes the indexes that are missing, by which a census reads no rows; `ret_columns` counts the columns that have one now. */
BULLA_MUST bulla_code bulla_wraps_index(const bulla_wraps_options *options, size_t *ret_columns, bulla_error *err);

#endif
