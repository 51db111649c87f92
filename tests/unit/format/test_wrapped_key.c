/*
 * test_wrapped_key.c - wrapped keys and boxes: limits of their parser, wraps that are added and taken away, and what must not open.
 */
#include "../flip.h"
#include "../under_test.h"

#include "format/wrapped_key.h"

#define BRANCH 8

static bulla_lane *lane;
static const uint8_t data_key[BULLA_KEY_SIZE] = { 9, 8, 7 };
static const uint8_t branch_key[BULLA_KEY_SIZE] = { 1, 2, 3 };
static const bulla_wrap_label label = { BRANCH, 0x1122334455667788, { (const uint8_t *)"user:42", 7 } };
static const bulla_bytes context = { (const uint8_t *)"\0\0", 2 };

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

/* A wrapped key with one branch wrap and `checks` checks; the caller frees. */
static bulla_buf make(size_t checks)
{
	static const uint8_t check[2 * BULLA_CHECKS_MAX] = { 0xaa, 0xbb, 0xcc };
	uint8_t commitment[BULLA_COMMITMENT_SIZE], blob[BULLA_LOCAL_BLOB_SIZE];
	bulla_buf out = { 0 };
	assert_int_equal(bulla_commitment(lane, context, data_key, commitment, NULL), BULLA_OK);
	assert_int_equal(bulla_wrap_seal(lane, branch_key, &label, commitment, data_key, blob, NULL), BULLA_OK);
	bulla_wrapped_key key = { .version = BULLA_WRAPPED_KEY,
				  .commitment = bulla_view(commitment, sizeof commitment),
				  .wrap_count = 1,
				  .wraps = { { label.kind, label.reference, bulla_view(blob, sizeof blob) } },
				  .checks = bulla_view(check, 2 * checks) };
	assert_int_equal(bulla_wrapped_key_write(&key, &out, NULL), BULLA_OK);
	return out;
}

/* As a reader opens it: parse, find the wrap, open, check the commitment. */
static bulla_code open_with(const uint8_t *with, const bulla_wrap_label *as, bulla_bytes in, bulla_bytes bytes)
{
	bulla_wrapped_key key;
	uint8_t opened[BULLA_KEY_SIZE], commitment[BULLA_COMMITMENT_SIZE];
	bulla_code code = bulla_wrapped_key_parse(bytes, &key, NULL);
	if (code) return code;
	if (key.version != BULLA_WRAPPED_KEY) return BULLA_ERR_VERSION;
	for (size_t i = 0; i < key.wrap_count; i++) {
		if (key.wraps[i].kind != as->kind || key.wraps[i].reference != as->reference) continue;
		code = bulla_wrap_open(lane, with, as, key.commitment.data, key.wraps[i].blob, opened, NULL);
		if (code) return code;
		assert_int_equal(bulla_commitment(lane, in, opened, commitment, NULL), BULLA_OK);
		return bulla_equal_ct(commitment, key.commitment.data, sizeof commitment) ? BULLA_OK : BULLA_ERR_AUTH;
	}
	return BULLA_ERR_UNKNOWN_KEY;
}

static bool opens(void *self, bulla_bytes changed)
{
	(void)self;
	return open_with(branch_key, &label, context, changed) == BULLA_OK;
}

static void sizes(void **state)
{
	(void)state;
	for (size_t checks = 0; checks <= BULLA_CHECKS_MAX; checks++) {
		BULLA_BUF_AUTO bulla_buf bytes = make(checks);
		assert_int_equal(bytes.len, 94 + 2 * checks);
		assert_int_equal(bytes.len, bulla_wrapped_key_branch_size(checks));
		assert_true(opens(NULL, bulla_view_buf(&bytes)));
	}
	assert_int_equal(bulla_wrapped_key_branch_size(2), 98);
}

/* The commitment at a fixed place and the first wrap's kind and reference behind it: what the guard trigger and the census read. */
static void fixed_places(void **state)
{
	uint8_t commitment[BULLA_COMMITMENT_SIZE];
	(void)state;
	BULLA_BUF_AUTO bulla_buf bytes = make(2);
	assert_int_equal(bulla_commitment(lane, context, data_key, commitment, NULL), BULLA_OK);
	assert_memory_equal(bytes.data + 1, commitment, sizeof commitment);
	assert_int_equal(bytes.data[34], BRANCH);
	assert_true(bulla_get_u64(bytes.data + 35) == label.reference);
}

static void every_flip_and_cut(void **state)
{
	(void)state;
	BULLA_BUF_AUTO bulla_buf bare = make(0), checked = make(2);
	flip_everything(bulla_view_buf(&bare), (flip_gap){ 0, 0 }, opens, NULL);
	flip_everything(bulla_view_buf(&checked), (flip_gap){ 46, 50 }, opens, NULL); /* the checks are advice */
}

static void moved_elsewhere(void **state)
{
	static const uint8_t other_key[BULLA_KEY_SIZE] = { 1, 2, 4 };
	static const bulla_bytes other_context = { (const uint8_t *)"\0\1\0\1a\0\1b", 8 };
	const bulla_wrap_label other_branch = { BRANCH, label.reference, bulla_view_str("user:43") };
	(void)state;
	BULLA_BUF_AUTO bulla_buf bytes = make(2);
	bulla_bytes b = bulla_view_buf(&bytes);
	assert_int_equal(open_with(other_key, &label, context, b), BULLA_ERR_AUTH);
	assert_int_equal(open_with(branch_key, &other_branch, context, b), BULLA_ERR_AUTH);
	assert_int_equal(open_with(branch_key, &label, other_context, b), BULLA_ERR_AUTH);
}

/* The same wrap under another kind or reference does not open, even where the directory says so too. */
static void kind_and_reference_are_bound(void **state)
{
	(void)state;
	BULLA_BUF_AUTO bulla_buf bytes = make(0);
	bytes.data[34] = 7;
	const bulla_wrap_label kind = { 7, label.reference, label.branch };
	assert_int_equal(open_with(branch_key, &kind, context, bulla_view_buf(&bytes)), BULLA_ERR_AUTH);
	bytes.data[34] = BRANCH;
	bytes.data[42] ^= 1;
	const bulla_wrap_label reference = { BRANCH, label.reference ^ 1, label.branch };
	assert_int_equal(open_with(branch_key, &reference, context, bulla_view_buf(&bytes)), BULLA_ERR_AUTH);
	assert_int_equal(open_with(branch_key, &label, context, bulla_view_buf(&bytes)), BULLA_ERR_UNKNOWN_KEY);
}

/* A repeated nonce means the same message: wrapping twice gives the same bytes, another context other ones. */
static void wrapping_is_deterministic(void **state)
{
	uint8_t commitment[BULLA_COMMITMENT_SIZE], other[BULLA_COMMITMENT_SIZE], a[BULLA_LOCAL_BLOB_SIZE],
		b[BULLA_LOCAL_BLOB_SIZE];
	(void)state;
	assert_int_equal(bulla_commitment(lane, context, data_key, commitment, NULL), BULLA_OK);
	assert_int_equal(bulla_commitment(lane, bulla_view("\0\1", 2), data_key, other, NULL), BULLA_OK);
	assert_int_equal(bulla_wrap_seal(lane, branch_key, &label, commitment, data_key, a, NULL), BULLA_OK);
	assert_int_equal(bulla_wrap_seal(lane, branch_key, &label, commitment, data_key, b, NULL), BULLA_OK);
	assert_memory_equal(a, b, sizeof a);
	assert_memory_not_equal(commitment, other, BULLA_XAES_NONCE_SIZE);
}

/* Adding or removing other wraps leaves the first valid. */
static void wraps_are_independent(void **state)
{
	(void)state;
	BULLA_BUF_AUTO bulla_buf one = make(2), many = { 0 };
	bulla_wrapped_key key;
	assert_int_equal(bulla_wrapped_key_parse(bulla_view_buf(&one), &key, NULL), BULLA_OK);
	for (key.wrap_count = 2; key.wrap_count <= BULLA_WRAPS_MAX; key.wrap_count++) {
		key.wraps[key.wrap_count - 1] = (bulla_wrap){ 1, key.wrap_count, bulla_view_str("some cloud's blob") };
		bulla_buf_clear(&many);
		assert_int_equal(bulla_wrapped_key_write(&key, &many, NULL), BULLA_OK);
		assert_true(opens(NULL, bulla_view_buf(&many)));
	}
}

static bulla_code parse(bulla_bytes bytes)
{
	bulla_wrapped_key key;
	return bulla_wrapped_key_parse(bytes, &key, NULL);
}

static void parser_limits(void **state)
{
	(void)state;
	BULLA_BUF_AUTO bulla_buf bytes = make(2);
	bulla_bytes b = bulla_view_buf(&bytes);
	assert_int_equal(parse(b), BULLA_OK);
	for (unsigned version = 0; version < 256; version++) {
		bytes.data[0] = (uint8_t)version;
		assert_int_equal(parse(b), version == 1 || version == 2 ? BULLA_OK : BULLA_ERR_VERSION);
	}
	bytes.data[0] = 1;
	static const uint8_t counts[] = { 0, 2, 16, 17, 255 };
	for (size_t i = 0; i < sizeof counts; i++) {
		bytes.data[33] = counts[i];
		assert_int_equal(parse(b), BULLA_ERR_FORMAT);
	}
	bytes.data[33] = 1;
	bytes.data[45] = 17; /* checks */
	assert_int_equal(parse(b), BULLA_ERR_FORMAT);
	bytes.data[45] = 2;
	bytes.data[43] = 0xff; /* a blob longer than what is there */
	assert_int_equal(parse(b), BULLA_ERR_FORMAT);
	assert_int_equal(parse(bulla_view(NULL, 0)), BULLA_ERR_FORMAT);
	uint8_t without_wraps[35] = { 1 }; /* complete, and useless */
	assert_int_equal(parse(bulla_view(without_wraps, sizeof without_wraps)), BULLA_ERR_FORMAT);
}

static void blobs_have_limits(void **state)
{
	(void)state;
	uint8_t *blob = calloc(1, 65536), commitment[BULLA_COMMITMENT_SIZE] = { 0 };
	assert_non_null(blob);
	bulla_wrapped_key key = { .version = 1,
				  .commitment = bulla_view(commitment, 32),
				  .wrap_count = 1,
				  .wraps = { { 1, 2, bulla_view(blob, 65535) } } };
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	assert_int_equal(bulla_wrapped_key_write(&key, &out, NULL), BULLA_OK);
	assert_int_equal(parse(bulla_view_buf(&out)), BULLA_OK);
	key.wraps[0].blob.len = 65536;
	size_t before = out.len;
	assert_int_equal(bulla_wrapped_key_write(&key, &out, NULL), BULLA_ERR_LIMIT);
	assert_int_equal(out.len, before);
	free(blob);
	char identity[1025];
	memset(identity, 'x', sizeof identity);
	uint8_t sealed[BULLA_LOCAL_BLOB_SIZE];
	bulla_wrap_label most = { BRANCH, 1, bulla_view(identity, 1024) }, more = { BRANCH, 1, bulla_view(identity, 1025) };
	assert_int_equal(bulla_wrap_seal(lane, branch_key, &most, commitment, data_key, sealed, NULL), BULLA_OK);
	assert_int_equal(bulla_wrap_seal(lane, branch_key, &more, commitment, data_key, sealed, NULL), BULLA_ERR_LIMIT);
}

/* --- checks ---------------------------------------------------------------------------------------------------- */

static void checks_are_salted(void **state)
{
	static const bulla_bytes id = { (const uint8_t *)"\0\2id\0\2"
							 "42",
					8 };
	uint8_t a[2], b[2], one[BULLA_COMMITMENT_SIZE] = { 1 };
	unsigned same = 0;
	(void)state;
	for (uint8_t i = 2; i < 200; i++) {
		uint8_t other[BULLA_COMMITMENT_SIZE] = { i };
		assert_int_equal(bulla_context_check(lane, one, id, a, NULL), BULLA_OK);
		assert_int_equal(bulla_context_check(lane, other, id, b, NULL), BULLA_OK);
		same += memcmp(a, b, 2) == 0;
	}
	assert_true(same < 3);
}

/* --- boxes ----------------------------------------------------------------------------------------------------- */

static const uint8_t random_bytes[BULLA_COMMITMENT_SIZE] = { 5, 5, 5 };
static const bulla_wrap_label file_label = { 7, 42, { NULL, 0 } };

static bulla_buf box(bulla_bytes content)
{
	bulla_buf blob = { 0 }, out = { 0 };
	assert_int_equal(
		bulla_wrap_box(lane, branch_key, &file_label, bulla_view(random_bytes, 32), context, content, true, &blob, NULL),
		BULLA_OK);
	bulla_wrapped_key key = { .version = BULLA_WRAPPED_BOX,
				  .commitment = bulla_view(random_bytes, 32),
				  .wrap_count = 1,
				  .wraps = { { file_label.kind, file_label.reference, bulla_view_buf(&blob) } } };
	assert_int_equal(bulla_wrapped_key_write(&key, &out, NULL), BULLA_OK);
	bulla_buf_done(&blob);
	return out;
}

static bulla_code open_box(bulla_bytes in, bulla_bytes bytes, bulla_buf *out)
{
	bulla_wrapped_key key;
	bulla_code code = bulla_wrapped_key_parse(bytes, &key, NULL);
	if (code) return code;
	if (key.version != BULLA_WRAPPED_BOX || key.wrap_count != 1) return BULLA_ERR_FORMAT;
	if (key.wraps[0].kind != file_label.kind || key.wraps[0].reference != file_label.reference) return BULLA_ERR_UNKNOWN_KEY;
	return bulla_wrap_box(lane, branch_key, &file_label, key.commitment, in, key.wraps[0].blob, false, out, NULL);
}

static bool opens_box(void *self, bulla_bytes changed)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	(void)self;
	return open_box(context, changed, &out) == BULLA_OK;
}

static void boxes(void **state)
{
	(void)state;
	BULLA_BUF_AUTO bulla_buf empty = box(bulla_view("", 0)), full = box(bulla_view_str("correct horse")), out = { 0 };
	assert_int_equal(open_box(context, bulla_view_buf(&full), &out), BULLA_OK);
	assert_true(bulla_bytes_is(bulla_view_buf(&out), "correct horse"));
	assert_int_equal(open_box(bulla_view("\0\1", 2), bulla_view_buf(&full), &out), BULLA_ERR_AUTH);
	assert_true(bulla_bytes_is(bulla_view_buf(&out), "correct horse")); /* as it was */
	flip_everything(bulla_view_buf(&empty), (flip_gap){ 0, 0 }, opens_box, NULL);
	flip_everything(bulla_view_buf(&full), (flip_gap){ 0, 0 }, opens_box, NULL);
}

/* A box is no wrapped key and a wrapped key is no box, whatever its first byte says. */
static void boxes_and_keys_are_apart(void **state)
{
	(void)state;
	BULLA_BUF_AUTO bulla_buf key = make(0), sealed = box(bulla_view(data_key, sizeof data_key)), out = { 0 };
	key.data[0] = BULLA_WRAPPED_BOX;
	key.data[34] = file_label.kind;
	bulla_put_u64(key.data + 35, file_label.reference);
	assert_int_equal(open_box(context, bulla_view_buf(&key), &out), BULLA_ERR_AUTH);
	sealed.data[0] = BULLA_WRAPPED_KEY;
	const bulla_wrap_label as = { file_label.kind, file_label.reference, { NULL, 0 } };
	assert_int_equal(open_with(branch_key, &as, context, bulla_view_buf(&sealed)), BULLA_ERR_AUTH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(fixed_places),
		cmocka_unit_test(every_flip_and_cut),
		cmocka_unit_test(moved_elsewhere),
		cmocka_unit_test(kind_and_reference_are_bound),
		cmocka_unit_test(wrapping_is_deterministic),
		cmocka_unit_test(wraps_are_independent),
		cmocka_unit_test(parser_limits),
		cmocka_unit_test(blobs_have_limits),
		cmocka_unit_test(checks_are_salted),
		cmocka_unit_test(boxes),
		cmocka_unit_test(boxes_and_keys_are_apart),
	};
	return cmocka_run_group_tests_name("format/wrapped_key", tests, set_up, tear_down);
}
