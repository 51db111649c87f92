/*
 * test_index.c - the blind index against vectors of another implementation, and what it must tell apart.
 */
#include "../vectors.h"

#include "core/index.h"

static bulla_lane *lane;

static int set_up(void **state)
{
	(void)state;
	return bulla_lane_new(&lane, NULL) != BULLA_OK;
}

static int tear_down(void **state)
{
	(void)state;
	bulla_lane_free(lane);
	return 0;
}

static bulla_index_spec spec_of(const bulla_json *v, char name[static 256])
{
	return (bulla_index_spec){
		.name = vector_name(v, "index", name),
		.version = (uint32_t)vector_int(v, "version"),
		.bits = (uint32_t)vector_int(v, "bits"),
		.kind = bulla_bytes_is(vector_text(v, "kind"), "slow") ? BULLA_INDEX_SLOW : BULLA_INDEX_FAST,
		.normalize = bulla_bytes_is(vector_text(v, "normalize"), "lowercase") ? BULLA_NORMALIZE_LOWERCASE
										      : BULLA_NORMALIZE_NONE,
		.expression =
			bulla_bytes_is(vector_text(v, "expression"), "last4") ? BULLA_EXPRESSION_LAST4 : BULLA_EXPRESSION_NONE,
	};
}

/* Argon2id on its own, so that a slow index that differs says where. */
static void check_stretching(const bulla_json *v, const uint8_t *key)
{
	uint8_t salt[32];
	bulla_bytes label = bulla_view_str("bulla index salt v1");
	assert_int_equal(bulla_hmac_sha256(lane, key, &label, 1, salt, NULL), BULLA_OK);
	vector_same(v, "salt", bulla_view(salt, 16));
}

static void check(const bulla_json *v)
{
	char name[256], model_name[256];
	uint8_t key[BULLA_KEY_SIZE], out[BULLA_INDEX_MAX];
	BULLA_BUF_AUTO bulla_buf held = { 0 }, normalized = { 0 }, scratch = { 0 };
	bulla_index_spec spec = spec_of(v, name);
	bulla_field field = { .name = "email", .type = vector_type(v), .index = &spec };
	bulla_model model = { .name = vector_name(v, "model", model_name) };
	bulla_value value = vector_value(bulla_json_member(v, "value"), &held);
	vector_fixed(v, "key", key, sizeof key);
	assert_int_equal(bulla_index_normalize(&field, &value, &normalized, NULL), BULLA_OK);
	vector_same(v, "normalized", bulla_view_buf(&normalized));
	if (spec.kind == BULLA_INDEX_SLOW) check_stretching(v, key);
	assert_int_equal(bulla_index_compute(lane, &model, &field, key, &value, &scratch, out, NULL), BULLA_OK);
	vector_same(v, "hash", bulla_view(out, sizeof out));
	vector_same(v, "result", bulla_view(out, spec.bits / 8));
	if (spec.kind == BULLA_INDEX_FAST) { /* what is hashed, as it is written down */
		BULLA_BUF_AUTO bulla_buf x = vector_hex(v, "x");
		bulla_bytes view = bulla_view_buf(&x);
		assert_int_equal(bulla_hmac_sha256(lane, key, &view, 1, out, NULL), BULLA_OK);
		vector_same(v, "hash", bulla_view(out, sizeof out));
	}
}

static void vectors(void **state)
{
	bulla_json *document = vectors_open("index.json");
	const bulla_json *good = bulla_json_member(document, "good");
	(void)state;
	assert_true(bulla_json_count(good) >= 15);
	for (size_t i = 0; i < bulla_json_count(good); i++)
		check(bulla_json_at(good, i));
	bulla_json_free(document);
}

/* An index of `text` under variations of everything that describes it. */
static void hash(const bulla_model *model, const bulla_index_spec *spec, bulla_type type, const char *text,
		 uint8_t out[static BULLA_INDEX_MAX])
{
	BULLA_BUF_AUTO bulla_buf scratch = { 0 };
	uint8_t key[BULLA_KEY_SIZE] = { 1 };
	bulla_index_spec copy = *spec;
	bulla_field field = { .name = "email", .type = type, .index = &copy };
	bulla_value value = { .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str(text) };
	assert_int_equal(bulla_index_compute(lane, model, &field, key, &value, &scratch, out, NULL), BULLA_OK);
}

static void everything_is_told_apart(void **state)
{
	const bulla_index_spec base = { .name = "email", .version = 1, .bits = 128 };
	bulla_index_spec specs[] = { base, base, base, base, base };
	const bulla_model user = { .name = "User" }, admin = { .name = "Admin" };
	uint8_t out[7][BULLA_INDEX_MAX];
	(void)state;
	specs[1].name = "phone";
	specs[2].version = 2;
	specs[3].normalize = BULLA_NORMALIZE_LOWERCASE; /* of a text that is lower case anyway */
	specs[4].kind = BULLA_INDEX_SLOW;
	for (size_t i = 0; i < 5; i++)
		hash(&user, &specs[i], BULLA_TYPE_STRING, "abcd", out[i]);
	hash(&admin, &base, BULLA_TYPE_STRING, "abcd", out[5]);
	hash(&user, &base, BULLA_TYPE_STRING, "abce", out[6]);
	for (size_t i = 0; i < 7; i++)
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(out[i], out[j], 16);
}

static void equal_letters_are_equal(void **state)
{
	const bulla_index_spec lower = { .name = "n", .version = 1, .bits = 128, .normalize = BULLA_NORMALIZE_LOWERCASE };
	const bulla_model user = { .name = "User" };
	uint8_t a[BULLA_INDEX_MAX], b[BULLA_INDEX_MAX];
	static const char *const pairs[][2] = { { "Ann@Example.com", "aNN@eXAMPLE.COM" },
						{ "\xc3\x89t\xc3\xa9", "E\xcc\x81"
								       "te\xcc\x81" },
						{ "Stra\xc3\x9f"
						  "e",
						  "STRASSE" } };
	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		hash(&user, &lower, BULLA_TYPE_STRING, pairs[i][0], a);
		hash(&user, &lower, BULLA_TYPE_STRING, pairs[i][1], b);
		assert_memory_equal(a, b, sizeof a);
	}
}

/* Type any: the text 42 and the number 42 are different values. */
static void classes_are_told_apart(void **state)
{
	bulla_index_spec spec = { .name = "n", .version = 1, .bits = 128 };
	bulla_field field = { .name = "n", .type = BULLA_TYPE_ANY, .index = &spec };
	bulla_value text = { .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str("42") },
		    blob = { .kind = BULLA_KIND_BINARY, .bytes = text.bytes };
	BULLA_BUF_AUTO bulla_buf a = { 0 }, b = { 0 };
	(void)state;
	assert_int_equal(bulla_index_normalize(&field, &text, &a, NULL), BULLA_OK);
	assert_int_equal(bulla_index_normalize(&field, &blob, &b, NULL), BULLA_OK);
	assert_false(bulla_bytes_equal(bulla_view_buf(&a), bulla_view_buf(&b)));
}

static void not_utf8(void **state)
{
	bulla_index_spec spec = { .name = "n", .version = 1, .bits = 128, .normalize = BULLA_NORMALIZE_LOWERCASE };
	bulla_field field = { .name = "n", .type = BULLA_TYPE_ANY, .index = &spec };
	bulla_value value = { .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str("\xff") };
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	(void)state;
	assert_int_equal(bulla_index_normalize(&field, &value, &out, NULL), BULLA_ERR_ENCODING);
	spec.normalize = BULLA_NORMALIZE_NONE;
	spec.expression = BULLA_EXPRESSION_LAST4;
	assert_int_equal(bulla_index_normalize(&field, &value, &out, NULL), BULLA_ERR_ENCODING);
	spec.expression = BULLA_EXPRESSION_NONE;
	assert_int_equal(bulla_index_normalize(&field, &value, &out, NULL), BULLA_OK); /* any keeps such a text */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(everything_is_told_apart),
		cmocka_unit_test(equal_letters_are_equal),
		cmocka_unit_test(classes_are_told_apart),
		cmocka_unit_test(not_utf8),
	};
	return cmocka_run_group_tests_name("core/index", tests, set_up, tear_down);
}
