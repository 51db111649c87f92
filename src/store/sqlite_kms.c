/*
 * sqlite_kms.c - the engine's rows in a SQLite file.
 */
#include "store/sqlite.h"

/* --- reading --------------------------------------------------------------------------------------------------- */
bulla_code bulla_sqlite_read_state(bulla_sqlite *s, uint64_t *ret_generation, bulla_log_head *ret_head, bulla_error *err)
{
	BULLA_STATEMENT *statement = NULL;
	bool row = false;
	TRY(bulla_sqlite_statement(s, BULLA_SQL_STATE, &statement, err));
	TRY(bulla_sqlite_step(s, statement, &row, err));
	bulla_bytes root = row ? bulla_sqlite_column(statement, 2) : (bulla_bytes){ 0 };
	if (root.len != sizeof ret_head->root || sqlite3_column_int64(statement, 0) < 0 || sqlite3_column_int64(statement, 1) < 0)
		return bulla_fail(err, BULLA_ERR_CORRUPT, "the key store is damaged: its state does not parse");
	*ret_generation = (uint64_t)sqlite3_column_int64(statement, 0);
	ret_head->size = (uint64_t)sqlite3_column_int64(statement, 1);
	memcpy(ret_head->root, root.data, root.len);
	return BULLA_OK;
}

static bulla_code read_data_version(bulla_sqlite *s, int64_t *ret, bulla_error *err)
{
	BULLA_STATEMENT *statement = NULL;
	bool row = false;
	TRY(bulla_sqlite_statement(s, BULLA_SQL_DATA_VERSION, &statement, err));
	TRY(bulla_sqlite_step(s, statement, &row, err));
	*ret = sqlite3_column_int64(statement, 0);
	return BULLA_OK;
}

/* The version is the generation. It is read again only when another connection has committed something (which may be no more than the
 * log's head) or this one has changed it. */
static bulla_code read_version(bulla_sqlite *s, uint64_t *ret_version, bulla_error *err)
{
	int64_t data_version = 0;
	bulla_log_head head;
	TRY(read_data_version(s, &data_version, err)); /* first: a commit after it is then seen the next time */
	if (!s->knows_generation || data_version != s->data_version) TRY(bulla_sqlite_read_state(s, &s->generation, &head, err));
	s->data_version = data_version;
	s->knows_generation = true;
	*ret_version = s->generation;
	return BULLA_OK;
}

static bulla_code version(void *self, uint64_t *ret_version, bulla_error *err)
{
	TRY(bulla_sqlite_enter(self, err));
	bulla_code code = read_version(self, ret_version, err);
	bulla_sqlite_leave(self);
	return code;
}

bulla_code bulla_sqlite_each_row(bulla_sqlite *s, bulla_code (*each)(void *each_self, const bulla_kms_row *row, bulla_error *err),
				 void *each_self, bulla_error *err)
{
	BULLA_STATEMENT *statement = NULL;
	bool there = false;
	TRY(bulla_sqlite_statement(s, BULLA_SQL_ROWS, &statement, err));
	TRY(bulla_sqlite_step(s, statement, &there, err));
	while (there) {
		bulla_kms_row row = { .table = (bulla_kms_table)sqlite3_column_int(statement, 0),
				      .id = bulla_sqlite_column(statement, 1),
				      .data = bulla_sqlite_column(statement, 2) };
		TRY(each(each_self, &row, err));
		TRY(bulla_sqlite_step(s, statement, &there, err));
	}
	return BULLA_OK;
}

static bulla_code read_all(bulla_sqlite *s, bulla_code (*each)(void *each_self, const bulla_kms_row *row, bulla_error *err),
			   void *each_self, uint64_t *ret_generation, bulla_log_head *ret_head, bulla_error *err)
{
	TRY(bulla_sqlite_run(s, BULLA_SQL_BEGIN, err));
	bulla_code code = bulla_sqlite_read_state(s, ret_generation, ret_head, err);
	if (code == BULLA_OK) code = bulla_sqlite_each_row(s, each, each_self, err);
	return bulla_sqlite_end(s, code, err);
}

static bulla_code load(void *self, bulla_code (*each)(void *each_self, const bulla_kms_row *row, bulla_error *err),
		       void *each_self, uint64_t *ret_generation, bulla_log_head *ret_head, bulla_error *err)
{
	TRY(bulla_sqlite_enter(self, err));
	bulla_code code = read_all(self, each, each_self, ret_generation, ret_head, err);
	bulla_sqlite_leave(self);
	return code;
}

static bulla_code head(void *self, bulla_log_head *ret_head, bulla_error *err)
{
	uint64_t generation = 0;
	TRY(bulla_sqlite_enter(self, err));
	bulla_code code = bulla_sqlite_read_state(self, &generation, ret_head, err);
	bulla_sqlite_leave(self);
	return code;
}

/* --- writing --------------------------------------------------------------------------------------------------- */
bulla_code bulla_sqlite_put_row(bulla_sqlite *s, const bulla_kms_row *row, bulla_error *err)
{
	BULLA_STATEMENT *statement = NULL;
	bool there = false;
	TRY(bulla_sqlite_statement(s, row->data.data ? BULLA_SQL_PUT_ROW : BULLA_SQL_DELETE_ROW, &statement, err));
	(void)sqlite3_bind_int(statement, 1, (int)row->table);
	bulla_sqlite_bind_bytes(statement, 2, row->id);
	if (row->data.data) bulla_sqlite_bind_bytes(statement, 3, row->data);
	return bulla_sqlite_step(s, statement, &there, err);
}

bulla_code bulla_sqlite_write_state(bulla_sqlite *s, uint64_t generation, const bulla_log_head *head, bulla_error *err)
{
	BULLA_STATEMENT *statement = NULL;
	bool there = false;
	TRY(bulla_sqlite_statement(s, BULLA_SQL_SET_STATE, &statement, err));
	(void)sqlite3_bind_int64(statement, 1, (int64_t)generation);
	(void)sqlite3_bind_int64(statement, 2, (int64_t)head->size);
	bulla_sqlite_bind_bytes(statement, 3, bulla_view(head->root, sizeof head->root));
	return bulla_sqlite_step(s, statement, &there, err);
}

/* What a change is asked for. */
typedef struct change_order {
	uint64_t expected, next;
	const bulla_kms_row *rows;
	size_t n;
	const bulla_log_head *head;
	bool forces_head;
} change_order;

static bulla_code write_change(bulla_sqlite *s, const change_order *o, bulla_error *err)
{
	uint64_t generation = 0;
	bulla_log_head known;
	TRY(bulla_sqlite_read_state(s, &generation, &known, err));
	if (generation != o->expected) return bulla_store_fail_generation(err);
	for (size_t i = 0; i < o->n; i++)
		TRY(bulla_sqlite_put_row(s, &o->rows[i], err));
	bool forward = o->forces_head || o->head->size >= known.size;
	return bulla_sqlite_write_state(s, o->next, forward ? o->head : &known, err);
}

static bool deletes(const change_order *o)
{
	for (size_t i = 0; i < o->n; i++)
		if (!o->rows[i].data.data) return true;
	return false;
}

static bulla_code change_once(bulla_sqlite *s, const change_order *o, bulla_error *err)
{
	bulla_error ignored;
	TRY(bulla_sqlite_run(s, BULLA_SQL_BEGIN_WRITE, err));
	TRY(bulla_sqlite_end(s, write_change(s, o, err), err));
	s->knows_generation = false;
	/* The log still has the deleted rows' pages: overwritten now, or when the last reader has gone. */
	if (deletes(o)) (void)!bulla_sqlite_run(s, BULLA_SQL_CHECKPOINT, &ignored);
	return BULLA_OK;
}

static bulla_code change_in(void *self, const change_order *o, bulla_error *err)
{
	TRY(bulla_store_check_rows(o->rows, o->n, err));
	TRY(bulla_store_check_generation(o->expected, o->next, err));
	TRY(bulla_sqlite_enter(self, err));
	bulla_code code = change_once(self, o, err);
	bulla_sqlite_leave(self);
	return code;
}

static bulla_code change(void *self, uint64_t expected, const bulla_kms_row *rows, size_t n, const bulla_log_head *head,
			 bulla_error *err)
{
	change_order o = { .expected = expected, .next = expected + 1, .rows = rows, .n = n, .head = head };
	return change_in(self, &o, err);
}

static bulla_code adopt(void *self, uint64_t expected, uint64_t next, const bulla_kms_row *rows, size_t n,
			const bulla_log_head *head, bulla_error *err)
{
	change_order o = { .expected = expected, .next = next, .rows = rows, .n = n, .head = head, .forces_head = true };
	return change_in(self, &o, err);
}

static bulla_code move_head(bulla_sqlite *s, const bulla_log_head *head, bulla_error *err)
{
	BULLA_STATEMENT *statement = NULL;
	bool there = false;
	TRY(bulla_sqlite_statement(s, BULLA_SQL_MOVE_HEAD, &statement, err));
	(void)sqlite3_bind_int64(statement, 1, (int64_t)head->size);
	bulla_sqlite_bind_bytes(statement, 2, bulla_view(head->root, sizeof head->root));
	return bulla_sqlite_step(s, statement, &there, err);
}

static bulla_code set_head(void *self, const bulla_log_head *head, bulla_error *err)
{
	TRY(bulla_sqlite_enter(self, err));
	bulla_code code = move_head(self, head, err);
	bulla_sqlite_leave(self);
	return code;
}

const bulla_kms_store bulla_sqlite_kms = {
	.version = version,
	.load = load,
	.change = change,
	.adopt = adopt,
	.set_head = set_head,
	.head = head,
};
