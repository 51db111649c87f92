/*
 * sqlite.h - the SQLite target's own session; included by the sqlite_*.c files alone.
 */
#ifndef DB_SQLITE_H
#define DB_SQLITE_H

#include "db/target.h"

#include <sqlite3.h>

#define BULLA_LITE_OLDEST    3037000 /* table_list tells STRICT and WITHOUT ROWID since then */
#define BULLA_LITE_CACHE_KIB 8192

typedef struct bulla_lite {
	bulla_db db;
	sqlite3 *handle;
	char *path;
	bulla_patience patience;
	bulla_wait wait; /* of the statement that waits now */
	sqlite3_stmt *begin_read, *begin_write, *commit, *rollback, *mark;
} bulla_lite;

static inline bulla_lite *bulla_lite_of(bulla_db *db)
{
	return (bulla_lite *)db;
}

#define BULLA_STMT_AUTO __attribute__((cleanup(bulla_lite_stmt_done))) sqlite3_stmt
static inline void bulla_lite_stmt_done(sqlite3_stmt **stmt)
{
	(void)sqlite3_finalize(*stmt);
}

/* `rc` of `action` ("write table users") as a code of ours: BUSY and LOCKED are LOCKED with advice, READONLY, FULL, IOERR,
 * CORRUPT, NOTADB likewise. SQLite's own sentence is added only for SQLITE_ERROR, where it speaks of names and never of
 * values. */
bulla_code bulla_lite_fail(const bulla_lite *s, int rc, bulla_error *err, const char *action, ...) BULLA_PRINTF(4, 5);

/* Statement texts are made with sqlite3_str and %w for names; prepare() takes the text over and frees it. NULL text: out
 * of memory. */
BULLA_MUST bulla_code bulla_lite_prepare(bulla_lite *s, char *sql, sqlite3_stmt **out, bulla_error *err);
BULLA_MUST bulla_code bulla_lite_exec(bulla_lite *s, char *sql, bulla_error *err);
BULLA_MUST bulla_code bulla_lite_execf(bulla_lite *s, bulla_error *err, const char *format, ...);

void bulla_lite_value(sqlite3_stmt *stmt, int column, bulla_value *ret); /* a view */
/* May a wait go on that began with `wait`? */
bool bulla_lite_wait_on(bulla_lite *s, bulla_wait *wait);
/* Steps `stmt` once and resets it, again and again until it is not busy, the session's wait is over, or the job shall
 * stop. `ret` (may be NULL) receives the first value of a row. */
BULLA_MUST bulla_code bulla_lite_wait(bulla_lite *s, sqlite3_stmt *stmt, const char *action, int64_t *ret, bulla_error *err);

/* The first `width` columns; with `utf16` a text that cannot be said in UTF-8 becomes BOOLEAN -1, which no type takes. */
void bulla_lite_row(sqlite3_stmt *stmt, int width, bool utf16, bulla_value *ret);
int bulla_lite_bind(sqlite3_stmt *stmt, int parameter, const bulla_value *value);
int bulla_lite_bind_sealed(sqlite3_stmt *stmt, int parameter, bulla_bytes bytes, bool text);

/* --- pieces of the target ---------------------------------------------------------------------------------------- */
bulla_code bulla_lite_inspect(bulla_db *db, const char *name, bulla_table **out, bulla_error *err);
bulla_code bulla_lite_tables(bulla_db *db, bulla_answer each, void *self, bulla_error *err);
bulla_code bulla_lite_sample(bulla_db *db, const bulla_table *table, uint64_t n, bulla_answer each, void *self, bulla_error *err);

bulla_code bulla_lite_walk_open(bulla_db *db, const bulla_mapping *mapping, const bulla_shape *shape, bulla_walk_kind kind,
				const bulla_field *field, bulla_walk **out, bulla_error *err);
bulla_code bulla_lite_walk_start(bulla_walk *walk, const bulla_value *from, size_t n, bulla_error *err);
bulla_code bulla_lite_walk_next(bulla_walk *walk, const bulla_value **ret, bulla_error *err);
void bulla_lite_walk_stop(bulla_walk *walk);
void bulla_lite_walk_close(bulla_walk *walk);

bulla_code bulla_lite_writer_open(bulla_db *db, const bulla_mapping *mapping, const bulla_shape *shape, const size_t *fields,
				  size_t n, bulla_writer **out, bulla_error *err);
bulla_code bulla_lite_writer_read(bulla_writer *writer, const bulla_value *locator, const bulla_value **ret, bulla_error *err);
bulla_code bulla_lite_writer_put(bulla_writer *writer, const bulla_value *locator, const bulla_row *row, bulla_error *err);
void bulla_lite_writer_rest(bulla_writer *writer);
void bulla_lite_writer_close(bulla_writer *writer);

bulla_code bulla_lite_install(bulla_db *db, const bulla_mapping *mapping, bulla_error *err);
bulla_code bulla_lite_narrow(bulla_db *db, const bulla_mapping *mapping, const char *column, bulla_error *err);
bulla_code bulla_lite_index(bulla_db *db, const bulla_mapping *mapping, bulla_error *err);
bulla_code bulla_lite_drop(bulla_db *db, const bulla_mapping *mapping, bulla_casualty casualty, void *self, bulla_error *err);
bulla_code bulla_lite_guards(bulla_db *db, const bulla_mapping *mapping, bool finished, bulla_casualty each, void *self,
			     bulla_error *err);
bulla_code bulla_lite_count_wraps(bulla_db *db, const bulla_table *table, const char *column, bool every_row,
				  bulla_found_wraps each, void *self, bool *ret_indexed, bulla_error *err);
bulla_code bulla_lite_index_wraps(bulla_db *db, const bulla_table *table, const char *column, bulla_error *err);
bulla_code bulla_lite_each_indexed(bulla_db *db, bulla_found_column each, void *self, bulla_error *err);
bulla_code bulla_lite_stage(bulla_db *db, const bulla_mapping *mapping, bulla_error *err);
bulla_code bulla_lite_unstage(bulla_db *db, const bulla_mapping *mapping, bulla_error *err);
bulla_code bulla_lite_restore(bulla_db *db, const bulla_mapping *mapping, const bulla_restoration *what, bulla_error *err);
bulla_code bulla_lite_prepare_drop(bulla_db *db, bulla_error *err);
bulla_code bulla_lite_purge(bulla_db *db, bulla_error *err);
bulla_code bulla_lite_remains(bulla_db *db, const bulla_mapping *mapping, bulla_json_writer *out, bulla_error *err);
bulla_code bulla_lite_copy(bulla_db *db, char **ret_url, bulla_error *err);
void bulla_lite_discard(const char *url);
bulla_code bulla_lite_condition(bulla_db *db, bulla_json_writer *out, bulla_error *err);

/* --- SQL of a mapping (sqlite_sql.c) ------------------------------------------------------------------------------ */
/* Appends the condition "has plaintext and no ciphertext" in brackets, the columns behind the prefixes `t` and `c` ("t.",
 * or ""). */
void bulla_lite_add_unsealed(sqlite3_str *sql, const bulla_mapping *m, const char *t, const char *c);
/* Appends `FROM "users" AS t`, with the side table joined as c where there is one, and the stage as u. `queue`: through the partial index. */
void bulla_lite_add_from(sqlite3_str *sql, const bulla_mapping *m, bool queue);
/* The alias under which add_from() reads a column. */
const char *bulla_lite_alias(const bulla_mapping *m, const struct bulla_shape_column *column);
/* Appends the condition "has a ciphertext and is not in the stage". */
void bulla_lite_add_unopened(sqlite3_str *sql, const bulla_mapping *m);
/* Appends the condition that row `u` of the stage is that of `row`. */
void bulla_lite_add_stage_join(sqlite3_str *sql, const bulla_mapping *m, const char *row);
/* Appends the condition that a row of the side table has no row in the table any more. */
void bulla_lite_add_orphan(sqlite3_str *sql, const bulla_mapping *m);
/* Appends the condition of the partial index over a side table, on its own columns. */
void bulla_lite_add_side_queue(sqlite3_str *sql, const bulla_mapping *m, const char *c);

/* --- names (sqlite_ours.c) ------------------------------------------------------------------------------------------ */
/* Has a job made the trigger or index of this name and text? `sql` may be NULL. */
bool bulla_lite_is_ours(const char *name, const char *sql);
/* Is it a name that a job may give to a trigger or index for this table? */
bool bulla_lite_is_reserved(const char *name, const char *table);

/* --- triggers (sqlite_triggers.c) --------------------------------------------------------------------------------- */
/* Drops every trigger that a job made on this table and its side table. */
BULLA_MUST bulla_code bulla_lite_triggers_drop(bulla_lite *s, const bulla_mapping *m, bulla_error *err);
/* Makes those that belong to the phase: with `finished` only the guard, in its final form. */
BULLA_MUST bulla_code bulla_lite_triggers_make(bulla_lite *s, const bulla_mapping *m, bool finished, bulla_error *err);
/* Makes those that take rows out of the stage (sqlite_stage.c). */
BULLA_MUST bulla_code bulla_lite_stage_triggers_make(bulla_lite *s, const bulla_mapping *m, bulla_error *err);
/* Appends the columns of an UPDATE OF. */
void bulla_lite_add_watched(sqlite3_str *sql, const bulla_mapping *m, const char *const *columns, size_t n);
/* Appends the ciphertext and key columns, with commas. */
void bulla_lite_add_sealed_columns(sqlite3_str *sql, const bulla_model *model);

/* --- dropping columns (sqlite_ddl.c) ------------------------------------------------------------------------------- */
/* Drops the indexes, other than bulla's, that use one of these columns, and tells them. */
BULLA_MUST bulla_code bulla_lite_drop_indexes(bulla_lite *s, const bulla_table *table, const char *const *columns, size_t n,
					      bulla_casualty casualty, void *self, bulla_error *err);
/* What SQLite can do by itself. DATABASE for a column that is UNIQUE or that a constraint of the table mentions. */
BULLA_MUST bulla_code bulla_lite_drop_columns(bulla_lite *s, const char *table, const char *const *columns, size_t n,
					      bulla_error *err);

/* --- making a table anew (sqlite_rebuild.c) ------------------------------------------------------------------------ */
/* One table, made anew under another definition: the old one is renamed away, the new one made and filled, the old one dropped,
 * its indexes made again. Triggers go with it. The session has foreign keys off and the old rules of ALTER TABLE on. */
typedef struct bulla_lite_rebuild {
	bulla_lite *s;
	const bulla_mapping *m; /* its stage is joined as `u` */
	const char *create;     /* the whole CREATE TABLE under the table's own name */
	const char *old;        /* set: what the table is called while the new one is filled */
	/* Appends the value of one column of the new table, and says so; false: it is that of the same column, t."name". NULL:
	 * all are. */
	bool (*add_value)(void *self, const bulla_column *column, sqlite3_str *sql);
	/* Rows that the new definition refuses, one by one, with SQLite's words; the primary key's values are views. NULL: the
	 * first one is the failure. When it was called the rebuild ends with REFUSED. */
	bulla_code (*misfit)(void *self, const bulla_value *pk, const char *why, bulla_error *err);
	/* The new table is made, or filled too; the old one is still there as r->old. Both may be NULL. */
	bulla_code (*made)(void *self, const bulla_table *now, bulla_error *err);
	bulla_code (*filled)(void *self, const bulla_table *now, bulla_error *err);
	void *self;
	const char *text; /* the parameter ?1 of what add_value appends; NULL: NULL */
} bulla_lite_rebuild;
BULLA_MUST bulla_code bulla_lite_rebuild_run(bulla_lite_rebuild *r, bulla_error *err);

/* --- what dropping a column breaks (sqlite_fallout.c) --------------------------------------------------------------- */
typedef struct bulla_fallout bulla_fallout;
/* Notes which views and triggers work now. */
BULLA_MUST bulla_code bulla_lite_fallout_new(bulla_lite *s, bulla_fallout **out, bulla_error *err);
void bulla_lite_fallout_free(bulla_fallout *fallout); /* NULL is fine */
/* Makes those triggers again that went with a rebuilt table, then drops those views and triggers that worked before and
 * cannot any more, telling `casualty` each. */
/* Makes a view, trigger or index that finish dropped. `ret_back` false: it cannot be made, or what worked before would not work
 * with it, and it is not there. */
BULLA_MUST bulla_code bulla_lite_fallout_return(bulla_lite *s, bulla_fallout *fallout, const bulla_definition *definition,
						bool *ret_back, bulla_error *err);
/* Does a view work? */
BULLA_MUST bulla_code bulla_lite_fallout_view(bulla_lite *s, bulla_fallout *fallout, const char *view, bool *ret_works,
					      bulla_error *err);
BULLA_MUST bulla_code bulla_lite_fallout_clear(bulla_lite *s, bulla_fallout *fallout, bulla_casualty casualty, void *self,
					       bulla_error *err);

#endif
