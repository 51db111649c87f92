/*
 * keyfile.c - providers file:PATH and env:NAME: a 32-byte key from a file or an environment variable.
 *
 * Whoever has the application's host has the key: rights, freeze and audit bind honest processes only (SECURITY.md).
 */
#include "provider/providers.h"

#include "base/text.h"
#include "provider/known_key.h"

#include <stdlib.h>
#include <string.h>

static bool starts_with(bulla_bytes id, const char *prefix)
{
	size_t n = strlen(prefix);
	return id.len > n && memcmp(id.data, prefix, n) == 0;
}

static bool owns_file(bulla_bytes id)
{
	return starts_with(id, "file:");
}

static bool owns_env(bulla_bytes id)
{
	return starts_with(id, "env:");
}

static bulla_bytes trim(bulla_bytes text)
{
	while (text.len && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == '\r' || text.data[text.len - 1] == ' '))
		text.len--;
	return text;
}

/* 64 hexadecimal digits, 44 characters of base64, or exactly 32 raw bytes. */
static bulla_code parse_key(bulla_bytes text, const char *what, bulla_secret *ret, bulla_error *err)
{
	bulla_bytes line = trim(text);
	if (text.len == BULLA_KEY_SIZE) {
		memcpy(ret->bytes, text.data, BULLA_KEY_SIZE);
		return BULLA_OK;
	}
	if (bulla_hex_read(line, ret->bytes, BULLA_KEY_SIZE) || bulla_base64_read(line, ret->bytes, BULLA_KEY_SIZE))
		return BULLA_OK;
	bulla_fail(err, BULLA_ERR_FORMAT,
		   "%s does not hold a key: 32 raw bytes, 64 hexadecimal digits or 44 characters of base64", what);
	return bulla_advise(err, BULLA_ERR_FORMAT, "make one with: openssl rand -hex 32");
}

/* A relative path is relative to bulla.yaml. */
static bulla_code find_file(const bulla_provider_world *world, bulla_bytes path, bulla_buf *out, bulla_error *err)
{
	if (path.data[0] != '/' && world->base_dir) TRY(bulla_buf_printf(out, err, "%s/", world->base_dir));
	TRY(bulla_buf_add(out, path, err));
	return bulla_buf_terminate(out, err);
}

static bulla_code open_file(const bulla_provider_world *world, bulla_bytes id, void **ret_session, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	BULLA_BUF_AUTO bulla_buf path = { 0 };
	BULLA_SECRET key = { 0 };
	TRY(find_file(world, bulla_view(id.data + 5, id.len - 5), &path, err));
	TRY(world->read_key_file(world->self, (const char *)path.data, &text, err));
	TRY(parse_key(bulla_view_buf(&text), (const char *)path.data, &key, err));
	return bulla_known_key_open(&key, BULLA_WRAP_KEYFILE, false, ret_session, err);
}

static bulla_code open_env(const bulla_provider_world *world, bulla_bytes id, void **ret_session, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf name = { 0 };
	BULLA_SECRET key = { 0 };
	TRY(bulla_buf_add(&name, bulla_view(id.data + 4, id.len - 4), err));
	TRY(bulla_buf_terminate(&name, err));
	const char *value = world->getenv(world->self, (const char *)name.data);
	if (!value)
		return bulla_fail(err, BULLA_ERR_NOT_FOUND, "the environment variable %s, which holds a key, is not set",
				  (const char *)name.data);
	TRY(parse_key(bulla_view_str(value), (const char *)name.data, &key, err));
	return bulla_known_key_open(&key, BULLA_WRAP_KEYFILE, false, ret_session, err);
}

const bulla_provider bulla_provider_file = {
	.name = "file",
	.kind = BULLA_WRAP_KEYFILE,
	.binds_context = true,
	.max_items = BULLA_QUESTION_MAX,
	.owns = owns_file,
	.open = open_file,
	.close = bulla_known_key_close,
	.can_unwrap = bulla_known_key_can_unwrap,
	.recognises = bulla_known_key_recognises,
	.ask = bulla_known_key_ask,
	.answer = bulla_known_key_answer,
	.abandon = bulla_known_key_abandon,
};

const bulla_provider bulla_provider_env = {
	.name = "env",
	.kind = BULLA_WRAP_KEYFILE,
	.binds_context = true,
	.max_items = BULLA_QUESTION_MAX,
	.owns = owns_env,
	.open = open_env,
	.close = bulla_known_key_close,
	.can_unwrap = bulla_known_key_can_unwrap,
	.recognises = bulla_known_key_recognises,
	.ask = bulla_known_key_ask,
	.answer = bulla_known_key_answer,
	.abandon = bulla_known_key_abandon,
};
