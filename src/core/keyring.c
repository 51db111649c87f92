/*
 * keyring.c - building a keyring: a session with each key that the environment and the models name.
 */
#include "core/session.h"

#include "core/batch.h"
#include "core/branch.h"

#include <stdlib.h>
#include <string.h>

static void close_sessions(bulla_keyring *keyring)
{
	for (size_t i = 0; i < keyring->session_count; i++) {
		bulla_session *s = &keyring->sessions[i];
		s->provider->close(s->handle);
		free(s->key_id);
	}
	free(keyring->sessions);
}

/* What stands where a key id belongs may be a key that was pasted there: only its beginning is shown, up to a colon (which no
 * encoded key has), or a few characters. */
#define SHOWN_MAX 8

static bulla_code fail_unknown(const char *key_id, bulla_error *err)
{
	size_t length = strlen(key_id), prefix = strcspn(key_id, ":") + 1;
	size_t shown = prefix < length && prefix <= 2 * SHOWN_MAX ? prefix : SHOWN_MAX;
	if (shown > length) shown = length;
	bulla_code code = bulla_fail(err, BULLA_ERR_CONFIG, "no provider understands the key id that begins with \"%.*s\"",
				     (int)shown, key_id);
	return bulla_advise(
		err, code,
		"use local, local/NAME, file:PATH, env:NAME or insecure-test-key; a key itself never stands in bulla.yaml");
}

static bulla_code open_session(bulla_keyring *keyring, const char *key_id, bulla_session_role role, bulla_error *err)
{
	bulla_bytes id = bulla_view_str(key_id);
	const bulla_provider *provider = keyring->config.world.find(id);
	if (!provider) return fail_unknown(key_id, err);
	bulla_session *grown = realloc(keyring->sessions, (keyring->session_count + 1) * sizeof *grown);
	if (!grown) return bulla_fail_memory(err);
	keyring->sessions = grown;
	bulla_session session = { .provider = provider, .role = role, .key_id = strdup(key_id) };
	if (!session.key_id) return bulla_fail_memory(err);
	bulla_code code = provider->open(&keyring->config.world, id, &session.handle, err);
	if (code) {
		free(session.key_id);
		return code;
	}
	keyring->sessions[keyring->session_count++] = session;
	return BULLA_OK;
}

static bulla_code open_named(bulla_keyring *keyring, bulla_error *err)
{
	size_t n;
	const bulla_model *models = bulla_schema_models(keyring->config.schema, &n);
	for (size_t m = 0; m < n; m++)
		for (size_t k = 0; k < models[m].key_count; k++) {
			const char *id = models[m].keys[k].kms_key;
			if (id && !bulla_keyring_session(keyring, id)) TRY(open_session(keyring, id, BULLA_SESSION_NAMED, err));
		}
	return BULLA_OK;
}

static bulla_code open_sessions(bulla_keyring *keyring, bulla_error *err)
{
	const bulla_environment *env = bulla_schema_environment(keyring->config.schema);
	for (size_t i = 0; i < env->key_count; i++)
		TRY(open_session(keyring, env->keys[i], BULLA_SESSION_CURRENT, err));
	TRY(open_named(keyring, err));
	for (size_t i = 0; i < env->previous_count; i++)
		TRY(open_session(keyring, env->previous[i], BULLA_SESSION_PREVIOUS, err));
	return BULLA_OK;
}

static void report_use(void *self, bulla_bytes identity, uint64_t version, int64_t count)
{
	bulla_keyring *keyring = self;
	BULLA_BUF_AUTO bulla_buf print = { 0 };
	bulla_branch_purpose purpose;
	if (!keyring->config.cached_use) return;
	if (bulla_branch_purpose_of(identity, &purpose, NULL) || bulla_branch_print(identity, &print, NULL)) return;
	keyring->config.cached_use(keyring->config.cached_use_self, bulla_view_buf(&print), version,
				   bulla_branch_purpose_name(purpose), count);
}

bulla_code bulla_keyring_new(const bulla_keyring_config *config, bulla_keyring **out, bulla_error *err)
{
	bulla_keyring *keyring = calloc(1, sizeof *keyring);
	if (!keyring) return bulla_fail_memory(err);
	keyring->config = *config;
	keyring->config.release = NULL; /* not ours until we have succeeded */

	bulla_code code = bulla_latch_new(&keyring->latch, err);
	if (!code) code = bulla_pool_new(&keyring->pool, err);
	if (!code)
		code = bulla_cache_new(&bulla_schema_environment(config->schema)->cache, keyring->pool, config->now_us,
				       config->now_self, report_use, keyring, &keyring->cache, err);
	if (!code) code = open_sessions(keyring, err);
	if (code) {
		bulla_keyring_free(keyring);
		return code;
	}
	keyring->config.release = config->release;
	*out = keyring;
	return BULLA_OK;
}

void bulla_keyring_free(bulla_keyring *keyring)
{
	if (!keyring) return;
	bulla_batch_free_spare(keyring);
	bulla_cache_free(keyring->cache);
	close_sessions(keyring);
	bulla_pool_free(keyring->pool);
	bulla_latch_free(keyring->latch);
	void (*release)(void *) = keyring->config.release;
	void *owner = keyring->config.owner;
	free(keyring);
	if (release) release(owner);
}

const bulla_session *bulla_keyring_session(const bulla_keyring *keyring, const char *key_id)
{
	for (size_t i = 0; i < keyring->session_count; i++)
		if (keyring->sessions[i].role != BULLA_SESSION_PREVIOUS && strcmp(keyring->sessions[i].key_id, key_id) == 0)
			return &keyring->sessions[i];
	return NULL;
}

const bulla_session *bulla_keyring_unwrapper(const bulla_keyring *keyring, uint8_t kind, uint64_t reference, bulla_bytes blob,
					     size_t *from)
{
	while (*from < keyring->session_count) {
		const bulla_session *s = &keyring->sessions[(*from)++];
		if (s->provider->kind == kind && s->provider->recognises(s->handle, reference, blob)) return s;
	}
	return NULL;
}

bool bulla_keyring_is_destroyed(const bulla_keyring *keyring, uint8_t kind, bulla_bytes blob)
{
	for (size_t i = 0; i < keyring->session_count; i++) {
		const bulla_session *s = &keyring->sessions[i];
		if (s->provider->kind == kind && s->provider->is_destroyed && s->provider->is_destroyed(s->handle, blob))
			return true;
	}
	return false;
}

bool bulla_session_can_unwrap(const bulla_session *session)
{
	return session->provider->can_unwrap(session->handle);
}

const bulla_schema *bulla_keyring_schema(const bulla_keyring *keyring)
{
	return keyring->config.schema;
}

const bulla_branch_store *bulla_keyring_branches(const bulla_keyring *keyring)
{
	return keyring->config.branches;
}

void *bulla_keyring_owner(const bulla_keyring *keyring)
{
	return keyring->config.owner;
}

void bulla_keyring_tick(bulla_keyring *keyring)
{
	bulla_cache_tick(keyring->cache);
	bulla_batch_forget_spare(keyring);
}

void bulla_keyring_forget(bulla_keyring *keyring)
{
	bulla_cache_forget(keyring->cache);
	bulla_batch_forget_spare(keyring);
}

void bulla_keyring_stats(bulla_keyring *keyring, size_t *ret_cached, uint64_t *ret_kms_questions)
{
	*ret_cached = bulla_cache_count(keyring->cache);
	*ret_kms_questions = atomic_load(&keyring->questions);
}
