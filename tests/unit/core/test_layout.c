/*
 * test_layout.c - a model's contexts, checks and identities, row by row.
 */
#include "world.h"

#include <stdio.h>

static const char yaml[] = "version: 1\nmodels:\n"
			   "  users:\n"
			   "    primary_key: [tenant_id, id]\n"
			   "    context: { zone: eu, model_name: User, model_id: \"{tenant_id}{id}\", path: \"u{id}\" }\n"
			   "    branch_key: \"t:{tenant_id}\"\n"
			   "    data_keys: { phone: { context: { purpose: calls, model_id: \"{id}\" } } }\n"
			   "    fields:\n"
			   "      email: { type: string, index: { scope: tenant_id } }\n"
			   "      phone: { type: string, data_key: phone }\n"
			   "  notes:\n"
			   "    data_key: table\n"
			   "    context: { model_name: Note, model_id: \"{id}\" }\n"
			   "    fields: { body: { type: string } }\n";

static bulla_lane *lane;
static bulla_schema *schema;
static bulla_layout layout;
static const bulla_model *model;

static int set_up(void **state)
{
	bulla_error err = { 0 };
	(void)state;
	if (bulla_lane_new(&lane, &err) || bulla_schema_parse(bulla_view_str(yaml), "t", NULL, NULL, NULL, NULL, &schema, &err) ||
	    bulla_schema_model(schema, "users", &model, &err) || bulla_layout_init(&layout, model, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	bulla_layout_done(&layout);
	bulla_schema_free(schema);
	bulla_lane_free(lane);
	return 0;
}

/* Inputs in the model's order. */
static void order(const char *tenant, const char *id, bulla_bytes out[static 2])
{
	for (size_t i = 0; i < model->input_count; i++)
		out[i] = bulla_view_str(strcmp(model->inputs[i], "id") == 0 ? id : tenant);
}

static void assert_context(size_t plan, const char *tenant, const char *id, const bulla_pair *pairs, size_t n)
{
	bulla_bytes inputs[2];
	bulla_row_context context;
	BULLA_BUF_AUTO bulla_buf expected = { 0 };
	order(tenant, id, inputs);
	assert_int_equal(bulla_layout_context(&layout, plan, inputs, &context, NULL), BULLA_OK);
	assert_int_equal(bulla_context_encode(pairs, n, &expected, NULL), BULLA_OK);
	assert_true(bulla_bytes_equal(bulla_view_buf(&expected), bulla_view(context.bytes, context.len)));
}

#define PAIR(NAME, VALUE)                                                                                                        \
	{                                                                                                                        \
		bulla_view_str(NAME), bulla_view_str(VALUE)                                                                      \
	}

static void contexts_are_canonical(void **state)
{
	const bulla_pair of_record[] = { PAIR("model_id.tenant_id", "7"), PAIR("model_id.id", "42"), PAIR("model_name", "User"),
					 PAIR("path", "u42"), PAIR("zone", "eu") };
	const bulla_pair of_phone[] = { PAIR("model_id", "42"), PAIR("purpose", "calls") };
	(void)state;
	assert_int_equal(model->input_count, 2);
	assert_int_equal(layout.key_plan[0], 0);
	assert_context(0, "7", "42", of_record, COUNT(of_record));
	assert_context(layout.key_plan[1], "7", "42", of_phone, COUNT(of_phone));
	assert_int_equal(layout.field_plan[0], 0);
	assert_int_equal(layout.field_plan[1], layout.key_plan[1]);
}

/* Two columns that run together are two pairs: ("x:y", "z") is not ("x", "y:z"). */
static void columns_do_not_run_together(void **state)
{
	bulla_bytes a[2], b[2];
	bulla_row_context one, other;
	(void)state;
	order("12", "3", a);
	order("1", "23", b);
	assert_int_equal(bulla_layout_context(&layout, 0, a, &one, NULL), BULLA_OK);
	assert_int_equal(bulla_layout_context(&layout, 0, b, &other, NULL), BULLA_OK);
	assert_false(bulla_bytes_equal(bulla_view(one.bytes, one.len), bulla_view(other.bytes, other.len)));
}

static void what_is_not_a_context(void **state)
{
	bulla_bytes inputs[2];
	bulla_row_context context;
	bulla_error err = { 0 };
	(void)state;
	order("7", "42", inputs);
	inputs[1] = bulla_view(NULL, 0);
	assert_int_equal(bulla_layout_context(&layout, 0, inputs, &context, &err), BULLA_ERR_CONTEXT);
	assert_non_null(strstr(err.text, model->inputs[1]));
	inputs[1] = bulla_view_str("\xc3");
	assert_int_equal(bulla_layout_context(&layout, 0, inputs, &context, &err), BULLA_ERR_ENCODING);
	inputs[1] = bulla_view("", 0); /* empty is a value */
	assert_int_equal(bulla_layout_context(&layout, 0, inputs, &context, &err), BULLA_OK);
}

/* To the byte at the limit, for every value near it. */
static void limit(void **state)
{
	(void)state;
	char *text = malloc(BULLA_CONTEXT_MAX + 2);
	assert_non_null(text);
	memset(text, 'x', BULLA_CONTEXT_MAX + 1);
	bulla_bytes inputs[2];
	bulla_row_context context;
	order("", "7", inputs);
	size_t tenant = strcmp(model->inputs[0], "id") == 0;
	assert_int_equal(bulla_layout_context(&layout, 0, inputs, &context, NULL), BULLA_OK);
	size_t room = BULLA_CONTEXT_MAX - context.len;
	inputs[tenant] = bulla_view(text, room);
	assert_int_equal(bulla_layout_context(&layout, 0, inputs, &context, NULL), BULLA_OK);
	assert_int_equal(context.len, BULLA_CONTEXT_MAX);
	for (size_t more = 1; room + more <= BULLA_CONTEXT_MAX + 1; more++) {
		inputs[tenant] = bulla_view(text, room + more);
		assert_int_equal(bulla_layout_context(&layout, 0, inputs, &context, NULL), BULLA_ERR_LIMIT);
	}
	free(text);
}

static size_t differing(const char *tenant, const char *id)
{
	static const uint8_t commitment[BULLA_COMMITMENT_SIZE] = { 1 };
	bulla_row_context sealed, read;
	uint8_t checks[2 * BULLA_CHECKS_MAX];
	bulla_bytes inputs[2];
	size_t len;
	order("7", "42", inputs);
	assert_int_equal(bulla_layout_context(&layout, 0, inputs, &sealed, NULL), BULLA_OK);
	assert_int_equal(bulla_layout_checks(&layout, 0, &sealed, lane, commitment, checks, &len, NULL), BULLA_OK);
	assert_int_equal(len, 2 * bulla_layout_check_count(&layout, 0));
	order(tenant, id, inputs);
	assert_int_equal(bulla_layout_context(&layout, 0, inputs, &read, NULL), BULLA_OK);
	bulla_wrapped_key key = { .commitment = bulla_view(commitment, sizeof commitment), .checks = bulla_view(checks, len) };
	size_t part = 0, none = 0;
	(void)bulla_layout_differing(&layout, 0, &read, lane, &key, &part);
	key.checks.len -= 2; /* another number of checks: they cannot be compared */
	assert_false(bulla_layout_differing(&layout, 0, &read, lane, &key, &none));
	return part;
}

static void checks_name_the_part(void **state)
{
	(void)state;
	assert_int_equal(bulla_layout_check_count(&layout, 0), 5);
	assert_int_equal(differing("7", "42"), 0);
	assert_string_equal(model->context[differing("8", "42") - 1].name, "model_id.tenant_id");
	assert_string_equal(model->context[differing("7", "43") - 1].name, "model_id.id");
}

static void identities(void **state)
{
	BULLA_BUF_AUTO bulla_buf branch = { 0 }, index = { 0 }, print = { 0 };
	bulla_bytes inputs[2];
	(void)state;
	order("7/8", "42", inputs);
	assert_int_equal(bulla_layout_branch(&layout, inputs, &branch, NULL), BULLA_OK);
	assert_int_equal(bulla_branch_print(bulla_view_buf(&branch), &print, NULL), BULLA_OK);
	assert_true(bulla_bytes_is(bulla_view_buf(&print), "t:7%2F8"));
	bulla_buf_clear(&print);
	assert_int_equal(bulla_layout_index(&layout, model->fields[0].index, inputs, &index, NULL), BULLA_OK);
	assert_int_equal(bulla_branch_print(bulla_view_buf(&index), &print, NULL), BULLA_OK);
	assert_true(bulla_bytes_is(bulla_view_buf(&print), "index:User/email/7%2F8"));
	assert_int_equal(bulla_layout_index(&layout, model->fields[0].index, NULL, &index, NULL), BULLA_ERR_CONTEXT);
	inputs[0] = inputs[1] = bulla_view(NULL, 0);
	assert_int_equal(bulla_layout_branch(&layout, inputs, &branch, NULL), BULLA_ERR_CONTEXT);
	assert_int_equal(bulla_layout_index(&layout, model->fields[0].index, inputs, &index, NULL), BULLA_ERR_CONTEXT);
}

/* One key for a table: its context is the constants alone, the fields' is the row's. */
static void shared_keys(void **state)
{
	const bulla_model *notes;
	bulla_layout of_notes;
	bulla_row_context context;
	bulla_bytes id = bulla_view_str("42");
	const bulla_pair constants[] = { PAIR("model_name", "Note") },
			 row[] = { PAIR("model_name", "Note"), PAIR("model_id", "42") };
	BULLA_BUF_AUTO bulla_buf expected = { 0 }, whole = { 0 }, identity = { 0 }, print = { 0 };
	(void)state;
	assert_int_equal(bulla_schema_model(schema, "notes", &notes, NULL), BULLA_OK);
	assert_int_equal(bulla_layout_init(&of_notes, notes, NULL), BULLA_OK);
	assert_int_equal(of_notes.field_version, 2);
	assert_int_equal(bulla_context_encode(constants, 1, &expected, NULL), BULLA_OK);
	assert_int_equal(bulla_layout_context(&of_notes, of_notes.key_plan[0], &id, &context, NULL), BULLA_OK);
	assert_true(bulla_bytes_equal(bulla_view_buf(&expected), bulla_view(context.bytes, context.len)));
	assert_int_equal(bulla_context_encode(row, 2, &whole, NULL), BULLA_OK);
	assert_int_equal(bulla_layout_context(&of_notes, of_notes.field_plan[0], &id, &context, NULL), BULLA_OK);
	assert_true(bulla_bytes_equal(bulla_view_buf(&whole), bulla_view(context.bytes, context.len)));
	assert_int_equal(bulla_layout_shared(&of_notes, 0, &identity, NULL), BULLA_OK);
	assert_int_equal(bulla_branch_print(bulla_view_buf(&identity), &print, NULL), BULLA_OK);
	assert_true(bulla_bytes_is(bulla_view_buf(&print), "data:Note/"));
	bulla_layout_done(&of_notes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contexts_are_canonical),
		cmocka_unit_test(columns_do_not_run_together),
		cmocka_unit_test(what_is_not_a_context),
		cmocka_unit_test(limit),
		cmocka_unit_test(checks_name_the_part),
		cmocka_unit_test(identities),
		cmocka_unit_test(shared_keys),
	};
	return cmocka_run_group_tests_name("core/layout", tests, set_up, tear_down);
}
