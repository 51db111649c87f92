/*
 * help.c - what the tests of the engine share.
 */
#include "help.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* --- the log --------------------------------------------------------------------------------------------------- */
static bulla_code append(void *self, const bulla_bytes *entries, size_t n, uint64_t generation, bulla_log_head *ret_head,
			 bulla_error *err)
{
	fake_log *log = self;
	if (log->fails_with) return bulla_fail(err, log->fails_with, "the log was told to fail");
	for (size_t i = 0; i < n; i++) {
		TRY(bulla_buf_add(&log->text, entries[i], err));
		TRY(bulla_buf_add_u8(&log->text, '\n', err));
	}
	log->entries += n;
	log->appends++;
	log->generation = generation;
	*ret_head = (bulla_log_head){ .size = log->entries };
	bulla_put_u64(ret_head->root, log->entries);
	return BULLA_OK;
}

bulla_audit_sink fake_log_sink(fake_log *log)
{
	return (bulla_audit_sink){ append, log };
}

bool fake_log_last_has(const fake_log *log, const char *text)
{
	size_t end = log->text.len ? log->text.len - 1 : 0, start = end;
	while (start > 0 && log->text.data[start - 1] != '\n')
		start--;
	return memmem(log->text.data + start, end - start, text, strlen(text)) != NULL;
}

size_t fake_log_count(const fake_log *log, const char *text)
{
	size_t n = 0;
	const uint8_t *at = log->text.data, *end = at + log->text.len;
	while ((at = memmem(at, (size_t)(end - at), text, strlen(text)))) {
		at += strlen(text);
		n++;
	}
	return n;
}

/* --- the fixture ----------------------------------------------------------------------------------------------- */
static int64_t now_us(void *self)
{
	return ((fixture *)self)->now_us;
}

void fixture_open(fixture *f, const char *url)
{
	bulla_error err = { 0 };
	memset(f->root_key.bytes, 0x5a, sizeof f->root_key.bytes);
	f->now_us = INT64_C(1780000000) * 1000000;
	f->log.text.max = 1u << 30;
	assert_int_equal(bulla_store_open(url, true, &f->store, &err), BULLA_OK);
	f->config = (bulla_engine_config){ .store = bulla_store_kms(f->store),
					   .audit = fake_log_sink(&f->log),
					   .clock = { now_us, f },
					   .root_key = f->root_key.bytes,
					   .principal = "local:1000/alice@host" };
	bulla_code code = bulla_engine_init(&f->config, bulla_view_str("file"), &err);
	assert_true(code == BULLA_OK || code == BULLA_ERR_EXISTS);
	assert_int_equal(bulla_engine_open(&f->config, &f->engine, &err), BULLA_OK);
	if (code == BULLA_OK)
		assert_int_equal(bulla_engine_create_key(f->engine, "a test", "alias/test", &f->key, &err), BULLA_OK);
}

void fixture_reopen_engine(fixture *f)
{
	bulla_error err = { 0 };
	bulla_engine_free(f->engine);
	f->engine = NULL;
	assert_int_equal(bulla_engine_open(&f->config, &f->engine, &err), BULLA_OK);
}

void fixture_close(fixture *f)
{
	bulla_engine_free(f->engine);
	bulla_store_close(f->store);
	bulla_buf_done(&f->log.text);
}

int fixture_setup(void **state)
{
	fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	fixture_open(f, "memory:");
	*state = f;
	return 0;
}

int fixture_teardown(void **state)
{
	fixture_close(*state);
	free(*state);
	return 0;
}

/* --- calls ----------------------------------------------------------------------------------------------------- */
const uint8_t context_bytes[] = "\0\2\0\10model_id\0\00242\0\12model_name\0\4User";

bulla_bytes context(void)
{
	return bulla_view(context_bytes, sizeof context_bytes - 1);
}

bulla_bytes empty_context(void)
{
	return bulla_view("\0", 2);
}

bulla_code call_with(bulla_engine *engine, const bulla_engine_request *request, bulla_engine_reply *reply)
{
	bulla_error err = { 0 };
	bulla_code code = bulla_engine_call(engine, request, 1, reply, &err);
	return code ? code : reply->code;
}

bulla_code call_one(bulla_engine *engine, bulla_engine_operation operation, const char *key_id, bulla_bytes input,
		    bulla_engine_reply *reply)
{
	bulla_engine_request request = { .operation = operation,
					 .key_id = bulla_view_str(key_id),
					 .context = context(),
					 .new_context = context(),
					 .input = input };
	return call_with(engine, &request, reply);
}

/* --- directories ----------------------------------------------------------------------------------------------- */
char *directory_new(void)
{
	const char *base = getenv("TMPDIR");
	char *path = path_in(base ? base : "/tmp", "bulla-kms-XXXXXX");
	assert_non_null(mkdtemp(path));
	return path;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)st, (void)type, (void)place;
	return remove(path);
}

void directory_remove(char *directory)
{
	(void)nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(directory);
}

char *path_in(const char *directory, const char *format, ...)
{
	char name[256], *path = NULL;
	va_list args;
	va_start(args, format);
	(void)vsnprintf(name, sizeof name, format, args);
	va_end(args);
	assert_true(asprintf(&path, "%s/%s", directory, name) > 0);
	return path;
}
