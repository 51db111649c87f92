/*
 * test_tree.c - Merkle roots against the known ones of RFC 6962 logs, and against the recursive definition.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "audit/tree.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

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

static void assert_hex(const uint8_t *hash, const char *hex)
{
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	assert_int_equal(bulla_hex_encode(bulla_view(hash, BULLA_HASH_SIZE), &text, NULL), BULLA_OK);
	assert_int_equal(bulla_buf_terminate(&text, NULL), BULLA_OK);
	assert_string_equal((const char *)text.data, hex);
}

/* The eight leaves, and the roots of the trees that they grow, which every implementation of Certificate Transparency tests. */
static const struct {
	const char *leaf;
	const char *root;
} known[] = {
	{ "", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d" },
	{ "00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125" },
	{ "10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77" },
	{ "2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7" },
	{ "3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4" },
	{ "40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef" },
	{ "5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c" },
	{ "606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328" },
};

static void has_the_known_roots(void **state)
{
	bulla_tree tree = { 0 };
	uint8_t hash[BULLA_HASH_SIZE];
	assert_int_equal(bulla_tree_root(&tree, *state, hash, NULL), BULLA_OK);
	assert_hex(hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		BULLA_BUF_AUTO bulla_buf leaf = { 0 };
		assert_int_equal(bulla_hex_decode(bulla_view_str(known[i].leaf), &leaf, NULL), BULLA_OK);
		assert_int_equal(bulla_tree_leaf(*state, bulla_view_buf(&leaf), hash, NULL), BULLA_OK);
		assert_int_equal(bulla_tree_push(&tree, *state, 0, hash, 1, NULL), BULLA_OK);
		assert_int_equal(bulla_tree_root(&tree, *state, hash, NULL), BULLA_OK);
		assert_hex(hash, known[i].root);
	}
}

/* RFC 6962, 2.1, word for word: split at the largest power of two below n. */
static void defined_root(bulla_lane *lane, const uint8_t *leaves, size_t n, uint8_t *out)
{
	uint8_t pair[1 + 64] = { 1 };
	size_t k = 1;
	if (n == 1) {
		memcpy(out, leaves, 32);
		return;
	}
	while (k * 2 < n)
		k *= 2;
	defined_root(lane, leaves, k, pair + 1);
	defined_root(lane, leaves + k * 32, n - k, pair + 33);
	const bulla_bytes whole = { pair, sizeof pair };
	assert_int_equal(bulla_sha256(lane, &whole, 1, out, NULL), BULLA_OK);
}

#define LEAVES 700

static uint8_t *make_leaves(bulla_lane *lane)
{
	uint8_t *leaves = malloc(LEAVES * 32);
	assert_non_null(leaves);
	for (uint32_t i = 0; i < LEAVES; i++) {
		uint8_t entry[4];
		bulla_put_u32(entry, i);
		assert_int_equal(bulla_tree_leaf(lane, bulla_view(entry, 4), leaves + i * 32, NULL), BULLA_OK);
	}
	return leaves;
}

static void agrees_with_the_definition(void **state)
{
	uint8_t *leaves = make_leaves(*state);
	bulla_tree tree = { 0 };
	uint8_t ours[32], theirs[32];
	for (size_t n = 1; n <= LEAVES; n++) {
		assert_int_equal(bulla_tree_push(&tree, *state, 0, leaves + (n - 1) * 32, 1, NULL), BULLA_OK);
		assert_int_equal(tree.size, n);
		assert_int_equal(bulla_tree_root(&tree, *state, ours, NULL), BULLA_OK);
		defined_root(*state, leaves, n, theirs);
		assert_memory_equal(ours, theirs, 32);
		if (n % 256) continue;
		defined_root(*state, leaves + (n - 256) * 32, 256, theirs);
		assert_memory_equal(tree.tile, theirs, 32);
	}
	free(leaves);
}

/* 512 leaves as two subtrees of 256, the rest as leaves: the same root. */
static void grows_by_subtrees(void **state)
{
	uint8_t *leaves = make_leaves(*state);
	uint8_t pair[64], ours[32], theirs[32];
	bulla_tree tree = { 0 };
	defined_root(*state, leaves, 256, pair);
	defined_root(*state, leaves + 256 * 32, 256, pair + 32);
	assert_int_equal(bulla_tree_push(&tree, *state, 8, pair, 2, NULL), BULLA_OK);
	assert_memory_equal(tree.tile, pair + 32, 32);
	assert_int_equal(bulla_tree_push(&tree, *state, 0, leaves + 512 * 32, LEAVES - 512, NULL), BULLA_OK);
	assert_int_equal(bulla_tree_root(&tree, *state, ours, NULL), BULLA_OK);
	defined_root(*state, leaves, LEAVES, theirs);
	assert_memory_equal(ours, theirs, 32);

	assert_int_equal(bulla_tree_push(&tree, *state, 8, pair, 1, NULL), BULLA_ERR_USAGE);
	assert_int_equal(tree.size, LEAVES);
	free(leaves);
}

static void has_an_end(void **state)
{
	bulla_tree tree = { .size = (UINT64_C(1) << 63) - 1 };
	uint8_t hashes[64] = { 0 };
	assert_int_equal(bulla_tree_push(&tree, *state, 0, hashes, 2, NULL), BULLA_ERR_LIMIT);
	assert_int_equal(bulla_tree_push(&tree, *state, 63, hashes, 1, NULL), BULLA_ERR_LIMIT);
	assert_int_equal(tree.size, (UINT64_C(1) << 63) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_the_known_roots),
		cmocka_unit_test(agrees_with_the_definition),
		cmocka_unit_test(grows_by_subtrees),
		cmocka_unit_test(has_an_end),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
