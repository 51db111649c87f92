/*
 * memory.c - a store that ends with the process: the engine's rows and the notes in arrays.
 */
#include "store/memory.h"

#include <stdlib.h>

bulla_code bulla_memory_copy(bulla_bytes bytes, bulla_bytes *ret, bulla_error *err)
{
	uint8_t *copy = malloc(bytes.len + 1);
	if (!copy) return bulla_fail_memory(err);
	if (bytes.len) memcpy(copy, bytes.data, bytes.len);
	*ret = bulla_view(copy, bytes.len);
	return BULLA_OK;
}

void bulla_memory_free(bulla_bytes bytes)
{
	free((void *)bytes.data);
}

/* --- the engine's rows ----------------------------------------------------------------------------------------- */
static bulla_code version(void *self, uint64_t *ret_version, bulla_error *err)
{
	bulla_memory *m = self;
	(void)err;
	pthread_mutex_lock(&m->lock);
	*ret_version = m->generation;
	pthread_mutex_unlock(&m->lock);
	return BULLA_OK;
}

static bulla_code load(void *self, bulla_code (*each)(void *each_self, const bulla_kms_row *row, bulla_error *err),
		       void *each_self, uint64_t *ret_generation, bulla_log_head *ret_head, bulla_error *err)
{
	bulla_memory *m = self;
	bulla_code code = BULLA_OK;
	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < m->row_count && code == BULLA_OK; i++)
		code = each(each_self, &m->rows[i], err);
	*ret_generation = m->generation;
	*ret_head = m->head;
	pthread_mutex_unlock(&m->lock);
	return code;
}

static int compare(const bulla_kms_row *a, const bulla_kms_row *b)
{
	if (a->table != b->table) return a->table < b->table ? -1 : 1;
	return bulla_bytes_compare(a->id, b->id);
}

/* Where the row is, or where it belongs. */
static size_t place_of(const bulla_kms_row *rows, size_t n, const bulla_kms_row *row)
{
	size_t low = 0, high = n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare(&rows[middle], row) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The next state of the table: every row a copy of its own, so that nothing has changed when anything fails. */
typedef struct table {
	bulla_kms_row *rows;
	size_t n;
} table;

static void table_done(table *t)
{
	for (size_t i = 0; i < t->n; i++) {
		bulla_memory_free(t->rows[i].id);
		bulla_memory_free(t->rows[i].data);
	}
	free(t->rows);
}

static bulla_code copy_row(const bulla_kms_row *row, bulla_kms_row *out, bulla_error *err)
{
	bulla_kms_row copy = { .table = row->table };
	TRY(bulla_memory_copy(row->id, &copy.id, err));
	bulla_code code = bulla_memory_copy(row->data, &copy.data, err);
	if (code)
		bulla_memory_free(copy.id);
	else
		*out = copy;
	return code;
}

static bulla_code table_copy(const bulla_memory *m, size_t extra, table *out, bulla_error *err)
{
	out->rows = calloc(m->row_count + extra, sizeof *out->rows);
	if (!out->rows) return bulla_fail_memory(err);
	for (; out->n < m->row_count; out->n++)
		TRY(copy_row(&m->rows[out->n], &out->rows[out->n], err));
	return BULLA_OK;
}

static void take_out(table *t, size_t at)
{
	bulla_memory_free(t->rows[at].id);
	bulla_memory_free(t->rows[at].data);
	t->n--;
	memmove(&t->rows[at], &t->rows[at + 1], (t->n - at) * sizeof *t->rows);
}

/* `t` has room for one more. */
static bulla_code apply(table *t, const bulla_kms_row *row, bulla_error *err)
{
	bulla_kms_row copy;
	size_t at = place_of(t->rows, t->n, row);
	bool there = at < t->n && compare(&t->rows[at], row) == 0;
	if (row->data.data) TRY(copy_row(row, &copy, err));
	if (there) take_out(t, at);
	if (!row->data.data) return BULLA_OK;
	memmove(&t->rows[at + 1], &t->rows[at], (t->n - at) * sizeof *t->rows);
	t->rows[at] = copy;
	t->n++;
	return BULLA_OK;
}

static bulla_code apply_all(bulla_memory *m, const bulla_kms_row *rows, size_t n, bulla_error *err)
{
	table next = { 0 };
	bulla_code code = table_copy(m, n, &next, err);
	for (size_t i = 0; i < n && code == BULLA_OK; i++)
		code = apply(&next, &rows[i], err);
	if (code == BULLA_OK) {
		table old = { m->rows, m->row_count };
		m->rows = next.rows;
		m->row_count = next.n;
		next = old; /* transferred */
	}
	table_done(&next);
	return code;
}

static bulla_code change_to(bulla_memory *m, uint64_t expected, uint64_t next, const bulla_kms_row *rows, size_t n,
			    bulla_error *err)
{
	TRY(bulla_store_check_rows(rows, n, err));
	TRY(bulla_store_check_generation(expected, next, err));
	if (m->generation != expected) return bulla_store_fail_generation(err);
	TRY(apply_all(m, rows, n, err));
	m->generation = next;
	return BULLA_OK;
}

static void move_head(bulla_memory *m, const bulla_log_head *head)
{
	if (head->size >= m->head.size) m->head = *head;
}

static bulla_code change(void *self, uint64_t expected, const bulla_kms_row *rows, size_t n, const bulla_log_head *head,
			 bulla_error *err)
{
	bulla_memory *m = self;
	pthread_mutex_lock(&m->lock);
	bulla_code code = change_to(m, expected, expected + 1, rows, n, err);
	if (code == BULLA_OK) move_head(m, head);
	pthread_mutex_unlock(&m->lock);
	return code;
}

static bulla_code adopt(void *self, uint64_t expected, uint64_t next, const bulla_kms_row *rows, size_t n,
			const bulla_log_head *head, bulla_error *err)
{
	bulla_memory *m = self;
	pthread_mutex_lock(&m->lock);
	bulla_code code = change_to(m, expected, next, rows, n, err);
	if (code == BULLA_OK) m->head = *head;
	pthread_mutex_unlock(&m->lock);
	return code;
}

static bulla_code set_head(void *self, const bulla_log_head *head, bulla_error *err)
{
	bulla_memory *m = self;
	(void)err;
	pthread_mutex_lock(&m->lock);
	move_head(m, head);
	pthread_mutex_unlock(&m->lock);
	return BULLA_OK;
}

static bulla_code head(void *self, bulla_log_head *ret_head, bulla_error *err)
{
	bulla_memory *m = self;
	(void)err;
	pthread_mutex_lock(&m->lock);
	*ret_head = m->head;
	pthread_mutex_unlock(&m->lock);
	return BULLA_OK;
}

/* --- notes ----------------------------------------------------------------------------------------------------- */
static bulla_memory_note *find_note(bulla_memory *m, const char *name)
{
	for (size_t i = 0; i < m->note_count; i++)
		if (strcmp(m->notes[i].name, name) == 0) return &m->notes[i];
	return NULL;
}

/* NULL: out of memory. */
static bulla_memory_note *add_note(bulla_memory *m, const char *name)
{
	bulla_memory_note *notes = reallocarray(m->notes, m->note_count + 1, sizeof *notes);
	if (!notes) return NULL;
	m->notes = notes;
	notes[m->note_count] = (bulla_memory_note){ .name = strdup(name) };
	return notes[m->note_count].name ? &notes[m->note_count++] : NULL;
}

static bulla_code put_note(bulla_memory *m, const char *name, bulla_bytes value, bulla_error *err)
{
	bulla_memory_note *note = find_note(m, name);
	bulla_buf fresh = { 0 };
	TRY(bulla_buf_add(&fresh, value, err));
	if (!note) note = add_note(m, name);
	if (!note) {
		bulla_buf_done(&fresh);
		return bulla_fail_memory(err);
	}
	bulla_buf_done(&note->value);
	note->value = fresh;
	return BULLA_OK;
}

static bulla_code note_set(void *self, const char *name, bulla_bytes value, bulla_error *err)
{
	bulla_memory *m = self;
	pthread_mutex_lock(&m->lock);
	bulla_code code = put_note(m, name, value, err);
	pthread_mutex_unlock(&m->lock);
	return code;
}

static bulla_code note_get(void *self, const char *name, bulla_buf *out, bulla_error *err)
{
	bulla_memory *m = self;
	pthread_mutex_lock(&m->lock);
	const bulla_memory_note *note = find_note(m, name);
	bulla_code code = note ? bulla_buf_add(out, bulla_view_buf(&note->value), err) : bulla_store_fail_note(err);
	pthread_mutex_unlock(&m->lock);
	return code;
}

/* --- the whole ------------------------------------------------------------------------------------------------- */
static bulla_code open_memory(const char *rest, bool create, const bulla_patience *patience, void **ret_self, bulla_error *err)
{
	(void)patience; /* nobody else has it */
	(void)create;   /* it is always new */
	if (*rest) return bulla_fail(err, BULLA_ERR_CONFIG, "memory: has no path");
	bulla_memory *m = calloc(1, sizeof *m);
	if (!m) return bulla_fail_memory(err);
	pthread_mutex_init(&m->lock, NULL);
	*ret_self = m;
	return BULLA_OK;
}

static void close_memory(void *self)
{
	bulla_memory *m = self;
	table_done(&(table){ m->rows, m->row_count });
	bulla_memory_branches_done(m);
	for (size_t i = 0; i < m->note_count; i++) {
		free(m->notes[i].name);
		bulla_buf_done(&m->notes[i].value);
	}
	free(m->notes);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static bulla_code backup(void *self, const char *path, bulla_error *err)
{
	(void)self, (void)path;
	return bulla_fail(err, BULLA_ERR_USAGE, "a store in memory cannot be backed up");
}

static const bulla_kms_store kms = {
	.version = version,
	.load = load,
	.change = change,
	.adopt = adopt,
	.set_head = set_head,
	.head = head,
};

const bulla_store_kind bulla_store_memory = {
	.scheme = "memory:",
	.open = open_memory,
	.close = close_memory,
	.backup = backup,
	.note_get = note_get,
	.note_set = note_set,
	.kms = &kms,
	.branches = &bulla_memory_branches,
};
