/*
 * paths.c - where the files of a project lie, and who is asking.
 */
#include "lib/paths.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CONFIG_NAME "bulla.yaml"

bulla_code bulla_paths_printf(char **ret, bulla_error *err, const char *format, ...)
{
	char *text = NULL;
	va_list arguments;
	va_start(arguments, format);
	int n = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (n < 0) return bulla_fail_memory(err);
	*ret = text;
	return BULLA_OK;
}

/* What lies in the working directory is not called "./name": people read these paths. */
static bulla_code join(const char *base, const char *path, char **ret, bulla_error *err)
{
	*ret = strcmp(base, ".") == 0 ? strdup(path) : bulla_path_join(base, path);
	return *ret ? BULLA_OK : bulla_fail_memory(err);
}

/* "." for a bare name, "/" for a file of the root. */
static bulla_code directory_of(const char *path, char **ret, bulla_error *err)
{
	const char *slash = strrchr(path, '/');
	if (!slash) return bulla_paths_printf(ret, err, ".");
	int length = slash == path ? 1 : (int)(slash - path);
	return bulla_paths_printf(ret, err, "%.*s", length, path);
}

bulla_code bulla_paths_config(bulla_paths *paths, const char *config, bulla_error *err)
{
	if (!config || !*config) config = getenv("BULLA_CONFIG");
	if (!config || !*config) config = CONFIG_NAME;
	TRY(bulla_paths_printf(&paths->config, err, "%s", config));
	return directory_of(config, &paths->base_dir, err);
}

/* In no file. What belongs to a database and must not lie in it is beside bulla.yaml. */
static bulla_code place_elsewhere(bulla_paths *paths, const char *url, bulla_error *err)
{
	char place[BULLA_STORE_PLACE_MAX];
	bulla_store_place(url, place);
	paths->in_memory = strncmp(url, "memory:", 7) == 0;
	TRY(bulla_paths_printf(&paths->store_url, err, "%s", url));
	TRY(bulla_paths_printf(&paths->place, err, "%s", paths->in_memory ? "memory:" : place));
	if (paths->in_memory) return BULLA_OK;
	TRY(join(paths->base_dir, ".bulla", &paths->directory, err));
	return join(paths->directory, "escrow.key", &paths->escrow, err);
}

static bulla_code place_store(bulla_paths *paths, const char *url, bulla_error *err)
{
	static const char scheme[] = "sqlite:";
	if (strncmp(url, scheme, sizeof scheme - 1) != 0) return place_elsewhere(paths, url, err);
	TRY(join(paths->base_dir, url + sizeof scheme - 1, &paths->store, err));
	TRY(bulla_paths_printf(&paths->store_url, err, "%s%s", scheme, paths->store));
	TRY(bulla_paths_printf(&paths->place, err, "%s", paths->store));
	TRY(directory_of(paths->store, &paths->directory, err));
	TRY(join(paths->directory, "audit", &paths->log, err));
	return join(paths->directory, "escrow.key", &paths->escrow, err);
}

bulla_code bulla_paths_key_file(const bulla_paths *paths, const char *spec, char **ret, bulla_error *err)
{
	*ret = NULL;
	return strncmp(spec, "file:", 5) == 0 ? join(paths->base_dir, spec + 5, ret, err) : BULLA_OK;
}

bulla_code bulla_paths_environment(bulla_paths *paths, const bulla_environment *environment, bulla_error *err)
{
	TRY(place_store(paths, environment->store, err));
	TRY(bulla_paths_key_file(paths, environment->root_key, &paths->root_key, err));
	return join(paths->base_dir, ".bulla/reports", &paths->reports, err);
}

void bulla_paths_done(bulla_paths *paths)
{
	char **all[] = { &paths->config,    &paths->base_dir, &paths->store_url, &paths->place,    &paths->store,
			 &paths->directory, &paths->log,      &paths->escrow,    &paths->root_key, &paths->reports };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		free(*all[i]);
		*all[i] = NULL;
	}
}

void bulla_principal_now(char *out, size_t size)
{
	char host[128] = "localhost", buffer[1024];
	struct passwd entry, *found = NULL;
	uid_t uid = geteuid();
	if (gethostname(host, sizeof host) == 0) host[sizeof host - 1] = 0;
	(void)getpwuid_r(uid, &entry, buffer, sizeof buffer, &found);
	(void)snprintf(out, size, "local:%lu/%s@%s", (unsigned long)uid, found ? found->pw_name : "unknown", host);
}

void bulla_stamp_now(char out[static 17])
{
	time_t now = (time_t)(bulla_now_us(NULL) / 1000000);
	struct tm utc;
	if (!gmtime_r(&now, &utc) || strftime(out, 17, "%Y%m%dT%H%M%SZ", &utc) != 16) memcpy(out, "00000000T000000Z", 17);
}

bulla_code bulla_paths_sync(const char *path, bulla_error *err)
{
	char *directory = NULL;
	TRY(directory_of(path, &directory, err));
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bulla_code code =
		fd < 0 || fsync(fd) ? bulla_fail_errno(err, errno, "cannot make changes in %s durable", directory) : BULLA_OK;
	if (fd >= 0) (void)close(fd);
	free(directory);
	return code;
}

bulla_code bulla_paths_lock(const char *path, int *ret, bulla_error *err)
{
	char *directory = NULL;
	TRY(directory_of(path, &directory, err));
	int fd = *ret = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bulla_code code = fd < 0 ? bulla_fail_errno(err, errno, "cannot open %s", directory) : BULLA_OK;
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
		code = bulla_advise(err,
				    bulla_fail(err, BULLA_ERR_BUSY, "another process is restoring a key store in %s", directory),
				    "wait until it has ended, then run this again");
	if (code) bulla_paths_unlock(fd);
	free(directory);
	return code;
}

void bulla_paths_unlock(int lock)
{
	if (lock >= 0) (void)close(lock);
}

bool bulla_file_exists(const char *path)
{
	struct stat st;
	return path && lstat(path, &st) == 0;
}
