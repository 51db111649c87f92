/*
 * tree.h - the Merkle tree of RFC 6962, section 2.1, grown at its right end.
 *
 * A tree is held as its peaks: one hash for each perfect subtree that the binary form of its size names. Appending a leaf
 * costs one node hash on average, the root at most 63. So a log is checked by streaming: push leaf after leaf, and the root
 * at every size passed is the root that a checkpoint of that size must carry.
 */
#ifndef AUDIT_TREE_H
#define AUDIT_TREE_H

#include "crypto/lane.h"

#define BULLA_HASH_SIZE       32
#define BULLA_TREE_HEIGHT_MAX 63

/* Zeroed, it is the empty tree; it can be copied. One thread at a time. */
typedef struct bulla_tree {
	uint64_t size;                                            /* leaves */
	uint8_t peak[BULLA_TREE_HEIGHT_MAX + 1][BULLA_HASH_SIZE]; /* [h] counts where bit h of `size` is set */
	uint8_t tile[BULLA_HASH_SIZE];                            /* the hash of the 256 leaves that were completed last */
} bulla_tree;

/* SHA-256(00 ‖ entry): the hash of a leaf. */
BULLA_MUST bulla_code bulla_tree_leaf(bulla_lane *lane, bulla_bytes entry, uint8_t out[static BULLA_HASH_SIZE], bulla_error *err);

/* Appends `n` perfect subtrees of 2^height leaves each, whose hashes lie one after the other in `hashes`; height 0 means
 * leaves. USAGE when the size is not a multiple of 2^height, LIMIT beyond 2^63 leaves. */
BULLA_MUST bulla_code bulla_tree_push(bulla_tree *tree, bulla_lane *lane, unsigned height, const uint8_t *hashes, size_t n,
				      bulla_error *err);

/* The Merkle tree hash; that of the empty tree is SHA-256 of nothing. */
BULLA_MUST bulla_code bulla_tree_root(const bulla_tree *tree, bulla_lane *lane, uint8_t out[static BULLA_HASH_SIZE],
				      bulla_error *err);

#endif
