/*
 * memory.h - how a database was: every definition and every value of a table to the byte, to be compared with what it becomes.
 */
#ifndef TEST_DB_MEMORY_H
#define TEST_DB_MEMORY_H

#include "world.h"

typedef struct memory {
	char *schema; /* sqlite_schema, all of it */
	char *rows;   /* of the one table: row id where there is one, then class and bytes of each value */
	char *sequence;
} memory;

memory memory_of(world *w, const char *table);
void memory_done(memory *m);

/* Rows, and definitions to the byte, bulla's own left out where `bulla` says so; `what` names the case in a failure. */
void memory_equal(world *w, const memory *before, const char *table, const char *what);
void memory_rows_equal(world *w, const memory *before, const char *table, const char *what);

#endif
