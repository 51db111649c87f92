/*
 * tally.h - how often each value of a column occurs, without keeping a value: counts by keyed 64-bit hashes, in bounded
 * memory.
 *
 * Beyond BULLA_TALLY_MAX different values it keeps a sample: those whose hash begins with more and more zero bits. Then the
 * answers are estimates.
 */
#ifndef DB_TALLY_H
#define DB_TALLY_H

#include "crypto/lane.h"

#define BULLA_TALLY_MAX (1u << 21) /* different values kept: 32 MiB */

typedef struct bulla_tally {
	uint8_t key[BULLA_KEY_SIZE]; /* random: the hashes say nothing outside this run */
	struct bulla_tally_entry {
		uint64_t hash; /* 0: free */
		uint64_t count;
	} * entries;
	size_t n, cap;
	unsigned level;  /* hashes with so many leading zero bits are kept */
	uint64_t values; /* all that were added */
} bulla_tally;

BULLA_MUST bulla_code bulla_tally_init(bulla_tally *tally, bulla_lane *lane, bulla_error *err);
void bulla_tally_done(bulla_tally *tally);
BULLA_MUST bulla_code bulla_tally_add(bulla_tally *tally, bulla_lane *lane, bulla_bytes value, bulla_error *err);

typedef struct bulla_tally_result {
	bool exact;
	uint64_t distinct;
	uint64_t top;        /* rows with the most frequent value */
	uint64_t repeated;   /* rows whose value another row has too */
	double entropy_bits; /* Shannon entropy of the values: what an index shows to somebody who knows nothing else */
} bulla_tally_result;

bulla_tally_result bulla_tally_result_of(const bulla_tally *tally);

#endif
