/*
 * log_append.c - appending to a log in groups.
 *
 * A thread that appends and finds nobody inside the log leads: it takes the requests that wait, its own among them, writes them
 * as one frame, syncs once and wakes their owners. While it syncs the next group gathers.
 */
#include "io/log_inside.h"

#define PUBLISH_EVERY_US   1000000
#define GROUP_BYTES_MAX    (8u << 20) /* a group is closed when it holds this much */
#define GROUP_ENTRIES_MAX  65536u
#define BEHIND_BYTES_MAX   (4u << 20) /* of entries that wait for their bundles: then they are written at once */
#define BEHIND_ENTRIES_MAX 65536u

/* A part of somebody's append, on his stack until it is done. */
struct bulla_log_request {
	bulla_log_request *next;
	const bulla_bytes *entries;
	size_t n, bytes;
	uint64_t generation;
	bool done;
	bulla_code code;
	bulla_log_head head;
	bulla_error err;
};

static bulla_code refuse(const bulla_disk_log *log, bulla_error *err)
{
	if (!log->seed) return bulla_fail(err, BULLA_ERR_AUDIT, "the audit log %s is open for reading only", log->path);
	bulla_code code = bulla_fail(err, BULLA_ERR_AUDIT, "the audit log %s takes no events: an earlier write failed (%s)",
				     log->path, bulla_code_name(log->failed));
	return bulla_advise(err, code, "mend the cause (space, disk): then the log goes on by itself");
}

static bulla_code take_entries(bulla_disk_log *log, const bulla_log_request *group, uint64_t *ret_generation, bulla_error *err)
{
	uint64_t generation = log->state.head.generation;
	for (const bulla_log_request *r = group; r; r = r->next) {
		for (size_t i = 0; i < r->n; i++)
			TRY(bulla_log_state_add(&log->state, log->lane, r->entries[i], err));
		if (r->generation > generation) generation = r->generation;
	}
	*ret_generation = generation;
	return BULLA_OK;
}

static bulla_code append_group(bulla_disk_log *log, const bulla_log_request *group, bulla_error *err)
{
	const uint64_t first = log->state.tree.size;
	const size_t from = log->state.entries.len;
	uint64_t generation;
	TRY(take_entries(log, group, &generation, err));
	TRY(bulla_log_sign(log, generation, err));
	TRY(bulla_journal_append(&log->journal, log->lane, &log->state, first, from, err));
	log->seen = log->state.head.head;
	return BULLA_OK;
}

static void publish_if_due(bulla_disk_log *log)
{
	const bool behind =
		log->state.entries.len > BEHIND_BYTES_MAX || log->state.hashes.len > BEHIND_ENTRIES_MAX * BULLA_HASH_SIZE;
	const bool edge = bulla_log_clock() - log->published_at >= PUBLISH_EVERY_US;
	/* What was appended is durable already; a failure is told to the next append. */
	if (behind || edge) (void)!bulla_log_publish_now(log, edge, NULL);
}

static void answer(bulla_disk_log *log, bulla_log_request *group, bulla_code code, const bulla_error *err)
{
	(void)pthread_mutex_lock(&log->mutex);
	while (group) {
		bulla_log_request *next = group->next; /* once `done`, it is its owner's again */
		group->code = code;
		if (code)
			group->err = *err;
		else
			group->head = log->state.head.head;
		group->done = true;
		group = next;
	}
	(void)pthread_cond_broadcast(&log->changed);
	(void)pthread_mutex_unlock(&log->mutex);
}

/* Inside. A disk that fails is tried again now and then, not for every append. */
static bulla_code refused(const bulla_disk_log *log, bulla_error *err)
{
	bool waits = log->failed && bulla_log_clock() < log->mend_at;
	return waits || !log->seed ? refuse(log, err) : BULLA_OK;
}

static bulla_code refresh(bulla_disk_log *log, bulla_error *err)
{
	if (!log->failed) return bulla_log_refresh(log, err);
	return bulla_log_mend(log, err) ? refuse(log, err) : BULLA_OK;
}

/* Inside. The owners are woken before the publication, which is not theirs to wait for. */
static void lead(bulla_disk_log *log, bulla_log_request *group)
{
	bulla_error err = { 0 };
	bulla_code code = refused(log, &err);
	if (!code) code = bulla_log_lock(&log->dir, log->lock_fd, true, &err);
	if (code) {
		answer(log, group, code, &err);
		return;
	}
	code = refresh(log, &err);
	if (!code) {
		code = append_group(log, group, &err);
		if (code) bulla_log_give_up(log, code);
	}
	answer(log, group, code, &err);
	if (!code) {
		log->dirty = true;
		publish_if_due(log);
	}
	bulla_log_unlock(log->lock_fd);
}

/* With the mutex: the requests at the head of the queue that make one group. */
static bulla_log_request *take_group(bulla_disk_log *log)
{
	bulla_log_request *group = log->first;
	bulla_log_request *last = group;
	size_t bytes = group->bytes;
	size_t n = group->n;
	while (last->next && bytes + last->next->bytes <= GROUP_BYTES_MAX && n + last->next->n <= GROUP_ENTRIES_MAX) {
		last = last->next;
		bytes += last->bytes;
		n += last->n;
	}
	log->first = last->next;
	if (!log->first) log->last = &log->first;
	last->next = NULL;
	return group;
}

static void submit(bulla_disk_log *log, bulla_log_request *r)
{
	(void)pthread_mutex_lock(&log->mutex);
	*log->last = r;
	log->last = &r->next;
	while (!r->done) {
		if (log->busy) {
			(void)pthread_cond_wait(&log->changed, &log->mutex);
			continue;
		}
		bulla_log_request *group = take_group(log);
		log->busy = true;
		(void)pthread_mutex_unlock(&log->mutex);
		lead(log, group);
		(void)pthread_mutex_lock(&log->mutex);
		log->busy = false;
		(void)pthread_cond_broadcast(&log->changed);
	}
	(void)pthread_mutex_unlock(&log->mutex);
}

/* As many of the entries as one group takes; at least one. */
static bulla_log_request next_part(const bulla_bytes *entries, size_t n, uint64_t generation)
{
	bulla_log_request r = { .entries = entries, .generation = generation };
	while (r.n < n && r.n < GROUP_ENTRIES_MAX && (r.n == 0 || r.bytes + entries[r.n].len <= GROUP_BYTES_MAX))
		r.bytes += entries[r.n++].len;
	return r;
}

bulla_code bulla_disk_log_append(void *self, const bulla_bytes *entries, size_t n, uint64_t generation, bulla_log_head *ret_head,
				 bulla_error *err)
{
	bulla_disk_log *log = self;
	TRY(bulla_log_check_owner(log, err));
	for (size_t i = 0; i < n; i++)
		if (entries[i].len > BULLA_ENTRY_MAX)
			return bulla_fail(err, BULLA_ERR_LIMIT, "an audit event is longer than %d bytes", BULLA_ENTRY_MAX);
	if (n == 0 && ret_head) return bulla_log_head_now(&log->base, ret_head, err);
	for (size_t at = 0; at < n;) {
		bulla_log_request r = next_part(entries + at, n - at, generation);
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
