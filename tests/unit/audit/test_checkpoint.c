/*
 * test_checkpoint.c - the text of a checkpoint, and everything that is nearly one.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "audit/checkpoint.h"
#include "base/text.h"
#include "crypto/sign.h"

#include <string.h>

static const uint8_t seed[32] = { 3 };

typedef struct fixture {
	bulla_lane *lane;
	bulla_note_key key;
} fixture;

static int setup(void **state)
{
	static fixture f;
	uint8_t public_key[32];
	if (bulla_lane_new(&f.lane, NULL) || bulla_ed25519_public(seed, public_key, NULL)) return -1;
	if (bulla_note_key_of(f.lane, "bulla/0a", public_key, &f.key, NULL)) return -1;
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	bulla_lane_free(((fixture *)*state)->lane);
	return 0;
}

static const char zeros[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

static void writes_and_reads(void **state)
{
	const fixture *f = *state;
	static const uint64_t numbers[] = { 0, 1, 255, 4294967296, UINT64_MAX };
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		BULLA_BUF_AUTO bulla_buf note = { 0 };
		const bulla_checkpoint in = { .head = { .size = numbers[i], .root = { 1, 2, 3 } }, .generation = numbers[i] / 2 };
		bulla_checkpoint out;
		assert_int_equal(bulla_checkpoint_sign(&f->key, seed, &in, &note, NULL), BULLA_OK);
		assert_int_equal(bulla_checkpoint_verify(&f->key, bulla_view_buf(&note), &out, NULL), BULLA_OK);
		assert_memory_equal(&in, &out, sizeof in);
		assert_int_equal(bulla_checkpoint_parse("bulla/0a", bulla_view_buf(&note), &out, NULL), BULLA_OK);
		assert_int_equal(bulla_checkpoint_parse("bulla/0b", bulla_view_buf(&note), &out, NULL), BULLA_ERR_AUDIT);
	}
}

static void has_the_text_of_the_specification(void **state)
{
	const fixture *f = *state;
	BULLA_BUF_AUTO bulla_buf note = { 0 };
	const bulla_checkpoint in = { .head.size = 12, .generation = 7 };
	assert_int_equal(bulla_checkpoint_sign(&f->key, seed, &in, &note, NULL), BULLA_OK);
	static const char start[] =
		"bulla/0a\n12\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\ngeneration 7\n\n\xe2\x80\x94 bulla/0a ";
	assert_memory_equal(note.data, start, sizeof start - 1);
}

/* Signed by the right key, every one of them. */
static void refuses_what_is_nearly_one(void **state)
{
	const fixture *f = *state;
	static const char *const wrong[] = {
		"bulla/0a\n12\n%s\n",
		"bulla/0a\n12\n%s\ngeneration 7\nmore\n",
		"bulla/0a\n012\n%s\ngeneration 7\n",
		"bulla/0a\n+12\n%s\ngeneration 7\n",
		"bulla/0a\n\n%s\ngeneration 7\n",
		"bulla/0a\n18446744073709551616\n%s\ngeneration 7\n",
		"bulla/0a\n1/\n%s\ngeneration 7\n",
		"bulla/0a\n12\n%s\ngeneration 07\n",
		"bulla/0a\n12\n%s\ngeneration \n",
		"bulla/0a\n12\n%s\ngeneratioN 7\n",
		"bulla/0a\n12\n%s\n\ngeneration 7\n",
		"bulla/0a\n12\n%s=\ngeneration 7\n",
		"bulla/0a\n12\nAAAA%s\ngeneration 7\n",
		"bulla/0\n12\n%s\ngeneration 7\n",
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		BULLA_BUF_AUTO bulla_buf text = { 0 };
		BULLA_BUF_AUTO bulla_buf note = { 0 };
		const char *mark = strstr(wrong[i], "%s");
		bulla_checkpoint out;
		assert_int_equal(bulla_buf_add(&text, bulla_view(wrong[i], (size_t)(mark - wrong[i])), NULL), BULLA_OK);
		assert_int_equal(bulla_buf_add_str(&text, zeros, NULL), BULLA_OK);
		assert_int_equal(bulla_buf_add_str(&text, mark + 2, NULL), BULLA_OK);
		assert_int_equal(bulla_note_sign(&f->key, seed, bulla_view_buf(&text), &note, NULL), BULLA_OK);
		assert_int_equal(bulla_checkpoint_verify(&f->key, bulla_view_buf(&note), &out, NULL), BULLA_ERR_AUDIT);
	}
}

static void refuses_every_flip_and_cut(void **state)
{
	const fixture *f = *state;
	BULLA_BUF_AUTO bulla_buf note = { 0 };
	const bulla_checkpoint in = { .head.size = 12, .generation = 7 };
	bulla_checkpoint out;
	bulla_error err = { 0 };
	assert_int_equal(bulla_checkpoint_sign(&f->key, seed, &in, &note, NULL), BULLA_OK);
	for (size_t i = 0; i < note.len; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			note.data[i] ^= (uint8_t)(1u << bit);
			assert_int_equal(bulla_checkpoint_verify(&f->key, bulla_view_buf(&note), &out, &err), BULLA_ERR_AUDIT);
			assert_int_equal(err.code, BULLA_ERR_AUDIT);
			note.data[i] ^= (uint8_t)(1u << bit);
		}
	for (size_t n = 0; n < note.len; n++)
		assert_int_equal(bulla_checkpoint_verify(&f->key, bulla_view(note.data, n), &out, NULL), BULLA_ERR_AUDIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_and_reads),
		cmocka_unit_test(has_the_text_of_the_specification),
		cmocka_unit_test(refuses_what_is_nearly_one),
		cmocka_unit_test(refuses_every_flip_and_cut),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
