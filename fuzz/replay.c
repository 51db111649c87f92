/*
 * replay.c - gives a fuzz target what lies in files, without libFuzzer: the corpus, and what once made it crash.
 *
 *     TARGET FILE|DIRECTORY...
 *
 * A directory that is not there has no files. At least one file must be there.
 */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX (1u << 20)

static size_t played;

static void play_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = malloc(FILE_BYTES_MAX);
	HOLDS(file && bytes);
	size_t n = fread(bytes, 1, FILE_BYTES_MAX, file);
	HOLDS(!ferror(file));
	(void)fclose(file);
	uint8_t *exact = malloc(n ? n : 1); /* so that a sanitizer or valgrind sees where it ends */
	HOLDS(exact);
	memcpy(exact, bytes, n);
	free(bytes);
	(void)LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	played++;
}

static void play(const char *path);

static void play_directory(const char *path)
{
	DIR *listing = opendir(path);
	HOLDS(listing);
	for (struct dirent *entry; (entry = readdir(listing));) {
		char inside[4096];
		if (entry->d_name[0] == '.') continue;
		(void)snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
		(void)fprintf(stderr, "%s\n", inside); /* the last one is what it died of */
		play(inside);
	}
	(void)closedir(listing);
}

static void play(const char *path)
{
	struct stat st;
	if (stat(path, &st) != 0) {
		HOLDS(errno == ENOENT);
		return;
	}
	if (S_ISDIR(st.st_mode))
		play_directory(path);
	else
		play_file(path);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		play(argv[i]);
	(void)printf("%zu inputs\n", played);
	return played ? 0 : 1;
}
