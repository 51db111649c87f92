/*
 * world.c - a keyring on doubles, a store of branch keys in memory, and rows for batches.
 */
#include "../under_test.h"
#include "world.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- the store ------------------------------------------------------------------------------------------------- */

/* The row that `current` is to give for an identity: the newest alive, else the newest tombstone. */
static fake_row *current_row(world *w, bulla_bytes identity)
{
	fake_row *found = NULL;
	for (size_t i = 0; i < w->row_count; i++) {
		fake_row *row = &w->rows[i];
		if (!bulla_bytes_equal(bulla_view_buf(&row->identity), identity)) continue;
		if (!found || row->state != BULLA_BRANCH_DESTROYED || found->state == BULLA_BRANCH_DESTROYED) found = row;
	}
	return found;
}

static bulla_branch_row view_row(const fake_row *row)
{
	return (bulla_branch_row){ .identity = bulla_view_buf(&row->identity),
				   .print = bulla_view_buf(&row->print),
				   .version = row->version,
				   .state = row->state,
				   .wrapped = bulla_view_buf(&row->wrapped),
				   .created_us = row->created_us };
}

static bulla_code trip(world *w, bulla_error *err)
{
	int code = atomic_exchange(&w->store_fails, 0);
	return code ? bulla_fail(err, (bulla_code)code, "the fake store says %s", bulla_code_name((bulla_code)code)) : BULLA_OK;
}

typedef bulla_code (*each_fn)(void *self, size_t index, const bulla_branch_row *row, bulla_error *err);

static bulla_code store_current(void *self, const bulla_bytes *identities, size_t n, each_fn each, void *each_self,
				bulla_error *err)
{
	world *w = self;
	atomic_fetch_add(&w->loads, 1);
	TRY(trip(w, err));
	pthread_mutex_lock(&w->lock);
	bulla_code code = BULLA_OK;
	for (size_t i = 0; i < n && !code; i++) {
		fake_row *row = current_row(w, identities[i]);
		bulla_branch_row view = row ? view_row(row) : (bulla_branch_row){ 0 };
		if (row) code = each(each_self, i, &view, err);
	}
	pthread_mutex_unlock(&w->lock);
	return code;
}

static bulla_code store_by_version(void *self, const uint64_t *versions, size_t n, each_fn each, void *each_self,
				   bulla_error *err)
{
	world *w = self;
	atomic_fetch_add(&w->loads, 1);
	TRY(trip(w, err));
	pthread_mutex_lock(&w->lock);
	bulla_code code = BULLA_OK;
	for (size_t i = 0; i < n && !code; i++)
		for (size_t r = 0; r < w->row_count && !code; r++) {
			bulla_branch_row view = view_row(&w->rows[r]);
			if (w->rows[r].version == versions[i]) code = each(each_self, i, &view, err);
		}
	pthread_mutex_unlock(&w->lock);
	return code;
}

static void add_row(world *w, const bulla_branch_row *row)
{
	assert_true(w->row_count < COUNT(w->rows));
	fake_row *added = &w->rows[w->row_count++];
	*added = (fake_row){ .version = row->version, .state = row->state, .created_us = row->created_us };
	assert_int_equal(bulla_buf_add(&added->identity, row->identity, NULL), BULLA_OK);
	assert_int_equal(bulla_buf_add(&added->print, row->print, NULL), BULLA_OK);
	assert_int_equal(bulla_buf_add(&added->wrapped, row->wrapped, NULL), BULLA_OK);
}

static bulla_code store_create(void *self, const bulla_branch_row *rows, size_t n, bulla_error *err)
{
	world *w = self;
	atomic_fetch_add(&w->creates, 1);
	TRY(trip(w, err));
	if (w->before_create) w->before_create(w);
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < n && !w->forgets; i++)
		if (!current_row(w, rows[i].identity)) add_row(w, &rows[i]);
	pthread_mutex_unlock(&w->lock);
	return BULLA_OK;
}

static bulla_code store_rotate_all(void *self, const uint64_t *previous, const bulla_branch_row *rows, size_t n, bulla_error *err)
{
	world *w = self;
	atomic_fetch_add(&w->creates, 1);
	TRY(trip(w, err));
	if (w->before_create) w->before_create(w);
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < n && !w->forgets; i++) {
		fake_row *newest = current_row(w, rows[i].identity);
		if (newest && newest->version == previous[i]) add_row(w, &rows[i]);
	}
	pthread_mutex_unlock(&w->lock);
	return BULLA_OK;
}

/* --- the keyring ----------------------------------------------------------------------------------------------- */

static int64_t now_us(void *self)
{
	return ((world *)self)->now_us;
}

static void note(world *w, const char *format, ...) BULLA_PRINTF(2, 3);
static void note(world *w, const char *format, ...)
{
	size_t at = atomic_fetch_add(&w->note_count, 1);
	va_list arguments;
	if (at >= COUNT(w->notes)) return;
	va_start(arguments, format);
	vsnprintf(w->notes[at], sizeof w->notes[at], format, arguments);
	va_end(arguments);
}

static void cached_use(void *self, bulla_bytes print, uint64_t version, const char *purpose, int64_t uses)
{
	note(self, "use %.*s %016llx %lld %s", (int)print.len, (const char *)print.data, (unsigned long long)version,
	     (long long)uses, purpose);
}

static void notify(void *self, const bulla_notice *n)
{
	note(self, "%s %s %zu %s %s", n->operation, n->key_id, n->count, n->data_key ? "key" : "box",
	     bulla_code_name(n->outcome));
}

static const char *no_variable(void *self, const char *name)
{
	(void)self;
	(void)name;
	return NULL;
}

static void start(world *w, const char *yaml, const bulla_branch_store *store)
{
	bulla_error err = { 0 };
	if (bulla_schema_parse(bulla_view_str(yaml), "test.yaml", NULL, NULL, NULL, NULL, &w->schema, &err))
		fail_msg("%s", err.text);
	w->backend = backend_under_test();
	bulla_keyring_config config = {
		.schema = w->schema,
		.world = { .find = fake_provider_find, .base_dir = ".", .getenv = no_variable },
		.branches = store,
		.backend = w->backend,
		.now_us = now_us,
		.now_self = w,
		.notify = notify,
		.notify_self = w,
		.cached_use = cached_use,
		.cached_use_self = w,
	};
	if (bulla_keyring_new(&config, &w->keyring, &err)) fail_msg("%s", err.text);
}

world *world_open(const char *yaml, bool branches)
{
	world *w = calloc(1, sizeof *w);
	assert_non_null(w);
	pthread_mutex_init(&w->lock, NULL);
	fake_kms_reset();
	w->now_us = 1000000000;
	w->branches = (bulla_branch_store){ .current = store_current,
					    .by_version = store_by_version,
					    .create = store_create,
					    .rotate_all = store_rotate_all,
					    .self = w };
	start(w, yaml, branches ? &w->branches : NULL);
	return w;
}

world *world_beside(world *other, const char *yaml)
{
	world *w = calloc(1, sizeof *w);
	assert_non_null(w);
	pthread_mutex_init(&w->lock, NULL);
	w->now_us = 1000000000;
	start(w, yaml, &other->branches);
	return w;
}

void world_free(world *w)
{
	bulla_keyring_free(w->keyring);
	bulla_schema_free(w->schema);
	bulla_backend_free(w->backend);
	for (size_t i = 0; i < w->row_count; i++) {
		bulla_buf_done(&w->rows[i].identity);
		bulla_buf_done(&w->rows[i].print);
		bulla_buf_done(&w->rows[i].wrapped);
	}
	pthread_mutex_destroy(&w->lock);
	free(w);
	assert_int_equal(fake_exchanges(), 0);
}

void world_satisfy(world *w, const bulla_need *need)
{
	if (need->kind == BULLA_NEED_HTTP) {
		atomic_fetch_add(&w->http, 1);
		fake_serve_http(need->http);
	} else {
		atomic_fetch_add(need->kind == BULLA_NEED_CALL ? &w->calls : &w->waits, 1);
		(void)!need->call(need->self, NULL);
	}
}

static bool is_unreachable(const bulla_need *need)
{
	char name[32] = "";
	if (need->kind != BULLA_NEED_HTTP || need->http->url.len >= sizeof name) return false;
	memcpy(name, need->http->url.data, need->http->url.len);
	return fake_kms_named(name)->unreachable;
}

bulla_code world_drive(world *w, bulla_op *op, bulla_error *err)
{
	for (;;) {
		bulla_need need;
		TRY(bulla_op_step(op, &need, err));
		if (need.kind == BULLA_NEED_DONE) return BULLA_OK;
		if (is_unreachable(&need))
			bulla_op_failed(op, "connection refused");
		else
			world_satisfy(w, &need);
	}
}

const bulla_model *world_model(const world *w, const char *key)
{
	const bulla_model *model;
	bulla_error err = { 0 };
	if (bulla_schema_model(w->schema, key, &model, &err)) fail_msg("%s", err.text);
	return model;
}

fake_row *world_row(world *w, const char *print)
{
	for (size_t i = w->row_count; i-- > 0;)
		if (bulla_bytes_is(bulla_view_buf(&w->rows[i].print), print)) return &w->rows[i];
	return NULL;
}

size_t world_notes_with(const world *w, const char *text)
{
	size_t found = 0;
	for (size_t i = 0; i < w->note_count && i < COUNT(w->notes); i++)
		found += strstr(w->notes[i], text) != NULL;
	return found;
}

/* --- rows ------------------------------------------------------------------------------------------------------ */

#define ID_SIZE 64

static char *value_text(const row_set *r, size_t row, size_t field)
{
	return r->ids + (row * (r->model->field_count + 1) + 1 + field) * ID_SIZE;
}

void rows_init(row_set *r, const bulla_model *model, size_t n, unsigned first)
{
	size_t keys = model->key_count + 1, fields = model->field_count, inputs = model->input_count + 1;
	*r = (row_set){ .model = model,
			.n = n,
			.row = calloc(n, sizeof *r->row),
			.inputs = calloc(n * inputs, sizeof *r->inputs),
			.keys = calloc(n * keys, sizeof *r->keys),
			.cells = calloc(n * fields, sizeof *r->cells),
			.ids = calloc(n * (fields + 1), ID_SIZE) };
	assert_true(r->row && r->inputs && r->keys && r->cells && r->ids);
	for (size_t i = 0; i < n; i++) {
		char *id = r->ids + i * (fields + 1) * ID_SIZE;
		snprintf(id, ID_SIZE, "%u", first + (unsigned)i);
		r->inputs[i * inputs] = bulla_view_str(id);
		for (size_t k = 1; k < model->input_count; k++)
			r->inputs[i * inputs + k] = bulla_view_str("x");
		r->row[i] = (bulla_row){ .inputs = r->inputs + i * inputs,
					 .cells = r->cells + i * fields,
					 .cell_count = fields,
					 .keys = r->keys + i * keys };
		for (size_t f = 0; f < fields; f++) {
			snprintf(value_text(r, i, f), ID_SIZE, "value %s %s", id, model->fields[f].name);
			r->row[i].cells[f] = (bulla_cell){
				.field = f, .value = { .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str(value_text(r, i, f)) }
			};
		}
	}
}

void rows_done(row_set *r)
{
	free(r->row);
	free(r->inputs);
	free(r->keys);
	free(r->cells);
	free(r->ids);
	bulla_buf_done(&r->held);
}

static void measure(size_t *size, bulla_bytes b)
{
	*size += b.len;
}

static void hold(row_set *r, bulla_bytes *b)
{
	if (!b->data) return;
	size_t at = r->held.len;
	assert_int_equal(bulla_buf_add(&r->held, *b, NULL), BULLA_OK);
	*b = bulla_view(r->held.data + at, b->len);
}

void rows_hold(row_set *r)
{
	bulla_buf old = r->held; /* what is copied may lie here */
	size_t size = 1, keys = r->model->key_count + 1, fields = r->model->field_count;
	r->held = (bulla_buf){ .max = (size_t)1 << 30 };
	for (size_t i = 0; i < r->n * keys; i++)
		measure(&size, r->keys[i]);
	for (size_t i = 0; i < r->n * fields; i++) {
		measure(&size, r->cells[i].ciphertext);
		measure(&size, r->cells[i].index);
	}
	assert_int_equal(bulla_buf_reserve(&r->held, size, NULL), BULLA_OK);
	for (size_t i = 0; i < r->n * keys; i++)
		hold(r, &r->keys[i]);
	for (size_t i = 0; i < r->n * fields; i++) {
		hold(r, &r->cells[i].ciphertext);
		hold(r, &r->cells[i].index);
		r->cells[i].value = (bulla_value){ .kind = BULLA_KIND_INTEGER, .integer = -1 }; /* as if never set */
		r->cells[i].code = BULLA_OK;
	}
	for (size_t i = 0; i < r->n; i++)
		r->row[i].code = BULLA_OK;
	bulla_buf_done(&old);
}

bulla_cell *rows_cell(row_set *r, size_t row, size_t field)
{
	return &r->row[row].cells[field];
}

void rows_check(const row_set *r)
{
	for (size_t i = 0; i < r->n; i++)
		for (size_t f = 0; f < r->model->field_count; f++) {
			const bulla_cell *cell = &r->row[i].cells[f];
			assert_int_equal(cell->code, BULLA_OK);
			assert_int_equal(cell->value.kind, BULLA_KIND_TEXT);
			assert_true(bulla_bytes_is(cell->value.bytes, value_text(r, i, f)));
		}
}

void rows_all(const row_set *r, bulla_code code)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->row[i].code != code)
			fail_msg("row %zu is %s, not %s", i, bulla_code_name(r->row[i].code), bulla_code_name(code));
}

bulla_batch *batch_of(world *w, const char *model, const bulla_batch_options *options)
{
	bulla_batch *batch = NULL;
	bulla_error err = { 0 };
	if (bulla_batch_new(w->keyring, world_model(w, model), options, &batch, &err)) fail_msg("%s", err.text);
	return batch;
}

bulla_code batch_seal(world *w, bulla_batch *batch, row_set *r, bulla_error *err)
{
	bulla_op *op;
	TRY(bulla_batch_seal_op(batch, r->row, r->n, &op, err));
	return world_drive(w, op, err);
}

bulla_code batch_open(world *w, bulla_batch *batch, row_set *r, bulla_error *err)
{
	bulla_op *op;
	TRY(bulla_batch_open_op(batch, r->row, r->n, &op, err));
	return world_drive(w, op, err);
}

bulla_code batch_rewrap(world *w, bulla_batch *batch, row_set *r, bulla_error *err)
{
	bulla_op *op;
	TRY(bulla_batch_rewrap_op(batch, r->row, r->n, &op, err));
	return world_drive(w, op, err);
}
