/*
 * help.c - what the tests of the stores share.
 */
#include "help.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

static void lend(place *p)
{
	p->kms = bulla_store_kms(p->store);
	p->branches = bulla_store_branches(p->store);
}

int memory_setup(void **state)
{
	place *p = calloc(1, sizeof *p);
	assert_non_null(p);
	assert_int_equal(bulla_store_open("memory:", true, &p->store, NULL), BULLA_OK);
	lend(p);
	*state = p;
	return 0;
}

int directory_setup(void **state)
{
	place *p = calloc(1, sizeof *p);
	const char *base = getenv("TMPDIR");
	assert_non_null(p);
	assert_true(asprintf(&p->directory, "%s/bulla-store-XXXXXX", base ? base : "/tmp") > 0);
	assert_non_null(mkdtemp(p->directory));
	assert_true(asprintf(&p->path, "%s/kms.db", p->directory) > 0);
	assert_true(asprintf(&p->url, "sqlite:%s", p->path) > 0);
	*state = p;
	return 0;
}

int sqlite_setup(void **state)
{
	(void)directory_setup(state);
	place *p = *state;
	bulla_error err = { 0 };
	assert_int_equal(bulla_store_open(p->url, true, &p->store, &err), BULLA_OK);
	lend(p);
	return 0;
}

int postgres_setup(void **state)
{
	place *p = calloc(1, sizeof *p);
	bulla_error err = { 0 };
	assert_non_null(p);
	p->url = pg_url_new("");
	if (bulla_store_open(p->url, true, &p->store, &err)) fail_msg("%s", err.text);
	lend(p);
	*state = p;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

int place_teardown(void **state)
{
	place *p = *state;
	bulla_store_close(p->store);
	if (p->directory) (void)nftw(p->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(p->directory);
	free(p->path);
	free(p->url);
	free(p);
	return 0;
}

static bool run_child(bool (*run)(place *p), place *p, bool without_root)
{
	pid_t child = fork();
	if (child == 0) {
		if (without_root && geteuid() == 0 && (setgid(NOBODY) || setuid(NOBODY))) _exit(2);
		_exit(run(p) ? 0 : 1);
	}
	int status = 1;
	return waitpid(child, &status, 0) == child && status == 0;
}

bool in_child(bool (*run)(place *p), place *p)
{
	return run_child(run, p, false);
}

bool in_child_without_root(bool (*run)(place *p), place *p)
{
	if (geteuid() == 0) assert_int_equal(chown(p->directory, NOBODY, NOBODY), 0);
	return run_child(run, p, true);
}
