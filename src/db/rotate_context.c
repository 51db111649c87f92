/*
 * rotate_context.c - what was sealed under one schema's names, types and contexts is sealed under another's.
 *
 * Which of the two a row is sealed under is not guessed: the commitment of its key and the tags of its fields say so, and a row that
 * opens under neither is put aside as it is.
 */
#include "db/rotate.h"

#include "core/reason.h"

#include <stdlib.h>
#include <string.h>

/* --- what must be the same, and what must not ------------------------------------------------------------------------- */

static bulla_code refuse(const bulla_rotate *a, bulla_error *err, const char *what, const char *name)
{
	bulla_code code = bulla_fail(err, BULLA_ERR_REFUSED, "model %s: %s %s", a->run.job->model->key, what, name);
	return bulla_advise(
		err, code,
		"the earlier and the present bulla.yaml must be about the same table and columns: write column: where a "
		"default name has changed");
}

static bool is_same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bulla_code find_origins(bulla_rotate *a, bulla_error *err)
{
	const bulla_model *now = a->run.job->model, *then = a->from;
	a->origin = calloc(now->field_count + 1, sizeof *a->origin);
	if (!a->origin) return bulla_fail_memory(err);
	if (now->field_count != then->field_count) return refuse(a, err, "the schemas have different numbers of", "fields");
	for (size_t f = 0; f < now->field_count; f++) {
		size_t at = 0;
		while (at < then->field_count && !bulla_name_equal(then->fields[at].column, now->fields[f].column))
			at++;
		if (at == then->field_count)
			return refuse(a, err, "the earlier schema has no ciphertext column", now->fields[f].column);
		if (now->fields[f].before) return refuse(a, err, "an index is being replaced, of field", now->fields[f].name);
		a->origin[f] = at;
	}
	return BULLA_OK;
}

static bulla_code check_keys(const bulla_rotate *a, bulla_error *err)
{
	const bulla_model *now = a->run.job->model, *then = a->from;
	if (!bulla_name_equal(now->table, then->table))
		return refuse(a, err, "the earlier schema is about another table:", then->table);
	if (now->data_key != then->data_key) return refuse(a, err, "the schemas have different", "data_key");
	if (now->key_count != then->key_count) return refuse(a, err, "the schemas have different", "data_keys");
	for (size_t k = 0; k < now->key_count; k++)
		if (!bulla_name_equal(now->keys[k].column, then->keys[k].column))
			return refuse(a, err, "the earlier schema has no key column", now->keys[k].column);
	return BULLA_OK;
}

static bool has_same_context(const bulla_context_part *a, size_t n, const bulla_context_part *b, size_t m)
{
	bool same = n == m;
	for (size_t i = 0; same && i < n; i++)
		same = strcmp(a[i].name, b[i].name) == 0 && a[i].constant == b[i].constant &&
		       is_same_text(a[i].value, b[i].value) && is_same_text(a[i].template_.text, b[i].template_.text);
	return same;
}

/* Would what the one has sealed open by the other? Then there is nothing to tell their rows apart, and nothing to do. */
static bool binds_alike(const bulla_rotate *a)
{
	const bulla_model *now = a->run.job->model, *then = a->from;
	bool same = strcmp(now->name, then->name) == 0 &&
		    has_same_context(now->context, now->context_count, then->context, then->context_count);
	for (size_t k = 0; same && k < now->key_count; k++)
		same = has_same_context(now->keys[k].context, now->keys[k].context_count, then->keys[k].context,
					then->keys[k].context_count);
	for (size_t f = 0; same && f < now->field_count; f++) {
		const bulla_field *field = &now->fields[f], *origin = &then->fields[a->origin[f]];
		same = strcmp(field->name, origin->name) == 0 && field->type == origin->type;
	}
	return same;
}

bulla_code bulla_rotate_lay_from(bulla_rotate *a, bulla_error *err)
{
	if (!a->options->from) {
		bulla_code code = bulla_fail(err, BULLA_ERR_USAGE, "a new context needs the schema that the rows were sealed by");
		return bulla_advise(err, code, "keep the earlier bulla.yaml under another name, and say --from FILE");
	}
	a->from = a->options->from;
	TRY(check_keys(a, err));
	TRY(find_origins(a, err));
	bool alike = binds_alike(a);
	a->ret->passed_over = alike && a->options->several;
	if (a->ret->passed_over) return BULLA_OK;
	if (alike) {
		bulla_code code =
			bulla_fail(err, BULLA_ERR_REFUSED,
				   "both schemas bind model %s to the same names, types and context: there is nothing to do",
				   a->run.job->model->key);
		return bulla_advise(err, code,
				    "look whether --from names the earlier bulla.yaml; for new data keys: bulla rotate %s --data",
				    a->run.job->model->key);
	}
	TRY(bulla_mapping_init(&a->from_mapping, a->run.db, a->from, a->run.mapping.aside, err));
	a->mapping = &a->from_mapping;
	return BULLA_OK;
}

/* --- one page --------------------------------------------------------------------------------------------------------- */

static bool any(const bulla_rotate_row *work)
{
	(void)work;
	return true;
}

/* The fault may be that it is sealed by the other schema; a KMS that does not answer is no such fault. */
static bool did_not_open(const bulla_rotate_row *work)
{
	return bulla_reason_of(work->row.code) != BULLA_REASON_NONE;
}

/* Those that opened by the present schema are as they should be. */
static void drop_done(bulla_rotate_slot *slot)
{
	size_t n = 0;
	const bulla_model *now = slot->rotate->run.job->model;
	for (size_t i = 0; i < slot->work_count; i++)
		if (slot->work[i].of != now || slot->work[i].row.code) slot->work[n++] = slot->work[i];
	slot->work_count = n;
}

/* At first most rows are sealed by the earlier schema, later none. */
static bulla_code rebind(bulla_rotate_slot *slot, bulla_error *err)
{
	bool first = slot->rotate->first;
	bulla_rotate_take_sealed(slot);
	TRY(bulla_rotate_open(slot, first ? slot->opener : slot->again, first ? &slot->page : &slot->other, any, err));
	TRY(bulla_rotate_open(slot, first ? slot->again : slot->opener, first ? &slot->other : &slot->page, did_not_open, err));
	drop_done(slot);
	return bulla_rotate_seal(slot, &slot->other, err);
}

const bulla_rotate_kind_table bulla_rotate_context = { BULLA_SHAPE_SEALED | BULLA_SHAPE_REST, true, rebind };
