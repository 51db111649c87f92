/*
 * layout.c - preparing a model once, so that a row costs no more than its bytes.
 */
#include "core/layout.h"

#include "base/text.h"
#include "format/field.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- preparing ------------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	const struct bulla_context_plan_part *x = a, *y = b;
	return bulla_bytes_compare(x->name, y->name);
}

static bulla_code write_head(bulla_context_plan *plan, struct bulla_context_plan_part *part, bulla_error *err)
{
	part->head = plan->heads.len;
	TRY(bulla_buf_add_prefixed(&plan->heads, part->name, err));
	TRY(bulla_buf_add_prefixed(&plan->heads, part->constant, err)); /* of a value to come: 00 00, to be filled in */
	part->head_len = plan->heads.len - part->head;
	return BULLA_OK;
}

static bulla_code make_plan(const bulla_context_part *parts, size_t n, bulla_context_plan *plan, bulla_error *err)
{
	if (n > BULLA_CONTEXT_PAIRS_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "an encryption context has %zu pairs, at most %d are possible", n,
				  BULLA_CONTEXT_PAIRS_MAX);
	size_t checks = 0;
	for (size_t i = 0; i < n; i++) {
		checks += parts[i].checked;
		plan->part[i] = (struct bulla_context_plan_part){
			.name = bulla_view_str(parts[i].name),
			.constant = parts[i].constant ? bulla_view_str(parts[i].value) : bulla_view(NULL, 0),
			.values = parts[i].constant ? NULL : &parts[i].template_,
			.checked = parts[i].checked,
		};
	}
	if (checks > BULLA_CHECKS_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "%zu context parts carry a check, at most %d can", checks,
				  BULLA_CHECKS_MAX);
	plan->n = n;
	qsort(plan->part, n, sizeof *plan->part, by_name);
	for (size_t i = 0; i < n; i++)
		TRY(write_head(plan, &plan->part[i], err));
	return BULLA_OK;
}

static bulla_code plan_key(bulla_layout *layout, size_t k, bulla_error *err)
{
	const bulla_key_spec *key = &layout->model->keys[k];
	bool shared = layout->model->data_key == BULLA_DATA_KEY_FIELD || layout->model->data_key == BULLA_DATA_KEY_TABLE;
	layout->key_plan[k] = 0;
	if (!shared && (key->context == NULL || key->context == layout->model->context)) return BULLA_OK;
	layout->key_plan[k] = layout->plan_count;
	return make_plan(key->context, key->context_count, &layout->plans[layout->plan_count++], err);
}

static bulla_code label_field(bulla_layout *layout, size_t f, bulla_error *err)
{
	const bulla_model *model = layout->model;
	const bulla_field *field = &model->fields[f];
	layout->field_plan[f] =
		layout->field_version == BULLA_FIELD_RECORD && model->key_count ? layout->key_plan[field->key] : 0;
	return bulla_field_label(bulla_view_str(model->name), bulla_view_str(field->name), bulla_type_name(field->type),
				 &layout->labels[f], err);
}

bulla_code bulla_layout_init(bulla_layout *layout, const bulla_model *model, bulla_error *err)
{
	bool shared = model->data_key == BULLA_DATA_KEY_FIELD || model->data_key == BULLA_DATA_KEY_TABLE;
	*layout = (bulla_layout){ .model = model, .field_version = shared ? BULLA_FIELD_SHARED : BULLA_FIELD_RECORD };
	layout->plans = calloc(model->key_count + 1, sizeof *layout->plans);
	layout->key_plan = calloc(model->key_count + 1, sizeof *layout->key_plan);
	layout->labels = calloc(model->field_count + 1, sizeof *layout->labels);
	layout->field_plan = calloc(model->field_count + 1, sizeof *layout->field_plan);
	bulla_code code =
		layout->plans && layout->key_plan && layout->labels && layout->field_plan ? BULLA_OK : bulla_fail_memory(err);

	if (!code) code = make_plan(model->context, model->context_count, &layout->plans[layout->plan_count++], err);
	for (size_t k = 0; k < model->key_count && !code; k++)
		code = plan_key(layout, k, err);
	for (size_t f = 0; f < model->field_count && !code; f++)
		code = label_field(layout, f, err);
	if (!code && model->branch.name.text) code = bulla_branch_scope(&model->branch.name, &layout->branch_scope, err);
	if (code) bulla_layout_done(layout);
	return code;
}

void bulla_layout_done(bulla_layout *layout)
{
	for (size_t f = 0; layout->labels && f < layout->model->field_count; f++)
		bulla_buf_done(&layout->labels[f]);
	for (size_t p = 0; layout->plans && p < layout->plan_count; p++)
		bulla_buf_done(&layout->plans[p].heads);
	bulla_buf_done(&layout->branch_scope);
	free(layout->plans);
	free(layout->key_plan);
	free(layout->labels);
	free(layout->field_plan);
	*layout = (bulla_layout){ 0 };
}

/* --- contexts -------------------------------------------------------------------------------------------------- */

static inline bool put(bulla_row_context *c, const void *data, size_t len)
{
	if (len > BULLA_CONTEXT_MAX - c->len) return false;
	if (len) memcpy(c->bytes + c->len, data, len);
	c->len += len;
	return true;
}

/* The template's value: an input alone where it is written alone, else with its literals. */
static bulla_code put_value(const bulla_layout *layout, const bulla_template *t, const bulla_bytes *inputs, bulla_row_context *c,
			    bool *ret_fits, bulla_error *err)
{
	for (size_t i = 0; i < t->parts; i++) {
		bulla_bytes text = t->part[i].literal ? bulla_view_str(t->part[i].literal) : inputs[t->part[i].input];
		if (!t->part[i].literal && !text.data)
			return bulla_fail(err, BULLA_ERR_CONTEXT, "the column %s is NULL, and the encryption context needs it",
					  layout->model->inputs[t->part[i].input]);
		if (!t->part[i].literal && !bulla_utf8_valid(text))
			return bulla_fail(err, BULLA_ERR_ENCODING,
					  "the column %s is not valid UTF-8, and the encryption context needs it",
					  layout->model->inputs[t->part[i].input]);
		*ret_fits = *ret_fits && put(c, text.data, text.len);
	}
	return BULLA_OK;
}

bulla_code bulla_layout_context(const bulla_layout *layout, size_t plan, const bulla_bytes *inputs, bulla_row_context *c,
				bulla_error *err)
{
	const bulla_context_plan *p = &layout->plans[plan];
	bool fits = true;
	bulla_put_u16(c->bytes, (uint16_t)p->n);
	c->len = 2;
	for (size_t i = 0; i < p->n; i++) {
		const struct bulla_context_plan_part *part = &p->part[i];
		size_t pair = c->len;
		fits = fits && put(c, p->heads.data + part->head, part->head_len);
		size_t value = c->len;
		if (part->values) TRY(put_value(layout, part->values, inputs, c, &fits, err));
		if (!fits)
			return bulla_fail(err, BULLA_ERR_LIMIT, "an encryption context is longer than %d bytes",
					  BULLA_CONTEXT_MAX);
		if (part->values) bulla_put_u16(c->bytes + value - 2, (uint16_t)(c->len - value));
		c->pair[i].at = (uint16_t)pair;
		c->pair[i].len = (uint16_t)(c->len - pair);
	}
	return BULLA_OK;
}

size_t bulla_layout_check_count(const bulla_layout *layout, size_t plan)
{
	size_t n = 0;
	for (size_t i = 0; i < layout->plans[plan].n; i++)
		n += layout->plans[plan].part[i].checked;
	return n;
}

static bulla_bytes pair_of(const bulla_row_context *c, size_t i)
{
	return bulla_view(c->bytes + c->pair[i].at, c->pair[i].len);
}

bulla_code bulla_layout_checks(const bulla_layout *layout, size_t plan, const bulla_row_context *c, bulla_lane *lane,
			       const uint8_t commitment[static BULLA_COMMITMENT_SIZE], uint8_t out[static 2 * BULLA_CHECKS_MAX],
			       size_t *ret_len, bulla_error *err)
{
	const bulla_context_plan *p = &layout->plans[plan];
	size_t len = 0;
	for (size_t i = 0; i < p->n; i++) {
		if (!p->part[i].checked) continue;
		TRY(bulla_context_check(lane, commitment, pair_of(c, i), out + len, err));
		len += 2;
	}
	*ret_len = len;
	return BULLA_OK;
}

/* 1 + the position among the model's own parts; 0 for a part that only a data key's context has. */
static size_t position_in_model(const bulla_model *model, bulla_bytes name)
{
	for (size_t i = 0; i < model->context_count; i++)
		if (bulla_bytes_is(name, model->context[i].name)) return i + 1;
	return 0;
}

bool bulla_layout_differing(const bulla_layout *layout, size_t plan, const bulla_row_context *c, bulla_lane *lane,
			    const bulla_wrapped_key *key, size_t *ret_part)
{
	const bulla_context_plan *p = &layout->plans[plan];
	if (key->checks.len != 2 * bulla_layout_check_count(layout, plan)) return false;
	const uint8_t *stored = key->checks.data;
	for (size_t i = 0; i < p->n; i++) {
		uint8_t check[2];
		if (!p->part[i].checked) continue;
		if (bulla_context_check(lane, key->commitment.data, pair_of(c, i), check, NULL)) return false;
		if (memcmp(check, stored, 2) != 0) {
			*ret_part = position_in_model(layout->model, p->part[i].name);
			return true;
		}
		stored += 2;
	}
	return false;
}

/* --- identities ------------------------------------------------------------------------------------------------ */

bulla_code bulla_layout_branch(const bulla_layout *layout, const bulla_bytes *inputs, bulla_buf *out, bulla_error *err)
{
	const bulla_template *name = &layout->model->branch.name;
	bulla_bytes values[BULLA_INPUTS_MAX];
	size_t n = 0;
	for (size_t i = 0; i < name->parts; i++) {
		if (name->part[i].literal) continue;
		values[n] = inputs[name->part[i].input];
		if (!values[n].data)
			return bulla_fail(err, BULLA_ERR_CONTEXT, "the column %s is NULL, and the branch key's name needs it",
					  layout->model->inputs[name->part[i].input]);
		if (++n == BULLA_INPUTS_MAX) break;
	}
	return bulla_branch_identity(BULLA_BRANCH_RECORD, bulla_view_buf(&layout->branch_scope), values, n, out, err);
}

bulla_code bulla_layout_index(const bulla_layout *layout, const bulla_index_spec *index, const bulla_bytes *inputs,
			      bulla_buf *out, bulla_error *err)
{
	bulla_bytes parts[3] = { bulla_view_str(layout->model->name), bulla_view_str(index->name) };
	size_t n = 2;
	if (index->scope) {
		if (!inputs || !inputs[index->scope_input].data)
			return bulla_fail(err, BULLA_ERR_CONTEXT,
					  "the column %s is NULL or was not given, and the index is scoped by it", index->scope);
		parts[n++] = inputs[index->scope_input];
	}
	char scope[24] = "index"; /* each version has a key of its own */
	if (index->version > 1) (void)snprintf(scope, sizeof scope, "index v%u", index->version);
	return bulla_branch_identity(BULLA_BRANCH_INDEX, bulla_view_str(scope), parts, n, out, err);
}

bulla_code bulla_layout_shared(const bulla_layout *layout, size_t key, bulla_buf *out, bulla_error *err)
{
	const bulla_key_spec *spec = &layout->model->keys[key];
	bulla_bytes parts[2] = { bulla_view_str(layout->model->name), bulla_view_str(spec->name ? spec->name : "") };
	return bulla_branch_identity(BULLA_BRANCH_SHARED, bulla_view_str("data"), parts, 2, out, err);
}
