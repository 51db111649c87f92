/*
 * test_log.c - what goes into a log comes out of it, and others can read it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "audit/tree.h"
#include "log_world.h"

static int setup(void **state)
{
	bulla_lane *lane = NULL;
	if (bulla_lane_new(&lane, NULL)) return -1;
	*state = lane;
	return 0;
}

static int teardown(void **state)
{
	bulla_lane_free(*state);
	return 0;
}

static bulla_code expect_next(void *self, uint64_t index, bulla_bytes entry, bulla_error *err)
{
	uint64_t *next = self;
	char text[64];
	const size_t len = entry_text(index, text);
	(void)err;
	assert_int_equal(index, *next);
	assert_true(bulla_bytes_equal(entry, bulla_view(text, len)));
	*next += 1;
	return BULLA_OK;
}

static void expect_entries(bulla_log *log, uint64_t first, uint64_t end)
{
	uint64_t next = first;
	assert_int_equal(bulla_log_each(log, first, end, expect_next, &next, NULL), BULLA_OK);
	assert_int_equal(next, first > end ? first : end);
}

/* The root over the first `size` entries, from their texts. */
static void own_root(bulla_lane *lane, uint64_t size, uint8_t *out)
{
	bulla_tree tree = { 0 };
	for (uint64_t i = 0; i < size; i++) {
		char text[64];
		uint8_t leaf[32];
		const size_t len = entry_text(i, text);
		assert_int_equal(bulla_tree_leaf(lane, bulla_view(text, len), leaf, NULL), BULLA_OK);
		assert_int_equal(bulla_tree_push(&tree, lane, 0, leaf, 1, NULL), BULLA_OK);
	}
	assert_int_equal(bulla_tree_root(&tree, lane, out, NULL), BULLA_OK);
}

static void expect_root(bulla_log *log, bulla_lane *lane, uint64_t size)
{
	uint8_t ours[32], theirs[32];
	assert_int_equal(bulla_log_root_at(log, size, theirs, NULL), BULLA_OK);
	own_root(lane, size, ours);
	assert_memory_equal(ours, theirs, 32);
}

static void expect_all(bulla_log *log, bulla_lane *lane, uint64_t size)
{
	bulla_log_head head;
	uint8_t root[32];
	static const uint64_t sizes[] = { 0, 1, 2, 255, 256, 257, 511, 512, 513, 65535, 65536, 65537, 66000 };
	assert_int_equal(bulla_log_head_now(log, &head, NULL), BULLA_OK);
	assert_int_equal(head.size, size);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		if (sizes[i] <= size) expect_root(log, lane, sizes[i]);
	expect_root(log, lane, size);
	assert_int_equal(bulla_log_root_at(log, size, root, NULL), BULLA_OK);
	assert_memory_equal(root, head.root, 32);
	assert_int_equal(bulla_log_root_at(log, size + 1, root, NULL), BULLA_ERR_AUDIT);
	expect_entries(log, 0, size);
	if (size > 3) expect_entries(log, 3, size - 1);
	if (size > 300) expect_entries(log, 250, 260);
	if (size) expect_entries(log, size - 1, size);
	assert_int_equal(bulla_log_each(log, 0, size + 1, expect_next, &(uint64_t){ 0 }, NULL), BULLA_ERR_AUDIT);
}

static void round_trip(bulla_lane *lane, uint64_t size, size_t group)
{
	const world w = world_make();
	world_fill(&w, size, group);
	assert_verifies(&w, size);
	assert_others_verify(&w, size);
	bulla_log *log = world_open(&w);
	expect_all(log, lane, size);
	append_good(log, size, 3);
	expect_all(log, lane, size + 3);
	bulla_log_close(log);
	assert_verifies(&w, size + 3);
	assert_others_verify(&w, size + 3);
	world_drop(&w);
}

static void keeps_what_it_is_given(void **state)
{
	static const struct {
		uint64_t size;
		size_t group;
	} cases[] = { { 0, 1 },     { 1, 1 },     { 2, 1 },     { 20, 3 },    { 254, 127 },
		      { 255, 255 }, { 256, 100 }, { 257, 257 }, { 512, 512 }, { 1000, 333 } };
	atomic_store(&sync_really, true);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		round_trip(*state, cases[i].size, cases[i].group);
	atomic_store(&sync_really, false);
}

/* Over the edge of the third level: 65534 entries and three more. */
static void keeps_many(void **state)
{
	round_trip(*state, 65534, 1000);
}

/* The reader that vouches for us above is not one that says yes to everything. */
static void others_notice_changes(void **state)
{
	static const char *const files[] = { "checkpoint", "tile/entries/000", "tile/entries/001.p/2",
					     "tile/0/000", "tile/0/001.p/2",   "tile/1/000.p/1" };
	const world w = world_make();
	char line[128];
	(void)state;
	world_fill(&w, 258, 258);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		bulla_buf data = file_get(&w, files[i]);
		data.data[data.len / 2] ^= 1;
		file_put(&w, files[i], bulla_view_buf(&data));
		assert_int_not_equal(ask_others(&w, line), 0);
		data.data[data.len / 2] ^= 1;
		file_put(&w, files[i], bulla_view_buf(&data));
		bulla_buf_done(&data);
	}
	assert_others_verify(&w, 258);
	world_drop(&w);
}

/* Entries of the largest size, and more in one append than one group takes. */
static void takes_large_appends(void **state)
{
	enum { N = 300 };
	const world w = world_make();
	bulla_log *log = world_open(&w);
	const bulla_audit_sink sink = bulla_log_sink(log);
	uint8_t *text = calloc(1, 65536);
	bulla_bytes entries[N];
	bulla_log_head head;
	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < N; i++)
		entries[i] = bulla_view(text, 65535);
	assert_int_equal(sink.append(sink.self, entries, N, 0, &head, NULL), BULLA_OK);
	assert_int_equal(head.size, N);
	entries[1].len = 65536;
	assert_int_equal(sink.append(sink.self, entries, 2, 0, &head, NULL), BULLA_ERR_LIMIT);
	bulla_log_close(log);
	assert_verifies(&w, N);
	free(text);
	world_drop(&w);
}

static void an_empty_append_changes_nothing(void **state)
{
	const world w = world_make();
	bulla_log *log = world_open(&w);
	bulla_log_head head = { .size = 9 };
	(void)state;
	assert_int_equal(append_group(log, 0, 0, 5, &head, NULL), BULLA_OK);
	assert_int_equal(head.size, 0);
	bulla_log_close(log);
	assert_verifies(&w, 0);
	world_drop(&w);
}

static void remembers_the_largest_generation(void **state)
{
	const world w = world_make();
	static const uint64_t given[] = { 3, 7, 5, 7, 0 };
	static const uint64_t kept[] = { 3, 7, 7, 7, 7 };
	bulla_log *log = world_open(&w);
	uint64_t generation = 1;
	(void)state;
	assert_int_equal(bulla_log_generation(log, &generation, NULL), BULLA_OK);
	assert_int_equal(generation, 0);
	for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
		assert_int_equal(append_group(log, i, 1, given[i], NULL, NULL), BULLA_OK);
		assert_int_equal(bulla_log_generation(log, &generation, NULL), BULLA_OK);
		assert_int_equal(generation, kept[i]);
	}
	bulla_log_close(log);
	log = world_open(&w);
	assert_int_equal(bulla_log_generation(log, &generation, NULL), BULLA_OK);
	assert_int_equal(generation, 7);
	bulla_log_close(log);
	assert_verifies(&w, 5);
	world_drop(&w);
}

/* --- the directory ------------------------------------------------------------------------------------------------------ */

static int check_mode(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)ftw;
	if ((st->st_mode & 07777) == (kind == FTW_D ? 0700u : 0600u)) return 0;
	print_error("%s has mode %o\n", path, st->st_mode & 07777);
	return 1;
}

static bool there(const world *w, const char *name)
{
	char path[256];
	path_of(w, name, path);
	return access(path, F_OK) == 0;
}

static void keeps_its_files_to_itself(void **state)
{
	const world w = world_make();
	const mode_t before = umask(0);
	(void)state;
	world_fill(&w, 300, 100);
	(void)umask(before);
	assert_int_equal(nftw(w.log, check_mode, 16, FTW_PHYS), 0);
	assert_false(there(&w, "tmp"));
	assert_false(there(&w, "journal.next"));
	world_drop(&w);
}

/* A partial file stays for those who hold an older checkpoint, until the full one is there. */
static void removes_partial_files_when_the_full_one_is_there(void **state)
{
	const world w = world_make();
	bulla_log *log;
	(void)state;
	world_fill(&w, 10, 10);
	assert_true(there(&w, "tile/0/000.p/10"));
	log = world_open(&w);
	append_good(log, 10, 10);
	bulla_log_close(log);
	assert_true(there(&w, "tile/0/000.p/10"));
	assert_true(there(&w, "tile/entries/000.p/20"));
	log = world_open(&w);
	append_good(log, 20, 300);
	bulla_log_close(log);
	assert_true(there(&w, "tile/0/000"));
	assert_false(there(&w, "tile/0/000.p"));
	assert_false(there(&w, "tile/entries/000.p"));
	assert_true(there(&w, "tile/1/000.p/1"));
	assert_verifies(&w, 320);
	world_drop(&w);
}

static void publishes_at_most_once_a_second(void **state)
{
	const world w = world_make();
	bulla_log *log = world_open(&w);
	(void)state;
	append_good(log, 0, 5);
	append_good(log, 5, 5);
	assert_false(there(&w, "tile"));
	(void)usleep(1050000);
	append_good(log, 10, 5);
	assert_true(there(&w, "tile/0/000.p/15"));
	append_good(log, 15, 5);
	assert_false(there(&w, "tile/0/000.p/20"));
	assert_verifies(&w, 20);
	assert_others_verify(&w, 15);
	bulla_log_close(log);
	assert_others_verify(&w, 20);
	world_drop(&w);
}

/* --- who may open what -------------------------------------------------------------------------------------------------- */

static bulla_code try_open(const world *w, const char *origin, const bulla_secret *seed, bool create)
{
	bulla_log *log = NULL;
	const bulla_code code = bulla_log_open(w->log, origin, seed, create, &log, NULL);
	bulla_log_close(log);
	return code;
}

static void refuses_another_name_or_key(void **state)
{
	const world w = world_make();
	const bulla_secret other = { { 9 } };
	(void)state;
	assert_int_equal(try_open(&w, ORIGIN, &w.seed, false), BULLA_ERR_NOT_FOUND);
	assert_int_equal(try_open(&w, ORIGIN, NULL, true), BULLA_ERR_NOT_FOUND);
	world_fill(&w, 3, 1);
	assert_int_equal(try_open(&w, ORIGIN, &w.seed, false), BULLA_OK);
	assert_int_equal(try_open(&w, "bulla/other", &w.seed, false), BULLA_ERR_AUDIT);
	assert_int_equal(try_open(&w, ORIGIN, &other, false), BULLA_ERR_AUDIT);
	assert_int_equal(try_open(&w, "bulla/other", NULL, false), BULLA_ERR_AUDIT);
	assert_int_equal(try_open(&w, "two words", &w.seed, true), BULLA_ERR_USAGE);
	assert_verifies(&w, 3);
	world_drop(&w);
}

static void reads_what_others_append(void **state)
{
	const world w = world_make();
	bulla_log *reader = NULL;
	bulla_log *a = world_open(&w);
	bulla_log *b = world_open(&w);
	bulla_log_head head;
	assert_int_equal(bulla_log_open(w.log, ORIGIN, NULL, false, &reader, NULL), BULLA_OK);
	for (uint64_t i = 0; i < 600; i += 60)
		append_good(i % 120 ? a : b, i, 60);
	expect_all(reader, *state, 600);
	assert_int_equal(append_group(reader, 600, 1, 0, &head, NULL), BULLA_ERR_AUDIT);
	bulla_log_close(a);
	expect_all(reader, *state, 600);
	expect_all(b, *state, 600);
	append_good(b, 600, 1);
	expect_all(reader, *state, 601);
	bulla_log_close(b);
	bulla_log_close(reader);
	assert_verifies(&w, 601);
	world_drop(&w);
}

static void is_closed_to_a_child(void **state)
{
	const world w = world_make();
	bulla_log *log = world_open(&w);
	int status;
	(void)state;
	append_good(log, 0, 1);
	const pid_t child = fork();
	if (child == 0) {
		bulla_log_head head;
		const bool refused = append_group(log, 1, 1, 0, NULL, NULL) == BULLA_ERR_USAGE &&
				     bulla_log_head_now(log, &head, NULL) == BULLA_ERR_USAGE;
		bulla_log_close(log);
		_exit(refused ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	append_good(log, 1, 1);
	bulla_log_close(log);
	assert_verifies(&w, 2);
	world_drop(&w);
}

static size_t file_get_size(const world *w, const char *name)
{
	bulla_buf content = file_get(w, name);
	const size_t size = content.len;
	bulla_buf_done(&content);
	return size;
}

/* --- what is missing ---------------------------------------------------------------------------------------------------- */

static void remove_file(const world *w, const char *name)
{
	char path[256];
	path_of(w, name, path);
	assert_int_equal(unlink(path), 0);
}

static void does_not_begin_again_where_a_log_was(void **state)
{
	static const char *const files[] = { "journal", "checkpoints" };
	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		const world w = world_make();
		world_fill(&w, 300, 100);
		remove_file(&w, files[i]);
		assert_int_equal(try_open(&w, ORIGIN, &w.seed, true), BULLA_ERR_AUDIT);
		assert_int_equal(try_open(&w, ORIGIN, NULL, false), BULLA_ERR_AUDIT);
		assert_false(verify(&w).ok);
		world_drop(&w);
	}
}

/* An older journal put back: fewer entries than were signed. Whichever of the two files still knows tells. */
static void refuses_an_older_journal(void **state)
{
	static const char *const files[] = { "journal", "checkpoints", "checkpoint" };
	(void)state;
	for (size_t spared = 1; spared < 3; spared++) {
		const world w = world_make();
		bulla_buf old[3];
		world_fill(&w, 5, 5);
		for (size_t i = 0; i < 3; i++)
			old[i] = file_get(&w, files[i]);
		bulla_log *log = world_open(&w);
		append_good(log, 5, 5);
		bulla_log_close(log);
		for (size_t i = 0; i < 3; i++)
			if (i != spared) file_put(&w, files[i], bulla_view_buf(&old[i]));
		assert_int_equal(try_open(&w, ORIGIN, &w.seed, false), BULLA_ERR_AUDIT);
		assert_false(verify(&w).ok);
		file_put(&w, files[spared], bulla_view_buf(&old[spared])); /* now nothing on this host knows better */
		assert_int_equal(try_open(&w, ORIGIN, &w.seed, false), BULLA_OK);
		for (size_t i = 0; i < 3; i++)
			bulla_buf_done(&old[i]);
		world_drop(&w);
	}
}

/* A power cut in the middle of a publication: of the notes that the journal still has, some sectors have reached `checkpoints`. */
static void completes_a_torn_publication(void **state)
{
	(void)state;
	const world w = world_make();
	world_fill(&w, 5, 5);
	const size_t kept = file_get_size(&w, "checkpoints");
	bulla_log *log = world_open(&w);
	append_good(log, 5, 5);
	bulla_buf journal = file_get(&w, "journal");
	bulla_log_close(log);
	bulla_buf whole = file_get(&w, "checkpoints");
	assert_true(whole.len > kept + 100);

	for (int wrong = 0; wrong < 2; wrong++) {
		memset(whole.data + kept, 0, 60);
		if (wrong) whole.data[kept + 20] = 'x';
		file_put(&w, "journal", bulla_view_buf(&journal));
		file_put(&w, "checkpoints", bulla_view_buf(&whole));
		assert_int_equal(try_open(&w, ORIGIN, &w.seed, false), wrong ? BULLA_ERR_AUDIT : BULLA_OK);
		if (!wrong) assert_verifies(&w, 10);
	}
	bulla_buf_done(&journal);
	bulla_buf_done(&whole);
	world_drop(&w);
}

static void put_in_place_of(const world *w, const char *other)
{
	char log[256];
	char copy[256];
	(void)snprintf(log, sizeof log, "%s/audit", w->directory);
	(void)snprintf(copy, sizeof copy, "%s/%s", w->directory, other);
	static const char *const names[] = { "journal", "checkpoints", "checkpoint", "tile" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char from[512], to[512];
		(void)snprintf(from, sizeof from, "%s/log/%s", copy, names[i]);
		(void)snprintf(to, sizeof to, "%s/log/%s", log, names[i]);
		remove_tree(to);
		if (i < 3)
			copy_file(from, to);
		else
			copy_tree(from, to);
	}
}

/* Another log in its place, signed by the same key, as long or longer: every open handle notices. */
static void notices_that_it_was_replaced(void **state)
{
	(void)state;
	for (unsigned more = 0; more < 2; more++) {
		const world w = world_make();
		bulla_log *reader = NULL;
		bulla_log_head head;
		bulla_log *log = world_open(&w);
		assert_int_equal(append_group(log, 1, 301 + more * 600, 0, NULL, NULL), BULLA_OK); /* others than below */
		bulla_log_close(log);
		copy_log(&w, "audit", "other");
		remove_tree(w.log);

		log = world_open(&w);
		append_good(log, 0, 301);
		assert_int_equal(bulla_log_open(w.log, ORIGIN, NULL, false, &reader, NULL), BULLA_OK);
		put_in_place_of(&w, "other");
		assert_int_equal(bulla_log_head_now(reader, &head, NULL), BULLA_ERR_AUDIT);
		assert_int_equal(append_group(log, 301, 1, 0, NULL, NULL), BULLA_ERR_AUDIT);
		assert_int_equal(append_group(log, 301, 1, 0, NULL, NULL), BULLA_ERR_AUDIT);
		bulla_log_close(reader);
		bulla_log_close(log);
		assert_verifies(&w, 301 + more * 600); /* and leaves it as it is */
		world_drop(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_what_it_is_given),
		cmocka_unit_test(keeps_many),
		cmocka_unit_test(others_notice_changes),
		cmocka_unit_test(takes_large_appends),
		cmocka_unit_test(an_empty_append_changes_nothing),
		cmocka_unit_test(remembers_the_largest_generation),
		cmocka_unit_test(keeps_its_files_to_itself),
		cmocka_unit_test(removes_partial_files_when_the_full_one_is_there),
		cmocka_unit_test(publishes_at_most_once_a_second),
		cmocka_unit_test(refuses_another_name_or_key),
		cmocka_unit_test(reads_what_others_append),
		cmocka_unit_test(is_closed_to_a_child),
		cmocka_unit_test(does_not_begin_again_where_a_log_was),
		cmocka_unit_test(refuses_an_older_journal),
		cmocka_unit_test(completes_a_torn_publication),
		cmocka_unit_test(notices_that_it_was_replaced),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
