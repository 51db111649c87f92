/*
 * postgres_branch.c - branch keys in PostgreSQL.
 *
 * Whoever writes branches holds one advisory lock, as a SQLite file has one writer: so what a transaction has read of a branch stays true
 * until it has written. Readers wait for nobody. Versions are u64 and bigint is signed: the same 64 bits, read the other way.
 */
#include "store/postgres.h"

enum { IDENTITY, PRINT, VERSION, STATE, WRAPPED, CREATED, INDEX }; /* the columns of every statement about branches */

bulla_branch_row bulla_pg_branch_of(const PGresult *result, int row)
{
	return (bulla_branch_row){ .identity = bulla_pg_bytes(result, row, IDENTITY),
				   .print = bulla_pg_bytes(result, row, PRINT),
				   .version = (uint64_t)bulla_pg_number(result, row, VERSION),
				   .state = (bulla_branch_state)bulla_pg_number(result, row, STATE),
				   .wrapped = bulla_pg_bytes(result, row, WRAPPED),
				   .created_us = bulla_pg_number(result, row, CREATED) };
}

/* --- reading --------------------------------------------------------------------------------------------------- */
typedef bulla_code (*each_found)(void *each_self, size_t index, const bulla_branch_row *row, bulla_error *err);

/* What is asked for, one of the two lists, and how far it is. */
typedef struct wanted {
	const bulla_bytes *identities;
	const uint64_t *versions;
	size_t n, at;
	each_found each;
	void *each_self;
} wanted;

static bulla_code meet_found(void *self, const PGresult *result, int row, bulla_error *err)
{
	const wanted *w = self;
	bulla_branch_row met = bulla_pg_branch_of(result, row);
	return w->each(w->each_self, w->at + (size_t)bulla_pg_number(result, row, INDEX) - 1, &met, err);
}

static bulla_code find_batch(bulla_pg_link *link, wanted *w, size_t n, bulla_pg_array *array, bulla_error *err)
{
	bulla_pg_value value;
	for (size_t i = w->at; i < w->at + n; i++)
		TRY(w->versions ? bulla_pg_array_number(array, (int64_t)w->versions[i], err)
				: bulla_pg_array_bytes(array, w->identities[i], err));
	TRY(bulla_pg_array_value(array, &value, err));
	bulla_pg_sql which = w->versions ? BULLA_PG_BRANCH_BY_VERSION : BULLA_PG_BRANCH_CURRENT;
	return bulla_pg_walk(link, which, &value, 1, meet_found, w, err);
}

static bulla_code find_all(bulla_pg_link *link, void *self, bulla_error *err)
{
	wanted *w = self;
	bulla_code code = BULLA_OK;
	while (w->at < w->n && code == BULLA_OK) {
		bulla_pg_array array = { .type = w->versions ? BULLA_PG_OF_NUMBERS : BULLA_PG_OF_BYTES };
		size_t n = w->n - w->at < BULLA_PG_BATCH ? w->n - w->at : BULLA_PG_BATCH;
		code = find_batch(link, w, n, &array, err);
		bulla_pg_array_done(&array);
		w->at += n;
	}
	return code;
}

static bulla_code current(void *self, const bulla_bytes *identities, size_t n, each_found each, void *each_self, bulla_error *err)
{
	wanted w = { .identities = identities, .n = n, .each = each, .each_self = each_self };
	return n ? bulla_pg_with(self, BULLA_PG_BEGIN_READ, find_all, &w, NULL, err) : BULLA_OK;
}

static bulla_code by_version(void *self, const uint64_t *versions, size_t n, each_found each, void *each_self, bulla_error *err)
{
	wanted w = { .versions = versions, .n = n, .each = each, .each_self = each_self };
	return n ? bulla_pg_with(self, BULLA_PG_BEGIN_READ, find_all, &w, NULL, err) : BULLA_OK;
}

typedef bulla_code (*each_met)(void *each_self, const bulla_branch_row *row, bulla_error *err);

/* A statement with at most one value. */
typedef struct walking {
	bulla_pg_sql which;
	bulla_pg_value value;
	size_t values;
	each_met each;
	void *each_self;
} walking;

static bulla_code meet(void *self, const PGresult *result, int row, bulla_error *err)
{
	const walking *w = self;
	bulla_branch_row met = bulla_pg_branch_of(result, row);
	return w->each(w->each_self, &met, err);
}

static bulla_code walk(bulla_pg_link *link, void *self, bulla_error *err)
{
	walking *w = self;
	TRY(bulla_pg_take_time(link, err));
	return bulla_pg_walk(link, w->which, &w->value, w->values, meet, w, err);
}

static bulla_code versions(void *self, bulla_bytes identity, each_met each, void *each_self, bulla_error *err)
{
	walking w = { BULLA_PG_BRANCH_VERSIONS, BULLA_PG_BYTES(identity), 1, each, each_self };
	return identity.len ? bulla_pg_with(self, BULLA_PG_BEGIN_READ, walk, &w, NULL, err) : BULLA_OK;
}

static bulla_code some(void *self, const bulla_branch_query *query, each_met each, void *each_self, bulla_error *err)
{
	walking w = { BULLA_PG_BRANCH_SINCE, BULLA_PG_NUMBER(query->since_us), 1, each, each_self };
	if (query->closing) w.which = BULLA_PG_BRANCH_CLOSING, w.values = 0;
	if (query->print.len) w.which = BULLA_PG_BRANCH_PRINT, w.value = BULLA_PG_BYTES(query->print), w.values = 1;
	return bulla_pg_with(self, BULLA_PG_BEGIN_READ, walk, &w, NULL, err);
}

static bulla_code each_branch(void *self, each_met each, void *each_self, bulla_error *err)
{
	walking w = { .which = BULLA_PG_BRANCH_EACH, .each = each, .each_self = each_self };
	return bulla_pg_with(self, BULLA_PG_BEGIN_READ, walk, &w, NULL, err);
}

/* --- writing --------------------------------------------------------------------------------------------------- */
static bulla_code lock_branches(bulla_pg_link *link, bulla_error *err)
{
	bulla_pg_value number = BULLA_PG_NUMBER(bulla_pg_lock_number(link->place, "branches"));
	return bulla_pg_do(link, BULLA_PG_LOCK, &number, 1, NULL, err);
}

/* Rows as the arrays of one statement. */
typedef struct columns {
	bulla_pg_array identity, print, version, state, wrapped, created;
} columns;

static void columns_done(columns *c)
{
	bulla_pg_array *const all[] = { &c->identity, &c->print, &c->version, &c->state, &c->wrapped, &c->created };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		bulla_pg_array_done(all[i]);
}

static bulla_code add_row(columns *c, const bulla_branch_row *row, bulla_error *err)
{
	TRY(bulla_store_check_branch(row, err));
	TRY(bulla_pg_array_bytes(&c->identity, row->identity, err));
	TRY(bulla_pg_array_bytes(&c->print, row->print, err));
	TRY(bulla_pg_array_number(&c->version, (int64_t)row->version, err));
	TRY(bulla_pg_array_number(&c->state, row->state, err));
	TRY(bulla_pg_array_bytes(&c->wrapped, row->wrapped, err));
	return bulla_pg_array_number(&c->created, row->created_us, err);
}

static bulla_code insert_columns(bulla_pg_link *link, columns *c, bulla_error *err)
{
	bulla_pg_array *const all[] = { &c->identity, &c->print, &c->version, &c->state, &c->wrapped, &c->created };
	bulla_pg_value values[sizeof all / sizeof *all];
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		TRY(bulla_pg_array_value(all[i], &values[i], err));
	bulla_code code = bulla_pg_do(link, BULLA_PG_BRANCH_CREATE, values, sizeof all / sizeof *all, NULL, err);
	return code == BULLA_ERR_CONFLICT ? bulla_store_fail_version(err) : code;
}

/* Many, or one. */
typedef struct rows {
	const uint64_t *previous;
	const bulla_branch_row *rows;
	size_t n, at;
} rows;

static bulla_code create_batch(bulla_pg_link *link, rows *r, columns *c, bulla_error *err)
{
	for (size_t n = 0; n < BULLA_PG_BATCH && r->at < r->n && c->wrapped.bytes.len < BULLA_PG_BATCH_BYTES; n++)
		TRY(add_row(c, &r->rows[r->at++], err));
	return insert_columns(link, c, err);
}

static bulla_code create_all(bulla_pg_link *link, void *self, bulla_error *err)
{
	rows *r = self;
	bulla_code code = lock_branches(link, err);
	while (code == BULLA_OK && r->at < r->n) {
		columns c = { { BULLA_PG_OF_BYTES },   { BULLA_PG_OF_BYTES }, { BULLA_PG_OF_NUMBERS },
			      { BULLA_PG_OF_NUMBERS }, { BULLA_PG_OF_BYTES }, { BULLA_PG_OF_NUMBERS } };
		code = create_batch(link, r, &c, err);
		columns_done(&c);
	}
	return code;
}

static bulla_code create(void *self, const bulla_branch_row *list, size_t n, bulla_error *err)
{
	rows r = { .rows = list, .n = n };
	return bulla_pg_with(self, BULLA_PG_BEGIN, create_all, &r, NULL, err);
}

bulla_code bulla_pg_put_branch(bulla_pg_link *link, const bulla_branch_row *row, int64_t sequence, bulla_error *err)
{
	bulla_pg_value values[] = { BULLA_PG_BYTES(row->identity), BULLA_PG_BYTES(row->print),   BULLA_PG_NUMBER(row->version),
				    BULLA_PG_NUMBER(row->state),   BULLA_PG_BYTES(row->wrapped), BULLA_PG_NUMBER(row->created_us),
				    BULLA_PG_NUMBER(sequence) };
	bulla_code code = bulla_pg_do(link, BULLA_PG_BRANCH_INSERT, values, sizeof values / sizeof *values, NULL, err);
	return code == BULLA_ERR_CONFLICT ? bulla_store_fail_version(err) : code;
}

/* The newest version that is not destroyed, else the newest tombstone. */
typedef struct newest {
	bool there;
	uint64_t version;
	bulla_branch_state state;
} newest;

static bulla_code take_newest(void *self, size_t index, const bulla_branch_row *row, bulla_error *err)
{
	newest *found = self;
	(void)index, (void)err;
	*found = (newest){ true, row->version, row->state };
	return BULLA_OK;
}

static bulla_code read_newest(bulla_pg_link *link, bulla_bytes identity, newest *ret, bulla_error *err)
{
	*ret = (newest){ 0 };
	wanted w = { .identities = &identity, .n = 1, .each = take_newest, .each_self = ret };
	return find_all(link, &w, err);
}

static bulla_code insert_next(bulla_pg_link *link, const bulla_branch_row *row, bulla_error *err)
{
	BULLA_PG_RESULT *result = NULL;
	bulla_pg_value identity = BULLA_PG_BYTES(row->identity);
	TRY(bulla_pg_ask(link, BULLA_PG_BRANCH_LAST, &identity, 1, &result, err));
	return bulla_pg_put_branch(link, row, bulla_pg_number(result, 0, 0) + 1, err);
}

static bulla_code rotate_one(bulla_pg_link *link, void *self, bulla_error *err)
{
	const rows *r = self;
	newest found;
	TRY(lock_branches(link, err));
	TRY(read_newest(link, r->rows->identity, &found, err));
	if (!found.there || found.version != *r->previous) return bulla_store_fail_newest(err);
	TRY(bulla_store_check_follows(found.state, r->rows->state, err));
	return insert_next(link, r->rows, err);
}

static bulla_code rotate(void *self, uint64_t previous, const bulla_branch_row *row, bulla_error *err)
{
	rows r = { .previous = &previous, .rows = row, .n = 1 };
	TRY(bulla_store_check_branch(row, err));
	return bulla_pg_with(self, BULLA_PG_BEGIN, rotate_one, &r, NULL, err);
}

static bulla_code rotate_rows(bulla_pg_link *link, void *self, bulla_error *err)
{
	const rows *r = self;
	TRY(lock_branches(link, err));
	for (size_t i = 0; i < r->n; i++) {
		newest found;
		TRY(bulla_store_check_branch(&r->rows[i], err));
		TRY(read_newest(link, r->rows[i].identity, &found, err));
		bool follows = found.there && found.version == r->previous[i] &&
			       bulla_store_check_follows(found.state, r->rows[i].state, NULL) == BULLA_OK;
		if (follows) TRY(insert_next(link, &r->rows[i], err));
	}
	return BULLA_OK;
}

static bulla_code rotate_all(void *self, const uint64_t *previous, const bulla_branch_row *list, size_t n, bulla_error *err)
{
	rows r = { .previous = previous, .rows = list, .n = n };
	return bulla_pg_with(self, BULLA_PG_BEGIN, rotate_rows, &r, NULL, err);
}

typedef struct swap {
	uint64_t version;
	bulla_bytes old_wrapped, new_wrapped;
} swap;

static bulla_code replace(bulla_pg_link *link, void *self, bulla_error *err)
{
	const swap *s = self;
	bulla_pg_value values[] = { BULLA_PG_NUMBER(s->version), BULLA_PG_BYTES(s->old_wrapped), BULLA_PG_BYTES(s->new_wrapped) };
	uint64_t changed = 0;
	TRY(lock_branches(link, err));
	TRY(bulla_pg_do(link, BULLA_PG_BRANCH_REWRAP, values, 3, &changed, err));
	return changed ? BULLA_OK : bulla_store_fail_wrapped(err);
}

static bulla_code rewrap(void *self, uint64_t version, bulla_bytes old_wrapped, bulla_bytes new_wrapped, bulla_error *err)
{
	swap s = { version, old_wrapped, new_wrapped };
	if (new_wrapped.len > BULLA_STORE_WRAPPED_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "a wrapped branch key is too long");
	return bulla_pg_with(self, BULLA_PG_BEGIN, replace, &s, NULL, err);
}

/* --- moving between states ------------------------------------------------------------------------------------- */
typedef struct move {
	bulla_bytes identity;
	bulla_branch_state from, to;
} move;

static bulla_code check_states(bulla_pg_link *link, const move *m, bulla_error *err)
{
	BULLA_PG_RESULT *result = NULL;
	bulla_pg_value identity = BULLA_PG_BYTES(m->identity);
	size_t n = 0, destroyed = 0;
	TRY(bulla_pg_ask(link, BULLA_PG_BRANCH_STATES, &identity, 1, &result, err));
	for (int row = 0; row < PQntuples(result); row++) {
		bulla_branch_state state = (bulla_branch_state)bulla_pg_number(result, row, 0);
		size_t count = (size_t)bulla_pg_number(result, row, 1);
		TRY(bulla_store_check_passed(state, m->from, m->to, err));
		n += count;
		if (state == BULLA_BRANCH_DESTROYED) destroyed += count;
	}
	return bulla_store_check_moved(n, destroyed, m->to, err);
}

static bulla_code move_all(bulla_pg_link *link, void *self, bulla_error *err)
{
	const move *m = self;
	bulla_pg_value values[] = { BULLA_PG_BYTES(m->identity), BULLA_PG_NUMBER(m->from), BULLA_PG_NUMBER(m->to) };
	TRY(lock_branches(link, err));
	TRY(check_states(link, m, err));
	return bulla_pg_do(link, BULLA_PG_BRANCH_MOVE, values, 3, NULL, err);
}

/* The old bytes are in a dead row: its place becomes free for others now, not when the server gets to it. What this does not reach is in
 * docs/POSTGRESQL.md. That it fails (another session reads for long) takes nothing back. */
static void sweep(bulla_pg *pg)
{
	bulla_error ignored;
	pthread_mutex_lock(&pg->lock);
	if (pg->link.conn) (void)!bulla_pg_run(&pg->link, "VACUUM bulla_branch", &ignored);
	pthread_mutex_unlock(&pg->lock);
}

static bulla_code set_state(void *self, bulla_bytes identity, bulla_branch_state from, bulla_branch_state to, bulla_error *err)
{
	move m = { .identity = identity, .from = from, .to = to };
	TRY(bulla_store_check_move(from, to, err));
	if (identity.len == 0) return bulla_store_check_moved(0, 0, to, err);
	TRY(bulla_pg_with(self, BULLA_PG_BEGIN, move_all, &m, NULL, err));
	if (to == BULLA_BRANCH_DESTROYED) sweep(self);
	return BULLA_OK;
}

const bulla_branch_store bulla_pg_branches = {
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
