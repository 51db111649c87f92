/*
 * shred_subject.c - which branch is meant: that of a record, or that of a name; and what hangs from it.
 */
#include "db/shred_inside.h"

#include "base/cursor.h"
#include "core/layout.h"
#include "format/wrapped_key.h"

#include <stdio.h>

void bulla_subject_done(bulla_subject *s)
{
	bulla_buf_done(&s->identity);
	bulla_buf_done(&s->print);
	bulla_buf_done(&s->versions);
	bulla_buf_done(&s->below);
	*s = (bulla_subject){ 0 };
}

/* --- names ------------------------------------------------------------------------------------------------------ */

static bulla_code make_id(const bulla_bytes *parts, size_t n, char out[static BULLA_SUBJECT_ID], bulla_error *err)
{
	uint8_t hash[32];
	bulla_lane *lane = NULL;
	TRY(bulla_lane_new(&lane, err));
	bulla_code code = bulla_sha256(lane, parts, n, hash, err);
	bulla_lane_free(lane);
	for (size_t i = 0; i < 16 && !code; i++)
		snprintf(out + 2 * i, 3, "%02x", hash[i]);
	return code;
}

static bulla_code complete(bulla_subject *s, bulla_error *err)
{
	TRY(bulla_branch_parse(bulla_view_buf(&s->identity), &s->name, err));
	TRY(bulla_branch_print(bulla_view_buf(&s->identity), &s->print, err));
	bulla_bytes identity = bulla_view_buf(&s->identity);
	return make_id(&identity, 1, s->id, err);
}

bulla_code bulla_subject_id(const char *model, bulla_bytes pk, char out[static BULLA_SUBJECT_ID], bulla_error *err)
{
	bulla_bytes parts[] = { bulla_view_str("erase "), bulla_view_str(model), bulla_view_str(" "), pk };
	return make_id(parts, 4, out, err);
}

bool bulla_subject_has_scope(const bulla_subject *subject, const bulla_model *model)
{
	BULLA_BUF_AUTO bulla_buf scope = { 0 };
	return model->branch.name.text && bulla_branch_scope(&model->branch.name, &scope, NULL) == BULLA_OK &&
	       bulla_bytes_equal(bulla_view_buf(&scope), subject->name.scope);
}

/* --- of a record ------------------------------------------------------------------------------------------------ */

bulla_code bulla_shred_find_row(bulla_run *run, const bulla_shape *shape, const bulla_bytes *pk, size_t pk_count,
				bulla_page *page, bulla_error *err)
{
	const bulla_target *target = run->db->target;
	const bulla_table *table = run->mapping.table;
	bulla_value values[BULLA_INPUTS_MAX];
	const bulla_value *found = NULL;
	bulla_walk *walk = NULL;
	bool added = true;
	if (pk_count != table->pk_count || pk_count > BULLA_INPUTS_MAX)
		return bulla_fail(err, BULLA_ERR_USAGE, "the primary key of %s has %zu columns, %zu values were given",
				  table->name, table->pk_count, pk_count);
	for (size_t i = 0; i < pk_count; i++)
		values[i] = (bulla_value){ .kind = BULLA_KIND_TEXT, .bytes = pk[i] };
	TRY(target->walk_open(run->db, &run->mapping, shape, BULLA_WALK_ROW, NULL, &walk, err));
	bulla_code code = target->walk_start(walk, values, pk_count, err);
	for (found = values; !code && found && added;) {
		code = target->walk_next(walk, &found, err);
		if (!code && found) code = bulla_page_add(page, found, &added, err);
	}
	target->walk_close(walk);
	if (!code && page->n > 1)
		code = bulla_fail(err, BULLA_ERR_REFUSED, "%s has %zu records with that primary key", table->name, page->n);
	return code;
}

static bool is_input_of(const bulla_template *name, const bulla_model *model, const char *column)
{
	for (size_t i = 0; i < name->parts; i++)
		if (!name->part[i].literal && bulla_name_equal(model->inputs[name->part[i].input], column)) return true;
	return false;
}

/* Does the branch's name hold the whole primary key? Else other records hang from the same branch. */
static bool is_of_one_record(const bulla_model *model)
{
	for (size_t i = 0; i < model->primary_key_count; i++)
		if (!is_input_of(&model->branch.name, model, model->primary_key[i])) return false;
	return true;
}

/* The row is gone: its primary key alone may be enough. */
static bulla_code inputs_of_pk(const bulla_shred_options *o, const bulla_model *model, bulla_bytes *inputs, bulla_error *err)
{
	for (size_t i = 0; i < model->input_count; i++) {
		inputs[i] = bulla_view(NULL, 0);
		for (size_t k = 0; k < model->primary_key_count && k < o->pk_count; k++)
			if (bulla_name_equal(model->primary_key[k], model->inputs[i])) inputs[i] = o->pk[k];
		if (inputs[i].data || !is_input_of(&model->branch.name, model, model->inputs[i])) continue;
		bulla_code code =
			bulla_fail(err, BULLA_ERR_NOT_FOUND, "%s has no such record, and its branch key needs its column %s",
				   model->key, model->inputs[i]);
		return bulla_advise(err, code, "name the branch itself: bulla shred --branch NAME");
	}
	return BULLA_OK;
}

static bulla_code identity_of(const bulla_model *model, const bulla_bytes *inputs, bulla_buf *out, bulla_error *err)
{
	bulla_layout layout;
	TRY(bulla_layout_init(&layout, model, err));
	bulla_code code = bulla_layout_branch(&layout, inputs, out, err);
	bulla_layout_done(&layout);
	return code;
}

static bulla_code read_record(const bulla_shred_options *o, bulla_run *run, bulla_subject *ret, bulla_error *err)
{
	const bulla_model *model = run->job->model;
	bulla_bytes from_pk[BULLA_INPUTS_MAX];
	bulla_shape shape;
	bulla_page page;
	TRY(bulla_shape_init(&shape, &run->mapping, 0, err));
	bulla_code code = bulla_page_init(&page, &run->mapping, &shape, 2, 4096, err);
	if (!code) code = bulla_shred_find_row(run, &shape, o->pk, o->pk_count, &page, err);
	if (!code && page.n == 0) code = inputs_of_pk(o, model, from_pk, err);
	if (!code) code = identity_of(model, page.n ? page.rows[0].inputs : from_pk, &ret->identity, err);
	bulla_page_done(&page);
	bulla_shape_done(&shape);
	return code;
}

static bulla_code check_model(const bulla_model *model, bulla_error *err)
{
	bulla_code code;
	if (model->data_key == BULLA_DATA_KEY_FIELD || model->data_key == BULLA_DATA_KEY_TABLE) {
		code = bulla_fail(err, BULLA_ERR_REFUSED,
				  "the records of %s share one data key (data_key: %s): it cannot be destroyed for one of them",
				  model->key, model->data_key == BULLA_DATA_KEY_TABLE ? "table" : "field");
		return bulla_advise(err, code,
				    "delete the row; to shred records, the model needs data_key: record and a branch_key");
	}
	if (model->branch.name.text && model->data_key == BULLA_DATA_KEY_RECORD) return BULLA_OK;
	code = bulla_fail(err, BULLA_ERR_REFUSED, "the records of %s have no branch key that could be destroyed", model->key);
	return bulla_advise(err, code, "bulla shred %s ID --erase clears the record's columns, and says what that leaves",
			    model->key);
}

bulla_code bulla_subject_of_record(const bulla_shred_options *o, bulla_subject *ret, bulla_error *err)
{
	const bulla_job *job = &o->jobs[o->model];
	bulla_run run;
	TRY(check_model(job->model, err));
	TRY(bulla_run_open(&run, job, false, false, err));
	bulla_code code = read_record(o, &run, ret, err);
	bulla_run_close(&run);
	ret->shared = !is_of_one_record(job->model);
	return code ? code : complete(ret, err);
}

/* --- of a name -------------------------------------------------------------------------------------------------- */

static bulla_code check_purpose(const bulla_subject *s, bulla_error *err)
{
	bulla_code code;
	if (s->name.purpose == BULLA_BRANCH_RECORD) return BULLA_OK;
	if (s->name.purpose == BULLA_BRANCH_SHARED) {
		code = bulla_fail(err, BULLA_ERR_REFUSED, "%.*s is a data key that many rows share (data_key: field | table)",
				  (int)s->print.len, (const char *)s->print.data);
		return bulla_advise(err, code, "to shred records, the model needs data_key: record and a branch_key");
	}
	code = bulla_fail(err, BULLA_ERR_REFUSED, "%.*s is an index key: without it nothing can be written or found any more",
			  (int)s->print.len, (const char *)s->print.data);
	return bulla_advise(err, code, "name the branch of the records");
}

bulla_code bulla_subject_of_branch(const bulla_shred_options *o, bulla_subject *ret, bulla_error *err)
{
	bulla_code code = bulla_branch_find(o->keeper->store, o->branch, &ret->identity, err);
	if (code == BULLA_ERR_REFUSED) return bulla_advise(err, code, "name a record instead: bulla shred MODEL ID");
	TRY(code);
	TRY(complete(ret, err));
	return check_purpose(ret, err);
}

/* --- what hangs from it ----------------------------------------------------------------------------------------- */

static bulla_code take_version(void *self, const bulla_branch_row *row, bulla_error *err)
{
	return bulla_buf_add_u64(self, row->version, err);
}

/* The walk for one level of branches. */
typedef struct level {
	bulla_subject *subject;
	bulla_buf parents; /* u64 each: versions that the level hangs from */
	bulla_buf next;    /* and those that others can hang from in turn */
	size_t last;       /* length of the identity that was met last */
} level;

static bool hangs_from(const bulla_buf *parents, uint64_t reference)
{
	for (size_t at = 0; at < parents->len; at += 8)
		if (bulla_get_u64(parents->data + at) == reference) return true;
	return false;
}

static bool is_below(const level *l, const bulla_branch_row *row)
{
	bulla_wrapped_key key;
	if (row->state == BULLA_BRANCH_DESTROYED || bulla_wrapped_key_parse(row->wrapped, &key, NULL)) return false;
	for (size_t i = 0; i < key.wrap_count; i++)
		if (key.wraps[i].kind == BULLA_WRAP_BRANCH && hangs_from(&l->parents, key.wraps[i].reference)) return true;
	return false;
}

/* Only branches without values in their name can have others below them. */
static bool can_be_parent(bulla_bytes identity)
{
	bulla_branch_name name;
	return bulla_branch_parse(identity, &name, NULL) == BULLA_OK && name.purpose == BULLA_BRANCH_RECORD && name.n == 0;
}

/* Rows come by identity: versions of one branch follow each other. */
static bulla_code take_below(void *self, const bulla_branch_row *row, bulla_error *err)
{
	level *l = self;
	bulla_subject *s = l->subject;
	if (!is_below(l, row)) return BULLA_OK;
	TRY(bulla_buf_add_u64(&s->versions, row->version, err));
	if (can_be_parent(row->identity)) TRY(bulla_buf_add_u64(&l->next, row->version, err));
	bulla_bytes last = bulla_view(s->below.data + s->below.len - l->last, l->last);
	if (l->last && bulla_bytes_equal(last, row->identity)) return BULLA_OK;
	s->shares |= row->identity.data[0] == BULLA_BRANCH_SHARED;
	l->last = row->identity.len;
	s->below_count++;
	return bulla_buf_add_prefixed(&s->below, row->identity, err);
}

/* Level by level, parents first. */
static bulla_code look_below(const bulla_branch_store *store, bulla_subject *s, bulla_error *err)
{
	level l = { .subject = s };
	bulla_code code = bulla_buf_add(&l.parents, bulla_view_buf(&s->versions), err);
	for (int depth = 0; depth < BULLA_BRANCH_DEPTH_MAX && l.parents.len && !code; depth++) {
		bulla_buf swapped = l.parents;
		l.last = 0;
		code = store->each(store->self, take_below, &l, err);
		l.parents = l.next;
		l.next = swapped;
		bulla_buf_clear(&l.next);
	}
	bulla_buf_done(&l.parents);
	bulla_buf_done(&l.next);
	return code;
}

bulla_code bulla_subject_look(const bulla_shred_options *o, bulla_subject *s, bulla_error *err)
{
	const bulla_branch_store *store = o->keeper->store;
	bulla_bytes identity = bulla_view_buf(&s->identity);
	s->versions.max = BULLA_SHRED_VERSIONS;
	s->below.max = BULLA_SHRED_BELOW;
	bulla_buf_clear(&s->versions);
	bulla_buf_clear(&s->below);
	s->below_count = 0;
	TRY(o->keeper->fate(o->keeper->self, identity, &s->fate, err));
	TRY(store->versions(store->self, identity, take_version, &s->versions, err));
	s->own = s->versions.len;
	return can_be_parent(identity) ? look_below(store, s, err) : bulla_subject_look_scoped(o, s, err);
}
