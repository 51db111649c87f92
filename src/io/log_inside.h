/*
 * log_inside.h - an open log directory, for the files that implement it.
 *
 * One thread at a time is inside (`busy`): it has the state, the journal and the lane to itself. Between processes the lock
 * file decides.
 */
#ifndef IO_LOG_INSIDE_H
#define IO_LOG_INSIDE_H

#include "base/pool.h"
#include "io/log_kind.h"
#include "io/log_publish.h"

#include <pthread.h>
#include <sys/types.h>

typedef struct bulla_log_request bulla_log_request;

typedef struct bulla_disk_log {
	bulla_log base;
	char *path;
	char *origin;
	bulla_log_dir dir;
	int lock_fd; /* -1: a log read where no lock file can be opened */
	pid_t owner;
	bulla_pool *pool;
	bulla_secret *seed; /* NULL: reading only */
	bulla_note_key key;

	pthread_mutex_t mutex; /* guards the queue and `busy`; whoever made that true has everything below */
	pthread_cond_t changed;
	bool busy;
	bulla_log_request *first, **last; /* appends that wait */

	bulla_lane *lane;
	bulla_journal journal;
	bulla_log_state state;
	bulla_log_head seen; /* the newest head that this handle has known: what comes later must contain it */
	bulla_code failed;   /* of the append or publication after which no other is taken until the log is mended */
	int64_t mend_at;     /* where it has failed: not before this time of bulla_log_clock() */
	bool dirty;          /* something was appended here since the last publication */
	uint64_t published;
	int64_t published_at;
} bulla_disk_log;

int64_t bulla_log_clock(void); /* microseconds that only grow */

/* USAGE in a child of the process that opened the log: it has neither the seed nor a lock of its own. */
BULLA_MUST bulla_code bulla_log_check_owner(const bulla_disk_log *log, bulla_error *err);

void bulla_log_enter(bulla_disk_log *log);
void bulla_log_leave(bulla_disk_log *log);

/* Inside, under the lock: the state becomes what the journal says. A writer also cuts off the trace of an append that was
 * interrupted, and makes durable what others wrote before anything builds on it. AUDIT when the log does not contain what it
 * contained when this handle looked last. */
BULLA_MUST bulla_code bulla_log_refresh(bulla_disk_log *log, bulla_error *err);

/* Inside, with a fresh state: the tree over the first `size` entries. AUDIT when the log is shorter. */
BULLA_MUST bulla_code bulla_log_tree_at(const bulla_disk_log *log, uint64_t size, bulla_tree *ret, bulla_error *err);

/* Inside, under the lock, with a fresh state: signs the state as it is, and keeps the checkpoint as the newest one. */
BULLA_MUST bulla_code bulla_log_sign(bulla_disk_log *log, uint64_t generation, bulla_error *err);

/* The same for publishing. After a failure but MEMORY no append is taken until the log is mended. */
BULLA_MUST bulla_code bulla_log_publish_now(bulla_disk_log *log, bool edge, bulla_error *err);

/* From now on every append is refused until the log is mended; after MEMORY the next one begins with what the journal says. */
void bulla_log_give_up(bulla_disk_log *log, bulla_code why);
/* Inside, under the lock, after a failure: what opening the log does. Then appends are taken again. */
BULLA_MUST bulla_code bulla_log_mend(bulla_disk_log *log, bulla_error *err);

/* What the table of a directory has (io/log_kind.h). Appending waits for the turn of its request and leads the group where nobody else
 * does. */
BULLA_MUST bulla_code bulla_disk_log_append(void *self, const bulla_bytes *entries, size_t n, uint64_t generation,
					    bulla_log_head *ret_head, bulla_error *err);
BULLA_MUST bulla_code bulla_disk_log_head(bulla_log *log, bulla_checkpoint *ret, bulla_error *err);
BULLA_MUST bulla_code bulla_disk_log_root_at(bulla_log *log, uint64_t size, uint8_t ret_root[static 32], bulla_error *err);
BULLA_MUST bulla_code bulla_disk_log_each(bulla_log *log, uint64_t first, uint64_t end, bulla_log_visit each, void *self,
					  bulla_error *err);

#endif
