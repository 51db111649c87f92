/*
 * log.h - the audit log: appending to it and reading it, wherever it lies; and the one that is a directory.
 *
 * The directory has the layout of C2SP tlog-tiles: `checkpoint`, `tile/<L>/<N>`, `tile/entries/<N>`, with partial ones `<N>.p/<W>`. A
 * store may keep its log itself (io/log_kind.h): what is said here of threads, processes and sinks holds for it too.
 *
 * Appends go to `journal` (framed entries and the signed checkpoint, one write and one fdatasync for a group); the files of the
 * layout are derived from it: at most once a second, sooner where more than 4 MiB wait, and when the log is closed. After a
 * kill the next opening publishes what the journal has. `checkpoints` keeps every checkpoint, one after the other. Partial
 * files stay until the full one is there, for those who hold an older checkpoint.
 *
 * Any number of threads and processes append: one at a time, under a lock on `lock`; concurrent appends of one process share
 * one fdatasync. A log that is open notices when another one was put in its place. A child process opens it anew.
 */
#ifndef IO_LOG_H
#define IO_LOG_H

#include "audit/sink.h"
#include "base/secret.h"
#include "io/patience.h"

typedef struct bulla_log bulla_log;

/* Opens or, with `create`, makes the log. `origin` names it in checkpoints ("bulla/<hex>"). `seed` signs; NULL opens for
 * reading only. AUDIT when what is there does not parse, LOCKED after 10 s. */
BULLA_MUST bulla_code bulla_log_open(const char *directory, const char *origin, const bulla_secret *seed, bool create,
				     bulla_log **out, bulla_error *err);
/* The same with another patience, for opening and for every later use; what it points to outlives the log. */
BULLA_MUST bulla_code bulla_log_open_patiently(const char *directory, const char *origin, const bulla_secret *seed, bool create,
					       const bulla_patience *patience, bulla_log **out, bulla_error *err);
/* Publishes and closes. NULL is fine. */
void bulla_log_close(bulla_log *log);

/* A sink over the log; it lives as long as the log. Once an append or a publication has failed the tail is uncertain: it takes nothing (AUDIT)
 * until the log could be read anew, with all that was acknowledged in it, and written again as a whole. It tries a few times a second, when somebody appends. What
 * was refused may be in the log then. An append of more than 8 MiB or 65536 entries is made durable in
 * parts. */
bulla_audit_sink bulla_log_sink(bulla_log *log);

/* The head now, entries of other processes included. */
BULLA_MUST bulla_code bulla_log_head_now(bulla_log *log, bulla_log_head *ret_head, bulla_error *err);

/* The root over the first `size` entries; to compare with a head seen earlier. AUDIT when the log is shorter. */
BULLA_MUST bulla_code bulla_log_root_at(bulla_log *log, uint64_t size, uint8_t ret_root[static 32], bulla_error *err);

/* The largest `generation` that a checkpoint of this log carries (a line "generation N" after the root). */
BULLA_MUST bulla_code bulla_log_generation(bulla_log *log, uint64_t *ret_generation, bulla_error *err);

/* Calls `each` for entries first..end-1 in order; views live until `each` returns, which may use the log. */
typedef bulla_code (*bulla_log_visit)(void *self, uint64_t index, bulla_bytes entry, bulla_error *err);
BULLA_MUST bulla_code bulla_log_each(bulla_log *log, uint64_t first, uint64_t end, bulla_log_visit each, void *self,
				     bulla_error *err);

/* What `audit verify` found. */
typedef struct bulla_log_report {
	uint64_t size; /* entries under the newest checkpoint */
	uint8_t root[32];
	uint64_t checkpoints; /* checkpoints whose signature and root were checked */
	bool ok;
	uint64_t bad_first; /* !ok: the first bad entry, or the interval [bad_first, bad_last] between two checkpoints */
	uint64_t bad_last;
	char problem[200]; /* !ok: one line */
} bulla_log_report;

/* Recomputes everything from the entries: every tile, every kept checkpoint and its signature by `public_key`. A log that does
 * not verify is BULLA_OK with report->ok false; only a log that cannot be read at all is a failure. `progress` may be NULL. */
BULLA_MUST bulla_code bulla_log_verify(const char *directory, const char *origin, const uint8_t public_key[static 32],
				       void (*progress)(void *self, uint64_t done, uint64_t total), void *self,
				       bulla_log_report *ret, bulla_error *err);

#endif
