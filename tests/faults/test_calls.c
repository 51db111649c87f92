/*
 * test_calls.c - allocations of each public call made to fail in turn: MEMORY comes back, nothing is lost, and the same call then succeeds.
 *
 * Every one with BULLA_FAULTS set (the sanitizers' run), else the first ones and a part of the others.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../unit/lib/sandbox.h"
#include "faults.h"

#include <bulla/bulla.h>
#include <time.h>

#define FIRST 16 /* allocations of a call of which each is tried; the others at distances that grow, other ones on another day */
#define ROWS  70 /* more than one portion, so that the threads of a batch have something to do */

static const char yaml[] =
	"version: 1\nenvironments: { development: { key: local } }\nmodels:\n"
	"  people:\n    context: { model_name: Person, model_id: \"{id}\" }\n    branch_key: { name: people }\n"
	"    fields: { name: { index: {} }, note: { null: sealed, padding: 32, encode: base64 } }\n"
	"  direct: { context: { model_id: \"{id}\" }, fields: { name: {} } }\n"
	"  shared: { data_key: table, context: { model_id: \"{id}\" }, fields: { name: {} } }\n"
	"  boxes: { data_key: none, context: { model_id: \"{id}\" }, fields: { name: {} } }\n";

static sandbox box;
static bulla_error err;

/* What a call works on: made before the fault, ended after it. */
typedef struct desk {
	bulla_keyring *keyring;
	const bulla_model *model;
	bulla_batch *batch;
	bulla_record *record;
	bulla_buf out;
	bulla_row row[ROWS];
	bulla_cell cell[ROWS][2];
	bulla_bytes key[ROWS], id[ROWS];
	char ids[ROWS][8];
	bulla_buf held; /* keys and ciphertexts of sealed rows */
} desk;

static const bulla_pair pairs[] = { { { (const uint8_t *)"id", 2 }, { (const uint8_t *)"1", 1 } } };
static const bulla_value text = { .kind = BULLA_KIND_TEXT, .bytes = { (const uint8_t *)"a name", 6 } };

static void must(bulla_code code, const char *what)
{
	if (code) fail_msg("%s: %s: %s", what, bulla_code_name(code), err.text);
}

static bulla_code open_keyring(desk *d)
{
	bulla_keyring_options options = { .size = sizeof options, .config = box.config };
	return bulla_keyring_open(&options, &d->keyring, &err);
}

static void fill_rows(desk *d, size_t n)
{
	size_t fields = bulla_model_fields(d->model);
	for (size_t i = 0; i < n; i++) {
		snprintf(d->ids[i], sizeof d->ids[i], "%zu", i + 1);
		d->id[i] = bulla_view_str(d->ids[i]);
		for (size_t f = 0; f < fields; f++)
			d->cell[i][f] = (bulla_cell){ .field = f, .value = text };
		d->key[i] = bulla_view(NULL, 0);
		d->row[i] = (bulla_row){ .inputs = &d->id[i], .cells = d->cell[i], .cell_count = fields, .keys = &d->key[i] };
	}
}

static bulla_code new_batch(desk *d, unsigned threads)
{
	bulla_batch_options options = { .size = sizeof options, .threads = threads };
	return bulla_batch_new(d->keyring, d->model, &options, &d->batch, &err);
}

/* Copies what the batch shows, so that the rows can be opened. */
static void hold(desk *d, size_t n)
{
	size_t fields = bulla_model_fields(d->model), size = 0;
	for (size_t i = 0; i < n; i++) {
		size += d->key[i].len;
		for (size_t f = 0; f < fields; f++)
			size += d->cell[i][f].ciphertext.len;
	}
	must(bulla_buf_reserve(&d->held, size, &err), "copy");
	for (size_t i = 0; i < n; i++)
		for (size_t f = 0; f <= fields; f++) {
			bulla_bytes *view = f < fields ? &d->cell[i][f].ciphertext : &d->key[i];
			if (!view->data) continue;
			const uint8_t *at = d->held.data + d->held.len;
			must(bulla_buf_add(&d->held, *view, &err), "copy");
			view->data = at;
		}
}

/* A call as a whole, or one of its rows, has no memory; otherwise every row is right. */
static bulla_code judge(desk *d, size_t n, bulla_code code)
{
	for (size_t i = 0; i < n && !code; i++)
		code = d->row[i].code;
	return code;
}

static void with_model(desk *d, const char *model)
{
	must(open_keyring(d), "keyring");
	must(bulla_keyring_model(d->keyring, model, &d->model, &err), model);
}

static void with_sealed_rows(desk *d, const char *model)
{
	with_model(d, model);
	must(new_batch(d, 1), "batch");
	fill_rows(d, 3);
	must(judge(d, 3, bulla_batch_seal(d->batch, d->row, 3, &err)), "seal");
	hold(d, 3);
	bulla_batch_free(d->batch);
	d->batch = NULL;
	bulla_keyring_free(d->keyring); /* cold again */
	with_model(d, model);
	must(new_batch(d, 1), "batch");
}

/* --- the calls ------------------------------------------------------------------------------------------------- */

static void nothing(desk *d)
{
	(void)d;
}

static void with_people(desk *d)
{
	with_model(d, "people");
}

static void with_batch(desk *d)
{
	with_model(d, "people");
	must(new_batch(d, 1), "batch");
}

static void with_threads(desk *d)
{
	with_model(d, "people");
	must(new_batch(d, 3), "batch");
}

static void with_direct(desk *d)
{
	with_model(d, "direct");
	must(new_batch(d, 1), "batch");
}

static void with_shared(desk *d)
{
	with_model(d, "shared");
	must(new_batch(d, 1), "batch");
}

static void with_boxes(desk *d)
{
	with_model(d, "boxes");
	must(new_batch(d, 1), "batch");
}

static void sealed_people(desk *d)
{
	with_sealed_rows(d, "people");
}

static void sealed_direct(desk *d)
{
	with_sealed_rows(d, "direct");
}

static void sealed_shared(desk *d)
{
	with_sealed_rows(d, "shared");
}

static void sealed_boxes(desk *d)
{
	with_sealed_rows(d, "boxes");
}

static void open_record(desk *d)
{
	with_model(d, "people");
	must(bulla_record_new(d->keyring, d->model, pairs, 1, &d->record, &err), "record");
}

static void sealed_record(desk *d)
{
	open_record(d);
	must(bulla_record_seal(d->record, 1, &text, &d->held, &err), "seal");
}

static void made_box(desk *d)
{
	must(open_keyring(d), "keyring");
	must(bulla_box_seal(d->keyring, NULL, pairs, 1, bulla_view_str("hidden"), true, &d->held, &err), "box");
}

static void made_key(desk *d)
{
	with_sealed_rows(d, "direct");
}

static bulla_code open_it(desk *d)
{
	return open_keyring(d);
}

static bulla_code parse_schema(desk *d)
{
	bulla_schema *schema = NULL;
	(void)d;
	TRY(bulla_schema_parse(bulla_view_str(yaml), "bulla.yaml", "development", NULL, NULL, NULL, &schema, &err));
	bulla_schema_free(schema);
	return BULLA_OK;
}

static bulla_code find_model(desk *d)
{
	const bulla_model *model;
	if (bulla_keyring_model(d->keyring, "nobody", &model, &err) == BULLA_OK) return BULLA_ERR_INTERNAL;
	return bulla_keyring_model(d->keyring, "people", &model, &err);
}

static bulla_code make_batch(desk *d)
{
	return new_batch(d, 3);
}

static bulla_code seal_few(desk *d)
{
	fill_rows(d, 3);
	return judge(d, 3, bulla_batch_seal(d->batch, d->row, 3, &err));
}

static bulla_code seal_many(desk *d)
{
	fill_rows(d, ROWS);
	return judge(d, ROWS, bulla_batch_seal(d->batch, d->row, ROWS, &err));
}

static bulla_code open_few(desk *d)
{
	TRY(judge(d, 3, bulla_batch_open(d->batch, d->row, 3, &err)));
	for (size_t i = 0; i < 3; i++)
		if (!bulla_bytes_equal(d->cell[i][0].value.bytes, text.bytes)) return BULLA_ERR_INTERNAL;
	return BULLA_OK;
}

static bulla_code rewrap_few(desk *d)
{
	bulla_bytes keys[3];
	memcpy(keys, d->key, sizeof keys);
	bulla_code code = judge(d, 3, bulla_batch_rewrap(d->batch, d->row, 3, &err));
	memcpy(d->key, keys, sizeof keys); /* the stored ones, for the next time */
	return code;
}

static bulla_code index_one(desk *d)
{
	bulla_buf_clear(&d->out);
	return bulla_batch_index(d->batch, 0, NULL, &text, &d->out, &err);
}

static bulla_code make_record(desk *d)
{
	return bulla_record_new(d->keyring, d->model, pairs, 1, &d->record, &err);
}

static bulla_code reopen_record(desk *d)
{
	return bulla_record_open(d->keyring, d->model, pairs, 1, d->key, &d->record, &err);
}

static bulla_code seal_field(desk *d)
{
	bulla_buf_clear(&d->out);
	TRY(bulla_record_seal(d->record, 0, &text, &d->out, &err));
	bulla_buf_clear(&d->out);
	return bulla_record_seal(d->record, 1, &text, &d->out, &err);
}

static bulla_code unseal_field(desk *d)
{
	bulla_value value;
	TRY(bulla_record_unseal(d->record, 1, bulla_view_buf(&d->held), &d->out, &value, &err));
	return bulla_bytes_equal(value.bytes, text.bytes) ? BULLA_OK : BULLA_ERR_INTERNAL;
}

static bulla_code index_field(desk *d)
{
	bulla_buf_clear(&d->out);
	return bulla_record_index(d->record, 0, &text, &d->out, &err);
}

static bulla_code seal_box(desk *d)
{
	bulla_buf_clear(&d->out);
	return bulla_box_seal(d->keyring, NULL, pairs, 1, bulla_view_str("hidden"), true, &d->out, &err);
}

static bulla_code open_box(desk *d)
{
	bulla_buf_clear(&d->out);
	TRY(bulla_box_open(d->keyring, pairs, 1, bulla_view_buf(&d->held), &d->out, &err));
	return bulla_bytes_is(bulla_view_buf(&d->out), "hidden") ? BULLA_OK : BULLA_ERR_INTERNAL;
}

static bulla_code inspect_key(desk *d)
{
	bulla_buf_clear(&d->out);
	return bulla_inspect(d->key[0], &d->out, &err);
}

static bulla_code tick(desk *d)
{
	bulla_keyring_tick(d->keyring);
	bulla_keyring_forget(d->keyring);
	return BULLA_OK;
}

/* `may_pass`: where nothing is asked for that could not be done without. */
static const struct call {
	const char *name;
	void (*prepare)(desk *d);
	bulla_code (*run)(desk *d);
	bool may_pass;
} calls[] = {
	{ "schema: parse", nothing, parse_schema, false },
	{ "keyring: open", nothing, open_it, false },
	{ "keyring: model", with_people, find_model, true },
	{ "keyring: tick and forget", sealed_people, tick, true },
	{ "batch: new, three threads", with_people, make_batch, false },
	{ "batch: seal", with_batch, seal_few, false },
	{ "batch: seal in three threads", with_threads, seal_many, false },
	{ "batch: seal, KMS wraps", with_direct, seal_few, false },
	{ "batch: seal, shared key", with_shared, seal_few, false },
	{ "batch: seal boxes", with_boxes, seal_few, false },
	{ "batch: open", sealed_people, open_few, false },
	{ "batch: open, KMS wraps", sealed_direct, open_few, false },
	{ "batch: open, shared key", sealed_shared, open_few, false },
	{ "batch: open boxes", sealed_boxes, open_few, false },
	{ "batch: rewrap", sealed_people, rewrap_few, false },
	{ "batch: rewrap, KMS wraps", sealed_direct, rewrap_few, false },
	{ "batch: index", with_batch, index_one, false },
	{ "record: new", with_people, make_record, false },
	{ "record: open", sealed_people, reopen_record, false },
	{ "record: seal", open_record, seal_field, false },
	{ "record: unseal", sealed_record, unseal_field, false },
	{ "record: index", open_record, index_field, false },
	{ "box: seal", with_people, seal_box, false },
	{ "box: open", made_box, open_box, false },
	{ "inspect", made_key, inspect_key, false },
};

static void desk_done(desk *d)
{
	bulla_record_free(d->record);
	bulla_batch_free(d->batch);
	bulla_keyring_free(d->keyring);
	bulla_buf_done(&d->out);
	bulla_buf_done(&d->held);
	free(d);
}

static size_t complaints;

/* All of them are told, then the test fails. */
static void complain(const struct call *call, long number, bool lasting, bulla_code code)
{
	complaints++;
	print_error("%s: allocation %ld%s: %s: %s\n", call->name, number, lasting ? " and all after it" : "",
		    bulla_code_name(code), err.text);
}

/* One call with one fault, then without. True when there was an allocation with that number; `*ret_refused` when it told. */
static bool try_once(const struct call *call, long number, bool lasting, bool *ret_refused)
{
	desk *d = calloc(1, sizeof *d);
	assert_non_null(d);
	call->prepare(d);
	err = (bulla_error){ 0 };
	faults_arm(number, lasting);
	bulla_code code = call->run(d);
	bool fired = faults_disarm();
	if (code && ((code != BULLA_ERR_MEMORY && code != BULLA_ERR_CRYPTO) || !fired)) complain(call, number, lasting, code);
	*ret_refused |= code != BULLA_OK;
	if (code) must(call->run(d), call->name);
	desk_done(d);
	return fired;
}

static void every_allocation(const struct call *call, bool lasting)
{
	bool refused = false;
	long n = 0;
	while (try_once(call, n, lasting, &refused))
		n += n < FIRST || getenv("BULLA_FAULTS") ? 1 : 1 + n / 4 + (time(NULL) / 86400 + n) % 7;
	assert_true(refused || call->may_pass);
	print_message("%s: about %ld allocations%s\n", call->name, n, lasting ? ", each with all after it" : "");
}

static void one_fails(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		every_allocation(&calls[i], false);
	assert_int_equal(complaints, 0);
}

static void all_fail_from_there(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		every_allocation(&calls[i], true);
	assert_int_equal(complaints, 0);
}

/* What was appended beside all these faults is one log, and verifies. */
static void the_log_is_whole(void **state)
{
	bulla_project *project = NULL;
	bulla_log_report report;
	(void)state;
	must(bulla_project_open(box.config, NULL, BULLA_PROJECT_ENGINE, &project, &err), "opening");
	must(bulla_log_verify(project->paths.log, project->log_origin, project->log_public, NULL, NULL, &report, &err),
	     "verifying");
	if (!report.ok) fail_msg("%s", report.problem);
	assert_true(report.size > 200);
	bulla_project_close(project);
}

static int set_up(void **state)
{
	(void)state;
	box = sandbox_new(yaml);
	make_store(&box, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	sandbox_done(&box);
	return 0;
}

int main(void)
{
	faults_install();
	const struct CMUnitTest tests[] = { cmocka_unit_test(one_fails), cmocka_unit_test(all_fail_from_there),
					    cmocka_unit_test(the_log_is_whole) };
	return cmocka_run_group_tests_name("faults/calls", tests, set_up, tear_down);
}
