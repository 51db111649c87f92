/*
 * box.c - fuzz target: bytes as a box that a keyring is asked to open, and as what a box holds.
 */
#include "fuzz.h"

#include "core/keyring.h"
#include "provider/providers.h"

#include <bulla/box.h>

static const char yaml[] = "version: 1\nenvironments: { development: { keys: [\"env:KEY\"], previous: [\"env:OTHER\"] } }\n";

static const char *key_of(void *self, const char *name)
{
	(void)self;
	return strcmp(name, "KEY") == 0 ? "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
					: "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";
}

static int64_t now_us(void *self)
{
	(void)self;
	return INT64_C(1780000000) * 1000000;
}

static bulla_keyring *keyring_of(void)
{
	static bulla_keyring *keyring;
	static bulla_schema *schema;
	bulla_error err = { 0 };
	if (keyring) return keyring;
	fuzz_must(bulla_schema_parse(bulla_view_str(yaml), "test.yaml", NULL, NULL, NULL, NULL, &schema, &err), &err);
	bulla_keyring_config config = { .schema = schema,
					.world = { .find = bulla_provider_find, .getenv = key_of },
					.now_us = now_us };
	fuzz_must(bulla_keyring_new(&config, &keyring, &err), &err);
	return keyring;
}

static void seal(bulla_bytes plain, bool text)
{
	bulla_error err = { 0 };
	BULLA_BUF_AUTO bulla_buf box = { 0 }, opened = { 0 };
	bulla_pair pair = { bulla_view_str("purpose"), bulla_view_str("test") };
	if (!fuzz_ok(bulla_box_seal(keyring_of(), NULL, &pair, 1, plain, text, &box, &err), &err)) return;
	HOLDS(plain.len <= BULLA_BOX_MAX);
	fuzz_must(bulla_box_open(keyring_of(), &pair, 1, bulla_view_buf(&box), &opened, &err), &err);
	HOLDS(fuzz_same(&opened, plain));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bulla_error err = { 0 };
	BULLA_BUF_AUTO bulla_buf opened = { 0 };
	bulla_pair pair = { bulla_view_str("purpose"), bulla_view_str("test") };
	HOLDS(!fuzz_ok(bulla_box_open(keyring_of(), &pair, 1, bulla_view(data, size), &opened, &err), &err));
	HOLDS(opened.len == 0);
	seal(bulla_view(data, size), size & 1);
	return 0;
}
