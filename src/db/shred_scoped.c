/*
 * shred_scoped.c - index keys that are the subject's alone: those of an index whose scope is the column that its branch is named by.
 *
 * They go with the branch, so that nobody can test guesses on the index columns of old copies any more.
 */
#include "db/shred_inside.h"

#include "core/layout.h"

#define OLDER_MAX 100 /* versions of one index that are looked for */

/* Is the branch named by this column and no other? Then every row with the subject's value in it is the subject's. */
static bool is_named_by(const bulla_model *model, size_t input)
{
	size_t named = 0;
	for (size_t i = 0; i < model->branch.name.parts; i++) {
		if (model->branch.name.part[i].literal) continue;
		if (model->branch.name.part[i].input != input) return false;
		named++;
	}
	return named == 1;
}

bool bulla_subject_has_index(const bulla_shred_options *o, const bulla_subject *subject, const bulla_model *model,
			     const bulla_index_spec *index)
{
	if (!index || !index->scope || !bulla_subject_has_scope(subject, model) || !is_named_by(model, index->scope_input))
		return false;
	for (size_t i = 0; i < o->job_count; i++) { /* one that goes by the same name has the same index keys */
		const bulla_model *other = o->jobs[i].model;
		if (other != model && bulla_bytes_equal(bulla_view_str(other->name), bulla_view_str(model->name))) return false;
	}
	return true;
}

static bulla_code take_version(void *self, const bulla_branch_row *row, bulla_error *err)
{
	bulla_subject *s = self;
	return row->state == BULLA_BRANCH_DESTROYED ? BULLA_OK : bulla_buf_add_u64(&s->versions, row->version, err);
}

static bulla_code add_key(const bulla_branch_store *store, bulla_subject *s, bulla_bytes identity, bulla_error *err)
{
	size_t before = s->versions.len;
	TRY(store->versions(store->self, identity, take_version, s, err));
	if (s->versions.len == before) return BULLA_OK;
	s->below_count++;
	return bulla_buf_add_prefixed(&s->below, identity, err);
}

static bulla_code add_index(const bulla_shred_options *o, bulla_subject *s, const bulla_layout *layout,
			    const bulla_index_spec *index, bulla_error *err)
{
	bulla_bytes inputs[BULLA_INPUTS_MAX] = { 0 };
	bulla_index_spec one = *index;
	inputs[index->scope_input] = s->name.parts[0];
	for (size_t i = 0; i < OLDER_MAX && one.version > 0; i++, one.version--) {
		BULLA_BUF_AUTO bulla_buf identity = { 0 };
		TRY(bulla_layout_index(layout, &one, inputs, &identity, err));
		TRY(add_key(o->keeper->store, s, bulla_view_buf(&identity), err));
	}
	return BULLA_OK;
}

static bulla_code add_model(const bulla_shred_options *o, bulla_subject *s, const bulla_model *model, bulla_error *err)
{
	bulla_layout layout;
	TRY(bulla_layout_init(&layout, model, err));
	bulla_code code = BULLA_OK;
	for (size_t f = 0; f < model->field_count && !code; f++)
		if (bulla_subject_has_index(o, s, model, model->fields[f].index))
			code = add_index(o, s, &layout, model->fields[f].index, err);
	bulla_layout_done(&layout);
	return code;
}

bulla_code bulla_subject_look_scoped(const bulla_shred_options *o, bulla_subject *s, bulla_error *err)
{
	for (size_t i = 0; i < o->job_count; i++)
		TRY(add_model(o, s, o->jobs[i].model, err));
	return BULLA_OK;
}
