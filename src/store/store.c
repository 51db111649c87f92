/*
 * store.c - opens a store by its URL and lends its tables.
 */
#include "store/kind.h"

#include <stdio.h>
#include <stdlib.h>

struct bulla_store {
	const bulla_store_kind *kind;
	void *self;
};

static const bulla_store_kind *const kinds[] = { &bulla_store_sqlite, &bulla_store_postgres, &bulla_store_memory };

static const bulla_store_kind *kind_of(const char *url)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strncmp(url, kinds[i]->scheme, strlen(kinds[i]->scheme)) == 0) return kinds[i];
	return NULL;
}

void bulla_store_place(const char *url, char out[static BULLA_STORE_PLACE_MAX])
{
	const bulla_store_kind *kind = kind_of(url);
	out[0] = 0;
	if (kind && kind->place)
		kind->place(url + strlen(kind->scheme), out);
	else
		(void)snprintf(out, BULLA_STORE_PLACE_MAX, "%s", kind ? url + strlen(kind->scheme) : "of an unknown kind");
}

bulla_code bulla_store_open_patiently(const char *url, bool create, const bulla_patience *patience, bulla_store **out,
				      bulla_error *err)
{
	const bulla_store_kind *kind = kind_of(url);
	if (!kind) {
		bulla_code code = bulla_fail(err, BULLA_ERR_CONFIG, "a store of an unknown kind");
		return bulla_advise(err, code, "store: sqlite:PATH or postgresql://HOST/DATABASE (or memory: for tests)");
	}
	bulla_store *store = calloc(1, sizeof *store);
	if (!store) return bulla_fail_memory(err);
	store->kind = kind;
	bulla_code code = kind->open(url + strlen(kind->scheme), create, patience, &store->self, err);
	if (code) {
		free(store);
		return code;
	}
	*out = store;
	return BULLA_OK;
}

bulla_code bulla_store_open(const char *url, bool create, bulla_store **out, bulla_error *err)
{
	static const bulla_patience usual;
	return bulla_store_open_patiently(url, create, &usual, out, err);
}

void bulla_store_close(bulla_store *store)
{
	if (!store) return;
	store->kind->close(store->self);
	free(store);
}

bulla_kms_store bulla_store_kms(bulla_store *store)
{
	bulla_kms_store table = *store->kind->kms;
	table.self = store->self;
	return table;
}

bulla_branch_store bulla_store_branches(bulla_store *store)
{
	bulla_branch_store table = *store->kind->branches;
	table.self = store->self;
	return table;
}

bulla_code bulla_store_backup(bulla_store *store, const char *path, bulla_error *err)
{
	return store->kind->backup(store->self, path, err);
}

bulla_code bulla_store_replace(bulla_store *to, bulla_store *from, const char *keep_as, bulla_error *err)
{
	if (!to->kind->take || !from->kind->give)
		return bulla_fail(err, BULLA_ERR_USAGE, "a store of this kind is not copied row by row");
	return to->kind->take(to->self, from->kind->give, from->self, keep_as, err);
}

bool bulla_store_has_log(const bulla_store *store)
{
	return store->kind->log_open != NULL;
}

bulla_code bulla_store_log_open(bulla_store *store, const char *origin, const bulla_secret *seed, bool create, bulla_log **out,
				bulla_error *err)
{
	if (!bulla_store_has_log(store)) return bulla_fail(err, BULLA_ERR_USAGE, "this store does not keep its audit log");
	return store->kind->log_open(store->self, origin, seed, create, out, err);
}

bulla_code bulla_store_log_verify(bulla_store *store, const char *origin, const uint8_t public_key[static 32],
				  void (*progress)(void *self, uint64_t done, uint64_t total), void *self, bulla_log_report *ret,
				  bulla_error *err)
{
	if (!bulla_store_has_log(store)) return bulla_fail(err, BULLA_ERR_USAGE, "this store does not keep its audit log");
	return store->kind->log_verify(store->self, origin, public_key, progress, self, ret, err);
}

bulla_code bulla_store_log_export(bulla_store *store, const char *origin, const char *directory, bulla_error *err)
{
	if (!bulla_store_has_log(store)) return bulla_fail(err, BULLA_ERR_USAGE, "this store does not keep its audit log");
	return store->kind->log_export(store->self, origin, directory, err);
}

bulla_code bulla_store_examine(bulla_store *store, bulla_store_server *ret, bulla_error *err)
{
	*ret = (bulla_store_server){ 0 };
	return store->kind->examine ? store->kind->examine(store->self, ret, err) : BULLA_OK;
}

static bulla_code check_name(const char *name, bulla_error *err)
{
	size_t n = strlen(name);
	if (n == 0 || n > BULLA_STORE_NOTE_NAME_MAX)
		return bulla_fail(err, BULLA_ERR_USAGE, "the name of a note has 1 to %d bytes", BULLA_STORE_NOTE_NAME_MAX);
	return BULLA_OK;
}

bulla_code bulla_store_note_get(bulla_store *store, const char *name, bulla_buf *out, bulla_error *err)
{
	TRY(check_name(name, err));
	return store->kind->note_get(store->self, name, out, err);
}

bulla_code bulla_store_note_set(bulla_store *store, const char *name, bulla_bytes value, bulla_error *err)
{
	TRY(check_name(name, err));
	if (value.len > BULLA_STORE_NOTE_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "a note has at most %d bytes", BULLA_STORE_NOTE_MAX);
	return store->kind->note_set(store->self, name, value, err);
}

/* --- checks ---------------------------------------------------------------------------------------------------- */
bulla_code bulla_store_check_rows(const bulla_kms_row *rows, size_t n, bulla_error *err)
{
	if (n == 0) return bulla_fail(err, BULLA_ERR_USAGE, "a change of the key store without rows");
	for (size_t i = 0; i < n; i++) {
		if (rows[i].table < BULLA_KMS_META || rows[i].table >= BULLA_KMS_TABLES || rows[i].id.len == 0)
			return bulla_fail(err, BULLA_ERR_USAGE, "a row of the key store without table or id");
		if (rows[i].id.len > BULLA_STORE_IDENTITY_MAX || rows[i].data.len > BULLA_STORE_ROW_MAX)
			return bulla_fail(err, BULLA_ERR_LIMIT, "a row of the key store is too large");
	}
	return BULLA_OK;
}

bulla_code bulla_store_check_branch(const bulla_branch_row *row, bulla_error *err)
{
	if (row->identity.len == 0 || row->state < BULLA_BRANCH_ACTIVE || row->state > BULLA_BRANCH_DESTROYED)
		return bulla_fail(err, BULLA_ERR_USAGE, "a branch without identity or state");
	if (row->identity.len > BULLA_STORE_IDENTITY_MAX || row->print.len > BULLA_STORE_PRINT_MAX ||
	    row->wrapped.len > BULLA_STORE_WRAPPED_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "the identity of a branch has at most %d bytes",
				  BULLA_STORE_IDENTITY_MAX);
	return BULLA_OK;
}

bulla_code bulla_store_check_move(bulla_branch_state from, bulla_branch_state to, bulla_error *err)
{
	bool known = from >= BULLA_BRANCH_ACTIVE && from < BULLA_BRANCH_DESTROYED && to >= BULLA_BRANCH_ACTIVE &&
		     to <= BULLA_BRANCH_DESTROYED;
	if (known && from != to) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_USAGE, "a branch moves from one state to another, and never from destroyed");
}

bulla_code bulla_store_check_passed(bulla_branch_state state, bulla_branch_state from, bulla_branch_state to, bulla_error *err)
{
	if (state == from || state == to || state == BULLA_BRANCH_DESTROYED) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_CONFLICT, "somebody else moved the branch to another state meanwhile");
}

bulla_code bulla_store_check_moved(size_t n, size_t destroyed, bulla_branch_state to, bulla_error *err)
{
	if (n == 0) return bulla_fail(err, BULLA_ERR_NOT_FOUND, "the key store has no such branch");
	if (n > destroyed || to == BULLA_BRANCH_DESTROYED) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_KEY_DESTROYED, "the branch key was destroyed, and does not come back");
}

bulla_code bulla_store_check_follows(bulla_branch_state newest, bulla_branch_state next, bulla_error *err)
{
	if (next != BULLA_BRANCH_ACTIVE || newest == BULLA_BRANCH_ACTIVE) return BULLA_OK;
	if (newest == BULLA_BRANCH_CLOSING)
		return bulla_fail(err, BULLA_ERR_KEY_CLOSING, "the branch key is closing and gets no new version");
	return bulla_fail(err, BULLA_ERR_KEY_DESTROYED, "the branch key was destroyed, and gets no new version");
}

bulla_code bulla_store_check_generation(uint64_t expected, uint64_t next, bulla_error *err)
{
	if (next <= expected || next > INT64_MAX)
		return bulla_fail(err, BULLA_ERR_USAGE, "the generation of a key store only grows");
	return BULLA_OK;
}

/* --- texts ----------------------------------------------------------------------------------------------------- */
bulla_code bulla_store_fail_generation(bulla_error *err)
{
	return bulla_fail(err, BULLA_ERR_CONFLICT, "the key store was changed by somebody else meanwhile");
}

bulla_code bulla_store_fail_version(bulla_error *err)
{
	return bulla_fail(err, BULLA_ERR_CONFLICT, "the version number of a new branch key is taken");
}

bulla_code bulla_store_fail_newest(bulla_error *err)
{
	return bulla_fail(err, BULLA_ERR_CONFLICT, "the branch has a newer version than the one to follow");
}

bulla_code bulla_store_fail_wrapped(bulla_error *err)
{
	return bulla_fail(err, BULLA_ERR_CONFLICT, "the branch key was wrapped again by somebody else meanwhile");
}

bulla_code bulla_store_fail_note(bulla_error *err)
{
	return bulla_fail(err, BULLA_ERR_NOT_FOUND, "the store has no note of that name");
}
