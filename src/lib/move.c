/*
 * move.c - which branch keys hang from a KMS key, and their new wraps into the store.
 *
 * Cut off anywhere, each branch key hangs from the old key or from the new: both open it.
 */
#include "lib/move.h"

#include "core/rehang.h"
#include "io/drive.h"
#include "lib/inside.h"

#include <stdlib.h>

#define GROUP        500
#define VERSIONS_MAX (64u << 20) /* bytes: 8 million branch keys */

typedef struct move {
	bulla_project *project;
	const uint8_t *uuid;
	bulla_lane *lane;
	bulla_buf versions; /* u64 each, of every branch key that hangs from the key */
	size_t n;           /* of one group: */
	bulla_rehang_row rows[GROUP];
	bulla_buf identities[GROUP], wrapped[GROUP], contexts[GROUP];
	bulla_moved *ret;
} move;

/* --- which --------------------------------------------------------------------------------------------------------- */
static bool hangs(const move *m, bulla_bytes wrapped)
{
	uint8_t uuid[BULLA_UUID_SIZE], material[BULLA_MATERIAL_ID_SIZE];
	bulla_wrapped_key key;
	if (bulla_wrapped_key_parse(wrapped, &key, NULL)) return false;
	for (size_t i = 0; i < key.wrap_count; i++)
		if (key.wraps[i].kind == BULLA_WRAP_ENGINE && !bulla_engine_blob_parse(key.wraps[i].blob, uuid, material, NULL) &&
		    memcmp(uuid, m->uuid, sizeof uuid) == 0)
			return true;
	return false;
}

static bulla_code take_version(void *self, const bulla_branch_row *row, bulla_error *err)
{
	move *m = self;
	if (row->state == BULLA_BRANCH_DESTROYED || !hangs(m, row->wrapped)) return BULLA_OK;
	return bulla_buf_add_u64(&m->versions, row->version, err);
}

static void leave(move *m, bulla_code code, const char *why)
{
	m->ret->left++;
	if (!m->ret->why.code) (void)bulla_fail(&m->ret->why, code, "%s", why);
}

static bulla_code take_row(void *self, size_t index, const bulla_branch_row *row, bulla_error *err)
{
	move *m = self;
	bulla_error why = { 0 };
	(void)index;
	if (row->state == BULLA_BRANCH_DESTROYED) return BULLA_OK; /* meanwhile */
	bulla_code code = bulla_project_branch_context(m->project, m->lane, row, &m->contexts[m->n], &why);
	if (code) {
		leave(m, code, why.text);
		bulla_buf_clear(&m->contexts[m->n]);
		return BULLA_OK;
	}
	TRY(bulla_buf_add(&m->identities[m->n], row->identity, err));
	TRY(bulla_buf_add(&m->wrapped[m->n], row->wrapped, err));
	m->rows[m->n++].version = row->version;
	return BULLA_OK;
}

/* --- new wraps ------------------------------------------------------------------------------------------------------ */
/* One that somebody else changed meanwhile is left to the next run. */
static bulla_code store_one(move *m, const bulla_rehang_row *row, bulla_error *err)
{
	const bulla_branch_store *store = &m->project->branches;
	TRY(row->code ? bulla_fail(err, row->code, "the keys of bulla.yaml did not wrap it: %s", bulla_code_name(row->code))
		      : BULLA_OK);
	if (hangs(m, row->made)) return bulla_fail(err, BULLA_ERR_REFUSED, "the environment still wraps with that key");
	TRY(store->rewrap(store->self, row->version, row->wrapped, row->made, err));
	m->ret->moved++;
	return BULLA_OK;
}

static bulla_code rehang(move *m, bulla_error *err)
{
	bulla_rehang *r;
	for (size_t i = 0; i < m->n; i++) {
		m->rows[i].identity = bulla_view_buf(&m->identities[i]);
		m->rows[i].wrapped = bulla_view_buf(&m->wrapped[i]);
		m->rows[i].context = bulla_view_buf(&m->contexts[i]);
	}
	TRY(bulla_rehang_new(m->project->keyring, m->rows, m->n, &r, err));
	bulla_code code = bulla_drive(bulla_rehang_op(r), err);
	for (size_t i = 0; i < m->n && !code; i++) {
		bulla_error why = { 0 };
		if (store_one(m, &m->rows[i], &why)) leave(m, why.code, why.text);
	}
	bulla_rehang_free(r);
	return code;
}

static void forget_group(move *m)
{
	for (size_t i = 0; i < GROUP; i++) {
		bulla_buf_done(&m->identities[i]);
		bulla_buf_done(&m->wrapped[i]);
		bulla_buf_done(&m->contexts[i]);
		m->rows[i] = (bulla_rehang_row){ 0 };
	}
	m->n = 0;
}

static bulla_code do_group(move *m, const uint64_t *versions, size_t n, bulla_error *err)
{
	const bulla_branch_store *store = &m->project->branches;
	bulla_code code = store->by_version(store->self, versions, n, take_row, m, err);
	if (code == BULLA_OK && m->n) code = rehang(m, err);
	forget_group(m);
	return code;
}

/* --- the whole ------------------------------------------------------------------------------------------------------ */
static bulla_code open_keyring(bulla_project *project, bulla_error *err)
{
	static const bulla_keyring_options options = { .size = sizeof options };
	return project->keyring ? BULLA_OK : bulla_project_open_keyring(project, &options, err);
}

static bulla_code do_all(move *m, bulla_error *err)
{
	const bulla_branch_store *store = &m->project->branches;
	uint64_t versions[GROUP];
	TRY(store->each(store->self, take_version, m, err));
	if (m->versions.len == 0) return BULLA_OK;
	TRY(open_keyring(m->project, err));
	TRY(bulla_lane_new(&m->lane, err));
	for (size_t at = 0; at < m->versions.len;) {
		size_t n = 0;
		for (; n < GROUP && at < m->versions.len; at += 8)
			versions[n++] = bulla_get_u64(m->versions.data + at);
		TRY(do_group(m, versions, n, err));
	}
	return BULLA_OK;
}

bulla_code bulla_project_move(bulla_project *project, const uint8_t uuid[static BULLA_UUID_SIZE], bulla_moved *ret,
			      bulla_error *err)
{
	move *m = calloc(1, sizeof *m);
	*ret = (bulla_moved){ 0 };
	if (!m) return bulla_fail_memory(err);
	*m = (move){ .project = project, .uuid = uuid, .versions = { .max = VERSIONS_MAX }, .ret = ret };
	bulla_code code = do_all(m, err);
	bulla_lane_free(m->lane);
	bulla_buf_done(&m->versions);
	free(m);
	return code;
}
