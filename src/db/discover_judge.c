/*
 * discover_judge.c - from values to counts, and from counts to a judgement.
 */
#include "db/discover.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

void bulla_look_begin(bulla_look *look, const char *column)
{
	*look = (bulla_look){ 0 };
	bulla_name_words(column, look->words);
}

/* --- one value --------------------------------------------------------------------------------------------------- */

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bulla_bytes trim(bulla_bytes text)
{
	while (text.len && is_blank(text.data[0]))
		text = bulla_view(text.data + 1, text.len - 1);
	while (text.len && is_blank(text.data[text.len - 1]))
		text.len--;
	return text;
}

/* As text; numbers in `digits`. Bytes that are no text are no value to look at. */
static bool as_text(const bulla_value *value, char digits[static 40], bulla_bytes *ret)
{
	switch (value->kind) {
	case BULLA_KIND_TEXT:
		*ret = value->bytes;
		break;
	case BULLA_KIND_BINARY:
		*ret = value->bytes;
		if (!bulla_utf8_valid(*ret) || (ret->len && memchr(ret->data, 0, ret->len))) return false;
		break;
	case BULLA_KIND_INTEGER:
	case BULLA_KIND_BOOLEAN:
		(void)snprintf(digits, 40, "%lld", (long long)value->integer);
		*ret = bulla_view_str(digits);
		break;
	case BULLA_KIND_FLOAT:
		(void)snprintf(digits, 40, "%.15g", value->number);
		*ret = bulla_view_str(digits);
		break;
	case BULLA_KIND_NULL:
		*ret = bulla_view(NULL, 0);
		break;
	}
	*ret = trim(*ret);
	return true;
}

/* FNV-1a: only to see whether all values are one. */
static uint64_t hash_of(bulla_bytes text)
{
	uint64_t hash = 0xcbf29ce484222325;
	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ text.data[i]) * 0x100000001b3;
	return hash;
}

/* --- running text -------------------------------------------------------------------------------------------------- */

static bool is_between(uint8_t c)
{
	return is_blank(c) || (c && strchr("\"'<>(),;[]{}|=\\", c));
}

/* The next word of `rest`, which is cut; a full stop at its end is not of it. */
static bulla_bytes next_word(bulla_bytes *rest)
{
	size_t from = 0, to;
	while (from < rest->len && is_between(rest->data[from]))
		from++;
	for (to = from; to < rest->len && !is_between(rest->data[to]); to++)
		;
	bulla_bytes word = bulla_view(rest->data + from, to - from);
	*rest = bulla_view(rest->data + to, rest->len - to);
	while (word.len && strchr(".:!?", word.data[word.len - 1]))
		word.len--;
	if (word.len > 7 && memcmp(word.data, "mailto:", 7) == 0) word = bulla_view(word.data + 7, word.len - 7);
	return word;
}

static void look_inside(bulla_look *look, bulla_bytes text)
{
	bool found[BULLA_DETECTORS_MAX] = { false };
	char digits[33];
	for (bulla_bytes rest = text; rest.len;) {
		bulla_bytes word = next_word(&rest);
		size_t n = word.len ? bulla_digits(word, "-", digits) : 0;
		look->numbers += n >= 13 && n <= 19;
		for (size_t d = 0; d < bulla_detector_count && word.len; d++)
			if (bulla_detectors[d].inside && !found[d]) found[d] = bulla_detectors[d].alone(word);
	}
	for (size_t d = 0; d < bulla_detector_count; d++)
		look->hits[d].inside += found[d];
}

static bool has_words(bulla_bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (is_between(text.data[i])) return true;
	return false;
}

void bulla_look_at(bulla_look *look, const bulla_value *value)
{
	char digits[40];
	bulla_bytes text;
	if (!as_text(value, digits, &text)) {
		look->binary++;
		return;
	}
	if (text.len == 0) return;
	uint64_t hash = hash_of(text);
	if (look->values++ == 0) look->first = hash;
	look->varied |= hash != look->first;
	for (size_t d = 0; d < bulla_detector_count; d++) {
		const bulla_detector *detector = &bulla_detectors[d];
		look->hits[d].named += detector->named && detector->named(text);
		look->hits[d].alone += detector->alone && detector->alone(text);
	}
	if (has_words(text)) look_inside(look, text);
}

/* --- judging -------------------------------------------------------------------------------------------------------- */

/* How many values must pass `alone` before they prove something, by how rarely that happens by accident. */
static const struct {
	unsigned chance, percent;
	uint64_t least_values, least_hits;
	bulla_confidence level;
} proofs[] = {
	{ 100, 80, 1, 1, BULLA_CONFIDENCE_HIGH },   { 100, 20, 1, 3, BULLA_CONFIDENCE_MEDIUM },
	{ 30, 95, 20, 1, BULLA_CONFIDENCE_HIGH },   { 30, 50, 20, 1, BULLA_CONFIDENCE_MEDIUM },
	{ 10, 95, 20, 1, BULLA_CONFIDENCE_MEDIUM },
};

static bulla_confidence by_values(const bulla_look *look, size_t d)
{
	uint64_t hits = look->hits[d].alone;
	for (size_t i = 0; i < sizeof proofs / sizeof *proofs; i++)
		if (bulla_detectors[d].chance >= proofs[i].chance && look->values >= proofs[i].least_values &&
		    hits >= proofs[i].least_hits && hits * 100 >= look->values * proofs[i].percent)
			return proofs[i].level;
	return BULLA_CONFIDENCE_NONE;
}

#define INSIDE_LEAST 2 /* values with such a thing in their text: one may be anything */

static bulla_confidence by_text(const bulla_look *look, size_t d)
{
	uint64_t hits = look->hits[d].inside;
	if (hits < INSIDE_LEAST) return BULLA_CONFIDENCE_NONE;
	bool accident = bulla_detectors[d].chance < 100 && hits * 2 < look->numbers;
	return accident ? BULLA_CONFIDENCE_NONE : BULLA_CONFIDENCE_MEDIUM;
}

/* A name that the values contradict says nothing: what is called e-mail and is none may well be sealed. */
static bulla_confidence by_name(const bulla_look *look, size_t d, bool people)
{
	const bulla_detector *detector = &bulla_detectors[d];
	uint64_t hits = look->hits[d].named;
	if ((detector->persons && !people) || !bulla_words_have(look->words, detector->words)) return BULLA_CONFIDENCE_NONE;
	if (look->values == 0) return look->binary ? BULLA_CONFIDENCE_NONE : BULLA_CONFIDENCE_LOW;
	if (!detector->named) return BULLA_CONFIDENCE_MEDIUM;
	if (hits * 2 >= look->values) return BULLA_CONFIDENCE_HIGH;
	return hits * 10 >= look->values ? BULLA_CONFIDENCE_MEDIUM : BULLA_CONFIDENCE_NONE;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static bulla_judgement judge_one(const bulla_look *look, size_t d, bool people)
{
	const bulla_detector *detector = &bulla_detectors[d];
	if (bulla_words_have(look->words, detector->vetoes)) return (bulla_judgement){ 0 };
	bulla_confidence name = by_name(look, d, people), values = by_values(look, d), text = by_text(look, d);
	bulla_judgement j = { .detector = detector, .by_name = name, .by_values = values, .by_text = text && !values };
	j.confidence = (bulla_confidence)most(most(name, values), text);
	if (j.confidence > detector->most) j.confidence = detector->most;
	/* One value again and again: a preset, a dummy. */
	if (look->values >= 10 && !look->varied && j.confidence > BULLA_CONFIDENCE_LOW) j.confidence--;
	j.matching = name && detector->named ? look->hits[d].named : most(look->hits[d].alone, text ? look->hits[d].inside : 0);
	if (name && !detector->named) j.matching = look->values;
	return j;
}

static bool is_better(const bulla_judgement *a, const bulla_judgement *b)
{
	if (a->confidence != b->confidence) return a->confidence > b->confidence;
	int strength_a = a->by_name + a->by_values, strength_b = b->by_name + b->by_values;
	return strength_a != strength_b ? strength_a > strength_b : a->matching > b->matching;
}

bulla_judgement bulla_look_judge(const bulla_look *look, bool people)
{
	bulla_judgement best = { 0 };
	for (size_t d = 0; d < bulla_detector_count; d++) {
		bulla_judgement j = judge_one(look, d, people);
		if (j.confidence && is_better(&j, &best)) best = j;
	}
	return best;
}

bool bulla_judgement_means_people(const bulla_judgement *judgement)
{
	static const char *const kinds[] = { "email", "phone", "birth_date", "name" };
	if (judgement->confidence < BULLA_CONFIDENCE_HIGH) return false;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(judgement->detector->kind, kinds[i]) == 0) return true;
	return false;
}
