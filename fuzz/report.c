/*
 * report.c - fuzz target: bytes as a signed report, and changes to one that is.
 */
#include "mutate.h"

#include "crypto/sign.h"
#include "db/report.h"

static const uint8_t seed[32] = { 7, 7, 7 };
static const bulla_job job = { .sign_seed = seed, .sign_name = "test" };

static void sign(const char *object, bulla_buf *out)
{
	bulla_error err = { 0 };
	fuzz_must(bulla_report_sign(&job, bulla_view_str(object), out, &err), &err);
}

/* The signature as it is, around whatever the fuzzer has signed. */
static void check_whole(bulla_bytes bytes, const uint8_t *public_key)
{
	bulla_error err = { 0 };
	BULLA_BUF_AUTO bulla_buf line = { 0 };
	bulla_bytes object = bulla_view(bytes.data, bytes.len);
	if (object.len < 2 || memchr(object.data, '\n', object.len)) return;
	fuzz_must(bulla_report_sign(&job, object, &line, &err), &err);
	(void)fuzz_ok(bulla_report_check(bulla_view_buf(&line), public_key, &err), &err);
}

static size_t count_members(const bulla_buf *line)
{
	bulla_error err = { 0 };
	bulla_json *json = NULL;
	fuzz_must(bulla_json_parse(bulla_view_buf(line), &json, &err), &err);
	size_t n = bulla_json_count(json);
	bulla_json_free(json);
	return n;
}

/* What is right is what was signed: nothing before the signature differs, nothing follows it. */
static void check_changed(bulla_bytes bytes, const uint8_t *public_key)
{
	bulla_error err = { 0 };
	BULLA_BUF_AUTO bulla_buf line = { 0 }, changed = { 0 }, other = { 0 };
	bulla_cursor in = bulla_cursor_of(bytes);
	sign("{\"report\":\"bulla verification\",\"rows\":17,\"clean\":false}", &line);
	sign("{\"report\":\"bulla shred\",\"at\":\"2026-11-21T19:05:00.000Z\",\"note\":\",\\\"signature\\\":\"}", &other);
	fuzz_add(&changed, bulla_view_buf(&line));
	mutate(&in, &changed, bulla_view_buf(&other));
	if (!fuzz_ok(bulla_report_check(bulla_view_buf(&changed), public_key, &err), &err)) return;
	const bulla_buf *was = changed.len && other.len > 20 && memcmp(changed.data, other.data, 20) == 0 ? &other : &line;
	const uint8_t *cut = memmem(was->data, was->len, ",\"signature\":{", 14);
	size_t signed_bytes = (size_t)(cut - was->data);
	HOLDS(changed.len >= signed_bytes && memcmp(changed.data, was->data, signed_bytes) == 0);
	HOLDS(count_members(&changed) == count_members(was));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bulla_error err = { 0 };
	uint8_t public_key[32];
	fuzz_must(bulla_ed25519_public(seed, public_key, &err), &err);
	HOLDS(!fuzz_ok(bulla_report_check(bulla_view(data, size), public_key, &err), &err) || memmem(data, size, "ed25519", 7));
	check_whole(bulla_view(data, size), public_key);
	check_changed(bulla_view(data, size), public_key);
	return 0;
}
