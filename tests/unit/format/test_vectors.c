/*
 * test_vectors.c - contexts, values, fields and wrapped keys made by another implementation: opened, and recomputed byte for byte.
 */
#include "../under_test.h"
#include "../vectors.h"

#include "base/context.h"
#include "crypto/xaes.h"
#include "format/field.h"
#include "format/value.h"
#include "format/wrapped_key.h"

static bulla_lane *lane;

static int set_up(void **state)
{
	(void)state;
	return lane_under_test(&lane) != BULLA_OK;
}

static int tear_down(void **state)
{
	(void)state;
	bulla_lane_free(lane);
	return 0;
}

static const bulla_json *good(const bulla_json *document, size_t i)
{
	return bulla_json_at(bulla_json_member(document, "good"), i);
}

/* --- contexts and values --------------------------------------------------------------------------------------- */

static void check_context(const bulla_json *v, const char *canonical)
{
	bulla_pair pairs[BULLA_CONTEXT_PAIRS_MAX], again[BULLA_CONTEXT_PAIRS_MAX];
	BULLA_BUF_AUTO bulla_buf ours = { 0 };
	size_t n = vector_pairs(v, pairs, BULLA_CONTEXT_PAIRS_MAX), found;
	assert_int_equal(bulla_context_encode(pairs, n, &ours, NULL), BULLA_OK);
	vector_same(v, canonical, bulla_view_buf(&ours));
	assert_int_equal(bulla_context_decode(bulla_view_buf(&ours), again, &found, NULL), BULLA_OK);
	assert_int_equal(found, n);
}

static void contexts(void **state)
{
	bulla_json *document = vectors_open("context.json");
	bulla_pair pairs[BULLA_CONTEXT_PAIRS_MAX];
	size_t n;
	(void)state;
	for (size_t i = 0; good(document, i); i++)
		check_context(good(document, i), "canonical");
	const bulla_json *bad = bulla_json_member(document, "bad");
	assert_true(bulla_json_count(bad) > 5);
	for (size_t i = 0; i < bulla_json_count(bad); i++) {
		BULLA_BUF_AUTO bulla_buf bytes = vector_hex(bulla_json_at(bad, i), "bytes");
		assert_int_equal(bulla_context_decode(bulla_view_buf(&bytes), pairs, &n, NULL), BULLA_ERR_FORMAT);
	}
	bulla_json_free(document);
}

static void check_value(const bulla_json *v)
{
	BULLA_BUF_AUTO bulla_buf held = { 0 };
	bulla_type type = vector_type(v);
	bulla_value value = vector_value(bulla_json_member(v, "value"), &held), again;
	uint8_t out[64];
	size_t size;
	assert_int_equal(bulla_value_measure(type, &value, &size, NULL), BULLA_OK);
	assert_true(size <= sizeof out);
	bulla_value_write(type, &value, out);
	vector_same(v, "sealed_as", bulla_view(out, size));
	assert_int_equal(bulla_value_read(type, bulla_view(out, size), &again, NULL), BULLA_OK);
	assert_true(bulla_value_equal(&value, &again));
}

static void values(void **state)
{
	bulla_json *document = vectors_open("value.json");
	(void)state;
	for (size_t i = 0; good(document, i); i++)
		check_value(good(document, i));
	const bulla_json *bad = bulla_json_member(document, "bad");
	for (size_t i = 0; i < bulla_json_count(bad); i++) {
		BULLA_BUF_AUTO bulla_buf bytes = vector_hex(bulla_json_at(bad, i), "sealed_as");
		bulla_value value;
		assert_int_equal(bulla_value_read(vector_type(bulla_json_at(bad, i)), bulla_view_buf(&bytes), &value, NULL),
				 BULLA_ERR_FORMAT);
	}
	bulla_json_free(document);
}

/* --- fields ---------------------------------------------------------------------------------------------------- */

static void check_derived_key(const bulla_json *v, const uint8_t *key, const uint8_t *nonce)
{
	bulla_xaes xaes;
	bulla_xaes_keys keys;
	bulla_secret derived;
	assert_int_equal(bulla_xaes_init(&xaes, NULL, true, NULL), BULLA_OK);
	bulla_xaes_place(&xaes, &keys, NULL);
	assert_int_equal(bulla_xaes_derive(&xaes, key, nonce, &derived, NULL), BULLA_OK);
	vector_same(v, "derived_key", bulla_view(derived.bytes, sizeof derived.bytes));
	bulla_xaes_done(&xaes);
}

/* The plaintext of a field from its value: typed, then padded. */
static bulla_buf plaintext(const bulla_json *v, uint8_t *ret_header)
{
	BULLA_BUF_AUTO bulla_buf held = { 0 }, raw = { 0 };
	bulla_buf padded = { 0 };
	bulla_value value = vector_value(bulla_json_member(v, "value"), &held);
	uint32_t block = (uint32_t)vector_int(v, "padding");
	size_t size = 0;
	*ret_header = (uint8_t)vector_int(v, "version");
	if (value.kind == BULLA_KIND_NULL) {
		*ret_header |= BULLA_FIELD_NULL;
		return padded;
	}
	if (block) *ret_header |= BULLA_FIELD_PADDED;
	assert_int_equal(bulla_value_measure(vector_type(v), &value, &size, NULL), BULLA_OK);
	assert_int_equal(bulla_buf_reserve(&raw, size + 1, NULL), BULLA_OK);
	bulla_value_write(vector_type(v), &value, raw.data);
	padded.len = bulla_field_padded_size(size, block);
	size_t len = padded.len;
	padded.len = 0;
	assert_int_equal(bulla_buf_reserve(&padded, len + 1, NULL), BULLA_OK);
	bulla_field_pad(bulla_view(raw.data, size), block, padded.data);
	padded.len = len;
	return padded;
}

static bulla_buf associated(const bulla_json *v, uint8_t header)
{
	char type[256];
	bulla_buf out = { 0 };
	BULLA_BUF_AUTO bulla_buf context = vector_hex(v, "context");
	assert_int_equal(
		bulla_field_label(vector_text(v, "model"), vector_text(v, "field"), vector_name(v, "type", type), &out, NULL),
		BULLA_OK);
	out.data[BULLA_FIELD_LABEL_HEADER] = header;
	assert_int_equal(bulla_buf_add(&out, bulla_view_buf(&context), NULL), BULLA_OK);
	return out;
}

static void open_field(const bulla_json *v, const uint8_t *key, bulla_bytes aad, bulla_bytes sealed)
{
	BULLA_BUF_AUTO bulla_buf held = { 0 };
	bulla_value expected = vector_value(bulla_json_member(v, "value"), &held), found = { 0 };
	uint8_t out[1024], header;
	size_t len;
	assert_true(sealed.len <= sizeof out);
	assert_int_equal(bulla_field_header(sealed, (uint8_t)vector_int(v, "version"), &header, NULL), BULLA_OK);
	assert_int_equal(bulla_field_open(lane, key, aad, sealed, out, &len, NULL), BULLA_OK);
	if (!(header & BULLA_FIELD_NULL))
		assert_int_equal(bulla_value_read(vector_type(v), bulla_view(out, len), &found, NULL), BULLA_OK);
	assert_true(bulla_value_equal(&expected, &found));
}

static void check_field(const bulla_json *v)
{
	static const bulla_aead ciphers[] = { BULLA_AEAD_COUNT, BULLA_AEAD_AES_256_GCM, BULLA_AEAD_XAES_256_GCM };
	uint8_t key[BULLA_KEY_SIZE], header, made[1024];
	int64_t version = vector_int(v, "version");
	BULLA_BUF_AUTO bulla_buf nonce = vector_hex(v, "nonce"), sealed = vector_hex(v, "sealed");
	BULLA_BUF_AUTO bulla_buf plain = plaintext(v, &header);
	BULLA_BUF_AUTO bulla_buf aad = associated(v, header);
	vector_fixed(v, "data_key", key, sizeof key);
	check_context(v, "context");
	vector_same(v, "header", bulla_view(&header, 1));
	vector_same(v, "plaintext", bulla_view_buf(&plain));
	vector_same(v, "associated", bulla_view_buf(&aad));
	if (version == BULLA_FIELD_SHARED) check_derived_key(v, key, nonce.data);
	assert_int_equal(plain.len + bulla_field_overhead((uint8_t)version), sealed.len);
	made[0] = header;
	memcpy(made + 1, nonce.data, nonce.len);
	assert_int_equal(bulla_aead_seal(lane, ciphers[version], bulla_view(key, sizeof key), bulla_view_buf(&nonce),
					 bulla_view_buf(&aad), bulla_view_buf(&plain), made + 1 + nonce.len, NULL),
			 BULLA_OK);
	vector_same(v, "sealed", bulla_view(made, sealed.len));
	open_field(v, key, bulla_view_buf(&aad), bulla_view_buf(&sealed));
}

static void fields(void **state)
{
	bulla_json *document = vectors_open("field.json");
	(void)state;
	assert_true(bulla_json_count(bulla_json_member(document, "good")) >= 16);
	for (size_t i = 0; good(document, i); i++)
		check_field(good(document, i));
	bulla_json_free(document);
}

/* --- wrapped keys ---------------------------------------------------------------------------------------------- */

static void check_pair(const uint8_t *commitment, bulla_bytes name, bulla_bytes value, uint8_t out[static 2])
{
	BULLA_BUF_AUTO bulla_buf pair = { 0 };
	assert_int_equal(bulla_buf_add_prefixed(&pair, name, NULL), BULLA_OK);
	assert_int_equal(bulla_buf_add_prefixed(&pair, value, NULL), BULLA_OK);
	assert_int_equal(bulla_context_check(lane, commitment, bulla_view_buf(&pair), out, NULL), BULLA_OK);
}

static void check_checks(const bulla_json *v, const uint8_t *commitment)
{
	const bulla_json *checks = bulla_json_member(v, "checks");
	for (size_t i = 0; i < bulla_json_count(checks); i++) {
		const bulla_json *c = bulla_json_at(checks, i);
		uint8_t check[2];
		check_pair(commitment, vector_text(c, "name"), vector_text(c, "value"), check);
		vector_same(c, "check", bulla_view(check, 2));
	}
}

static void check_wrap(const bulla_json *w, const bulla_wrap *parsed, const uint8_t *commitment, const uint8_t *key)
{
	uint8_t wrapping[BULLA_KEY_SIZE], blob[BULLA_LOCAL_BLOB_SIZE], opened[BULLA_KEY_SIZE];
	BULLA_BUF_AUTO bulla_buf branch = vector_hex(w, "branch");
	bulla_wrap_label label = { (uint8_t)vector_int(w, "kind"), vector_u64(w, "reference"), bulla_view_buf(&branch) };
	vector_fixed(w, "wrapping_key", wrapping, sizeof wrapping);
	assert_int_equal(parsed->kind, label.kind);
	assert_true(parsed->reference == label.reference);
	vector_same(w, "nonce", bulla_view(commitment, BULLA_XAES_NONCE_SIZE));
	check_derived_key(w, wrapping, commitment);
	assert_int_equal(bulla_wrap_seal(lane, wrapping, &label, commitment, key, blob, NULL), BULLA_OK);
	vector_same(w, "blob", bulla_view(blob, sizeof blob));
	assert_int_equal(bulla_wrap_open(lane, wrapping, &label, commitment, parsed->blob, opened, NULL), BULLA_OK);
	assert_memory_equal(opened, key, BULLA_KEY_SIZE);
	/* the associated data that is written down is what it was sealed with */
	BULLA_BUF_AUTO bulla_buf aad = vector_hex(w, "associated");
	assert_int_equal(bulla_aead_open(lane, BULLA_AEAD_XAES_256_GCM, bulla_view(wrapping, sizeof wrapping),
					 bulla_view(commitment, BULLA_XAES_NONCE_SIZE), bulla_view_buf(&aad), parsed->blob,
					 opened, NULL),
			 BULLA_OK);
}

static void check_wrapped_key(const bulla_json *v)
{
	uint8_t key[BULLA_KEY_SIZE], commitment[BULLA_COMMITMENT_SIZE];
	BULLA_BUF_AUTO bulla_buf context = vector_hex(v, "context"), bytes = vector_hex(v, "bytes"), again = { 0 },
				 hashed = vector_hex(v, "commitment_input");
	bulla_wrapped_key parsed;
	bulla_bytes input = bulla_view_buf(&hashed);
	vector_fixed(v, "data_key", key, sizeof key);
	check_context(v, "context");
	assert_int_equal(bulla_commitment(lane, bulla_view_buf(&context), key, commitment, NULL), BULLA_OK);
	vector_same(v, "commitment", bulla_view(commitment, sizeof commitment));
	assert_int_equal(bulla_sha256(lane, &input, 1, commitment, NULL), BULLA_OK);
	vector_same(v, "commitment", bulla_view(commitment, sizeof commitment));
	check_checks(v, commitment);
	assert_int_equal(bulla_wrapped_key_parse(bulla_view_buf(&bytes), &parsed, NULL), BULLA_OK);
	assert_int_equal(parsed.version, BULLA_WRAPPED_KEY);
	assert_memory_equal(parsed.commitment.data, commitment, sizeof commitment);
	const bulla_json *wraps = bulla_json_member(v, "wraps");
	assert_int_equal(parsed.wrap_count, bulla_json_count(wraps));
	assert_int_equal(parsed.checks.len, 2 * bulla_json_count(bulla_json_member(v, "checks")));
	for (size_t i = 0; i < parsed.wrap_count; i++)
		check_wrap(bulla_json_at(wraps, i), &parsed.wraps[i], commitment, key);
	if (parsed.wrap_count == 1) assert_int_equal(bulla_wrapped_key_branch_size(parsed.checks.len / 2), bytes.len);
	assert_int_equal(bulla_wrapped_key_write(&parsed, &again, NULL), BULLA_OK);
	vector_same(v, "bytes", bulla_view_buf(&again));
}

static void wrapped_keys(void **state)
{
	bulla_json *document = vectors_open("wrapped_key.json");
	(void)state;
	assert_true(bulla_json_count(bulla_json_member(document, "good")) >= 8);
	for (size_t i = 0; good(document, i); i++)
		check_wrapped_key(good(document, i));
	bulla_json_free(document);
}

/* --- boxes ----------------------------------------------------------------------------------------------------- */

static void check_box_wrap(const bulla_json *v, const bulla_json *w, const bulla_wrapped_key *box, size_t i)
{
	uint8_t key[BULLA_KEY_SIZE];
	BULLA_BUF_AUTO bulla_buf context = vector_hex(v, "context"), content = vector_hex(v, "content"), made = { 0 },
				 opened = { 0 };
	bulla_wrap_label label = { (uint8_t)vector_int(w, "kind"), vector_u64(w, "reference"), { NULL, 0 } };
	vector_fixed(w, "wrapping_key", key, sizeof key);
	check_derived_key(w, key, box->commitment.data);
	assert_int_equal(bulla_wrap_box(lane, key, &label, box->commitment, bulla_view_buf(&context), bulla_view_buf(&content),
					true, &made, NULL),
			 BULLA_OK);
	vector_same(w, "blob", bulla_view_buf(&made));
	assert_int_equal(bulla_wrap_box(lane, key, &label, box->commitment, bulla_view_buf(&context), box->wraps[i].blob, false,
					&opened, NULL),
			 BULLA_OK);
	vector_same(v, "content", bulla_view_buf(&opened));
}

static void check_box(const bulla_json *v)
{
	BULLA_BUF_AUTO bulla_buf bytes = vector_hex(v, "bytes"), random = vector_hex(v, "random"), again = { 0 };
	bulla_wrapped_key box;
	bulla_pair pairs[BULLA_CONTEXT_PAIRS_MAX], sorted[BULLA_CONTEXT_PAIRS_MAX];
	BULLA_BUF_AUTO bulla_buf context = { 0 };
	size_t n = vector_pairs(v, pairs, BULLA_CONTEXT_PAIRS_MAX);
	assert_int_equal(bulla_context_encode(pairs, n, &context, NULL), BULLA_OK);
	assert_int_equal(bulla_context_decode(bulla_view_buf(&context), sorted, &n, NULL), BULLA_OK);
	assert_int_equal(bulla_wrapped_key_parse(bulla_view_buf(&bytes), &box, NULL), BULLA_OK);
	assert_int_equal(box.version, BULLA_WRAPPED_BOX);
	assert_memory_equal(box.commitment.data, random.data, BULLA_COMMITMENT_SIZE);
	assert_int_equal(box.checks.len, n > BULLA_CHECKS_MAX ? 0 : 2 * n);
	for (size_t i = 0; 2 * i < box.checks.len; i++) {
		uint8_t check[2];
		check_pair(random.data, sorted[i].name, sorted[i].value, check);
		assert_memory_equal(check, box.checks.data + 2 * i, 2);
	}
	for (size_t i = 0; i < box.wrap_count; i++)
		check_box_wrap(v, bulla_json_at(bulla_json_member(v, "wraps"), i), &box, i);
	assert_int_equal(bulla_wrapped_key_write(&box, &again, NULL), BULLA_OK);
	vector_same(v, "bytes", bulla_view_buf(&again));
}

static void boxes(void **state)
{
	bulla_json *document = vectors_open("box.json");
	(void)state;
	assert_true(bulla_json_count(bulla_json_member(document, "good")) >= 6);
	for (size_t i = 0; good(document, i); i++)
		check_box(good(document, i));
	bulla_json_free(document);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contexts),     cmocka_unit_test(values), cmocka_unit_test(fields),
		cmocka_unit_test(wrapped_keys), cmocka_unit_test(boxes),
	};
	return cmocka_run_group_tests_name("format/vectors", tests, set_up, tear_down);
}
