/*
 * tree.c - the Merkle tree of RFC 6962, section 2.1, as its peaks.
 */
#include "audit/tree.h"

#define TILE_HEIGHT 8

static const uint8_t leaf_prefix = 0x00;
static const uint8_t node_prefix = 0x01;

bulla_code bulla_tree_leaf(bulla_lane *lane, bulla_bytes entry, uint8_t out[static BULLA_HASH_SIZE], bulla_error *err)
{
	const bulla_bytes parts[] = { { &leaf_prefix, 1 }, entry };
	return bulla_sha256(lane, parts, 2, out, err);
}

/* SHA-256(01 ‖ left ‖ right); `out` may be either of them. */
static bulla_code node(bulla_lane *lane, const uint8_t *left, const uint8_t *right, uint8_t *out, bulla_error *err)
{
	uint8_t pair[1 + 2 * BULLA_HASH_SIZE];
	pair[0] = node_prefix;
	memcpy(pair + 1, left, BULLA_HASH_SIZE);
	memcpy(pair + 1 + BULLA_HASH_SIZE, right, BULLA_HASH_SIZE);
	const bulla_bytes whole = { pair, sizeof pair };
	return bulla_sha256(lane, &whole, 1, out, err);
}

/* Like adding one to a binary number: every bit that is set carries. */
static bulla_code push_one(bulla_tree *tree, bulla_lane *lane, unsigned height, const uint8_t *hash, bulla_error *err)
{
	uint8_t carried[BULLA_HASH_SIZE];
	unsigned h = height;
	memcpy(carried, hash, sizeof carried);
	if (h == TILE_HEIGHT) memcpy(tree->tile, carried, sizeof carried);
	for (; tree->size >> h & 1; h++) {
		TRY(node(lane, tree->peak[h], carried, carried, err));
		if (h + 1 == TILE_HEIGHT) memcpy(tree->tile, carried, sizeof carried);
	}
	memcpy(tree->peak[h], carried, sizeof carried);
	tree->size += UINT64_C(1) << height;
	return BULLA_OK;
}

bulla_code bulla_tree_push(bulla_tree *tree, bulla_lane *lane, unsigned height, const uint8_t *hashes, size_t n, bulla_error *err)
{
	const uint64_t limit = UINT64_C(1) << BULLA_TREE_HEIGHT_MAX;
	if (height >= BULLA_TREE_HEIGHT_MAX || n > (limit - tree->size) >> height)
		return bulla_fail(err, BULLA_ERR_LIMIT, "a Merkle tree has at most 2^%d leaves", BULLA_TREE_HEIGHT_MAX);
	if (tree->size & ((UINT64_C(1) << height) - 1))
		return bulla_fail(err, BULLA_ERR_USAGE, "a subtree of height %u does not fit at this size of the tree", height);
	for (size_t i = 0; i < n; i++)
		TRY(push_one(tree, lane, height, hashes + i * BULLA_HASH_SIZE, err));
	return BULLA_OK;
}

bulla_code bulla_tree_root(const bulla_tree *tree, bulla_lane *lane, uint8_t out[static BULLA_HASH_SIZE], bulla_error *err)
{
	uint8_t folded[BULLA_HASH_SIZE];
	bool started = false;
	if (tree->size == 0) return bulla_sha256(lane, NULL, 0, out, err);
	for (unsigned h = 0; h <= BULLA_TREE_HEIGHT_MAX; h++) {
		if (!(tree->size >> h & 1)) continue;
		if (started)
			TRY(node(lane, tree->peak[h], folded, folded, err));
		else
			memcpy(folded, tree->peak[h], sizeof folded);
		started = true;
	}
	memcpy(out, folded, sizeof folded);
	return BULLA_OK;
}
