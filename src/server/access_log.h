/*
 * access_log.h - what the server does, as one JSON object a line on a descriptor.
 *
 * It has members for who asked for what, when, and what came of it; there is none for a body, an Authorization header or a query, so that none can
 * end here by mistake. Texts are cut at BULLA_LOG_TEXT_MAX bytes. A line is one write(2), and never waited for: where the descriptor takes nothing (a
 * full pipe), lines are dropped and counted, and the next one that gets through says how many. So do lines beyond the rate of errors.
 */
#ifndef SERVER_ACCESS_LOG_H
#define SERVER_ACCESS_LOG_H

#include "base/bytes.h"
#include "base/error.h"

#define BULLA_LOG_TEXT_MAX   256  /* bytes of one text */
#define BULLA_LOG_LINE_MAX   4000 /* below PIPE_BUF: lines of several processes do not mix */
#define BULLA_LOG_FIELDS_MAX 8
#define BULLA_LOG_ERRORS     20 /* a second, and as many at once */

typedef struct bulla_access_log bulla_access_log; /* any thread */

/* `fd` stays the caller's, and open as long as the log. */
BULLA_MUST bulla_code bulla_access_log_new(int fd, bulla_access_log **out, bulla_error *err);
void bulla_access_log_free(bulla_access_log *log); /* NULL is fine */

/* One request. Members that are empty are left out. */
typedef struct bulla_access_entry {
	int64_t time_us;     /* since 1970 */
	bulla_bytes request; /* its id */
	bulla_bytes peer, method;
	bulla_bytes target; /* as sent: what is behind a `?` is not written */
	bulla_bytes operation, principal, error;
	unsigned status;
	int64_t took_us;
	uint64_t bytes_in, bytes_out;
} bulla_access_entry;

/* {"time":...,"event":"request",...}. One with a status of 500 and more counts as an error. */
void bulla_access_log_request(bulla_access_log *log, const bulla_access_entry *entry);

typedef enum bulla_log_level { BULLA_LOG_INFO, BULLA_LOG_WARNING, BULLA_LOG_ERROR } bulla_log_level;

/* Something else that happened: {"time":...,"level":"warning","event":"refused",...} with `n` texts, at most BULLA_LOG_FIELDS_MAX. Warnings and
 * errors have the rate's limit. */
void bulla_access_log_event(bulla_access_log *log, int64_t time_us, bulla_log_level level, const char *event,
			    const bulla_pair *fields, size_t n);

/* Lines that were dropped since the beginning. */
uint64_t bulla_access_log_dropped(bulla_access_log *log);

#endif
