/*
 * undo_tell.c - what an undo tells: objects that came back, are missing or went, rows that are lost or were refused.
 */
#include "db/undo.h"

#include <stdio.h>

static void begin_list(bulla_undo_list *list)
{
	bulla_buf_clear(&list->text);
	list->writer = bulla_json_to(&list->text);
	list->n = 0;
	bulla_json_open(&list->writer, NULL, '[');
}

void bulla_undo_tell_begin(bulla_undo *u)
{
	begin_list(&u->back);
	begin_list(&u->missing);
	begin_list(&u->gone);
	begin_list(&u->lost);
	bulla_aside_clear(&u->misfits);
	u->why[0] = 0;
}

static void put_list(bulla_json_writer *w, const char *name, const bulla_undo_list *list)
{
	bulla_buf whole = { 0 };
	if (list->writer.failed || bulla_buf_add(&whole, bulla_view_buf(&list->text), NULL) ||
	    bulla_buf_add_str(&whole, list->text.len ? "]" : "[]", NULL))
		w->failed = BULLA_ERR_MEMORY;
	bulla_json_put_raw(w, name, bulla_view_buf(&whole));
	bulla_buf_done(&whole);
}

static void add_object(bulla_undo_list *list, const char *kind, const char *name, const char *sql)
{
	bulla_json_open(&list->writer, NULL, '{');
	bulla_json_put_str(&list->writer, "kind", kind);
	bulla_json_put_str(&list->writer, "name", name);
	bulla_json_put_str(&list->writer, "sql", sql);
	bulla_json_close(&list->writer, '}');
	list->n++;
}

static void tell_back(void *self, const char *kind, const char *name, const char *sql)
{
	add_object(&((bulla_undo *)self)->back, kind, name, sql);
}

static void tell_missing(void *self, const char *kind, const char *name, const char *sql)
{
	add_object(&((bulla_undo *)self)->missing, kind, name, sql);
}

static void tell_gone(void *self, const char *kind, const char *name, const char *sql)
{
	add_object(&((bulla_undo *)self)->gone, kind, name, sql);
}

static bulla_code write_pk(const bulla_undo *u, const bulla_value *pk, bulla_buf *out, bulla_error *err)
{
	size_t positions[BULLA_LOCATOR_MAX], n = u->run.mapping.table->pk_count;
	for (size_t i = 0; i < n && i < BULLA_LOCATOR_MAX; i++)
		positions[i] = i;
	return bulla_pk_write(pk, positions, n < BULLA_LOCATOR_MAX ? n : BULLA_LOCATOR_MAX, out, err);
}

static bulla_code row_lost(void *self, const bulla_value *pk, bulla_error *err)
{
	bulla_undo *u = self;
	BULLA_BUF_AUTO bulla_buf name = { 0 };
	if (u->lost.n++ >= BULLA_ASIDE_MAX) return BULLA_OK;
	TRY(write_pk(u, pk, &name, err));
	bulla_json_put_raw(&u->lost.writer, NULL, bulla_view_buf(&name));
	return BULLA_OK;
}

static bulla_code row_refused(void *self, const bulla_value *pk, const char *why, bulla_error *err)
{
	bulla_undo *u = self;
	BULLA_BUF_AUTO bulla_buf name = { 0 };
	TRY(write_pk(u, pk, &name, err));
	if (u->misfits.n == 0) snprintf(u->why, sizeof u->why, "%s", why);
	return bulla_aside_add(&u->misfits, bulla_view_buf(&name), BULLA_FIELD_CONSTRAINT, BULLA_REASON_TYPE, err);
}

void bulla_undo_tell_restoration(bulla_undo *u, bulla_restoration *what)
{
	what->back = tell_back;
	what->missing = tell_missing;
	what->gone = tell_gone;
	what->row_lost = row_lost;
	what->row_refused = row_refused;
	what->self = u;
	for (size_t i = 0; i < u->original.n; i++)
		if (u->original.left_out[i])
			tell_missing(u, u->original.list[i].kind, u->original.list[i].name, u->original.list[i].sql);
}

bulla_code bulla_undo_tell(const bulla_undo *u, bulla_buf *out, bulla_error *err)
{
	bulla_json_writer w = bulla_json_to(out);
	bulla_json_open(&w, NULL, '{');
	bulla_json_put_str(&w, "was", u->was);
	bulla_json_put_bool(&w, "undone", u->undone);
	if (u->undone)
		bulla_json_put_str(&w, "definition", bulla_fidelity_name(u->fidelity));
	else
		bulla_json_put_null(&w, "definition");
	bulla_json_put_int(&w, "lost", (int64_t)u->lost.n);
	put_list(&w, "lost_rows", &u->lost);
	put_list(&w, "back", &u->back);
	put_list(&w, "missing", &u->missing);
	put_list(&w, "gone", &u->gone);
	bulla_json_put_int(&w, "refused", (int64_t)(u->misfits.n + u->misfits.left_out));
	bulla_json_put_str(&w, "why", u->misfits.n ? u->why : NULL);
	bulla_json_close(&w, '}');
	return bulla_json_end(&w, err);
}

void bulla_undo_tell_done(bulla_undo *u)
{
	bulla_undo_list *lists[] = { &u->back, &u->missing, &u->gone, &u->lost };
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		bulla_buf_done(&lists[i]->text);
	bulla_aside_done(&u->misfits);
}
