/*
 * test_retire.c - the gate before a key's deletion: which step follows which, what refuses it, and what is on record.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/branch.h"
#include "format/wrapped_key.h"
#include "lib/move.h"
#include "lib/retire.h"
#include "sandbox.h"

#include <bulla/bulla.h>
#include <string.h>

#define DAY_US     (INT64_C(86400) * 1000000)
#define YAML(keys) "version: 1\nenvironments:\n  development: { " keys ", cache: { max_age: 100s } }\n" MODELS
#define MODELS                                                                                                                   \
	"databases:\n  main: { url: \"sqlite:app.db\" }\nmodels:\n"                                                              \
	"  users:\n    context: { model_name: User, model_id: \"{id}\" }\n    branch_key: { name: \"user:{id}\", under: all }\n" \
	"    fields: { email: { index: {} } }\n"                                                                                 \
	"  tab:\n    context: { model_name: Tab, model_id: \"{id}\" }\n    data_key: table\n    fields: { note: {} }\n"

/* A project with the keys alias/default and alias/new, a clock that is turned by hand, and tables that say what they are told to. */
typedef struct gate {
	sandbox box;
	bulla_project *project;
	int64_t now_us;
	bulla_key_info key; /* alias/default */
	bulla_error err;
	bulla_retirement done;
	/* what the tables hold */
	uint64_t rows, unreadable, unknown;
	bulla_code fails;
	unsigned counts, every_row;
} gate;

static int64_t now_us(void *self)
{
	return ((gate *)self)->now_us;
}

static void open_gate(gate *g)
{
	bulla_error err = { 0 };
	assert_ok(bulla_project_open(g->box.config, NULL, BULLA_PROJECT_ENGINE, &g->project, &err));
	g->project->clock = (bulla_clock){ now_us, g };
	assert_ok(bulla_engine_describe(g->project->engine, bulla_view_str("alias/default"), &g->key, &err));
}

static gate *gate_new(const char *yaml)
{
	gate *g = calloc(1, sizeof *g);
	bulla_error err = { 0 };
	assert_non_null(g);
	g->box = sandbox_new(yaml);
	g->now_us = INT64_C(1900000000) * 1000000;
	make_store(&g->box, NULL);
	open_gate(g);
	assert_ok(bulla_engine_create_key(g->project->engine, "", "alias/new", NULL, &err));
	return g;
}

static void reopen(gate *g, const char *yaml)
{
	bulla_project_close(g->project);
	write_text(g->box.config, yaml);
	open_gate(g);
}

static void gate_free(gate *g)
{
	bulla_project_close(g->project);
	sandbox_done(&g->box);
	free(g);
}

static bulla_code count(void *self, bool every_row, bulla_references *refs, bulla_error *err)
{
	gate *g = self;
	bulla_reference by_key = { BULLA_WRAP_ENGINE, bulla_get_u64(g->key.current_material) };
	bulla_reference lost = { BULLA_WRAP_BRANCH, 4711 };
	g->counts++;
	g->every_row += every_row;
	if (g->fails) return bulla_fail(err, g->fails, "the tables are far away");
	if (g->rows) TRY(bulla_references_add(refs, &by_key, 1, g->rows, err));
	if (g->unreadable) TRY(bulla_references_add(refs, NULL, 0, g->unreadable, err));
	if (g->unknown) TRY(bulla_references_add(refs, &lost, 1, g->unknown, err));
	return bulla_references_column(refs, "main", "users", "users", "encrypted_kms_key", true, err);
}

static bulla_code step(gate *g, bulla_retire_options options)
{
	bulla_references refs;
	bulla_references_init(&refs);
	g->err = (bulla_error){ 0 };
	options.count = count;
	options.self = g;
	if (!options.days) options.days = 30;
	assert_int_equal(bulla_engine_describe(g->project->engine, bulla_view_str(g->key.id), &g->key, &g->err), BULLA_OK);
	bulla_code code = bulla_project_retire(g->project, &g->key, &options, &refs, &g->done, &g->err);
	bulla_references_done(&refs);
	bulla_error ignored;
	(void)!bulla_engine_describe(g->project->engine, bulla_view_str(g->key.id), &g->key, &ignored);
	return code;
}

/* --- the log ------------------------------------------------------------------------------------------------------- */
typedef struct wanted {
	const char *first, *second;
	size_t found;
} wanted;

static bulla_code look(void *self, uint64_t index, bulla_bytes entry, bulla_error *err)
{
	wanted *w = self;
	(void)index, (void)err;
	w->found += memmem(entry.data, entry.len, w->first, strlen(w->first)) &&
		    memmem(entry.data, entry.len, w->second, strlen(w->second));
	return BULLA_OK;
}

/* Entries that have both texts. */
static size_t recorded(gate *g, const char *first, const char *second)
{
	wanted w = { first, second, 0 };
	bulla_log_head head;
	bulla_error err = { 0 };
	assert_ok(bulla_log_head_now(g->project->log, &head, &err));
	assert_ok(bulla_log_each(g->project->log, 0, head.size, look, &w, &err));
	return w.found;
}

/* --- branch keys --------------------------------------------------------------------------------------------------- */
static void seal(gate *g, const char *model_name, const char *id, bulla_code code)
{
	bulla_project *project = NULL;
	bulla_record *record = NULL;
	const bulla_model *model = NULL;
	bulla_error err = { 0 };
	bulla_pair pair = { bulla_view_str("id"), bulla_view_str(id) };
	assert_ok(bulla_project_open(g->box.config, NULL, BULLA_PROJECT_KEYRING, &project, &err));
	assert_ok(bulla_keyring_model(project->keyring, model_name, &model, &err));
	assert_int_equal(bulla_record_new(project->keyring, model, &pair, 1, &record, &err), code);
	bulla_record_free(record);
	bulla_project_close(project);
}

static bulla_reference_sum hanging(gate *g)
{
	bulla_references refs;
	bulla_reference_sum sum;
	bulla_error err = { 0 };
	bulla_references_init(&refs);
	assert_ok(bulla_references_join(&refs, g->project, &err));
	bulla_references_select(&refs, &(bulla_reference_subject){ .uuid = g->key.uuid }, &sum);
	bulla_references_done(&refs);
	return sum;
}

/* --- tests --------------------------------------------------------------------------------------------------------- */
static void test_all_steps(void **state)
{
	gate *g = gate_new(YAML("key: local/new"));
	(void)state;
	assert_int_equal(step(g, (bulla_retire_options){ 0 }), BULLA_OK);
	assert_int_equal(g->done.step, BULLA_RETIRE_CLOSED);
	assert_int_equal(g->key.closed_us, g->now_us);
	assert_int_equal(g->done.next_us, g->now_us + 200 * INT64_C(1000000));
	/* too early, in a new process as well */
	reopen(g, YAML("key: local/new"));
	g->now_us = g->done.next_us - 1;
	assert_int_equal(step(g, (bulla_retire_options){ 0 }), BULLA_ERR_REFUSED);
	assert_non_null(strstr(g->err.text, "until 2030-"));
	assert_int_equal(g->counts, 1);
	g->now_us++;
	assert_int_equal(step(g, (bulla_retire_options){ .days = 7 }), BULLA_OK);
	assert_int_equal(g->done.step, BULLA_RETIRE_SCHEDULED);
	assert_int_equal(g->done.next_us, g->now_us + 7 * DAY_US);
	assert_int_equal(g->key.state, BULLA_KEY_PENDING_DELETION);
	g->now_us += 7 * DAY_US - 1;
	assert_int_equal(step(g, (bulla_retire_options){ 0 }), BULLA_ERR_REFUSED);
	assert_int_equal(g->counts, 2);
	assert_int_equal(g->every_row, 0);
	g->now_us++;
	assert_int_equal(step(g, (bulla_retire_options){ 0 }), BULLA_OK);
	assert_int_equal(g->done.step, BULLA_RETIRE_DELETED);
	assert_int_equal(g->counts, 3);
	assert_int_equal(g->every_row, 1); /* the last census does not trust an index */
	bulla_key_info gone;
	assert_int_equal(bulla_engine_describe(g->project->engine, bulla_view_str(g->key.id), &gone, &g->err),
			 BULLA_ERR_KEY_DESTROYED);
	assert_int_equal(recorded(g, "\"KeyCensus\"", "\"outcome\":\"ok\""), 3);
	assert_int_equal(recorded(g, "\"DeleteKey\"", g->key.arn), 1);
	gate_free(g);
}

/* Whatever refers to it refuses every step, changes nothing, and is named. */
static void test_references_refuse(void **state)
{
	static const struct {
		uint64_t rows, unreadable, unknown;
		const char *text;
	} cases[] = {
		{ 12, 0, 0, "users.encrypted_kms_key has 12 rows of version" },
		{ 1, 0, 0, "has 1 row of version" },
		{ 0, 3, 0, "3 rows whose key cannot be read" },
		{ 0, 0, 4, "4 rows under branch keys that this key store does not have" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		gate *g = gate_new(YAML("key: local/new"));
		bool armed[] = { true, false, true, false, true };
		int64_t waits[] = { 0, 0, 200 * INT64_C(1000000), 0, 30 * DAY_US };
		for (size_t s = 0; s < 5; s++) {
			bulla_key_info before = g->key;
			g->now_us += waits[s];
			g->rows = armed[s] ? cases[i].rows : 0;
			g->unreadable = armed[s] ? cases[i].unreadable : 0;
			g->unknown = armed[s] ? cases[i].unknown : 0;
			assert_int_equal(step(g, (bulla_retire_options){ 0 }), armed[s] ? BULLA_ERR_REFUSED : BULLA_OK);
			if (!armed[s]) continue;
			if (!strstr(g->err.text, cases[i].text)) fail_msg("%s", g->err.text);
			assert_true(before.state == g->key.state && before.closed_us == g->key.closed_us);
			assert_int_equal(recorded(g, "\"KeyCensus\"", "\"outcome\":\"refused\""), s / 2 + 1);
		}
		assert_int_equal(g->key.state, BULLA_KEY_PENDING_DELETION);
		gate_free(g);
	}
}

static void test_what_cannot_be_counted_refuses(void **state)
{
	gate *g = gate_new(YAML("key: local/new"));
	(void)state;
	g->fails = BULLA_ERR_NOT_FOUND;
	assert_int_equal(step(g, (bulla_retire_options){ 0 }), BULLA_ERR_NOT_FOUND);
	assert_string_equal(g->err.text, "the tables are far away");
	assert_int_equal(g->key.closed_us, 0);
	assert_int_equal(recorded(g, "\"KeyCensus\"", "\"outcome\":\"not_found\""), 1);
	gate_free(g);
}

static void test_force(void **state)
{
	gate *g = gate_new(YAML("key: local/new"));
	(void)state;
	g->rows = 12;
	assert_int_equal(step(g, (bulla_retire_options){ .force = true, .days = 7 }), BULLA_OK);
	assert_int_equal(g->done.step, BULLA_RETIRE_SCHEDULED);
	assert_int_equal(g->done.references.rows, 12);
	assert_int_equal(recorded(g, "\"RetirementForced\"", "has 12 rows"), 1);
	/* the waiting period stays */
	g->now_us += 7 * DAY_US - 1;
	assert_int_equal(step(g, (bulla_retire_options){ .force = true }), BULLA_ERR_REFUSED);
	g->now_us++;
	assert_int_equal(step(g, (bulla_retire_options){ 0 }), BULLA_ERR_REFUSED);
	g->fails = BULLA_ERR_LOCKED;
	assert_int_equal(step(g, (bulla_retire_options){ .force = true }), BULLA_OK);
	assert_int_equal(g->done.step, BULLA_RETIRE_DELETED);
	assert_int_equal(recorded(g, "\"RetirementForced\"", "locked: the tables are far away"), 1);
	gate_free(g);
}

static void test_a_key_in_use_is_not_closed_in_passing(void **state)
{
	gate *g = gate_new(YAML("key: local"));
	(void)state;
	assert_int_equal(step(g, (bulla_retire_options){ .used_by = "test", .named_by = "test" }), BULLA_ERR_REFUSED);
	assert_int_equal(g->key.closed_us, 0);
	assert_int_equal(bulla_engine_close(g->project->engine, bulla_view_str(g->key.id), &g->err), BULLA_OK);
	g->now_us += 200 * INT64_C(1000000);
	assert_int_equal(step(g, (bulla_retire_options){ .used_by = "test", .named_by = "test" }), BULLA_OK);
	g->now_us += 30 * DAY_US;
	assert_int_equal(step(g, (bulla_retire_options){ .named_by = "test" }), BULLA_ERR_REFUSED);
	assert_non_null(strstr(g->err.text, "bulla.yaml"));
	assert_int_equal(step(g, (bulla_retire_options){ 0 }), BULLA_OK);
	gate_free(g);
}

/* Opened again in between, it begins anew. */
static void test_enabled_again(void **state)
{
	gate *g = gate_new(YAML("key: local/new"));
	(void)state;
	assert_int_equal(step(g, (bulla_retire_options){ 0 }), BULLA_OK);
	g->now_us += DAY_US;
	assert_int_equal(bulla_engine_enable(g->project->engine, bulla_view_str(g->key.id), &g->err), BULLA_OK);
	assert_int_equal(step(g, (bulla_retire_options){ 0 }), BULLA_OK);
	assert_int_equal(g->done.step, BULLA_RETIRE_CLOSED);
	/* a clock that was set back makes the wait longer */
	g->now_us -= 10 * DAY_US;
	assert_int_equal(step(g, (bulla_retire_options){ 0 }), BULLA_ERR_REFUSED);
	gate_free(g);
}

/* Branch, index and shared keys hang from it until they are moved; then they hang from the others, and open what they did. */
static void test_branch_keys_refuse_until_they_are_moved(void **state)
{
	gate *g = gate_new(YAML("key: local"));
	bulla_moved moved;
	(void)state;
	seal(g, "users", "1", BULLA_OK);
	seal(g, "users", "2", BULLA_OK);
	seal(g, "tab", "1", BULLA_OK);
	bulla_reference_sum sum = hanging(g);
	assert_true(sum.branches[BULLA_BRANCH_RECORD] == 1 && sum.branches[BULLA_BRANCH_SHARED] == 1 && sum.branches_below == 2);
	reopen(g, YAML("keys: [local/new], previous: [local]"));
	assert_int_equal(step(g, (bulla_retire_options){ 0 }), BULLA_ERR_REFUSED);
	if (!strstr(g->err.text, "2 branch, index and shared keys hang from it: ")) fail_msg("%s", g->err.text);
	assert_non_null(strstr(g->err.text, "all"));
	assert_non_null(strstr(g->err.text, "data:Tab/"));
	assert_int_equal(bulla_engine_close(g->project->engine, bulla_view_str(g->key.id), &g->err), BULLA_OK);
	seal(g, "users", "2", BULLA_OK); /* under a branch key that is there */
	seal(g, "tab", "2", BULLA_ERR_KEY_CLOSING);
	bulla_error err = { 0 };
	assert_ok(bulla_project_move(g->project, g->key.uuid, &moved, &err));
	assert_true(moved.moved == 2 && moved.left == 0);
	sum = hanging(g);
	assert_true(bulla_reference_sum_is_empty(&sum) && sum.branches_below == 0);
	assert_ok(bulla_project_move(g->project, g->key.uuid, &moved, &err));
	assert_true(moved.moved == 0 && moved.left == 0);
	/* without the old key altogether */
	assert_int_equal(bulla_engine_disable(g->project->engine, bulla_view_str(g->key.id), &g->err), BULLA_OK);
	reopen(g, YAML("keys: [local/new]"));
	seal(g, "users", "1", BULLA_OK);
	seal(g, "tab", "1", BULLA_OK);
	gate_free(g);
}

/* From the engine to a file: the key passes through this process, and keeps its commitment. */
static void test_moved_to_another_provider(void **state)
{
	gate *g = gate_new(YAML("key: local"));
	bulla_moved moved;
	bulla_error err = { 0 };
	char *path = in(&g->box, "second.key");
	(void)state;
	seal(g, "users", "1", BULLA_OK);
	seal(g, "tab", "1", BULLA_OK);
	write_text(path, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n");
	assert_int_equal(chmod(path, 0600), 0);
	reopen(g, YAML("keys: [\"file:second.key\", local/new], previous: [local]"));
	assert_ok(bulla_project_move(g->project, g->key.uuid, &moved, &err));
	assert_true(moved.moved == 2 && moved.left == 0);
	bulla_reference_sum sum = hanging(g);
	assert_true(bulla_reference_sum_is_empty(&sum));
	reopen(g, YAML("keys: [\"file:second.key\"]"));
	seal(g, "users", "1", BULLA_OK);
	seal(g, "tab", "1", BULLA_OK);
	gate_free(g);
}

/* What cannot be moved stays as it is, and the rest goes. */
static void test_what_cannot_be_moved_is_told(void **state)
{
	gate *g = gate_new(YAML("key: local"));
	bulla_moved moved;
	bulla_error err = { 0 };
	(void)state;
	seal(g, "users", "1", BULLA_OK);
	seal(g, "tab", "1", BULLA_OK);
	/* still among those that wrap, and not closed: there is nowhere to go */
	assert_ok(bulla_project_move(g->project, g->key.uuid, &moved, &err));
	assert_true(moved.moved == 0 && moved.left == 2 && moved.why.code == BULLA_ERR_REFUSED);
	/* a model that bulla.yaml does not have any more */
	reopen(g, "version: 1\nenvironments:\n  development: { keys: [local/new], previous: [local] }\n"
		  "databases:\n  main: { url: \"sqlite:app.db\" }\n");
	assert_ok(bulla_project_move(g->project, g->key.uuid, &moved, &err));
	assert_true(moved.moved == 1 && moved.left == 1 && moved.why.code == BULLA_ERR_NOT_FOUND);
	/* the key is off */
	reopen(g, YAML("keys: [local/new], previous: [local]"));
	assert_int_equal(bulla_engine_disable(g->project->engine, bulla_view_str(g->key.id), &err), BULLA_OK);
	assert_ok(bulla_project_move(g->project, g->key.uuid, &moved, &err));
	assert_true(moved.moved == 0 && moved.left == 1 && moved.why.code == BULLA_ERR_KEY_DISABLED);
	bulla_reference_sum sum = hanging(g);
	assert_int_equal(sum.branches[BULLA_BRANCH_SHARED], 1);
	gate_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_steps),
		cmocka_unit_test(test_references_refuse),
		cmocka_unit_test(test_what_cannot_be_counted_refuses),
		cmocka_unit_test(test_force),
		cmocka_unit_test(test_a_key_in_use_is_not_closed_in_passing),
		cmocka_unit_test(test_enabled_again),
		cmocka_unit_test(test_branch_keys_refuse_until_they_are_moved),
		cmocka_unit_test(test_moved_to_another_provider),
		cmocka_unit_test(test_what_cannot_be_moved_is_told),
	};
	return cmocka_run_group_tests_name("lib/retire", tests, NULL, NULL);
}
