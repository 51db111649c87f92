/*
 * resolve_store.c - the rows of wanted keys: read by identity or version, judged, and written when they are new.
 */
#include "core/resolve_inside.h"

#include <stdlib.h>

#define ROTATIONS_MAX 3 /* tries to add a newer version of one branch */

static void take_row(bulla_resolver *r, struct bulla_want *w, const bulla_branch_row *row)
{
	bulla_error e = { 0 };
	w->version = row->version;
	w->created_us = row->created_us;
	w->row = row->state;
	bulla_buf_clear(&w->wrapped);
	if (!w->current) bulla_buf_clear(&w->identity);
	bulla_code code = w->current ? BULLA_OK : bulla_buf_add(&w->identity, row->identity, &e);
	if (code || bulla_buf_add(&w->wrapped, row->wrapped, &e))
		bulla_want_fail(r, w, &e);
	else
		w->state = WANT_OPEN;
	w->parent = BULLA_NO_PARENT;
}

struct found {
	bulla_resolver *r;
	size_t *index; /* of the want that each query is about */
};

static bulla_code each_row(void *self, size_t index, const bulla_branch_row *row, bulla_error *err)
{
	struct found *found = self;
	(void)err;
	take_row(found->r, found->r->wants[found->index[index]], row);
	return BULLA_OK;
}

bulla_code bulla_resolver_load(void *self, bulla_error *err)
{
	bulla_resolver *r = self;
	const bulla_branch_store *store = r->op->keyring->config.branches;
	bulla_bytes *identities = calloc(r->n, sizeof *identities);
	uint64_t *versions = calloc(r->n, sizeof *versions);
	size_t *by_identity = calloc(r->n, sizeof *by_identity), *by_version = calloc(r->n, sizeof *by_version);
	size_t n = 0, m = 0;
	int64_t now = r->op->keyring->config.now_us(r->op->keyring->config.now_self);
	bulla_code code = BULLA_OK;

	if (!identities || !versions || !by_identity || !by_version) {
		code = bulla_fail_memory(err);
		goto out;
	}
	for (size_t i = 0; i < r->n; i++) {
		struct bulla_want *w = r->wants[i];
		if (w->state != WANT_LOAD) continue;
		w->read_us = now;
		if (w->current) {
			by_identity[n] = i;
			identities[n++] = bulla_view_buf(&w->identity);
		} else {
			by_version[m] = i;
			versions[m++] = w->version;
		}
	}
	if (n) code = store->current(store->self, identities, n, each_row, &(struct found){ r, by_identity }, err);
	if (!code && m) code = store->by_version(store->self, versions, m, each_row, &(struct found){ r, by_version }, err);
out:
	free(identities);
	free(versions);
	free(by_identity);
	free(by_version);
	return code;
}

/* A newer version is due, unless others make them faster than we can read them back. */
static void outdated(struct bulla_want *w, bulla_error *e)
{
	if (w->made == ROTATIONS_MAX) {
		bulla_fail(e, BULLA_ERR_CONFLICT, "other processes rotate this branch key at the same time");
		return;
	}
	w->previous = w->version;
	w->follows = true;
	w->state = WANT_CREATE;
}

/* After the rows have been read: what is absent, outdated, closed or destroyed. */
void bulla_want_judge(bulla_resolver *r, struct bulla_want *w)
{
	bulla_error e = { 0 };
	if (w->state == WANT_LOAD && w->current && !w->made)
		w->state = WANT_CREATE;
	else if (w->state == WANT_LOAD && w->current)
		bulla_fail(&e, BULLA_ERR_CORRUPT, "a new branch key was written and is not in the store");
	else if (w->state == WANT_LOAD)
		bulla_fail(&e, BULLA_ERR_UNKNOWN_KEY, "the store has no branch key of version %016llx",
			   (unsigned long long)w->version);
	else if (w->state == WANT_OPEN && w->row == BULLA_BRANCH_DESTROYED)
		w->tombstone = bulla_fail(&e, BULLA_ERR_KEY_DESTROYED,
					  "the branch key was destroyed: what hangs from it is shredded") != BULLA_OK;
	else if (w->state == WANT_OPEN && w->row == BULLA_BRANCH_CLOSING && w->current)
		bulla_fail(&e, BULLA_ERR_KEY_CLOSING, "the branch key is closing and takes no new records");
	else if (w->state == WANT_OPEN && bulla_want_is_outdated(r, w, w->created_us))
		outdated(w, &e);
	if (e.code) bulla_want_fail(r, w, &e);
}

/* Of a branch that has none a first version, else the next one. Where another process was first, what it made is read back. */
static bulla_code store_rows(const bulla_branch_store *store, const bulla_branch_row *rows, const uint64_t *previous,
			     size_t first, size_t n, bulla_error *err)
{
	if (first) TRY(store->create(store->self, rows, first, err));
	return n > first ? store->rotate_all(store->self, previous + first, rows + first, n - first, err) : BULLA_OK;
}

/* A clock that was set back must not make a new version look older than the moment from which new ones count. */
static bulla_branch_row row_of(const bulla_resolver *r, const struct bulla_want *w, bulla_bytes print, int64_t now)
{
	return (bulla_branch_row){ .identity = bulla_view_buf(&w->identity),
				   .print = print,
				   .version = w->version,
				   .state = BULLA_BRANCH_ACTIVE,
				   .wrapped = bulla_view_buf(&w->wrapping->bytes),
				   .created_us = now < r->since_us ? r->since_us : now };
}

bulla_code bulla_resolver_insert(void *self, bulla_error *err)
{
	bulla_resolver *r = self;
	bulla_branch_row *rows = calloc(r->n, sizeof *rows);
	bulla_buf *prints = calloc(r->n, sizeof *prints);
	uint64_t *previous = calloc(r->n, sizeof *previous);
	int64_t now = r->op->keyring->config.now_us(r->op->keyring->config.now_self);
	size_t n = 0, first = 0; /* the first versions lie in front */
	bulla_code code = rows && prints && previous ? BULLA_OK : bulla_fail_memory(err);

	for (size_t i = 0; i < 2 * r->n && !code; i++) {
		const struct bulla_want *w = r->wants[i % r->n];
		if (w->state != WANT_INSERT || w->follows != (i >= r->n)) continue;
		code = bulla_branch_print(bulla_view_buf(&w->identity), &prints[n], err);
		rows[n] = row_of(r, w, bulla_view_buf(&prints[n]), now);
		previous[n++] = w->previous;
		first += !w->follows;
	}
	if (!code) code = store_rows(r->op->keyring->config.branches, rows, previous, first, n, err);
	for (size_t i = 0; i < n; i++)
		bulla_buf_done(&prints[i]);
	free(rows);
	free(prints);
	free(previous);
	return code;
}
