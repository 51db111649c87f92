/*
 * test_sigv4_keys.c - signing keys are found again, forgotten when told to, and never more than a bounded number.
 */
#include "help.h"

#include "wire/sigv4_keys.h"

#include <sys/wait.h>
#include <unistd.h>

static bulla_sigv4 scoped(const char *credential)
{
	const char *slash = strchr(credential, '/');
	return (bulla_sigv4){ .credential = bulla_view_str(credential),
			      .access_key_id = bulla_view(credential, (size_t)(slash - credential)) };
}

typedef struct fixture {
	bulla_pool *pool;
	bulla_sigv4_keys *keys;
} fixture;

static int setup(void **state)
{
	fixture *f = calloc(1, sizeof *f);
	assert_int_equal(bulla_pool_new(&f->pool, NULL), BULLA_OK);
	assert_int_equal(bulla_sigv4_keys_new(f->pool, &f->keys, NULL), BULLA_OK);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	fixture *f = *state;
	bulla_sigv4_keys_free(f->keys);
	bulla_pool_free(f->pool);
	free(f);
	return 0;
}

static void add(fixture *f, const char *credential, uint8_t fill)
{
	uint8_t key[BULLA_KEY_SIZE];
	bulla_sigv4 s = scoped(credential);
	memset(key, fill, sizeof key);
	assert_int_equal(bulla_sigv4_keys_add(f->keys, &s, key, NULL), BULLA_OK);
}

/* The byte that the key is filled with; -1 where there is none. */
static int found(fixture *f, const char *credential)
{
	bulla_sigv4 s = scoped(credential);
	const uint8_t *key = bulla_sigv4_keys_find(f->keys, &s);
	if (!key) return -1;
	for (size_t i = 1; i < BULLA_KEY_SIZE; i++)
		assert_int_equal(key[i], key[0]);
	return key[0];
}

#define SCOPE(id, day) id "/202611" day "/us-east-1/kms/aws4_request"

static void found_by_key_and_scope(void **state)
{
	fixture *f = *state;
	assert_int_equal(found(f, SCOPE("A", "21")), -1);
	add(f, SCOPE("A", "21"), 1);
	add(f, SCOPE("A", "22"), 2);
	add(f, SCOPE("AA", "21"), 3);
	assert_int_equal(found(f, SCOPE("A", "21")), 1);
	assert_int_equal(found(f, SCOPE("A", "22")), 2);
	assert_int_equal(found(f, SCOPE("AA", "21")), 3);
	assert_int_equal(found(f, SCOPE("B", "21")), -1);
	add(f, SCOPE("A", "21"), 4);
	assert_int_equal(found(f, SCOPE("A", "21")), 4);
	bulla_sigv4_keys_forget(f->keys, bulla_view_str("A"));
	assert_int_equal(found(f, SCOPE("A", "21")), -1);
	assert_int_equal(found(f, SCOPE("A", "22")), -1);
	assert_int_equal(found(f, SCOPE("AA", "21")), 3);
	bulla_sigv4_keys_forget(f->keys, bulla_view(NULL, 0));
	assert_int_equal(found(f, SCOPE("AA", "21")), -1);
}

/* Ten times what fits; one that is asked for all the time stays. */
static void bounded_and_the_used_stay(void **state)
{
	fixture *f = *state;
	char name[64];
	size_t kept = 0;
	add(f, SCOPE("HOT", "21"), 7);
	for (int i = 0; i < 10 * BULLA_SIGV4_KEYS_MAX; i++) {
		snprintf(name, sizeof name, "K%d/20261121/us-east-1/kms/aws4_request", i);
		add(f, name, (uint8_t)i);
		assert_int_equal(found(f, name), (uint8_t)i);
		assert_int_equal(found(f, SCOPE("HOT", "21")), 7);
	}
	for (int i = 0; i < 10 * BULLA_SIGV4_KEYS_MAX; i++) {
		snprintf(name, sizeof name, "K%d/20261121/us-east-1/kms/aws4_request", i);
		kept += found(f, name) >= 0;
	}
	assert_in_range(kept, BULLA_SIGV4_KEYS_MAX / 2, BULLA_SIGV4_KEYS_MAX - 1);
}

static void a_child_has_none(void **state)
{
	fixture *f = *state;
	add(f, SCOPE("A", "21"), 1);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		bool none = found(f, SCOPE("A", "21")) == -1;
		add(f, SCOPE("A", "21"), 2);
		_exit(none && found(f, SCOPE("A", "21")) == 2 ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(found(f, SCOPE("A", "21")), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(found_by_key_and_scope, setup, teardown),
		cmocka_unit_test_setup_teardown(bounded_and_the_used_stay, setup, teardown),
		cmocka_unit_test_setup_teardown(a_child_has_none, setup, teardown),
	};
	return cmocka_run_group_tests_name("wire/sigv4_keys", tests, NULL, NULL);
}
