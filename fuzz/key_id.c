/*
 * key_id.c - fuzz target: text as the id of a key: of the engine, of any provider, and a key in an environment variable.
 */
#include "fuzz.h"

#include "kms/key_id.h"
#include "provider/known_key.h"
#include "provider/providers.h"

static void read_engine_id(bulla_bytes text)
{
	bulla_error err = { 0 };
	bulla_key_id id, again;
	char arn[BULLA_ARN_MAX];
	if (!fuzz_ok(bulla_key_id_parse(text, &id, &err), &err)) return;
	HOLDS(!id.is_alias || (id.alias.len && id.alias.len <= BULLA_ALIAS_NAME_MAX));
	if (id.is_alias || !id.is_arn || bulla_realm_check(&id.realm, &err)) return;
	size_t n = bulla_key_arn_print(&id.realm, id.uuid, arn);
	HOLDS(n < sizeof arn && bulla_bytes_equal(bulla_view(arn, n), text));
	fuzz_must(bulla_key_id_parse(bulla_view(arn, n), &again, &err), &err);
	HOLDS(memcmp(again.uuid, id.uuid, sizeof id.uuid) == 0 && bulla_realm_equal(&again.realm, &id.realm));
}

static void read_alias(const char *text)
{
	bulla_error err = { 0 };
	bulla_bytes name;
	bulla_key_id id;
	char full[BULLA_ALIAS_NAME_MAX + 16];
	if (!fuzz_ok(bulla_alias_parse(text, &name, &err), &err)) return;
	(void)snprintf(full, sizeof full, "alias/%.*s", (int)name.len, (const char *)name.data);
	fuzz_must(bulla_key_id_parse(bulla_view_str(full), &id, &err), &err);
	HOLDS(id.is_alias && bulla_bytes_equal(id.alias, name));
}

static const char *environment(void *self, const char *name)
{
	(void)name;
	return self;
}

static void read_key(char *text)
{
	bulla_error err = { 0 };
	void *session = NULL;
	bulla_provider_world world = { .getenv = environment, .self = text };
	if (!fuzz_ok(bulla_provider_env.open(&world, bulla_view_str("env:KEY"), &session, &err), &err)) {
		HOLDS(!session);
		return;
	}
	HOLDS(strlen(text) >= 32 && bulla_known_key_can_unwrap(session));
	bulla_known_key_close(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(bulla_view(data, size));
	const bulla_provider *provider = bulla_provider_find(bulla_view(data, size));
	HOLDS(!provider || provider->owns(bulla_view(data, size)));
	read_engine_id(bulla_view(data, size));
	read_alias(text);
	if (*text) read_key(text);
	free(text);
	return 0;
}
