/*
 * threads.c - 3,000 threads that open records of one cold branch key at once: how often is the KMS asked?
 */
#include "bench.h"
#include "world.h"

#include "provider/providers.h"

#include <bulla/record.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define THREADS    3000
#define STACK      (256 << 10)
#define LATENCY_MS 100 /* of the KMS: long enough for every thread to be there */

static const char yaml[] = "version: 1\n"
			   "environments: { development: { key: \"env:BENCH_KEY\" } }\n"
			   "models:\n"
			   "  users:\n"
			   "    context: { model_name: User, model_id: \"{id}\" }\n"
			   "    branch_key: { name: users }\n"
			   "    fields: { email: {} }\n";

/* A KMS that is far away. */
static atomic_size_t calls;

static bulla_code travel(void *self, bulla_error *err)
{
	(void)self, (void)err;
	atomic_fetch_add(&calls, 1);
	nanosleep(&(struct timespec){ .tv_nsec = LATENCY_MS * 1000000L }, NULL);
	return BULLA_OK;
}

static bulla_code ask(void *session, const bulla_question *question, void **ret_exchange, bulla_need *need, bulla_error *err)
{
	TRY(bulla_provider_env.ask(session, question, ret_exchange, need, err));
	need->kind = BULLA_NEED_CALL;
	need->call = travel;
	return BULLA_OK;
}

static const bulla_provider *find(bulla_bytes key_id)
{
	static bulla_provider far;
	far = bulla_provider_env;
	far.ask = ask;
	return far.owns(key_id) ? &far : NULL;
}

/* One record, opened by everybody. */
typedef struct crowd {
	bench_world world;
	bulla_buf key;
	pthread_barrier_t start;
	atomic_size_t opened;
} crowd;

static const bulla_pair id = { { (const uint8_t *)"id", 2 }, { (const uint8_t *)"1", 1 } };

static void *reader(void *self)
{
	crowd *c = self;
	bulla_bytes key = bulla_view_buf(&c->key);
	bulla_record *record = NULL;
	bulla_error err = { 0 };
	pthread_barrier_wait(&c->start);
	if (bulla_record_open(c->world.keyring, c->world.model, &id, 1, &key, &record, &err) == BULLA_OK)
		atomic_fetch_add(&c->opened, 1);
	bulla_record_free(record);
	return NULL;
}

static bulla_code seal_one(crowd *c, bulla_error *err)
{
	bulla_record *record = NULL;
	TRY(bulla_record_new(c->world.keyring, c->world.model, &id, 1, &record, err));
	bulla_code code = bulla_buf_add(&c->key, bulla_record_key(record, 0), err);
	bulla_record_free(record);
	bulla_keyring_forget(c->world.keyring);
	return code;
}

/* All that could be started wait for each other, and then open. */
static bulla_code open_all(crowd *c, bulla_error *err)
{
	pthread_t *threads = calloc(THREADS, sizeof *threads);
	pthread_attr_t small;
	size_t started = 0;
	if (!threads) return bulla_fail_memory(err);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, STACK);
	pthread_barrier_init(&c->start, NULL, THREADS);
	while (started < THREADS && pthread_create(&threads[started], &small, reader, c) == 0)
		started++;
	for (size_t i = 0; i < started && started == THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&c->start);
	pthread_attr_destroy(&small);
	free(threads);
	if (started < THREADS) return bulla_fail(err, BULLA_ERR_LIMIT, "only %zu threads could be started", started);
	return c->opened == THREADS ? BULLA_OK
				    : bulla_fail(err, BULLA_ERR_INTERNAL, "%zu records were opened", (size_t)c->opened);
}

bulla_code bench_threads(bench *b, bulla_error *err)
{
	static crowd c;
	TRY(bench_world_open_with(&c.world, yaml, "memory:", find, err));
	bulla_code code = seal_one(&c, err);
	calls = 0;
	if (!code) code = open_all(&c, err);
	bulla_buf_done(&c.key);
	bench_world_close(&c.world);
	if (code) return code;
	bench_report(b, &(figure){ .name = "3,000 threads, one cold branch key",
				   .value = (double)calls,
				   .unit = "KMS calls",
				   .target = 1,
				   .at_most = true });
	return BULLA_OK;
}
