/*
 * bench_engine.c - GenerateDataKey in groups of 1000, through the engine, its store and its real log.
 */
#include "bench_engine.h"

#include "bench.h"
#include "base/context.h"
#include "io/file.h"
#include "io/log.h"
#include "kms/engine.h"
#include "store/store.h"

#include <stdlib.h>

#define GROUP BULLA_ENGINE_GROUP_MAX

struct bench_engine_world {
	bulla_store *store;
	bulla_log *log;
	bulla_engine *engine;
	bulla_buf context;
};

static bulla_code world_open(struct bench_engine_world *w, const char *directory, bulla_error *err)
{
	char path[4096];
	bulla_secret root = { { 7 } }, seed;
	bulla_pair pairs[] = { { bulla_view_str("model_id"), bulla_view_str("12345678") }, { bulla_view_str("model_name"), bulla_view_str("User") } };
	snprintf(path, sizeof path, "%s/log", directory);
	TRY(bulla_context_encode(pairs, 2, &w->context, err));
	TRY(bulla_store_open("memory:", true, &w->store, err));
	bulla_engine_config config = { .store = bulla_store_kms(w->store), .clock = { bulla_now_us, NULL }, .root_key = root.bytes, .principal = "bench" };
	TRY(bulla_engine_init(&config, bulla_view_str("bench"), err));
	TRY(bulla_engine_log_seed(&config.store, root.bytes, &seed, err));
	TRY(bulla_log_open(path, "bulla/bench", &seed, true, &w->log, err));
	config.audit = bulla_log_sink(w->log);
	TRY(bulla_engine_open(&config, &w->engine, err));
	return bulla_engine_create_key(w->engine, "bench", "alias/default", NULL, err);
}

static void world_close(struct bench_engine_world *w)
{
	bulla_engine_free(w->engine);
	bulla_log_close(w->log);
	bulla_store_close(w->store);
	bulla_buf_done(&w->context);
}

static bulla_code generate(struct bench_engine_world *w, unsigned seconds, double *ret_rate, bulla_error *err)
{
	bulla_engine_request *requests = calloc(GROUP, sizeof *requests);
	bulla_engine_reply *replies = calloc(GROUP, sizeof *replies);
	bulla_code code = requests && replies ? BULLA_OK : bulla_fail_memory(err);
	double start = bench_seconds(), calls = 0;
	for (size_t i = 0; i < GROUP && !code; i++)
		requests[i] = (bulla_engine_request){ .operation = BULLA_ENGINE_GENERATE_DATA_KEY,
						      .key_id = bulla_view_str("alias/default"),
						      .context = bulla_view_buf(&w->context) };
	while (!code && bench_seconds() - start < seconds) {
		code = bulla_engine_call(w->engine, requests, GROUP, replies, err);
		if (!code) code = replies[GROUP - 1].code;
		calls += GROUP;
	}
	*ret_rate = calls / (bench_seconds() - start);
	for (size_t i = 0; replies && i < GROUP; i++)
		bulla_engine_reply_done(&replies[i]);
	free(requests);
	free(replies);
	return code;
}

double bench_engine_generate(const char *directory, unsigned seconds, bulla_error *err)
{
	struct bench_engine_world w = { 0 };
	double rate = 0;
	bulla_code code = world_open(&w, directory, err);
	if (!code) code = generate(&w, seconds, &rate, err);
	world_close(&w);
	return code ? 0 : rate;
}
