/*
 * witness.c - telling the witnesses of an audit log its newest head, and asking them what they have seen.
 */
#include "lib/witness.h"
#include "audit/checkpoint.h"
#include "lib/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

bulla_code bulla_log_contains(bulla_log *log, const bulla_log_head *head, bool *ret, bulla_error *err)
{
	uint8_t root[32];
	*ret = true;
	if (head->size == 0) return BULLA_OK;
	bulla_code code = bulla_log_root_at(log, head->size, root, err);
	*ret = code == BULLA_OK && bulla_equal_ct(root, head->root, sizeof root);
	return code == BULLA_ERR_AUDIT ? BULLA_OK : code; /* shorter than that */
}

/* --- checkpoints ------------------------------------------------------------------------------------------------ */
static bulla_code note_key(const bulla_project *project, bulla_note_key *ret, bulla_error *err)
{
	bulla_lane *lane = NULL;
	TRY(bulla_lane_new(&lane, err));
	bulla_code code = bulla_note_key_of(lane, project->log_origin, project->log_public, ret, err);
	bulla_lane_free(lane);
	return code;
}

bulla_code bulla_project_checkpoint(bulla_project *project, bulla_log *log, bulla_buf *out, bulla_error *err)
{
	bulla_note_key key;
	bulla_checkpoint now = { 0 };
	TRY(note_key(project, &key, err));
	TRY(bulla_log_head_now(log, &now.head, err));
	TRY(bulla_log_generation(log, &now.generation, err));
	return bulla_checkpoint_sign(&key, project->sign_seed->bytes, &now, out, err);
}

bulla_code bulla_project_read_checkpoint(bulla_project *project, bulla_bytes note, bulla_log_head *ret, bulla_error *err)
{
	bulla_note_key key;
	bulla_checkpoint seen;
	TRY(note_key(project, &key, err));
	TRY(bulla_checkpoint_verify(&key, note, &seen, err));
	*ret = seen.head;
	return BULLA_OK;
}

/* --- files ------------------------------------------------------------------------------------------------------ */
static bulla_code witness_path(const bulla_project *project, size_t i, char **ret, bulla_error *err)
{
	const char *name = bulla_schema_environment(project->schema)->witnesses[i];
	if (strncmp(name, "file:", 5) == 0) return bulla_paths_key_file(&project->paths, name, ret, err);
	bulla_code code = bulla_fail(err, BULLA_ERR_CONFIG, "the witness %s is not a file", name);
	return bulla_advise(err, code, "audit: { witness: [\"file:/mnt/elsewhere/bulla.witness\"] }");
}

static bulla_code read_tail(int fd, const char *path, bulla_buf *out, bulla_error *err)
{
	struct stat st;
	if (fstat(fd, &st)) return bulla_fail_errno(err, errno, "cannot examine %s", path);
	off_t start = st.st_size > BULLA_WITNESS_TAIL_MAX ? st.st_size - BULLA_WITNESS_TAIL_MAX : 0;
	size_t length = (size_t)(st.st_size - start);
	TRY(bulla_buf_reserve(out, length, err));
	while (out->len < length) {
		ssize_t n = pread(fd, out->data + out->len, length - out->len, start + (off_t)out->len);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return bulla_fail_errno(err, errno, "cannot read %s", path);
		if (n == 0) break;
		out->len += (size_t)n;
	}
	return BULLA_OK;
}

/* A tail that was cut begins somewhere inside a checkpoint: the first whole one begins after a blank line and the signatures. */
static bulla_bytes from_first_whole(bulla_bytes tail, const char *origin)
{
	size_t length = strlen(origin);
	for (size_t i = 0; i + length + 2 <= tail.len; i++)
		if (tail.data[i] == '\n' && memcmp(tail.data + i + 1, origin, length) == 0 && tail.data[i + 1 + length] == '\n')
			return bulla_view(tail.data + i + 1, tail.len - i - 1);
	return bulla_view(NULL, 0);
}

/* One head after the other; a signature that is not ours is the witness's disagreement, not a failure. */
static bulla_code compare(bulla_project *project, bulla_log *log, bulla_bytes notes, bool *ret_agrees, uint64_t *ret_size,
			  bulla_error *err)
{
	*ret_agrees = true;
	*ret_size = 0;
	while (notes.len && *ret_agrees) {
		bulla_log_head seen;
		size_t n = bulla_note_measure(notes, true);
		*ret_agrees = n > 0 && bulla_project_read_checkpoint(project, bulla_view(notes.data, n), &seen, NULL) == BULLA_OK;
		if (!*ret_agrees) return BULLA_OK;
		TRY(bulla_log_contains(log, &seen, ret_agrees, err));
		if (seen.size > *ret_size) *ret_size = seen.size;
		notes = bulla_view(notes.data + n, notes.len - n);
	}
	return BULLA_OK;
}

static bulla_code agrees(bulla_project *project, bulla_log *log, int fd, const char *path, bool *ret_agrees, uint64_t *ret_size,
			 bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf tail = { 0 };
	TRY(read_tail(fd, path, &tail, err));
	bulla_bytes notes = bulla_view_buf(&tail);
	if (notes.len == BULLA_WITNESS_TAIL_MAX) notes = from_first_whole(notes, project->log_origin);
	return compare(project, log, notes, ret_agrees, ret_size, err);
}

bulla_code bulla_witness_agrees(bulla_project *project, bulla_log *log, size_t i, bool *ret_agrees, uint64_t *ret_size,
				bulla_error *err)
{
	char *path = NULL;
	*ret_agrees = true;
	*ret_size = 0;
	TRY(witness_path(project, i, &path, err));
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bulla_code code = BULLA_OK;
	if (fd >= 0)
		code = agrees(project, log, fd, path, ret_agrees, ret_size, err);
	else if (errno != ENOENT)
		code = bulla_fail_errno(err, errno, "cannot open the witness %s", path);
	if (fd >= 0) (void)close(fd);
	free(path);
	return code;
}

static bulla_code append(bulla_project *project, int fd, const char *path, bulla_error *err)
{
	bool fits = false;
	uint64_t seen = 0;
	TRY(agrees(project, project->log, fd, path, &fits, &seen, err));
	if (!fits) return bulla_fail(err, BULLA_ERR_AUDIT, "the witness %s has seen another log than this one", path);
	BULLA_BUF_AUTO bulla_buf note = { 0 };
	bulla_log_head now;
	TRY(bulla_log_head_now(project->log, &now, err));
	if (now.size <= seen) return BULLA_OK;
	TRY(bulla_project_checkpoint(project, project->log, &note, err));
	/* one write at the end (O_APPEND): two processes do not mix their checkpoints */
	ssize_t n = write(fd, note.data, note.len);
	if (n != (ssize_t)note.len || fsync(fd))
		return bulla_fail_errno(err, n < 0 ? errno : EIO, "cannot write the witness %s", path);
	return BULLA_OK;
}

static bulla_code append_one(bulla_project *project, size_t i, bulla_error *err)
{
	char *path = NULL;
	TRY(witness_path(project, i, &path, err));
	int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	bulla_code code =
		fd < 0 ? bulla_fail_errno(err, errno, "cannot open the witness %s", path) : append(project, fd, path, err);
	if (fd >= 0) (void)close(fd);
	free(path);
	return code;
}

bulla_code bulla_witness_append(bulla_project *project, bulla_error *err)
{
	bulla_code first = BULLA_OK;
	for (size_t i = 0; i < bulla_schema_environment(project->schema)->witness_count; i++) {
		bulla_error own = { 0 };
		bulla_code code = append_one(project, i, &own);
		if (code == BULLA_OK || first) continue;
		first = code;
		if (err) *err = own;
	}
	return first;
}
