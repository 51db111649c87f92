/*
 * events.h - audit events: which of them are asked for, and how they are shown.
 */
#ifndef CLI_EVENTS_H
#define CLI_EVENTS_H

#include "cli/cli.h"
#include "cli/times.h"

#define BULLA_FILTERS_MAX 16

typedef struct bulla_events {
	bulla_cli *cli;
	bool verbatim;                                     /* entries as they lie in the log, one a line; --json does the same */
	const char *operation, *key, *principal, *outcome; /* NULL: any */
	const char *source_ip, *access_key_id, *error_code, *request_id;
	bulla_pair context[BULLA_FILTERS_MAX];
	size_t context_count;
	char since[BULLA_TIME_TEXT], until[BULLA_TIME_TEXT]; /* empty: any */
	bool counting;                                       /* do not show: count those that match */
	uint64_t matched;
	uint64_t skip; /* of those that match, the first so many are not shown */
} bulla_events;

/* Takes the filters from the options of `audit lookup`. */
BULLA_MUST bulla_code bulla_events_filter(bulla_events *events, bulla_error *err);
/* Fits bulla_log_each(). */
bulla_code bulla_events_take(void *self, uint64_t index, bulla_bytes entry, bulla_error *err);

#endif
