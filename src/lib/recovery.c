/*
 * recovery.c - the key store's safety: a proven copy, a proven way back, a new root key.
 */
#include "lib/inside.h"
#include "io/file.h"
#include "lib/witness.h"
#include "rootkey/rootkey.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECKPOINT_NOTE "backup"
#define BACKED_UP_NOTE  "backed_up" /* when a copy was last proven, in microseconds */

static void text_free(char **text)
{
	free(*text);
}

#define TEXT_AUTO __attribute__((cleanup(text_free))) char *

static void store_close(bulla_store **store)
{
	bulla_store_close(*store);
}

#define STORE_AUTO __attribute__((cleanup(store_close))) bulla_store *

#define KEPT_A_SECOND 100
#define NUMBER        16

/* What is kept of one second after the first (another run, or one that was cut off right here) gets a number. */
static const char *number_of(unsigned n, char out[static NUMBER])
{
	(void)snprintf(out, NUMBER, n > 1 ? "-%u" : "", n);
	return out;
}

/* --- a copy opens: the root key of the project unlocks it ------------------------------------------------------- */
static bulla_code prove_copy(bulla_project *project, const char *path, bulla_log_head *ret_head, bulla_error *err)
{
	TEXT_AUTO url = NULL;
	TRY(bulla_paths_printf(&url, err, "sqlite:%s", path));
	STORE_AUTO copy = NULL;
	TRY(bulla_store_open(url, false, &copy, err));
	bulla_store *own = project->store;
	BULLA_SECRET root = { 0 };
	project->store = copy; /* lent: unlocking asks the project's store */
	bulla_code code = bulla_project_unlock(project, &root, err);
	project->store = own;
	TRY(code);
	bulla_kms_store rows = bulla_store_kms(copy);
	return rows.head(rows.self, ret_head, err);
}

static bulla_code note_checkpoint(bulla_project *project, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	TRY(bulla_project_checkpoint(project, project->log, &text, err));
	return bulla_store_note_set(project->store, CHECKPOINT_NOTE, bulla_view_buf(&text), err);
}

static bulla_code note_backup(bulla_project *project, int64_t at_us, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	TRY(bulla_buf_printf(&text, err, "%lld", (long long)at_us));
	return bulla_store_note_set(project->store, BACKED_UP_NOTE, bulla_view_buf(&text), err);
}

bulla_code bulla_project_backup(bulla_project *project, const char *path, bulla_log_head *ret_head, bulla_error *err)
{
	TRY(bulla_project_need_engine(project, err));
	if (project->paths.in_memory) return bulla_fail(err, BULLA_ERR_USAGE, "a store in memory cannot be backed up");
	int64_t began_us = bulla_now_us(NULL);
	TRY(note_checkpoint(project, err));
	TRY(bulla_store_backup(project->store, path, err));
	TRY(prove_copy(project, path, ret_head, err));
	return note_backup(project, began_us, err);
}

static bulla_code count_branch(void *self, const bulla_branch_row *row, bulla_error *err)
{
	bulla_backed_up *b = self;
	(void)err;
	b->branches += row->state != BULLA_BRANCH_DESTROYED;
	return BULLA_OK;
}

static bulla_code count_since(bulla_project *project, bulla_backed_up *b, bulla_error *err)
{
	bulla_key_info *keys = NULL;
	size_t n = 0;
	TRY(bulla_engine_list(project->engine, &keys, &n, err));
	for (size_t i = 0; i < n; i++)
		b->keys += keys[i].rotated_us >= b->at_us || keys[i].created_us >= b->at_us;
	free(keys);
	bulla_branch_query query = { .since_us = b->at_us };
	return project->branches.some(project->branches.self, &query, count_branch, b, err);
}

bulla_code bulla_project_backed_up(bulla_project *project, bulla_backed_up *ret, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf note = { 0 };
	*ret = (bulla_backed_up){ 0 };
	bulla_code code = bulla_store_note_get(project->store, BACKED_UP_NOTE, &note, err);
	if (code && code != BULLA_ERR_NOT_FOUND) return code;
	TRY(bulla_buf_terminate(&note, err));
	ret->at_us = strtoll((const char *)note.data, NULL, 10);
	return count_since(project, ret, err);
}

/* --- restore ---------------------------------------------------------------------------------------------------- */
static bulla_code copy_bytes(int from, int to, bulla_error *err)
{
	uint8_t block[65536];
	for (;;) {
		ssize_t n = read(from, block, sizeof block);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return bulla_fail_errno(err, errno, "cannot read the backup");
		if (n == 0) break;
		for (ssize_t done = 0; done < n;) {
			ssize_t written = write(to, block + done, (size_t)(n - done));
			if (written < 0 && errno != EINTR) return bulla_fail_errno(err, errno, "cannot copy the backup");
			if (written > 0) done += written;
		}
	}
	return fsync(to) ? bulla_fail_errno(err, errno, "cannot copy the backup") : BULLA_OK;
}

static bulla_code copy_file(const char *source, const char *target, bulla_error *err)
{
	int from = open(source, O_RDONLY | O_CLOEXEC);
	if (from < 0) return bulla_fail_errno(err, errno, "cannot open the backup %s", source);
	int to = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	bulla_code code = to < 0 ? bulla_fail_errno(err, errno, "cannot make %s", target) : copy_bytes(from, to, err);
	(void)close(from);
	if (to >= 0 && close(to) && code == BULLA_OK) code = bulla_fail_errno(err, errno, "cannot copy the backup");
	return code;
}

/* A store that closes well is one file, which moves in one step. One that does not open moves with what lies beside it. */
static void fold(const char *url)
{
	bulla_store *store = NULL;
	bulla_error ignored;
	if (bulla_store_open(url, false, &store, &ignored) == BULLA_OK) bulla_store_close(store);
}

static const char *const suffixes[] = { "-wal", "-shm", "" }; /* the store itself last: its name decides */

/* Moves a store with what SQLite keeps beside it. */
static bulla_code move_store(const char *from, const char *to, bulla_error *err)
{
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		TEXT_AUTO source = NULL;
		TEXT_AUTO target = NULL;
		TRY(bulla_paths_printf(&source, err, "%s%s", from, suffixes[i]));
		TRY(bulla_paths_printf(&target, err, "%s%s", to, suffixes[i]));
		if (rename(source, target) && errno != ENOENT) return bulla_fail_errno(err, errno, "cannot move %s", source);
	}
	return bulla_paths_sync(to, err);
}

/* A log whose database is gone counts too: it would be taken for that of the one which comes. */
static bool is_any_there(const char *store, bulla_error *err)
{
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		TEXT_AUTO path = NULL;
		if (bulla_paths_printf(&path, err, "%s%s", store, suffixes[i]) || bulla_file_exists(path)) return true;
	}
	return false;
}

static bulla_code name_replaced(const char *store, bulla_restored *ret, bulla_error *err)
{
	char stamp[17], number[NUMBER];
	bulla_stamp_now(stamp);
	for (unsigned n = 1; n <= KEPT_A_SECOND; n++) {
		(void)snprintf(ret->replaced, sizeof ret->replaced, "%s.replaced-%s%s", store, stamp, number_of(n, number));
		if (!is_any_there(ret->replaced, err)) return BULLA_OK;
	}
	return bulla_fail(err, BULLA_ERR_EXISTS, "%s exists", ret->replaced);
}

static bulla_code refuse_to_replace(const char *store, bulla_error *err)
{
	bulla_code code = bulla_fail(err, BULLA_ERR_EXISTS, "there is a key store at %s", store);
	return bulla_advise(
		err, code, "stop whatever uses it, then run it with --force: the store that is there is kept under another name");
}

static bulla_code make_room(bulla_project *project, bulla_restored *ret, bulla_error *err)
{
	const char *store = project->paths.store;
	if (!is_any_there(store, err)) return BULLA_OK;
	bool whole = bulla_file_exists(store);
	TRY(name_replaced(store, ret, err));
	if (whole) fold(project->paths.store_url);
	TRY(move_store(store, ret->replaced, err));
	if (!whole) ret->replaced[0] = 0;
	return BULLA_OK;
}

/* Would the project open now? AUDIT is the one answer that `bulla audit adopt` mends. */
static bulla_code needs_adoption(bulla_project *project, bool *ret, bulla_error *err)
{
	bulla_code code = bulla_project_open_store(project, err);
	if (code == BULLA_OK) code = bulla_project_open_on_disk(project, err);
	*ret = code == BULLA_ERR_AUDIT;
	return *ret ? BULLA_OK : code;
}

/* The root key of the project is not that of the backup: it may have been replaced since. */
static bulla_code fail_backup_key(const bulla_project *project, bulla_error *err)
{
	bulla_code code = bulla_fail(err, BULLA_ERR_ROOT_KEY, "the root key does not open this backup");
	const char *file = project->paths.root_key;
	return bulla_advise(
		err, code,
		"was it made before a rekey? then write the root key of that time into bulla.yaml (root_key: file:%s%s), "
		"restore, and: bulla kms rekey",
		file ? file : "the escrow of that time", file ? ".retired-..." : "");
}

/* What a cut-off run has left beside the copy would be taken for this one's log. */
static bulla_code copy_backup(const char *path, const char *waiting, bulla_error *err)
{
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		TEXT_AUTO left = NULL;
		TRY(bulla_paths_printf(&left, err, "%s%s", waiting, suffixes[i]));
		if (unlink(left) && errno != ENOENT) return bulla_fail_errno(err, errno, "cannot remove %s", left);
	}
	return copy_file(path, waiting, err);
}

/* Into the place of a file. */
static bulla_code restore_file(bulla_project *project, const char *waiting, bool force, bulla_restored *ret, bulla_error *err)
{
	(void)force; /* asked before */
	TRY(make_room(project, ret, err));
	return move_store(waiting, project->paths.store, err);
}

/* Into tables, in one transaction; those that were there move to a schema of their own in the same. */
static bulla_code restore_tables(bulla_project *project, const char *waiting, bool force, bulla_restored *ret, bulla_error *err)
{
	char stamp[17], keep_as[48];
	TEXT_AUTO url = NULL;
	STORE_AUTO from = NULL;
	STORE_AUTO to = NULL;
	TRY(bulla_paths_printf(&url, err, "sqlite:%s", waiting));
	TRY(bulla_store_open(url, false, &from, err));
	TRY(bulla_store_open(project->paths.store_url, true, &to, err));
	bulla_code code = bulla_store_replace(to, from, NULL, err);
	if (code != BULLA_ERR_EXISTS) return code;
	if (!force) return refuse_to_replace(project->paths.place, err);
	bulla_stamp_now(stamp);
	(void)snprintf(keep_as, sizeof keep_as, "bulla_replaced_%.8s_%.6s", stamp, stamp + 9);
	TRY(bulla_store_replace(to, from, keep_as, err));
	(void)snprintf(ret->replaced, sizeof ret->replaced, "schema %s of the same database", keep_as);
	return BULLA_OK;
}

/* `place` is the store's file, or where one would be. */
static bulla_code restore(bulla_project *project, const char *path, const char *place, bool force, bulla_restored *ret,
			  bulla_error *err)
{
	TEXT_AUTO waiting = NULL;
	bool in_file = project->paths.store != NULL;
	if (in_file && !force && bulla_file_exists(place)) return refuse_to_replace(place, err);
	TRY(bulla_paths_printf(&waiting, err, "%s.restoring", place));
	TRY(copy_backup(path, waiting, err));
	bulla_code code = prove_copy(project, waiting, &ret->head, err);
	if (code == BULLA_OK) code = (in_file ? restore_file : restore_tables)(project, waiting, force, ret, err);
	if (code || !in_file) (void)unlink(waiting);
	return code == BULLA_ERR_ROOT_KEY ? fail_backup_key(project, err) : code;
}

bulla_code bulla_project_restore(bulla_project *project, const char *path, bool force, bulla_restored *ret, bulla_error *err)
{
	int lock = -1;
	TEXT_AUTO place = NULL;
	*ret = (bulla_restored){ 0 };
	if (project->paths.in_memory) return bulla_fail(err, BULLA_ERR_USAGE, "a store in memory cannot be restored");
	TRY(bulla_directory_make(project->paths.directory, 0700, err));
	if (project->paths.store)
		TRY(bulla_paths_printf(&place, err, "%s", project->paths.store));
	else
		TRY(bulla_paths_printf(&place, err, "%s/backup", project->paths.directory));
	TRY(bulla_paths_lock(place, &lock, err));
	bulla_code code = restore(project, path, place, force, ret, err);
	bulla_paths_unlock(lock);
	TRY(code);
	TRY(needs_adoption(project, &ret->adopt, err));
	ret->buried = project->buried;
	return BULLA_OK;
}

/* --- rekey ------------------------------------------------------------------------------------------------------ */
static bulla_code keep(const char *path, char **ret_retired, bulla_error *err)
{
	char stamp[17], number[NUMBER];
	bulla_stamp_now(stamp);
	for (unsigned n = 1;; n++) {
		TEXT_AUTO name = NULL;
		TRY(bulla_paths_printf(&name, err, "%s.retired-%s%s", path, stamp, number_of(n, number)));
		if (link(path, name) == 0) {
			*ret_retired = name;
			name = NULL; /* transferred */
			return BULLA_OK;
		}
		if (errno != EEXIST || n >= KEPT_A_SECOND)
			return bulla_fail_errno(err, errno, "cannot keep the old key as %s", name);
	}
}

/* `path`.new takes the place of `path`, which stays under a name of its own. Cut off anywhere, one of the two is at `path`. */
static bulla_code settle(const char *path, char **ret_retired, bulla_error *err)
{
	TEXT_AUTO fresh = NULL;
	TEXT_AUTO retired = NULL;
	TRY(bulla_paths_printf(&fresh, err, "%s%s", path, BULLA_NEW_SUFFIX));
	bool had = bulla_file_exists(path);
	if (had) TRY(keep(path, &retired, err));
	if (rename(fresh, path)) return bulla_fail_errno(err, errno, "cannot put the new key at %s", path);
	TRY(bulla_paths_sync(path, err));
	if (!had || !ret_retired) return BULLA_OK;
	*ret_retired = retired;
	retired = NULL; /* transferred */
	return BULLA_OK;
}

/* Only a waiting key that opens the store may take a place: another one is what a run left that was killed before its
 * transaction. */
static bool is_waiting(const char *path, const bulla_secret *root)
{
	BULLA_SECRET waiting = { 0 };
	TEXT_AUTO fresh = NULL;
	TEXT_AUTO spec = NULL;
	bulla_error ignored;
	if (!path || bulla_paths_printf(&fresh, &ignored, "%s%s", path, BULLA_NEW_SUFFIX) || !bulla_file_exists(fresh))
		return false;
	if (bulla_paths_printf(&spec, &ignored, "file:%s", fresh)) return false;
	bulla_code code = bulla_root_key_load(spec, ".", bulla_view_str("file"), &waiting, &ignored);
	return code == BULLA_OK && bulla_equal_ct(waiting.bytes, root->bytes, sizeof root->bytes);
}

bulla_code bulla_project_settle_keys(const bulla_paths *paths, const bulla_secret *root, char **ret_retired,
				     char **ret_retired_escrow, bulla_error *err)
{
	if (is_waiting(paths->escrow, root)) TRY(settle(paths->escrow, ret_retired_escrow, err));
	return is_waiting(paths->root_key, root) ? settle(paths->root_key, ret_retired, err) : BULLA_OK;
}

/* The new key beside the old one. One that a cut-off run has left there never wrapped anything: it is used now. */
static bulla_code fresh_root(const bulla_project *project, const char *spec, bool in_place, bulla_secret *ret_root,
			     bulla_buf *ret_note, bulla_error *err)
{
	TEXT_AUTO beside = NULL;
	TEXT_AUTO file = NULL;
	TRY(bulla_paths_printf(&beside, err, "%s%s", spec, in_place ? BULLA_NEW_SUFFIX : ""));
	TRY(bulla_paths_key_file(&project->paths, beside, &file, err));
	if (!in_place || !bulla_file_exists(file))
		return bulla_root_key_create(beside, project->paths.base_dir, ret_root, ret_note, err);
	TRY(bulla_buf_add_str(ret_note, "file", err));
	return bulla_root_key_load(beside, project->paths.base_dir, bulla_view_str("file"), ret_root, err);
}

#define ESCROW_COMMENT                                                                                                           \
	"# Escrow of the root key of a bulla key store, made when it was replaced: whoever has this file and a copy of the "     \
	"store\n"                                                                                                                \
	"# has every key in it. Move it off this host now, then delete it here. Backups made before still need the older "       \
	"escrow.\n"

static bulla_code fresh_escrow(const bulla_project *project, const bulla_secret *root, bulla_error *err)
{
	TEXT_AUTO path = NULL;
	TRY(bulla_paths_printf(&path, err, "%s%s", project->paths.escrow, BULLA_NEW_SUFFIX));
	if (unlink(path) && errno != ENOENT) return bulla_fail_errno(err, errno, "cannot remove %s", path);
	return bulla_root_key_write(path, root, ESCROW_COMMENT, err);
}

static bulla_code prove_escrow(const bulla_project *project, bulla_error *err)
{
	BULLA_SECRET root = { 0 };
	BULLA_SECRET seed = { 0 };
	TEXT_AUTO spec = NULL;
	bulla_kms_store rows = bulla_store_kms(project->store);
	TRY(bulla_paths_printf(&spec, err, "file:%s", project->paths.escrow));
	TRY(bulla_root_key_load(spec, ".", bulla_view_str("file"), &root, err));
	return bulla_engine_log_seed(&rows, root.bytes, &seed, err);
}

static void report_rekey(const bulla_project *project, const char *retired, const char *retired_escrow, bulla_rekeyed *ret)
{
	(void)snprintf(ret->escrow, sizeof ret->escrow, "%s", project->paths.escrow);
	(void)snprintf(ret->retired, sizeof ret->retired, "%s", retired ? retired : "");
	(void)snprintf(ret->retired_escrow, sizeof ret->retired_escrow, "%s", retired_escrow ? retired_escrow : "");
}

bulla_code bulla_project_rekey(bulla_project *project, const char *spec, bulla_rekeyed *ret, bulla_error *err)
{
	*ret = (bulla_rekeyed){ 0 };
	TRY(bulla_project_need_engine(project, err));
	if (project->paths.in_memory) return bulla_fail(err, BULLA_ERR_USAGE, "a store in memory has no root key to replace");
	const char *configured = bulla_schema_environment(project->schema)->root_key;
	bool in_place = !spec || strcmp(spec, configured) == 0;
	bool in_file = in_place && project->paths.root_key;
	if (!spec) spec = configured;

	BULLA_SECRET root = { 0 };
	BULLA_BUF_AUTO bulla_buf note = { 0 };
	TRY(fresh_root(project, spec, in_file, &root, &note, err));
	TRY(fresh_escrow(project, &root, err));
	TRY(bulla_engine_rekey(project->engine, root.bytes, bulla_view_buf(&note), err));

	TEXT_AUTO retired = NULL;
	TEXT_AUTO retired_escrow = NULL;
	TEXT_AUTO file = NULL;
	TRY(bulla_project_settle_keys(&project->paths, &root, &retired, &retired_escrow, err));
	TRY(prove_escrow(project, err));
	TRY(bulla_paths_key_file(&project->paths, spec, &file, err));
	report_rekey(project, retired, retired_escrow, ret);
	(void)snprintf(ret->root_key, sizeof ret->root_key, "%s", file ? file : "");
	ret->edit_config = !in_place;
	return BULLA_OK;
}
