/*
 * sqlite_branch.c - branch keys in a SQLite file.
 *
 * Versions are u64 and SQLite's integers are signed: the same 64 bits, read the other way. `sequence` counts the versions of one
 * identity.
 */
#include "store/sqlite.h"

#define WRAPPED_MAX (16u << 20) /* bytes of the versions of one branch */

enum { IDENTITY, PRINT, VERSION, STATE, WRAPPED, CREATED }; /* BRANCH_COLUMNS of sqlite.c */

static bulla_branch_row row_of(sqlite3_stmt *statement)
{
	return (bulla_branch_row){ .identity = bulla_sqlite_column(statement, IDENTITY),
				   .print = bulla_sqlite_column(statement, PRINT),
				   .version = (uint64_t)sqlite3_column_int64(statement, VERSION),
				   .state = (bulla_branch_state)sqlite3_column_int(statement, STATE),
				   .wrapped = bulla_sqlite_column(statement, WRAPPED),
				   .created_us = sqlite3_column_int64(statement, CREATED) };
}

/* --- reading --------------------------------------------------------------------------------------------------- */
typedef bulla_code (*each_found)(void *each_self, size_t index, const bulla_branch_row *row, bulla_error *err);

/* What is asked for: one of the two lists. */
typedef struct wanted {
	bool by_version;
	const bulla_bytes *identities;
	const uint64_t *versions;
	size_t n;
} wanted;

static bulla_code find_one(bulla_sqlite *s, const wanted *w, size_t index, each_found each, void *each_self, bulla_error *err)
{
	BULLA_STATEMENT *statement = NULL;
	bool there = false;
	TRY(bulla_sqlite_statement(s, w->by_version ? BULLA_SQL_BRANCH_BY_VERSION : BULLA_SQL_BRANCH_CURRENT, &statement, err));
	if (w->by_version)
		(void)sqlite3_bind_int64(statement, 1, (int64_t)w->versions[index]);
	else
		bulla_sqlite_bind_bytes(statement, 1, w->identities[index]);
	TRY(bulla_sqlite_step(s, statement, &there, err));
	if (!there) return BULLA_OK;
	bulla_branch_row row = row_of(statement);
	return each(each_self, index, &row, err);
}

static bulla_code find_all(bulla_sqlite *s, const wanted *w, each_found each, void *each_self, bulla_error *err)
{
	bulla_code code = BULLA_OK;
	TRY(bulla_sqlite_run(s, BULLA_SQL_BEGIN, err));
	for (size_t i = 0; i < w->n && code == BULLA_OK; i++)
		code = find_one(s, w, i, each, each_self, err);
	return bulla_sqlite_end(s, code, err);
}

static bulla_code find(void *self, const wanted *w, each_found each, void *each_self, bulla_error *err)
{
	TRY(bulla_sqlite_enter(self, err));
	bulla_code code = find_all(self, w, each, each_self, err);
	bulla_sqlite_leave(self);
	return code;
}

static bulla_code current(void *self, const bulla_bytes *identities, size_t n, each_found each, void *each_self, bulla_error *err)
{
	wanted w = { .identities = identities, .n = n };
	return find(self, &w, each, each_self, err);
}

static bulla_code by_version(void *self, const uint64_t *versions, size_t n, each_found each, void *each_self, bulla_error *err)
{
	wanted w = { .by_version = true, .versions = versions, .n = n };
	return find(self, &w, each, each_self, err);
}

typedef bulla_code (*each_met)(void *each_self, const bulla_branch_row *row, bulla_error *err);

static bulla_code walk_rows(bulla_sqlite *s, sqlite3_stmt *statement, each_met each, void *each_self, bulla_error *err)
{
	bool there = false;
	TRY(bulla_sqlite_step(s, statement, &there, err));
	while (there) {
		bulla_branch_row row = row_of(statement);
		TRY(each(each_self, &row, err));
		TRY(bulla_sqlite_step(s, statement, &there, err));
	}
	return BULLA_OK;
}

/* All of them where `identity` has no bytes, which no branch has. */
static bulla_code walk(bulla_sqlite *s, bulla_bytes identity, each_met each, void *each_self, bulla_error *err)
{
	BULLA_STATEMENT *statement = NULL;
	TRY(bulla_sqlite_statement(s, identity.len ? BULLA_SQL_BRANCH_VERSIONS : BULLA_SQL_BRANCH_EACH, &statement, err));
	if (identity.len) bulla_sqlite_bind_bytes(statement, 1, identity);
	return walk_rows(s, statement, each, each_self, err);
}

bulla_code bulla_sqlite_each_branch(bulla_sqlite *s, each_met each, void *each_self, bulla_error *err)
{
	return walk(s, bulla_view(NULL, 0), each, each_self, err);
}

static bulla_code walk_some(bulla_sqlite *s, const bulla_branch_query *query, each_met each, void *each_self, bulla_error *err)
{
	BULLA_STATEMENT *statement = NULL;
	bulla_sql which = query->print.len ? BULLA_SQL_BRANCH_PRINT
			  : query->closing ? BULLA_SQL_BRANCH_CLOSING
					   : BULLA_SQL_BRANCH_SINCE;
	TRY(bulla_sqlite_statement(s, which, &statement, err));
	if (which == BULLA_SQL_BRANCH_PRINT)
		(void)sqlite3_bind_text64(statement, 1, (const char *)query->print.data, query->print.len, SQLITE_STATIC,
					  SQLITE_UTF8);
	if (which == BULLA_SQL_BRANCH_SINCE) (void)sqlite3_bind_int64(statement, 1, query->since_us);
	return walk_rows(s, statement, each, each_self, err);
}

static bulla_code versions(void *self, bulla_bytes identity, each_met each, void *each_self, bulla_error *err)
{
	if (identity.len == 0) return BULLA_OK;
	TRY(bulla_sqlite_enter(self, err));
	bulla_code code = walk(self, identity, each, each_self, err);
	bulla_sqlite_leave(self);
	return code;
}

static bulla_code some(void *self, const bulla_branch_query *query, each_met each, void *each_self, bulla_error *err)
{
	TRY(bulla_sqlite_enter(self, err));
	bulla_code code = walk_some(self, query, each, each_self, err);
	bulla_sqlite_leave(self);
	return code;
}

static bulla_code each_branch(void *self, each_met each, void *each_self, bulla_error *err)
{
	TRY(bulla_sqlite_enter(self, err));
	bulla_code code = bulla_sqlite_each_branch(self, each, each_self, err);
	bulla_sqlite_leave(self);
	return code;
}

/* --- writing --------------------------------------------------------------------------------------------------- */
/* The newest version that is not destroyed, else the newest tombstone. */
static bulla_code read_current(bulla_sqlite *s, bulla_bytes identity, bool *ret_there, uint64_t *ret_version,
			       bulla_branch_state *ret_state, bulla_error *err)
{
	BULLA_STATEMENT *statement = NULL;
	TRY(bulla_sqlite_statement(s, BULLA_SQL_BRANCH_CURRENT, &statement, err));
	bulla_sqlite_bind_bytes(statement, 1, identity);
	TRY(bulla_sqlite_step(s, statement, ret_there, err));
	if (!*ret_there) return BULLA_OK;
	*ret_version = (uint64_t)sqlite3_column_int64(statement, VERSION);
	*ret_state = (bulla_branch_state)sqlite3_column_int(statement, STATE);
	return BULLA_OK;
}

static bulla_code read_last(bulla_sqlite *s, bulla_bytes identity, int64_t *ret_sequence, bulla_error *err)
{
	BULLA_STATEMENT *statement = NULL;
	bool there = false;
	TRY(bulla_sqlite_statement(s, BULLA_SQL_BRANCH_LAST, &statement, err));
	bulla_sqlite_bind_bytes(statement, 1, identity);
	TRY(bulla_sqlite_step(s, statement, &there, err));
	*ret_sequence = sqlite3_column_int64(statement, 0); /* NULL reads as 0 */
	return BULLA_OK;
}

bulla_code bulla_sqlite_put_branch(bulla_sqlite *s, const bulla_branch_row *row, int64_t sequence, bulla_error *err)
{
	BULLA_STATEMENT *statement = NULL;
	bool there = false;
	TRY(bulla_sqlite_statement(s, BULLA_SQL_BRANCH_INSERT, &statement, err));
	bulla_sqlite_bind_bytes(statement, 1 + IDENTITY, row->identity);
	(void)sqlite3_bind_text64(statement, 1 + PRINT, row->print.len ? (const char *)row->print.data : "", row->print.len,
				  SQLITE_STATIC, SQLITE_UTF8);
	(void)sqlite3_bind_int64(statement, 1 + VERSION, (int64_t)row->version);
	(void)sqlite3_bind_int(statement, 1 + STATE, (int)row->state);
	bulla_sqlite_bind_bytes(statement, 1 + WRAPPED, row->wrapped);
	(void)sqlite3_bind_int64(statement, 1 + CREATED, row->created_us);
	(void)sqlite3_bind_int64(statement, 2 + CREATED, sequence);
	bulla_code code = bulla_sqlite_step(s, statement, &there, err);
	return code == BULLA_ERR_CONFLICT ? bulla_store_fail_version(err) : code;
}

static bulla_code insert_first(bulla_sqlite *s, const bulla_branch_row *row, bulla_error *err)
{
	int64_t last = 0;
	TRY(bulla_store_check_branch(row, err));
	TRY(read_last(s, row->identity, &last, err));
	return last ? BULLA_OK : bulla_sqlite_put_branch(s, row, 1, err);
}

static bulla_code create_all(bulla_sqlite *s, const bulla_branch_row *rows, size_t n, bulla_error *err)
{
	bulla_code code = BULLA_OK;
	TRY(bulla_sqlite_run(s, BULLA_SQL_BEGIN_WRITE, err));
	for (size_t i = 0; i < n && code == BULLA_OK; i++)
		code = insert_first(s, &rows[i], err);
	return bulla_sqlite_end(s, code, err);
}

static bulla_code create(void *self, const bulla_branch_row *rows, size_t n, bulla_error *err)
{
	TRY(bulla_sqlite_enter(self, err));
	bulla_code code = create_all(self, rows, n, err);
	bulla_sqlite_leave(self);
	return code;
}

static bulla_code insert_next(bulla_sqlite *s, uint64_t previous, const bulla_branch_row *row, bulla_error *err)
{
	bool there = false;
	uint64_t newest = 0;
	bulla_branch_state state = BULLA_BRANCH_ACTIVE;
	int64_t last = 0;
	TRY(read_current(s, row->identity, &there, &newest, &state, err));
	if (!there || newest != previous) return bulla_store_fail_newest(err);
	TRY(bulla_store_check_follows(state, row->state, err));
	TRY(read_last(s, row->identity, &last, err));
	return bulla_sqlite_put_branch(s, row, last + 1, err);
}

static bulla_code rotate_once(bulla_sqlite *s, uint64_t previous, const bulla_branch_row *row, bulla_error *err)
{
	TRY(bulla_sqlite_run(s, BULLA_SQL_BEGIN_WRITE, err));
	return bulla_sqlite_end(s, insert_next(s, previous, row, err), err);
}

static bulla_code rotate(void *self, uint64_t previous, const bulla_branch_row *row, bulla_error *err)
{
	TRY(bulla_store_check_branch(row, err));
	TRY(bulla_sqlite_enter(self, err));
	bulla_code code = rotate_once(self, previous, row, err);
	bulla_sqlite_leave(self);
	return code;
}

static bulla_code rotate_rows(bulla_sqlite *s, const uint64_t *previous, const bulla_branch_row *rows, size_t n, bulla_error *err)
{
	bulla_code code = BULLA_OK;
	TRY(bulla_sqlite_run(s, BULLA_SQL_BEGIN_WRITE, err));
	for (size_t i = 0; i < n && code == BULLA_OK; i++) {
		bool there = false;
		uint64_t newest = 0;
		bulla_branch_state state = BULLA_BRANCH_ACTIVE;
		code = bulla_store_check_branch(&rows[i], err);
		if (code == BULLA_OK) code = read_current(s, rows[i].identity, &there, &newest, &state, err);
		bool follows =
			there && newest == previous[i] && bulla_store_check_follows(state, rows[i].state, NULL) == BULLA_OK;
		if (code == BULLA_OK && follows) code = insert_next(s, newest, &rows[i], err);
	}
	return bulla_sqlite_end(s, code, err);
}

static bulla_code rotate_all(void *self, const uint64_t *previous, const bulla_branch_row *rows, size_t n, bulla_error *err)
{
	TRY(bulla_sqlite_enter(self, err));
	bulla_code code = rotate_rows(self, previous, rows, n, err);
	bulla_sqlite_leave(self);
	return code;
}

static bulla_code replace(bulla_sqlite *s, uint64_t version, bulla_bytes old_wrapped, bulla_bytes new_wrapped, bulla_error *err)
{
	BULLA_STATEMENT *statement = NULL;
	bool there = false;
	TRY(bulla_sqlite_statement(s, BULLA_SQL_BRANCH_REWRAP, &statement, err));
	(void)sqlite3_bind_int64(statement, 1, (int64_t)version);
	bulla_sqlite_bind_bytes(statement, 2, old_wrapped);
	bulla_sqlite_bind_bytes(statement, 3, new_wrapped);
	TRY(bulla_sqlite_step(s, statement, &there, err));
	return sqlite3_changes(s->db) ? BULLA_OK : bulla_store_fail_wrapped(err);
}

static bulla_code rewrap(void *self, uint64_t version, bulla_bytes old_wrapped, bulla_bytes new_wrapped, bulla_error *err)
{
	if (new_wrapped.len > BULLA_STORE_WRAPPED_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "a wrapped branch key is too long");
	TRY(bulla_sqlite_enter(self, err));
	bulla_code code = replace(self, version, old_wrapped, new_wrapped, err);
	bulla_sqlite_leave(self);
	return code;
}

/* --- moving between states --------------------------------------------------------------------------------------- */
typedef struct move {
	bulla_bytes identity;
	bulla_branch_state from, to;
	bulla_buf wrapped; /* of the versions that are destroyed */
} move;

static bulla_code count_states(bulla_sqlite *s, const move *m, size_t *ret_n, size_t *ret_destroyed, bulla_error *err)
{
	BULLA_STATEMENT *statement = NULL;
	bool there = false;
	TRY(bulla_sqlite_statement(s, BULLA_SQL_BRANCH_STATES, &statement, err));
	bulla_sqlite_bind_bytes(statement, 1, m->identity);
	TRY(bulla_sqlite_step(s, statement, &there, err));
	while (there) {
		bulla_branch_state state = (bulla_branch_state)sqlite3_column_int(statement, 0);
		size_t n = (size_t)sqlite3_column_int64(statement, 1);
		TRY(bulla_store_check_passed(state, m->from, m->to, err));
		*ret_n += n;
		if (state == BULLA_BRANCH_DESTROYED) *ret_destroyed += n;
		TRY(bulla_sqlite_step(s, statement, &there, err));
	}
	return BULLA_OK;
}

static bulla_code move_rows(bulla_sqlite *s, const move *m, bulla_error *err)
{
	BULLA_STATEMENT *statement = NULL;
	bool there = false;
	TRY(bulla_sqlite_statement(s, BULLA_SQL_BRANCH_MOVE, &statement, err));
	bulla_sqlite_bind_bytes(statement, 1, m->identity);
	(void)sqlite3_bind_int(statement, 2, (int)m->from);
	(void)sqlite3_bind_int(statement, 3, (int)m->to);
	return bulla_sqlite_step(s, statement, &there, err);
}

static bulla_code move_all(bulla_sqlite *s, const move *m, bulla_error *err)
{
	size_t n = 0, destroyed = 0;
	TRY(count_states(s, m, &n, &destroyed, err));
	TRY(bulla_store_check_moved(n, destroyed, m->to, err));
	return move_rows(s, m, err);
}

/* What is to be destroyed; empty where a call that was cut off may have destroyed it already. */
static bulla_code keep_wrapped(void *self, const bulla_branch_row *row, bulla_error *err)
{
	move *m = self;
	return row->state == m->from ? bulla_buf_add(&m->wrapped, row->wrapped, err) : BULLA_OK;
}

static bulla_code move_once(bulla_sqlite *s, move *m, bulla_error *err)
{
	bool destroys = m->to == BULLA_BRANCH_DESTROYED;
	TRY(bulla_sqlite_run(s, BULLA_SQL_BEGIN_WRITE, err));
	bulla_code code = destroys ? walk(s, m->identity, keep_wrapped, m, err) : BULLA_OK;
	if (!code) code = move_all(s, m, err);
	TRY(bulla_sqlite_end(s, code, err));
	return destroys ? bulla_sqlite_wipe(s, bulla_view_buf(&m->wrapped), err) : BULLA_OK;
}

static bulla_code set_state(void *self, bulla_bytes identity, bulla_branch_state from, bulla_branch_state to, bulla_error *err)
{
	move m = { .identity = identity, .from = from, .to = to, .wrapped = { .max = WRAPPED_MAX } };
	TRY(bulla_store_check_move(from, to, err));
	if (identity.len == 0) return bulla_store_check_moved(0, 0, to, err);
	TRY(bulla_sqlite_enter(self, err));
	bulla_code code = move_once(self, &m, err);
	bulla_sqlite_leave(self);
	bulla_buf_done(&m.wrapped);
	return code;
}

const bulla_branch_store bulla_sqlite_branches = {
	.current = current,
	.by_version = by_version,
	.versions = versions,
	.create = create,
	.rotate = rotate,
	.rotate_all = rotate_all,
	.rewrap = rewrap,
	.set_state = set_state,
	.some = some,
	.each = each_branch,
};
