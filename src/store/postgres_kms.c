/*
 * postgres_kms.c - the engine's rows in PostgreSQL.
 */
#include "store/postgres.h"

/* --- reading --------------------------------------------------------------------------------------------------- */
bulla_code bulla_pg_read_state(bulla_pg_link *link, bulla_pg_sql which, uint64_t *ret_generation, bulla_log_head *ret_head,
			       bulla_error *err)
{
	BULLA_PG_RESULT *result = NULL;
	TRY(bulla_pg_ask(link, which, NULL, 0, &result, err));
	bulla_bytes root = PQntuples(result) == 1 ? bulla_pg_bytes(result, 0, 2) : (bulla_bytes){ 0 };
	if (root.len != sizeof ret_head->root || bulla_pg_number(result, 0, 0) < 0 || bulla_pg_number(result, 0, 1) < 0)
		return bulla_fail(err, BULLA_ERR_CORRUPT, "the key store is damaged: its state does not parse");
	*ret_generation = (uint64_t)bulla_pg_number(result, 0, 0);
	ret_head->size = (uint64_t)bulla_pg_number(result, 0, 1);
	memcpy(ret_head->root, root.data, root.len);
	return BULLA_OK;
}

static bulla_code version(void *self, uint64_t *ret_version, bulla_error *err)
{
	bulla_pg *pg = self;
	return bulla_pg_watch_ask(&pg->watch, ret_version, err);
}

bulla_kms_row bulla_pg_row_of(const PGresult *result, int row)
{
	return (bulla_kms_row){ .table = (bulla_kms_table)bulla_pg_number(result, row, 0),
				.id = bulla_pg_bytes(result, row, 1),
				.data = bulla_pg_bytes(result, row, 2) };
}

typedef struct reading {
	bulla_code (*each)(void *each_self, const bulla_kms_row *row, bulla_error *err); /* NULL: the state alone */
	void *each_self;
	uint64_t generation;
	bulla_log_head head;
} reading;

static bulla_code meet(void *self, const PGresult *result, int row, bulla_error *err)
{
	const reading *r = self;
	bulla_kms_row met = bulla_pg_row_of(result, row);
	return r->each(r->each_self, &met, err);
}

static bulla_code read_all(bulla_pg_link *link, void *self, bulla_error *err)
{
	reading *r = self;
	TRY(bulla_pg_read_state(link, BULLA_PG_STATE, &r->generation, &r->head, err));
	return r->each ? bulla_pg_walk(link, BULLA_PG_ROWS, NULL, 0, meet, r, err) : BULLA_OK;
}

static bulla_code load(void *self, bulla_code (*each)(void *each_self, const bulla_kms_row *row, bulla_error *err),
		       void *each_self, uint64_t *ret_generation, bulla_log_head *ret_head, bulla_error *err)
{
	reading r = { .each = each, .each_self = each_self };
	TRY(bulla_pg_with(self, BULLA_PG_BEGIN_READ, read_all, &r, NULL, err));
	*ret_generation = r.generation;
	*ret_head = r.head;
	return BULLA_OK;
}

static bulla_code head(void *self, bulla_log_head *ret_head, bulla_error *err)
{
	reading r = { 0 };
	TRY(bulla_pg_with(self, BULLA_PG_BEGIN_READ, read_all, &r, NULL, err));
	*ret_head = r.head;
	return BULLA_OK;
}

/* --- writing --------------------------------------------------------------------------------------------------- */
bulla_code bulla_pg_put_row(bulla_pg_link *link, const bulla_kms_row *row, bulla_error *err)
{
	bulla_pg_value values[] = { BULLA_PG_NUMBER(row->table), BULLA_PG_BYTES(row->id), BULLA_PG_BYTES(row->data) };
	bool puts = row->data.data != NULL;
	return bulla_pg_do(link, puts ? BULLA_PG_PUT_ROW : BULLA_PG_DELETE_ROW, values, puts ? 3 : 2, NULL, err);
}

bulla_code bulla_pg_write_state(bulla_pg_link *link, uint64_t generation, const bulla_log_head *head_now, bulla_error *err)
{
	bulla_pg_value values[] = { BULLA_PG_NUMBER(generation), BULLA_PG_NUMBER(head_now->size),
				    BULLA_PG_BYTES(bulla_view(head_now->root, sizeof head_now->root)) };
	return bulla_pg_do(link, BULLA_PG_SET_STATE, values, 3, NULL, err);
}

bulla_code bulla_pg_tell(bulla_pg_link *link, bulla_error *err)
{
	return bulla_pg_do(link, BULLA_PG_NOTIFY, NULL, 0, NULL, err);
}

/* What a change is asked for. */
typedef struct change_order {
	uint64_t expected, next;
	const bulla_kms_row *rows;
	size_t n;
	const bulla_log_head *head;
	bool forces_head;
	bool landed; /* the answer to: did it happen? */
} change_order;

static bulla_code write_change(bulla_pg_link *link, void *self, bulla_error *err)
{
	const change_order *o = self;
	uint64_t generation = 0;
	bulla_log_head known = { 0 };
	TRY(bulla_pg_read_state(link, BULLA_PG_STATE_LOCKED, &generation, &known, err));
	if (generation != o->expected) return bulla_store_fail_generation(err);
	for (size_t i = 0; i < o->n; i++)
		TRY(bulla_pg_put_row(link, &o->rows[i], err));
	bool forward = o->forces_head || o->head->size >= known.size;
	TRY(bulla_pg_write_state(link, o->next, forward ? o->head : &known, err));
	return bulla_pg_tell(link, err);
}

static bulla_code is_there(bulla_pg_link *link, const bulla_kms_row *row, bool *ret, bulla_error *err)
{
	BULLA_PG_RESULT *result = NULL;
	bulla_pg_value values[] = { BULLA_PG_NUMBER(row->table), BULLA_PG_BYTES(row->id) };
	TRY(bulla_pg_ask(link, BULLA_PG_ROW, values, 2, &result, err));
	bool there = PQntuples(result) == 1;
	*ret = there == (row->data.data != NULL) && (!there || bulla_bytes_equal(bulla_pg_bytes(result, 0, 2), row->data));
	return BULLA_OK;
}

/* The lock waits for a commit that goes on without us. The rows that a change writes are sealed with their generation, so another
 * change's are not the same. */
static bulla_code look_whether(bulla_pg_link *link, void *self, bulla_error *err)
{
	change_order *o = self;
	uint64_t generation = 0;
	bulla_log_head known = { 0 };
	TRY(bulla_pg_read_state(link, BULLA_PG_STATE_LOCKED, &generation, &known, err));
	o->landed = generation == o->next;
	for (size_t i = 0; i < o->n && o->landed; i++)
		TRY(is_there(link, &o->rows[i], &o->landed, err));
	return BULLA_OK;
}

static bulla_code change_in(bulla_pg *pg, change_order *o, bulla_error *err)
{
	bulla_error ignored;
	bool doubt = false;
	TRY(bulla_store_check_rows(o->rows, o->n, err));
	TRY(bulla_store_check_generation(o->expected, o->next, err));
	bulla_code code = bulla_pg_with(pg, BULLA_PG_BEGIN, write_change, o, &doubt, err);
	if (doubt && bulla_pg_with(pg, BULLA_PG_BEGIN, look_whether, o, NULL, &ignored) == BULLA_OK && o->landed) code = BULLA_OK;
	if (code != BULLA_ERR_USAGE) bulla_pg_watch_forget(&pg->watch);
	return code;
}

static bulla_code change(void *self, uint64_t expected, const bulla_kms_row *rows, size_t n, const bulla_log_head *head_now,
			 bulla_error *err)
{
	change_order o = { .expected = expected, .next = expected + 1, .rows = rows, .n = n, .head = head_now };
	return change_in(self, &o, err);
}

static bulla_code adopt(void *self, uint64_t expected, uint64_t next, const bulla_kms_row *rows, size_t n,
			const bulla_log_head *head_now, bulla_error *err)
{
	change_order o = { .expected = expected, .next = next, .rows = rows, .n = n, .head = head_now, .forces_head = true };
	return change_in(self, &o, err);
}

static bulla_code move_head(bulla_pg_link *link, void *self, bulla_error *err)
{
	const bulla_log_head *now = self;
	bulla_pg_value values[] = { BULLA_PG_NUMBER(now->size), BULLA_PG_BYTES(bulla_view(now->root, sizeof now->root)) };
	return bulla_pg_do(link, BULLA_PG_MOVE_HEAD, values, 2, NULL, err);
}

static bulla_code set_head(void *self, const bulla_log_head *now, bulla_error *err)
{
	bulla_log_head copy = *now;
	return bulla_pg_with(self, BULLA_PG_BEGIN, move_head, &copy, NULL, err);
}

const bulla_kms_store bulla_pg_kms = {
	.version = version,
	.load = load,
	.change = change,
	.adopt = adopt,
	.set_head = set_head,
	.head = head,
};
