/*
 * times.c - points in time as people write and read them; always UTC.
 */
#include "cli/times.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* What of the model a text leaves out is taken from it. */
static const char model[] = "0000-00-00T00:00:00.000000Z";

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool fits(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (is_digit(model[i]) ? !is_digit(text[i]) : text[i] != model[i]) return false;
	return true;
}

static bool is_time(const char *text, char out[static BULLA_TIME_TEXT])
{
	static const size_t wholes[] = {
		10, 16, 19, 21, 22, 23, 24, 25, 26
	}; /* date; to the minute, the second, fractions of it */
	size_t length = strlen(text);
	if (length > 10 && text[length - 1] == 'Z') length--;
	for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++) {
		if (length != wholes[i] || !fits(text, length)) continue;
		memcpy(out, model, sizeof model);
		memcpy(out, text, length);
		return true;
	}
	return false;
}

bulla_code bulla_time_parse(const char *text, char out[static BULLA_TIME_TEXT], bulla_error *err)
{
	int64_t ago = 0;
	struct timespec now;
	struct tm utc;
	char whole[24];
	if (is_time(text, out)) return BULLA_OK;
	if (bulla_duration_parse(text, &ago) && clock_gettime(CLOCK_REALTIME, &now) == 0) {
		time_t then = now.tv_sec - (time_t)(ago / 1000);
		if (gmtime_r(&then, &utc) && strftime(whole, sizeof whole, "%Y-%m-%dT%H:%M:%S", &utc) == 19 &&
		    is_time(whole, out))
			return BULLA_OK;
	}
	return bulla_fail(err, BULLA_ERR_USAGE, "a time is written like 2026-11-21, 2026-11-21T19:05Z, or 2d for two days ago");
}

bulla_code bulla_time_ahead(const char *text, int64_t *ret_us, bulla_error *err)
{
	int64_t ms = 0, at_us = 0;
	struct timespec now;
	char whole[BULLA_TIME_TEXT];
	if (clock_gettime(CLOCK_REALTIME, &now)) return bulla_fail(err, BULLA_ERR_IO, "there is no clock");
	int64_t now_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	if (bulla_duration_parse(text, &ms) && ms <= (INT64_MAX - now_us) / 1000)
		at_us = now_us + ms * 1000;
	else if (!is_time(text, whole) || !bulla_time_read(bulla_view_str(whole), &at_us))
		return bulla_fail(err, BULLA_ERR_USAGE, "a time to come is written like 1h, 2026-11-21, or 2026-11-21T19:05Z");
	if (at_us <= now_us) return bulla_fail(err, BULLA_ERR_USAGE, "%s is over", text);
	*ret_us = at_us;
	return BULLA_OK;
}
