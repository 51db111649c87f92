/*
 * test_lane.c - SHA-256, HMAC-SHA-256 and random bytes of a lane, what a fork may not share, and what forgetting leaves.
 */
#include "known.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/aead.h"
#include "crypto/lane_inside.h"

static void sha256_answers(void **state)
{
	/* FIPS 180-4 examples */
	static const struct {
		const char *message, *digest;
	} answers[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};
	uint8_t out[32];

	for (size_t i = 0; i < COUNT(answers); i++) {
		bulla_bytes message = bulla_view_str(answers[i].message);
		known digest = unhex(answers[i].digest);
		assert_int_equal(bulla_sha256(*state, &message, 1, out, NULL), BULLA_OK);
		assert_memory_equal(out, digest.bytes, sizeof out);
	}
	known empty = unhex(answers[0].digest);
	assert_int_equal(bulla_sha256(*state, NULL, 0, out, NULL), BULLA_OK);
	assert_memory_equal(out, empty.bytes, sizeof out);
}

static void sha256_of_a_million(void **state)
{
	known digest = unhex("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	uint8_t out[32], *a = malloc(1000000);
	bulla_bytes message = bulla_view(a, 1000000);

	memset(a, 'a', 1000000);
	assert_int_equal(bulla_sha256(*state, &message, 1, out, NULL), BULLA_OK);
	assert_memory_equal(out, digest.bytes, sizeof out);
	free(a);
}

/* Short messages are ended by us, long ones by OpenSSL: every length around blocks and around that limit. */
static void sha256_of_every_length(void **state)
{
	uint8_t bytes[600], ours[32], theirs[32];

	counted(bytes, sizeof bytes, 5);
	for (size_t n = 0; n <= sizeof bytes; n++) {
		const bulla_bytes parts[] = { bulla_view(bytes, n / 3), bulla_view(NULL, 0),
					      bulla_view(bytes + n / 3, n - n / 3) };
		assert_int_equal(EVP_Digest(bytes, n, theirs, NULL, EVP_sha256(), NULL), 1);
		assert_int_equal(bulla_sha256(*state, parts, COUNT(parts), ours, NULL), BULLA_OK);
		assert_memory_equal(ours, theirs, sizeof ours);
	}
}

/* Parts are joined in a buffer of 256 bytes where they fit: cut around that size in every way that matters. */
static void parts_are_a_concatenation(void **state)
{
	static const size_t totals[] = { 0, 1, 63, 64, 255, 256, 257, 300, 511, 600 };
	uint8_t bytes[600], key[32], whole[32], cut[32];

	counted(bytes, sizeof bytes, 3);
	counted(key, sizeof key, 77);
	for (size_t i = 0; i < COUNT(totals); i++) {
		size_t n = totals[i];
		bulla_bytes all = bulla_view(bytes, n);
		for (size_t at = 0; at <= n; at += n > 64 ? 51 : 1) {
			const bulla_bytes parts[] = {
				{ bytes, at / 2 }, { NULL, 0 }, { bytes + at / 2, at - at / 2 }, { bytes + at, n - at }
			};
			assert_int_equal(bulla_sha256(*state, &all, 1, whole, NULL), BULLA_OK);
			assert_int_equal(bulla_sha256(*state, parts, COUNT(parts), cut, NULL), BULLA_OK);
			assert_memory_equal(whole, cut, sizeof cut);
			assert_int_equal(bulla_hmac_sha256(*state, key, &all, 1, whole, NULL), BULLA_OK);
			assert_int_equal(bulla_hmac_sha256(*state, key, parts, COUNT(parts), cut, NULL), BULLA_OK);
			assert_memory_equal(whole, cut, sizeof cut);
		}
	}
}

/* Keys alternate, repeat and return; the answers are HMAC's of another implementation (Python's hmac module). */
static void hmac_answers(void **state)
{
	static const struct {
		uint8_t key_byte;
		const char *message, *tag;
	} answers[] = {
		{ 0x0b, "Hi There", "198a607eb44bfbc69903a0f1cf2bbdc5ba0aa3f3d9ae3c1c7a3b1696a0b68cf7" },
		{ 0x0b, "", "5177e637aaac0b50e5dca8bb05b0b571444bd59b9b0d834d50681af21fc14b1e" },
		{ 0xaa, "what do ya want for nothing?", "40f7684c3cbd90ba46f70247ca1d7cc692d673f434b66926a93c7f224ec74a5e" },
		{ 0x0b, "Hi There", "198a607eb44bfbc69903a0f1cf2bbdc5ba0aa3f3d9ae3c1c7a3b1696a0b68cf7" },
	};
	uint8_t key[32], out[32];

	for (size_t i = 0; i < 3 * COUNT(answers); i++) {
		size_t at = i % COUNT(answers);
		bulla_bytes message = bulla_view_str(answers[at].message);
		known tag = unhex(answers[at].tag);
		memset(key, answers[at].key_byte, sizeof key);
		assert_int_equal(bulla_hmac_sha256(*state, key, &message, 1, out, NULL), BULLA_OK);
		assert_memory_equal(out, tag.bytes, sizeof out);
	}
}

static void random_bytes(void **state)
{
	static const size_t sizes[] = { 0, 1, 12, 32, 4087, 4088, 4089, 10000 };
	uint8_t *a = calloc(1, 10001), *b = calloc(1, 10001);

	for (size_t i = 0; i < COUNT(sizes); i++) {
		size_t n = sizes[i];
		a[n] = b[n] = 0x5a;
		assert_int_equal(bulla_random(*state, a, n, NULL), BULLA_OK);
		assert_int_equal(bulla_random(*state, b, n, NULL), BULLA_OK);
		assert_int_equal(a[n], 0x5a);
		assert_int_equal(b[n], 0x5a);
		if (n >= 12) assert_memory_not_equal(a, b, n);
	}
	free(b);
	free(a);
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, 12);
}

/* All draws of one kind differ: no byte of the buffer is handed out twice, around its end too. */
static void random_does_not_repeat(void **state)
{
	enum { DRAWS = 5000, SIZE = 12 };
	uint8_t(*drawn)[SIZE] = calloc(DRAWS, SIZE);

	for (size_t i = 0; i < DRAWS; i++)
		assert_int_equal(bulla_random(*state, drawn[i], SIZE, NULL), BULLA_OK);
	qsort(drawn, DRAWS, SIZE, by_bytes);
	for (size_t i = 1; i < DRAWS; i++)
		assert_memory_not_equal(drawn[i - 1], drawn[i], SIZE);
	free(drawn);
}

static void write_draw(bulla_lane *lane, int to)
{
	uint8_t drawn[32];

	if (bulla_random(lane, drawn, sizeof drawn, NULL) != BULLA_OK) _exit(1);
	if (write(to, drawn, sizeof drawn) != sizeof drawn) _exit(2);
	_exit(0);
}

static void child_draws(bulla_lane *lane, uint8_t out[static 32])
{
	int ends[2], status;

	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) write_draw(lane, ends[1]);
	assert_true(child > 0);
	close(ends[1]);
	assert_int_equal(read(ends[0], out, 32), 32);
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* Two children and their parent, forked from a primed lane: what they draw next is not what another one drew. */
static void fork_shares_no_random_bytes(void **state)
{
	uint8_t primed[32], first[32], second[32], own[32];

	assert_int_equal(bulla_random(*state, primed, sizeof primed, NULL), BULLA_OK);
	child_draws(*state, first);
	child_draws(*state, second);
	assert_int_equal(bulla_random(*state, own, sizeof own, NULL), BULLA_OK);
	assert_memory_not_equal(first, second, sizeof first);
	assert_memory_not_equal(first, own, sizeof first);
	assert_memory_not_equal(second, own, sizeof second);
}

static bulla_code use_every_key(bulla_lane *lane, const uint8_t *key, uint8_t *out)
{
	bulla_bytes message = bulla_view_str("message");
	size_t at = 32;
	TRY(bulla_hmac_sha256(lane, key, &message, 1, out, NULL));
	for (bulla_aead a = 0; a < BULLA_AEAD_COUNT; a++) {
		const bulla_aead_info *info = bulla_aead_about(a);
		bulla_bytes k = bulla_view(key, info->key_size), nonce = bulla_view(key, info->nonce_size);
		TRY(bulla_aead_seal(lane, a, k, nonce, message, message, out + at, NULL));
		TRY(bulla_aead_open(lane, a, k, nonce, message, bulla_view(out + at, message.len + BULLA_TAG_SIZE), out + at,
				    NULL));
		TRY(bulla_aead_seal(lane, a, k, nonce, message, message, out + at, NULL));
		at += message.len + BULLA_TAG_SIZE;
	}
	return BULLA_OK;
}

#define EVERY_KEY (32 + BULLA_AEAD_COUNT * (7 + BULLA_TAG_SIZE))

/* A child uses its parent's lane: the remembered keys are not there, and everything comes out the same. */
static void a_child_keys_anew(void **state)
{
	bulla_lane *lane = *state;
	static const uint8_t key[32] = { 1, 2, 3 };
	uint8_t before[EVERY_KEY], after[EVERY_KEY];
	int status;

	assert_int_equal(use_every_key(lane, key, before), BULLA_OK);
	pid_t child = fork();
	if (child == 0) _exit(use_every_key(lane, key, after) || memcmp(before, after, sizeof before) != 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(use_every_key(lane, key, after), BULLA_OK);
	assert_memory_equal(before, after, sizeof before);
}

static bool holds(const void *memory, size_t size, const uint8_t *key, size_t n)
{
	return memmem(memory, size, key, n) != NULL;
}

static void forgets(void **state)
{
	bulla_lane *lane = *state;
	uint8_t key[32], before[EVERY_KEY], after[EVERY_KEY];
	const size_t kept = offsetof(bulla_lane_secrets, random);

	assert_int_equal(bulla_random(lane, key, sizeof key, NULL), BULLA_OK);
	assert_int_equal(use_every_key(lane, key, before), BULLA_OK);
	assert_true(holds(lane->secrets, kept, key, 16));
	assert_false(holds(lane, sizeof *lane, key, 16));
	bulla_lane_forget(lane);
	for (size_t i = 0; i < kept; i++)
		assert_int_equal(((const uint8_t *)lane->secrets)[i], 0);
	assert_int_equal(use_every_key(lane, key, after), BULLA_OK);
	assert_memory_equal(before, after, sizeof before);
	bulla_lane_forget(lane);
	bulla_lane_forget(lane);
}

static int make_lane(void **state)
{
	return bulla_lane_new((bulla_lane **)state, NULL) == BULLA_OK ? 0 : -1;
}

static int free_lane(void **state)
{
	bulla_lane_free(*state);
	bulla_lane_free(NULL);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_answers),         cmocka_unit_test(sha256_of_a_million),
		cmocka_unit_test(sha256_of_every_length), cmocka_unit_test(parts_are_a_concatenation),
		cmocka_unit_test(hmac_answers),           cmocka_unit_test(random_bytes),
		cmocka_unit_test(random_does_not_repeat), cmocka_unit_test(fork_shares_no_random_bytes),
		cmocka_unit_test(a_child_keys_anew),      cmocka_unit_test(forgets),
	};
	return cmocka_run_group_tests_name("crypto/lane", tests, make_lane, free_lane);
}
