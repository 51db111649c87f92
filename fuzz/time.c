/*
 * time.c - fuzz target: text as a point in time. What is read is a time of one form, and is read as itself.
 */
#include "fuzz.h"

#include "cli/times.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bulla_error err = { 0 };
	char once[BULLA_TIME_TEXT] = "", twice[BULLA_TIME_TEXT] = "", *text = fuzz_text(bulla_view(data, size));
	if (fuzz_ok(bulla_time_parse(text, once, &err), &err)) {
		HOLDS(strlen(once) == BULLA_TIME_TEXT - 1 && once[4] == '-' && once[10] == 'T' && once[26] == 'Z');
		fuzz_must(bulla_time_parse(once, twice, &err), &err);
		HOLDS(strcmp(once, twice) == 0);
	}
	free(text);
	return 0;
}
