/*
 * test_tile.c - paths and widths against the examples of the tlog-tiles specification.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "audit/tile.h"

static void writes_paths(void **state)
{
	static const struct {
		int level;
		uint64_t index;
		unsigned width;
		const char *path;
	} cases[] = {
		{ 0, 0, 256, "tile/0/000" },
		{ 0, 0, 1, "tile/0/000.p/1" },
		{ 0, 999, 256, "tile/0/999" },
		{ 0, 1000, 256, "tile/0/x001/000" },
		{ 0, 1067, 256, "tile/0/x001/067" },
		{ 1, 1234067, 256, "tile/1/x001/x234/067" },
		{ 2, 1234067, 255, "tile/2/x001/x234/067.p/255" },
		{ BULLA_TILE_ENTRIES, 0, 5, "tile/entries/000.p/5" },
		{ BULLA_TILE_ENTRIES, 273, 112, "tile/entries/273.p/112" },
		{ BULLA_TILE_ENTRIES, 273, 0, "tile/entries/273.p" },
		{ BULLA_TILE_ENTRIES, (UINT64_C(1) << 56) - 1, 255, "tile/entries/x072/x057/x594/x037/x927/935.p/255" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char path[BULLA_TILE_PATH_MAX];
		bulla_tile_path(cases[i].level, cases[i].index, cases[i].width, path);
		assert_string_equal(path, cases[i].path);
	}
}

/* "a tree of size 70,000 ... one partial level 0 tile of width 112, ... level 1 ... of width 17, ... level 2 ... of width 1" */
static void knows_widths(void **state)
{
	(void)state;
	assert_int_equal(bulla_tile_edge(70000, 0), 112);
	assert_int_equal(bulla_tile_edge(70000, 1), 17);
	assert_int_equal(bulla_tile_edge(70000, 2), 1);
	assert_int_equal(bulla_tile_edge(70000, 3), 0);
	assert_int_equal(bulla_tile_edge(256, 0), 0);
	assert_int_equal(bulla_tile_edge(256, 1), 1);
	assert_int_equal(bulla_tile_edge(0, 0), 0);
	assert_int_equal(bulla_tile_edge(UINT64_MAX, 7), 255);
	assert_int_equal(bulla_tile_edge(UINT64_MAX, 8), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_paths),
		cmocka_unit_test(knows_widths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
