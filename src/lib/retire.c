/*
 * retire.c - the steps of a retirement, each after what must come before it.
 */
#include "lib/retire.h"

#include "base/text.h"
#include "lib/inside.h"

#include <stdio.h>

typedef struct retire {
	bulla_project *project;
	const bulla_key_info *key;
	const bulla_retire_options *options;
	bulla_references *refs;
	bulla_retirement *ret;
	int64_t now_us;
} retire;

/* --- on record ----------------------------------------------------------------------------------------------------- */
static bulla_code record(const retire *r, const char *operation, bulla_code outcome, bulla_bytes detail, bulla_error *err)
{
	bulla_event event = { .operation = operation,
			      .key = bulla_view_str(r->key->arn),
			      .outcome = outcome ? bulla_code_name(outcome) : "ok",
			      .detail = detail };
	return bulla_engine_record(r->project->engine, &event, err);
}

/* --- the census ---------------------------------------------------------------------------------------------------- */
static bulla_code take_census(retire *r, bool every_row, bulla_error *err)
{
	bulla_reference_subject subject = { .uuid = r->key->uuid };
	TRY(r->options->count(r->options->self, every_row, r->refs, err));
	TRY(bulla_references_join(r->refs, r->project, err));
	bulla_references_select(r->refs, &subject, &r->ret->references);
	r->ret->counted = true;
	return BULLA_OK;
}

static bulla_code refuse_references(const retire *r, bulla_buf *told, bulla_error *err)
{
	bulla_code code = bulla_fail(err, BULLA_ERR_REFUSED, "the key is still referred to: %.*s", (int)told->len,
				     (const char *)told->data);
	if (r->key->state == BULLA_KEY_PENDING_DELETION)
		return bulla_advise(err, code, "take it back: bulla key enable %s; bulla key census %s shows all of it",
				    r->key->id, r->key->id);
	if (r->ret->references.unnamed)
		return bulla_advise(
			err, code,
			"no model of bulla.yaml names all of these tables, as if one had been renamed: name it, then bulla "
			"rotate; or drop it");
	return bulla_advise(err, code,
			    "move it to another key: bulla key close %s, then bulla rotate; bulla key census %s shows it",
			    r->key->id, r->key->id);
}

/* Forced: on record with what was found, before anything is done. */
static bulla_code force(const retire *r, bulla_code why, bulla_bytes told, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf detail = { 0 };
	TRY(bulla_buf_printf(&detail, err, "%s: ", bulla_code_name(why)));
	TRY(bulla_buf_add(&detail, told, err));
	return record(r, "RetirementForced", BULLA_OK, bulla_view_buf(&detail), err);
}

/* Nothing may hang from the key, and everything must be seen. */
static bulla_code check_references(retire *r, bool every_row, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf told = { 0 };
	bulla_error why = { 0 };
	bulla_code code = take_census(r, every_row, &why);
	if (code == BULLA_OK) TRY(bulla_references_tell(r->refs, &r->ret->references, &told, err));
	if (code) TRY(bulla_buf_add_str(&told, why.text, err));
	if (code == BULLA_OK && !bulla_reference_sum_is_empty(&r->ret->references)) code = BULLA_ERR_REFUSED;
	TRY(record(r, "KeyCensus", code, bulla_view_buf(&told), err));
	if (code == BULLA_OK) return BULLA_OK;
	if (r->options->force) return force(r, code, bulla_view_buf(&told), err);
	if (r->ret->counted) return refuse_references(r, &told, err);
	if (err) *err = why;
	return code;
}

/* --- steps --------------------------------------------------------------------------------------------------------- */
int64_t bulla_retire_settled(const bulla_project *project, const bulla_key_info *key)
{
	return key->closed_us + 2000 * bulla_schema_max_age(project->schema);
}

static bulla_code refuse_early(const retire *r, const char *why, int64_t until_us, bulla_error *err)
{
	char time[BULLA_TIME_TEXT];
	r->ret->next_us = until_us;
	bulla_code code = bulla_fail(err, BULLA_ERR_REFUSED, "%s, until %s", why, bulla_time_text(until_us, time));
	return bulla_advise(err, code, "bulla key delete %s from %s on; bulla key enable %s takes it back", r->key->id, time,
			    r->key->id);
}

static bulla_code schedule(retire *r, bulla_error *err)
{
	bulla_key_info now;
	bulla_bytes id = bulla_view_str(r->key->id);
	TRY(bulla_engine_schedule_deletion(r->project->engine, id, r->options->days, err));
	TRY(bulla_engine_describe(r->project->engine, id, &now, err));
	r->ret->step = BULLA_RETIRE_SCHEDULED;
	r->ret->next_us = now.deletion_us;
	return BULLA_OK;
}

static bulla_code refuse_in_use(const retire *r, bulla_error *err)
{
	bulla_code code =
		bulla_fail(err, BULLA_ERR_REFUSED,
			   "bulla.yaml still names the key, in environment %s: without it nothing could be sealed there",
			   r->options->used_by);
	return bulla_advise(err, code,
			    "name another key under keys, then: bulla key delete %s; or close it as it is: bulla key close %s",
			    r->key->id, r->key->id);
}

/* Processes may go on with what they hold for max_age; one that has read just before another wrote, once more. */
static bulla_code close_key(retire *r, bulla_error *err)
{
	bulla_key_info now;
	bulla_bytes id = bulla_view_str(r->key->id);
	TRY(check_references(r, false, err));
	if (r->options->used_by && !r->options->force) return refuse_in_use(r, err);
	TRY(bulla_engine_close(r->project->engine, id, err));
	if (r->options->force) return schedule(r, err);
	TRY(bulla_engine_describe(r->project->engine, id, &now, err));
	r->ret->step = BULLA_RETIRE_CLOSED;
	r->ret->next_us = bulla_retire_settled(r->project, &now);
	return BULLA_OK;
}

static bulla_code after_closing(retire *r, bulla_error *err)
{
	bool early = r->now_us < bulla_retire_settled(r->project, r->key);
	if (early && !r->options->force)
		return refuse_early(r, "processes may still hold what they have cached of this key",
				    bulla_retire_settled(r->project, r->key), err);
	TRY(check_references(r, false, err));
	return schedule(r, err);
}

static bulla_code refuse_named(const retire *r, bulla_error *err)
{
	bulla_code code =
		bulla_fail(err, BULLA_ERR_REFUSED,
			   "bulla.yaml still names the key, in environment %s, and without it no program could start there",
			   r->options->named_by);
	return bulla_advise(err, code, "nothing hangs from it: take it out of bulla.yaml, then: bulla key delete %s", r->key->id);
}

/* The last look is at the rows themselves: an index that is not what it should be must not decide what cannot be taken back. */
static bulla_code after_waiting(retire *r, bulla_error *err)
{
	if (r->now_us < r->key->deletion_us) return refuse_early(r, "the key waits for its deletion", r->key->deletion_us, err);
	TRY(check_references(r, true, err));
	if (r->options->named_by && !r->options->force) return refuse_named(r, err);
	TRY(bulla_engine_destroy(r->project->engine, bulla_view_str(r->key->id), err));
	r->ret->step = BULLA_RETIRE_DELETED;
	return BULLA_OK;
}

bulla_code bulla_project_retire(bulla_project *project, const bulla_key_info *key, const bulla_retire_options *options,
				bulla_references *refs, bulla_retirement *ret, bulla_error *err)
{
	retire r = { project, key, options, refs, ret, project->clock.now_us(project->clock.self) };
	*ret = (bulla_retirement){ 0 };
	if (key->state == BULLA_KEY_PENDING_DELETION) return after_waiting(&r, err);
	return key->closed_us ? after_closing(&r, err) : close_key(&r, err);
}
