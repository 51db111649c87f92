/*
 * postgres_log.c - an audit log in PostgreSQL: opening it, and what its head says.
 */
#include "store/postgres_log.h"

#include "crypto/sign.h"

#include <stdlib.h>

/* --- being inside ---------------------------------------------------------------------------------------------- */
void bulla_pg_log_enter(bulla_pg_log *log)
{
	(void)pthread_mutex_lock(&log->mutex);
	while (log->busy)
		(void)pthread_cond_wait(&log->changed, &log->mutex);
	log->busy = true;
	(void)pthread_mutex_unlock(&log->mutex);
}

void bulla_pg_log_leave(bulla_pg_log *log)
{
	(void)pthread_mutex_lock(&log->mutex);
	log->busy = false;
	(void)pthread_cond_broadcast(&log->changed);
	(void)pthread_mutex_unlock(&log->mutex);
}

/* --- the head -------------------------------------------------------------------------------------------------- */
bulla_code bulla_pg_peaks_write(const bulla_tree *tree, bulla_buf *out, bulla_error *err)
{
	for (unsigned h = BULLA_TREE_HEIGHT_MAX + 1; h-- > 0;)
		if (tree->size >> h & 1) TRY(bulla_buf_add(out, bulla_view(tree->peak[h], BULLA_HASH_SIZE), err));
	return BULLA_OK;
}

bool bulla_pg_peaks_read(uint64_t size, bulla_bytes peaks, bulla_tree *ret)
{
	size_t at = 0;
	*ret = (bulla_tree){ .size = size };
	for (unsigned h = BULLA_TREE_HEIGHT_MAX + 1; h-- > 0;) {
		if (!(size >> h & 1)) continue;
		if (peaks.len - at < BULLA_HASH_SIZE) return false;
		memcpy(ret->peak[h], peaks.data + at, BULLA_HASH_SIZE);
		at += BULLA_HASH_SIZE;
	}
	return at == peaks.len;
}

bulla_code bulla_pg_log_fail(const bulla_pg_log *log, const char *what, bulla_error *err)
{
	bulla_code code = bulla_fail(err, BULLA_ERR_AUDIT, "the audit log in the %s: %s", log->place->name, what);
	return bulla_advise(err, code, "bulla audit verify");
}

/* What another node has appended goes on from what this one has seen: its checkpoint is still kept. */
static bulla_code check_continuity(bulla_pg_log *log, uint64_t size, bulla_error *err)
{
	BULLA_PG_RESULT *result = NULL;
	bulla_pg_value at = BULLA_PG_NUMBER(log->seen.size);
	if (log->seen_note.len == 0) return BULLA_OK;
	if (size < log->seen.size) return bulla_pg_log_fail(log, "it has become shorter", err);
	TRY(bulla_pg_ask(&log->link, BULLA_PG_LOG_NOTE, &at, 1, &result, err));
	bulla_bytes kept = PQntuples(result) ? bulla_pg_bytes(result, 0, 0) : (bulla_bytes){ 0 };
	if (bulla_bytes_equal(kept, bulla_view_buf(&log->seen_note))) return BULLA_OK;
	return bulla_pg_log_fail(log, "it does not contain what it contained: it was replaced", err);
}

bulla_code bulla_pg_log_remember(bulla_pg_log *log, const bulla_log_head *head, bulla_bytes note, bulla_error *err)
{
	log->seen_note.len = 0;
	TRY(bulla_buf_add(&log->seen_note, note, err));
	log->seen = *head;
	return BULLA_OK;
}

/* A note that is not the one seen last: signed by us, after it, and over the tree whose peaks lie beside it. */
static bulla_code check_head(bulla_pg_log *log, bulla_bytes note, bulla_pg_head *head, bulla_error *err)
{
	uint8_t root[BULLA_HASH_SIZE];
	bulla_code code = log->seed ? bulla_checkpoint_verify(&log->key, note, &head->checkpoint, err)
				    : bulla_checkpoint_parse(log->origin, note, &head->checkpoint, err);
	TRY(code);
	TRY(bulla_tree_root(&head->tree, log->lane, root, err));
	if (head->checkpoint.head.size != head->tree.size || memcmp(root, head->checkpoint.head.root, sizeof root) != 0)
		return bulla_pg_log_fail(log, "its head and its newest checkpoint contradict each other", err);
	if (bulla_bytes_equal(note, bulla_view_buf(&log->seen_note))) return BULLA_OK;
	TRY(check_continuity(log, head->tree.size, err));
	return bulla_pg_log_remember(log, &head->checkpoint.head, note, err);
}

bulla_code bulla_pg_log_read_head(bulla_pg_log *log, bulla_pg_sql which, bulla_pg_head *ret, bulla_error *err)
{
	BULLA_PG_RESULT *result = NULL;
	TRY(bulla_pg_ask(&log->link, which, NULL, 0, &result, err));
	if (PQntuples(result) == 0) {
		bulla_code code = bulla_fail(err, BULLA_ERR_NOT_FOUND, "there is no audit log in the %s", log->place->name);
		return bulla_advise(err, code, "bulla audit adopt --reason \"why it is gone\" (begins a new one)");
	}
	if (!bulla_pg_peaks_read((uint64_t)bulla_pg_number(result, 0, 0), bulla_pg_bytes(result, 0, 2), &ret->tree))
		return bulla_pg_log_fail(log, "its head does not parse", err);
	return check_head(log, bulla_pg_bytes(result, 0, 1), ret, err);
}

/* --- opening --------------------------------------------------------------------------------------------------- */
static bulla_code read_head(bulla_pg_link *link, void *self, bulla_error *err)
{
	(void)link;
	bulla_pg_head head;
	return bulla_pg_log_read_head(self, BULLA_PG_LOG_HEAD, &head, err);
}

static bulla_code take_seed(bulla_pg_log *log, const bulla_secret *seed, bulla_error *err)
{
	uint8_t public_key[32];
	TRY(bulla_pool_new(&log->pool, err));
	TRY(bulla_pool_take(log->pool, &log->seed, err));
	memcpy(log->seed->bytes, seed->bytes, sizeof log->seed->bytes);
	TRY(bulla_ed25519_public(seed->bytes, public_key, err));
	return bulla_note_key_of(log->lane, log->origin, public_key, &log->key, err);
}

static bulla_code open_log(bulla_pg_log *log, const bulla_secret *seed, bool create, bulla_error *err)
{
	if (!log->origin) return bulla_fail_memory(err);
	TRY(bulla_lane_new(&log->lane, err));
	if (seed) TRY(take_seed(log, seed, err));
	if (create && seed) TRY(bulla_pg_log_begin(log, err));
	return bulla_pg_transact(&log->link, BULLA_PG_BEGIN_READ, read_head, log, NULL, err);
}

static bulla_code head(bulla_log *base, bulla_checkpoint *ret, bulla_error *err)
{
	bulla_pg_log *log = (bulla_pg_log *)base;
	TRY(bulla_pg_check_owner(log->place, err));
	bulla_pg_log_enter(log);
	bulla_code code = bulla_pg_transact(&log->link, BULLA_PG_BEGIN_READ, read_head, log, NULL, err);
	if (code == BULLA_OK) code = bulla_checkpoint_parse(log->origin, bulla_view_buf(&log->seen_note), ret, err);
	bulla_pg_log_leave(log);
	return code;
}

static void close_log(bulla_log *base)
{
	bulla_pg_log *log = (bulla_pg_log *)base;
	if (bulla_pg_check_owner(log->place, NULL) == BULLA_OK) {
		bulla_pg_link_done(&log->link);
		(void)pthread_cond_destroy(&log->changed);
		(void)pthread_mutex_destroy(&log->mutex);
	}
	if (log->pool) bulla_pool_give(log->pool, log->seed);
	bulla_pool_free(log->pool);
	bulla_lane_free(log->lane);
	bulla_buf_done(&log->seen_note);
	free(log->origin);
	free(log);
}

static const bulla_log_kind kind = {
	.append = bulla_pg_log_append,
	.head = head,
	.root_at = bulla_pg_log_root_at,
	.each = bulla_pg_log_each,
	.close = close_log,
};

bulla_code bulla_pg_log_open(void *self, const char *origin, const bulla_secret *seed, bool create, bulla_log **out,
			     bulla_error *err)
{
	bulla_pg *pg = self;
	bulla_pg_log *log = calloc(1, sizeof *log);
	if (!log) return bulla_fail_memory(err);
	log->base.kind = &kind;
	log->place = &pg->place;
	log->origin = strdup(origin);
	log->last = &log->first;
	(void)pthread_mutex_init(&log->mutex, NULL);
	(void)pthread_cond_init(&log->changed, NULL);
	bulla_pg_link_init(&log->link, &pg->place);
	bulla_code code = open_log(log, seed, create, err);
	if (code) {
		close_log(&log->base);
		return code;
	}
	*out = &log->base;
	return BULLA_OK;
}
