/*
 * postgres_log_read.c - reading an audit log in PostgreSQL: an earlier root, entries, all of it to verify or to copy.
 *
 * Entries are fetched a page at a time, each in a transaction of its own: what lies below the head never changes, and no snapshot is kept
 * open for as long as somebody looks at a page.
 */
#include "store/postgres_log.h"

#include "io/log_judge.h"
#include "io/log_mirror.h"

#include <inttypes.h>
#include <stdlib.h>

#define PAGE BULLA_TILE_WIDTH

enum { INDEX, ENTRY, NOTE, PEAKS }; /* of LOG_WALK */

static bulla_code walk_page(bulla_pg_link *link, uint64_t first, uint64_t end, bulla_pg_each each, void *self, bulla_error *err)
{
	bulla_pg_value values[] = { BULLA_PG_NUMBER(first), BULLA_PG_NUMBER(end) };
	return bulla_pg_walk(link, BULLA_PG_LOG_WALK, values, 2, each, self, err);
}

/* --- an earlier root ------------------------------------------------------------------------------------------- */
typedef struct growing {
	bulla_lane *lane;
	bulla_tree *tree;
} growing;

static bulla_code grow(void *self, const PGresult *result, int row, bulla_error *err)
{
	const growing *g = self;
	uint8_t leaf[BULLA_HASH_SIZE];
	if ((uint64_t)bulla_pg_number(result, row, INDEX) != g->tree->size)
		return bulla_fail(err, BULLA_ERR_AUDIT, "entry %" PRIu64 " of the audit log is missing", g->tree->size);
	TRY(bulla_tree_leaf(g->lane, bulla_pg_bytes(result, row, ENTRY), leaf, err));
	return bulla_tree_push(g->tree, g->lane, 0, leaf, 1, err);
}

bulla_code bulla_pg_log_tree_at(bulla_pg_log *log, uint64_t size, bulla_tree *ret, bulla_error *err)
{
	const uint64_t full = size - size % BULLA_TILE_WIDTH;
	BULLA_PG_RESULT *result = NULL;
	bulla_pg_value at = BULLA_PG_NUMBER(full);
	*ret = (bulla_tree){ 0 };
	if (full) TRY(bulla_pg_ask(&log->link, BULLA_PG_LOG_TREE, &at, 1, &result, err));
	if (full && (PQntuples(result) == 0 || !bulla_pg_peaks_read(full, bulla_pg_bytes(result, 0, 0), ret)))
		return bulla_fail(err, BULLA_ERR_AUDIT, "the tree of the audit log over %" PRIu64 " entries is missing", full);
	growing g = { log->lane, ret };
	if (size > full) TRY(walk_page(&log->link, full, size, grow, &g, err));
	if (ret->size == size) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_AUDIT, "entry %" PRIu64 " of the audit log is missing", ret->size);
}

typedef struct rooting {
	bulla_pg_log *log;
	uint64_t size;
	uint8_t *root;
} rooting;

static bulla_code root_of(bulla_pg_link *link, void *self, bulla_error *err)
{
	const rooting *r = self;
	bulla_pg_head head;
	bulla_tree tree;
	(void)link;
	TRY(bulla_pg_log_read_head(r->log, BULLA_PG_LOG_HEAD, &head, err));
	if (r->size > head.tree.size)
		return bulla_fail(err, BULLA_ERR_AUDIT, "the audit log has %" PRIu64 " entries, not %" PRIu64, head.tree.size,
				  r->size);
	TRY(bulla_pg_log_tree_at(r->log, r->size, &tree, err));
	return bulla_tree_root(&tree, r->log->lane, r->root, err);
}

bulla_code bulla_pg_log_root_at(bulla_log *base, uint64_t size, uint8_t ret_root[static 32], bulla_error *err)
{
	bulla_pg_log *log = (bulla_pg_log *)base;
	rooting r = { log, size, ret_root };
	TRY(bulla_pg_check_owner(log->place, err));
	bulla_pg_log_enter(log);
	bulla_code code = bulla_pg_transact(&log->link, BULLA_PG_BEGIN_READ, root_of, &r, NULL, err);
	bulla_pg_log_leave(log);
	return code;
}

/* --- entries --------------------------------------------------------------------------------------------------- */
/* A page that was copied, so that whoever looks at it may take his time and may even append. */
typedef struct page {
	uint64_t first, end, next;
	bulla_buf bytes;
	size_t ends[PAGE];
} page;

static bulla_code copy_entry(void *self, const PGresult *result, int row, bulla_error *err)
{
	page *p = self;
	if ((uint64_t)bulla_pg_number(result, row, INDEX) != p->next || p->next == p->end)
		return bulla_fail(err, BULLA_ERR_AUDIT, "entry %" PRIu64 " of the audit log is missing", p->next);
	TRY(bulla_buf_add(&p->bytes, bulla_pg_bytes(result, row, ENTRY), err));
	p->ends[p->next++ - p->first] = p->bytes.len;
	return BULLA_OK;
}

static bulla_code copy_page(bulla_pg_link *link, void *self, bulla_error *err)
{
	page *p = self;
	p->next = p->first;
	p->bytes.len = 0;
	TRY(walk_page(link, p->first, p->end, copy_entry, p, err));
	if (p->next == p->end) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_AUDIT, "the audit log has %" PRIu64 " entries, not %" PRIu64, p->next, p->end);
}

static bulla_code fetch(bulla_pg_log *log, page *p, bulla_error *err)
{
	bulla_pg_log_enter(log);
	bulla_code code = bulla_pg_transact(&log->link, BULLA_PG_BEGIN_READ, copy_page, p, NULL, err);
	bulla_pg_log_leave(log);
	return code;
}

static bulla_code visit_page(const page *p, bulla_log_visit each, void *self, bulla_error *err)
{
	size_t from = 0;
	for (uint64_t i = p->first; i < p->end; i++) {
		size_t end = p->ends[i - p->first];
		TRY(each(self, i, bulla_view(p->bytes.data + from, end - from), err));
		from = end;
	}
	return BULLA_OK;
}

bulla_code bulla_pg_log_each(bulla_log *base, uint64_t first, uint64_t end, bulla_log_visit each, void *self, bulla_error *err)
{
	bulla_pg_log *log = (bulla_pg_log *)base;
	page p = { 0 };
	bulla_code code = bulla_pg_check_owner(log->place, err);
	for (uint64_t at = first; at < end && code == BULLA_OK; at = p.end) {
		p.first = at;
		p.end = end - at < PAGE ? end : at + PAGE;
		code = fetch(log, &p, err);
		if (code == BULLA_OK) code = visit_page(&p, each, self, err);
	}
	bulla_buf_done(&p.bytes);
	return code;
}

/* --- all of it ------------------------------------------------------------------------------------------------- */
/* What the log says of itself, at one moment. */
typedef struct claim {
	uint64_t size;
	bulla_buf note, peaks;    /* of the head */
	bulla_buf first;          /* the checkpoint over no entries */
	uint64_t entries, newest; /* where the rows end */
} claim;

static void claim_done(claim *c)
{
	bulla_buf_done(&c->note);
	bulla_buf_done(&c->peaks);
	bulla_buf_done(&c->first);
}

static bulla_code read_claim(bulla_pg_link *link, void *self, bulla_error *err)
{
	claim *c = self;
	BULLA_PG_RESULT *head = NULL;
	BULLA_PG_RESULT *first = NULL;
	BULLA_PG_RESULT *ends = NULL;
	bulla_pg_value none = BULLA_PG_NUMBER(0);
	TRY(bulla_pg_ask(link, BULLA_PG_LOG_HEAD, NULL, 0, &head, err));
	TRY(bulla_pg_ask(link, BULLA_PG_LOG_NOTE, &none, 1, &first, err));
	TRY(bulla_pg_ask(link, BULLA_PG_LOG_ENDS, NULL, 0, &ends, err));
	if (PQntuples(head) == 0)
		return bulla_fail(err, BULLA_ERR_NOT_FOUND, "there is no audit log in the %s", link->place->name);
	c->size = (uint64_t)bulla_pg_number(head, 0, 0);
	c->entries = (uint64_t)bulla_pg_number(ends, 0, 0);
	c->newest = (uint64_t)bulla_pg_number(ends, 0, 1);
	TRY(bulla_buf_add(&c->note, bulla_pg_bytes(head, 0, 1), err));
	TRY(bulla_buf_add(&c->peaks, bulla_pg_bytes(head, 0, 2), err));
	return PQntuples(first) ? bulla_buf_add(&c->first, bulla_pg_bytes(first, 0, 0), err) : BULLA_OK;
}

typedef struct verifier {
	bulla_pg_link link;
	bulla_lane *lane;
	bulla_note_key key;
	bulla_log_report report;
	bulla_log_judge judge;
	bulla_tree tree;
	claim claim;
	bool newest_is_kept; /* the head's checkpoint was met among those that are kept */
} verifier;

/* A checkpoint lies beside the entry that it ends with. */
static bulla_code reach(void *self, uint64_t size, const bulla_tree **ret, bulla_error *err)
{
	verifier *v = self;
	(void)err;
	*ret = &v->tree;
	if (size == v->tree.size) return BULLA_OK;
	return bulla_log_find(&v->report, v->judge.last.head.size, v->tree.size,
			      "the checkpoint kept for %" PRIu64 " entries is over %" PRIu64, v->tree.size, size);
}

static bulla_code check_note(verifier *v, bulla_bytes note, bulla_error *err)
{
	v->newest_is_kept = bulla_bytes_equal(note, bulla_view_buf(&v->claim.note));
	return bulla_log_judge_note(&v->judge, note, err);
}

static bulla_code check_peaks(verifier *v, bulla_bytes kept, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf peaks = { 0 };
	const uint64_t size = v->tree.size;
	TRY(bulla_pg_peaks_write(&v->tree, &peaks, err));
	if (bulla_bytes_equal(kept, bulla_view_buf(&peaks))) return BULLA_OK;
	return bulla_log_find(&v->report, v->judge.last.head.size, size ? size - 1 : 0,
			      "the entries do not give the tree that is kept for %" PRIu64, size);
}

static bulla_code check_row(void *self, const PGresult *result, int row, bulla_error *err)
{
	verifier *v = self;
	uint8_t leaf[BULLA_HASH_SIZE];
	if ((uint64_t)bulla_pg_number(result, row, INDEX) != v->tree.size)
		return bulla_log_find(&v->report, v->tree.size, v->tree.size, "entry %" PRIu64 " is missing", v->tree.size);
	TRY(bulla_tree_leaf(v->lane, bulla_pg_bytes(result, row, ENTRY), leaf, err));
	TRY(bulla_tree_push(&v->tree, v->lane, 0, leaf, 1, err));
	if (!PQgetisnull(result, row, NOTE)) TRY(check_note(v, bulla_pg_bytes(result, row, NOTE), err));
	bool keeps = v->tree.size % BULLA_TILE_WIDTH == 0 || !PQgetisnull(result, row, PEAKS);
	return keeps ? check_peaks(v, bulla_pg_bytes(result, row, PEAKS), err) : BULLA_OK;
}

/* The newest checkpoint is the head's, its tree is the one that the entries give, and nothing lies behind it. */
static bulla_code check_end(verifier *v, bulla_error *err)
{
	const claim *c = &v->claim;
	const uint64_t last = v->judge.last.head.size;
	if (v->tree.size != c->size)
		return bulla_log_find(&v->report, v->tree.size, c->size - 1,
				      "entries are missing: the head is over %" PRIu64 ", the log has %" PRIu64, c->size,
				      v->tree.size);
	if (!v->newest_is_kept || last != c->size || c->newest != c->size)
		return bulla_log_find(&v->report, last, c->size ? c->size - 1 : 0,
				      "the head and the kept checkpoints contradict each other");
	if (c->entries != c->size)
		return bulla_log_find(&v->report, c->size, c->entries - 1, "there are entries behind the head");
	return check_peaks(v, bulla_view_buf(&c->peaks), err);
}

static bulla_code verify_all(verifier *v, void (*progress)(void *self, uint64_t done, uint64_t total), void *self,
			     bulla_error *err)
{
	TRY(bulla_pg_transact(&v->link, BULLA_PG_BEGIN_READ, read_claim, &v->claim, NULL, err));
	v->judge.size = v->claim.size;
	TRY(check_note(v, bulla_view_buf(&v->claim.first), err));
	for (uint64_t at = 0; at < v->claim.size; at += PAGE) {
		const uint64_t end = v->claim.size - at < PAGE ? v->claim.size : at + PAGE;
		TRY(walk_page(&v->link, at, end, check_row, v, err));
		if (v->tree.size < end) break;
		if (progress) progress(self, end, v->claim.size);
	}
	return check_end(v, err);
}

bulla_code bulla_pg_log_verify(void *self, const char *origin, const uint8_t public_key[static 32],
			       void (*progress)(void *self, uint64_t done, uint64_t total), void *progress_self,
			       bulla_log_report *ret, bulla_error *err)
{
	bulla_pg *pg = self;
	verifier *v = calloc(1, sizeof *v);
	if (!v) return bulla_fail_memory(err);
	v->report.ok = true;
	bulla_pg_link_init(&v->link, &pg->place);
	bulla_code code = bulla_lane_new(&v->lane, err);
	if (code == BULLA_OK) code = bulla_note_key_of(v->lane, origin, public_key, &v->key, err);
	v->judge = (bulla_log_judge){ .key = &v->key, .lane = v->lane, .report = &v->report, .reach = reach, .self = v };
	if (code == BULLA_OK) code = verify_all(v, progress, progress_self, err);
	if (code == BULLA_ERR_AUDIT && !v->report.ok) code = BULLA_OK;
	v->report.size = v->judge.last.head.size;
	memcpy(v->report.root, v->judge.last.head.root, sizeof v->report.root);
	if (code == BULLA_OK) *ret = v->report;
	bulla_pg_link_done(&v->link);
	bulla_lane_free(v->lane);
	claim_done(&v->claim);
	free(v);
	return code;
}

/* --- a copy ---------------------------------------------------------------------------------------------------- */
static bulla_code mirror_row(void *self, const PGresult *result, int row, bulla_error *err)
{
	TRY(bulla_log_mirror_add(self, bulla_pg_bytes(result, row, ENTRY), err));
	return PQgetisnull(result, row, NOTE) ? BULLA_OK : bulla_log_mirror_sign(self, bulla_pg_bytes(result, row, NOTE), err);
}

static bulla_code mirror_all(bulla_pg_link *link, bulla_log_mirror *mirror, claim *c, bulla_error *err)
{
	TRY(bulla_pg_transact(link, BULLA_PG_BEGIN_READ, read_claim, c, NULL, err));
	TRY(bulla_log_mirror_sign(mirror, bulla_view_buf(&c->first), err));
	for (uint64_t at = 0; at < c->size; at += PAGE)
		TRY(walk_page(link, at, c->size - at < PAGE ? c->size : at + PAGE, mirror_row, mirror, err));
	return bulla_log_mirror_end(mirror, err);
}

bulla_code bulla_pg_log_export(void *self, const char *origin, const char *directory, bulla_error *err)
{
	bulla_pg *pg = self;
	bulla_log_mirror *mirror = NULL;
	bulla_pg_link link;
	claim c = { 0 };
	TRY(bulla_pg_check_owner(&pg->place, err));
	TRY(bulla_log_mirror_new(directory, origin, &mirror, err));
	bulla_pg_link_init(&link, &pg->place);
	bulla_code code = mirror_all(&link, mirror, &c, err);
	bulla_pg_link_done(&link);
	claim_done(&c);
	bulla_log_mirror_free(mirror);
	return code;
}
