/*
 * bench_engine.c - GenerateDataKey in full groups, every call on record in a real audit log.
 */
#include "bench_engine.h"

#include <stdlib.h>
#include <time.h>

#include "base/context.h"
#include "io/file.h"
#include "io/log.h"
#include "kms/engine.h"
#include "store/store.h"

#define GROUP BULLA_ENGINE_GROUP_MAX

typedef struct stand {
	bulla_backend *backend;
	bulla_store *store;
	bulla_log *log;
	bulla_engine *engine;
	bulla_buf context;
	bulla_engine_request *requests;
	bulla_engine_reply *replies;
} stand;

static double seconds_now(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bulla_code open_engine(stand *b, const char *directory, bulla_error *err)
{
	BULLA_SECRET root = { { 1 } }, seed = { { 0 } };
	TRY(bulla_backend_new(NULL, &b->backend, err)); /* the fastest, as a project has it */
	TRY(bulla_store_open("memory:", true, &b->store, err));
	bulla_engine_config config = { .store = bulla_store_kms(b->store),
				       .clock = { bulla_now_us, NULL },
				       .backend = b->backend,
				       .root_key = root.bytes,
				       .principal = "local:1000/bench@localhost" };
	TRY(bulla_engine_init(&config, bulla_view_str("bench"), err));
	TRY(bulla_engine_log_seed(&config.store, root.bytes, &seed, err));
	TRY(bulla_log_open(directory, "bulla/bench", &seed, true, &b->log, err));
	config.audit = bulla_log_sink(b->log);
	TRY(bulla_engine_open(&config, &b->engine, err));
	return bulla_engine_create_key(b->engine, "bench", "alias/bench", NULL, err);
}

/* A context of 40 bytes, as records have it. */
static bulla_code make_requests(stand *b, bulla_error *err)
{
	const bulla_pair pairs[] = { { bulla_view_str("model_name"), bulla_view_str("User") },
				     { bulla_view_str("model_id"), bulla_view_str("12345678") } };
	TRY(bulla_context_encode(pairs, 2, &b->context, err));
	b->requests = calloc(GROUP, sizeof *b->requests);
	b->replies = calloc(GROUP, sizeof *b->replies);
	if (!b->requests || !b->replies) return bulla_fail_memory(err);
	for (size_t i = 0; i < GROUP; i++)
		b->requests[i] = (bulla_engine_request){ .operation = BULLA_ENGINE_GENERATE_DATA_KEY,
							 .key_id = bulla_view_str("alias/bench"),
							 .context = bulla_view_buf(&b->context) };
	return BULLA_OK;
}

static bulla_code measure(stand *b, double budget, double *ret, bulla_error *err)
{
	TRY(bulla_engine_call(b->engine, b->requests, GROUP, b->replies, err)); /* buffers and caches grow once */
	size_t calls = 0;
	double start = seconds_now(), taken;
	do {
		TRY(bulla_engine_call(b->engine, b->requests, GROUP, b->replies, err));
		calls += GROUP;
		taken = seconds_now() - start;
	} while (taken < budget);
	for (size_t i = 0; i < GROUP; i++)
		if (b->replies[i].code) return bulla_fail(err, b->replies[i].code, "%s", b->replies[i].text);
	*ret = (double)calls / taken;
	return BULLA_OK;
}

static void stand_done(stand *b)
{
	for (size_t i = 0; b->replies && i < GROUP; i++)
		bulla_engine_reply_done(&b->replies[i]);
	free(b->replies);
	free(b->requests);
	bulla_buf_done(&b->context);
	bulla_engine_free(b->engine);
	bulla_log_close(b->log);
	bulla_store_close(b->store);
	bulla_backend_free(b->backend);
}

double bench_engine_generate(const char *directory, unsigned seconds, bulla_error *err)
{
	stand b = { 0 };
	double rate = 0;
	bulla_code code = open_engine(&b, directory, err);
	if (code == BULLA_OK) code = make_requests(&b, err);
	if (code == BULLA_OK) code = measure(&b, (double)seconds, &rate, err);
	stand_done(&b);
	return code == BULLA_OK ? rate : 0;
}
