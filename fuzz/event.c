/*
 * event.c - fuzz target: an audit event with members from outside, and its canonical line.
 */
#include "fuzz.h"

#include "audit/event.h"
#include "base/context.h"

static bool count_member(void *self, bulla_bytes name, const bulla_json *value)
{
	(void)name, (void)value;
	*(size_t *)self += 1;
	return true;
}

/* One line of JSON, which says what it was told. */
static void read_again(const bulla_event *event, const bulla_buf *line)
{
	bulla_error err = { 0 };
	bulla_json *json = NULL;
	int64_t generation = -1;
	bulla_bytes operation;
	size_t members = 0;
	HOLDS(line->len < BULLA_EVENT_MAX && !memchr(line->data, '\n', line->len));
	fuzz_must(bulla_json_parse(bulla_view_buf(line), &json, &err), &err);
	bulla_json_members(json, count_member, &members);
	HOLDS(members >= 3 && members <= 11);
	HOLDS(bulla_json_integer(bulla_json_member(json, "generation"), &generation) && generation == (int64_t)event->generation);
	HOLDS(bulla_json_string(bulla_json_member(json, "eventName"), &operation) && operation.len);
	bulla_json_free(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bulla_error err = { 0 };
	BULLA_BUF_AUTO bulla_buf line = { 0 }, again = { 0 };
	bulla_cursor in = bulla_cursor_of(bulla_view(data, size));
	bulla_event event = { .time_us = (int64_t)bulla_cursor_u64(&in), .generation = bulla_cursor_u64(&in) };
	event.count = bulla_cursor_u8(&in);
	char *operation = fuzz_text(fuzz_piece(&in)), *outcome = fuzz_text(fuzz_piece(&in));
	event.operation = operation;
	event.outcome = outcome;
	event.principal = fuzz_piece(&in);
	event.key = fuzz_piece(&in);
	event.material = fuzz_piece(&in);
	event.context = fuzz_piece(&in);
	event.request_id = fuzz_piece(&in);
	event.detail = in.rest;
	if (fuzz_ok(bulla_event_encode(&event, &line, &err), &err)) {
		read_again(&event, &line);
		fuzz_must(bulla_event_encode(&event, &again, &err), &err);
		HOLDS(fuzz_same(&again, bulla_view_buf(&line)));
	} else {
		HOLDS(line.len == 0);
	}
	free(operation);
	free(outcome);
	return 0;
}
