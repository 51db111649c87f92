/*
 * pg_server.c - a private PostgreSQL server on a Unix socket. It refuses to run as root: then it runs as the user nobody.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "pg_server.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

static char programs[256], directory[128];
static int schemas;

bool pg_installed(void)
{
	glob_t found;
	bool there = glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found) == 0;
	if (there) {
		const char *last = found.gl_pathv[found.gl_pathc - 1];
		(void)snprintf(programs, sizeof programs, "%.*s", (int)(strrchr(last, '/') - last), last);
	}
	globfree(&found);
	if (!there) print_message("skipped: the tests over PostgreSQL, which is not installed (Debian: postgresql)\n");
	return there;
}

/* What it says goes to a file beside the cluster. */
static bool run(const char *program, const char *const *arguments)
{
	char path[512];
	const char *argv[16] = { path };
	size_t n = 1;
	(void)snprintf(path, sizeof path, "%s/%s", programs, program);
	for (; arguments[n - 1]; n++)
		argv[n] = arguments[n - 1];
	pid_t child = fork();
	if (child == 0) {
		char log[200];
		(void)snprintf(log, sizeof log, "%s/said", directory);
		if (geteuid() == 0 && (setgid(NOBODY) || setuid(NOBODY))) _exit(126);
		int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
		(void)dup2(fd, 1), (void)dup2(fd, 2);
		(void)chdir(directory);
		(void)execv(path, (char *const *)argv);
		_exit(127);
	}
	int status = 1;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	return status == 0;
}

void pg_start(void)
{
	char data[160], options[256];
	(void)snprintf(data, sizeof data, "%s/data", directory);
	(void)snprintf(options, sizeof options, "-k %s -c listen_addresses='' -c fsync=off -c max_connections=60", directory);
	const char *const start[] = { "-D", data, "-w", "-s", "-l", "server.log", "-o", options, "start", NULL };
	assert_true(run("pg_ctl", start));
}

void pg_stop(void)
{
	char data[160];
	(void)snprintf(data, sizeof data, "%s/data", directory);
	const char *const stop[] = { "-D", data, "-s", "-w", "-m", "immediate", "stop", NULL };
	(void)run("pg_ctl", stop);
}

int pg_group_setup(void **state)
{
	char data[160];
	const char *base = getenv("TMPDIR");
	(void)state;
	(void)snprintf(directory, sizeof directory, "%s/bulla-pg-XXXXXX", base && strlen(base) < 60 ? base : "/tmp");
	assert_non_null(mkdtemp(directory));
	if (geteuid() == 0) assert_int_equal(chown(directory, NOBODY, NOBODY), 0);
	(void)snprintf(data, sizeof data, "%s/data", directory);
	const char *const make[] = { "-D", data, "-A", "trust", "-U", "bulla", "-E", "UTF8", "--locale=C", "--no-sync", NULL };
	if (!run("initdb", make)) return -1;
	pg_start();
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

int pg_group_teardown(void **state)
{
	(void)state;
	pg_stop();
	return nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *pg_directory(void)
{
	return directory;
}

char *pg_url_new(const char *more)
{
	char *url = NULL;
	assert_true(asprintf(&url, "postgresql:///postgres?host=%s&user=bulla&options=-csearch_path%%3Dtest_%d%s", directory,
			     ++schemas, more) > 0);
	return url;
}

const char *pg_psql(const char *url, const char *sql)
{
	static char line[256];
	char command[4096];
	(void)snprintf(command, sizeof command, "'%s/psql' -XAtq '%s' -c \"%s\" 2>&1", programs, url, sql);
	FILE *said = popen(command, "r");
	assert_non_null(said);
	if (!fgets(line, sizeof line, said)) line[0] = 0;
	while (fgetc(said) != EOF)
		continue;
	assert_int_equal(pclose(said), 0);
	line[strcspn(line, "\n")] = 0;
	return line;
}
