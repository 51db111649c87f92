/*
 * test_field.c - one field: sizes, headers, padding, and everything that must not open.
 */
#include "../flip.h"
#include "../under_test.h"

#include "format/field.h"

static bulla_lane *lane;
static const uint8_t key[BULLA_KEY_SIZE] = { 1, 2, 3 };
static const char context[] = "\0\1\0\2id\0\2"
			      "42";

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

/* Who a field is: what goes into its associated data. */
typedef struct place {
	const char *model, *field, *type;
	bulla_bytes context;
} place;

static const place here = { "User", "email", "string", { (const uint8_t *)context, sizeof context - 1 } };

static bulla_buf associate(const place *p, uint8_t header)
{
	bulla_buf out = { 0 };
	assert_int_equal(bulla_field_label(bulla_view_str(p->model), bulla_view_str(p->field), p->type, &out, NULL), BULLA_OK);
	out.data[BULLA_FIELD_LABEL_HEADER] = header;
	assert_int_equal(bulla_buf_add(&out, p->context, NULL), BULLA_OK);
	return out;
}

/* `value` sealed at `p`; padded to `block` bytes where that is not 0. The caller frees. */
static bulla_buf seal(const place *p, uint8_t header, bulla_bytes value, uint32_t block)
{
	bulla_buf sealed = { 0 }, padded = { 0 };
	size_t len = bulla_field_padded_size(value.len, block);
	if (block) header |= BULLA_FIELD_PADDED;
	BULLA_BUF_AUTO bulla_buf associated = associate(p, header);
	assert_int_equal(bulla_buf_reserve(&padded, len + 1, NULL), BULLA_OK);
	bulla_field_pad(value, block, padded.data);
	assert_int_equal(bulla_buf_reserve(&sealed, bulla_field_overhead(header) + len, NULL), BULLA_OK);
	assert_int_equal(
		bulla_field_seal(lane, key, header, bulla_view_buf(&associated), bulla_view(padded.data, len), sealed.data, NULL),
		BULLA_OK);
	sealed.len = bulla_field_overhead(header) + len;
	bulla_buf_done(&padded);
	return sealed;
}

/* Opens as a reader does: header, then ciphertext. `version` is what the schema expects. */
static bulla_code open(const place *p, uint8_t version, const uint8_t *with, bulla_bytes sealed, bulla_buf *out)
{
	uint8_t header;
	size_t len;
	bulla_code code = bulla_field_header(sealed, version, &header, NULL);
	if (code) return code;
	BULLA_BUF_AUTO bulla_buf associated = associate(p, header);
	bulla_buf_clear(out);
	assert_int_equal(bulla_buf_reserve(out, sealed.len - bulla_field_overhead(version) + 1, NULL), BULLA_OK);
	code = bulla_field_open(lane, with, bulla_view_buf(&associated), sealed, out->data, &len, NULL);
	if (!code) out->len = len;
	return code;
}

static void round_trips(void **state)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 255, 4096 };
	static const uint32_t blocks[] = { 0, 1, 16, 255, 4096 };
	uint8_t value[4096];
	(void)state;
	memset(value, 0x80, sizeof value); /* looks like the mark of padding all over */
	for (uint8_t version = 1; version <= 2; version++)
		for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
			for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) {
				BULLA_BUF_AUTO bulla_buf sealed = seal(&here, version, bulla_view(value, sizes[s]), blocks[b]),
							 opened = { 0 };
				assert_int_equal(open(&here, version, key, bulla_view_buf(&sealed), &opened), BULLA_OK);
				assert_int_equal(opened.len, sizes[s]);
				assert_memory_equal(opened.data, value, sizes[s]);
			}
}

static void overhead(void **state)
{
	(void)state;
	assert_int_equal(bulla_field_overhead(BULLA_FIELD_RECORD), 29);
	assert_int_equal(bulla_field_overhead(BULLA_FIELD_SHARED), 41);
	assert_int_equal(bulla_field_overhead(BULLA_FIELD_RECORD | BULLA_FIELD_NULL), 29);
	for (unsigned version = 0; version <= BULLA_FIELD_VERSION_MASK; version++)
		if (version != 1 && version != 2) assert_int_equal(bulla_field_overhead((uint8_t)version), 0);
}

static void padding_hides_the_length(void **state)
{
	(void)state;
	assert_int_equal(bulla_field_padded_size(0, 0), 0);
	assert_int_equal(bulla_field_padded_size(7, 0), 7);
	assert_int_equal(bulla_field_padded_size(0, 16), 16);
	assert_int_equal(bulla_field_padded_size(15, 16), 16);
	assert_int_equal(bulla_field_padded_size(16, 16), 32);
	assert_int_equal(bulla_field_padded_size(1, 1), 2);
	BULLA_BUF_AUTO bulla_buf a = seal(&here, 1, bulla_view_str("a"), 64),
				 b = seal(&here, 1, bulla_view_str("a much longer value"), 64);
	assert_int_equal(a.len, 29 + 64);
	assert_int_equal(b.len, a.len);
}

static void nonces_differ(void **state)
{
	(void)state;
	BULLA_BUF_AUTO bulla_buf a = seal(&here, 1, bulla_view_str("x"), 0), b = seal(&here, 1, bulla_view_str("x"), 0);
	assert_memory_not_equal(a.data + 1, b.data + 1, BULLA_GCM_NONCE_SIZE);
}

/* --- what must not open ---------------------------------------------------------------------------------------- */

static bool opens_as(void *self, bulla_bytes changed)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	return open(&here, *(uint8_t *)self, key, changed, &out) == BULLA_OK;
}

static void every_flip_and_cut(void **state)
{
	(void)state;
	for (uint8_t version = 1; version <= 2; version++)
		for (uint32_t block = 0; block <= 16; block += 16) {
			BULLA_BUF_AUTO bulla_buf sealed = seal(&here, version, bulla_view_str("ann@example.com"), block);
			flip_everything(bulla_view_buf(&sealed), (flip_gap){ 0, 0 }, opens_as, &version);
		}
	uint8_t version = BULLA_FIELD_RECORD;
	BULLA_BUF_AUTO bulla_buf null = seal(&here, BULLA_FIELD_RECORD | BULLA_FIELD_NULL, bulla_view("", 0), 0);
	flip_everything(bulla_view_buf(&null), (flip_gap){ 0, 0 }, opens_as, &version);
}

static void moved_elsewhere(void **state)
{
	static const char other_row[] = "\0\1\0\2id\0\2"
					"43";
	const place places[] = {
		{ "Admin", "email", "string", here.context },
		{ "User", "phone", "string", here.context },
		{ "User", "email", "binary", here.context },
		{ "Usere", "mail", "string", here.context },
		{ "User", "email", "string", { NULL, 0 } },
		{ "User", "email", "string", { (const uint8_t *)other_row, sizeof other_row - 1 } },
	};
	(void)state;
	for (uint8_t version = 1; version <= 2; version++) {
		BULLA_BUF_AUTO bulla_buf sealed = seal(&here, version, bulla_view_str("ann@example.com"), 0), out = { 0 };
		for (size_t i = 0; i < sizeof places / sizeof *places; i++)
			assert_int_equal(open(&places[i], version, key, bulla_view_buf(&sealed), &out), BULLA_ERR_AUTH);
	}
}

static void wrong_key(void **state)
{
	uint8_t other[BULLA_KEY_SIZE] = { 1, 2, 4 };
	(void)state;
	for (uint8_t version = 1; version <= 2; version++) {
		BULLA_BUF_AUTO bulla_buf sealed = seal(&here, version, bulla_view_str("x"), 0), out = { 0 };
		assert_int_equal(open(&here, version, other, bulla_view_buf(&sealed), &out), BULLA_ERR_AUTH);
	}
}

/* A version is not guessed: the schema says which one it is. */
static void versions(void **state)
{
	(void)state;
	BULLA_BUF_AUTO bulla_buf record = seal(&here, 1, bulla_view_str("a longer value"), 0),
				 shared = seal(&here, 2, bulla_view_str("x"), 0), out = { 0 };
	assert_int_equal(open(&here, 2, key, bulla_view_buf(&record), &out), BULLA_ERR_VERSION);
	assert_int_equal(open(&here, 1, key, bulla_view_buf(&shared), &out), BULLA_ERR_VERSION);
	for (unsigned number = 0; number <= BULLA_FIELD_VERSION_MASK; number++) {
		record.data[0] = (uint8_t)number;
		if (number != 1) assert_int_equal(open(&here, 1, key, bulla_view_buf(&record), &out), BULLA_ERR_VERSION);
	}
	record.data[0] = BULLA_FIELD_RECORD | BULLA_FIELD_NULL | BULLA_FIELD_PADDED;
	assert_int_equal(open(&here, 1, key, bulla_view_buf(&record), &out), BULLA_ERR_VERSION);
	assert_int_equal(open(&here, 1, key, bulla_view(record.data, 28), &out), BULLA_ERR_FORMAT);
	assert_int_equal(open(&here, 1, key, bulla_view(NULL, 0), &out), BULLA_ERR_FORMAT);
}

/* Sealed by somebody who has the key and does not follow the format: the tag is right, the inside is not. */
static void wrong_inside(void **state)
{
	static const struct {
		uint8_t header;
		const char *plain;
		size_t len;
	} cases[] = {
		{ BULLA_FIELD_RECORD | BULLA_FIELD_PADDED, "", 0 },
		{ BULLA_FIELD_RECORD | BULLA_FIELD_PADDED, "abc", 3 },
		{ BULLA_FIELD_RECORD | BULLA_FIELD_PADDED, "\0\0\0\0", 4 },
		{ BULLA_FIELD_RECORD | BULLA_FIELD_PADDED, "a\x80\0b", 4 },
		{ BULLA_FIELD_RECORD | BULLA_FIELD_NULL, "not empty", 9 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		BULLA_BUF_AUTO bulla_buf associated = associate(&here, cases[i].header), out = { 0 };
		uint8_t sealed[64];
		assert_int_equal(bulla_field_seal(lane, key, cases[i].header, bulla_view_buf(&associated),
						  bulla_view(cases[i].plain, cases[i].len), sealed, NULL),
				 BULLA_OK);
		assert_int_equal(open(&here, 1, key, bulla_view(sealed, 29 + cases[i].len), &out), BULLA_ERR_AUTH);
	}
}

static void sealed_null_is_not_empty(void **state)
{
	(void)state;
	BULLA_BUF_AUTO bulla_buf null = seal(&here, BULLA_FIELD_RECORD | BULLA_FIELD_NULL, bulla_view("", 0), 0);
	BULLA_BUF_AUTO bulla_buf empty = seal(&here, BULLA_FIELD_RECORD, bulla_view("", 0), 0), out = { 0 };
	uint8_t header;
	assert_int_equal(null.len, 29);
	assert_int_equal(empty.len, 29);
	assert_int_equal(bulla_field_header(bulla_view_buf(&null), 1, &header, NULL), BULLA_OK);
	assert_true(header & BULLA_FIELD_NULL);
	assert_int_equal(bulla_field_header(bulla_view_buf(&empty), 1, &header, NULL), BULLA_OK);
	assert_false(header & BULLA_FIELD_NULL);
	/* neither can be turned into the other */
	null.data[0] ^= BULLA_FIELD_NULL;
	empty.data[0] ^= BULLA_FIELD_NULL;
	assert_int_equal(open(&here, 1, key, bulla_view_buf(&null), &out), BULLA_ERR_AUTH);
	assert_int_equal(open(&here, 1, key, bulla_view_buf(&empty), &out), BULLA_ERR_AUTH);
}

static void sixteen_mebibytes(void **state)
{
	(void)state;
	uint8_t *value = calloc(1, BULLA_VALUE_MAX);
	assert_non_null(value);
	value[BULLA_VALUE_MAX - 1] = 7;
	for (uint8_t version = 1; version <= 2; version++) {
		BULLA_BUF_AUTO bulla_buf sealed = seal(&here, version, bulla_view(value, BULLA_VALUE_MAX), 4096), opened = { 0 };
		assert_int_equal(sealed.len, bulla_field_overhead(version) + BULLA_VALUE_MAX + 4096);
		assert_int_equal(open(&here, version, key, bulla_view_buf(&sealed), &opened), BULLA_OK);
		assert_int_equal(opened.len, BULLA_VALUE_MAX);
		assert_int_equal(opened.data[BULLA_VALUE_MAX - 1], 7);
	}
	free(value);
}

static void label_limits(void **state)
{
	char *name = malloc(65537);
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	(void)state;
	assert_non_null(name);
	memset(name, 'm', 65536);
	name[65536] = 0;
	assert_int_equal(bulla_field_label(bulla_view_str(name), bulla_view_str("f"), "string", &out, NULL), BULLA_ERR_LIMIT);
	free(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips),
		cmocka_unit_test(overhead),
		cmocka_unit_test(padding_hides_the_length),
		cmocka_unit_test(nonces_differ),
		cmocka_unit_test(every_flip_and_cut),
		cmocka_unit_test(moved_elsewhere),
		cmocka_unit_test(wrong_key),
		cmocka_unit_test(versions),
		cmocka_unit_test(wrong_inside),
		cmocka_unit_test(sealed_null_is_not_empty),
		cmocka_unit_test(sixteen_mebibytes),
		cmocka_unit_test(label_limits),
	};
	return cmocka_run_group_tests_name("format/field", tests, set_up, tear_down);
}
