/*
 * sandbox.h - a directory of a test's own, with a bulla.yaml in it.
 */
#ifndef TESTS_LIB_SANDBOX_H
#define TESTS_LIB_SANDBOX_H

#include "lib/project.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct sandbox {
	char dir[256];
	char config[320];
} sandbox;

static inline char *in(const sandbox *box, const char *name)
{
	static char paths[8][512];
	static unsigned turn;
	char *path = paths[turn++ % 8];
	(void)snprintf(path, sizeof paths[0], "%s/%s", box->dir, name);
	return path;
}

static inline void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static inline sandbox sandbox_new(const char *yaml)
{
	sandbox box;
	const char *tmp = getenv("TMPDIR");
	(void)snprintf(box.dir, sizeof box.dir, "%s/bulla-lib-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(box.dir));
	(void)snprintf(box.config, sizeof box.config, "%s/bulla.yaml", box.dir);
	write_text(box.config, yaml);
	return box;
}

static inline int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

static inline void remove_tree(const char *path)
{
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void sandbox_done(sandbox *box)
{
	remove_tree(box->dir);
}

static inline void copy(const char *from, const char *to)
{
	char block[65536];
	FILE *in_file = fopen(from, "re");
	int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_non_null(in_file);
	assert_true(fd >= 0);
	for (size_t n; (n = fread(block, 1, sizeof block, in_file)) > 0;)
		assert_int_equal(write(fd, block, n), n);
	(void)fclose(in_file);
	assert_int_equal(close(fd), 0);
}

static inline unsigned mode_of(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 ? (unsigned)(st.st_mode & 07777) : 0;
}

static inline bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

/* Says what went wrong: a code alone would be a riddle. */
#define assert_ok(expr)                                                                                                          \
	do {                                                                                                                     \
		bulla_code code_ = (expr);                                                                                       \
		if (code_) print_error("%s: %s: %s\n", #expr, bulla_code_name(code_), err.text);                                 \
		assert_int_equal(code_, BULLA_OK);                                                                               \
	} while (0)

static inline void make_store(const sandbox *box, const char *environment)
{
	bulla_project *project = NULL;
	bulla_error err = { 0 };
	char escrow[512];
	assert_ok(bulla_project_open(box->config, environment, BULLA_PROJECT_SCHEMA, &project, &err));
	assert_ok(bulla_project_init_store(project, escrow, sizeof escrow, &err));
	bulla_project_close(project);
}

static inline bulla_code try_open(const sandbox *box, const char *environment, bulla_project_depth depth, bulla_error *err)
{
	bulla_project *project = NULL;
	*err = (bulla_error){ 0 };
	bulla_code code = bulla_project_open(box->config, environment, depth, &project, err);
	bulla_project_close(project);
	return code;
}

/* One use of a key: one more entry in the log, the store's generation as it was. */
static inline void use_key(const sandbox *box)
{
	bulla_project *project = NULL;
	bulla_error err = { 0 };
	bulla_engine_reply reply = { 0 };
	uint8_t no_context[2] = { 0 };
	bulla_engine_request request = {
		.operation = BULLA_ENGINE_GENERATE_DATA_KEY,
		.key_id = bulla_view_str("alias/default"),
		.context = bulla_view(no_context, 2),
	};
	assert_ok(bulla_project_open(box->config, NULL, BULLA_PROJECT_ENGINE, &project, &err));
	assert_ok(bulla_engine_call(project->engine, &request, 1, &reply, &err));
	assert_int_equal(reply.code, BULLA_OK);
	bulla_engine_reply_done(&reply);
	bulla_project_close(project);
}

/* One more generation of the store. */
static inline void add_key(const sandbox *box)
{
	bulla_project *project = NULL;
	bulla_error err = { 0 };
	assert_ok(bulla_project_open(box->config, NULL, BULLA_PROJECT_ENGINE, &project, &err));
	assert_ok(bulla_engine_create_key(project->engine, "another", NULL, NULL, &err));
	bulla_project_close(project);
}

#endif
