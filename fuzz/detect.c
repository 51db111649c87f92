/*
 * detect.c - fuzz target: text as a value that may be personal data, and as the name of a column or table.
 */
#include "fuzz.h"

#include "db/detect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char words[BULLA_NAME_WORDS_MAX], digits[33], *name = fuzz_text(bulla_view(data, size));
	bulla_bytes text = bulla_view(data, size);
	bulla_name_words(name, words);
	HOLDS(strlen(words) < sizeof words);
	(void)bulla_words_are_people(words);
	for (size_t i = 0; i < bulla_detector_count; i++) {
		const bulla_detector *d = &bulla_detectors[i];
		if (d->named) (void)d->named(text);
		if (d->alone) (void)d->alone(text);
		(void)bulla_words_have(words, d->words);
		if (d->vetoes) (void)bulla_words_have(words, d->vetoes);
	}
	size_t n = bulla_digits(text, " -", digits);
	HOLDS(n < sizeof digits && strspn(digits, "0123456789") >= n);
	HOLDS(!bulla_is_issued_card(text) || bulla_is_card(text));
	free(name);
	return 0;
}
