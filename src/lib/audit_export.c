/*
 * audit_export.c - a copy of an audit log as static files.
 */
#include "lib/vouch.h"
#include "io/file.h"
#include "lib/paths.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FILE_MAX  (32u << 20) /* 256 entries of 65536 bytes and a little */
#define DEPTH_MAX 16          /* directories in directories: tile/<level>/xNNN/xNNN/NNN.p/W */

static bulla_code copy_tree(const char *from, const char *to, int depth, uint64_t *files, bulla_error *err);

static bulla_code copy_file(const char *from, const char *to, uint64_t *files, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf content = { 0 };
	TRY(bulla_file_read(from, FILE_MAX, &content, err));
	TRY(bulla_file_write(to, bulla_view_buf(&content), 0644, true, err));
	++*files;
	return BULLA_OK;
}

static bulla_code copy_entry(const char *from, const char *to, const char *name, int depth, uint64_t *files, bulla_error *err)
{
	struct stat st;
	char *source = bulla_path_join(from, name), *target = bulla_path_join(to, name);
	bulla_code code = source && target ? BULLA_OK : bulla_fail_memory(err);
	if (code == BULLA_OK && lstat(source, &st)) code = bulla_fail_errno(err, errno, "cannot examine %s", source);
	if (code == BULLA_OK && S_ISDIR(st.st_mode))
		code = copy_tree(source, target, depth + 1, files, err);
	else if (code == BULLA_OK && S_ISREG(st.st_mode))
		code = copy_file(source, target, files, err);
	free(source);
	free(target);
	return code;
}

static bulla_code copy_tree(const char *from, const char *to, int depth, uint64_t *files, bulla_error *err)
{
	if (depth > DEPTH_MAX) return bulla_fail(err, BULLA_ERR_LIMIT, "%s lies too deep for an audit log", from);
	TRY(bulla_directory_make(to, 0755, err));
	DIR *directory = opendir(from);
	if (!directory) return bulla_fail_errno(err, errno, "cannot read %s", from);
	bulla_code code = BULLA_OK;
	for (struct dirent *entry; code == BULLA_OK && (entry = readdir(directory));)
		if (entry->d_name[0] != '.') code = copy_entry(from, to, entry->d_name, depth, files, err);
	(void)closedir(directory);
	return code;
}

static bulla_code count_files(const char *path, int depth, uint64_t *files, bulla_error *err)
{
	DIR *directory = depth > DEPTH_MAX ? NULL : opendir(path);
	if (!directory) return bulla_fail_errno(err, errno, "cannot read %s", path);
	bulla_code code = BULLA_OK;
	for (struct dirent *entry; code == BULLA_OK && (entry = readdir(directory));) {
		struct stat st;
		char *name = entry->d_name[0] == '.' ? NULL : bulla_path_join(path, entry->d_name);
		if (name && lstat(name, &st) == 0 && S_ISDIR(st.st_mode)) code = count_files(name, depth + 1, files, err);
		*files += name && S_ISREG(st.st_mode);
		free(name);
	}
	(void)closedir(directory);
	return code;
}

/* A log that lies in the store has no files of its own. */
static bulla_code write_files(bulla_project *project, const char *path, uint64_t *ret_files, bulla_error *err)
{
	TRY(bulla_store_log_export(project->store, project->log_origin, path, err));
	return count_files(path, 0, ret_files, err);
}

/* The checkpoint last: what it promises is there already. Others may append meanwhile; their tiles do no harm. */
static const char *const published[] = { "tile", "checkpoints", "checkpoint" };

bulla_code bulla_project_audit_export(bulla_project *project, const char *path, uint64_t *ret_files, bulla_error *err)
{
	*ret_files = 0;
	TRY(bulla_project_need_engine(project, err));
	if (project->paths.in_memory) return bulla_fail(err, BULLA_ERR_USAGE, "a store in memory has no log to export");
	if (bulla_file_exists(path)) return bulla_fail(err, BULLA_ERR_EXISTS, "%s exists", path);
	if (!project->paths.log) return write_files(project, path, ret_files, err);
	TRY(bulla_directory_make(path, 0755, err));
	for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
		char *source = bulla_path_join(project->paths.log, published[i]);
		bool there = source && bulla_file_exists(source);
		free(source);
		if (there) TRY(copy_entry(project->paths.log, path, published[i], 0, ret_files, err));
	}
	return BULLA_OK;
}
