/*
 * log.c - fuzz target: a log directory in which files were changed. Nothing that was not signed passes for an entry.
 */
#include "mutate.h"
#include "place.h"

#include "crypto/sign.h"
#include "io/log.h"

#define ORIGIN  "bulla/0123abcd"
#define ENTRIES 300 /* more than a full tile */
#define GROUP   60  /* of them under one checkpoint: verifying a signature is what takes time */

PLACE_NO_SYNC

static const bulla_secret seed = { { 1, 2, 3 } };
static const char *const names[] = { "log/journal",          "log/checkpoint",           "log/checkpoints",
				     "log/tile/0/000",       "log/tile/0/001.p/44",      "log/tile/1/000.p/1",
				     "log/tile/entries/000", "log/tile/entries/001.p/44" };
static const char *const directories[] = { "log",        "log/tile",         "log/tile/0",       "log/tile/0/001.p",
					   "log/tile/1", "log/tile/1/000.p", "log/tile/entries", "log/tile/entries/001.p" };
#define FILES (sizeof names / sizeof *names)

/* The log as it was written, and the root under each checkpoint. */
typedef struct memory {
	bulla_buf files[FILES];
	uint8_t roots[ENTRIES + 1][32];
	uint8_t public_key[32];
} memory;

static bulla_log *open_log(const place *p, bool write, bulla_error *err)
{
	char path[256];
	bulla_log *log = NULL;
	place_path(p, "log", path);
	(void)fuzz_ok(bulla_log_open(path, ORIGIN, write ? &seed : NULL, write, &log, err), err);
	return log;
}

static void fill(const place *p, memory *m)
{
	bulla_error err = { 0 };
	bulla_log *log = open_log(p, true, &err);
	HOLDS(log);
	bulla_audit_sink sink = bulla_log_sink(log);
	for (size_t i = 0; i < ENTRIES; i += GROUP) {
		char texts[GROUP][32];
		bulla_bytes entries[GROUP];
		bulla_log_head head;
		for (size_t j = 0; j < GROUP; j++)
			entries[j] = bulla_view(texts[j], (size_t)snprintf(texts[j], sizeof texts[j], "{\"entry\":%zu}", i + j));
		fuzz_must(sink.append(sink.self, entries, GROUP, 7, &head, &err), &err);
		memcpy(m->roots[head.size], head.root, 32);
	}
	bulla_log_close(log);
}

static const memory *remember(void)
{
	static memory *m;
	bulla_error err = { 0 };
	if (m) return m;
	HOLDS(m = calloc(1, sizeof *m));
	place p = place_make();
	fuzz_must(bulla_ed25519_public(seed.bytes, m->public_key, &err), &err);
	fill(&p, m);
	for (size_t i = 0; i < FILES; i++)
		m->files[i] = place_get(&p, names[i]);
	place_remove(&p);
	return m;
}

static void put_files(const place *p, const memory *m, bulla_cursor in)
{
	BULLA_BUF_AUTO bulla_buf changed = { 0 };
	for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
		char path[256];
		place_path(p, directories[i], path);
		HOLDS(mkdir(path, 0700) == 0);
	}
	for (size_t i = 0; i < FILES; i++)
		place_put(p, names[i], bulla_view_buf(&m->files[i]));
	for (size_t n = 0; n < 2 && in.rest.len; n++) { /* one file, or two */
		size_t i = bulla_cursor_u8(&in) % FILES;
		bulla_cursor ops = bulla_cursor_of(fuzz_piece(&in));
		bulla_buf_clear(&changed);
		fuzz_add(&changed, bulla_view_buf(&m->files[i]));
		mutate(&ops, &changed, bulla_view_buf(&m->files[(i + 1) % FILES]));
		place_put(p, names[i], bulla_view_buf(&changed));
	}
}

static bulla_code see_entry(void *self, uint64_t index, bulla_bytes entry, bulla_error *err)
{
	(void)self, (void)err;
	HOLDS(index < UINT32_MAX && entry.len <= UINT16_MAX);
	return BULLA_OK;
}

static void read_log(const place *p, const memory *m, bool write)
{
	bulla_error err = { 0 };
	bulla_log_head head;
	uint64_t generation;
	uint8_t root[32];
	bulla_log *log = open_log(p, write, &err);
	if (!log) return;
	if (fuzz_ok(bulla_log_head_now(log, &head, &err), &err)) {
		(void)fuzz_ok(bulla_log_each(log, 0, head.size, see_entry, NULL, &err), &err);
		if (fuzz_ok(bulla_log_root_at(log, head.size / 2, root, &err), &err)) HOLDS(head.size / 2 <= head.size);
	}
	(void)fuzz_ok(bulla_log_generation(log, &generation, &err), &err);
	bulla_log_close(log);
	(void)m;
}

/* A log that verifies is the one that was signed, or what it was at an earlier time. */
static void verify(const place *p, const memory *m)
{
	bulla_error err = { 0 };
	bulla_log_report report = { 0 };
	char path[256];
	place_path(p, "log", path);
	if (!fuzz_ok(bulla_log_verify(path, ORIGIN, m->public_key, NULL, NULL, &report, &err), &err)) return;
	HOLDS(report.ok || report.problem[0]);
	HOLDS(!report.ok || (report.size <= ENTRIES && memcmp(report.root, m->roots[report.size], 32) == 0) || report.size == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const memory *m = remember();
	place p = place_make();
	put_files(&p, m, bulla_cursor_of(bulla_view(data, size)));
	verify(&p, m);
	read_log(&p, m, false);
	read_log(&p, m, true);
	verify(&p, m);
	place_remove(&p);
	return 0;
}
