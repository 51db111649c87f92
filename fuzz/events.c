/*
 * events.c - fuzz target: bytes as an entry of the audit log that `audit lookup` shows.
 */
#include "fuzz.h"

#include "cli/events.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bulla_cli cli;
	bulla_error err = { 0 };
	bulla_events all = { .cli = &cli };
	bulla_events some = { .cli = &cli, .operation = "Decrypt", .key = "alias", .outcome = "ok", .counting = true };
	static FILE *nowhere;
	if (!nowhere) HOLDS(nowhere = freopen("/dev/null", "w", stdout)); /* where events are shown */
	some.context[some.context_count++] = (bulla_pair){ bulla_view_str("model_id"), bulla_view_str("42") };
	(void)snprintf(some.since, sizeof some.since, "2026-01-01T00:00:00.000000Z");
	(void)fuzz_ok(bulla_events_take(&all, 7, bulla_view(data, size), &err), &err);
	(void)fuzz_ok(bulla_events_take(&some, 7, bulla_view(data, size), &err), &err);
	HOLDS(all.matched <= 1 && some.matched <= all.matched);
	return 0;
}
