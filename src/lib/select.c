/*
 * select.c - picking out of a census what hangs from one key, at whatever depth.
 */
#include "lib/references.h"

#include "format/wrapped_key.h"

#include <string.h>

typedef struct selection {
	bulla_references *refs;
	const bulla_reference_subject *subject;
	bulla_reference_sum *sum;
} selection;

static bool is_branch(const selection *s, const bulla_reference_branch *branch)
{
	return s->subject->branch && strcmp(branch->print, s->subject->branch) == 0;
}

/* Is the wrap by the subject itself? */
static bool is_direct(const selection *s, bulla_reference key)
{
	if (s->subject->uuid) {
		const bulla_key_info *info = bulla_references_engine_key(s->refs, key);
		return info && memcmp(info->uuid, s->subject->uuid, sizeof info->uuid) == 0;
	}
	if (s->subject->other) return bulla_references_other_key(s->refs, key) == s->subject->other;
	const bulla_reference_branch *branch =
		key.kind == BULLA_WRAP_BRANCH ? bulla_references_branch(s->refs, key.reference) : NULL;
	return branch && is_branch(s, branch);
}

static bool hangs(const selection *s, const bulla_reference_branch *branch, bool *ret_direct)
{
	bool below = false;
	*ret_direct = false;
	for (size_t i = 0; i < branch->under_count && !*ret_direct; i++) {
		bulla_reference key = branch->under[i];
		const bulla_reference_branch *parent =
			key.kind == BULLA_WRAP_BRANCH ? bulla_references_branch(s->refs, key.reference) : NULL;
		*ret_direct = is_direct(s, key);
		below |= parent && parent->selected;
	}
	return *ret_direct || below;
}

/* Once more for each level that branches hang below branches. */
static void select_branches(selection *s)
{
	for (bool found = true; found;) {
		found = false;
		for (size_t i = 0; i < s->refs->branch_count; i++) {
			bulla_reference_branch *branch = &s->refs->branches[i];
			if (branch->selected || !hangs(s, branch, &branch->direct)) continue;
			branch->selected = found = true;
			if (branch->direct)
				s->sum->branches[branch->purpose]++;
			else
				s->sum->branches_below++;
		}
	}
}

static void select_rows(selection *s)
{
	size_t column = SIZE_MAX;
	for (size_t i = 0; i < s->refs->row_count; i++) {
		bulla_reference_rows *r = &s->refs->rows[i];
		r->direct = is_direct(s, r->key);
		r->selected = r->direct || (r->branch && r->branch->selected);
		if (!r->direct && r->selected) s->sum->rows_below += r->rows;
		if (!r->direct) continue;
		s->sum->rows += r->rows;
		s->sum->columns += r->column != column;
		s->sum->unnamed += r->column != column && !*s->refs->columns[r->column].model;
		column = r->column;
	}
}

/* A table that no model names may be another project's in the same database: its branch keys are in that one's store. */
static bool is_unknown(const bulla_references *refs, const bulla_reference_rows *r)
{
	return r->key.kind == BULLA_WRAP_BRANCH && !r->branch && *refs->columns[r->column].model;
}

static void sum_doubtful(const bulla_references *refs, bulla_reference_sum *sum)
{
	for (size_t i = 0; i < refs->column_count; i++)
		sum->unreadable += refs->columns[i].unreadable;
	for (size_t i = 0; i < refs->row_count; i++)
		if (is_unknown(refs, &refs->rows[i])) sum->unknown += refs->rows[i].rows;
}

static void select_all(bulla_references *refs, bulla_reference_sum *sum)
{
	for (size_t i = 0; i < refs->branch_count; i++) {
		refs->branches[i].selected = refs->branches[i].direct = true;
		sum->branches[refs->branches[i].purpose] += refs->branches[i].state != BULLA_BRANCH_DESTROYED;
	}
	for (size_t i = 0; i < refs->row_count; i++)
		refs->rows[i].selected = refs->rows[i].direct = true;
	for (size_t i = 0; i < refs->column_count; i++) {
		sum->rows += refs->columns[i].rows;
		sum->columns += refs->columns[i].rows != 0;
	}
}

void bulla_references_select(bulla_references *refs, const bulla_reference_subject *subject, bulla_reference_sum *ret)
{
	*ret = (bulla_reference_sum){ 0 };
	selection s = { refs, subject, ret };
	sum_doubtful(refs, ret);
	if (!subject) {
		select_all(refs, ret);
		return;
	}
	for (size_t i = 0; i < refs->branch_count; i++)
		refs->branches[i].selected = is_branch(&s, &refs->branches[i]);
	select_branches(&s);
	select_rows(&s);
}

bool bulla_reference_sum_is_empty(const bulla_reference_sum *sum)
{
	return !sum->rows && !sum->branches[BULLA_BRANCH_RECORD] && !sum->branches[BULLA_BRANCH_INDEX] &&
	       !sum->branches[BULLA_BRANCH_SHARED] && !sum->unreadable && !sum->unknown;
}
