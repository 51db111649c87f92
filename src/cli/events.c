/*
 * events.c - audit events: which of them are asked for, and how they are shown.
 */
#include "cli/events.h"
#include "audit/event_read.h"
#include "base/bytes.h"
#include "base/error.h"
#include "cli/tree.h"

#include <stdio.h>
#include <string.h>

bulla_code bulla_events_filter(bulla_events *events, bulla_error *err)
{
	const bulla_cli *cli = events->cli;
	const char *since = bulla_cli_value(cli, "since"), *until = bulla_cli_value(cli, "until");
	events->operation = bulla_cli_value(cli, "operation");
	events->key = bulla_cli_value(cli, "key");
	events->principal = bulla_cli_value(cli, "principal");
	events->outcome = bulla_cli_value(cli, "outcome");
	events->source_ip = bulla_cli_value(cli, "source-ip");
	events->access_key_id = bulla_cli_value(cli, "access-key-id");
	events->error_code = bulla_cli_value(cli, "error-code");
	events->request_id = bulla_cli_value(cli, "request-id");
	if (since) TRY(bulla_time_parse(since, events->since, err));
	if (until) TRY(bulla_time_parse(until, events->until, err));
	return bulla_cli_pairs(cli, "context", events->context, BULLA_FILTERS_MAX, &events->context_count, err);
}

/* --- which --------------------------------------------------------------------------------------------------------- */
static bool is(const bulla_json *event, const char *member, const char *wanted)
{
	return !wanted || bulla_bytes_is(bulla_tree_text(event, member), wanted);
}

static bool has(bulla_bytes text, const char *part)
{
	return !part || (text.len && memmem(text.data, text.len, part, strlen(part)));
}

static bool context_has(const bulla_json *event, const bulla_pair *pair)
{
	char name[256];
	if (pair->name.len >= sizeof name) return false;
	(void)snprintf(name, sizeof name, "%.*s", BULLA_SHOW(pair->name));
	return bulla_bytes_equal(bulla_tree_text(bulla_event_context(event), name), pair->value);
}

/* Times are texts of one form: they compare as bytes do. */
static bool in_time(const bulla_events *events, const bulla_json *event)
{
	bulla_bytes time = bulla_tree_text(event, "eventTime");
	if (events->since[0] && bulla_bytes_compare(time, bulla_view_str(events->since)) < 0) return false;
	return !events->until[0] || bulla_bytes_compare(time, bulla_view_str(events->until)) < 0;
}

static bool comes_from(const bulla_events *events, const bulla_json *event)
{
	return is(event, "sourceIPAddress", events->source_ip) && is(event, "errorCode", events->error_code) &&
	       is(event, "requestID", events->request_id) &&
	       is(bulla_json_member(event, "userIdentity"), "accessKeyId", events->access_key_id);
}

static bool matches(const bulla_events *events, const bulla_json *event)
{
	if (!is(event, "eventName", events->operation) || !is(event, "outcome", events->outcome)) return false;
	if (!comes_from(events, event)) return false;
	if (!has(bulla_event_key(event), events->key) || !has(bulla_event_principal(event), events->principal)) return false;
	for (size_t i = 0; i < events->context_count; i++)
		if (!context_has(event, &events->context[i])) return false;
	return in_time(events, event);
}

/* --- how ----------------------------------------------------------------------------------------------------------- */
static bool add_pair(void *self, bulla_bytes name, const bulla_json *value)
{
	bulla_buf *line = self;
	bulla_bytes text = { NULL, 0 };
	if (bulla_json_string(value, &text) && bulla_buf_printf(line, NULL, " %.*s=", BULLA_SHOW(name)) == BULLA_OK)
		return bulla_text_printable(text, line, NULL) == BULLA_OK;
	return true;
}

/* Of an ARN the part that tells keys apart. */
static bulla_bytes short_key(bulla_bytes key)
{
	const uint8_t *slash = key.len > 4 && memcmp(key.data, "arn:", 4) == 0 ? memchr(key.data, '/', key.len) : NULL;
	return slash ? bulla_view(slash + 1, key.len - (size_t)(slash + 1 - key.data)) : key;
}

static bulla_code show(const bulla_events *events, uint64_t index, const bulla_json *event, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf line = { 0 };
	bulla_bytes time = bulla_tree_text(event, "eventTime"), detail = bulla_tree_text(event, "detail");
	if (time.len > 19) time.len = 19; /* to the second */
	TRY(bulla_buf_printf(&line, err, "%6llu  %.*sZ  %-18.*s %-10.*s ", (unsigned long long)index, BULLA_SHOW(time),
			     BULLA_SHOW(bulla_tree_text(event, "eventName")), BULLA_SHOW(bulla_tree_text(event, "outcome"))));
	TRY(bulla_buf_printf(&line, err, "%-36.*s  %.*s", BULLA_SHOW(short_key(bulla_event_key(event))),
			     BULLA_SHOW(bulla_event_principal(event))));
	bulla_json_members(bulla_event_context(event), add_pair, &line);
	int64_t count = bulla_tree_integer(event, "count", 0);
	if (count) TRY(bulla_buf_printf(&line, err, " %lld times", (long long)count));
	if (detail.len) TRY(bulla_buf_add_str(&line, "  ", err));
	TRY(bulla_text_printable(detail, &line, err));
	TRY(bulla_buf_add_str(&line, "\n", err));
	return bulla_cli_write(events->cli, bulla_view_buf(&line), err);
}

static bulla_code show_verbatim(const bulla_events *events, bulla_bytes entry, bulla_error *err)
{
	TRY(bulla_cli_write(events->cli, entry, err));
	return bulla_cli_write(events->cli, bulla_view_str("\n"), err);
}

static bulla_code take(bulla_events *events, uint64_t index, bulla_bytes entry, const bulla_json *event, bulla_error *err)
{
	if (!matches(events, event)) return BULLA_OK;
	events->matched++;
	if (events->counting || events->matched <= events->skip) return BULLA_OK;
	return events->verbatim || events->cli->json ? show_verbatim(events, entry, err) : show(events, index, event, err);
}

bulla_code bulla_events_take(void *self, uint64_t index, bulla_bytes entry, bulla_error *err)
{
	bulla_json *event = NULL;
	TRY(bulla_json_parse(entry, &event, err));
	bulla_code code = take(self, index, entry, event, err);
	bulla_json_free(event);
	return code;
}
