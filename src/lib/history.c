/*
 * history.c - versions of branch keys in the entries of the audit log, sorted.
 */
#include "lib/history.h"

#include "base/text.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define VERSIONS_MAX (64u << 20) /* bytes: 8 million uses */
#define DIGITS       16

struct bulla_history {
	pthread_mutex_t lock;
	bulla_project *project;
	bool read;
	bulla_buf versions; /* u64 each, big-endian, sorted once it was read */
};

/* The number behind a member's name, as canonical entries have it. */
static bulla_code take_number(bulla_history *h, bulla_bytes entry, const char *member, bulla_error *err)
{
	uint8_t version[DIGITS / 2];
	size_t len = strlen(member);
	const uint8_t *at = memmem(entry.data, entry.len, member, len);
	if (!at || (size_t)(entry.data + entry.len - at) < len + DIGITS) return BULLA_OK;
	if (!bulla_hex_read(bulla_view(at + len, DIGITS), version, sizeof version)) return BULLA_OK;
	return bulla_buf_add(&h->versions, bulla_view(version, sizeof version), err);
}

/* The engine has opened a branch key, or a process has counted what it did with one. */
static bulla_code take_entry(void *self, uint64_t index, bulla_bytes entry, bulla_error *err)
{
	(void)index;
	TRY(take_number(self, entry, "\"bulla_version\":\"", err));
	if (!memmem(entry.data, entry.len, "\"CachedUse\"", 11)) return BULLA_OK;
	return take_number(self, entry, "\"material\":\"", err);
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, DIGITS / 2);
}

/* What was read before a failure counts: it only adds to what is known. */
static void read_log(bulla_history *h)
{
	bulla_log_head head;
	bulla_error ignored;
	bulla_log *log = h->project->log;
	h->read = true;
	if (!log || bulla_log_head_now(log, &head, &ignored)) return;
	(void)!bulla_log_each(log, 0, head.size, take_entry, h, &ignored);
	if (h->versions.len) qsort(h->versions.data, h->versions.len / 8, 8, by_bytes);
}

bulla_code bulla_history_new(bulla_project *project, bulla_history **out, bulla_error *err)
{
	bulla_history *h = calloc(1, sizeof *h);
	if (!h) return bulla_fail_memory(err);
	pthread_mutex_init(&h->lock, NULL);
	h->project = project;
	h->versions.max = VERSIONS_MAX;
	*out = h;
	return BULLA_OK;
}

void bulla_history_free(bulla_history *h)
{
	if (!h) return;
	pthread_mutex_destroy(&h->lock);
	bulla_buf_done(&h->versions);
	free(h);
}

bool bulla_history_has(bulla_history *h, uint64_t version)
{
	uint8_t wanted[8];
	bulla_put_u64(wanted, version);
	pthread_mutex_lock(&h->lock);
	if (!h->read) read_log(h);
	bool found = h->versions.len && bsearch(wanted, h->versions.data, h->versions.len / 8, 8, by_bytes);
	pthread_mutex_unlock(&h->lock);
	return found;
}
