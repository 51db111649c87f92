/*
 * access_log.c - lines of JSON to a descriptor, at most so many a second.
 */
#include "server/access_log.h"
#include "base/json.h"
#include "base/text.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct bulla_access_log {
	int fd;
	pthread_mutex_t lock; /* over all that follows */
	bulla_buf line;
	uint64_t dropped, unsaid; /* in all; since the last line that got through */
	int64_t credit_us;        /* of errors: what has been saved up */
	int64_t seen_us;
};

bulla_code bulla_access_log_new(int fd, bulla_access_log **out, bulla_error *err)
{
	bulla_access_log *log = calloc(1, sizeof *log);
	if (!log) return bulla_fail_memory(err);
	log->fd = fd;
	log->line.max = BULLA_LOG_LINE_MAX;
	log->credit_us = 1000000;
	pthread_mutex_init(&log->lock, NULL);
	*out = log;
	return BULLA_OK;
}

void bulla_access_log_free(bulla_access_log *log)
{
	if (!log) return;
	pthread_mutex_destroy(&log->lock);
	bulla_buf_done(&log->line);
	free(log);
}

/* --- rate -------------------------------------------------------------------------------------------------------- */

/* An error costs its share of a second; what is saved up is a second at most. A clock that went back gives nothing. */
static bool may_err(bulla_access_log *log, int64_t now_us)
{
	const int64_t cost = 1000000 / BULLA_LOG_ERRORS;
	if (now_us > log->seen_us) log->credit_us += now_us - log->seen_us;
	if (log->credit_us > 1000000 || log->seen_us == 0) log->credit_us = 1000000;
	log->seen_us = now_us;
	if (log->credit_us < cost) return false;
	log->credit_us -= cost;
	return true;
}

/* --- lines ------------------------------------------------------------------------------------------------------- */

/* Not in the middle of a letter. */
static bulla_bytes cut(bulla_bytes text)
{
	if (text.len <= BULLA_LOG_TEXT_MAX) return text;
	text.len = BULLA_LOG_TEXT_MAX;
	while (text.len && (text.data[text.len] & 0xc0) == 0x80)
		text.len--;
	return text;
}

static void put(bulla_json_writer *w, const char *name, bulla_bytes text)
{
	if (text.len) bulla_json_put_bytes(w, name, cut(text));
}

static bulla_json_writer begin(bulla_access_log *log, int64_t time_us)
{
	char text[BULLA_TIME_TEXT];
	bulla_buf_clear(&log->line);
	bulla_json_writer w = bulla_json_to(&log->line);
	bulla_json_open(&w, NULL, '{');
	bulla_json_put_str(&w, "time", bulla_time_text(time_us, text));
	return w;
}

static void drop(bulla_access_log *log)
{
	log->dropped++;
	log->unsaid++;
}

/* Texts full of control characters take six times their length: then the line says only that. */
static bool too_long(bulla_access_log *log)
{
	bulla_buf_clear(&log->line);
	return bulla_buf_add_str(&log->line, "{\"event\":\"too_long\"}", NULL) == BULLA_OK;
}

static void send_line(bulla_access_log *log, bulla_json_writer *w)
{
	struct pollfd p = { .fd = log->fd, .events = POLLOUT };
	if (log->unsaid) bulla_json_put_int(w, "dropped", (int64_t)log->unsaid);
	bulla_json_close(w, '}');
	bool fine = bulla_json_end(w, NULL) == BULLA_OK || too_long(log);
	fine = fine && bulla_buf_add_u8(&log->line, '\n', NULL) == BULLA_OK;
	fine = fine && poll(&p, 1, 0) == 1 && (p.revents & POLLOUT);
	if (fine && write(log->fd, log->line.data, log->line.len) == (ssize_t)log->line.len)
		log->unsaid = 0;
	else
		drop(log);
}

static bulla_bytes path_of(bulla_bytes target)
{
	const uint8_t *query = target.len ? memchr(target.data, '?', target.len) : NULL;
	return query ? bulla_view(target.data, (size_t)(query - target.data)) : target;
}

static void put_request(bulla_json_writer *w, const bulla_access_entry *entry)
{
	const struct {
		const char *name;
		bulla_bytes text;
	} texts[] = {
		{ "request", entry->request },     { "peer", entry->peer },
		{ "method", entry->method },       { "target", path_of(entry->target) },
		{ "operation", entry->operation }, { "principal", entry->principal },
		{ "error", entry->error },
	};
	bulla_json_put_str(w, "event", "request");
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		put(w, texts[i].name, texts[i].text);
	bulla_json_put_int(w, "status", entry->status);
	bulla_json_put_int(w, "took_us", entry->took_us);
	bulla_json_put_int(w, "bytes_in", (int64_t)entry->bytes_in);
	bulla_json_put_int(w, "bytes_out", (int64_t)entry->bytes_out);
}

void bulla_access_log_request(bulla_access_log *log, const bulla_access_entry *entry)
{
	pthread_mutex_lock(&log->lock);
	if (entry->status >= 500 && !may_err(log, entry->time_us)) {
		drop(log);
	} else {
		bulla_json_writer w = begin(log, entry->time_us);
		put_request(&w, entry);
		send_line(log, &w);
	}
	pthread_mutex_unlock(&log->lock);
}

static void put_event(bulla_json_writer *w, bulla_log_level level, const char *event, const bulla_pair *fields, size_t n)
{
	static const char *const levels[] = {
		[BULLA_LOG_INFO] = "info", [BULLA_LOG_WARNING] = "warning", [BULLA_LOG_ERROR] = "error"
	};
	bulla_json_put_str(w, "level", levels[level]);
	bulla_json_put_str(w, "event", event);
	for (size_t i = 0; i < n && i < BULLA_LOG_FIELDS_MAX; i++) {
		char name[32] = "";
		size_t len = fields[i].name.len < sizeof name ? fields[i].name.len : sizeof name - 1;
		memcpy(name, fields[i].name.data, len);
		put(w, name, fields[i].value);
	}
}

void bulla_access_log_event(bulla_access_log *log, int64_t time_us, bulla_log_level level, const char *event,
			    const bulla_pair *fields, size_t n)
{
	pthread_mutex_lock(&log->lock);
	if (level != BULLA_LOG_INFO && !may_err(log, time_us)) {
		drop(log);
	} else {
		bulla_json_writer w = begin(log, time_us);
		put_event(&w, level, event, fields, n);
		send_line(log, &w);
	}
	pthread_mutex_unlock(&log->lock);
}

uint64_t bulla_access_log_dropped(bulla_access_log *log)
{
	pthread_mutex_lock(&log->lock);
	uint64_t n = log->dropped;
	pthread_mutex_unlock(&log->lock);
	return n;
}
