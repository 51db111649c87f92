/*
 * times.h - points in time as people write and read them; always UTC.
 */
#ifndef CLI_TIMES_H
#define CLI_TIMES_H

#include "base/text.h"

/* "2026-11-21", "2026-11-21T19:05", "2026-11-21T19:05:00[.5][Z]", or so long ago: "90m", "2d". Written as audit events write
 * their time, so that texts compare as times do. USAGE for anything else. */
BULLA_MUST bulla_code bulla_time_parse(const char *text, char out[static BULLA_TIME_TEXT], bulla_error *err);

/* A time to come, in microseconds since 1970: a point in time as above, or so long from now: "1h". USAGE for anything else, and for one that is over. */
BULLA_MUST bulla_code bulla_time_ahead(const char *text, int64_t *ret_us, bulla_error *err);

#endif
