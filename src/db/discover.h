/*
 * discover.h - judging a column by its name and a sample of its values.
 */
#ifndef DB_DISCOVER_H
#define DB_DISCOVER_H

#include "db/detect.h"
#include "db/table.h"

#include <bulla/batch.h>

/* What was seen in one column: counts, and no value. */
typedef struct bulla_look {
	char words[BULLA_NAME_WORDS_MAX]; /* of its name */
	uint64_t values;                  /* neither NULL nor empty nor binary */
	uint64_t binary;
	uint64_t numbers; /* numbers as long as a card's, in running text */
	uint64_t first;   /* hash of the first value */
	bool varied;      /* there was another value */
	struct {
		uint64_t named, alone, inside; /* values that pass each rule of the detector */
	} hits[BULLA_DETECTORS_MAX];
} bulla_look;

/* Begins looking at a column of this name. */
void bulla_look_begin(bulla_look *look, const char *column);
/* Counts one value. */
void bulla_look_at(bulla_look *look, const bulla_value *value);

typedef struct bulla_judgement {
	const bulla_detector *detector; /* NULL: nothing */
	bulla_confidence confidence;
	bool by_name, by_values, by_text;
	uint64_t matching; /* values that pass */
} bulla_judgement;

/* The kind that fits best. `people`: the table is about people. */
bulla_judgement bulla_look_judge(const bulla_look *look, bool people);
/* A table with such a column is about people. */
bool bulla_judgement_means_people(const bulla_judgement *judgement);

#endif
