/*
 * place.h - a directory in memory for the targets that need files, made and removed for each input.
 */
#ifndef FUZZ_PLACE_H
#define FUZZ_PLACE_H

#include "fuzz.h"
#include "io/file.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLACE_FILE_MAX (4u << 20)

typedef struct place {
	char path[128];
} place;

static inline place place_make(void)
{
	place p;
	const char *tmp = getenv("TMPDIR"), *memory = access("/dev/shm", W_OK | X_OK) ? "/tmp" : "/dev/shm";
	(void)snprintf(p.path, sizeof p.path, "%s/bulla-fuzz-XXXXXX", tmp && strlen(tmp) < 100 ? tmp : memory);
	HOLDS(mkdtemp(p.path));
	return p;
}

static inline int place_remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

static inline void place_remove(const place *p)
{
	(void)nftw(p->path, place_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void place_path(const place *p, const char *name, char out[static 256])
{
	HOLDS(snprintf(out, 256, "%s/%s", p->path, name) < 256);
}

static inline bulla_buf place_get(const place *p, const char *name)
{
	bulla_error err = { 0 };
	bulla_buf data = { .max = PLACE_FILE_MAX };
	char path[256];
	place_path(p, name, path);
	fuzz_must(bulla_file_read(path, PLACE_FILE_MAX, &data, &err), &err);
	return data;
}

static inline void place_put(const place *p, const char *name, bulla_bytes data)
{
	char path[256];
	place_path(p, name, path);
	FILE *file = fopen(path, "wb");
	HOLDS(file && fwrite(data.data ? data.data : (const uint8_t *)"", 1, data.len, file) == data.len);
	HOLDS(fclose(file) == 0 && chmod(path, 0600) == 0);
}

/* Nothing here is to outlive a power cut, and a sync is slow. */
#define PLACE_NO_SYNC                                                                                                            \
	int fsync(int fd)                                                                                                        \
	{                                                                                                                        \
		return (void)fd, 0;                                                                                              \
	}                                                                                                                        \
	int fdatasync(int fd)                                                                                                    \
	{                                                                                                                        \
		return (void)fd, 0;                                                                                              \
	}

#endif
