/*
 * engine.h - a key store with keys, aliases and several versions of material, for the targets that change one.
 */
#ifndef FUZZ_ENGINE_H
#define FUZZ_ENGINE_H

#include "fuzz.h"

#include "kms/engine.h"
#include "store/store.h"

static const uint8_t engine_root_key[BULLA_KEY_SIZE] = { 0x5a };

static inline int64_t engine_now_us(void *self)
{
	(void)self;
	return INT64_C(1780000000) * 1000000;
}

/* A log that keeps nothing. */
static inline bulla_code engine_append(void *self, const bulla_bytes *entries, size_t n, uint64_t generation,
				       bulla_log_head *ret_head, bulla_error *err)
{
	(void)self, (void)entries, (void)generation, (void)err;
	*ret_head = (bulla_log_head){ .size = n };
	return BULLA_OK;
}

static inline bulla_engine_config engine_config(bulla_kms_store store)
{
	return (bulla_engine_config){ .store = store,
				      .audit = { engine_append, NULL },
				      .clock = { engine_now_us, NULL },
				      .root_key = engine_root_key,
				      .principal = "local:1000/alice@host" };
}

static inline void engine_fill(bulla_kms_store store)
{
	bulla_error err = { 0 };
	bulla_engine *engine = NULL;
	bulla_key_info key;
	bulla_engine_config config = engine_config(store);
	fuzz_must(bulla_engine_init(&config, bulla_view_str("file"), &err), &err);
	fuzz_must(bulla_engine_open(&config, &engine, &err), &err);
	fuzz_must(bulla_engine_create_key(engine, "one", "alias/one", &key, &err), &err);
	fuzz_must(bulla_engine_create_key(engine, "two", NULL, &key, &err), &err);
	fuzz_must(bulla_engine_rotate(engine, bulla_view_str("alias/one"), NULL, &err), &err);
	bulla_engine_free(engine);
}

/* Everything that can be asked of a store that opens. */
static inline void engine_use(bulla_kms_store store)
{
	bulla_error err = { 0 };
	bulla_engine *engine = NULL;
	bulla_key_info *keys = NULL;
	size_t n = 0;
	bulla_engine_reply reply = { 0 };
	BULLA_BUF_AUTO bulla_buf note = { 0 };
	bulla_engine_config config = engine_config(store);
	bulla_engine_request request = { .operation = BULLA_ENGINE_GENERATE_DATA_KEY,
					 .key_id = bulla_view_str("alias/one"),
					 .context = bulla_view("\0", 2) };
	(void)fuzz_ok(bulla_engine_root_note(&store, &note, &err), &err);
	if (!fuzz_ok(bulla_engine_open(&config, &engine, &err), &err)) return;
	if (fuzz_ok(bulla_engine_list(engine, &keys, &n, &err), &err)) free(keys);
	(void)fuzz_ok(bulla_engine_call(engine, &request, 1, &reply, &err), &err);
	bulla_engine_reply_done(&reply);
	bulla_engine_free(engine);
}

#endif
