/*
 * read.c - decrypted records: search through the blind index, one by its primary key, or all of them.
 *
 * Rows are read page by page and opened between the pages: no key is fetched while a transaction is open.
 */
#include "db/record_view.h"

#include "core/index.h"
#include "core/reason.h"
#include "db/quarantine.h"
#include "db/rotation.h"

#define TAMPERING_BITS 64 /* from here on two values with one index are no accident */

/* Everything that a reader holds. */
struct reader {
	bulla_run run;
	bulla_shape shape;
	bulla_record_view view;
	bulla_page page;
	bulla_walk *walk;
	bulla_batch *batch;
};

static void reader_close(struct reader *r)
{
	bulla_batch_free(r->batch);
	if (r->walk) r->run.db->target->walk_close(r->walk);
	bulla_page_done(&r->page);
	bulla_record_view_done(&r->view);
	bulla_shape_done(&r->shape);
	bulla_run_close(&r->run);
}

static bulla_code open_parts(struct reader *r, const bulla_job *job, bulla_walk_kind kind, const bulla_field *field,
			     const char *const *wanted, size_t wanted_count, bulla_error *err)
{
	bulla_batch_options options = { .size = sizeof options, .no_indexes = true };
	TRY(bulla_shape_init(&r->shape, &r->run.mapping, BULLA_SHAPE_PLAIN | BULLA_SHAPE_SEALED | BULLA_SHAPE_REST, err));
	TRY(bulla_record_view_init(&r->view, &r->run, &r->shape, wanted, wanted_count, err));
	TRY(bulla_page_init(&r->page, &r->run.mapping, &r->shape, 0, BULLA_PAGE_BYTES, err));
	TRY(bulla_batch_new(job->keyring, job->model, &options, &r->batch, err));
	if (kind == BULLA_WALK_EQUAL) return BULLA_OK; /* by which index, the search decides */
	return r->run.db->target->walk_open(r->run.db, &r->run.mapping, &r->shape, kind, field, &r->walk, err);
}

/* An index that a rotation is making for the first time does not find every row yet; beside an older one both are searched. */
static bulla_code check_whole(const bulla_run *run, bulla_error *err)
{
	bulla_rotation rotation = { 0 };
	const char *model = run->job->model->key;
	bulla_code code = bulla_rotation_load(run->db, model, &rotation, err);
	bool making = !code && rotation.pending && rotation.kind == BULLA_ROTATE_INDEX;
	bulla_rotation_done(&rotation);
	if (!making) return code;
	code = bulla_fail(err, BULLA_ERR_REFUSED, "indexes of model %s are being made: not every row would be found", model);
	return bulla_advise(err, code, "let it end: bulla rotate %s --index", model);
}

/* A new index whose column is not there yet is no hindrance where the one that it replaces is. */
static bulla_code check_searchable(const bulla_run *run, const bulla_field *field, bulla_error *err)
{
	const struct bulla_mapped_field *f = &run->mapping.fields[field->position];
	if (!bulla_mapping_is_sealed(&run->mapping) || !(f->index || f->before)) return bulla_run_fail_unready(run, err);
	return f->before ? BULLA_OK : check_whole(run, err);
}

static bulla_code reader_open(struct reader *r, const bulla_job *job, bulla_walk_kind kind, const bulla_field *field,
			      const char *const *wanted, size_t wanted_count, bulla_error *err)
{
	*r = (struct reader){ 0 };
	TRY(bulla_run_open(&r->run, job, false, false, err));
	bulla_code code = kind == BULLA_WALK_EQUAL ? check_searchable(&r->run, field, err) : BULLA_OK;
	if (!code) code = open_parts(r, job, kind, field, wanted, wanted_count, err);
	if (code) reader_close(r);
	return code;
}

/* Fills the page from where the walk stands, lets go of the table, opens what was read. `ret_more`: the walk goes on at
 * the last row's locator. */
static bulla_code next_page(struct reader *r, const bulla_value *from, size_t n, bool *ret_more, bulla_error *err)
{
	const bulla_target *target = r->run.db->target;
	const bulla_value *values = NULL;
	bulla_page_clear(&r->page);
	bulla_code code = target->walk_start(r->walk, from, n, err);
	bool added = true;
	while (!code && added) {
		code = target->walk_next(r->walk, &values, err);
		if (code || !values) break;
		code = bulla_page_add(&r->page, values, &added, err);
	}
	target->walk_stop(r->walk);
	TRY(code);
	*ret_more = !added;
	return r->page.n ? bulla_batch_open(r->batch, r->page.rows, r->page.n, err) : BULLA_OK;
}

/* A row that a KMS or the machine could not open says nothing about the row: the reading ends. */
static bulla_code own_fault(const bulla_row *row, bulla_error *err)
{
	if (!row->code || bulla_reason_of(row->code)) return BULLA_OK;
	return bulla_fail(err, row->code, "a record could not be opened: %s", bulla_code_name(row->code));
}

static bool is_gone(const struct reader *r, size_t row)
{
	return bulla_row_is_shredded(&r->page.rows[row]) && !bulla_page_has_plaintext(&r->page, row);
}

static bulla_code emit(struct reader *r, size_t row, bulla_record_each each, void *self, bulla_error *err)
{
	TRY(bulla_record_view_fill(&r->view, &r->page, row, err));
	return each(self, r->view.names, r->view.values, r->view.n, err);
}

/* --- export ---------------------------------------------------------------------------------------------------- */

static bulla_code export_page(struct reader *r, bulla_record_each each, void *self, bulla_exported *ret, bulla_error *err)
{
	for (size_t i = 0; i < r->page.n; i++) {
		TRY(own_fault(&r->page.rows[i], err));
		bulla_code code = r->page.rows[i].code;
		if (!code) code = bulla_record_view_fill(&r->view, &r->page, i, err);
		if (code) {
			++*(is_gone(r, i) ? &ret->shredded : &ret->failed);
			continue;
		}
		TRY(each(self, r->view.names, r->view.values, r->view.n, err));
		ret->rows++;
	}
	return BULLA_OK;
}

static bulla_code export_all(struct reader *r, bulla_record_each each, void *self, bulla_exported *ret, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf position = { 0 };
	bulla_value last[BULLA_WIDTH_MAX];
	size_t width = r->run.mapping.locator_count;
	uint64_t total;
	TRY(bulla_run_count(&r->run, &total, err));
	for (bool more = true; more;) {
		if (position.len) TRY(bulla_position_read(bulla_view_buf(&position), last, width, err));
		TRY(next_page(r, position.len ? last : NULL, width, &more, err));
		TRY(export_page(r, each, self, ret, err));
		bulla_run_progress(&r->run, "export", ret->rows + ret->failed + ret->shredded, total, !more);
		if (bulla_run_stopped(&r->run)) return bulla_run_interrupted(&r->run, err);
		if (!more) break;
		bulla_page_locator(&r->page, r->page.n - 1, last);
		bulla_buf_clear(&position);
		TRY(bulla_position_write(last, width, &position, err));
	}
	return BULLA_OK;
}

bulla_code bulla_job_export(const bulla_job *job, bulla_record_each each, void *self, bulla_exported *ret, bulla_error *err)
{
	struct reader r;
	*ret = (bulla_exported){ 0 };
	TRY(reader_open(&r, job, BULLA_WALK_ALL, NULL, NULL, 0, err));
	bulla_code code = export_all(&r, each, self, ret, err);
	reader_close(&r);
	return code;
}

/* --- get ------------------------------------------------------------------------------------------------------- */

static bulla_code find_row(struct reader *r, const bulla_bytes *pk, size_t pk_count, bulla_error *err)
{
	const bulla_table *table = r->run.mapping.table;
	bulla_value values[BULLA_INPUTS_MAX];
	bool more;
	if (pk_count != table->pk_count || pk_count > BULLA_INPUTS_MAX)
		return bulla_fail(err, BULLA_ERR_USAGE, "the primary key of %s has %zu columns, %zu values were given",
				  table->name, table->pk_count, pk_count);
	for (size_t i = 0; i < pk_count; i++)
		values[i] = (bulla_value){ .kind = BULLA_KIND_TEXT, .bytes = pk[i] };
	TRY(next_page(r, values, pk_count, &more, err));
	if (r->page.n == 0) return bulla_fail(err, BULLA_ERR_NOT_FOUND, "%s has no such record", r->run.job->model->key);
	return BULLA_OK;
}

static bool says_more(bulla_code code)
{
	return code == BULLA_ERR_CONTEXT || code == BULLA_ERR_KEY_DESTROYED;
}

bulla_code bulla_job_get(const bulla_job *job, const bulla_bytes *pk, size_t pk_count, const char *const *fields,
			 size_t field_count, bulla_record_each each, void *self, bulla_error *err)
{
	struct reader r;
	TRY(reader_open(&r, job, BULLA_WALK_ROW, NULL, fields, field_count, err));
	bulla_code code = find_row(&r, pk, pk_count, err);
	if (!code) code = emit(&r, 0, each, self, err);
	if (code && r.page.n && says_more(r.page.rows[0].code)) (void)!bulla_row_explain(r.batch, &r.page.rows[0], err);
	reader_close(&r);
	return code;
}

bulla_code bulla_job_open_value(const bulla_job *job, const bulla_bytes *pk, size_t pk_count, const bulla_field *field,
				bulla_buf *out, bulla_error *err)
{
	struct reader r;
	const bulla_value *value;
	TRY(reader_open(&r, job, BULLA_WALK_ROW, NULL, &field->name, 1, err));
	bulla_code code = find_row(&r, pk, pk_count, err);
	if (!code) code = bulla_record_view_fill(&r.view, &r.page, 0, err);
	if (!code) {
		value = &r.view.values[0];
		if (value->kind == BULLA_KIND_NULL)
			code = bulla_fail(err, BULLA_ERR_NOT_FOUND, "the field %s of this record is NULL", field->name);
		else if (value->kind == BULLA_KIND_TEXT || value->kind == BULLA_KIND_BINARY)
			code = bulla_buf_add(out, value->bytes, err);
		else if (value->kind == BULLA_KIND_FLOAT)
			code = bulla_buf_printf(out, err, "%.17g", value->number);
		else
			code = bulla_buf_printf(out, err, "%lld", (long long)value->integer);
	}
	reader_close(&r);
	return code;
}

/* --- search ---------------------------------------------------------------------------------------------------- */

/* Equality as an index sees it: the same bytes after its normaliser. */
static bool is_equal(const bulla_field *by, const bulla_value *stored, const bulla_value *wanted)
{
	BULLA_BUF_AUTO bulla_buf found = { 0 };
	BULLA_BUF_AUTO bulla_buf sought = { 0 };
	return bulla_index_normalize(by, stored, &found, NULL) == BULLA_OK &&
	       bulla_index_normalize(by, wanted, &sought, NULL) == BULLA_OK &&
	       bulla_bytes_equal(bulla_view_buf(&found), bulla_view_buf(&sought));
}

/* What one search looks for, and what it has found. */
struct search {
	const bulla_field *field;
	const bulla_value *value;
	bulla_record_each each;
	void *self;
	uint64_t *hits, *others;
};

static bool is_hit(const struct reader *r, const bulla_field *by, size_t row, const bulla_value *wanted)
{
	const bulla_cell *cell = &r->page.rows[row].cells[by->position];
	return !cell->code && cell->value.kind != BULLA_KIND_NULL && is_equal(by, &cell->value, wanted);
}

/* By the index that is being replaced: a row that has the new one was found through that, or is none. */
static bool is_known(const struct reader *r, const bulla_field *by, const bulla_field *field, size_t row)
{
	size_t at = r->shape.index[field->position];
	return by != field && at != BULLA_NOWHERE && bulla_page_values(&r->page, row)[at].kind != BULLA_KIND_NULL;
}

static bulla_code search_page(struct reader *r, const struct search *s, const bulla_field *by, bulla_error *err)
{
	for (size_t i = 0; i < r->page.n; i++) {
		if (is_known(r, by, s->field, i)) continue;
		TRY(own_fault(&r->page.rows[i], err));
		if (!is_hit(r, by, i, s->value) || r->page.rows[i].code) {
			*s->others += !is_gone(r, i);
		} else if (is_hit(r, s->field, i, s->value)) {
			TRY(emit(r, i, s->each, s->self, err));
			++*s->hits;
		}
	}
	return BULLA_OK;
}

static bool is_stored(const bulla_value *values, size_t at, const bulla_buf *key)
{
	return at != BULLA_NOWHERE && values[at].kind == BULLA_KIND_BINARY &&
	       bulla_bytes_equal(values[at].bytes, bulla_view_buf(key));
}

/* Not sealed, so no index leads to it: compared as the index would compare. */
static bool is_unsealed_hit(const struct reader *r, const struct search *s, size_t row, const bulla_buf *key)
{
	const bulla_value *values = bulla_page_values(&r->page, row);
	size_t f = s->field->position, at = r->shape.plain[f];
	if (at == BULLA_NOWHERE || values[at].kind == BULLA_KIND_NULL || values[r->shape.cipher[f]].kind != BULLA_KIND_NULL)
		return false;
	if (is_stored(values, r->shape.index[f], key)) return false; /* found through it */
	if (values[at].kind != BULLA_KIND_INTEGER && values[at].kind != BULLA_KIND_FLOAT && !values[at].bytes.data &&
	    values[at].bytes.len)
		return false; /* too large for the page, and for a ciphertext */
	return is_equal(s->field, &values[at], s->value);
}

static bulla_code search_unsealed_pages(struct reader *r, const struct search *s, const bulla_buf *key, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf position = { 0 };
	bulla_value last[BULLA_LOCATOR_MAX];
	size_t width = r->run.mapping.locator_count;
	for (bool more = true; more;) {
		if (position.len) TRY(bulla_position_read(bulla_view_buf(&position), last, width, err));
		TRY(next_page(r, position.len ? last : NULL, width, &more, err));
		for (size_t i = 0; i < r->page.n; i++) {
			if (!is_unsealed_hit(r, s, i, key)) continue;
			TRY(own_fault(&r->page.rows[i], err));
			TRY(emit(r, i, s->each, s->self, err));
			++*s->hits;
		}
		if (bulla_run_stopped(&r->run)) return bulla_run_interrupted(&r->run, err);
		if (!more) break;
		bulla_page_locator(&r->page, r->page.n - 1, last);
		bulla_buf_clear(&position);
		TRY(bulla_position_write(last, width, &position, err));
	}
	return BULLA_OK;
}

static bulla_code walk(struct reader *r, bulla_walk_kind kind, const bulla_field *field, bulla_error *err)
{
	const bulla_target *target = r->run.db->target;
	target->walk_close(r->walk);
	r->walk = NULL;
	return target->walk_open(r->run.db, &r->run.mapping, &r->shape, kind, field, &r->walk, err);
}

/* Until finish, rows wait to be sealed that a writer without the library has left. */
static bulla_code search_unsealed(struct reader *r, const struct search *s, const bulla_buf *key, bulla_error *err)
{
	bool queue = r->run.state.filled_ms && r->run.state.phase < BULLA_PHASE_DROPPED;
	if (r->run.mapping.plain_count == 0) return BULLA_OK;
	TRY(walk(r, queue ? BULLA_WALK_QUEUE : BULLA_WALK_UNSEALED, NULL, err));
	return search_unsealed_pages(r, s, key, err);
}

/* By one index: the field's, or the one that it replaces. */
static bulla_code search_by(struct reader *r, const struct search *s, const bulla_field *by, const bulla_buf *index,
			    bulla_error *err)
{
	bulla_value key = { .kind = BULLA_KIND_BINARY, .bytes = bulla_view_buf(index) };
	uint64_t before = *s->others;
	bool more;
	TRY(walk(r, BULLA_WALK_EQUAL, by, err));
	TRY(next_page(r, &key, 1, &more, err));
	if (more)
		return bulla_fail(err, BULLA_ERR_LIMIT, "more than %zu records have this value: export them instead", r->page.n);
	TRY(search_page(r, s, by, err));
	if (*s->others > before && by->index->bits >= TAMPERING_BITS)
		return bulla_fail(err, BULLA_ERR_AUTH,
				  "%llu records carry this index and do not hold this value, or do not open: they were changed",
				  (unsigned long long)(*s->others - before));
	return BULLA_OK;
}

static bulla_code search_all(struct reader *r, const struct search *s, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf now = { 0 };
	BULLA_BUF_AUTO bulla_buf before = { 0 };
	const struct bulla_mapped_field *f = &r->run.mapping.fields[s->field->position];
	TRY(bulla_batch_index(r->batch, s->field->position, NULL, s->value, &now, err));
	if (f->before) TRY(bulla_batch_previous_index(r->batch, s->field->position, NULL, s->value, &before, err));
	TRY(search_unsealed(r, s, &now, err));
	if (f->index) TRY(search_by(r, s, s->field, &now, err));
	return f->before ? search_by(r, s, s->field->before, &before, err) : BULLA_OK;
}

static bulla_code fail_scoped(const bulla_field *field, bulla_error *err)
{
	return bulla_fail(err, BULLA_ERR_USAGE,
			  "the index of %s has a key for each %s: search it from the application, which knows that value",
			  field->name, field->index->scope);
}

bulla_code bulla_job_search(const bulla_job *job, const bulla_field *field, const bulla_value *value, bulla_record_each each,
			    void *self, uint64_t *ret_hits, uint64_t *ret_false, bulla_error *err)
{
	struct reader r;
	struct search s = { field, value, each, self, ret_hits, ret_false };
	*ret_hits = *ret_false = 0;
	if (!field->index) {
		bulla_fail(err, BULLA_ERR_USAGE, "the field %s has no blind index", field->name);
		return bulla_advise(err, BULLA_ERR_USAGE, "add `index: {}` to it in bulla.yaml, then run: bulla apply %s",
				    job->model->key);
	}
	if (field->index->scope) return fail_scoped(field, err);
	if (field->before && field->before->index->scope) return fail_scoped(field->before, err);
	TRY(reader_open(&r, job, BULLA_WALK_EQUAL, field, NULL, 0, err));
	bulla_code code = search_all(&r, &s, err);
	reader_close(&r);
	return code;
}
