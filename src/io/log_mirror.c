/*
 * log_mirror.c - a log that lies elsewhere, written as static files: what a log directory publishes, without its journal.
 */
#include "io/log_mirror.h"
#include "io/file.h"
#include "io/log_publish.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#define WAITING_MAX (4u << 20) /* bytes of entries that are kept before they are written */

struct bulla_log_mirror {
	char *path;
	char *origin;
	bulla_log_dir dir;
	bulla_lane *lane;
	bulla_journal journal;
	bulla_log_state state;
	uint64_t published;
};

static bulla_code open_mirror(bulla_log_mirror *m, bulla_error *err)
{
	if (!m->path || !m->origin) return bulla_fail_memory(err);
	TRY(bulla_lane_new(&m->lane, err));
	TRY(bulla_directory_make(m->path, 0755, err));
	m->dir.fd = open(m->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	m->dir.path = m->path;
	return m->dir.fd < 0 ? bulla_fail_errno(err, errno, "cannot open the directory %s", m->path) : BULLA_OK;
}

bulla_code bulla_log_mirror_new(const char *directory, const char *origin, bulla_log_mirror **out, bulla_error *err)
{
	if (access(directory, F_OK) == 0) return bulla_fail(err, BULLA_ERR_EXISTS, "%s exists", directory);
	bulla_log_mirror *m = calloc(1, sizeof *m);
	if (!m) return bulla_fail_memory(err);
	m->path = strdup(directory);
	m->origin = strdup(origin);
	m->dir.fd = m->journal.fd = -1;
	m->published = BULLA_LOG_UNPUBLISHED;
	bulla_code code = open_mirror(m, err);
	if (code) {
		bulla_log_mirror_free(m);
		return code;
	}
	*out = m;
	return BULLA_OK;
}

static bulla_code publish(bulla_log_mirror *m, bool edge, bulla_error *err)
{
	return bulla_log_publish(&m->dir, m->lane, edge, &m->journal, &m->state, &m->published, err);
}

bulla_code bulla_log_mirror_add(bulla_log_mirror *m, bulla_bytes entry, bulla_error *err)
{
	return bulla_log_state_add(&m->state, m->lane, entry, err);
}

bulla_code bulla_log_mirror_sign(bulla_log_mirror *m, bulla_bytes note, bulla_error *err)
{
	bulla_checkpoint read;
	TRY(bulla_checkpoint_parse(m->origin, note, &read, err));
	if (read.head.size != m->state.tree.size)
		return bulla_fail(err, BULLA_ERR_AUDIT, "a checkpoint is over %" PRIu64 " entries, where there are %" PRIu64,
				  read.head.size, m->state.tree.size);
	TRY(bulla_buf_add(&m->state.notes, note, err));
	TRY(bulla_log_state_sign(&m->state, note, &read, err));
	return m->state.entries.len > WAITING_MAX ? publish(m, false, err) : BULLA_OK;
}

bulla_code bulla_log_mirror_end(bulla_log_mirror *m, bulla_error *err)
{
	TRY(publish(m, true, err));
	if (unlinkat(m->dir.fd, BULLA_JOURNAL_NAME, 0))
		return bulla_fail_errno(err, errno, "cannot remove %s/" BULLA_JOURNAL_NAME, m->path);
	return bulla_log_sync_parent(&m->dir, BULLA_LOG_CHECKPOINT, err);
}

void bulla_log_mirror_free(bulla_log_mirror *m)
{
	if (!m) return;
	bulla_journal_close(&m->journal);
	bulla_log_state_done(&m->state);
	bulla_fd_close(&m->dir.fd);
	bulla_lane_free(m->lane);
	free(m->origin);
	free(m->path);
	free(m);
}
