/*
 * rewrap.c - after a rotation: branch and index keys under the newest material of their KMS key.
 *
 * The engine re-encrypts them, so no plaintext leaves it; commitment and checks stay, and with them everything that hangs from a
 * branch. Cut off anywhere, each branch key is under the old material or the new: both open.
 */
#include "lib/inside.h"
#include "format/wrapped_key.h"

#include <stdlib.h>

#define GROUP        BULLA_ENGINE_GROUP_MAX
#define VERSIONS_MAX (64u << 20) /* bytes: 8 million branch keys */

typedef struct rewrap {
	bulla_project *project;
	bulla_lane *lane;
	const bulla_key_info *key;
	bulla_buf versions; /* u64 each, of every branch key that is not destroyed */
	uint64_t done;
	/* of one group */
	size_t n;
	uint64_t of[GROUP];
	size_t stale[GROUP];      /* which wrap of the key is to be replaced */
	bulla_buf wrapped[GROUP]; /* as it lies in the store */
	bulla_buf contexts[GROUP];
	bulla_engine_request requests[GROUP];
	bulla_engine_reply replies[GROUP];
} rewrap;

static bulla_code take_version(void *self, const bulla_branch_row *row, bulla_error *err)
{
	rewrap *r = self;
	if (row->state == BULLA_BRANCH_DESTROYED) return BULLA_OK;
	return bulla_buf_add_u64(&r->versions, row->version, err);
}

/* The place of the wrap by an older material of that key; wrap_count when there is none. */
static size_t find_stale(const rewrap *r, const bulla_wrapped_key *key)
{
	for (size_t i = 0; i < key->wrap_count; i++) {
		uint8_t uuid[BULLA_UUID_SIZE], material[BULLA_MATERIAL_ID_SIZE];
		const bulla_wrap *wrap = &key->wraps[i];
		if (wrap->kind != BULLA_WRAP_ENGINE || bulla_engine_blob_parse(wrap->blob, uuid, material, NULL)) continue;
		if (memcmp(uuid, r->key->uuid, sizeof uuid) == 0 &&
		    memcmp(material, r->key->current_material, sizeof material) != 0)
			return i;
	}
	return key->wrap_count;
}

static bulla_code take_row(void *self, size_t index, const bulla_branch_row *row, bulla_error *err)
{
	rewrap *r = self;
	bulla_wrapped_key key;
	(void)index;
	if (row->state == BULLA_BRANCH_DESTROYED) return BULLA_OK; /* meanwhile */
	TRY(bulla_wrapped_key_parse(row->wrapped, &key, err));
	r->stale[r->n] = find_stale(r, &key);
	if (r->stale[r->n] == key.wrap_count) return BULLA_OK;
	TRY(bulla_buf_add(&r->wrapped[r->n], row->wrapped, err));
	bulla_code code = bulla_project_branch_context(r->project, r->lane, row, &r->contexts[r->n], err);
	if (code == BULLA_OK) r->of[r->n++] = row->version;
	return code == BULLA_ERR_NOT_FOUND ? BULLA_OK
					   : code; /* of a model that is not in bulla.yaml any more: it stays as it is */
}

static bulla_code ask(rewrap *r, bulla_error *err)
{
	for (size_t i = 0; i < r->n; i++) {
		bulla_wrapped_key key;
		TRY(bulla_wrapped_key_parse(bulla_view_buf(&r->wrapped[i]), &key, err));
		r->requests[i] = (bulla_engine_request){
			.operation = BULLA_ENGINE_RE_ENCRYPT,
			.key_id = bulla_view_str(r->key->id),
			.context = bulla_view_buf(&r->contexts[i]),
			.new_context = bulla_view_buf(&r->contexts[i]),
			.input = key.wraps[r->stale[i]].blob,
		};
	}
	return bulla_engine_call(r->project->engine, r->requests, r->n, r->replies, err);
}

/* A branch key that somebody else changed meanwhile is left to the next run. */
static bulla_code store_one(rewrap *r, size_t i, bulla_error *err)
{
	bulla_wrapped_key key;
	BULLA_BUF_AUTO bulla_buf fresh = { 0 };
	const bulla_engine_reply *reply = &r->replies[i];
	const bulla_branch_store *store = &r->project->branches;
	if (reply->code) return bulla_fail(err, reply->code, "%s", reply->text);
	TRY(bulla_wrapped_key_parse(bulla_view_buf(&r->wrapped[i]), &key, err));
	bulla_wrap *wrap = &key.wraps[r->stale[i]];
	wrap->blob = bulla_view_buf(&reply->blob);
	wrap->reference = bulla_get_u64(reply->material_id);
	TRY(bulla_wrapped_key_write(&key, &fresh, err));
	bulla_code code = store->rewrap(store->self, r->of[i], bulla_view_buf(&r->wrapped[i]), bulla_view_buf(&fresh), err);
	r->done += code == BULLA_OK;
	return code == BULLA_ERR_CONFLICT ? BULLA_OK : code;
}

static void forget_group(rewrap *r)
{
	for (size_t i = 0; i < GROUP; i++) {
		bulla_buf_done(&r->wrapped[i]);
		bulla_buf_done(&r->contexts[i]);
		bulla_engine_reply_done(&r->replies[i]);
	}
	r->n = 0;
}

static bulla_code do_group(rewrap *r, const uint64_t *versions, size_t n, bulla_error *err)
{
	const bulla_branch_store *store = &r->project->branches;
	bulla_code code = store->by_version(store->self, versions, n, take_row, r, err);
	if (code == BULLA_OK && r->n) code = ask(r, err);
	for (size_t i = 0; i < r->n && code == BULLA_OK; i++)
		code = store_one(r, i, err);
	forget_group(r);
	return code;
}

static bulla_code do_all(rewrap *r, bulla_error *err)
{
	const bulla_branch_store *store = &r->project->branches;
	uint64_t versions[GROUP];
	TRY(bulla_lane_new(&r->lane, err));
	TRY(store->each(store->self, take_version, r, err));
	for (size_t at = 0; at < r->versions.len;) {
		size_t n = 0;
		for (; n < GROUP && at < r->versions.len; at += 8)
			versions[n++] = bulla_get_u64(r->versions.data + at);
		TRY(do_group(r, versions, n, err));
	}
	return BULLA_OK;
}

bulla_code bulla_project_rewrap(bulla_project *project, const bulla_key_info *key, uint64_t *ret_rewrapped, bulla_error *err)
{
	rewrap *r = calloc(1, sizeof *r);
	if (!r) return bulla_fail_memory(err);
	*r = (rewrap){ .project = project, .key = key, .versions = { .max = VERSIONS_MAX } };
	bulla_code code = do_all(r, err);
	*ret_rewrapped = r->done;
	bulla_lane_free(r->lane);
	bulla_buf_done(&r->versions);
	free(r);
	return code;
}
