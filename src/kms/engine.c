/*
 * engine.c - making, opening and closing an engine; its image of the store.
 */
#include "kms/inside.h"
#include "kms/draft.h"

#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_ACCOUNT "000000000000"
#define DEFAULT_REGION  "local"
#define ASKED_MAX       256 /* bytes of an unknown key id that are recorded */

/* --- small things ---------------------------------------------------------------------------------------------- */
bulla_code bulla_engine_check(const bulla_engine *engine, bulla_error *err)
{
	if (!bulla_pool_is_wiped(engine->pool)) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_USAGE, "this engine was opened before a fork: its keys did not survive it");
	return bulla_advise(err, code, "open store, log and engine in the child");
}

int64_t bulla_engine_now(const bulla_engine *engine)
{
	return engine->clock.now_us(engine->clock.self);
}

bulla_event bulla_engine_event(const bulla_engine *engine, const char *operation, const char *request_id, uint64_t generation,
			       int64_t now_us)
{
	return (bulla_event){ .time_us = now_us,
			      .operation = operation,
			      .principal = bulla_view_str(engine->principal),
			      .request_id = bulla_view_str(request_id),
			      .outcome = "ok",
			      .generation = generation };
}

/* --- who asks -------------------------------------------------------------------------------------------------- */
/* What AWS calls read-only in its records: nothing in the store is other than before. */
static bool is_read_only(const char *operation)
{
	static const char *const prefixes[] = { "Decrypt", "DeriveSharedSecret", "Describe",  "Encrypt", "Generate", "Get",
						"List",    "LookupEvents",       "ReEncrypt", "Sign",    "Verify" };
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		if (strncmp(operation, prefixes[i], strlen(prefixes[i])) == 0) return true;
	return false;
}

void bulla_event_call(bulla_event *event, const bulla_caller *caller, const bulla_snapshot *now, const bulla_realm *home,
		      bulla_event_origin *origin)
{
	if (!caller) return;
	const bulla_principal *principal = bulla_rights_principal(&now->rights, caller->principal);
	*origin = (bulla_event_origin){ .account = home->account,
					.access_key_id = caller->access_key_id,
					.source_ip = caller->source_ip,
					.user_agent = caller->user_agent,
					.region = caller->region.len ? caller->region : home->region,
					.parameters = caller->parameters,
					.read_only = is_read_only(event->operation) };
	if (principal) {
		origin->user_arn = bulla_view(principal->arn, principal->arn_len);
		origin->user_name = principal->name;
	}
	event->origin = origin;
	if (caller->request_id.len) event->request_id = caller->request_id;
}

void bulla_event_fail(bulla_event *event, const bulla_caller *caller, bulla_event_origin *origin, bulla_code code,
		      const bulla_error *err)
{
	event->outcome = bulla_code_name(code);
	if (!caller) return;
	if (caller->error_name) origin->error_code = bulla_view_str(caller->error_name(caller, code));
	if (err) origin->error_text = bulla_view_str(err->text);
}

bulla_code bulla_engine_publish(bulla_engine *engine, bulla_kms_journal *journal, uint64_t generation, bulla_error *err)
{
	bulla_log_head head;
	TRY(bulla_kms_journal_append(journal, &engine->audit, generation, &head, err));
	return engine->store.set_head(engine->store.self, &head, err);
}

bulla_code bulla_key_must_not_be_pending(const bulla_key *key, bulla_error *err)
{
	if (key->data.state != BULLA_KEY_PENDING_DELETION) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_KEY_PENDING, "the key %s is waiting for its deletion", key->arn);
	return bulla_advise(err, code, "cancel the deletion, then enable the key");
}

bulla_code bulla_key_must_be_enabled(const bulla_key *key, bulla_error *err)
{
	TRY(bulla_key_must_not_be_pending(key, err));
	if (key->data.state == BULLA_KEY_ENABLED) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_KEY_DISABLED, "the key %s is disabled", key->arn);
	return bulla_advise(err, code, "enable it, if it may be used again");
}

bulla_code bulla_key_must_seal(const bulla_key *key, bulla_error *err)
{
	TRY(bulla_key_must_be_enabled(key, err));
	if (!key->data.closed_us) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_KEY_CLOSING, "the key %s is closed and seals nothing new", key->arn);
	return bulla_advise(err, code,
			    "name another key under keys in bulla.yaml and this one under previous, or enable it again");
}

bulla_bytes bulla_key_id_asked(bulla_bytes key_id)
{
	return key_id.len > ASKED_MAX ? bulla_view(key_id.data, ASKED_MAX) : key_id;
}

/* --- desks ----------------------------------------------------------------------------------------------------- */
static void desk_free(bulla_desk *desk)
{
	bulla_lane_free(desk->lane);
	bulla_kms_journal_done(&desk->journal);
	bulla_buf_done(&desk->scratch);
	bulla_buf_done(&desk->plain);
	free(desk);
}

static bulla_code desk_new(const bulla_engine *engine, bulla_desk **out, bulla_error *err)
{
	bulla_desk *desk = calloc(1, sizeof *desk);
	if (!desk) return bulla_fail_memory(err);
	bulla_code code = bulla_lane_new_with(engine->backend, &desk->lane, err);
	if (code == BULLA_OK) code = bulla_kms_journal_reserve(&desk->journal, BULLA_ENGINE_GROUP_MAX, err);
	if (code) {
		desk_free(desk);
		return code;
	}
	*out = desk;
	return BULLA_OK;
}

bulla_code bulla_desk_take(bulla_engine *engine, bulla_desk **ret, bulla_error *err)
{
	pthread_mutex_lock(&engine->lock);
	bulla_desk *desk = engine->desks;
	if (desk) engine->desks = desk->next;
	pthread_mutex_unlock(&engine->lock);
	if (!desk) return desk_new(engine, ret, err);
	*ret = desk;
	return BULLA_OK;
}

void bulla_desk_give(bulla_engine *engine, bulla_desk *desk)
{
	bulla_kms_journal_clear(&desk->journal);
	bulla_buf_clear(&desk->plain);
	bulla_lane_forget(desk->lane);
	pthread_mutex_lock(&engine->lock);
	desk->next = engine->desks;
	engine->desks = desk;
	pthread_mutex_unlock(&engine->lock);
}

/* --- the image ------------------------------------------------------------------------------------------------- */
static bulla_snapshot *current(bulla_engine *engine)
{
	pthread_mutex_lock(&engine->lock);
	bulla_snapshot *snapshot = bulla_snapshot_ref(engine->snapshot);
	pthread_mutex_unlock(&engine->lock);
	return snapshot;
}

static bulla_code reload(bulla_engine *engine, bulla_error *err)
{
	bulla_snapshot *fresh = NULL;
	bulla_code code =
		bulla_snapshot_load(&engine->store, engine->lane, &engine->root, engine->pool, &engine->home, &fresh, err);
	bulla_lane_forget(engine->lane);
	TRY(code);
	pthread_mutex_lock(&engine->lock);
	bulla_snapshot *old = engine->snapshot;
	engine->snapshot = fresh;
	pthread_mutex_unlock(&engine->lock);
	bulla_snapshot_unref(old);
	return BULLA_OK;
}

/* A store that cannot tell its version, or whose rows are not right, lends no image: an old one might hold a key that was disabled. */
bulla_code bulla_engine_acquire_locked(bulla_engine *engine, bulla_snapshot **ret, bulla_error *err)
{
	uint64_t version = 0;
	TRY(engine->store.version(engine->store.self, &version, err));
	if (engine->snapshot->version != version) TRY(reload(engine, err));
	*ret = current(engine);
	return BULLA_OK;
}

bulla_code bulla_engine_acquire(bulla_engine *engine, bulla_snapshot **ret, bulla_error *err)
{
	uint64_t version = 0;
	TRY(engine->store.version(engine->store.self, &version, err));
	bulla_snapshot *snapshot = current(engine);
	if (snapshot->version == version) {
		*ret = snapshot;
		return BULLA_OK;
	}
	bulla_snapshot_unref(snapshot);
	pthread_mutex_lock(&engine->change);
	bulla_code code = bulla_engine_acquire_locked(engine, ret, err);
	pthread_mutex_unlock(&engine->change);
	return code;
}

/* --- opening and closing --------------------------------------------------------------------------------------- */
static bulla_code take_config(bulla_engine *engine, const bulla_engine_config *config, bulla_error *err)
{
	const char *account = config->account ? config->account : DEFAULT_ACCOUNT;
	const char *region = config->region ? config->region : DEFAULT_REGION;
	bulla_realm home = { bulla_view_str(region), bulla_view_str(account) };
	TRY(bulla_realm_check(&home, err));
	if (!config->clock.now_us || !config->root_key || !config->principal)
		return bulla_fail(err, BULLA_ERR_USAGE, "an engine needs a clock, a root key and a principal");
	if (strlen(config->principal) >= BULLA_PRINCIPAL_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "a principal has at most %d bytes", BULLA_PRINCIPAL_MAX - 1);
	engine->store = config->store;
	engine->audit = config->audit;
	engine->clock = config->clock;
	engine->backend = config->backend;
	(void)snprintf(engine->principal, sizeof engine->principal, "%s", config->principal);
	(void)snprintf(engine->account, sizeof engine->account, "%s", account);
	(void)snprintf(engine->region, sizeof engine->region, "%s", region);
	engine->home = (bulla_realm){ bulla_view_str(engine->region), bulla_view_str(engine->account) };
	return BULLA_OK;
}

static bulla_code begin(bulla_engine *engine, const bulla_engine_config *config, bulla_error *err)
{
	TRY(take_config(engine, config, err));
	TRY(bulla_pool_new(&engine->pool, err));
	TRY(bulla_lane_new_with(engine->backend, &engine->lane, err));
	return bulla_root_derive(engine->pool, config->root_key, &engine->root, err);
}

void bulla_engine_free(bulla_engine *engine)
{
	if (!engine) return;
	while (engine->desks) {
		bulla_desk *desk = engine->desks;
		engine->desks = desk->next;
		desk_free(desk);
	}
	bulla_snapshot_unref(engine->snapshot);
	if (engine->pool) bulla_root_done(&engine->root);
	bulla_pool_free(engine->pool);
	bulla_lane_free(engine->lane);
	free(engine->budgets);
	pthread_mutex_destroy(&engine->change);
	pthread_mutex_destroy(&engine->lock);
	free(engine);
}

static bulla_engine *engine_new(void)
{
	bulla_engine *engine = calloc(1, sizeof *engine);
	if (!engine) return NULL;
	pthread_mutex_init(&engine->change, NULL);
	pthread_mutex_init(&engine->lock, NULL);
	return engine;
}

bulla_code bulla_engine_open(const bulla_engine_config *config, bulla_engine **out, bulla_error *err)
{
	bulla_engine *engine = engine_new();
	if (!engine) return bulla_fail_memory(err);
	bulla_code code = begin(engine, config, err);
	if (code == BULLA_OK) code = reload(engine, err);
	if (code) {
		bulla_engine_free(engine);
		return code;
	}
	*out = engine;
	return BULLA_OK;
}

void bulla_engine_home(const bulla_engine *engine, bulla_realm *ret)
{
	*ret = engine->home;
}

bulla_code bulla_engine_head(bulla_engine *engine, bulla_log_head *ret_head, uint64_t *ret_generation, bulla_error *err)
{
	bulla_snapshot *snapshot = NULL;
	bulla_log_head head;
	TRY(bulla_engine_check(engine, err));
	TRY(engine->store.head(engine->store.self, &head, err));
	TRY(bulla_engine_acquire(engine, &snapshot, err));
	*ret_generation = snapshot->generation;
	*ret_head = head;
	bulla_snapshot_unref(snapshot);
	return BULLA_OK;
}
