/*
 * help.h - what the tests of the engine share: a log that counts, a clock that is turned by hand, an engine over a store.
 */
#ifndef TESTS_KMS_HELP_H
#define TESTS_KMS_HELP_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "kms/engine.h"
#include "store/store.h"

#define DAY_US (INT64_C(86400) * 1000000)

/* An audit log that keeps all entries, one a line, and fails when told to. */
typedef struct fake_log {
	bulla_buf text;
	size_t entries, appends;
	uint64_t generation; /* of the last append */
	bulla_code fails_with;
} fake_log;

bulla_audit_sink fake_log_sink(fake_log *log);
/* True when the last entry has this text in it. */
bool fake_log_last_has(const fake_log *log, const char *text);
size_t fake_log_count(const fake_log *log, const char *text);

/* A store, a log, a clock and an engine with one key, alias/test. */
typedef struct fixture {
	bulla_store *store;
	fake_log log;
	int64_t now_us;
	bulla_secret root_key;
	bulla_engine_config config;
	bulla_engine *engine;
	bulla_key_info key;
} fixture;

void fixture_open(fixture *f, const char *url); /* creates the store when it is empty */
void fixture_close(fixture *f);
void fixture_reopen_engine(fixture *f);
/* The whole of it, in memory, as cmocka's setup and teardown. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

extern const uint8_t context_bytes[]; /* canonical: model_id = 42, model_name = User */
bulla_bytes context(void);
bulla_bytes empty_context(void);

/* One request; the reply is the caller's. */
bulla_code call_one(bulla_engine *engine, bulla_engine_operation operation, const char *key_id, bulla_bytes input,
		    bulla_engine_reply *reply);
bulla_code call_with(bulla_engine *engine, const bulla_engine_request *request, bulla_engine_reply *reply);

/* A new directory in $TMPDIR or /tmp, and its end with everything in it. */
char *directory_new(void);
void directory_remove(char *directory);                                           /* frees it */
char *path_in(const char *directory, const char *format, ...) BULLA_PRINTF(2, 3); /* free() it */

#endif
