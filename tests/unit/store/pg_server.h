/*
 * pg_server.h - a private PostgreSQL server on a Unix socket, for the tests of the store in it.
 */
#ifndef TESTS_PG_SERVER_H
#define TESTS_PG_SERVER_H

#include <stdbool.h>

/* Debian's package is installed; else a line says that its tests are skipped. */
bool pg_installed(void);

/* For a group of tests: an empty cluster that runs, and its end. */
int pg_group_setup(void **state);
int pg_group_teardown(void **state);

/* Stops at once, as a crash does, or starts again. */
void pg_stop(void);
void pg_start(void);

/* Where its socket is. */
const char *pg_directory(void);
/* The URL of a schema that nothing is in yet; `more` is added ("&sslmode=disable"). The caller frees it. */
char *pg_url_new(const char *more);
/* The same schema once more, as psql takes it: runs `sql` and gives the first line of what it prints, static. */
const char *pg_psql(const char *url, const char *sql);

#endif
