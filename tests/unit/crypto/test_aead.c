/*
 * test_aead.c - the AEAD table against its standards, at its edges, and against tampering.
 */
#include "../under_test.h"
#include "known.h"

#include <stdlib.h>

#include "crypto/aead.h"

#define MCGREW_PLAIN                                                                                                             \
	"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b" \
	"39"
#define MCGREW_DATA "feedfacedeadbeeffeedfacedeadbeefabaddad2"
#define MCGREW_KEY  "feffe9928665731c6d6a8f9467308308"
#define SUNSCREEN                                                                                                                \
	"4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a204966204920636f756c64206f66666572"   \
	"20796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73637265656e20776f756c642062652069742e"
#define COUNTED_KEY "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"

static const struct {
	bulla_aead algorithm;
	const char *key, *nonce, *associated, *plain, *sealed;
} answers[] = {
	/* McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 4, 10, 13, 14, 16, 17, 18 */
	{ BULLA_AEAD_AES_128_GCM, MCGREW_KEY, "cafebabefacedbaddecaf888", MCGREW_DATA, MCGREW_PLAIN,
	  "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58"
	  "e0915bc94fbc3221a5db94fae95ae7121a47" },
	{ BULLA_AEAD_AES_192_GCM, MCGREW_KEY "feffe9928665731c", "cafebabefacedbaddecaf888", MCGREW_DATA, MCGREW_PLAIN,
	  "3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c7d773d00c144c525ac619d18c84a3f4718e2448b2fe324d9ccda"
	  "27102519498e80f1478f37ba55bd6d27618c" },
	{ BULLA_AEAD_AES_256_GCM, "0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
	  "", "", "530f8afbc74536b9a963b4f1c4cb738b" },
	{ BULLA_AEAD_AES_256_GCM, "0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
	  "", "00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919" },
	{ BULLA_AEAD_AES_256_GCM, MCGREW_KEY MCGREW_KEY, "cafebabefacedbaddecaf888", MCGREW_DATA, MCGREW_PLAIN,
	  "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9"
	  "f66276fc6ece0f4e1768cddf8853bb2d551b" },
	{ BULLA_AEAD_AES_256_GCM, MCGREW_KEY MCGREW_KEY, "cafebabefacedbad", MCGREW_DATA, MCGREW_PLAIN,
	  "c3762df1ca787d32ae47c13bf19844cbaf1ae14d0b976afac52ff7d79bba9de0feb582d33934a4f0954cc2363bc73f7862ac430e64abe499f47c"
	  "9b1f3a337dbf46a792c45e454913fe2ea8f2" },
	{ BULLA_AEAD_AES_256_GCM, MCGREW_KEY MCGREW_KEY,
	  "9313225df88406e555909c5aff5269aa6a7a9538534f7da1e4c303d2a318a728c3c0c95156809539fcf0e2429a6b525416aedbf5a0de6a57a637"
	  "b39b",
	  MCGREW_DATA, MCGREW_PLAIN,
	  "5a8def2f0c9e53f1f75d7853659e2a20eeb2b22aafde6419a058ab4f6f746bf40fc0c3b780f244452da3ebf1c5d82cdea2418997200ef82e44ae"
	  "7e3fa44a8266ee1c8eb0c8b5d4cf5ae9f19a" },
	/* RFC 8439, 2.8.2 */
	{ BULLA_AEAD_CHACHA20_POLY1305, COUNTED_KEY, "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7", SUNSCREEN,
	  "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6"
	  "a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae1"
	  "0b594f09e26a7e902ecbd0600691" },
	/* draft-irtf-cfrg-xchacha-03, A.3.1 */
	{ BULLA_AEAD_XCHACHA20_POLY1305, COUNTED_KEY, "404142434445464748494a4b4c4d4e4f5051525354555657",
	  "50515253c0c1c2c3c4c5c6c7", SUNSCREEN,
	  "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96"
	  "b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52ec087"
	  "5924c1c7987947deafd8780acf49" },
	/* C2SP XAES-256-GCM: most significant bit of L clear, then set */
	{ BULLA_AEAD_XAES_256_GCM, "0101010101010101010101010101010101010101010101010101010101010101",
	  "4142434445464748494a4b4c4d4e4f505152535455565758", "", "584145532d3235362d47434d",
	  "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271" },
	{ BULLA_AEAD_XAES_256_GCM, "0303030303030303030303030303030303030303030303030303030303030303",
	  "4142434445464748494a4b4c4d4e4f505152535455565758", "633273702e6f72672f584145532d3235362d47434d",
	  "584145532d3235362d47434d", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d" },
};

static bulla_lane *lane_of(void **state)
{
	return *state;
}

static void known_answers(void **state)
{
	/* Twice: the second time through keys and nonce lengths that the lane has just seen change. */
	for (size_t i = 0; i < 2 * COUNT(answers); i++) {
		size_t at = i % COUNT(answers);
		known key = unhex(answers[at].key), nonce = unhex(answers[at].nonce), associated = unhex(answers[at].associated);
		known plain = unhex(answers[at].plain), sealed = unhex(answers[at].sealed);
		uint8_t out[sizeof sealed.bytes];

		assert_int_equal(plain.len + BULLA_TAG_SIZE, sealed.len);
		assert_int_equal(bulla_aead_seal(lane_of(state), answers[at].algorithm, known_view(&key), known_view(&nonce),
						 known_view(&associated), known_view(&plain), out, NULL),
				 BULLA_OK);
		assert_memory_equal(out, sealed.bytes, sealed.len);
		assert_int_equal(bulla_aead_open(lane_of(state), answers[at].algorithm, known_view(&key), known_view(&nonce),
						 known_view(&associated), known_view(&sealed), out, NULL),
				 BULLA_OK);
		assert_memory_equal(out, plain.bytes, plain.len);
	}
}

/* The key, nonce and associated data of the tests below, counted bytes of the algorithm's own sizes. */
typedef struct bench {
	bulla_lane *lane;
	bulla_aead algorithm;
	uint8_t key_bytes[32], nonce_bytes[64], associated_bytes[20];
	bulla_bytes key, nonce, associated;
} bench;

static void prepare(bench *b, bulla_lane *lane, bulla_aead algorithm)
{
	const bulla_aead_info *info = bulla_aead_about(algorithm);

	b->lane = lane;
	b->algorithm = algorithm;
	counted(b->key_bytes, sizeof b->key_bytes, 1);
	counted(b->nonce_bytes, sizeof b->nonce_bytes, 101);
	counted(b->associated_bytes, sizeof b->associated_bytes, 201);
	b->key = bulla_view(b->key_bytes, info->key_size);
	b->nonce = bulla_view(b->nonce_bytes, info->nonce_size);
	b->associated = bulla_view(b->associated_bytes, sizeof b->associated_bytes);
}

static bulla_code seal(const bench *b, const uint8_t *plain, size_t len, uint8_t *out)
{
	return bulla_aead_seal(b->lane, b->algorithm, b->key, b->nonce, b->associated, bulla_view(plain, len), out, NULL);
}

static bulla_code open(const bench *b, const uint8_t *sealed, size_t len, uint8_t *out)
{
	return bulla_aead_open(b->lane, b->algorithm, b->key, b->nonce, b->associated, bulla_view(sealed, len), out, NULL);
}

static void sizes_and_in_place(void **state)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 31, 32, 33, 4095, 65536 };
	uint8_t *plain = malloc(65536), *sealed = malloc(65536 + BULLA_TAG_SIZE), *place = malloc(65536 + BULLA_TAG_SIZE);
	bench b;

	counted(plain, 65536, 7);
	for (int algorithm = 0; algorithm < BULLA_AEAD_COUNT; algorithm++) {
		prepare(&b, lane_of(state), (bulla_aead)algorithm);
		for (size_t i = 0; i < COUNT(sizes); i++) {
			size_t n = sizes[i];
			memcpy(place, plain, n);
			assert_int_equal(seal(&b, plain, n, sealed), BULLA_OK);
			assert_int_equal(seal(&b, place, n, place), BULLA_OK);
			assert_memory_equal(place, sealed, n + BULLA_TAG_SIZE);
			if (n >= 15) assert_memory_not_equal(sealed, plain, n);
			assert_int_equal(open(&b, place, n + BULLA_TAG_SIZE, place), BULLA_OK);
			assert_memory_equal(place, plain, n);
		}
	}
	free(place);
	free(sealed);
	free(plain);
}

/* Views without bytes may be NULL, whatever they are. */
static void nothing_at_all(void **state)
{
	uint8_t sealed[BULLA_TAG_SIZE], out[1] = { 0x5a };
	bench b;

	for (int algorithm = 0; algorithm < BULLA_AEAD_COUNT; algorithm++) {
		prepare(&b, lane_of(state), (bulla_aead)algorithm);
		b.associated = bulla_view(NULL, 0);
		assert_int_equal(seal(&b, NULL, 0, sealed), BULLA_OK);
		assert_int_equal(open(&b, sealed, sizeof sealed, out), BULLA_OK);
		assert_int_equal(out[0], 0x5a);
	}
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
	uint8_t any = 0;
	for (size_t i = 0; i < n; i++)
		any |= bytes[i];
	return any == 0;
}

static void refused(const bench *b, const uint8_t *sealed, size_t len)
{
	uint8_t out[64];
	bulla_error e = { 0 };
	size_t plain_len = len < BULLA_TAG_SIZE ? 0 : len - BULLA_TAG_SIZE;

	memset(out, 0x5a, sizeof out);
	assert_int_equal(
		bulla_aead_open(b->lane, b->algorithm, b->key, b->nonce, b->associated, bulla_view(sealed, len), out, &e),
		BULLA_ERR_AUTH);
	assert_string_equal(e.text, "decryption failed: wrong key, wrong context or changed data");
	assert_true(is_zero(out, plain_len));
	assert_int_equal(out[plain_len], 0x5a);
}

/* Every bit of everything that goes in, and every shorter and one longer length. */
static void tampering(void **state)
{
	uint8_t plain[19], sealed[sizeof plain + BULLA_TAG_SIZE + 1] = { 0 }, out[sizeof plain];
	const size_t len = sizeof plain + BULLA_TAG_SIZE;
	bench b;

	counted(plain, sizeof plain, 9);
	for (int algorithm = 0; algorithm < BULLA_AEAD_COUNT; algorithm++) {
		prepare(&b, lane_of(state), (bulla_aead)algorithm);
		assert_int_equal(seal(&b, plain, sizeof plain, sealed), BULLA_OK);
		const struct {
			uint8_t *bytes;
			size_t len;
		} all[] = { { sealed, len },
			    { b.key_bytes, b.key.len },
			    { b.nonce_bytes, b.nonce.len },
			    { b.associated_bytes, b.associated.len } };
		for (size_t which = 0; which < COUNT(all); which++)
			for (size_t bit = 0; bit < 8 * all[which].len; bit++) {
				all[which].bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
				refused(&b, sealed, len);
				all[which].bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			}
		for (size_t cut = 0; cut < len; cut++)
			refused(&b, sealed, cut);
		refused(&b, sealed, len + 1);
		assert_int_equal(open(&b, sealed, len, out), BULLA_OK);
		assert_memory_equal(out, plain, sizeof plain);
	}
}

static void failed_open_in_place_leaves_nothing(void **state)
{
	uint8_t place[11 + BULLA_TAG_SIZE] = "hello world";
	bench b;

	for (int algorithm = 0; algorithm < BULLA_AEAD_COUNT; algorithm++) {
		prepare(&b, lane_of(state), (bulla_aead)algorithm);
		assert_int_equal(seal(&b, place, 11, place), BULLA_OK);
		place[26] ^= 1;
		assert_int_equal(open(&b, place, sizeof place, place), BULLA_ERR_AUTH);
		assert_true(is_zero(place, 11));
	}
}

static void wrong_sizes(void **state)
{
	uint8_t plain[4] = { 0 }, out[4 + BULLA_TAG_SIZE];
	static const uint8_t zeros[80];
	bench b;

	for (int algorithm = 0; algorithm < BULLA_AEAD_COUNT; algorithm++) {
		const bulla_aead_info *info = bulla_aead_about((bulla_aead)algorithm);
		prepare(&b, lane_of(state), (bulla_aead)algorithm);
		for (size_t n = 0; n < 65; n++) {
			b.key = bulla_view(zeros, n);
			assert_int_equal(seal(&b, plain, sizeof plain, out), n == info->key_size ? BULLA_OK : BULLA_ERR_USAGE);
		}
		b.key = bulla_view(zeros, info->key_size);
		bool gcm = info->key_size && strcmp(info->name, "AES-GCM") == 0;
		for (size_t n = 0; n < sizeof zeros; n++) {
			b.nonce = bulla_view(zeros, n);
			bool good = gcm ? n >= 1 && n <= 64 : n == info->nonce_size;
			assert_int_equal(seal(&b, plain, sizeof plain, out), good ? BULLA_OK : BULLA_ERR_USAGE);
			assert_int_equal(open(&b, out, sizeof out, out), good ? BULLA_OK : BULLA_ERR_USAGE);
		}
		b.nonce = bulla_view(zeros, info->nonce_size);
		b.associated = bulla_view(zeros, (size_t)BULLA_AEAD_MAX + 1); /* refused before it is read */
		assert_int_equal(seal(&b, plain, sizeof plain, out), BULLA_ERR_LIMIT);
	}
	b.algorithm = BULLA_AEAD_COUNT;
	assert_int_equal(seal(&b, plain, sizeof plain, out), BULLA_ERR_USAGE);
	assert_null(bulla_aead_about(BULLA_AEAD_COUNT));
}

/* What a lane remembers must never show: each step's result equals that of a lane made for it alone. */
static void memory_does_not_show(void **state)
{
	static const size_t nonce_sizes[] = { 12, 12, 8, 12, 64, 1, 12 };
	uint8_t plain[16] = { 0 }, kept[32], fresh[32], out[16];
	uint64_t dice = 88172645463325252u;

	for (int i = 0; i < 400; i++) {
		bulla_lane *alone;
		bench b;

		dice ^= dice << 13;
		dice ^= dice >> 7;
		dice ^= dice << 17;
		prepare(&b, lane_of(state), (bulla_aead)(dice % BULLA_AEAD_COUNT));
		b.key_bytes[31] = b.key_bytes[15] = (uint8_t)(dice >> 8 & 3);
		if (strcmp(bulla_aead_about(b.algorithm)->name, "AES-GCM") == 0)
			b.nonce.len = nonce_sizes[(dice >> 16) % COUNT(nonce_sizes)];
		assert_int_equal(seal(&b, plain, sizeof plain, kept), BULLA_OK);
		if (dice >> 24 & 1) { /* a failure in between */
			kept[3] ^= 1;
			assert_int_equal(open(&b, kept, sizeof kept, out), BULLA_ERR_AUTH);
			kept[3] ^= 1;
		}
		assert_int_equal(open(&b, kept, sizeof kept, out), BULLA_OK);
		assert_memory_equal(out, plain, sizeof plain);
		assert_int_equal(lane_under_test(&alone), BULLA_OK);
		b.lane = alone;
		assert_int_equal(seal(&b, plain, sizeof plain, fresh), BULLA_OK);
		assert_memory_equal(kept, fresh, sizeof kept);
		bulla_lane_free(alone);
	}
}

static int make_lane(void **state)
{
	return lane_under_test((bulla_lane **)state) == BULLA_OK ? 0 : -1;
}

static int free_lane(void **state)
{
	bulla_lane_free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),        cmocka_unit_test(sizes_and_in_place),
		cmocka_unit_test(nothing_at_all),       cmocka_unit_test(tampering),
		cmocka_unit_test(wrong_sizes),          cmocka_unit_test(failed_open_in_place_leaves_nothing),
		cmocka_unit_test(memory_does_not_show),
	};
	return cmocka_run_group_tests_name("crypto/aead", tests, make_lane, free_lane);
}
