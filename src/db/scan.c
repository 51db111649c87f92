/*
 * scan.c - one pass of verification: the caller's thread reads, all threads open and compare.
 *
 * A pass is of one snapshot where the keys are few and fetched ahead. Where rows ask the KMS one by one it goes page by page: no
 * transaction waits for a KMS. Plaintext and ciphertext of each row are of one moment either way.
 */
#include "db/verify.h"

#include <stdlib.h>

struct bulla_verify_slot {
	bulla_verify *verify;
	bulla_task task;
	bulla_page page;
	bulla_batch *batch;
	bulla_lane *lane;
	bulla_buf scratch;
	bulla_trace *traces;
	bulla_verified found;
};

void bulla_verified_done(bulla_verified *verified)
{
	bulla_aside_done(&verified->aside);
	bulla_aside_done(&verified->examples);
	*verified = (bulla_verified){ 0 };
}

static void forget(bulla_verified *found)
{
	bulla_aside aside = found->aside, examples = found->examples;
	bulla_aside_clear(&aside);
	bulla_aside_clear(&examples);
	*found = (bulla_verified){ .aside = aside, .examples = examples };
}

/* --- in some thread ----------------------------------------------------------------------------------------------- */

static bulla_code work(void *self, bulla_error *err)
{
	struct bulla_verify_slot *slot = self;
	bulla_verify *v = slot->verify;
	forget(&slot->found);
	for (size_t i = 0; v->pass->evidence && i < slot->page.n; i++)
		TRY(bulla_trace_row(&slot->page, i, slot->lane, v->pass->evidence_key, &slot->scratch, &slot->traces[i], err));
	if (!v->pass->open || slot->page.n == 0) return BULLA_OK;
	TRY(bulla_batch_open(slot->batch, slot->page.rows, slot->page.n, err));
	bulla_verify_judge compare = v->pass->compare ? v->pass->compare : bulla_verify_compare;
	return compare(v, &slot->page, slot->lane, &slot->scratch, &slot->found, err);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* xorshift64: which rows a sample has needs chance, not secrecy. */
static bool is_chosen(bulla_verify *v)
{
	if (!v->pass->sample || v->pass->sample >= v->total) return true;
	v->random ^= v->random << 13;
	v->random ^= v->random >> 7;
	v->random ^= v->random << 17;
	return v->random % v->total < v->pass->sample;
}

static bool is_wanted(bulla_verify *v, const bulla_value *values)
{
	if (v->pass->known &&
	    !bulla_evidence_differs_at(v->pass->known, v->pass->now, bulla_evidence_sum(&v->run->mapping, &v->shape, values)))
		return false;
	return is_chosen(v);
}

static bulla_code keep_position(bulla_verify *v, const bulla_value *values, bulla_error *err)
{
	bulla_value locator[BULLA_LOCATOR_MAX];
	size_t n = v->run->mapping.locator_count;
	if (!v->pass->paged) return BULLA_OK;
	for (size_t i = 0; i < n; i++)
		locator[i] = values[v->shape.locator[i]];
	bulla_buf_clear(&v->position);
	return bulla_position_write(locator, n, &v->position, err);
}

static bulla_code fill_page(bulla_verify *v, bulla_page *page, bulla_error *err)
{
	/* A row that did not fit stays where it is: the walk's values live until its next step. */
	for (bool added = true; !v->pass->first || v->walked < v->pass->first;) {
		if (!v->pending) TRY(v->run->db->target->walk_next(v->walk, &v->pending, err));
		if (!v->pending) break;
		if (is_wanted(v, v->pending)) TRY(bulla_page_add(page, v->pending, &added, err));
		if (!added) return BULLA_OK;
		TRY(keep_position(v, v->pending, err));
		v->pending = NULL;
		v->walked++;
	}
	v->ended = true;
	return BULLA_OK;
}

static bulla_code start_walk(bulla_verify *v, bulla_error *err)
{
	bulla_value from[BULLA_LOCATOR_MAX];
	size_t n = v->run->mapping.locator_count;
	if (v->position.len == 0) return v->run->db->target->walk_start(v->walk, NULL, 0, err);
	TRY(bulla_position_read(bulla_view_buf(&v->position), from, n, err));
	return v->run->db->target->walk_start(v->walk, from, n, err);
}

/* One page in a transaction of its own. The row that did not fit is read again with the next one. */
static bulla_code fill_apart(bulla_verify *v, bulla_page *page, bulla_error *err)
{
	const bulla_target *target = v->run->db->target;
	TRY(target->begin_read(v->run->db, err));
	bulla_code code = start_walk(v, err);
	if (!code) code = fill_page(v, page, err);
	target->walk_stop(v->walk);
	v->pending = NULL;
	target->rollback(v->run->db);
	bulla_run_hook(v->run, "read");
	return code;
}

static bulla_code fill(void *self, size_t place, bool *ret_any, bulla_error *err)
{
	bulla_verify *v = self;
	struct bulla_verify_slot *slot = &v->slots[place];
	bulla_page_clear(&slot->page);
	if (v->ended || bulla_run_stopped(v->run)) return BULLA_OK;
	TRY(v->pass->paged ? fill_apart(v, &slot->page, err) : fill_page(v, &slot->page, err));
	*ret_any = slot->page.n > 0;
	return BULLA_OK;
}

/* --- results ------------------------------------------------------------------------------------------------------ */

static bulla_code merge_aside(bulla_aside *to, const bulla_aside *from, size_t max, bulla_error *err)
{
	for (size_t i = 0; i < from->n && to->n < max; i++) {
		bulla_quarantine_entry entry = bulla_aside_entry(from, i);
		TRY(bulla_aside_add(to, entry.pk, entry.field, entry.reason, err));
	}
	return BULLA_OK;
}

static bulla_code merge(bulla_verified *to, const bulla_verified *from, bulla_error *err)
{
	to->rows += from->rows;
	to->equal += from->equal;
	to->differences += from->differences;
	to->unsealed += from->unsealed;
	to->failed += from->failed;
	to->shredded += from->shredded;
	to->stale += from->stale;
	bulla_digest_merge(&to->digest, &from->digest);
	bulla_census_merge(&to->census, &from->census);
	TRY(merge_aside(&to->aside, &from->aside, BULLA_ASIDE_MAX, err));
	return merge_aside(&to->examples, &from->examples, BULLA_EXAMPLES_MAX, err);
}

static bulla_code finish(void *self, size_t place, bulla_error *err)
{
	bulla_verify *v = self;
	struct bulla_verify_slot *slot = &v->slots[place];
	for (size_t i = 0; v->pass->evidence && i < slot->page.n; i++)
		bulla_evidence_add(v->pass->evidence, &slot->traces[i]);
	bulla_run_progress(v->run, v->phase, v->walked, v->total, false);
	return merge(v->found, &slot->found, err);
}

static bulla_task *task_of(void *self, size_t place)
{
	return &((bulla_verify *)self)->slots[place].task;
}

bulla_code bulla_verify_run(bulla_verify *v, const bulla_verify_pass *pass, bulla_verified *found, bulla_error *err)
{
	const bulla_target *target = v->run->db->target;
	bulla_pipeline pipeline = { v->slot_count, task_of, fill, finish, v };
	v->pass = pass;
	v->found = found;
	v->walked = 0;
	v->ended = false;
	v->pending = NULL;
	bulla_buf_clear(&v->position);
	TRY(target->walk_open(v->run->db, &v->run->mapping, &v->shape, BULLA_WALK_ALL, NULL, &v->walk, err));
	bulla_code code = pass->paged ? BULLA_OK : start_walk(v, err);
	if (!code) code = bulla_pipeline_run(v->workers, &pipeline, err);
	target->walk_close(v->walk);
	v->walk = NULL;
	TRY(code);
	return bulla_run_stopped(v->run) ? bulla_run_interrupted(v->run, err) : BULLA_OK;
}

#define WARM_ROWS 16

bulla_code bulla_verify_warm(bulla_verify *v, bulla_error *err)
{
	bulla_verified ignored = { 0 };
	bulla_verify_pass pass = { .open = true, .paged = true, .first = WARM_ROWS };
	if (v->asks) return BULLA_OK; /* nothing that is fetched now would last */
	bulla_code code = bulla_verify_run(v, &pass, &ignored, err);
	bulla_verified_done(&ignored);
	return code;
}

/* --- making ------------------------------------------------------------------------------------------------------- */

static bulla_code init_slot(bulla_verify *v, struct bulla_verify_slot *slot, bool indexes, bulla_error *err)
{
	bulla_batch_options options = { .size = sizeof options, .open_indexes = indexes };
	size_t bytes = BULLA_PAGES_BYTES / v->slot_count;
	slot->verify = v;
	slot->task.run = work;
	slot->task.self = slot;
	TRY(bulla_page_init(&slot->page, &v->run->mapping, &v->shape, 0, bytes < BULLA_PAGE_BYTES ? bytes : BULLA_PAGE_BYTES,
			    err));
	slot->traces = calloc(slot->page.max, sizeof *slot->traces);
	if (!slot->traces) return bulla_fail_memory(err);
	TRY(bulla_lane_new(&slot->lane, err));
	return bulla_batch_new(v->run->job->keyring, v->run->job->model, &options, &slot->batch, err);
}

/* Does opening rows ask the KMS more than once for each key of the model? A key that many rows share, a branch for all rows, and
 * branches under another branch are fetched once. */
static bool asks_kms(const bulla_model *model)
{
	bool shared = model->data_key == BULLA_DATA_KEY_FIELD || model->data_key == BULLA_DATA_KEY_TABLE;
	if (model->data_key == BULLA_DATA_KEY_NONE) return true;
	for (size_t k = 0; k < model->key_count && !shared; k++)
		if (!model->branch.name.text || model->keys[k].kms_key) return true;
	for (size_t f = 0; f < model->field_count; f++)
		if (model->fields[f].index && model->fields[f].index->scope) return true;
	return model->branch.name.text && !model->branch.under && !bulla_model_branch_is_constant(model);
}

static bulla_code init(bulla_verify *v, unsigned workers, bool indexes, bulla_error *err)
{
	const bulla_job *job = v->run->job;
	if (!job->keyring) return bulla_fail(err, BULLA_ERR_USAGE, "verifying needs the keys of the environment");
	if (workers > BULLA_WORKERS_MAX)
		return bulla_fail(err, BULLA_ERR_USAGE, "at most %d workers are possible", BULLA_WORKERS_MAX);
	TRY(bulla_shape_init(&v->shape, &v->run->mapping, BULLA_SHAPE_PLAIN | BULLA_SHAPE_SEALED, err));
	if (job->sign_seed) TRY(bulla_digest_key(job->sign_seed, job->model->key, &v->digest_key, err));
	unsigned threads = (workers ? workers : 2) - 1; /* beside the caller's own */
	size_t slots = threads + 2;
	v->slots = calloc(slots, sizeof *v->slots);
	if (!v->slots) return bulla_fail_memory(err);
	v->slot_count = slots;
	for (size_t i = 0; i < slots; i++)
		TRY(init_slot(v, &v->slots[i], indexes, err));
	v->random = (uint64_t)v->run->began_us | 1;
	return bulla_workers_new(threads, &v->workers, err);
}

bulla_code bulla_verify_init(bulla_verify *v, bulla_run *run, unsigned workers, bool indexes, bulla_error *err)
{
	*v = (bulla_verify){ .run = run, .phase = "verifying", .asks = asks_kms(run->job->model) };
	bulla_code code = init(v, workers, indexes, err);
	if (code) bulla_verify_done(v);
	return code;
}

void bulla_verify_done(bulla_verify *v)
{
	bulla_workers_free(v->workers);
	for (size_t i = 0; v->slots && i < v->slot_count; i++) {
		struct bulla_verify_slot *slot = &v->slots[i];
		bulla_batch_free(slot->batch);
		bulla_lane_free(slot->lane);
		bulla_page_done(&slot->page);
		bulla_buf_done(&slot->scratch);
		free(slot->traces);
		bulla_verified_done(&slot->found);
	}
	free(v->slots);
	bulla_secret_wipe(&v->digest_key);
	bulla_buf_done(&v->position);
	bulla_shape_done(&v->shape);
	*v = (bulla_verify){ 0 };
}
