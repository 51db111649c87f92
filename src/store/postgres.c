/*
 * postgres.c - a store in a PostgreSQL database: its statements, its transactions, its notes, from a URL to links.
 */
#include "store/postgres.h"

#include <stdlib.h>
#include <unistd.h>

#define BRANCH_COLUMNS "identity, print, version, state, wrapped, created_us"
#define BRANCHES       "SELECT " BRANCH_COLUMNS " FROM bulla_branch "
#define LOG_HEAD       "SELECT size, note, peaks FROM bulla_log_head WHERE one = 1"

const char *const bulla_pg_texts[BULLA_PG_COUNT] = {
	[BULLA_PG_BEGIN] = "BEGIN",
	[BULLA_PG_BEGIN_READ] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
	[BULLA_PG_COMMIT] = "COMMIT",
	[BULLA_PG_ROLLBACK] = "ROLLBACK",
	[BULLA_PG_LOCK] = "SELECT pg_advisory_xact_lock($1)",
	[BULLA_PG_NOTIFY] = "SELECT pg_notify('bulla_' || current_schema(), '')",
	[BULLA_PG_VERSION] = "SELECT generation + (epoch << 48) FROM bulla_state WHERE one = 1",
	[BULLA_PG_STATE] = "SELECT generation, head_size, head_root FROM bulla_state WHERE one = 1",
	[BULLA_PG_STATE_LOCKED] = "SELECT generation, head_size, head_root FROM bulla_state WHERE one = 1 FOR UPDATE",
	[BULLA_PG_SET_STATE] = "UPDATE bulla_state SET generation = $1, head_size = $2, head_root = $3 WHERE one = 1",
	[BULLA_PG_MOVE_HEAD] = "UPDATE bulla_state SET head_size = $1, head_root = $2 WHERE one = 1 AND head_size <= $1",
	[BULLA_PG_ROW] = "SELECT kind, id, data FROM bulla_kms WHERE kind = $1 AND id = $2",
	[BULLA_PG_ROWS] = "SELECT kind, id, data FROM bulla_kms ORDER BY kind, id",
	[BULLA_PG_PUT_ROW] = "INSERT INTO bulla_kms (kind, id, data) VALUES ($1, $2, $3)"
			     " ON CONFLICT (kind, id) DO UPDATE SET data = excluded.data",
	[BULLA_PG_DELETE_ROW] = "DELETE FROM bulla_kms WHERE kind = $1 AND id = $2",
	[BULLA_PG_BRANCH_CURRENT] = "SELECT b.identity, b.print, b.version, b.state, b.wrapped, b.created_us, w.i"
				    " FROM unnest($1::bytea[]) WITH ORDINALITY w(identity, i) CROSS JOIN LATERAL"
				    " (SELECT * FROM bulla_branch o WHERE o.identity = w.identity"
				    "  ORDER BY o.state = 3, o.sequence DESC LIMIT 1) b",
	[BULLA_PG_BRANCH_BY_VERSION] =
		"SELECT b.identity, b.print, b.version, b.state, b.wrapped, b.created_us, w.i"
		" FROM unnest($1::bigint[]) WITH ORDINALITY w(version, i) JOIN bulla_branch b USING (version)",
	[BULLA_PG_BRANCH_VERSIONS] = BRANCHES "WHERE identity = $1 ORDER BY sequence",
	[BULLA_PG_BRANCH_PRINT] = BRANCHES "WHERE print = $1 ORDER BY identity, sequence",
	[BULLA_PG_BRANCH_CLOSING] = BRANCHES "WHERE state = 2 ORDER BY identity, sequence",
	[BULLA_PG_BRANCH_SINCE] = BRANCHES "WHERE created_us >= $1 ORDER BY identity, sequence",
	[BULLA_PG_BRANCH_EACH] = BRANCHES "ORDER BY identity, sequence",
	[BULLA_PG_BRANCH_LAST] = "SELECT max(sequence) FROM bulla_branch WHERE identity = $1",
	[BULLA_PG_BRANCH_CREATE] = "INSERT INTO bulla_branch (" BRANCH_COLUMNS ", sequence) SELECT *, 1 FROM"
				   " unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bigint[])"
				   " ON CONFLICT (identity, sequence) DO NOTHING",
	[BULLA_PG_BRANCH_INSERT] = "INSERT INTO bulla_branch (" BRANCH_COLUMNS ", sequence) VALUES ($1, $2, $3, $4, $5, $6, $7)",
	[BULLA_PG_BRANCH_REWRAP] = "UPDATE bulla_branch SET wrapped = $3 WHERE version = $1 AND wrapped = $2",
	[BULLA_PG_BRANCH_STATES] = "SELECT state, count(*) FROM bulla_branch WHERE identity = $1 GROUP BY state",
	[BULLA_PG_BRANCH_MOVE] = "UPDATE bulla_branch SET state = $3, wrapped = CASE $3::bigint WHEN 3 THEN '' ELSE wrapped END"
				 " WHERE identity = $1 AND state = $2",
	[BULLA_PG_NOTE_GET] = "SELECT value FROM bulla_note WHERE name = $1",
	[BULLA_PG_NOTE_SET] = "INSERT INTO bulla_note (name, value) VALUES ($1, $2)"
			      " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
	[BULLA_PG_NOTES] = "SELECT name, value FROM bulla_note ORDER BY name",
	[BULLA_PG_LOG_HEAD] = LOG_HEAD,
	[BULLA_PG_LOG_HEAD_LOCKED] = LOG_HEAD " FOR UPDATE",
	[BULLA_PG_LOG_BEGIN] = "INSERT INTO bulla_log_head (one, size, note, peaks) VALUES (1, 0, '', '') ON CONFLICT DO NOTHING",
	[BULLA_PG_LOG_ENTRIES] = "INSERT INTO bulla_log_entry (index, entry)"
				 " SELECT $1 + e.i - 1, e.entry FROM unnest($2::bytea[]) WITH ORDINALITY e(entry, i)",
	[BULLA_PG_LOG_APPEND] =
		"WITH kept AS (INSERT INTO bulla_log_checkpoint (size, note) VALUES ($1, $2)),"
		" trees AS (INSERT INTO bulla_log_tree (size, peaks) SELECT * FROM unnest($4::bigint[], $5::bytea[]))"
		" UPDATE bulla_log_head SET size = $1, note = $2, peaks = $3 WHERE one = 1",
	[BULLA_PG_LOG_NOTE] = "SELECT note FROM bulla_log_checkpoint WHERE size = $1",
	[BULLA_PG_LOG_TREE] = "SELECT peaks FROM bulla_log_tree WHERE size = $1",
	[BULLA_PG_LOG_WALK] = "SELECT e.index, e.entry, c.note, t.peaks FROM bulla_log_entry e"
			      " LEFT JOIN bulla_log_checkpoint c ON c.size = e.index + 1"
			      " LEFT JOIN bulla_log_tree t ON t.size = e.index + 1"
			      " WHERE e.index >= $1 AND e.index < $2 ORDER BY e.index",
	[BULLA_PG_LOG_ENDS] = "SELECT (SELECT coalesce(max(index) + 1, 0) FROM bulla_log_entry),"
			      " (SELECT coalesce(max(size), 0) FROM bulla_log_checkpoint)",
};

/* --- transactions ---------------------------------------------------------------------------------------------- */
/* An idle connection may have ended long ago: nothing is in flight yet, so that is no failure. */
static bulla_code begin(bulla_pg_link *link, bulla_pg_sql how, bulla_error *err)
{
	bulla_pg_link_look(link);
	bool had = link->conn != NULL;
	TRY(bulla_pg_link_up(link, err));
	bulla_code code = bulla_pg_do(link, how, NULL, 0, NULL, err);
	if (code == BULLA_OK || link->conn || !had) return code;
	TRY(bulla_pg_link_up(link, err));
	return bulla_pg_do(link, how, NULL, 0, NULL, err);
}

bulla_code bulla_pg_transact(bulla_pg_link *link, bulla_pg_sql how, bulla_pg_work work, void *self, bool *ret_doubt,
			     bulla_error *err)
{
	bulla_error ignored;
	bool committing = false;
	TRY(begin(link, how, err));
	bulla_code code = work(link, self, err);
	if (code == BULLA_OK) {
		committing = true;
		code = bulla_pg_do(link, BULLA_PG_COMMIT, NULL, 0, NULL, err);
	}
	if (ret_doubt) *ret_doubt = code && committing && !link->conn;
	if (code && link->conn) (void)!bulla_pg_do(link, BULLA_PG_ROLLBACK, NULL, 0, NULL, &ignored);
	return code;
}

bulla_code bulla_pg_with(bulla_pg *pg, bulla_pg_sql how, bulla_pg_work work, void *self, bool *ret_doubt, bulla_error *err)
{
	/* Before the mutex: in a child it may be held for ever by a thread that the child does not have. */
	TRY(bulla_pg_check_owner(&pg->place, err));
	pthread_mutex_lock(&pg->lock);
	bulla_code code = bulla_pg_transact(&pg->link, how, work, self, ret_doubt, err);
	pthread_mutex_unlock(&pg->lock);
	return code;
}

bulla_code bulla_pg_take_time(bulla_pg_link *link, bulla_error *err)
{
	return bulla_pg_run(link, "SET LOCAL statement_timeout = 0", err);
}

/* --- notes ----------------------------------------------------------------------------------------------------- */
typedef struct note {
	const char *name;
	bulla_bytes value;
	bulla_buf *out;
} note;

static bulla_code read_note(bulla_pg_link *link, void *self, bulla_error *err)
{
	note *n = self;
	BULLA_PG_RESULT *result = NULL;
	bulla_pg_value name = BULLA_PG_BYTES(bulla_view_str(n->name));
	TRY(bulla_pg_ask(link, BULLA_PG_NOTE_GET, &name, 1, &result, err));
	if (PQntuples(result) == 0) return bulla_store_fail_note(err);
	return bulla_buf_add(n->out, bulla_pg_bytes(result, 0, 0), err);
}

static bulla_code note_get(void *self, const char *name, bulla_buf *out, bulla_error *err)
{
	note n = { .name = name, .out = out };
	return bulla_pg_with(self, BULLA_PG_BEGIN_READ, read_note, &n, NULL, err);
}

bulla_code bulla_pg_put_note(bulla_pg_link *link, const char *name, bulla_bytes value, bulla_error *err)
{
	bulla_pg_value values[] = { BULLA_PG_BYTES(bulla_view_str(name)), BULLA_PG_BYTES(value) };
	return bulla_pg_do(link, BULLA_PG_NOTE_SET, values, 2, NULL, err);
}

static bulla_code write_note(bulla_pg_link *link, void *self, bulla_error *err)
{
	const note *n = self;
	return bulla_pg_put_note(link, n->name, n->value, err);
}

static bulla_code note_set(void *self, const char *name, bulla_bytes value, bulla_error *err)
{
	note n = { .name = name, .value = value };
	return bulla_pg_with(self, BULLA_PG_BEGIN, write_note, &n, NULL, err);
}

/* --- the server -------------------------------------------------------------------------------------------------- */
static bool is_here(const char *host)
{
	return !host || !*host || *host == '/' || *host == '@' || strcmp(host, "localhost") == 0 ||
	       strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

static bulla_code ask_settings(bulla_pg_link *link, void *self, bulla_error *err)
{
	bulla_store_server *server = self;
	int64_t off = 0;
	TRY(bulla_pg_ask_text(link,
			      "SELECT count(*) FROM pg_catalog.pg_settings WHERE name IN ('fsync', 'full_page_writes')"
			      " AND setting = 'off'",
			      &off, err));
	server->loses_commits = off > 0;
	server->unencrypted = !PQsslInUse(link->conn) && !is_here(PQhost(link->conn));
	return BULLA_OK;
}

static bulla_code examine(void *self, bulla_store_server *ret, bulla_error *err)
{
	return bulla_pg_with(self, BULLA_PG_BEGIN_READ, ask_settings, ret, NULL, err);
}

/* --- opening --------------------------------------------------------------------------------------------------- */
static bulla_code open_links(bulla_pg *pg, bool create, bulla_error *err)
{
	TRY(bulla_pg_link_up(&pg->link, err));
	return bulla_pg_prepare(&pg->link, create, err);
}

static void close_pg(void *self)
{
	bulla_pg *pg = self;
	if (pg->place.owner == getpid()) { /* a child must not say goodbye for its parent */
		bulla_pg_link_done(&pg->link);
		bulla_pg_watch_done(&pg->watch);
		pthread_mutex_destroy(&pg->lock);
	}
	bulla_pg_place_done(&pg->place);
	free(pg);
}

static bulla_code open_pg(const char *rest, bool create, const bulla_patience *patience, void **ret_self, bulla_error *err)
{
	bulla_pg *pg = calloc(1, sizeof *pg);
	if (!pg) return bulla_fail_memory(err);
	pg->place.patience = *patience;
	pg->place.owner = getpid();
	pthread_mutex_init(&pg->lock, NULL);
	bulla_pg_link_init(&pg->link, &pg->place);
	bulla_pg_watch_init(&pg->watch, &pg->place);
	bulla_code code = bulla_pg_place_find(&pg->place, rest, err);
	if (code == BULLA_OK) code = open_links(pg, create, err);
	if (code) {
		close_pg(pg);
		return code;
	}
	*ret_self = pg;
	return BULLA_OK;
}

const bulla_store_kind bulla_store_postgres = {
	.scheme = "postgresql:",
	.open = open_pg,
	.place = bulla_pg_place_tell,
	.close = close_pg,
	.backup = bulla_pg_backup,
	.note_get = note_get,
	.note_set = note_set,
	.examine = examine,
	.give = bulla_pg_give,
	.take = bulla_pg_take,
	.log_open = bulla_pg_log_open,
	.log_verify = bulla_pg_log_verify,
	.log_export = bulla_pg_log_export,
	.kms = &bulla_pg_kms,
	.branches = &bulla_pg_branches,
};
