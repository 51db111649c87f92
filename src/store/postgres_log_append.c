/*
 * postgres_log_append.c - appending to an audit log in PostgreSQL, in groups.
 *
 * A thread that appends and finds nobody inside the log leads: it takes the requests that wait, its own among them, and writes them in one
 * transaction. While that is made durable the next group gathers. Where the answer to a commit is lost, the head's row is locked
 * again, which waits for the end of that commit; then the checkpoint that was signed is there, or it never will be.
 */
#include "store/postgres_log.h"

#define GROUP_BYTES_MAX   (8u << 20)
#define GROUP_ENTRIES_MAX 16384u
#define RESOLVE_MS        15000 /* within which a server that restarts or is replaced is back, or the append has failed */
#define RESOLVE_PAUSE_MS  250

/* A part of somebody's append, on his stack until it is done. */
struct bulla_pg_request {
	bulla_pg_request *next;
	const bulla_bytes *entries;
	size_t n, bytes;
	uint64_t generation;
	bool done;
	bulla_code code;
	bulla_log_head head;
	bulla_error err;
};

/* --- one group ------------------------------------------------------------------------------------------------- */
/* What goes into one transaction. */
typedef struct group {
	bulla_pg_log *log;
	const bulla_pg_request *requests;
	bulla_checkpoint next;
	bulla_buf note, peaks;
	bulla_pg_array entries, sizes, trees;
	bool landed; /* the answer to: did it happen? */
} group;

static void group_done(group *g)
{
	bulla_buf_done(&g->note);
	bulla_buf_done(&g->peaks);
	bulla_pg_array_done(&g->entries);
	bulla_pg_array_done(&g->sizes);
	bulla_pg_array_done(&g->trees);
}

static bulla_code add_entry(group *g, bulla_tree *tree, bulla_bytes entry, bulla_error *err)
{
	uint8_t leaf[BULLA_HASH_SIZE];
	TRY(bulla_pg_array_bytes(&g->entries, entry, err));
	TRY(bulla_tree_leaf(g->log->lane, entry, leaf, err));
	TRY(bulla_tree_push(tree, g->log->lane, 0, leaf, 1, err));
	if (tree->size % BULLA_TILE_WIDTH) return BULLA_OK;
	BULLA_BUF_AUTO bulla_buf peaks = { 0 };
	TRY(bulla_pg_peaks_write(tree, &peaks, err));
	TRY(bulla_pg_array_number(&g->sizes, (int64_t)tree->size, err));
	return bulla_pg_array_bytes(&g->trees, bulla_view_buf(&peaks), err);
}

static bulla_code add_entries(group *g, bulla_pg_head *head, bulla_error *err)
{
	g->next.generation = head->checkpoint.generation;
	for (const bulla_pg_request *r = g->requests; r; r = r->next) {
		for (size_t i = 0; i < r->n; i++)
			TRY(add_entry(g, &head->tree, r->entries[i], err));
		if (r->generation > g->next.generation) g->next.generation = r->generation;
	}
	return BULLA_OK;
}

static bulla_code sign(group *g, const bulla_tree *tree, bulla_error *err)
{
	bulla_pg_log *log = g->log;
	g->next.head.size = tree->size;
	TRY(bulla_tree_root(tree, log->lane, g->next.head.root, err));
	TRY(bulla_pg_peaks_write(tree, &g->peaks, err));
	return bulla_checkpoint_sign(&log->key, log->seed->bytes, &g->next, &g->note, err);
}

static bulla_code write_head(group *g, bulla_pg_link *link, bulla_error *err)
{
	bulla_pg_value values[] = { BULLA_PG_NUMBER(g->next.head.size),
				    BULLA_PG_BYTES(bulla_view_buf(&g->note)),
				    BULLA_PG_BYTES(bulla_view_buf(&g->peaks)),
				    { 0 },
				    { 0 } };
	TRY(bulla_pg_array_value(&g->sizes, &values[3], err));
	TRY(bulla_pg_array_value(&g->trees, &values[4], err));
	return bulla_pg_do(link, BULLA_PG_LOG_APPEND, values, sizeof values / sizeof *values, NULL, err);
}

static bulla_code write_group(bulla_pg_link *link, void *self, bulla_error *err)
{
	group *g = self;
	bulla_pg_head head;
	TRY(bulla_pg_log_read_head(g->log, BULLA_PG_LOG_HEAD_LOCKED, &head, err));
	bulla_pg_value values[] = { BULLA_PG_NUMBER(head.tree.size), { 0 } };
	TRY(add_entries(g, &head, err));
	TRY(sign(g, &head.tree, err));
	TRY(bulla_pg_array_value(&g->entries, &values[1], err));
	TRY(bulla_pg_do(link, BULLA_PG_LOG_ENTRIES, values, 2, NULL, err));
	return write_head(g, link, err);
}

/* Ed25519 signs the same bytes the same way, and entries have random ids: these bytes at this size are our append. */
static bulla_code look_whether(bulla_pg_link *link, void *self, bulla_error *err)
{
	group *g = self;
	BULLA_PG_RESULT *head = NULL;
	BULLA_PG_RESULT *kept = NULL;
	bulla_pg_value at = BULLA_PG_NUMBER(g->next.head.size);
	TRY(bulla_pg_ask(link, BULLA_PG_LOG_HEAD_LOCKED, NULL, 0, &head, err));
	TRY(bulla_pg_ask(link, BULLA_PG_LOG_NOTE, &at, 1, &kept, err));
	g->landed = PQntuples(kept) && bulla_bytes_equal(bulla_pg_bytes(kept, 0, 0), bulla_view_buf(&g->note));
	return BULLA_OK;
}

/* Before anything is released: did it land? As long as nobody can say so, it did not. */
static bulla_code resolve(group *g, bulla_code code, bulla_error *err)
{
	bulla_error own = { 0 };
	bulla_code asked = BULLA_ERR_UNAVAILABLE;
	const int64_t until = bulla_pg_now_ms() + RESOLVE_MS;
	while ((asked == BULLA_ERR_UNAVAILABLE || asked == BULLA_ERR_LOCKED) && bulla_pg_now_ms() < until) {
		asked = bulla_pg_transact(&g->log->link, BULLA_PG_BEGIN, look_whether, g, NULL, &own);
		if (asked) bulla_pg_pause(RESOLVE_PAUSE_MS);
	}
	if (asked)
		return bulla_fail(
			err, BULLA_ERR_UNAVAILABLE,
			"the key store's server was lost while events were recorded, and does not say whether they are");
	return g->landed ? BULLA_OK : code;
}

static bulla_code append_group(bulla_pg_log *log, const bulla_pg_request *requests, bulla_log_head *ret_head, bulla_error *err)
{
	group g = { .log = log,
		    .requests = requests,
		    .entries.type = BULLA_PG_OF_BYTES,
		    .sizes.type = BULLA_PG_OF_NUMBERS,
		    .trees.type = BULLA_PG_OF_BYTES };
	bool doubt = false;
	bulla_code code = bulla_pg_transact(&log->link, BULLA_PG_BEGIN, write_group, &g, &doubt, err);
	if (doubt) code = resolve(&g, code, err);
	if (code == BULLA_OK) code = bulla_pg_log_remember(log, &g.next.head, bulla_view_buf(&g.note), err);
	*ret_head = g.next.head;
	group_done(&g);
	return code;
}

/* --- the beginning --------------------------------------------------------------------------------------------- */
/* The first checkpoint is over no entries. Entries without a head are those of a log that lost it. */
static bulla_code begin_log(bulla_pg_link *link, void *self, bulla_error *err)
{
	group *g = self;
	bulla_tree none = { 0 };
	uint64_t begun = 0;
	int64_t entries = 0;
	TRY(bulla_pg_do(link, BULLA_PG_LOG_BEGIN, NULL, 0, &begun, err)); /* waits for another one's */
	if (begun == 0) return BULLA_OK;
	TRY(bulla_pg_ask_text(link, "SELECT count(*) FROM (SELECT 1 FROM bulla_log_entry LIMIT 1) e", &entries, err));
	if (entries) return bulla_pg_log_fail(g->log, "it has lost its head", err);
	TRY(sign(g, &none, err));
	return write_head(g, link, err);
}

bulla_code bulla_pg_log_begin(bulla_pg_log *log, bulla_error *err)
{
	group g = { .log = log, .sizes.type = BULLA_PG_OF_NUMBERS, .trees.type = BULLA_PG_OF_BYTES };
	bulla_code code = bulla_pg_transact(&log->link, BULLA_PG_BEGIN, begin_log, &g, NULL, err);
	group_done(&g);
	return code;
}

/* --- the queue ------------------------------------------------------------------------------------------------- */
static void answer(bulla_pg_log *log, bulla_pg_request *requests, bulla_code code, const bulla_log_head *head,
		   const bulla_error *err)
{
	(void)pthread_mutex_lock(&log->mutex);
	while (requests) {
		bulla_pg_request *next = requests->next; /* once `done`, it is its owner's again */
		requests->code = code;
		requests->head = *head;
		if (code) requests->err = *err;
		requests->done = true;
		requests = next;
	}
	(void)pthread_cond_broadcast(&log->changed);
	(void)pthread_mutex_unlock(&log->mutex);
}

static void lead(bulla_pg_log *log, bulla_pg_request *requests)
{
	bulla_error err = { 0 };
	bulla_log_head head = { 0 };
	bulla_code code = append_group(log, requests, &head, &err);
	answer(log, requests, code, &head, &err);
}

/* With the mutex: the requests at the head of the queue that make one group. */
static bulla_pg_request *take_group(bulla_pg_log *log)
{
	bulla_pg_request *taken = log->first, *last = taken;
	size_t bytes = taken->bytes, n = taken->n;
	while (last->next && bytes + last->next->bytes <= GROUP_BYTES_MAX && n + last->next->n <= GROUP_ENTRIES_MAX) {
		last = last->next;
		bytes += last->bytes;
		n += last->n;
	}
	log->first = last->next;
	if (!log->first) log->last = &log->first;
	last->next = NULL;
	return taken;
}

static void submit(bulla_pg_log *log, bulla_pg_request *r)
{
	(void)pthread_mutex_lock(&log->mutex);
	*log->last = r;
	log->last = &r->next;
	while (!r->done) {
		if (log->busy) {
			(void)pthread_cond_wait(&log->changed, &log->mutex);
			continue;
		}
		bulla_pg_request *requests = take_group(log);
		log->busy = true;
		(void)pthread_mutex_unlock(&log->mutex);
		lead(log, requests);
		(void)pthread_mutex_lock(&log->mutex);
		log->busy = false;
		(void)pthread_cond_broadcast(&log->changed);
	}
	(void)pthread_mutex_unlock(&log->mutex);
}

/* As many of the entries as one group takes; at least one. */
static bulla_pg_request next_part(const bulla_bytes *entries, size_t n, uint64_t generation)
{
	bulla_pg_request r = { .entries = entries, .generation = generation };
	while (r.n < n && r.n < GROUP_ENTRIES_MAX && (r.n == 0 || r.bytes + entries[r.n].len <= GROUP_BYTES_MAX))
		r.bytes += entries[r.n++].len;
	return r;
}

bulla_code bulla_pg_log_append(void *self, const bulla_bytes *entries, size_t n, uint64_t generation, bulla_log_head *ret_head,
			       bulla_error *err)
{
	bulla_pg_log *log = self;
	TRY(bulla_pg_check_owner(log->place, err));
	if (!log->seed) return bulla_fail(err, BULLA_ERR_AUDIT, "the audit log is open for reading only");
	for (size_t i = 0; i < n; i++)
		if (entries[i].len > BULLA_ENTRY_MAX)
			return bulla_fail(err, BULLA_ERR_LIMIT, "an audit event is longer than %d bytes", BULLA_ENTRY_MAX);
	if (n == 0 && ret_head) return bulla_log_head_now(&log->base, ret_head, err);
	for (size_t at = 0; at < n;) {
		bulla_pg_request r = next_part(entries + at, n - at, generation);
		submit(log, &r);
		if (r.code) {
			if (err) *err = r.err;
			return r.code;
		}
		at += r.n;
		if (at == n && ret_head) *ret_head = r.head;
	}
	return BULLA_OK;
}
