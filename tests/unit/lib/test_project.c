/*
 * test_project.c - opening what bulla.yaml stands for, and making its key store.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/session.h"
#include "lib/inside.h"
#include "rootkey/rootkey.h"
#include "sandbox.h"

#include <bulla/bulla.h>
#include <sys/wait.h>

#define LOCAL "version: 1\nenvironments:\n  development: { key: local }\n"
#define MODEL                                                                                                                    \
	"databases:\n  main: { url: \"sqlite:app.db\" }\nmodels:\n  users:\n    table: users\n    primary_key: id\n"             \
	"    context: { model_name: User, model_id: \"{id}\" }\n    branch_key: { name: users }\n    fields: { email: {} }\n"

#define SHARED                                                                                                                   \
	"databases:\n  main: { url: \"sqlite:app.db\" }\nmodels:\n  users:\n"                                                    \
	"    context: { model_name: User, model_id: \"{id}\" }\n    data_key: table\n    fields: { email: {} }\n"

static void test_init_makes_everything(void **state)
{
	sandbox box = sandbox_new(LOCAL);
	bulla_project *project = NULL;
	bulla_error err = { 0 };
	bulla_key_info *keys = NULL;
	size_t n = 0;
	(void)state;
	assert_int_equal(try_open(&box, NULL, BULLA_PROJECT_ENGINE, &err), BULLA_ERR_NOT_FOUND);
	assert_string_equal(err.next, "bulla init");
	make_store(&box, NULL);
	assert_int_equal(mode_of(in(&box, ".bulla")), 0700);
	assert_int_equal(mode_of(in(&box, ".bulla/kms.db")), 0600);
	assert_int_equal(mode_of(in(&box, ".bulla/root.key")), 0600);
	assert_int_equal(mode_of(in(&box, ".bulla/escrow.key")), 0600);
	assert_true(is_there(in(&box, ".bulla/audit")));

	assert_ok(bulla_project_open(box.config, NULL, BULLA_PROJECT_KEYRING, &project, &err));
	assert_true(bulla_project_escrow_is_here(project));
	assert_int_equal(strncmp(project->log_origin, "bulla/", 6), 0);
	assert_int_equal(strlen(project->log_origin), 14);
	assert_non_null(project->keyring);
	assert_ok(bulla_engine_list(project->engine, &keys, &n, &err));
	assert_int_equal(n, 1);
	assert_string_equal(keys[0].aliases, "alias/default");
	free(keys);
	bulla_project_close(project);
	sandbox_done(&box);
}

/* What was opened before a fork is for the parent: a child is told so, whatever it tries, and may close it. */
static int child_uses(bulla_project *project)
{
	BULLA_SECRET root = { 0 };
	bulla_error err = { 0 };
	bulla_pair id = { bulla_view_str("id"), bulla_view_str("1") };
	bulla_record *record = NULL;
	const bulla_model *model = NULL;
	if (bulla_keyring_model(project->keyring, "users", &model, &err)) return 1;
	if (bulla_project_unlock(project, &root, &err) != BULLA_ERR_USAGE || !strstr(err.text, "fork")) return 2;
	if (bulla_record_new(project->keyring, model, &id, 1, &record, &err) != BULLA_ERR_USAGE) return 3;
	if (bulla_engine_tick(project->engine, &err) != BULLA_ERR_USAGE) return 4;
	bulla_project_close(project);
	return 0;
}

static void test_not_in_a_child(void **state)
{
	sandbox box = sandbox_new(LOCAL MODEL);
	bulla_project *project = NULL;
	bulla_error err = { 0 };
	int status = 0;
	(void)state;
	make_store(&box, NULL);
	assert_ok(bulla_project_open(box.config, NULL, BULLA_PROJECT_KEYRING, &project, &err));
	pid_t child = fork();
	if (child == 0) _exit(child_uses(project));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_ok(bulla_engine_tick(project->engine, &err));
	bulla_project_close(project);
	sandbox_done(&box);
}

static bulla_code init_again(const sandbox *box, bulla_error *err)
{
	bulla_project *project = NULL;
	char escrow[512];
	*err = (bulla_error){ 0 };
	if (bulla_project_open(box->config, NULL, BULLA_PROJECT_SCHEMA, &project, err)) return err->code;
	bulla_code code = bulla_project_init_store(project, escrow, sizeof escrow, err);
	bulla_project_close(project);
	return code;
}

static void test_init_overwrites_nothing(void **state)
{
	sandbox box = sandbox_new(LOCAL);
	bulla_error err;
	(void)state;
	make_store(&box, NULL);
	copy(in(&box, ".bulla/root.key"), in(&box, "before"));
	assert_int_equal(init_again(&box, &err), BULLA_ERR_EXISTS);
	assert_true(err.next[0] != 0);
	assert_int_equal(try_open(&box, NULL, BULLA_PROJECT_ENGINE, &err), BULLA_OK);
	/* a new store in the place of a lost one would open nothing, and stand in the way of the backup */
	assert_int_equal(unlink(in(&box, ".bulla/kms.db")), 0);
	assert_int_equal(try_open(&box, NULL, BULLA_PROJECT_ENGINE, &err), BULLA_ERR_NOT_FOUND);
	assert_non_null(strstr(err.next, "bulla kms restore"));
	assert_int_equal(init_again(&box, &err), BULLA_ERR_REFUSED);
	assert_non_null(strstr(err.next, "bulla kms restore"));
	assert_false(is_there(in(&box, ".bulla/kms.db")));
	sandbox_done(&box);
}

/* The store is made, the process is killed, init is run again: for each of the places where it can be killed. */
static void test_init_goes_on_where_it_was_cut(void **state)
{
	static const char *const lost[] = { ".bulla/escrow.key", ".bulla/audit", ".bulla/kms.db" };
	(void)state;
	for (size_t i = 0; i < sizeof lost / sizeof *lost; i++) {
		sandbox box = sandbox_new(LOCAL);
		bulla_project *project = NULL;
		bulla_error err = { 0 };
		BULLA_SECRET root = { 0 };
		bulla_buf note = { 0 };
		/* root key and first rows, as init makes them; what `lost` names was not reached */
		assert_int_equal(mkdir(in(&box, ".bulla"), 0700), 0);
		assert_ok(bulla_root_key_create("file:.bulla/root.key", box.dir, &root, &note, &err));
		if (i < 2) {
			char url[400];
			bulla_store *store = NULL;
			(void)snprintf(url, sizeof url, "sqlite:%s/.bulla/kms.db", box.dir);
			assert_ok(bulla_store_open(url, true, &store, &err));
			bulla_engine_config config = { .store = bulla_store_kms(store),
						       .root_key = root.bytes,
						       .principal = "test" };
			assert_ok(bulla_engine_init(&config, bulla_view_buf(&note), &err));
			bulla_store_close(store);
		}
		bulla_buf_done(&note);
		assert_ok(init_again(&box, &err));
		assert_ok(bulla_project_open(box.config, NULL, BULLA_PROJECT_KEYRING, &project, &err));
		bulla_project_close(project);
		assert_true(is_there(in(&box, lost[i])));
		sandbox_done(&box);
	}
}

static void test_foreign_escrow(void **state)
{
	sandbox one = sandbox_new(LOCAL), two = sandbox_new(LOCAL);
	bulla_error err;
	(void)state;
	make_store(&one, NULL);
	assert_int_equal(mkdir(in(&two, ".bulla"), 0700), 0);
	copy(in(&one, ".bulla/escrow.key"), in(&two, ".bulla/escrow.key"));
	assert_int_equal(init_again(&two, &err), BULLA_ERR_EXISTS);
	assert_non_null(strstr(err.text, "another store"));
	assert_int_equal(unlink(in(&two, ".bulla/escrow.key")), 0);
	assert_ok(init_again(&two, &err));
	sandbox_done(&one);
	sandbox_done(&two);
}

static void test_the_escrow_is_a_root_key(void **state)
{
	sandbox box = sandbox_new(LOCAL), other = sandbox_new(LOCAL);
	bulla_error err;
	(void)state;
	make_store(&box, NULL);
	make_store(&other, NULL);
	assert_int_equal(unlink(in(&box, ".bulla/root.key")), 0);
	assert_int_equal(try_open(&box, NULL, BULLA_PROJECT_ENGINE, &err), BULLA_ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "root key file"));
	assert_non_null(strstr(err.next, in(&box, ".bulla/escrow.key")));
	assert_non_null(strstr(err.next, "bulla kms rekey"));
	assert_int_equal(rename(in(&box, ".bulla/escrow.key"), in(&box, "carried.key")), 0);
	assert_int_equal(try_open(&box, NULL, BULLA_PROJECT_ENGINE, &err), BULLA_ERR_NOT_FOUND);
	assert_non_null(strstr(err.next, "install -m 600 ESCROW.key"));
	assert_int_equal(rename(in(&box, "carried.key"), in(&box, ".bulla/escrow.key")), 0);
	copy(in(&other, ".bulla/root.key"), in(&box, ".bulla/root.key"));
	assert_int_equal(try_open(&box, NULL, BULLA_PROJECT_ENGINE, &err), BULLA_ERR_ROOT_KEY);
	copy(in(&box, ".bulla/escrow.key"), in(&box, ".bulla/root.key"));
	assert_ok(try_open(&box, NULL, BULLA_PROJECT_ENGINE, &err));
	assert_int_equal(chmod(in(&box, ".bulla/root.key"), 0644), 0);
	assert_int_equal(try_open(&box, NULL, BULLA_PROJECT_ENGINE, &err), BULLA_ERR_PERMISSION);
	sandbox_done(&box);
	sandbox_done(&other);
}

static void test_environments_without_a_store(void **state)
{
	sandbox box = sandbox_new("version: 1\nenvironments:\n"
				  "  test: { key: insecure-test-key, insecure: true }\n"
				  "  volatile: { key: local, insecure: true, store: \"memory:\" }\n"
				  "  careless: { key: local, store: \"memory:\" }\n");
	bulla_project *project = NULL;
	bulla_error err = { 0 };
	(void)state;
	assert_ok(bulla_project_open(box.config, "test", BULLA_PROJECT_KEYRING, &project, &err));
	assert_null(project->store);
	assert_null(project->engine);
	assert_int_equal(bulla_project_need_engine(project, &err), BULLA_ERR_NOT_FOUND);
	bulla_project_close(project);

	assert_ok(bulla_project_open(box.config, "volatile", BULLA_PROJECT_KEYRING, &project, &err));
	assert_non_null(project->engine);
	assert_null(project->log);
	bulla_project_close(project);
	assert_false(is_there(in(&box, ".bulla")));

	assert_int_equal(try_open(&box, "careless", BULLA_PROJECT_KEYRING, &err), BULLA_ERR_CONFIG);
	assert_int_equal(try_open(&box, "nowhere", BULLA_PROJECT_SCHEMA, &err), BULLA_ERR_CONFIG);
	sandbox_done(&box);
}

/* A branch key lies in a store, whatever kind of KMS key wraps it. */
static void test_branch_keys_need_a_store(void **state)
{
	sandbox box = sandbox_new("version: 1\nenvironments:\n  test: { key: insecure-test-key, insecure: true }\n" MODEL);
	bulla_error err;
	(void)state;
	assert_int_equal(try_open(&box, "test", BULLA_PROJECT_KEYRING, &err), BULLA_ERR_NOT_FOUND);
	assert_string_equal(err.next, "bulla init");
	make_store(&box, "test");
	assert_ok(try_open(&box, "test", BULLA_PROJECT_KEYRING, &err));
	sandbox_done(&box);
}

static void test_public_keyring(void **state)
{
	sandbox box = sandbox_new(LOCAL MODEL);
	bulla_keyring *keyring = NULL;
	bulla_record *record = NULL;
	const bulla_model *model = NULL;
	bulla_error err = { 0 };
	bulla_keyring_options options = { .size = sizeof options, .config = box.config };
	bulla_pair id = { bulla_view_str("id"), bulla_view_str("1") };
	bulla_value value = { .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str("ada@example.com") }, back;
	bulla_buf sealed = { 0 }, scratch = { 0 };
	(void)state;
	make_store(&box, NULL);
	assert_ok(bulla_keyring_open(&options, &keyring, &err));
	assert_ok(bulla_keyring_model(keyring, "users", &model, &err));
	assert_ok(bulla_record_new(keyring, model, &id, 1, &record, &err));
	assert_ok(bulla_record_seal(record, 0, &value, &sealed, &err));
	assert_ok(bulla_record_unseal(record, 0, bulla_view_buf(&sealed), &scratch, &back, &err));
	assert_true(bulla_bytes_equal(back.bytes, value.bytes));
	bulla_record_free(record);
	bulla_buf_done(&sealed);
	bulla_buf_done(&scratch);
	bulla_keyring_free(keyring);

	bulla_keyring_options unset = { 0 };
	assert_int_equal(bulla_keyring_open(&unset, &keyring, &err), BULLA_ERR_USAGE);
	assert_string_equal(bulla_version(), BULLA_VERSION);
	sandbox_done(&box);
}

/* What seals and opens in engine and keyring is what the environment asks for. */
static void test_the_environment_chooses_the_back_end(void **state)
{
	sandbox box = sandbox_new(LOCAL);
	bulla_project *project = NULL;
	bulla_error err = { 0 };
	const char *name = NULL;
	bulla_engine_config config;
	(void)state;
	make_store(&box, NULL);
	assert_int_equal(setenv("BULLA_CRYPTO", "openssl", 1), 0);
	assert_ok(bulla_project_open(box.config, NULL, BULLA_PROJECT_KEYRING, &project, &err));
	assert_string_equal(bulla_backend_name(project->backend), "openssl");
	assert_ptr_equal(project->keyring->config.backend, project->backend);
	bulla_project_engine_config(project, project->root_key, &config);
	assert_ptr_equal(config.backend, project->backend);
	assert_ok(bulla_crypto_backend(&name, &err));
	assert_string_equal(name, "openssl");
	bulla_project_close(project);

	assert_int_equal(setenv("BULLA_CRYPTO", "nothing", 1), 0);
	assert_int_equal(try_open(&box, NULL, BULLA_PROJECT_SCHEMA, &err), BULLA_ERR_CONFIG);
	assert_non_null(strstr(err.text, "\"nothing\""));
	assert_non_null(strstr(err.next, "BULLA_CRYPTO"));
	assert_int_equal(bulla_crypto_backend(&name, &err), BULLA_ERR_CONFIG);

	assert_int_equal(setenv("BULLA_CRYPTO", "", 1), 0); /* as if it were not set */
	assert_ok(bulla_project_open(box.config, NULL, BULLA_PROJECT_SCHEMA, &project, &err));
	bulla_project_close(project);
	assert_int_equal(unsetenv("BULLA_CRYPTO"), 0);
	sandbox_done(&box);
}

/* Seals with `sealed` empty, else opens it. */
static void use_record(const sandbox *box, bulla_buf *key, bulla_buf *sealed)
{
	bulla_project *project = NULL;
	bulla_record *record = NULL;
	const bulla_model *model = NULL;
	bulla_error err = { 0 };
	bulla_pair id = { bulla_view_str("id"), bulla_view_str("1") };
	bulla_value value = { .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str("ada@example.com") }, back;
	bulla_buf scratch = { 0 };
	assert_ok(bulla_project_open(box->config, NULL, BULLA_PROJECT_KEYRING, &project, &err));
	assert_ok(bulla_keyring_model(project->keyring, "users", &model, &err));
	if (sealed->len) {
		bulla_bytes stored = bulla_view_buf(key);
		assert_ok(bulla_record_open(project->keyring, model, &id, 1, &stored, &record, &err));
		assert_ok(bulla_record_unseal(record, 0, bulla_view_buf(sealed), &scratch, &back, &err));
		assert_true(bulla_bytes_equal(back.bytes, value.bytes));
	} else {
		assert_ok(bulla_record_new(project->keyring, model, &id, 1, &record, &err));
		assert_ok(bulla_record_seal(record, 0, &value, sealed, &err));
		assert_ok(bulla_buf_add(key, bulla_record_key(record, 0), &err));
	}
	bulla_record_free(record);
	bulla_buf_done(&scratch);
	bulla_project_close(project);
}

static uint64_t rotate(const sandbox *box, bool rotates)
{
	bulla_project *project = NULL;
	bulla_error err = { 0 };
	bulla_key_info key;
	uint64_t rewrapped = 0;
	assert_ok(bulla_project_open(box->config, NULL, BULLA_PROJECT_ENGINE, &project, &err));
	if (rotates) assert_ok(bulla_engine_rotate(project->engine, bulla_view_str("alias/default"), NULL, &err));
	assert_ok(bulla_engine_describe(project->engine, bulla_view_str("alias/default"), &key, &err));
	assert_ok(bulla_project_rewrap(project, &key, &rewrapped, &err));
	bulla_project_close(project);
	return rewrapped;
}

static void rotation_rewraps(const char *yaml)
{
	sandbox box = sandbox_new(yaml);
	bulla_buf key = { 0 }, sealed = { 0 };
	make_store(&box, NULL);
	use_record(&box, &key, &sealed);
	assert_int_equal(rotate(&box, false), 0);
	assert_int_equal(rotate(&box, true), 1);
	assert_int_equal(rotate(&box, false), 0);
	use_record(&box, &key, &sealed);
	bulla_buf_done(&key);
	bulla_buf_done(&sealed);
	sandbox_done(&box);
}

static void test_rotation_rewraps_branches(void **state)
{
	(void)state;
	rotation_rewraps(LOCAL MODEL);
	rotation_rewraps(LOCAL SHARED);
}

static void test_missing_things(void **state)
{
	sandbox box = sandbox_new(LOCAL);
	bulla_project *project = NULL;
	bulla_error err = { 0 };
	const char *url = NULL;
	(void)state;
	assert_int_equal(bulla_project_open("/nonexistent/bulla.yaml", NULL, BULLA_PROJECT_SCHEMA, &project, &err),
			 BULLA_ERR_NOT_FOUND);
	assert_true(err.next[0] != 0);
	assert_ok(bulla_project_open(box.config, NULL, BULLA_PROJECT_SCHEMA, &project, &err));
	assert_int_equal(bulla_project_database(project, "main", &url, &err), BULLA_ERR_CONFIG);
	bulla_project_close(project);
	write_text(box.config, "version: 1\nmodel: {}\n");
	assert_int_equal(try_open(&box, NULL, BULLA_PROJECT_SCHEMA, &err), BULLA_ERR_CONFIG);
	assert_non_null(strstr(err.text, "line 2"));
	sandbox_done(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init_makes_everything),
		cmocka_unit_test(test_not_in_a_child),
		cmocka_unit_test(test_the_environment_chooses_the_back_end),
		cmocka_unit_test(test_init_overwrites_nothing),
		cmocka_unit_test(test_init_goes_on_where_it_was_cut),
		cmocka_unit_test(test_foreign_escrow),
		cmocka_unit_test(test_the_escrow_is_a_root_key),
		cmocka_unit_test(test_environments_without_a_store),
		cmocka_unit_test(test_branch_keys_need_a_store),
		cmocka_unit_test(test_public_keyring),
		cmocka_unit_test(test_rotation_rewraps_branches),
		cmocka_unit_test(test_missing_things),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
