/*
 * log_verify.c - is this log what it was when each of its checkpoints was signed?
 *
 * What the log says of itself is taken at one moment, under the shared lock; then the entries are read once, from the first on,
 * and at the size of every kept checkpoint the root must be the one that was signed. So what is found first is the earliest
 * wrong thing: an entry that its stored hash contradicts, else the interval between the last root that was right and the first
 * that is not.
 */
#include "io/log_judge.h"
#include "io/log_publish.h"
#include "io/log_recount.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#define NOTES_STEP 65536u /* bytes of `checkpoints` read at a time */

typedef struct verifier {
	bulla_log_dir dir;
	bulla_lane *lane;
	bulla_note_key key;
	bulla_log_report *report;

	/* What the log said of itself. */
	int lock_fd;
	int kept_fd; /* `checkpoints` */
	bulla_journal journal;
	bulla_log_state state;
	bulla_buf published; /* `checkpoint` */

	/* How far we are. */
	bulla_recount recount;
	bulla_log_judge judge;
	bool published_is_kept;
} verifier;

static void verifier_free(verifier *v)
{
	bulla_journal_close(&v->journal);
	bulla_log_state_done(&v->state);
	bulla_buf_done(&v->published);
	bulla_recount_done(&v->recount);
	bulla_fd_close(&v->kept_fd);
	bulla_fd_close(&v->lock_fd);
	bulla_fd_close(&v->dir.fd);
	bulla_lane_free(v->lane);
	free(v);
}

/* --- what the log says of itself ---------------------------------------------------------------------------------------- */

/* Something that could be read and is wrong is a finding; `err` has said it in its words. */
static bulla_code as_finding(verifier *v, bulla_code code, uint64_t first, uint64_t last, const bulla_error *err)
{
	return code == BULLA_ERR_AUDIT ? bulla_log_find(v->report, first, last, "%s", err->text) : code;
}

static bool has(const verifier *v, const char *name)
{
	struct stat st;
	return fstatat(v->dir.fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bulla_code read_published(verifier *v, bulla_error *err)
{
	v->published.max = BULLA_NOTE_MAX;
	bulla_code code = bulla_log_read_file(&v->dir, BULLA_LOG_CHECKPOINT, &v->published, err);
	return code == BULLA_ERR_NOT_FOUND || code == BULLA_ERR_LIMIT || code == BULLA_ERR_CORRUPT ? BULLA_OK : code;
}

/* Without its journal a log has lost what its last, incomplete bundle held: those entries, as far as `checkpoint` tells. */
static bulla_code read_journal(verifier *v, bulla_error *err)
{
	bulla_checkpoint published = { 0 };
	bulla_code code = bulla_journal_read(&v->journal, &v->dir, v->lane, v->key.name, false, &v->state, err);
	if (code == BULLA_ERR_NOT_FOUND && (has(v, BULLA_LOG_CHECKPOINT) || has(v, "tile")))
		code = bulla_fail(err, BULLA_ERR_AUDIT, "the audit log %s has lost its journal", v->dir.path);
	if (code != BULLA_ERR_AUDIT) return code;
	if (bulla_checkpoint_verify(&v->key, bulla_view_buf(&v->published), &published, NULL))
		return as_finding(v, code, 0, 0, err);
	const uint64_t size = published.head.size;
	return as_finding(v, code, size - size % BULLA_TILE_WIDTH, size ? size - 1 : 0, err);
}

/* A beginning of a frame at the end is the trace of an append that was interrupted and never answered. */
static bulla_code check_tail(verifier *v)
{
	const uint64_t size = v->state.tree.size;
	if (v->journal.length == v->journal.end || v->journal.torn) return BULLA_OK;
	return bulla_log_find(v->report, size, size, "the journal is damaged after entry %" PRIu64, size);
}

static bulla_code read_all(verifier *v, bulla_error *err)
{
	TRY(read_published(v, err));
	TRY(read_journal(v, err));
	bulla_code code = bulla_log_check_kept(&v->dir, &v->state, err);
	if (code) return as_finding(v, code, 0, v->state.tree.size ? v->state.tree.size - 1 : 0, err);
	return v->state.kept ? bulla_log_open_file(&v->dir, BULLA_LOG_CHECKPOINTS, &v->kept_fd, err) : BULLA_OK;
}

static bulla_code take_snapshot(verifier *v, const char *directory, bulla_error *err)
{
	v->dir = (bulla_log_dir){ open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), directory };
	if (v->dir.fd < 0) return bulla_fail_errno(err, errno, "cannot open the audit log %s", directory);
	v->lock_fd = openat(v->dir.fd, "lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW); /* a copy may be without */
	TRY(bulla_log_lock(&v->dir, v->lock_fd, false, err));
	bulla_code code = read_all(v, err);
	bulla_log_unlock(v->lock_fd);
	return code;
}

/* --- checkpoints -------------------------------------------------------------------------------------------------------- */

static bulla_code reach(void *self, uint64_t size, const bulla_tree **ret, bulla_error *err)
{
	verifier *v = self;
	*ret = &v->recount.tree;
	return bulla_recount_to(&v->recount, size, err);
}

static bulla_code check_note(verifier *v, bulla_bytes note, bulla_error *err)
{
	TRY(bulla_log_judge_note(&v->judge, note, err));
	if (bulla_bytes_equal(note, bulla_view_buf(&v->published))) v->published_is_kept = true;
	return BULLA_OK;
}

/* Checks the whole notes that `bytes` begins with, and says how many bytes they take. */
static bulla_code check_notes(verifier *v, bulla_bytes bytes, bool last, size_t *ret_used, bulla_error *err)
{
	size_t used = 0;
	*ret_used = 0;
	if (bytes.len == 0) return BULLA_OK;
	for (size_t n; (n = bulla_note_measure(bulla_view(bytes.data + used, bytes.len - used), last)); used += n)
		TRY(check_note(v, bulla_view(bytes.data + used, n), err));
	const size_t rest = bytes.len - used;
	if (rest > BULLA_NOTE_MAX || (last && rest))
		return bulla_log_find(v->report, v->judge.last.head.size, v->state.tree.size ? v->state.tree.size - 1 : 0,
				      "the kept checkpoints cannot be read behind the one over %" PRIu64 " entries",
				      v->judge.last.head.size);
	*ret_used = used;
	return BULLA_OK;
}

static bulla_code check_kept_notes(verifier *v, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf notes = { 0 };
	uint64_t at = 0;
	size_t used;
	while (at < v->state.kept) {
		const uint64_t end = v->state.kept - at < NOTES_STEP ? v->state.kept : at + NOTES_STEP;
		TRY(bulla_log_read_range(v->kept_fd, BULLA_LOG_CHECKPOINTS, at, end, &notes, err));
		at = end;
		TRY(check_notes(v, bulla_view_buf(&notes), at == v->state.kept, &used, err));
		memmove(notes.data, notes.data + used, notes.len - used);
		notes.len -= used;
	}
	return BULLA_OK;
}

/* --- the end ------------------------------------------------------------------------------------------------------------ */

/* The newest checkpoint is the journal's, and the journal's own hashes of what lies before it give the same root. */
static bulla_code check_head(verifier *v, bulla_error *err)
{
	const uint64_t size = v->state.tree.size;
	const uint64_t before = v->judge.last.head.size;
	uint8_t root[BULLA_HASH_SIZE];
	TRY(bulla_tree_root(&v->state.tree, v->lane, root, err));
	if (before == size && memcmp(&v->judge.last, &v->state.head, sizeof v->judge.last) == 0 &&
	    memcmp(root, v->judge.last.head.root, sizeof root) == 0)
		return BULLA_OK;
	return bulla_log_find(v->report, before, size ? size - 1 : 0,
			      "the journal and the kept checkpoints contradict each other");
}

static bulla_code check_published(verifier *v, bulla_error *err)
{
	const uint64_t size = v->state.tree.size;
	bulla_checkpoint found;
	if (v->published.len == 0) return bulla_log_find(v->report, size, size, "`checkpoint` is missing or empty");
	/* The bytes of one that was kept have been verified there. */
	const bulla_bytes note = bulla_view_buf(&v->published);
	bulla_code code = v->published_is_kept ? bulla_checkpoint_parse(v->key.name, note, &found, err)
					       : bulla_checkpoint_verify(&v->key, note, &found, err);
	if (code) return as_finding(v, code, size, size, err);
	if (found.head.size > size)
		return bulla_log_find(v->report, size, found.head.size - 1,
				      "entries are missing: `checkpoint` is over %" PRIu64 ", the log has %" PRIu64,
				      found.head.size, size);
	if (!v->published_is_kept)
		return bulla_log_find(v->report, size, size, "`checkpoint` is not among the checkpoints that were kept");
	return bulla_recount_edge(&v->recount, found.head.size, err);
}

static bulla_code verify_all(verifier *v, const char *directory, bulla_error *err)
{
	size_t used;
	TRY(take_snapshot(v, directory, err));
	v->judge.size = v->state.tree.size;
	TRY(check_kept_notes(v, err));
	TRY(check_notes(v, bulla_view_buf(&v->state.notes), true, &used, err));
	TRY(check_head(v, err));
	TRY(check_tail(v));
	return check_published(v, err);
}

bulla_code bulla_log_verify(const char *directory, const char *origin, const uint8_t public_key[static 32],
			    void (*progress)(void *self, uint64_t done, uint64_t total), void *self, bulla_log_report *ret,
			    bulla_error *err)
{
	bulla_error own = { 0 };
	bulla_log_report report = { .ok = true };
	verifier *v = calloc(1, sizeof *v);
	if (!v) return bulla_fail_memory(err);
	v->dir.fd = v->lock_fd = v->kept_fd = v->journal.fd = -1;
	v->report = &report;
	bulla_code code = bulla_lane_new(&v->lane, &own);
	if (!code) code = bulla_note_key_of(v->lane, origin, public_key, &v->key, &own);
	v->recount.dir = &v->dir;
	v->recount.lane = v->lane;
	v->recount.state = &v->state;
	v->recount.report = &report;
	v->recount.progress = progress;
	v->recount.self = self;
	v->judge = (bulla_log_judge){ .key = &v->key, .lane = v->lane, .report = &report, .reach = reach, .self = v };
	if (!code) code = verify_all(v, directory, &own);
	report.size = v->judge.last.head.size;
	memcpy(report.root, v->judge.last.head.root, sizeof report.root);
	verifier_free(v);
	if (code == BULLA_ERR_AUDIT && report.ok) (void)bulla_log_find(&report, 0, 0, "%s", own.text);
	if (code && code != BULLA_ERR_AUDIT) {
		if (err) *err = own;
		return code;
	}
	*ret = report;
	return BULLA_OK;
}
