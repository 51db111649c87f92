/*
 * test_backend.c - the choice of a back end, and that all of them say the same.
 */
#include "known.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/aead.h"
#include "crypto/lane_inside.h"

/* --- the choice ------------------------------------------------------------------------------------------------ */

/* NULL where it is not there. */
static bulla_backend *ipsec_mb(void)
{
	bulla_backend *backend = NULL;
	return bulla_backend_new("ipsec-mb", &backend, NULL) == BULLA_OK ? backend : NULL;
}

#define NEED_IPSEC_MB(name)                                                                                                      \
	bulla_backend *name = ipsec_mb();                                                                                        \
	if (!name) skip()

static void refused(const char *choice, const char *text)
{
	bulla_backend *backend = NULL;
	bulla_error err = { 0 };

	assert_int_equal(bulla_backend_new(choice, &backend, &err), BULLA_ERR_CONFIG);
	assert_null(backend);
	assert_non_null(strstr(err.text, text));
}

static void choices(void **state)
{
	bulla_backend *backend = NULL, *fastest = NULL, *other = ipsec_mb();
	(void)state;

	assert_int_equal(bulla_backend_new("openssl", &backend, NULL), BULLA_OK);
	assert_string_equal(bulla_backend_name(backend), "openssl");
	assert_string_equal(bulla_backend_name(NULL), "openssl");
	bulla_backend_free(backend);
	assert_int_equal(bulla_backend_new(NULL, &fastest, NULL), BULLA_OK);
	assert_string_equal(bulla_backend_name(fastest), other ? "ipsec-mb" : "openssl");
	bulla_backend_free(fastest);
	bulla_backend_free(other);
	bulla_backend_free(NULL);
	refused("", "no crypto back end is called \"\"");
	refused("OpenSSL", "no crypto back end is called");
	refused("libressllibressllibressllibressllibressl", "libressllibressllibressllibressl\"");
}

/* --- two that say the same ------------------------------------------------------------------------------------- */

enum { PLAIN_MOST = 300, ASSOCIATED_MOST = 200, NONCE_MOST = 64, SLACK = 64 };

/* One message, its parts anywhere in memory. */
typedef struct message {
	bulla_aead algorithm;
	bulla_bytes key, nonce, associated, plain;
	uint8_t bytes[32 + NONCE_MOST + ASSOCIATED_MOST + PLAIN_MOST + 4 * SLACK];
} message;

static bulla_bytes place(message *m, size_t *at, size_t len)
{
	*at += (size_t)rand() % SLACK;
	bulla_bytes there = bulla_view(m->bytes + *at, len);
	*at += len;
	return there;
}

/* Nine in ten as fields have them: AES-256 and a nonce of 12 bytes. */
static void draw(message *m)
{
	static const bulla_aead algorithms[] = { BULLA_AEAD_AES_128_GCM, BULLA_AEAD_AES_192_GCM, BULLA_AEAD_AES_256_GCM,
						 BULLA_AEAD_XAES_256_GCM };
	size_t at = 0;

	assert_int_equal(RAND_bytes(m->bytes, sizeof m->bytes), 1);
	m->algorithm = rand() % 10 ? BULLA_AEAD_AES_256_GCM : algorithms[rand() % 4];
	const bulla_aead_info *info = bulla_aead_about(m->algorithm);
	bool free_nonce = m->algorithm != BULLA_AEAD_XAES_256_GCM && rand() % 10 == 0;
	m->key = place(m, &at, info->key_size);
	m->nonce = place(m, &at, free_nonce ? 1 + (size_t)rand() % NONCE_MOST : info->nonce_size);
	m->associated = place(m, &at, (size_t)rand() % (ASSOCIATED_MOST + 1));
	m->plain = place(m, &at, (size_t)rand() % (PLAIN_MOST + 1));
}

static void seal(bulla_lane *lane, const message *m, uint8_t *out)
{
	assert_int_equal(bulla_aead_seal(lane, m->algorithm, m->key, m->nonce, m->associated, m->plain, out, NULL), BULLA_OK);
}

static bulla_code open(bulla_lane *lane, const message *m, const uint8_t *sealed, uint8_t *out)
{
	return bulla_aead_open(lane, m->algorithm, m->key, m->nonce, m->associated,
			       bulla_view(sealed, m->plain.len + BULLA_TAG_SIZE), out, NULL);
}

static void random_messages(void **state)
{
	uint8_t first[PLAIN_MOST + BULLA_TAG_SIZE + SLACK], second[sizeof first], opened[PLAIN_MOST + SLACK];
	bulla_lane *usual, *faster;
	message m;
	(void)state;

	NEED_IPSEC_MB(backend);
	assert_int_equal(bulla_lane_new(&usual, NULL), BULLA_OK);
	assert_int_equal(bulla_lane_new_with(backend, &faster, NULL), BULLA_OK);
	srand(1);
	for (int i = 0; i < 20000; i++) {
		if (i % 3 == 0) draw(&m); /* else the key that the lanes have, and now and then another length */
		if (i % 3 == 2) m.plain.len = m.plain.len / 2;
		size_t n = m.plain.len;
		uint8_t *a = first + rand() % SLACK, *b = second + rand() % SLACK, *out = opened + rand() % SLACK;
		seal(usual, &m, a);
		seal(faster, &m, b);
		assert_memory_equal(a, b, n + BULLA_TAG_SIZE);
		assert_int_equal(open(faster, &m, a, out), BULLA_OK);
		assert_memory_equal(out, m.plain.data, n);
		assert_int_equal(open(usual, &m, b, b), BULLA_OK); /* in its own place */
		assert_memory_equal(b, m.plain.data, n);
		a[(size_t)rand() % (n + BULLA_TAG_SIZE)] ^= (uint8_t)(1 << rand() % 8);
		assert_int_equal(open(faster, &m, a, out), BULLA_ERR_AUTH);
		assert_int_equal(open(usual, &m, a, out), BULLA_ERR_AUTH);
	}
	bulla_lane_free(faster);
	bulla_lane_free(usual);
	bulla_backend_free(backend);
}

/* A page that ends where nothing may be read or written. */
static uint8_t *page_before_nothing(size_t size)
{
	uint8_t *pages = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(pages, MAP_FAILED);
	assert_int_equal(mprotect(pages + size, size, PROT_NONE), 0);
	return pages;
}

/* Everything that goes in and comes out at the very end of its memory: nobody reads or writes beyond. */
static void at_the_edge(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *nonce = page_before_nothing(page), *associated = page_before_nothing(page), *in = page_before_nothing(page);
	uint8_t *out = page_before_nothing(page), *key = page_before_nothing(page), usual[PLAIN_MOST + BULLA_TAG_SIZE];
	bulla_lane *lane, *other;
	(void)state;

	NEED_IPSEC_MB(backend);
	assert_int_equal(bulla_lane_new(&other, NULL), BULLA_OK);
	assert_int_equal(bulla_lane_new_with(backend, &lane, NULL), BULLA_OK);
	for (size_t n = 0; n <= PLAIN_MOST; n++) {
		bool odd = n % 7 == 0;
		size_t nonce_len = odd ? 1 + n % NONCE_MOST : 12, associated_len = n % (ASSOCIATED_MOST + 1);
		message m = { .algorithm = BULLA_AEAD_AES_256_GCM,
			      .key = bulla_view(key + page - 32, 32),
			      .nonce = bulla_view(nonce + page - nonce_len, nonce_len),
			      .associated = bulla_view(associated + page - associated_len, associated_len),
			      .plain = bulla_view(in + page - n, n) };
		counted(in + page - n, n, (uint8_t)n);
		seal(lane, &m, out + page - n - BULLA_TAG_SIZE);
		seal(other, &m, usual);
		assert_memory_equal(out + page - n - BULLA_TAG_SIZE, usual, n + BULLA_TAG_SIZE);
		assert_int_equal(open(lane, &m, out + page - n - BULLA_TAG_SIZE, in + page - n), BULLA_OK);
	}
	bulla_lane_free(lane);
	bulla_lane_free(other);
	bulla_backend_free(backend);
	uint8_t *const all[] = { nonce, associated, in, out, key };
	for (size_t i = 0; i < COUNT(all); i++)
		assert_int_equal(munmap(all[i], 2 * page), 0);
}

/* --- its life -------------------------------------------------------------------------------------------------- */

static void seals_as_openssl_does(bulla_lane *lane)
{
	uint8_t ours[PLAIN_MOST + BULLA_TAG_SIZE], usual[sizeof ours];
	bulla_lane *other;
	message m;

	assert_int_equal(bulla_lane_new(&other, NULL), BULLA_OK);
	draw(&m);
	seal(lane, &m, ours);
	seal(other, &m, usual);
	assert_memory_equal(ours, usual, m.plain.len + BULLA_TAG_SIZE);
	bulla_lane_free(other);
}

static void lanes_outlive_it(void **state)
{
	bulla_lane *lane;
	(void)state;

	NEED_IPSEC_MB(backend);
	assert_int_equal(bulla_lane_new_with(backend, &lane, NULL), BULLA_OK);
	bulla_backend_free(backend);
	seals_as_openssl_does(lane);
	bulla_lane_free(lane);
}

static void a_child_goes_on(void **state)
{
	bulla_lane *lane, *fresh;
	int status;
	(void)state;

	NEED_IPSEC_MB(backend);
	assert_int_equal(bulla_lane_new_with(backend, &lane, NULL), BULLA_OK);
	seals_as_openssl_does(lane);
	pid_t child = fork();
	assert_int_not_equal(child, -1);
	if (child == 0) {
		bulla_lane_forget(lane); /* what it had is not there any more */
		seals_as_openssl_does(lane);
		if (bulla_lane_new_with(backend, &fresh, NULL)) _exit(1);
		seals_as_openssl_does(fresh);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	seals_as_openssl_does(lane);
	bulla_lane_free(lane);
	bulla_backend_free(backend);
}

enum { THREADS = 4, MESSAGES = 3000 };

/* Round trips under a lane of its own; NULL when all were right. */
static void *one_thread(void *backend)
{
	static const uint8_t plain[33] = "thirty-two bytes, and one behind";
	uint8_t key[32] = { 0 }, nonce[12] = { 0 }, sealed[sizeof plain + BULLA_TAG_SIZE], opened[sizeof plain];
	bulla_bytes k = bulla_view(key, sizeof key), n = bulla_view(nonce, sizeof nonce), text = bulla_view(plain, sizeof plain);
	bulla_lane *lane;

	if (bulla_lane_new_with(backend, &lane, NULL)) return backend;
	bool good = true;
	for (int i = 0; i < MESSAGES && good; i++) {
		memcpy(key, &i, sizeof i);
		memcpy(nonce, &lane, sizeof lane);
		good = bulla_aead_seal(lane, BULLA_AEAD_AES_256_GCM, k, n, text, text, sealed, NULL) == BULLA_OK &&
		       bulla_aead_open(lane, BULLA_AEAD_AES_256_GCM, k, n, text, bulla_view(sealed, sizeof sealed), opened,
				       NULL) == BULLA_OK &&
		       memcmp(opened, plain, sizeof plain) == 0;
	}
	bulla_lane_free(lane);
	return good ? NULL : backend;
}

static void threads_share_it(void **state)
{
	pthread_t threads[THREADS];
	(void)state;

	NEED_IPSEC_MB(backend);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, one_thread, backend), 0);
	for (size_t i = 0; i < THREADS; i++) {
		void *failed;
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	bulla_backend_free(backend);
}

static size_t bytes_in_use(const bulla_lane *lane)
{
	const uint8_t *from = (const uint8_t *)lane->secrets + sizeof *lane->secrets;
	size_t used = 0;

	for (const uint8_t *at = from; at < lane->pages.data + lane->pages.size; at++)
		used += *at != 0;
	return used;
}

/* They lie on the lane's secret pages, behind the keys that it remembers, until it forgets. */
static void key_schedules_are_wiped(void **state)
{
	bulla_lane *lane;
	message m;
	(void)state;

	NEED_IPSEC_MB(backend);
	assert_int_equal(bulla_lane_new_with(backend, &lane, NULL), BULLA_OK);
	assert_int_equal(bytes_in_use(lane), 0);
	for (int i = 0; i < 100; i++) {
		uint8_t sealed[PLAIN_MOST + BULLA_TAG_SIZE];
		draw(&m);
		seal(lane, &m, sealed);
		assert_int_equal(open(lane, &m, sealed, sealed), BULLA_OK);
	}
	assert_true(bytes_in_use(lane) > 240); /* one schedule of AES-256; how many of which size is the processor's matter */
	bulla_lane_forget(lane);
	assert_int_equal(bytes_in_use(lane), 0);
	seals_as_openssl_does(lane);
	bulla_lane_free(lane);
	bulla_backend_free(backend);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(choices),
		cmocka_unit_test(random_messages),
		cmocka_unit_test(at_the_edge),
		cmocka_unit_test(lanes_outlive_it),
		cmocka_unit_test(a_child_goes_on),
		cmocka_unit_test(threads_share_it),
		cmocka_unit_test(key_schedules_are_wiped),
	};
	return cmocka_run_group_tests_name("crypto/backend", tests, NULL, NULL);
}
