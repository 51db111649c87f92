/*
 * test_keywrap.c - AES key wrap against RFC 3394 and RFC 5649, at its edges, and against tampering.
 */
#include "known.h"

#include "crypto/keywrap.h"

#define KEY32 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static const struct {
	bool padded;
	const char *key, *plain, *wrapped;
} answers[] = {
	/* RFC 3394, 4.1, 4.2, 4.3, 4.5, 4.6 */
	{ false, "000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff",
	  "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5" },
	{ false, "000102030405060708090a0b0c0d0e0f1011121314151617", "00112233445566778899aabbccddeeff",
	  "96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d" },
	{ false, KEY32, "00112233445566778899aabbccddeeff", "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7" },
	{ false, KEY32, "00112233445566778899aabbccddeeff0001020304050607",
	  "a8f9bc1612c68b3ff6e6f4fbe30e71e4769c8b80a32cb8958cd5d17d6b254da1" },
	{ false, KEY32, "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f",
	  "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21" },
	/* RFC 5649, section 6 */
	{ true, "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8", "c37b7e6492584340bed12207808941155068f738",
	  "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a" },
	{ true, "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8", "466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f" },
};

static void known_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		known key = unhex(answers[i].key), plain = unhex(answers[i].plain), wrapped = unhex(answers[i].wrapped);
		BULLA_BUF_AUTO bulla_buf out = { 0 };

		assert_int_equal(bulla_keywrap(known_view(&key), answers[i].padded, known_view(&plain), &out, NULL), BULLA_OK);
		assert_int_equal(out.len, wrapped.len);
		assert_memory_equal(out.data, wrapped.bytes, wrapped.len);
		/* appended behind it */
		assert_int_equal(bulla_keyunwrap(known_view(&key), answers[i].padded, known_view(&wrapped), &out, NULL),
				 BULLA_OK);
		assert_int_equal(out.len, wrapped.len + plain.len);
		assert_memory_equal(out.data, wrapped.bytes, wrapped.len);
		assert_memory_equal(out.data + wrapped.len, plain.bytes, plain.len);
	}
}

static void every_length(void **state)
{
	known key = unhex(KEY32);
	uint8_t plain[70];
	(void)state;

	counted(plain, sizeof plain, 3);
	for (int padded = 0; padded < 2; padded++)
		for (size_t n = 0; n <= sizeof plain; n++) {
			bool good = padded ? n > 0 : n >= 16 && n % 8 == 0;
			BULLA_BUF_AUTO bulla_buf wrapped = { 0 }, out = { 0 };

			bulla_code code = bulla_keywrap(known_view(&key), padded, bulla_view(plain, n), &wrapped, NULL);
			assert_int_equal(code, good ? BULLA_OK : BULLA_ERR_USAGE);
			if (!good) continue;
			assert_int_equal(wrapped.len, (n + 7) / 8 * 8 + 8);
			assert_int_equal(bulla_keyunwrap(known_view(&key), padded, bulla_view_buf(&wrapped), &out, NULL),
					 BULLA_OK);
			assert_int_equal(out.len, n);
			assert_memory_equal(out.data, plain, n);
		}
}

static void tampering(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		known key = unhex(answers[i].key), wrapped = unhex(answers[i].wrapped);
		BULLA_BUF_AUTO bulla_buf out = { 0 };
		bulla_error e = { 0 };

		for (size_t bit = 0; bit < 8 * wrapped.len; bit++) {
			wrapped.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(bulla_keyunwrap(known_view(&key), answers[i].padded, known_view(&wrapped), &out, &e),
					 BULLA_ERR_AUTH);
			wrapped.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		for (size_t cut = 0; cut < wrapped.len; cut++)
			assert_int_equal(
				bulla_keyunwrap(known_view(&key), answers[i].padded, bulla_view(wrapped.bytes, cut), &out, &e),
				BULLA_ERR_AUTH);
		/* the other kind does not unwrap it either */
		assert_int_equal(bulla_keyunwrap(known_view(&key), !answers[i].padded, known_view(&wrapped), &out, &e),
				 BULLA_ERR_AUTH);
		assert_string_equal(e.text, "decryption failed: wrong key, wrong context or changed data");
		assert_int_equal(out.len, 0);
	}
}

static void limits(void **state)
{
	static const uint8_t zeros[BULLA_KEYWRAP_MAX + 8];
	bulla_bytes key = bulla_view(zeros, 32);
	BULLA_BUF_AUTO bulla_buf out = { 0 }, small = { .max = 16 };
	(void)state;

	for (size_t n = 0; n < 65; n++) {
		bool good = n == 16 || n == 24 || n == 32;
		assert_int_equal(bulla_keywrap(bulla_view(zeros, n), false, bulla_view(zeros, 16), &out, NULL),
				 good ? BULLA_OK : BULLA_ERR_USAGE);
		assert_int_equal(bulla_keyunwrap(bulla_view(zeros, n), false, bulla_view(zeros, 24), &out, NULL),
				 good ? BULLA_ERR_AUTH : BULLA_ERR_USAGE);
	}
	bulla_buf_clear(&out);
	assert_int_equal(bulla_keywrap(key, true, bulla_view(zeros, BULLA_KEYWRAP_MAX + 1), &out, NULL), BULLA_ERR_LIMIT);
	assert_int_equal(bulla_keywrap(key, true, bulla_view(zeros, BULLA_KEYWRAP_MAX), &out, NULL), BULLA_OK);
	BULLA_BUF_AUTO bulla_buf back = { 0 };
	assert_int_equal(bulla_keyunwrap(key, true, bulla_view_buf(&out), &back, NULL), BULLA_OK);
	assert_int_equal(back.len, BULLA_KEYWRAP_MAX);
	assert_int_equal(bulla_keywrap(key, false, bulla_view(zeros, 16), &small, NULL), BULLA_ERR_LIMIT);
	assert_int_equal(small.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(known_answers), cmocka_unit_test(every_length),
					    cmocka_unit_test(tampering), cmocka_unit_test(limits) };
	return cmocka_run_group_tests_name("crypto/keywrap", tests, NULL, NULL);
}
