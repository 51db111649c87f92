/*
 * rotate_begin.c - before the first row: is the rotation allowed, does it go on with one that was cut off, and are the new keys there,
 * durable and proven?
 */
#include "db/rotate.h"

#include "core/keyring.h"
#include "db/orphan.h"
#include "db/probe.h"
#include "io/file.h"

#include <stdio.h>
#include <string.h>

/* --- is it allowed ---------------------------------------------------------------------------------------------------- */

static bulla_code check_ready(const bulla_rotate *a, bulla_error *err)
{
	const bulla_model *model = a->run.job->model;
	if (!a->run.job->keyring) return bulla_fail(err, BULLA_ERR_USAGE, "a rotation needs the keys of the environment");
	if (!a->dry) TRY(bulla_run_check_undo(&a->run, err));
	bool index = a->options->kind == BULLA_ROTATE_INDEX;
	if (!(index ? bulla_mapping_is_sealed : bulla_mapping_is_ready)(a->mapping)) return bulla_run_fail_unready(&a->run, err);
	if (!a->dry) TRY(bulla_orphan_check(&a->run, err));
	if (a->options->kind != BULLA_ROTATE_WRAP || model->data_key != BULLA_DATA_KEY_NONE) return BULLA_OK;
	a->ret->passed_over = a->options->several;
	if (a->ret->passed_over) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_REFUSED, "model %s has no wrapped keys: the KMS encrypts each value itself",
				     model->key);
	return bulla_advise(err, code, "run: bulla rotate %s --data", model->key);
}

static bool is_among(const char *key, const char *const *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(keys[i], key) == 0) return true;
	return false;
}

/* Rows under a key that the environment does not name could not be opened by those who read it. */
static bulla_code check_destination(const bulla_rotate *a, bulla_error *err)
{
	const bulla_model *model = a->run.job->model;
	const bulla_environment *env = bulla_schema_environment(a->run.job->schema);
	const char *to = a->options->to;
	if (!to || is_among(to, env->keys, env->key_count)) return BULLA_OK;
	for (size_t k = 0; k < model->key_count; k++)
		if (model->keys[k].kms_key && strcmp(model->keys[k].kms_key, to) == 0) return BULLA_OK;
	bool previous = is_among(to, env->previous, env->previous_count);
	bulla_code code = bulla_fail(err, BULLA_ERR_REFUSED, "the environment %s %s the key %.200s", env->name,
				     previous ? "only unwraps with" : "does not name", to);
	return bulla_advise(err, code,
			    "in bulla.yaml write it under keys:, and the one that is to go under previous:; then run this again");
}

/* --- which keys are current ------------------------------------------------------------------------------------------- */

static bulla_code keep_current(bulla_rotate *a, const bulla_probe *probe, bulla_error *err)
{
	const bulla_model *model = a->run.job->model;
	bool boxed = model->data_key == BULLA_DATA_KEY_NONE;
	for (size_t i = 0; i < (boxed ? model->field_count : model->key_count); i++) {
		bulla_buf_clear(&a->current[i]);
		TRY(bulla_buf_add(&a->current[i], boxed ? probe->cells[i].ciphertext : probe->keys[i], err));
	}
	a->probed = true;
	return BULLA_OK;
}

static bulla_code probe_with(bulla_rotate *a, bulla_batch *sealer, bulla_batch *opener, bulla_error *err)
{
	bulla_probe probe;
	TRY(bulla_probe_seal(a->run.job->model, sealer, &probe, err));
	TRY(keep_current(a, &probe, err));
	return a->dry ? BULLA_OK : bulla_probe_open(&probe, opener, err);
}

bulla_code bulla_rotate_probe(bulla_rotate *a, bulla_error *err)
{
	const bulla_job *job = a->run.job;
	bulla_batch *sealer = NULL, *opener = NULL;
	bulla_batch_options seal = { .size = sizeof seal,
				     .no_indexes = true,
				     .since_us = a->dry ? 0 : a->rotation.since_us,
				     .since_shared = a->rotation.kind != BULLA_ROTATE_WRAP };
	bulla_batch_options open = { .size = sizeof open, .no_indexes = true };
	if (!bulla_probe_is_possible(job->model)) return BULLA_OK;
	bulla_code code = bulla_batch_new(job->keyring, job->model, &seal, &sealer, err);
	if (!code) code = bulla_batch_new(job->keyring, job->model, &open, &opener, err);
	if (!code) code = probe_with(a, sealer, opener, err);
	bulla_batch_free(sealer);
	bulla_batch_free(opener);
	return code;
}

/* For status, which has no keys: the version that each key column goes to. */
static bulla_code note_current(bulla_rotate *a, bulla_error *err)
{
	const bulla_model *model = a->run.job->model;
	bulla_json_writer w = bulla_json_to(&a->rotation.current);
	bulla_buf_clear(&a->rotation.current);
	bulla_json_open(&w, NULL, '{');
	for (size_t k = 0; a->probed && k < model->key_count; k++) {
		bulla_wrapped_key key;
		uint8_t version[9];
		if (bulla_wrapped_key_parse(bulla_view_buf(&a->current[k]), &key, NULL) || key.wrap_count == 0) continue;
		version[0] = key.wraps[0].kind;
		bulla_put_u64(version + 1, key.wraps[0].reference);
		bulla_json_put_hex(&w, model->keys[k].column, bulla_view(version, sizeof version));
	}
	bulla_json_close(&w, '}');
	return bulla_json_end(&w, err);
}

/* --- beginning, or going on ------------------------------------------------------------------------------------------- */

static bulla_code refuse_other(const bulla_rotate *a, bulla_error *err)
{
	const char *kind = bulla_rotate_kind_name(a->rotation.kind), *model = a->run.job->model->key;
	bulla_code code =
		bulla_fail(err, BULLA_ERR_REFUSED, "a rotation of another kind is under way for model %s: --%s", model, kind);
	return bulla_advise(err, code, "let it end first: bulla rotate %s --%s%s", model, kind,
			    a->rotation.kind == BULLA_ROTATE_CONTEXT ? " --from FILE" : "");
}

/* --data does what --wrap does and more: it may take its place. The other way round, rows with new wraps would pass for rows with new
 * data keys. */
static bulla_code check_pending(const bulla_rotate *a, bulla_error *err)
{
	bulla_rotate_kind now = a->options->kind, then = a->rotation.kind;
	bool fits = !a->rotation.pending || now == then || (then == BULLA_ROTATE_WRAP && now == BULLA_ROTATE_DATA);
	return fits ? BULLA_OK : refuse_other(a, err);
}

static bool makes_versions(const bulla_rotate_options *options)
{
	if (options->kind == BULLA_ROTATE_WRAP) return !options->catch_up;
	return options->kind == BULLA_ROTATE_DATA;
}

static void begin_anew(bulla_rotate *a, int64_t now_us)
{
	bulla_rotation *r = &a->rotation;
	bulla_rotation before = *r;
	bulla_buf_done(&before.position);
	*r = (bulla_rotation){ .found = before.found, .pending = true, .current = before.current };
	r->kind = a->options->kind;
	r->since_us = makes_versions(a->options) ? now_us : 0;
	r->began_ms = now_us / 1000;
}

static bulla_code store(bulla_rotate *a, bulla_error *err)
{
	const bulla_target *target = a->run.db->target;
	TRY(target->begin_write(a->run.db, err));
	bulla_code code = bulla_rotation_store(a->run.db, a->run.job->model->key, &a->rotation, err);
	if (!code && a->by_list) code = bulla_rotated_make(a->run.db, err);
	if (!code && !a->ret->resumed) code = bulla_rotated_forget(a->run.db, a->run.job->model->key, err);
	if (!code) code = bulla_lease_store(&a->run, err);
	if (!code) return target->commit(a->run.db, err);
	target->rollback(a->run.db);
	return code;
}

static bool goes_by_list(const bulla_rotate *a)
{
	const bulla_model *model = a->run.job->model;
	bool direct = false;
	for (size_t k = 0; k < model->key_count; k++)
		direct |= !bulla_rotate_has_branch(model, k);
	return a->options->kind == BULLA_ROTATE_DATA && model->data_key == BULLA_DATA_KEY_RECORD && direct;
}

/* The columns that a record is bound to may be others now: the guard watches those. */
static bulla_code remake_guard(bulla_rotate *a, bulla_error *err)
{
	const bulla_target *target = a->run.db->target;
	TRY(target->begin_write(a->run.db, err));
	bulla_code code = bulla_orphan_install(&a->run, err);
	if (!code) code = bulla_lease_store(&a->run, err);
	if (!code) return target->commit(a->run.db, err);
	target->rollback(a->run.db);
	return code;
}

/* From the commit of `since` on every run goes on with it; only then are keys made. */
static bulla_code begin(bulla_rotate *a, bulla_error *err)
{
	char detail[48];
	TRY(bulla_rotation_load(a->run.db, a->run.job->model->key, &a->rotation, err));
	TRY(check_pending(a, err));
	a->ret->resumed = a->rotation.pending && a->rotation.kind == a->options->kind;
	a->by_list = goes_by_list(a);
	if (!a->ret->resumed) begin_anew(a, bulla_now_us(NULL));
	TRY(store(a, err));
	a->rotation.found = true;
	snprintf(detail, sizeof detail, "rotate --%s", bulla_rotate_kind_name(a->rotation.kind));
	TRY(bulla_run_record(&a->run, "JobStarted", detail, err));
	if (a->rotation.kind == BULLA_ROTATE_INDEX) return bulla_rotate_open_windows(a, err);
	if (a->rotation.kind == BULLA_ROTATE_CONTEXT) TRY(remake_guard(a, err));
	TRY(bulla_rotate_move_keys(a, err));
	TRY(bulla_rotate_rewrap_shared(a, err));
	TRY(bulla_rotate_probe(a, err));
	TRY(bulla_rotate_move_superseded(a, err));
	return note_current(a, err);
}

bulla_code bulla_rotate_begin(bulla_rotate *a, bulla_error *err)
{
	TRY(check_ready(a, err));
	TRY(check_destination(a, err));
	if (a->options->kind == BULLA_ROTATE_CONTEXT) TRY(bulla_rotate_lay_from(a, err));
	if (a->ret->passed_over) return BULLA_OK;
	TRY(bulla_layout_init(&a->layout, a->run.job->model, err));
	if (a->dry) {
		TRY(bulla_rotation_load(a->run.db, a->run.job->model->key, &a->rotation, err));
		if (!a->rotation.pending) bulla_rotation_done(&a->rotation);
		if (!a->rotation.kind) a->rotation.kind = BULLA_ROTATE_WRAP;
		bulla_buf_clear(&a->rotation.position);
		return bulla_rotate_probe(a, err);
	}
	TRY(bulla_lease_take(&a->run, err));
	return begin(a, err);
}
