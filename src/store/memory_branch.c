/*
 * memory_branch.c - branch keys in a store in memory.
 */
#include "store/memory.h"

#include "base/secret.h"

#include <stdlib.h>

static void branch_free(bulla_memory_branch *b)
{
	if (!b) return;
	bulla_memory_free(b->row.identity);
	bulla_memory_free(b->row.print);
	bulla_memory_free(b->row.wrapped);
	free(b);
}

void bulla_memory_branches_done(bulla_memory *m)
{
	for (size_t i = 0; i < m->branch_count; i++)
		branch_free(m->by_version[i]);
	free(m->by_version);
	free(m->by_identity);
}

/* NULL: out of memory. */
static bulla_memory_branch *branch_copy(const bulla_branch_row *row, uint64_t sequence)
{
	bulla_memory_branch *b = calloc(1, sizeof *b);
	bulla_error ignored;
	if (!b) return NULL;
	b->row = (bulla_branch_row){ .version = row->version, .state = row->state, .created_us = row->created_us };
	b->sequence = sequence;
	if (bulla_memory_copy(row->identity, &b->row.identity, &ignored) ||
	    bulla_memory_copy(row->print, &b->row.print, &ignored) ||
	    bulla_memory_copy(row->wrapped, &b->row.wrapped, &ignored)) {
		branch_free(b);
		return NULL;
	}
	return b;
}

/* --- finding --------------------------------------------------------------------------------------------------- */
static size_t place_of_version(const bulla_memory *m, uint64_t version)
{
	size_t low = 0, high = m->branch_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (m->by_version[middle]->row.version < version)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bulla_memory_branch *find_version(const bulla_memory *m, uint64_t version)
{
	size_t at = place_of_version(m, version);
	return at < m->branch_count && m->by_version[at]->row.version == version ? m->by_version[at] : NULL;
}

/* Behind the newest version of `identity`. */
static size_t place_behind(const bulla_memory *m, bulla_bytes identity)
{
	size_t low = 0, high = m->branch_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (bulla_bytes_compare(m->by_identity[middle]->row.identity, identity) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_of(const bulla_memory_branch *b, bulla_bytes identity)
{
	return bulla_bytes_equal(b->row.identity, identity);
}

/* At the oldest version of `identity`, or where it would be. */
static size_t place_of(const bulla_memory *m, bulla_bytes identity)
{
	size_t at = place_behind(m, identity);
	while (at > 0 && is_of(m->by_identity[at - 1], identity))
		at--;
	return at;
}

/* The newest that is not destroyed, else the newest tombstone, else NULL. */
static bulla_memory_branch *find_current(const bulla_memory *m, bulla_bytes identity)
{
	size_t end = place_behind(m, identity);
	for (size_t i = end; i > 0 && is_of(m->by_identity[i - 1], identity); i--)
		if (m->by_identity[i - 1]->row.state != BULLA_BRANCH_DESTROYED) return m->by_identity[i - 1];
	return end > 0 && is_of(m->by_identity[end - 1], identity) ? m->by_identity[end - 1] : NULL;
}

static uint64_t newest_sequence(const bulla_memory *m, bulla_bytes identity)
{
	size_t end = place_behind(m, identity);
	return end > 0 && is_of(m->by_identity[end - 1], identity) ? m->by_identity[end - 1]->sequence : 0;
}

/* --- writing --------------------------------------------------------------------------------------------------- */
static bool make_room(bulla_memory *m, size_t extra)
{
	if (m->branch_count + extra <= m->branch_cap) return true;
	size_t cap = 2 * m->branch_cap > m->branch_count + extra ? 2 * m->branch_cap : m->branch_count + extra;
	bulla_memory_branch **by_identity = reallocarray(m->by_identity, cap, sizeof *by_identity);
	if (by_identity) m->by_identity = by_identity;
	bulla_memory_branch **by_version = reallocarray(m->by_version, cap, sizeof *by_version);
	if (by_version) m->by_version = by_version;
	if (!by_identity || !by_version) return false;
	m->branch_cap = cap;
	return true;
}

static void put_at(bulla_memory_branch **list, size_t n, size_t at, bulla_memory_branch *b)
{
	memmove(&list[at + 1], &list[at], (n - at) * sizeof *list);
	list[at] = b;
}

/* There is room. */
static void insert(bulla_memory *m, bulla_memory_branch *b)
{
	put_at(m->by_identity, m->branch_count, place_behind(m, b->row.identity), b);
	put_at(m->by_version, m->branch_count, place_of_version(m, b->row.version), b);
	m->branch_count++;
}

static bulla_code add(bulla_memory *m, const bulla_branch_row *row, uint64_t sequence, bulla_error *err)
{
	TRY(bulla_store_check_branch(row, err));
	if (find_version(m, row->version)) return bulla_store_fail_version(err);
	if (!make_room(m, 1)) return bulla_fail_memory(err);
	bulla_memory_branch *b = branch_copy(row, sequence);
	if (!b) return bulla_fail_memory(err);
	insert(m, b);
	return BULLA_OK;
}

static void take_out(bulla_memory *m, uint64_t version)
{
	size_t at = place_of_version(m, version), i = 0;
	bulla_memory_branch *b = m->by_version[at];
	while (m->by_identity[i] != b)
		i++;
	m->branch_count--;
	memmove(&m->by_version[at], &m->by_version[at + 1], (m->branch_count - at) * sizeof *m->by_version);
	memmove(&m->by_identity[i], &m->by_identity[i + 1], (m->branch_count - i) * sizeof *m->by_identity);
	branch_free(b);
}

/* Is the row's place free: the branch has no version yet, or its newest is `previous` (NULL: it must have none), and may be followed? */
static bool is_next(const bulla_memory *m, const bulla_branch_row *row, const uint64_t *previous)
{
	const bulla_memory_branch *newest = find_current(m, row->identity);
	if (!previous) return newest_sequence(m, row->identity) == 0;
	return newest && newest->row.version == *previous &&
	       bulla_store_check_follows(newest->row.state, row->state, NULL) == BULLA_OK;
}

/* All or none: what was added before a failure goes again. `added` has a place for each row. */
static bulla_code add_all(bulla_memory *m, const uint64_t *previous, const bulla_branch_row *rows, size_t n, bool *added,
			  bulla_error *err)
{
	bulla_code code = BULLA_OK;
	size_t i = 0;
	for (; i < n && code == BULLA_OK; i++) {
		code = bulla_store_check_branch(&rows[i], err);
		if (code || !is_next(m, &rows[i], previous ? &previous[i] : NULL)) continue;
		code = add(m, &rows[i], newest_sequence(m, rows[i].identity) + 1, err);
		added[i] = code == BULLA_OK;
	}
	while (code && i-- > 0)
		if (added[i]) take_out(m, rows[i].version);
	return code;
}

static bulla_code rotate_all(void *self, const uint64_t *previous, const bulla_branch_row *rows, size_t n, bulla_error *err)
{
	bulla_memory *m = self;
	bool *added = calloc(n + 1, sizeof *added);
	if (!added) return bulla_fail_memory(err);
	pthread_mutex_lock(&m->lock);
	bulla_code code = add_all(m, previous, rows, n, added, err);
	pthread_mutex_unlock(&m->lock);
	free(added);
	return code;
}

static bulla_code create(void *self, const bulla_branch_row *rows, size_t n, bulla_error *err)
{
	return rotate_all(self, NULL, rows, n, err);
}

static bulla_code add_next(bulla_memory *m, uint64_t previous, const bulla_branch_row *row, bulla_error *err)
{
	const bulla_memory_branch *newest = find_current(m, row->identity);
	if (!newest || newest->row.version != previous) return bulla_store_fail_newest(err);
	TRY(bulla_store_check_follows(newest->row.state, row->state, err));
	return add(m, row, newest_sequence(m, row->identity) + 1, err);
}

static bulla_code rotate(void *self, uint64_t previous, const bulla_branch_row *row, bulla_error *err)
{
	bulla_memory *m = self;
	pthread_mutex_lock(&m->lock);
	bulla_code code = add_next(m, previous, row, err);
	pthread_mutex_unlock(&m->lock);
	return code;
}

static bulla_code replace(bulla_memory *m, uint64_t version, bulla_bytes old_wrapped, bulla_bytes new_wrapped, bulla_error *err)
{
	bulla_memory_branch *b = find_version(m, version);
	bulla_bytes copy;
	if (!b || !bulla_bytes_equal(b->row.wrapped, old_wrapped)) return bulla_store_fail_wrapped(err);
	TRY(bulla_memory_copy(new_wrapped, &copy, err));
	bulla_memory_free(b->row.wrapped);
	b->row.wrapped = copy;
	return BULLA_OK;
}

static bulla_code rewrap(void *self, uint64_t version, bulla_bytes old_wrapped, bulla_bytes new_wrapped, bulla_error *err)
{
	bulla_memory *m = self;
	if (new_wrapped.len > BULLA_STORE_WRAPPED_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "a wrapped branch key is too long");
	pthread_mutex_lock(&m->lock);
	bulla_code code = replace(m, version, old_wrapped, new_wrapped, err);
	pthread_mutex_unlock(&m->lock);
	return code;
}

static void move_one(bulla_branch_row *row, bulla_branch_state to)
{
	row->state = to;
	if (to != BULLA_BRANCH_DESTROYED) return;
	bulla_wipe((void *)row->wrapped.data, row->wrapped.len);
	bulla_memory_free(row->wrapped);
	row->wrapped = (bulla_bytes){ 0 };
}

static bulla_code move_all(bulla_memory *m, bulla_bytes identity, bulla_branch_state from, bulla_branch_state to,
			   bulla_error *err)
{
	size_t begin = place_of(m, identity), end = place_behind(m, identity), destroyed = 0;
	for (size_t i = begin; i < end; i++) {
		bulla_branch_state state = m->by_identity[i]->row.state;
		TRY(bulla_store_check_passed(state, from, to, err));
		destroyed += state == BULLA_BRANCH_DESTROYED;
	}
	for (size_t i = begin; i < end; i++)
		if (m->by_identity[i]->row.state == from) move_one(&m->by_identity[i]->row, to);
	return bulla_store_check_moved(end - begin, destroyed, to, err);
}

static bulla_code set_state(void *self, bulla_bytes identity, bulla_branch_state from, bulla_branch_state to, bulla_error *err)
{
	bulla_memory *m = self;
	TRY(bulla_store_check_move(from, to, err));
	pthread_mutex_lock(&m->lock);
	bulla_code code = move_all(m, identity, from, to, err);
	pthread_mutex_unlock(&m->lock);
	return code;
}

/* --- reading --------------------------------------------------------------------------------------------------- */
static bulla_code current(void *self, const bulla_bytes *identities, size_t n,
			  bulla_code (*each)(void *each_self, size_t index, const bulla_branch_row *row, bulla_error *err),
			  void *each_self, bulla_error *err)
{
	bulla_memory *m = self;
	bulla_code code = BULLA_OK;
	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < n && code == BULLA_OK; i++) {
		const bulla_memory_branch *b = find_current(m, identities[i]);
		if (b) code = each(each_self, i, &b->row, err);
	}
	pthread_mutex_unlock(&m->lock);
	return code;
}

static bulla_code by_version(void *self, const uint64_t *versions, size_t n,
			     bulla_code (*each)(void *each_self, size_t index, const bulla_branch_row *row, bulla_error *err),
			     void *each_self, bulla_error *err)
{
	bulla_memory *m = self;
	bulla_code code = BULLA_OK;
	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < n && code == BULLA_OK; i++) {
		const bulla_memory_branch *b = find_version(m, versions[i]);
		if (b) code = each(each_self, i, &b->row, err);
	}
	pthread_mutex_unlock(&m->lock);
	return code;
}

static bulla_code versions(void *self, bulla_bytes identity,
			   bulla_code (*each)(void *each_self, const bulla_branch_row *row, bulla_error *err), void *each_self,
			   bulla_error *err)
{
	bulla_memory *m = self;
	bulla_code code = BULLA_OK;
	pthread_mutex_lock(&m->lock);
	size_t end = place_behind(m, identity), i = place_of(m, identity);
	for (; i < end && code == BULLA_OK; i++)
		code = each(each_self, &m->by_identity[i]->row, err);
	pthread_mutex_unlock(&m->lock);
	return code;
}

static bool is_asked_for(const bulla_branch_row *row, const bulla_branch_query *query)
{
	if (query->print.len) return bulla_bytes_equal(row->print, query->print);
	return query->closing ? row->state == BULLA_BRANCH_CLOSING : row->created_us >= query->since_us;
}

static bulla_code some(void *self, const bulla_branch_query *query,
		       bulla_code (*each)(void *each_self, const bulla_branch_row *row, bulla_error *err), void *each_self,
		       bulla_error *err)
{
	bulla_memory *m = self;
	bulla_code code = BULLA_OK;
	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < m->branch_count && code == BULLA_OK; i++)
		if (is_asked_for(&m->by_identity[i]->row, query)) code = each(each_self, &m->by_identity[i]->row, err);
	pthread_mutex_unlock(&m->lock);
	return code;
}

static bulla_code each_branch(void *self, bulla_code (*each)(void *each_self, const bulla_branch_row *row, bulla_error *err),
			      void *each_self, bulla_error *err)
{
	bulla_memory *m = self;
	bulla_code code = BULLA_OK;
	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < m->branch_count && code == BULLA_OK; i++)
		code = each(each_self, &m->by_identity[i]->row, err);
	pthread_mutex_unlock(&m->lock);
	return code;
}

const bulla_branch_store bulla_memory_branches = {
	.current = current,
	.by_version = by_version,
	.versions = versions,
	.create = create,
	.rotate = rotate,
	.rotate_all = rotate_all,
	.rewrap = rewrap,
	.set_state = set_state,
	.some = some,
	.each = each_branch,
};
