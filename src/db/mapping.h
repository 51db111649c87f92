/*
 * mapping.h - a model laid over the table that is really there: which of its columns exist, where the new ones lie, how a row
 * is found.
 */
#ifndef DB_MAPPING_H
#define DB_MAPPING_H

#include "core/schema.h"
#include "db/table.h"

#define BULLA_NOWHERE     SIZE_MAX
#define BULLA_LOCATOR_MAX 64 /* columns of a primary key that finds rows */

typedef struct bulla_mapping {
	const bulla_model *model;
	bulla_table *table; /* owned */
	bulla_table *side;  /* owned: <table>_bulla, where it exists */
	bulla_table *stage; /* owned: where an undo keeps what it has opened; NULL until bulla_mapping_stage() */
	bool aside;         /* ciphertexts, indexes and keys lie in the side table */
	const char *home;   /* the name of the table that they lie in */
	bulla_arena arena;
	struct bulla_mapped_field {
		const bulla_field *field;
		const bulla_column *plain; /* NULL: there is no such column (any more) */
		bool staged;               /* `plain` is a column of the stage */
		bool cipher;
		bool index;
		bool before; /* the column of the index that is being replaced */
	} * fields;          /* model->field_count of them */
	bool *keys;          /* model->key_count: the column exists */
	size_t plain_count;  /* how many plaintext columns exist */
	size_t cipher_count;
	const char **own; /* set by bulla_mapping_own() */
	size_t own_count;
	const char **locator; /* the columns that find a row: the row id, or the primary key */
	size_t locator_count;
} bulla_mapping;

struct bulla_db;

/* Inspects model->table. `aside` chooses the side table for columns that do not exist yet; columns that do exist decide for
 * themselves. NOT_FOUND names the tables there are. Missing columns are not an error here (see check.h). */
BULLA_MUST bulla_code bulla_mapping_init(bulla_mapping *mapping, struct bulla_db *db, const bulla_model *model, bool aside,
					 bulla_error *err);
void bulla_mapping_done(bulla_mapping *mapping);

/* Does an undo bring the plaintext column of this field back? */
bool bulla_mapping_returns(const struct bulla_mapped_field *field);
/* Reads the plaintext of such fields from the stage of an undo (see target.h). `ret_there` false: there is none, or one of another
 * model, and the mapping stays as it is. */
BULLA_MUST bulla_code bulla_mapping_stage(bulla_mapping *mapping, struct bulla_db *db, bool *ret_there, bulla_error *err);
#define BULLA_STAGE_TABLE "bulla_undo.%s" /* of the table's name */
#define BULLA_STAGE_VALUE "value:%d:%s"   /* of the field's position and name */
#define BULLA_STAGE_KEY   "key:%d"        /* of the position in the locator */
#define BULLA_STAGE_LOST  "lost"          /* 1: a key of the row was destroyed on purpose, and some value with it */

/* Finds bulla's columns in the table itself, for `own` and `own_count`: those that the model names, and those of blind indexes that it
 * named earlier. */
BULLA_MUST bulla_code bulla_mapping_own(bulla_mapping *mapping, struct bulla_db *db, bulla_error *err);

/* Every ciphertext, index and key column is there. */
bool bulla_mapping_is_ready(const bulla_mapping *mapping);
/* But for columns of new indexes, perhaps. */
bool bulla_mapping_is_sealed(const bulla_mapping *mapping);
/* A field that is sealed has a new index whose column is not there: only its values can fill it. */
bool bulla_mapping_lacks_index(const bulla_mapping *mapping);
/* Every ciphertext column is there and no plaintext column is. */
bool bulla_mapping_is_finished(const bulla_mapping *mapping);

/* Is it the column of an index, or of one that is being replaced, in the model? */
bool bulla_model_names_index(const bulla_model *model, const char *column);
/* The column of the `i`th index of `home` where a job has made it as a blind index and the model names it no more; else NULL. Goes from
 * 0 to bulla_mapping_home(mapping)->index_count. */
const char *bulla_mapping_stray_index(const bulla_mapping *mapping, size_t i);
const bulla_table *bulla_mapping_home(const bulla_mapping *mapping); /* the table that `home` is the name of */

/* --- shapes ---------------------------------------------------------------------------------------------------- */
#define BULLA_SHAPE_PLAIN  1u
#define BULLA_SHAPE_SEALED 2u   /* ciphertexts, indexes, keys */
#define BULLA_SHAPE_KEYS   8u   /* of what is sealed the keys alone */
#define BULLA_SHAPE_REST   4u   /* all other columns of the table, for reading whole records */
#define BULLA_WIDTH_MAX    2100 /* columns of one shape: SQLite's own limit and ours beside it */

/* Which columns are read, each once, and where each role lies among them. */
typedef struct bulla_shape {
	size_t width;
	struct bulla_shape_column {
		const char *name;
		bool aside;  /* of the side table */
		bool staged; /* of the stage */
	} * columns;
	size_t *locator; /* mapping->locator_count positions */
	size_t *pk;      /* table->pk_count */
	size_t *inputs;  /* model->input_count */
	size_t *plain;   /* model->field_count each; BULLA_NOWHERE where not read */
	size_t *cipher;
	size_t *index;
	size_t *before; /* of the index that is being replaced */
	size_t *keys;   /* model->key_count */
	size_t lost;    /* of the stage, read with its values: NULL where the row is not in it */
	bulla_arena arena;
} bulla_shape;

/* `what` is made of BULLA_SHAPE_*; locator, primary key and inputs are always read. NOT_FOUND when an input or a
 * primary-key column does not exist. */
BULLA_MUST bulla_code bulla_shape_init(bulla_shape *shape, const bulla_mapping *mapping, unsigned what, bulla_error *err);
void bulla_shape_done(bulla_shape *shape);

#endif
