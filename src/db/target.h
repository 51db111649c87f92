/*
 * target.h - what a job needs of a database system, as one table of functions; one row per system in target.c.
 *
 * A session belongs to one thread at a time. No function puts a value of the user's data into a statement's text, and of what
 * the database says about a failure only names of tables and columns are passed on.
 */
#ifndef DB_TARGET_H
#define DB_TARGET_H

#include "base/json.h"
#include "db/mapping.h"
#include "io/patience.h"

#include <bulla/batch.h>
#include <stdatomic.h>

typedef struct bulla_target bulla_target;

/* An open session; each system's own structure begins with it. */
typedef struct bulla_db {
	const bulla_target *target;
} bulla_db;

typedef struct bulla_place {
	const char *url;
	const char *base_dir; /* of a relative path; NULL: the working directory */
	bool write;
	bulla_patience patience; /* preset: BULLA_LOCK_WAIT_MS */
} bulla_place;

#define BULLA_LOCK_WAIT_MS 30000
#define BULLA_SAMPLE_BYTES 4096 /* of a value in a sample */

/* Which rows a walk visits. All but EQUAL and ROW go in the order of the locator. */
typedef enum bulla_walk_kind {
	BULLA_WALK_ALL = 1,
	BULLA_WALK_UNSEALED = 2, /* plaintext and no ciphertext, found by reading the whole table */
	BULLA_WALK_QUEUE = 3,    /* the same, found through the partial index that `index` makes */
	BULLA_WALK_EQUAL = 4,    /* rows whose index column of `field` has the one value */
	BULLA_WALK_ROW = 5,      /* the row with that primary key */
	BULLA_WALK_UNOPENED = 6  /* a ciphertext of a field that an undo brings back, and nothing in the stage */
} bulla_walk_kind;

typedef struct bulla_walk bulla_walk;
typedef struct bulla_writer bulla_writer;

/* One row of the answer to a statement of our own; views live until it returns. */
typedef bulla_code (*bulla_answer)(void *self, const bulla_value *values, size_t n, bulla_error *err);

/* Something that dropping a column took with it: a view, trigger, index or constraint and its definition. */
typedef void (*bulla_casualty)(void *self, const char *kind, const char *name, const char *sql);

/* `rows` rows whose wrapped keys have that directory (db/census.h); NULL data: what is no bytes at all. */
typedef bulla_code (*bulla_found_wraps)(void *self, bulla_bytes directory, uint64_t rows, bulla_error *err);
typedef bulla_code (*bulla_found_column)(void *self, const char *table, const char *column, bulla_error *err);
/* An index, view or trigger, or a constraint that is part of its table. */
typedef struct bulla_definition {
	const char *kind; /* "index", "view", "trigger", "constraint" */
	const char *name;
	const char *sql;
} bulla_definition;

/* What restore() makes of a table. */
typedef struct bulla_restoration {
	const char *definition;       /* the whole CREATE TABLE that the table shall have again */
	bool exact;                   /* to the byte; else any definition that means the same */
	const bulla_definition *list; /* what finish dropped; constraints are in the definition */
	size_t n;
	const char *lost;       /* text for values that are lost, in NOT NULL columns without a default; NULL: REFUSED */
	bulla_casualty back;    /* told each of `list` that is there again ... */
	bulla_casualty missing; /* ... or cannot be: its name is taken, or it does not work with the database of today */
	bulla_casualty gone;    /* told what uses a sealed column and cannot work without */
	/* A row with a value that is lost; one that the definition refuses, and why. The primary key's values are views. */
	bulla_code (*row_lost)(void *self, const bulla_value *pk, bulla_error *err);
	bulla_code (*row_refused)(void *self, const bulla_value *pk, const char *why, bulla_error *err);
	void *self;
} bulla_restoration;

struct bulla_target {
	const char *scheme; /* "sqlite:" */

	/* NOT_FOUND, PERMISSION, READ_ONLY (when place->write), FORMAT (no database), LOCKED. Never makes a database. */
	bulla_code (*open)(const bulla_place *place, bulla_db **out, bulla_error *err);
	void (*close)(bulla_db *db);

	/* `out` NULL inside a result: no such table. */
	bulla_code (*inspect)(bulla_db *db, const char *name, bulla_table **out, bulla_error *err);
	/* The user's tables; one value each, the name. */
	bulla_code (*tables)(bulla_db *db, bulla_answer each, void *self, bulla_error *err);

	/* `n` rows, or all where there are fewer, from all over a table: the values of its columns, each at most once, texts and
	 * binaries cut at BULLA_SAMPLE_BYTES. Outside a transaction. */
	bulla_code (*sample)(bulla_db *db, const bulla_table *table, uint64_t n, bulla_answer each, void *self, bulla_error *err);

	/* One snapshot for reading; a transaction for writing, LOCKED after the wait, INTERRUPTED when place->stop is set.
	 * commit and rollback end either; a failed commit has rolled back. rollback outside a transaction does nothing. */
	bulla_code (*begin_read)(bulla_db *db, bulla_error *err);
	bulla_code (*begin_write)(bulla_db *db, bulla_error *err);
	bulla_code (*commit)(bulla_db *db, bulla_error *err);
	void (*rollback)(bulla_db *db);
	/* A number that differs from an earlier answer of this session when, and only when, another session has committed
	 * something in between. Inside a transaction it is that of its snapshot. */
	bulla_code (*mark)(bulla_db *db, uint64_t *ret, bulla_error *err);

	/* Runs one statement of our own bookkeeping; `?` are the arguments. `ret_changed` (may be NULL): rows changed. */
	bulla_code (*run)(bulla_db *db, const char *sql, const bulla_value *args, size_t n, bulla_answer each, void *self,
			  uint64_t *ret_changed, bulla_error *err);

	/* Rows. `field` only for EQUAL. start() (again) after the locator `from` (NULL: from the first row), or for EQUAL
	 * and ROW at the given values; next() gives NULL after the last one; its values are views until the next call.
	 * stop() lets go of the table. Values of a ROW come as text where `text` says so and are compared as the column's
	 * type asks. */
	bulla_code (*walk_open)(bulla_db *db, const bulla_mapping *mapping, const bulla_shape *shape, bulla_walk_kind kind,
				const bulla_field *field, bulla_walk **out, bulla_error *err);
	bulla_code (*walk_start)(bulla_walk *walk, const bulla_value *from, size_t n, bulla_error *err);
	bulla_code (*walk_next)(bulla_walk *walk, const bulla_value **ret, bulla_error *err);
	void (*walk_stop)(bulla_walk *walk);
	void (*walk_close)(bulla_walk *walk); /* NULL is fine */

	/* Writing the sealed columns of the model's fields `fields` (n of them), and every key column; over a mapping with a
	 * stage the opened values of those fields instead, into the stage. read() gives the
	 * row as it is now, NULL when it is gone; its last value (beyond the shape's width) is 1 while it is unsealed, or
	 * unopened. put() takes ciphertext and index of row->cells in the order of `fields`, or with a stage the value of
	 * row->cells[fields[i]], KEY_DESTROYED standing for one that is lost; CONFLICT when the row is gone, REFUSED
	 * when a constraint or trigger of the table does not take it (and then only this row is undone). */
	bulla_code (*writer_open)(bulla_db *db, const bulla_mapping *mapping, const bulla_shape *shape, const size_t *fields,
				  size_t n, bulla_writer **out, bulla_error *err);
	bulla_code (*writer_read)(bulla_writer *writer, const bulla_value *locator, const bulla_value **ret, bulla_error *err);
	bulla_code (*writer_put)(bulla_writer *writer, const bulla_value *locator, const bulla_row *row, bulla_error *err);
	void (*writer_rest)(bulla_writer *writer);  /* lets go of the table, before commit */
	void (*writer_close)(bulla_writer *writer); /* NULL is fine */

	/* Changes of the table's definition, each inside a transaction of the caller's. install: columns that are missing,
	 * the triggers of the job, the guard; without plaintext columns the guard alone, in its final form. index: the partial index of unsealed rows and the blind indexes; REFUSED
	 * when a unique one cannot be. drop: job triggers and plaintext columns go, the guard takes its final form;
	 * `casualty` is told what else went. */
	bulla_code (*install)(bulla_db *db, const bulla_mapping *mapping, bulla_error *err);
	/* A column of ours goes, with the index on it. */
	bulla_code (*narrow)(bulla_db *db, const bulla_mapping *mapping, const char *column, bulla_error *err);
	bulla_code (*index)(bulla_db *db, const bulla_mapping *mapping, bulla_error *err);
	bulla_code (*drop)(bulla_db *db, const bulla_mapping *mapping, bulla_casualty casualty, void *self, bulla_error *err);

	/* Are the triggers those that the model asks for, with `finished` in their final form? `each` is told of one that is
	 * "missing", "changed" or "left over". Changes nothing. */
	bulla_code (*guards)(bulla_db *db, const bulla_mapping *mapping, bool finished, bulla_casualty each, void *self,
			     bulla_error *err);
	/* How many rows of a column of wrapped keys or boxes have which wraps: each directory once. Reads an index on nothing but
	 * directories, or the rows themselves where there is none (`ret_indexed`, may be NULL) or `every_row` asks for it. Rows without a
	 * key are left out. Inside a transaction. index_wraps, outside one, makes that index where it is missing. */
	bulla_code (*count_wraps)(bulla_db *db, const bulla_table *table, const char *column, bool every_row,
				  bulla_found_wraps each, void *self, bool *ret_indexed, bulla_error *err);
	bulla_code (*index_wraps)(bulla_db *db, const bulla_table *table, const char *column, bulla_error *err);
	/* The columns that index_wraps has been called for, by the names that they and their tables have now. */
	bulla_code (*each_indexed)(bulla_db *db, bulla_found_column each, void *self, bulla_error *err);
	/* For undo, each inside a transaction of the caller's, over a mapping without a stage. stage: makes the table beside
	 * the table that takes opened values, empty, and triggers that take a row out again when anybody writes its sealed
	 * columns. unstage: both go; fine where there is none. restore: what jobs and finish have changed is taken back; see
	 * below. The mapping has its stage where plaintext columns come back. */
	bulla_code (*stage)(bulla_db *db, const bulla_mapping *mapping, bulla_error *err);
	bulla_code (*unstage)(bulla_db *db, const bulla_mapping *mapping, bulla_error *err);
	bulla_code (*restore)(bulla_db *db, const bulla_mapping *mapping, const bulla_restoration *what, bulla_error *err);

	/* Before drop, outside a transaction: prepares the session for it. After it is committed, outside a transaction:
	 * rewrites the database's own files so that they hold nothing that was deleted. Both may be repeated. */
	bulla_code (*prepare_drop)(bulla_db *db, bulla_error *err);
	bulla_code (*purge)(bulla_db *db, bulla_error *err);
	/* Writes {"where","how_to_end"} objects: what else may hold the plaintext of this table. */
	bulla_code (*remains)(bulla_db *db, const bulla_mapping *mapping, bulla_json_writer *out, bulla_error *err);

	/* A consistent copy of the whole database as a new file beside it, for rehearsals; `ret_url` opens it, free() it.
	 * discard() ends it for good. */
	bulla_code (*copy)(bulla_db *db, char **ret_url, bulla_error *err);
	void (*discard)(const char *url);

	/* Bytes of the database, and of one more row of bookkeeping in it, for plans. */
	bulla_code (*size)(bulla_db *db, uint64_t *ret_bytes, bulla_error *err);
	/* Writes what doctor asks of the database itself as members, as far as it can be known: file, bytes, free_bytes,
	 * temporary, temporary_free_bytes, wal_bytes, others_read, others_write. */
	bulla_code (*condition)(bulla_db *db, bulla_json_writer *out, bulla_error *err);
};

/* Opens `place` with the target of its scheme. CONFIG for a scheme that this build does not know. */
BULLA_MUST bulla_code bulla_db_open(const bulla_place *place, bulla_db **out, bulla_error *err);
void bulla_db_close(bulla_db *db); /* NULL is fine */

extern const bulla_target bulla_target_sqlite;

#endif
