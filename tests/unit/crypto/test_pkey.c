/*
 * test_pkey.c - key pairs are made, written and read again; nothing else is read.
 */
#include "pairs.h"

#include "../flip.h"
#include "der.h"

#include <openssl/err.h>

static void pairs_are_written_and_read(void **state)
{
	(void)state;
	for (bulla_spec spec = BULLA_SPEC_RSA_2048; is_pair(spec); spec++) {
		const bulla_pkey *pair = pair_of(spec);
		BULLA_BUF_AUTO bulla_buf private_der = written(pair, true), public_der = written(pair, false);
		bulla_pkey *again, *public_key;

		assert_int_equal(bulla_pkey_spec(pair), spec);
		assert_true(bulla_pkey_is_private(pair));
		assert_true(private_der.len <= BULLA_PKEY_PRIVATE_MAX && public_der.len <= BULLA_PKEY_PUBLIC_MAX);
		must(bulla_pkey_read_private(spec, bulla_view_buf(&private_der), &again, &err), "reading");
		must(bulla_pkey_read_public(spec, bulla_view_buf(&public_der), &public_key, &err), "reading");
		assert_true(bulla_pkey_is_private(again));
		assert_false(bulla_pkey_is_private(public_key));
		BULLA_BUF_AUTO bulla_buf private_again = written(again, true), public_again = written(again, false);
		BULLA_BUF_AUTO bulla_buf public_alone = written(public_key, false);
		assert_true(bulla_bytes_equal(bulla_view_buf(&private_again), bulla_view_buf(&private_der)));
		assert_true(bulla_bytes_equal(bulla_view_buf(&public_again), bulla_view_buf(&public_der)));
		assert_true(bulla_bytes_equal(bulla_view_buf(&public_alone), bulla_view_buf(&public_der)));
		bulla_pkey_free(again);
		bulla_pkey_free(public_key);
	}
}

/* One of 4096 bits is as these and takes many seconds. */
static void each_pair_is_new(void **state)
{
	(void)state;
	for (bulla_spec spec = BULLA_SPEC_RSA_2048; is_pair(spec); spec++) {
		bulla_pkey *other;
		if (spec == BULLA_SPEC_RSA_4096) continue;
		must(bulla_pkey_generate(spec, &other, &err), bulla_spec_about(spec)->name);
		assert_int_equal(bulla_pkey_spec(other), spec);
		BULLA_BUF_AUTO bulla_buf one = written(pair_of(spec), false), two = written(other, false);
		assert_false(bulla_bytes_equal(bulla_view_buf(&one), bulla_view_buf(&two)));
		bulla_pkey_free(other);
	}
}

static void no_pair_is_made_of_other_specs(void **state)
{
	static const bulla_spec others[] = { BULLA_SPEC_SYMMETRIC_DEFAULT, BULLA_SPEC_HMAC_224, BULLA_SPEC_HMAC_512,
					     BULLA_SPEC_COUNT };
	bulla_pkey *out;
	(void)state;

	for (size_t i = 0; i < COUNT(others); i++) {
		assert_int_equal(bulla_pkey_generate(others[i], &out, NULL), BULLA_ERR_USAGE);
		assert_int_equal(bulla_pkey_read_private(others[i], bulla_view("", 0), &out, NULL), BULLA_ERR_USAGE);
		assert_int_equal(bulla_pkey_read_public(others[i], bulla_view("", 0), &out, NULL), BULLA_ERR_USAGE);
	}
}

static void a_key_of_another_spec_is_none(void **state)
{
	(void)state;
	for (bulla_spec spec = BULLA_SPEC_RSA_2048; is_pair(spec); spec++) {
		BULLA_BUF_AUTO bulla_buf private_der = written(pair_of(spec), true), public_der = written(pair_of(spec), false);
		for (bulla_spec other = BULLA_SPEC_RSA_2048; is_pair(other); other++) {
			bulla_pkey *out;
			if (other == spec) continue;
			assert_int_equal(bulla_pkey_read_private(other, bulla_view_buf(&private_der), &out, &err),
					 BULLA_ERR_FORMAT);
			assert_int_equal(bulla_pkey_read_public(other, bulla_view_buf(&public_der), &out, &err),
					 BULLA_ERR_FORMAT);
			assert_int_equal(ERR_peek_error(), 0);
		}
		/* nor is one half the other */
		bulla_pkey *out;
		assert_int_equal(bulla_pkey_read_private(spec, bulla_view_buf(&public_der), &out, &err), BULLA_ERR_FORMAT);
		assert_int_equal(bulla_pkey_read_public(spec, bulla_view_buf(&private_der), &out, &err), BULLA_ERR_FORMAT);
	}
}

static void a_public_key_has_no_private_part(void **state)
{
	bulla_pkey *key = public_of(pair_of(BULLA_SPEC_ECC_NIST_P256));
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	(void)state;

	assert_int_equal(bulla_pkey_write_private(key, &out, NULL), BULLA_ERR_USAGE);
	assert_int_equal(bulla_pkey_check(key, NULL), BULLA_ERR_USAGE);
	assert_int_equal(out.len, 0);
	bulla_pkey_free(key);
	bulla_pkey_free(NULL);
}

static void appended_or_left_as_it_was(void **state)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 }, small = { .max = 16 };
	(void)state;

	must(bulla_buf_add_str(&out, "before", &err), "a buffer");
	must(bulla_pkey_write_public(pair_of(BULLA_SPEC_ECC_NIST_P256), &out, &err), "writing");
	assert_int_equal(out.len, 6 + 91);
	assert_memory_equal(out.data, "before\x30", 7);
	must(bulla_buf_add_str(&small, "before", &err), "a buffer");
	assert_int_equal(bulla_pkey_write_public(pair_of(BULLA_SPEC_ECC_NIST_P256), &small, NULL), BULLA_ERR_LIMIT);
	assert_int_equal(bulla_pkey_write_private(pair_of(BULLA_SPEC_ECC_NIST_P256), &small, NULL), BULLA_ERR_LIMIT);
	assert_int_equal(small.len, 6);
}

/* --- what is no key ---------------------------------------------------------------------------------------------- */

static bool opens_public(void *self, bulla_bytes der)
{
	bulla_pkey *out = NULL;
	bulla_code code = bulla_pkey_read_public(*(bulla_spec *)self, der, &out, &err);
	assert_true(code == BULLA_OK || code == BULLA_ERR_FORMAT);
	assert_int_equal(ERR_peek_error(), 0);
	bulla_pkey_free(out);
	return code == BULLA_OK;
}

/* A point with a bit flipped is off the curve, a form of a point that is not the uncompressed one is refused. */
static void every_bit_of_a_point_counts(void **state)
{
	(void)state;
	for (bulla_spec spec = BULLA_SPEC_ECC_NIST_P256; spec <= BULLA_SPEC_ECC_SECG_P256K1; spec++) {
		BULLA_BUF_AUTO bulla_buf der = written(pair_of(spec), false);
		if (spec == BULLA_SPEC_ECC_NIST_P384) continue; /* as slow as it is like the others */
		flip_everything(bulla_view_buf(&der), (flip_gap){ 0, 0 }, opens_public, &spec);
	}
}

/* All in front of the numbers: a modulus may be another one, and 32 bytes of Ed25519 are always a key. */
static void every_bit_of_a_frame_counts(void **state)
{
	static const struct {
		bulla_spec spec;
		size_t frame;
	} frames[] = { { BULLA_SPEC_RSA_2048, 33 }, { BULLA_SPEC_ECC_NIST_EDWARDS25519, 12 } };
	(void)state;

	for (size_t i = 0; i < COUNT(frames); i++) {
		bulla_spec spec = frames[i].spec;
		BULLA_BUF_AUTO bulla_buf der = written(pair_of(spec), false);
		for (size_t bit = 0; bit < 8 * frames[i].frame; bit++)
			flip_bit(bulla_view_buf(&der), bit, (flip_gap){ 0, 0 }, opens_public, &spec);
		for (size_t len = 0; len < der.len + 16; len++)
			if (len != der.len) flip_cut(bulla_view_buf(&der), len, opens_public, &spec);
	}
}

static void points_have_one_form(void **state)
{
	(void)state;
	for (bulla_spec spec = BULLA_SPEC_ECC_NIST_P256; spec <= BULLA_SPEC_ECC_SECG_P256K1; spec++) {
		size_t field = (bulla_spec_about(spec)->bits + 7) / 8;
		BULLA_BUF_AUTO bulla_buf der = written(pair_of(spec), false), again = { 0 }, compressed = { 0 }, hybrid = { 0 },
					 infinite = { 0 };
		uint8_t *point = der.data + der.len - 2 * field - 1;
		uint8_t odd = der.data[der.len - 1] & 1;
		assert_int_equal(*point, 4);
		assert_true(der_put_public(&again, spec, bulla_view(point, 2 * field + 1)));
		assert_true(opens_public(&spec, bulla_view_buf(&again)));
		*point = 2 | odd;
		assert_true(der_put_public(&compressed, spec, bulla_view(point, field + 1)));
		assert_false(opens_public(&spec, bulla_view_buf(&compressed)));
		*point = 6 | odd;
		assert_true(der_put_public(&hybrid, spec, bulla_view(point, 2 * field + 1)));
		assert_false(opens_public(&spec, bulla_view_buf(&hybrid)));
		assert_true(der_put_public(&infinite, spec, bulla_view("\x00", 1)));
		assert_false(opens_public(&spec, bulla_view_buf(&infinite)));
	}
}

typedef struct private_world {
	bulla_spec spec;
	size_t read;
	bool checks;
} private_world;

/* A private number with a bit flipped may be a key too; one that passes the check signs what its public key verifies. */
static void must_work(const bulla_pkey *key)
{
	for (bulla_algorithm a = 0; a < BULLA_ALGORITHM_COUNT; a++) {
		BULLA_BUF_AUTO bulla_buf signature = { 0 };
		if (!bulla_algorithm_fits(a, bulla_pkey_spec(key), BULLA_USE_SIGN_VERIFY) || !bulla_algorithm_about(a)->digest)
			continue;
		must(bulla_pkey_sign(key, a, BULLA_MESSAGE_RAW, bulla_view("m", 1), &signature, &err), "signing");
		must(bulla_pkey_verify(key, a, BULLA_MESSAGE_RAW, bulla_view("m", 1), bulla_view_buf(&signature), &err),
		     "verifying");
	}
}

static bool opens_private(void *self, bulla_bytes der)
{
	private_world *world = self;
	bulla_pkey *out = NULL;
	bulla_code code = bulla_pkey_read_private(world->spec, der, &out, &err);
	assert_true(code == BULLA_OK || code == BULLA_ERR_FORMAT);
	world->read += code == BULLA_OK;
	if (code == BULLA_OK && world->checks) {
		bulla_code fits = bulla_pkey_check(out, &err);
		assert_true(fits == BULLA_OK || fits == BULLA_ERR_FORMAT);
		if (fits == BULLA_OK) must_work(out);
	}
	assert_int_equal(ERR_peek_error(), 0);
	bulla_pkey_free(out);
	return code == BULLA_OK;
}

static void private_keys_with_a_bit_flipped(void **state)
{
	static const bulla_spec specs[] = { BULLA_SPEC_ECC_NIST_P256, BULLA_SPEC_ECC_SECG_P256K1,
					    BULLA_SPEC_ECC_NIST_EDWARDS25519 };
	(void)state;

	for (size_t i = 0; i < COUNT(specs); i++) {
		private_world world = { .spec = specs[i], .checks = specs[i] == BULLA_SPEC_ECC_NIST_P256 };
		BULLA_BUF_AUTO bulla_buf der = written(pair_of(specs[i]), true);
		/* every length cut is refused */
		flip_everything(bulla_view_buf(&der), (flip_gap){ 0, der.len }, opens_private, &world);
	}
}

static void parts_that_do_not_fit(void **state)
{
	static const size_t flips[] = { 80, 350, 600, 750, 900, 1030, 1200 }; /* n, d, p, q, the two exponents, the coefficient */
	BULLA_BUF_AUTO bulla_buf der = unhex_long(WYCHEPROOF_RSA_2048);
	bulla_pkey *key = wycheproof_key();
	(void)state;

	must(bulla_pkey_check(key, &err), "checking");
	bulla_pkey_free(key);
	for (size_t i = 0; i < COUNT(flips); i++) {
		der.data[flips[i]] ^= 4;
		must(bulla_pkey_read_private(BULLA_SPEC_RSA_2048, bulla_view_buf(&der), &key, &err), "reading");
		assert_int_equal(bulla_pkey_check(key, &err), BULLA_ERR_FORMAT);
		assert_string_equal(err.text, "the parts of the private key do not fit each other");
		assert_int_equal(ERR_peek_error(), 0);
		bulla_pkey_free(key);
		der.data[flips[i]] ^= 4;
	}
}

static void curves_that_are_checked(void **state)
{
	(void)state;
	for (bulla_spec spec = BULLA_SPEC_ECC_NIST_P256; spec <= BULLA_SPEC_ECC_NIST_EDWARDS25519; spec++)
		must(bulla_pkey_check(pair_of(spec), &err), bulla_spec_about(spec)->name);
}

/* --- noise ------------------------------------------------------------------------------------------------------- */

static uint64_t noise_state = 0x9e3779b97f4a7c15;

static uint32_t noise(uint32_t below)
{
	noise_state ^= noise_state << 13;
	noise_state ^= noise_state >> 7;
	noise_state ^= noise_state << 17;
	return (uint32_t)(noise_state >> 32) % below;
}

/* One to four changes: a byte set, a piece moved or cut out. */
static size_t disturb(uint8_t *der, size_t len)
{
	for (uint32_t changes = 1 + noise(4); changes; changes--) {
		uint32_t at = noise((uint32_t)len), from = noise((uint32_t)len);
		size_t n = 1 + noise(8);
		if (noise(4)) {
			der[at] = noise(2) ? (uint8_t)noise(256) : (uint8_t)(der[at] + 1);
			continue;
		}
		if (n > len - at) n = len - at;
		if (n > len - from) n = len - from;
		memmove(der + at, der + from, n);
		if (noise(3) == 0 && len > 1) len -= 1;
	}
	return len;
}

static void noise_is_read_or_refused(void **state)
{
	(void)state;
	for (bulla_spec spec = BULLA_SPEC_RSA_2048; is_pair(spec); spec++) {
		if (spec == BULLA_SPEC_RSA_3072 || spec == BULLA_SPEC_RSA_4096) continue;
		BULLA_BUF_AUTO bulla_buf private_der = written(pair_of(spec), true), public_der = written(pair_of(spec), false);
		private_world world = { .spec = spec };
		uint8_t copy[BULLA_PKEY_PRIVATE_MAX];
		for (size_t i = 0; i < 200; i++) {
			const bulla_buf *from = i & 1 ? &private_der : &public_der;
			memcpy(copy, from->data, from->len);
			bulla_bytes changed = bulla_view(copy, disturb(copy, from->len));
			(void)opens_private(&world, changed);
			(void)opens_public(&spec, changed);
		}
	}
}

static void limits(void **state)
{
	static uint8_t large[BULLA_PKEY_PRIVATE_MAX + 1] = { 0x30, 0x82, 0x09, 0xfd };
	bulla_pkey *out;
	(void)state;

	assert_int_equal(bulla_pkey_read_private(BULLA_SPEC_RSA_4096, bulla_view(large, sizeof large), &out, NULL),
			 BULLA_ERR_FORMAT);
	assert_int_equal(bulla_pkey_read_public(BULLA_SPEC_RSA_4096, bulla_view(large, sizeof large), &out, NULL),
			 BULLA_ERR_FORMAT);
	assert_int_equal(bulla_pkey_read_private(BULLA_SPEC_RSA_4096, bulla_view(NULL, 0), &out, NULL), BULLA_ERR_FORMAT);
	assert_int_equal(bulla_pkey_read_public(BULLA_SPEC_RSA_4096, bulla_view(NULL, 0), &out, &err), BULLA_ERR_FORMAT);
	assert_string_equal(err.text, "this is no public key of spec RSA_4096 in DER");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_are_written_and_read),
		cmocka_unit_test(each_pair_is_new),
		cmocka_unit_test(no_pair_is_made_of_other_specs),
		cmocka_unit_test(a_key_of_another_spec_is_none),
		cmocka_unit_test(a_public_key_has_no_private_part),
		cmocka_unit_test(appended_or_left_as_it_was),
		cmocka_unit_test(every_bit_of_a_point_counts),
		cmocka_unit_test(every_bit_of_a_frame_counts),
		cmocka_unit_test(points_have_one_form),
		cmocka_unit_test(private_keys_with_a_bit_flipped),
		cmocka_unit_test(parts_that_do_not_fit),
		cmocka_unit_test(curves_that_are_checked),
		cmocka_unit_test(noise_is_read_or_refused),
		cmocka_unit_test(limits),
	};
	return cmocka_run_group_tests_name("crypto/pkey", tests, NULL, pairs_free);
}
