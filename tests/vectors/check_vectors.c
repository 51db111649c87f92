/*
 * check_vectors.c - runs vectors that others produced, one test each.
 *
 *     check_vectors DIR             DIR holds wycheproof/ or ruby/ or both
 *     check_vectors --shared ROOT   DIR is $BULLA_SHARED/vectors, else ROOT/../shared/vectors; exit 77 where it is absent
 *     ... FILE                      nothing but files of that name
 *
 * $BULLA_CRYPTO names the back end that does AES-GCM; without it OpenSSL does. One line for each vector that fails or is skipped and one
 * for each file; the last line is "N passed, N failed, N skipped". Exit 1 when a vector failed, or when there was none at all.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "vectors.h"

enum { EXIT_SKIPPED = 77, PLACE_MAX = 4096 };

static bool read_file(const char *path, bulla_buf *out)
{
	FILE *f = fopen(path, "rbe");
	char part[65536];
	size_t n;

	if (!f) return false;
	out->max = BULLA_JSON_MAX;
	bool good = true;
	while (good && (n = fread(part, 1, sizeof part, f)) > 0)
		good = bulla_buf_add(out, bulla_view(part, n), NULL) == BULLA_OK;
	good = good && !ferror(f);
	fclose(f);
	return good;
}

/* The formats of the Ruby packages are not tried here: each file is skipped by name, its vectors counted. */
static void ruby_run(bulla_lane *lane, const char *path, const char *name, const bulla_json *document, tally *total)
{
	size_t held = bulla_json_count(bulla_json_member(document, "vectors"));

	(void)lane;
	if (held == 0) {
		printf("FAILED: %s: it holds no vectors\n", path);
		total->failed++;
		return;
	}
	printf("skipped: %s (not offered)\n", name);
	total->skipped += held;
}

/* The folders below DIR, and who reads their files. */
static const struct folder {
	const char *name;
	void (*run)(bulla_lane *lane, const char *path, const char *name, const bulla_json *document, tally *total);
} folders[] = {
	{ "wycheproof", wycheproof_run },
	{ "ruby", ruby_run },
};

static void run_file(bulla_lane *lane, const struct folder *folder, const char *dir, const char *file, tally *total)
{
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	char place[PLACE_MAX], name[NAME_MAX + 1];
	bulla_json *document = NULL;
	bulla_error e = { .text = "it cannot be read" };
	tally own = { 0 };

	snprintf(place, sizeof place, "%s/%s/%s", dir, folder->name, file);
	const char *path = place + strlen(dir) + 1;
	snprintf(name, sizeof name, "%.*s", (int)(strlen(file) - strlen(".json")), file);
	if (read_file(place, &text) && bulla_json_parse(bulla_view_buf(&text), &document, &e) == BULLA_OK) {
		folder->run(lane, path, name, document, &own);
	} else {
		printf("FAILED: %s: %s\n", path, e.text);
		own.failed++;
	}
	bulla_json_free(document);
	printf("%s: %zu passed, %zu failed, %zu skipped\n", path, own.passed, own.failed, own.skipped);
	total->passed += own.passed;
	total->failed += own.failed;
	total->skipped += own.skipped;
}

static int is_json(const struct dirent *entry)
{
	const char *end = strrchr(entry->d_name, '.');
	return end && end != entry->d_name && strcmp(end, ".json") == 0;
}

static void run_folder(bulla_lane *lane, const struct folder *folder, const char *dir, const char *only, tally *total)
{
	struct dirent **entries = NULL;
	char place[PLACE_MAX];

	snprintf(place, sizeof place, "%s/%s", dir, folder->name);
	int n = scandir(place, &entries, is_json, alphasort);
	for (int i = 0; i < n; i++) {
		if (!only || strcmp(entries[i]->d_name, only) == 0) run_file(lane, folder, dir, entries[i]->d_name, total);
		free(entries[i]);
	}
	free(entries);
}

static int run_all(const char *dir, const char *only)
{
	bulla_lane *lane;
	bulla_error e = { 0 };
	tally total = { 0 };

	const char *choice = getenv("BULLA_CRYPTO");
	bulla_backend *backend = NULL;

	if (bulla_backend_new(choice ? choice : "openssl", &backend, &e) || bulla_lane_new_with(backend, &lane, &e)) {
		fprintf(stderr, "check_vectors: %s\n", e.text);
		bulla_backend_free(backend);
		return EXIT_FAILURE;
	}
	bulla_backend_free(backend);
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
		run_folder(lane, &folders[i], dir, only, &total);
	bulla_lane_free(lane);
	bool any = total.passed + total.failed + total.skipped > 0;
	if (!any) fprintf(stderr, "check_vectors: %s holds no vectors (wycheproof/*.json or ruby/*.json)\n", dir);
	printf("%zu passed, %zu failed, %zu skipped\n", total.passed, total.failed, total.skipped);
	return any && total.failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run_shared(const char *root, const char *only)
{
	const char *shared = getenv("BULLA_SHARED");
	char dir[PLACE_MAX];
	struct stat st;

	if (shared && *shared)
		snprintf(dir, sizeof dir, "%s/vectors", shared);
	else
		snprintf(dir, sizeof dir, "%s/../shared/vectors", root);
	if (stat(dir, &st) != 0 && errno == ENOENT) {
		printf("skipped: there are no vectors at %s\n", dir);
		return EXIT_SKIPPED;
	}
	return run_all(dir, only);
}

int main(int argc, char **argv)
{
	/* behind the last argument stands NULL */
	if ((argc == 3 || argc == 4) && strcmp(argv[1], "--shared") == 0) return run_shared(argv[2], argv[3]);
	if ((argc == 2 || argc == 3) && argv[1][0] != '-') return run_all(argv[1], argv[2]);
	fprintf(stderr, "usage: check_vectors DIR [FILE] | --shared ROOT [FILE]\n");
	return 2;
}
