/*
 * test_file.c - files whole: limits, modes, replacing and not replacing.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "io/file.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[128];

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	(void)state;
	(void)snprintf(directory, sizeof directory, "%s/bulla-file-XXXXXX", tmp && strlen(tmp) < 100 ? tmp : "/tmp");
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	return nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *in(const char *name)
{
	static char path[256];
	(void)snprintf(path, sizeof path, "%s/%s", directory, name);
	return path;
}

static unsigned mode_of(const char *path)
{
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static unsigned names_in_directory(void)
{
	unsigned n = 0;
	DIR *listing = opendir(directory);
	assert_non_null(listing);
	while (readdir(listing))
		n++;
	(void)closedir(listing);
	return n;
}

static void assert_content(const char *path, const char *expected)
{
	BULLA_BUF_AUTO bulla_buf data = { 0 };
	assert_int_equal(bulla_file_read(path, 100, &data, NULL), BULLA_OK);
	assert_true(bulla_bytes_is(bulla_view_buf(&data), expected));
}

static void reads_up_to_its_limit(void **state)
{
	BULLA_BUF_AUTO bulla_buf data = { 0 };
	bulla_error err = { 0 };
	(void)state;
	assert_int_equal(bulla_buf_add_str(&data, "before ", NULL), BULLA_OK);
	assert_int_equal(bulla_file_write(in("ten"), bulla_view_str("0123456789"), 0644, false, NULL), BULLA_OK);
	assert_int_equal(bulla_file_read(in("ten"), 9, &data, &err), BULLA_ERR_LIMIT);
	assert_true(bulla_bytes_is(bulla_view_buf(&data), "before "));
	assert_int_equal(bulla_file_read(in("ten"), 10, &data, NULL), BULLA_OK);
	assert_true(bulla_bytes_is(bulla_view_buf(&data), "before 0123456789"));
	assert_int_equal(bulla_file_read(in("none"), 10, &data, &err), BULLA_ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "/none"));
	assert_int_equal(bulla_file_read(directory, 10, &data, &err), BULLA_ERR_IO);
}

static void reads_large_files(void **state)
{
	BULLA_BUF_AUTO bulla_buf data = { 0 };
	char *large = malloc(100001);
	(void)state;
	assert_non_null(large);
	for (size_t i = 0; i < 100001; i++)
		large[i] = (char)(i % 251);
	assert_int_equal(bulla_file_write(in("large"), bulla_view(large, 100001), 0600, false, NULL), BULLA_OK);
	assert_int_equal(bulla_file_read(in("large"), 100000, &data, NULL), BULLA_ERR_LIMIT);
	assert_int_equal(bulla_file_read(in("large"), 100001, &data, NULL), BULLA_OK);
	assert_true(bulla_bytes_equal(bulla_view_buf(&data), bulla_view(large, 100001)));
	free(large);
}

static void replaces_and_does_not(void **state)
{
	bulla_error err = { 0 };
	(void)state;
	assert_int_equal(bulla_file_write(in("f"), bulla_view_str("one"), 0600, true, NULL), BULLA_OK);
	assert_int_equal(mode_of(in("f")), 0600);
	const unsigned names = names_in_directory();
	assert_int_equal(bulla_file_write(in("f"), bulla_view_str("two"), 0600, true, &err), BULLA_ERR_EXISTS);
	assert_content(in("f"), "one");
	assert_int_equal(bulla_file_write(in("f"), bulla_view_str("three"), 0640, false, NULL), BULLA_OK);
	assert_content(in("f"), "three");
	assert_int_equal(mode_of(in("f")), 0640);
	assert_int_equal(names_in_directory(), names); /* no temporary file stays, after failures either */
	assert_int_equal(bulla_file_write(in("no/such/f"), bulla_view_str("x"), 0600, false, &err), BULLA_ERR_NOT_FOUND);
}

static void guards_key_files(void **state)
{
	BULLA_BUF_AUTO bulla_buf data = { 0 };
	bulla_error err = { 0 };
	char link[256];
	(void)state;
	assert_int_equal(bulla_file_write(in("key"), bulla_view_str("k"), 0600, false, NULL), BULLA_OK);
	assert_int_equal(bulla_file_read_private(in("key"), 10, &data, NULL), BULLA_OK);
	assert_true(bulla_bytes_is(bulla_view_buf(&data), "k"));

	(void)snprintf(link, sizeof link, "%s", in("link"));
	assert_int_equal(symlink(in("key"), link), 0);
	assert_int_equal(bulla_file_read_private(link, 10, &data, NULL), BULLA_ERR_PERMISSION);
	assert_int_equal(mkfifo(in("fifo"), 0600), 0);
	assert_int_equal(bulla_file_read_private(in("fifo"), 10, &data, NULL), BULLA_ERR_PERMISSION);
	assert_int_equal(bulla_file_read_private(directory, 10, &data, NULL), BULLA_ERR_PERMISSION);

	static const unsigned open_modes[] = { 0640, 0604, 0620, 0602, 0610, 0601, 0644 };
	for (size_t i = 0; i < sizeof open_modes / sizeof *open_modes; i++) {
		assert_int_equal(chmod(in("key"), open_modes[i]), 0);
		assert_int_equal(bulla_file_read_private(in("key"), 10, &data, &err), BULLA_ERR_PERMISSION);
		assert_non_null(strstr(err.next, "chmod 600 "));
	}
	assert_int_equal(chmod(in("key"), 0400), 0);
	assert_int_equal(bulla_file_read_private(in("key"), 10, &data, NULL), BULLA_OK);
	if (geteuid() == 0) {
		assert_int_equal(chown(in("key"), 12345, (gid_t)-1), 0);
		assert_int_equal(bulla_file_read_private(in("key"), 10, &data, NULL), BULLA_ERR_PERMISSION);
	}
}

static void makes_directories(void **state)
{
	bulla_error err = { 0 };
	(void)state;
	assert_int_equal(bulla_directory_make(in("a/b//c/"), 0700, NULL), BULLA_OK);
	assert_int_equal(mode_of(in("a/b/c")), 0700);
	assert_int_equal(bulla_directory_make(in("a/b/c"), 0700, NULL), BULLA_OK);
	assert_int_equal(bulla_directory_make("/", 0700, NULL), BULLA_OK);
	assert_int_equal(bulla_file_write(in("a/file"), bulla_view_str("x"), 0600, false, NULL), BULLA_OK);
	assert_int_equal(bulla_directory_make(in("a/file"), 0700, &err), BULLA_ERR_EXISTS);
	assert_int_not_equal(bulla_directory_make(in("a/file/b"), 0700, &err), BULLA_OK);
}

static void joins_paths(void **state)
{
	static const char *const cases[][3] = { { "/a", "b", "/a/b" }, { "/a/", "b", "/a/b" },    { "/a", "/b", "/b" },
						{ "", "b", "b" },      { "a", "../b", "a/../b" }, { NULL, "b", "b" } };
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *joined = bulla_path_join(cases[i][0], cases[i][1]);
		assert_string_equal(joined, cases[i][2]);
		free(joined);
	}
}

static void tells_the_time(void **state)
{
	(void)state;
	const int64_t now = bulla_now_us(NULL);
	assert_true(now > INT64_C(1700000000000000)); /* after 2023 */
	assert_true(bulla_now_us(NULL) >= now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_up_to_its_limit), cmocka_unit_test(reads_large_files),
		cmocka_unit_test(replaces_and_does_not), cmocka_unit_test(guards_key_files),
		cmocka_unit_test(makes_directories),     cmocka_unit_test(joins_paths),
		cmocka_unit_test(tells_the_time),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
