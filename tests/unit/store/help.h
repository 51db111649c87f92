/*
 * help.h - what the tests of the stores share: one of each kind, directories, children.
 */
#ifndef TESTS_STORE_HELP_H
#define TESTS_STORE_HELP_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "pg_server.h"
#include "store/store.h"

/* A store of the kind that the test is run for. */
typedef struct place {
	char *directory;
	char *path;
	char *url;
	bulla_store *store;
	bulla_kms_store kms;
	bulla_branch_store branches;
} place;

int memory_setup(void **state);
int sqlite_setup(void **state);
int postgres_setup(void **state); /* in a schema of its own; needs pg_group_setup() */
int place_teardown(void **state);

/* A directory with no store in it yet. */
int directory_setup(void **state);

/* Runs `run` in a child process; true when it returned true. */
bool in_child(bool (*run)(place *p), place *p);
/* The same as an ordinary user, to whom the directory is given, where the test runs as root. */
bool in_child_without_root(bool (*run)(place *p), place *p);

#endif
