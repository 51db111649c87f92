/*
 * shred_end.c - how a shred and an erasure end: noted in the database, free pages rewritten, the report signed.
 */
#include "db/shred_inside.h"

#include <stdlib.h>
#include <string.h>

/* --- the bookkeeping ---------------------------------------------------------------------------------------------- */

static bulla_code note_locked(bulla_shred *s, bulla_shred_table *t, bulla_shred_step step, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf versions = { .max = BULLA_SHRED_VERSIONS };
	bulla_shred_entry entry;
	TRY(bulla_shred_book_make(t->run.db, err));
	TRY(bulla_shred_book_load(t->run.db, s->subject.id, t->job->model->key, &entry, &versions, err));
	t->book = (bulla_shred_entry){ step, entry.cleared };
	bulla_bytes own = bulla_view_buf(&s->subject.versions);
	return bulla_shred_book_store(t->run.db, s->subject.id, t->job->model->key, &t->book,
				      versions.len > own.len ? bulla_view(NULL, 0) : own, err);
}

/* In the database of the rows: which versions are going, and then that they have gone. */
bulla_code bulla_shred_note(bulla_shred *s, bulla_shred_table *t, bulla_shred_step step, bulla_error *err)
{
	const bulla_target *target = t->run.db->target;
	TRY(target->begin_write(t->run.db, err));
	bulla_code code = note_locked(s, t, step, err);
	if (!code) return target->commit(t->run.db, err);
	target->rollback(t->run.db);
	return code;
}

bulla_code bulla_shred_note_all(bulla_shred *s, bulla_shred_step step, bulla_error *err)
{
	for (size_t i = 0; i < s->table_count; i++)
		if (bulla_shred_is_involved(s, &s->tables[i])) TRY(bulla_shred_note(s, &s->tables[i], step, err));
	return BULLA_OK;
}

/* --- free pages --------------------------------------------------------------------------------------------------- */

static bool is_rewritten(const bulla_shred *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s->tables[i].rewritten && strcmp(s->tables[i].job->url, s->tables[n].job->url) == 0) return true;
	return false;
}

/* Free pages, and the database's log, hold what was cleared until they are rewritten; each database once. */
bulla_code bulla_shred_rewrite(bulla_shred *s, size_t i, bool erase, bulla_error *err)
{
	bulla_shred_table *t = &s->tables[i];
	const bulla_target *target = t->run.db->target;
	bool pending = t->cleared || t->resumed;
	if (s->options->no_rewrite || !pending || !bulla_shred_leaves_sense(t->job->model, erase)) return BULLA_OK;
	t->rewritten = true;
	s->rewritten = true;
	if (is_rewritten(s, i)) return BULLA_OK;
	target->writer_close(t->writer);
	t->writer = NULL;
	bulla_run_progress(&s->pace, "rewriting", 0, 0, true);
	TRY(target->purge(t->run.db, err));
	bulla_run_hook(&s->pace, "purged");
	return BULLA_OK;
}

/* --- the report ------------------------------------------------------------------------------------------------- */

static int64_t gone_us(const bulla_shred *s)
{
	return s->options->retention_ms ? s->ret->destroyed_us + s->options->retention_ms * 1000 : 0;
}

/* Only tables with rows of it are told. */
bulla_code bulla_shred_end(bulla_shred *s, bulla_bytes erased, bulla_error *err)
{
	bulla_shred_table *involved = calloc(s->table_count + 1, sizeof *involved);
	size_t n = 0;
	if (!involved) return bulla_fail_memory(err);
	for (size_t i = 0; i < s->table_count; i++)
		if (bulla_shred_is_involved(s, &s->tables[i]) || erased.len) involved[n++] = s->tables[i]; /* borrowed */
	s->ret->gone_us = gone_us(s);
	bulla_shred_report r = { .options = s->options,
				 .job = bulla_shred_first_job(s),
				 .subject = erased.len ? NULL : &s->subject,
				 .tables = involved,
				 .table_count = n,
				 .pk = erased,
				 .rewritten = s->rewritten,
				 .result = s->ret };
	bulla_code code = bulla_shred_write_report(&r, err);
	free(involved);
	return code;
}

bulla_code bulla_shred_check_signer(const bulla_shred *s, bulla_error *err)
{
	if (bulla_shred_first_job(s)->sign_seed) return BULLA_OK;
	bulla_code code =
		bulla_fail(err, BULLA_ERR_REFUSED, "there is no key to sign the report with, and an unsigned one proves nothing");
	return bulla_advise(err, code, "run this where the project's key store is");
}
