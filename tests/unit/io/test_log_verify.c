/*
 * test_log_verify.c - whatever is changed in a log is found, and named.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "audit/checkpoint.h"
#include "audit/tile.h"
#include "audit/tree.h"
#include "log_world.h"

static bulla_log_report verify_with(const world *w, const char *name, bulla_bytes data)
{
	file_put(w, name, data);
	return verify(w);
}

/* Which entry of a bundle has the byte at `at`. */
static uint64_t entry_at(const bulla_buf *bundle, size_t at)
{
	uint64_t n = 0;
	for (size_t end = 0; (end += 2u + bulla_get_u16(bundle->data + end)) <= at;)
		n++;
	return n;
}

typedef enum names { NOTHING, ENTRY, HASH } names; /* what a report about a file must name */

static void expect_found(const bulla_log_report *report, names what, uint64_t first, const bulla_buf *right, size_t at,
			 const char *name)
{
	if (report->ok) fail_msg("a change at byte %zu of %s was not found", at, name);
	assert_true(report->problem[0]);
	assert_true(report->bad_first <= report->bad_last);
	if (what == NOTHING) return;
	assert_int_equal(report->bad_first, first + (what == ENTRY ? entry_at(right, at) : at / 32));
	assert_int_equal(report->bad_last, report->bad_first);
}

static void flip_and_cut(const world *w, const char *name, names what, uint64_t first, size_t step)
{
	bulla_buf data = file_get(w, name);
	for (size_t at = 0; at < data.len; at += step) {
		const uint8_t before = data.data[at];
		data.data[at] ^= (uint8_t)(1u << (at % 8));
		bulla_log_report report = verify_with(w, name, bulla_view_buf(&data));
		data.data[at] = before;
		expect_found(&report, what, first, &data, at, name);
		report = verify_with(w, name, bulla_view(data.data, at));
		expect_found(&report, what, first, &data, at, name);
	}
	assert_true(verify_with(w, name, bulla_view_buf(&data)).ok);
	bulla_buf_done(&data);
}

/* 258 entries of a few bytes: a full bundle, partial ones, three levels, three checkpoints. */
static world small_log(void)
{
	const world w = world_make();
	bulla_log *log = world_open(&w);
	const bulla_audit_sink sink = bulla_log_sink(log);
	uint8_t texts[258][2];
	bulla_bytes entries[258];
	for (size_t i = 0; i < 258; i++) {
		bulla_put_u16(texts[i], (uint16_t)i);
		entries[i] = bulla_view(texts[i], i % 3);
	}
	assert_int_equal(sink.append(sink.self, entries, 130, 1, NULL, NULL), BULLA_OK);
	assert_int_equal(sink.append(sink.self, entries + 130, 128, 2, NULL, NULL), BULLA_OK);
	bulla_log_close(log);
	assert_verifies(&w, 258);
	return w;
}

static void finds_every_flip_and_cut(void **state)
{
	const world w = small_log();
	(void)state;
	flip_and_cut(&w, "tile/entries/000", ENTRY, 0, 1);
	flip_and_cut(&w, "tile/entries/001.p/2", ENTRY, 256, 1);
	flip_and_cut(&w, "tile/0/000", HASH, 0, 5);
	flip_and_cut(&w, "tile/0/001.p/2", HASH, 256, 1);
	flip_and_cut(&w, "tile/1/000.p/1", NOTHING, 0, 1);
	flip_and_cut(&w, "checkpoint", NOTHING, 0, 1);
	flip_and_cut(&w, "checkpoints", NOTHING, 0, 1);
	flip_and_cut(&w, "journal", NOTHING, 0, 1);
	world_drop(&w);
}

/* While frames wait in the journal; a cut there may be an append that was interrupted (test_log_append.c). */
static void finds_every_flip_in_a_journal_with_frames(void **state)
{
	const world w = world_make();
	bulla_log *log = world_open(&w);
	(void)state;
	for (uint64_t i = 0; i < 6; i += 2)
		append_good(log, i, 2);
	assert_verifies(&w, 6);
	bulla_buf data = file_get(&w, "journal");
	for (size_t at = 0; at < data.len; at++) {
		data.data[at] ^= 0x10;
		const bulla_log_report report = verify_with(&w, "journal", bulla_view_buf(&data));
		data.data[at] ^= 0x10;
		expect_found(&report, NOTHING, 0, &data, at, "journal");
	}
	file_put(&w, "journal", bulla_view_buf(&data));
	bulla_log_close(log);
	assert_verifies(&w, 6);
	bulla_buf_done(&data);
	world_drop(&w);
}

static void misses_no_file(void **state)
{
	static const char *const files[] = { "tile/entries/000", "tile/entries/001.p/2", "tile/0/000",  "tile/0/001.p/2",
					     "tile/1/000.p/1",   "checkpoint",           "checkpoints", "journal" };
	const world w = small_log();
	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char path[256];
		bulla_buf data = file_get(&w, files[i]);
		path_of(&w, files[i], path);
		assert_int_equal(unlink(path), 0);
		if (verify(&w).ok) fail_msg("the loss of %s was not found", files[i]);
		file_put(&w, files[i], bulla_view_buf(&data));
		bulla_buf_done(&data);
	}
	assert_verifies(&w, 258);
	world_drop(&w);
}

/* --- somebody who knows the format -------------------------------------------------------------------------------------- */

/* Entry and leaf hash changed together: only roots are left to tell, and they tell the interval between two checkpoints. */
static void names_the_interval(void **state)
{
	const world w = world_make();
	bulla_buf bundle, tile;
	bulla_lane *lane = NULL;
	char text[64];
	size_t at = 0;
	(void)state;
	assert_int_equal(bulla_lane_new(&lane, NULL), BULLA_OK);
	world_fill(&w, 300, 100); /* checkpoints over 100, 200, 300 */
	bundle = file_get(&w, "tile/entries/000");
	tile = file_get(&w, "tile/0/000");
	for (uint64_t i = 0; i < 151; i++)
		at += 2 + entry_text(i, text);
	const size_t len = entry_text(151, text);
	bundle.data[at + 2 + 10] ^= 1;
	assert_int_equal(bulla_tree_leaf(lane, bulla_view(bundle.data + at + 2, len), tile.data + (size_t)151 * 32, NULL),
			 BULLA_OK);
	file_put(&w, "tile/entries/000", bulla_view_buf(&bundle));
	file_put(&w, "tile/0/000", bulla_view_buf(&tile));
	const bulla_log_report report = verify(&w);
	assert_false(report.ok);
	assert_int_equal(report.bad_first, 100);
	assert_int_equal(report.bad_last, 199);
	assert_int_equal(report.size, 100);
	bulla_buf_done(&bundle);
	bulla_buf_done(&tile);
	bulla_lane_free(lane);
	world_drop(&w);
}

/* A level-1 tile only: 256 entries are under each of its hashes. */
static void names_what_lies_under_a_higher_tile(void **state)
{
	const world w = world_make();
	(void)state;
	world_fill(&w, 1000, 1000);
	bulla_buf tile = file_get(&w, "tile/1/000.p/3");
	tile.data[32 + 5] ^= 1;
	const bulla_log_report report = verify_with(&w, "tile/1/000.p/3", bulla_view_buf(&tile));
	assert_false(report.ok);
	assert_int_equal(report.bad_first, 256);
	assert_int_equal(report.bad_last, 511);
	bulla_buf_done(&tile);
	world_drop(&w);
}

static void names_what_lies_under_a_full_higher_tile(void **state)
{
	const world w = world_make();
	(void)state;
	world_fill(&w, 65600, 1000);
	bulla_buf tile = file_get(&w, "tile/1/000");
	tile.data[7 * 32] ^= 1;
	const bulla_log_report report = verify_with(&w, "tile/1/000", bulla_view_buf(&tile));
	assert_false(report.ok);
	assert_int_equal(report.bad_first, 7 * 256);
	assert_int_equal(report.bad_last, 8 * 256 - 1);
	bulla_buf_done(&tile);
	world_drop(&w);
}

/* The journal put back to what it was before the last append. */
static void finds_a_checkpoint_over_entries_that_are_gone(void **state)
{
	const world w = world_make();
	(void)state;
	world_fill(&w, 5, 5);
	bulla_buf journal = file_get(&w, "journal");
	bulla_buf checkpoint = file_get(&w, "checkpoint");
	bulla_log *log = world_open(&w);
	append_good(log, 5, 1);
	bulla_log_close(log);
	file_put(&w, "journal", bulla_view_buf(&journal));
	assert_false(verify(&w).ok);
	file_put(&w, "checkpoint", bulla_view_buf(&checkpoint)); /* now only `checkpoints` knows of the sixth */
	assert_false(verify(&w).ok);
	bulla_buf_done(&journal);
	bulla_buf_done(&checkpoint);
	world_drop(&w);
}

static void wants_the_right_key_and_name(void **state)
{
	const world w = small_log();
	uint8_t other[32];
	bulla_log_report report;
	(void)state;
	memcpy(other, w.public_key, 32);
	other[3] ^= 1;
	assert_int_equal(bulla_log_verify(w.log, ORIGIN, other, NULL, NULL, &report, NULL), BULLA_OK);
	assert_false(report.ok);
	assert_int_equal(bulla_log_verify(w.log, "bulla/other", w.public_key, NULL, NULL, &report, NULL), BULLA_OK);
	assert_false(report.ok);
	assert_int_equal(bulla_log_verify(w.directory, ORIGIN, w.public_key, NULL, NULL, &report, NULL), BULLA_ERR_NOT_FOUND);
	assert_int_equal(bulla_log_verify("/no/such", ORIGIN, w.public_key, NULL, NULL, &report, NULL), BULLA_ERR_NOT_FOUND);
	world_drop(&w);
}

static void count(void *self, uint64_t done, uint64_t total)
{
	uint64_t *last = self;
	assert_true(done > *last && done <= total);
	*last = done;
}

static void reports_what_it_did(void **state)
{
	const world w = world_make();
	bulla_log_report report;
	bulla_log_head head;
	uint64_t last = 0;
	(void)state;
	world_fill(&w, 1000, 100);
	assert_int_equal(bulla_log_verify(w.log, ORIGIN, w.public_key, count, &last, &report, NULL), BULLA_OK);
	assert_true(report.ok);
	assert_int_equal(last, 1000);
	assert_int_equal(report.size, 1000);
	assert_int_equal(report.checkpoints, 11); /* and the one over nothing */
	bulla_log *log = world_open(&w);
	assert_int_equal(bulla_log_head_now(log, &head, NULL), BULLA_OK);
	assert_memory_equal(report.root, head.root, 32);
	bulla_log_close(log);
	world_drop(&w);
}

/* --- generations -------------------------------------------------------------------------------------------------------- */

/* Rewrites `checkpoints` and `checkpoint` of a log of two entries with generations of our choice, all signed by the right key. */
static bulla_log_report with_generations(bulla_lane *lane, uint64_t first, uint64_t second)
{
	const world w = world_make();
	BULLA_BUF_AUTO bulla_buf notes = { 0 };
	BULLA_BUF_AUTO bulla_buf newest = { 0 };
	bulla_note_key key;
	bulla_tree tree = { 0 };
	bulla_log *log = world_open(&w);
	assert_int_equal(append_group(log, 0, 1, 4, NULL, NULL), BULLA_OK);
	assert_int_equal(append_group(log, 1, 1, 4, NULL, NULL), BULLA_OK);
	bulla_log_close(log);
	assert_int_equal(bulla_note_key_of(lane, ORIGIN, w.public_key, &key, NULL), BULLA_OK);
	const uint64_t generations[] = { 0, first, second };
	for (uint64_t i = 0; i < 3; i++) {
		bulla_checkpoint checkpoint = { .head.size = i, .generation = generations[i] };
		char text[64];
		uint8_t leaf[32];
		assert_int_equal(bulla_tree_root(&tree, lane, checkpoint.head.root, NULL), BULLA_OK);
		newest.len = 0;
		assert_int_equal(bulla_checkpoint_sign(&key, w.seed.bytes, &checkpoint, &newest, NULL), BULLA_OK);
		assert_int_equal(bulla_buf_add(&notes, bulla_view_buf(&newest), NULL), BULLA_OK);
		const size_t len = entry_text(i, text);
		assert_int_equal(bulla_tree_leaf(lane, bulla_view(text, len), leaf, NULL), BULLA_OK);
		assert_int_equal(bulla_tree_push(&tree, lane, 0, leaf, 1, NULL), BULLA_OK);
	}
	file_put(&w, "checkpoints", bulla_view_buf(&notes));
	file_put(&w, "checkpoint", bulla_view_buf(&newest));
	const bulla_log_report report = verify(&w);
	world_drop(&w);
	return report;
}

static void wants_generations_to_grow(void **state)
{
	bulla_lane *lane = NULL;
	(void)state;
	assert_int_equal(bulla_lane_new(&lane, NULL), BULLA_OK);
	assert_true(with_generations(lane, 4, 4).ok);
	assert_true(with_generations(lane, 3, 4).ok);
	const bulla_log_report report = with_generations(lane, 5, 4);
	assert_false(report.ok);
	assert_int_equal(report.bad_first, 1);
	assert_int_equal(report.bad_last, 1);
	bulla_lane_free(lane);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_every_flip_and_cut),
		cmocka_unit_test(finds_every_flip_in_a_journal_with_frames),
		cmocka_unit_test(misses_no_file),
		cmocka_unit_test(names_the_interval),
		cmocka_unit_test(names_what_lies_under_a_higher_tile),
		cmocka_unit_test(names_what_lies_under_a_full_higher_tile),
		cmocka_unit_test(finds_a_checkpoint_over_entries_that_are_gone),
		cmocka_unit_test(wants_the_right_key_and_name),
		cmocka_unit_test(reports_what_it_did),
		cmocka_unit_test(wants_generations_to_grow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
