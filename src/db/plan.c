/*
 * plan.c - what apply would do, told with numbers from the real data before anything is written.
 */
#include "db/plan.h"

#include "db/key_choice.h"
#include "db/survey.h"
#include "format/wrapped_key.h"

#define PLAN_VERSION       1
#define SLOW_INDEX_SECONDS 0.005 /* one Argon2id value: t=3, 4 MiB */
#define FAST_INDEX_SECONDS 0.0000005
#define ROW_SECONDS        0.000004 /* reading, swapping and checkpointing one row in SQLite, measured by make bench */
#define FIELD_SECONDS      0.000001 /* sealing one field */
#define CLOUD_USD_PER_CALL 0.000003 /* AWS KMS list price: USD 0.03 for 10,000 */

/* --- telling --------------------------------------------------------------------------------------------------- */

static void tell_classes(const struct bulla_column_facts *c, bulla_json_writer *out)
{
	bulla_json_open(out, "storage_classes", '{');
	bulla_json_put_int(out, "text", (int64_t)c->text);
	bulla_json_put_int(out, "integer", (int64_t)c->integer);
	bulla_json_put_int(out, "real", (int64_t)c->real);
	bulla_json_put_int(out, "blob", (int64_t)c->binary);
	bulla_json_close(out, '}');
}

static void tell_index(const struct bulla_column_facts *c, const bulla_field *field, bulla_json_writer *out)
{
	bulla_tally_result r = bulla_tally_result_of(&c->tally);
	double values = (double)c->tally.values;
	if (!field->index) {
		bulla_json_put_null(out, "index");
		return;
	}
	bulla_json_open(out, "index", '{');
	bulla_json_put_str(out, "column", field->index->column);
	bulla_json_put_str(out, "kind", field->index->kind == BULLA_INDEX_SLOW ? "slow" : "fast");
	bulla_json_put_bool(out, "unique", field->index->unique);
	bulla_json_put_int(out, "bits", field->index->bits);
	bulla_json_put_int(out, "values", (int64_t)c->tally.values);
	bulla_json_put_int(out, "distinct", (int64_t)r.distinct);
	bulla_json_put_number(out, "most_frequent_share", values > 0 ? (double)r.top / values : 0);
	bulla_json_put_int(out, "rows_with_an_equal", (int64_t)r.repeated);
	bulla_json_put_number(out, "entropy_bits_shown", r.entropy_bits);
	bulla_json_put_bool(out, "exact", r.exact);
	bulla_json_put_number(out, "fast_seconds", values * FAST_INDEX_SECONDS);
	bulla_json_put_number(out, "slow_seconds", values * SLOW_INDEX_SECONDS);
	bulla_json_close(out, '}');
}

static void tell_field(const bulla_survey *s, const bulla_field *field, bulla_json_writer *out)
{
	const struct bulla_column_facts *c = &s->columns[field->position];
	uint64_t sealable = s->rows - c->nulls - c->wrong_type - c->not_utf8 - c->too_large;
	bulla_json_open(out, NULL, '{');
	bulla_json_put_str(out, "name", field->name);
	bulla_json_put_str(out, "column", field->column);
	bulla_json_put_str(out, "type", bulla_type_name(field->type));
	bulla_json_put_int(out, "nulls", (int64_t)c->nulls);
	bulla_json_put_int(out, "empty", (int64_t)c->empty);
	tell_classes(c, out);
	bulla_json_put_int(out, "wrong_type", (int64_t)c->wrong_type);
	bulla_json_put_int(out, "not_utf8", (int64_t)c->not_utf8);
	bulla_json_put_int(out, "too_large", (int64_t)c->too_large);
	bulla_json_put_int(out, "longest", (int64_t)c->longest);
	bulla_json_put_number(out, "mean", sealable ? (double)c->bytes / (double)sealable : 0);
	bulla_json_put_int(out, "ciphertext_longest", (int64_t)c->sealed_longest);
	bulla_json_put_int(out, "ciphertext_bytes", (int64_t)c->sealed_bytes);
	tell_index(c, field, out);
	bulla_json_close(out, '}');
}

static void tell_triggers(const bulla_table *table, bulla_json_writer *out)
{
	bulla_json_open(out, "triggers_that_fire", '[');
	for (size_t i = 0; i < table->trigger_count; i++)
		if (table->triggers[i].fires && !table->triggers[i].ours) bulla_json_put_str(out, NULL, table->triggers[i].name);
	bulla_json_close(out, ']');
}

/* Questions that make new keys, and those that prove them: with a branch key two a branch, else one a record and key. */
static void tell_kms(const bulla_survey *s, bulla_json_writer *out)
{
	const bulla_job *job = s->run->job;
	const bulla_model *model = job->model;
	const bulla_environment *env = bulla_schema_environment(job->schema);
	uint64_t each = 0, once = 0, cloud = 0;
	for (size_t i = 0; i < env->key_count; i++)
		cloud += !bulla_key_is_here(env->keys[i]);
	for (size_t k = 0; k < model->key_count; k++)
		if (!model->branch.name.text || model->keys[k].kms_key) each++;
	if (model->data_key == BULLA_DATA_KEY_NONE) each = model->field_count;
	if (model->data_key == BULLA_DATA_KEY_FIELD || model->data_key == BULLA_DATA_KEY_TABLE) {
		once += 2 * each;
		each = 0;
	}
	if (model->branch.name.text) {
		bool constant = model->branch.name.parts == 1 && model->branch.name.part[0].literal;
		once += constant || model->branch.under ? 2 : 0;
		if (!constant && !model->branch.under) each += 2; /* at most: one branch for each record */
	}
	for (size_t f = 0; f < model->field_count; f++)
		once += model->fields[f].index ? 2 : 0;
	uint64_t calls = each * s->keyed + once; /* of each key */
	bulla_json_open(out, "kms", '{');
	bulla_json_put_int(out, "calls", (int64_t)(calls * (env->key_count ? env->key_count : 1)));
	bulla_json_put_number(out, "usd_estimate", (double)(calls * cloud) * CLOUD_USD_PER_CALL);
	bulla_json_close(out, '}');
}

static uint64_t growth(const bulla_survey *s)
{
	const bulla_model *model = s->run->job->model;
	uint64_t bytes = s->keyed * model->key_count * bulla_wrapped_key_branch_size(2);
	for (size_t f = 0; f < model->field_count; f++) {
		const bulla_field *field = &model->fields[f];
		bytes += s->columns[f].sealed_bytes;
		if (field->index) bytes += 2 * s->columns[f].tally.values * (field->index->bits / 8 + 10); /* column and B-tree */
	}
	return bytes;
}

static double seconds(const bulla_survey *s)
{
	const bulla_model *model = s->run->job->model;
	double sum = (double)s->rows * ROW_SECONDS;
	for (size_t f = 0; f < model->field_count; f++) {
		const bulla_field *field = &model->fields[f];
		sum += (double)s->rows * FIELD_SECONDS + (double)s->columns[f].sealed_bytes / 2e8;
		if (field->index)
			sum += (double)s->columns[f].tally.values *
			       (field->index->kind == BULLA_INDEX_SLOW ? SLOW_INDEX_SECONDS : FAST_INDEX_SECONDS);
	}
	return sum;
}

/* SQLite keeps no statement log of its own; what the application traces is its own business. */
static void tell_logs(bulla_json_writer *out)
{
	bulla_json_open(out, "logs_that_would_record_values", '[');
	bulla_json_close(out, ']');
}

static bulla_code tell_size(const bulla_survey *s, bulla_json_writer *out, bulla_error *err)
{
	uint64_t bytes;
	TRY(s->run->db->target->size(s->run->db, &bytes, err));
	bulla_json_put_int(out, "database_bytes", (int64_t)bytes);
	bulla_json_put_int(out, "growth_bytes", (int64_t)growth(s));
	bulla_json_put_int(out, "finish_needs_free_bytes", (int64_t)(bytes + growth(s)));
	bulla_json_put_number(out, "seconds_expected", seconds(s));
	return BULLA_OK;
}

static bulla_code tell_plan(const bulla_survey *s, bulla_json_writer *out, bulla_error *err)
{
	char fingerprint[65];
	const bulla_mapping *m = &s->run->mapping;
	TRY(bulla_fingerprint(m, fingerprint, err));
	bulla_json_put_int(out, "version", PLAN_VERSION);
	bulla_json_put_str(out, "model", m->model->key);
	bulla_json_put_str(out, "table", m->table->name);
	bulla_json_put_str(out, "fingerprint", fingerprint);
	bulla_json_put_int(out, "rows", (int64_t)s->rows);
	bulla_json_open(out, "fields", '[');
	for (size_t f = 0; f < m->model->field_count; f++)
		tell_field(s, &m->model->fields[f], out);
	bulla_json_close(out, ']');
	tell_triggers(m->table, out);
	tell_logs(out);
	tell_kms(s, out);
	bulla_key_choice_tell(m->model, bulla_schema_environment(s->run->job->schema), out);
	TRY(tell_size(s, out, err));
	bulla_findings_tell(&s->findings, out);
	return BULLA_OK;
}

/* --- all of it ------------------------------------------------------------------------------------------------- */

bulla_code bulla_plan_write(const bulla_job *job, bulla_json_writer *out, size_t *ret_refusals, bulla_error *err)
{
	bulla_run run;
	bulla_survey s;
	TRY(bulla_run_open(&run, job, false, false, err));
	bulla_code code = bulla_survey_init(&s, &run, err);
	if (!code) code = bulla_survey_take(&s, err);
	bulla_json_open(out, NULL, '{');
	if (!code) code = tell_plan(&s, out, err);
	*ret_refusals = s.findings.refusals;
	bulla_survey_done(&s);
	bulla_run_close(&run);
	return code;
}

bulla_code bulla_job_plan(const bulla_job *job, bulla_buf *out, size_t *ret_refusals, bulla_error *err)
{
	bulla_json_writer w = bulla_json_to(out);
	TRY(bulla_plan_write(job, &w, ret_refusals, err));
	bulla_json_close(&w, '}');
	return bulla_json_end(&w, err);
}
