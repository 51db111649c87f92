/*
 * table.h - what a table of the target database is: its columns, keys, indexes, triggers, and what else leans on it.
 */
#ifndef DB_TABLE_H
#define DB_TABLE_H

#include "base/arena.h"

typedef enum bulla_table_kind { BULLA_TABLE_PLAIN = 0, BULLA_TABLE_VIEW = 1, BULLA_TABLE_VIRTUAL = 2 } bulla_table_kind;

typedef struct bulla_column {
	const char *name;
	const char *type;       /* as declared; "" where none is */
	const char *collation;  /* "BINARY", "NOCASE" ... */
	const char *definition; /* of a generated column: its text, to see what it is made of; else NULL */
	bool not_null;
	bool has_default;
	const char *preset; /* its text, an expression; NULL where there is none */
	bool generated;
} bulla_column;

typedef struct bulla_table_index {
	const char *name;
	const char *sql; /* NULL for the index of a constraint */
	bool ours;       /* made by a job */
	bool impostor;   /* has a name that a job would use, and was made by somebody else */
	bool unique;
	bool primary; /* of the PRIMARY KEY */
	bool partial;
	size_t column_count;
	const char **columns;    /* NULL stands for an expression */
	const char **collations; /* of each */
} bulla_table_index;

/* One pair of columns of a foreign key, whichever side of it this table is. */
typedef struct bulla_foreign_key {
	const char *from_table, *from_column;
	const char *to_table, *to_column; /* to_column NULL: the primary key */
} bulla_foreign_key;

typedef struct bulla_table_trigger {
	const char *name;
	const char *table;
	const char *sql;
	bool ours;     /* made by a job */
	bool impostor; /* has a name that a job would use for this table, and was made by somebody else */
	bool here;     /* on this table; else its text mentions this table, or it is an impostor */
	bool fires;    /* here, for an UPDATE of columns that it does not name */
} bulla_table_trigger;

typedef struct bulla_table_view {
	const char *name;
	const char *sql;
} bulla_table_view;

/* Owned by whoever asked for it; immutable. Names are compared without regard to ASCII case, as SQL does. */
typedef struct bulla_table {
	bulla_arena arena;
	const char *name; /* as the database writes it */
	const char *sql;  /* its CREATE statement */
	bulla_table_kind kind;
	bool without_rowid;
	bool strict;
	bool autoincrement;
	bool utf16; /* the database keeps text as UTF-16 */
	const char
		*rowid; /* what the row id can be called: the INTEGER PRIMARY KEY column, else an unshadowed alias, else NULL */
	bool rowid_is_column; /* it is the INTEGER PRIMARY KEY */
	size_t column_count;
	bulla_column *columns;
	size_t pk_count;
	const char **pk;
	size_t index_count;
	bulla_table_index *indexes;
	size_t foreign_key_count;
	bulla_foreign_key *foreign_keys;
	size_t trigger_count;
	bulla_table_trigger *triggers;
	size_t view_count;
	bulla_table_view *views; /* whose text mentions this table */
	size_t search_count;
	bulla_table_view *searches; /* virtual tables whose text mentions this table, such as full-text indexes over it */
} bulla_table;

void bulla_table_free(bulla_table *table); /* NULL is fine */

const bulla_column *bulla_table_column(const bulla_table *table, const char *name); /* NULL when there is none */
bool bulla_table_is_pk(const bulla_table *table, const char *column);
bool bulla_table_index_has(const bulla_table_index *index, const char *column); /* as a plain column */

/* Equality of two names of the database: ASCII case does not count. */
bool bulla_name_equal(const char *a, const char *b);

#endif
