/*
 * secrets.c - a process that holds keys in the ways an application does, looks for them in all of its own memory, and leaves a core file.
 *
 *     secrets CONFIG PHASE
 *
 * PHASE is `busy` (a record is open), `idle` (nothing is under way) or `batch` (after a call of a batch, nothing told to forget).
 * It never writes a key down as it is, not even on its stack: what it searches for is kept with every byte changed. One line for each key,
 * "key NAME HEX" (the changed form), one for each place where a key was found, "found NAME FLAGS MAPPING" (FLAGS as in /proc/PID/smaps:
 * dd is left out of core files, lo is locked), then abort().
 */
#include "core/batch.h"
#include "core/branch.h"
#include "crypto/lane_inside.h"
#include "format/wrapped_key.h"
#include "kms/inside.h"
#include "lib/project.h"

#include <bulla/bulla.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MASK   0xa5
#define MASK64 0xa5a5a5a5a5a5a5a5ull
#define MAX    16

typedef struct needle {
	const char *name;
	uint64_t masked[4];
} needle;

static needle needles[MAX];
static size_t needle_count;

/* Eight bytes at a time, through a register. */
static void hold(const char *name, const void *key)
{
	needle *n = &needles[needle_count++];
	n->name = name;
	for (size_t i = 0; i < 4; i++) {
		uint64_t word;
		memcpy(&word, (const uint8_t *)key + 8 * i, 8);
		n->masked[i] = word ^ MASK64;
	}
}

static void print_needles(void)
{
	for (size_t i = 0; i < needle_count; i++) {
		const uint8_t *bytes = (const uint8_t *)needles[i].masked;
		printf("key %s ", needles[i].name);
		for (size_t b = 0; b < 32; b++)
			printf("%02x", bytes[b]);
		printf("\n");
	}
}

static void must(bulla_code code, const bulla_error *err, const char *what)
{
	if (!code) return;
	fprintf(stderr, "%s: %s: %s\n", what, bulla_code_name(code), err->text);
	exit(1);
}

/* --- looking --------------------------------------------------------------------------------------------------- */

static void look_at(const uint8_t *from, const uint8_t *to, const char *flags, const char *name)
{
	for (const uint8_t *p = from; p + 32 <= to; p++) {
		uint64_t word;
		memcpy(&word, p, 8);
		word ^= MASK64;
		for (size_t i = 0; i < needle_count; i++) {
			if (word != needles[i].masked[0]) continue;
			size_t same = 1;
			for (; same < 4; same++) {
				memcpy(&word, p + 8 * same, 8);
				if ((word ^ MASK64) != needles[i].masked[same]) break;
			}
			if (same >= 2)
				printf("found %s %s %s %zu\n", needles[i].name, flags, name,
				       same * 8); /* half a key tells too much */
			memcpy(&word, p, 8);
			word ^= MASK64;
		}
	}
}

typedef struct mapping {
	uintptr_t from, to;
	char name[64], flags[128];
	bool readable;
} mapping;

static size_t read_mappings(mapping *out, size_t max)
{
	static char line[1024];
	FILE *f = fopen("/proc/self/smaps", "r");
	size_t n = 0;
	if (!f) exit(1);
	while (fgets(line, sizeof line, f)) {
		unsigned long from, to;
		char mode[8], name[256] = "";
		if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %255[^\n]", &from, &to, mode, name) >= 3 && n < max) {
			out[n] = (mapping){ .from = from, .to = to, .readable = mode[0] == 'r' };
			snprintf(out[n].name, sizeof out[n].name, "%.60s", *name ? name : "anonymous");
			n++;
		} else if (n && strncmp(line, "VmFlags: ", 9) == 0) {
			snprintf(out[n - 1].flags, sizeof out[n - 1].flags, "%.120s", line + 9);
		}
	}
	fclose(f);
	return n;
}

static void look_everywhere(void)
{
	static mapping maps[4096];
	size_t n = read_mappings(maps, sizeof maps / sizeof *maps), looked = 0;
	for (size_t i = 0; i < n; i++) {
		char *at = maps[i].flags;
		if (!maps[i].readable || strncmp(maps[i].name, "[v", 2) == 0) continue; /* [vvar] is the kernel's */
		for (; *at; at++)
			*at = *at == ' ' ? ',' : *at == '\n' ? 0 : *at;
		for (at = maps[i].name; *at; at++)
			if (*at == ' ') *at = '_';
		look_at((const uint8_t *)maps[i].from, (const uint8_t *)maps[i].to, maps[i].flags, maps[i].name);
		looked += maps[i].to - maps[i].from;
	}
	printf("looked at %zu bytes\n", looked);
}

/* --- an application -------------------------------------------------------------------------------------------- */

typedef struct app {
	bulla_project *project;
	const bulla_model *model;
	bulla_batch *batch;
	bulla_record *record;
	bulla_error err;
} app;

static void hold_project(const app *a)
{
	hold("root", a->project->root_key->bytes);
	hold("seed", a->project->sign_seed->bytes);
	hold("material", a->project->engine->snapshot->materials[0].secret->bytes);
	hold("material-wrap", a->project->engine->root.keys[BULLA_ROOT_WRAP]->bytes);
	hold("row-mac", a->project->engine->root.keys[BULLA_ROOT_MAC]->bytes);
}

/* What the cache has under a branch's version, or under its identity. */
static const bulla_cached_key *cached(const app *a, bulla_cache_kind kind, bulla_bytes id)
{
	const bulla_cached_key *key = NULL;
	if (bulla_cache_get(a->project->keyring->cache, kind, id, 0, &key) == BULLA_CACHE_HIT) return key;
	fprintf(stderr, "a key is not in the cache\n");
	exit(1);
}

static void hold_branches(app *a, bulla_bytes wrapped)
{
	bulla_wrapped_key parsed;
	uint8_t version[8];
	BULLA_SECRET data = { 0 };
	BULLA_BUF_AUTO bulla_buf identity = { 0 };
	bulla_lane *lane = NULL;
	must(bulla_wrapped_key_parse(wrapped, &parsed, &a->err), &a->err, "wrapped key");
	bulla_put_u64(version, parsed.wraps[0].reference);
	const bulla_cached_key *branch = cached(a, BULLA_CACHE_VERSION, bulla_view(version, sizeof version));
	bulla_wrap_label label = { BULLA_WRAP_BRANCH, branch->version, branch->identity };
	must(bulla_lane_new(&lane, &a->err), &a->err, "lane");
	must(bulla_wrap_open(lane, branch->key->bytes, &label, parsed.commitment.data, parsed.wraps[0].blob, data.bytes, &a->err),
	     &a->err, "data key");
	bulla_lane_free(lane);
	hold("branch", branch->key->bytes);
	hold("data", data.bytes);
	must(bulla_layout_index(&a->batch->layout, a->model->fields[0].index, NULL, &identity, &a->err), &a->err,
	     "index identity");
	hold("index", cached(a, BULLA_CACHE_CURRENT, bulla_view_buf(&identity))->key->bytes);
}

static void hold_random(const app *a)
{
	const bulla_lane *lane = a->batch->workers[0].lane;
	hold("random", lane->secrets->random + BULLA_RANDOM_BYTES - 32); /* drawn last: still there */
}

/* One record through each of the interfaces, sealed, opened, indexed. */
static void work(app *a, const char *phase)
{
	bulla_value name = { .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str("a name") }, again;
	bulla_pair id = { bulla_view_str("id"), bulla_view_str("7") };
	bulla_bytes input = id.value, key = { 0 };
	BULLA_BUF_AUTO bulla_buf sealed = { 0 }, scratch = { 0 }, wrapped = { 0 };
	bulla_cell cell = { .field = 0, .value = name };
	bulla_row row = { .inputs = &input, .cells = &cell, .cell_count = 1, .keys = &key };
	must(bulla_batch_seal(a->batch, &row, 1, &a->err), &a->err, "batch seal");
	must(bulla_buf_add(&wrapped, key, &a->err), &a->err, "copy");
	must(bulla_buf_add(&sealed, cell.ciphertext, &a->err), &a->err, "copy");
	key = bulla_view_buf(&wrapped);
	cell.ciphertext = bulla_view_buf(&sealed);
	must(bulla_batch_open(a->batch, &row, 1, &a->err), &a->err, "batch open");
	must(bulla_batch_index(a->batch, 0, NULL, &name, &scratch, &a->err), &a->err, "batch index");
	hold_branches(a, key);
	hold_random(a);
	if (strcmp(phase, "batch") == 0) return;
	must(bulla_record_open(a->project->keyring, a->model, &id, 1, &key, &a->record, &a->err), &a->err, "record open");
	must(bulla_record_unseal(a->record, 0, bulla_view_buf(&sealed), &scratch, &again, &a->err), &a->err, "unseal");
	must(bulla_record_index(a->record, 0, &name, &scratch, &a->err), &a->err, "index");
	if (strcmp(phase, "busy") == 0) return;
	bulla_record_free(a->record);
	a->record = NULL;
}

static void *canary(void)
{
	static const char text[] = "the search finds what is on the heap";
	char *copy = strdup(text);
	if (!copy) exit(1);
	hold("canary", copy);
	return copy;
}

int main(int argc, char **argv)
{
	app a = { 0 };
	if (argc != 3) return 2;
	must(bulla_project_open(argv[1], NULL, BULLA_PROJECT_KEYRING, &a.project, &a.err), &a.err, "opening");
	must(bulla_keyring_model(a.project->keyring, "people", &a.model, &a.err), &a.err, "model");
	must(bulla_batch_new(a.project->keyring, a.model, NULL, &a.batch, &a.err), &a.err, "batch");
	hold_project(&a);
	work(&a, argv[2]);
	if (strcmp(argv[2], "idle") == 0) bulla_keyring_tick(a.project->keyring);
	void *kept = canary();
	print_needles();
	look_everywhere();
	fflush(stdout);
	if (kept) abort();
	return 0;
}
