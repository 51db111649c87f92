/*
 * survey.c - reading a table for its plan.
 */
#include "db/survey.h"

#include "core/index.h"
#include "format/field.h"
#include "format/value.h"

#include <stdlib.h>

#define TOP_SHARE_WARNING 0.01 /* of the rows share one value: an index over it gives much away */

/* --- reading --------------------------------------------------------------------------------------------------- */

static void count_kind(struct bulla_column_facts *c, const bulla_value *value)
{
	c->nulls += value->kind == BULLA_KIND_NULL;
	c->text += value->kind == BULLA_KIND_TEXT;
	c->integer += value->kind == BULLA_KIND_INTEGER;
	c->real += value->kind == BULLA_KIND_FLOAT;
	c->binary += value->kind == BULLA_KIND_BINARY;
	c->empty += (value->kind == BULLA_KIND_TEXT || value->kind == BULLA_KIND_BINARY) && value->bytes.len == 0;
}

static uint64_t sealed_size(const bulla_model *model, const bulla_field *field, size_t size)
{
	bool shared = model->data_key == BULLA_DATA_KEY_FIELD || model->data_key == BULLA_DATA_KEY_TABLE;
	uint64_t sealed = bulla_field_padded_size(size, field->padding) +
			  bulla_field_overhead(shared ? BULLA_FIELD_SHARED : BULLA_FIELD_RECORD);
	return field->base64 ? (sealed + 2) / 3 * 4 : sealed;
}

static bulla_code tally(bulla_survey *s, const bulla_field *field, struct bulla_column_facts *c, const bulla_value *value,
			bulla_error *err)
{
	if (!field->index) return BULLA_OK;
	bulla_buf_clear(&s->scratch);
	TRY(bulla_index_normalize(field, value, &s->scratch, err));
	return bulla_tally_add(&c->tally, s->lane, bulla_view_buf(&s->scratch), err);
}

static bulla_code look_at_value(bulla_survey *s, const bulla_field *field, const bulla_value *value, bulla_error *err)
{
	struct bulla_column_facts *c = &s->columns[field->position];
	size_t size;
	count_kind(c, value);
	if (value->kind == BULLA_KIND_NULL) return BULLA_OK;
	bulla_code code = bulla_value_measure(field->type, value, &size, NULL);
	c->wrong_type += code == BULLA_ERR_TYPE;
	c->not_utf8 += code == BULLA_ERR_ENCODING;
	c->too_large += code == BULLA_ERR_TOO_LARGE;
	if (code) return BULLA_OK;
	uint64_t sealed = sealed_size(s->run->job->model, field, size);
	if (field->type == BULLA_TYPE_ANY) size--; /* the class byte is ours */
	c->bytes += size;
	c->sealed_bytes += sealed;
	if (size > c->longest) c->longest = size;
	if (sealed > c->sealed_longest) c->sealed_longest = sealed;
	return tally(s, field, c, value, err);
}

static bulla_code look_at_row(bulla_survey *s, const bulla_value *values, bulla_error *err)
{
	const bulla_model *model = s->run->job->model;
	bool keyed = false;
	for (size_t f = 0; f < model->field_count; f++) {
		size_t at = s->shape.plain[f];
		if (at == BULLA_NOWHERE) continue;
		TRY(look_at_value(s, &model->fields[f], &values[at], err));
		keyed |= values[at].kind != BULLA_KIND_NULL || model->fields[f].null_sealed;
	}
	s->rows++;
	s->keyed += keyed;
	return BULLA_OK;
}

static bulla_code walk(bulla_survey *s, bulla_walk *w, uint64_t total, bulla_error *err)
{
	const bulla_target *target = s->run->db->target;
	TRY(target->walk_start(w, NULL, 0, err));
	for (const bulla_value *values;;) {
		TRY(target->walk_next(w, &values, err));
		if (!values) break;
		TRY(look_at_row(s, values, err));
		if (s->rows % 1024 == 0) bulla_run_progress(s->run, "plan", s->rows, total, false);
		if (bulla_run_stopped(s->run)) return bulla_run_interrupted(s->run, err);
	}
	bulla_run_progress(s->run, "plan", s->rows, total, true);
	return BULLA_OK;
}

static bulla_code look(bulla_survey *s, bulla_error *err)
{
	bulla_walk *w = NULL;
	uint64_t total = 0;
	bulla_db *db = s->run->db;
	TRY(bulla_run_count(s->run, &total, err));
	TRY(bulla_shape_init(&s->shape, &s->run->mapping, BULLA_SHAPE_PLAIN, err));
	TRY(db->target->walk_open(db, &s->run->mapping, &s->shape, BULLA_WALK_ALL, NULL, &w, err));
	bulla_code code = walk(s, w, total, err);
	db->target->walk_close(w);
	return code;
}

/* --- judging --------------------------------------------------------------------------------------------------- */

static bulla_code judge_values(bulla_survey *s, const bulla_field *field, bulla_error *err)
{
	const struct bulla_column_facts *c = &s->columns[field->position];
	if (c->too_large)
		TRY(bulla_refuse(&s->findings, err, BULLA_ERR_TOO_LARGE,
				 "leave the field out, or keep such values outside the table",
				 "%s: %llu values are larger than 16 MiB", field->name, (unsigned long long)c->too_large));
	if (c->wrong_type)
		TRY(bulla_warn(&s->findings, err, "set `type: any` to seal every storage class as it is",
			       "%s: %llu values are not of type %s and would be put into quarantine", field->name,
			       (unsigned long long)c->wrong_type, bulla_type_name(field->type)));
	if (c->not_utf8)
		TRY(bulla_warn(&s->findings, err, "set `type: any` to seal them as they are",
			       "%s: %llu texts are not valid UTF-8 and would be put into quarantine", field->name,
			       (unsigned long long)c->not_utf8));
	return BULLA_OK;
}

static bulla_code judge_index(bulla_survey *s, const bulla_field *field, bulla_error *err)
{
	const struct bulla_column_facts *c = &s->columns[field->position];
	if (!field->index || !c->tally.values) return BULLA_OK;
	bulla_tally_result r = bulla_tally_result_of(&c->tally);
	if (field->index->unique && r.repeated)
		return bulla_refuse(&s->findings, err, BULLA_ERR_REFUSED, "change those rows, the normaliser, or `unique`",
				    "%s: %llu rows would have the same value in its unique index", field->name,
				    (unsigned long long)r.repeated);
	if (field->index->unique && !r.exact)
		TRY(bulla_warn(&s->findings, err, NULL,
			       "%s: so many values that only a part could be compared; apply says at its end whether two rows "
			       "are equal in its unique index",
			       field->name));
	if (field->index->unique && field->index->normalize != BULLA_NORMALIZE_NONE)
		TRY(bulla_warn(&s->findings, err, NULL,
			       "%s: no two rows are equal under its normaliser today; later ones may be, and are then refused",
			       field->name));
	if ((double)r.top > TOP_SHARE_WARNING * (double)c->tally.values && r.top > 1)
		TRY(bulla_warn(&s->findings, err, "leave the index away, or index another expression",
			       "%s: %.1f %% of the indexed rows share one value: whoever reads the index can guess which",
			       field->name, 100.0 * (double)r.top / (double)c->tally.values));
	return BULLA_OK;
}

static bulla_code judge(bulla_survey *s, bulla_error *err)
{
	const bulla_model *model = s->run->job->model;
	for (size_t f = 0; f < model->field_count; f++) {
		TRY(judge_values(s, &model->fields[f], err));
		TRY(judge_index(s, &model->fields[f], err));
	}
	return BULLA_OK;
}

bulla_code bulla_survey_init(bulla_survey *s, bulla_run *run, bulla_error *err)
{
	const bulla_model *model = run->job->model;
	*s = (bulla_survey){ .run = run, .columns = calloc(model->field_count + 1, sizeof *s->columns) };
	if (!s->columns) return bulla_fail_memory(err);
	TRY(bulla_lane_new(&s->lane, err));
	for (size_t f = 0; f < model->field_count; f++)
		if (model->fields[f].index) TRY(bulla_tally_init(&s->columns[f].tally, s->lane, err));
	return BULLA_OK;
}

void bulla_survey_done(bulla_survey *s)
{
	for (size_t f = 0; s->columns && f < s->run->job->model->field_count; f++)
		bulla_tally_done(&s->columns[f].tally);
	free(s->columns);
	bulla_lane_free(s->lane);
	bulla_findings_done(&s->findings);
	bulla_shape_done(&s->shape);
	bulla_buf_done(&s->scratch);
}

bulla_code bulla_survey_take(bulla_survey *s, bulla_error *err)
{
	bulla_run *run = s->run;
	TRY(run->db->target->begin_read(run->db, err));
	TRY(bulla_check(run, &s->findings, err));
	if (!s->findings.refusals) {
		TRY(look(s, err));
		TRY(judge(s, err));
	}
	return run->db->target->commit(run->db, err);
}
