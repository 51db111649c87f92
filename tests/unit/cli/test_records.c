/*
 * test_records.c - decrypted records as CSV, JSON lines and for people; tables; the text of a new bulla.yaml.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/grid.h"
#include "cli/proposal.h"
#include "cli/records.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const bulla_command bulla_commands[] = { { NULL } };
const bulla_option bulla_global_options[] = {
	{ "pk", 0, "COLUMN=VALUE", "" }, { "table", 0, "T", "" }, { "fields", 0, "F", "" }, { "index", 0, "I", "" }, { NULL }
};

/* --- what is written to stdout -------------------------------------------------------------------------------------- */
typedef struct capture {
	int saved;
	FILE *file;
	char text[8192];
	size_t length;
} capture;

static void capture_begin(capture *c)
{
	(void)fflush(stdout);
	c->saved = dup(STDOUT_FILENO);
	c->file = tmpfile();
	assert_non_null(c->file);
	assert_true(dup2(fileno(c->file), STDOUT_FILENO) >= 0);
}

static void capture_end(capture *c)
{
	(void)fflush(stdout);
	assert_true(dup2(c->saved, STDOUT_FILENO) >= 0);
	(void)close(c->saved);
	rewind(c->file);
	c->length = fread(c->text, 1, sizeof c->text - 1, c->file);
	c->text[c->length] = 0;
	(void)fclose(c->file);
}

static bulla_value text_of(const char *text)
{
	return (bulla_value){ .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str(text) };
}

static bulla_value integer_of(int64_t n)
{
	return (bulla_value){ .kind = BULLA_KIND_INTEGER, .integer = n };
}

static bulla_value float_of(double n)
{
	return (bulla_value){ .kind = BULLA_KIND_FLOAT, .number = n };
}

static bulla_value binary_of(const void *data, size_t n)
{
	return (bulla_value){ .kind = BULLA_KIND_BINARY, .bytes = bulla_view(data, n) };
}

static capture print(bulla_record_each each, const char *const *names, const bulla_value *values, size_t n, int times)
{
	bulla_cli cli = { 0 };
	bulla_error err = { 0 };
	bulla_printer printer = { .cli = &cli };
	capture c;
	capture_begin(&c);
	bulla_code code = BULLA_OK;
	for (int i = 0; i < times && code == BULLA_OK; i++)
		code = each(&printer, names, values, n, &err);
	capture_end(&c);
	bulla_buf_done(&printer.line);
	assert_int_equal(code, BULLA_OK);
	assert_int_equal(printer.records, times);
	return c;
}

static void test_csv(void **state)
{
	static const char *const names[] = { "id", "a,b", "empty", "null", "quote", "line", "bin", "yes", "real" };
	const bulla_value values[] = { integer_of(INT64_MIN),
				       text_of("Zoë"),
				       text_of(""),
				       { 0 },
				       text_of("say \"hi\""),
				       text_of("a\r\nb"),
				       binary_of("\x00\xff", 2),
				       { .kind = BULLA_KIND_BOOLEAN, .integer = 1 },
				       float_of(0.1) };
	(void)state;
	capture c = print(bulla_print_csv, names, values, 9, 2);
	const char *line = "-9223372036854775808,Zoë,\"\",,\"say \"\"hi\"\"\",\"a\r\nb\",\\x00ff,1,0.1\r\n";
	char wanted[1024];
	(void)snprintf(wanted, sizeof wanted, "id,\"a,b\",empty,null,quote,line,bin,yes,real\r\n%s%s", line, line);
	assert_string_equal(c.text, wanted);
}

static void test_floats_come_back(void **state)
{
	static const double numbers[] = { 0.1, 1.0 / 3, 1e300, 5e-324, -0.0, 123456789.125, 1e15, 9007199254740993.0 };
	static const char *const names[] = { "x" };
	(void)state;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		bulla_value value = float_of(numbers[i]);
		capture c = print(bulla_print_csv, names, &value, 1, 1);
		const char *text = c.text + 3; /* behind the heading */
		double back = strtod(text, NULL);
		assert_memory_equal(&back, &numbers[i], sizeof back);
		assert_non_null(strpbrk(text, ".e")); /* not to be taken for an integer */
	}
}

static void test_json(void **state)
{
	static const char *const names[] = { "i", "t", "n", "e", "b", "bad", "y", "inf" };
	const bulla_value values[] = { integer_of(INT64_MAX),
				       text_of("\"\\\n\xc3\xa9"),
				       { 0 },
				       text_of(""),
				       binary_of("abc", 3),
				       text_of("\xff\xfe"),
				       { .kind = BULLA_KIND_BOOLEAN },
				       float_of(-INFINITY) };
	(void)state;
	capture c = print(bulla_print_json, names, values, 8, 1);
	assert_string_equal(
		c.text,
		"{\"i\":9223372036854775807,\"t\":\"\\\"\\\\\\n\xc3\xa9\",\"n\":null,\"e\":\"\",\"b\":{\"base64\":\"YWJj\"},"
		"\"bad\":{\"base64\":\"//4=\"},\"y\":false,\"inf\":\"-Infinity\"}\n");
}

static void test_blocks(void **state)
{
	static const char *const names[] = { "id", "name", "note" };
	const bulla_value values[] = { integer_of(7), text_of("a\x1b[31mb"), { 0 } };
	(void)state;
	capture c = print(bulla_print_block, names, values, 3, 2);
	const char *block = "id    7\nname  a\\x1b[31mb\nnote  NULL\n";
	char wanted[256];
	(void)snprintf(wanted, sizeof wanted, "%s\n%s", block, block);
	assert_string_equal(c.text, wanted);
}

/* --- primary keys ----------------------------------------------------------------------------------------------------- */
static bulla_code pk_of(const bulla_model *model, const char *id, const char *a, const char *b, bulla_bytes *pk, size_t *n)
{
	bulla_cli cli = { 0 };
	bulla_error err = { 0 };
	if (a) cli.given[cli.given_count++] = (bulla_given){ &bulla_global_options[0], a };
	if (b) cli.given[cli.given_count++] = (bulla_given){ &bulla_global_options[0], b };
	return bulla_cli_pk(&cli, model, id, pk, n, &err);
}

static void test_primary_keys(void **state)
{
	const char *two[] = { "tenant", "id" }, *one[] = { "code" };
	bulla_model wide = { .key = "m", .primary_key = two, .primary_key_count = 2 };
	bulla_model narrow = { .key = "m", .primary_key = one, .primary_key_count = 1 };
	bulla_bytes pk[BULLA_INPUTS_MAX];
	size_t n = 0;
	(void)state;
	assert_int_equal(pk_of(&wide, "7,42", NULL, NULL, pk, &n), BULLA_OK);
	assert_true(n == 2 && bulla_bytes_is(pk[0], "7") && bulla_bytes_is(pk[1], "42"));
	assert_int_equal(pk_of(&wide, "7", NULL, NULL, pk, &n), BULLA_ERR_USAGE);
	assert_int_equal(pk_of(&wide, "7,8,9", NULL, NULL, pk, &n), BULLA_ERR_USAGE);
	assert_int_equal(pk_of(&wide, NULL, "id=4,2", "tenant=7", pk, &n), BULLA_OK);
	assert_true(n == 2 && bulla_bytes_is(pk[0], "7") && bulla_bytes_is(pk[1], "4,2"));
	assert_int_equal(pk_of(&wide, NULL, "id=42", NULL, pk, &n), BULLA_ERR_USAGE);
	assert_int_equal(pk_of(&wide, NULL, "id=42", "other=1", pk, &n), BULLA_ERR_USAGE);
	assert_int_equal(pk_of(&narrow, "a,b", NULL, NULL, pk, &n), BULLA_OK); /* the comma belongs to it */
	assert_true(n == 1 && bulla_bytes_is(pk[0], "a,b"));
	assert_int_equal(pk_of(&narrow, NULL, NULL, NULL, pk, &n), BULLA_ERR_USAGE);
}

/* --- tables ----------------------------------------------------------------------------------------------------------- */
static void test_grid(void **state)
{
	static const char *const headings[] = { "NAME", ">ROWS", "END", NULL };
	bulla_cli cli = { 0 };
	bulla_error err = { 0 };
	capture c;
	(void)state;
	bulla_grid grid = bulla_grid_of(headings);
	bulla_grid_cell(&grid, "Zoë");
	bulla_grid_count(&grid, 1234567);
	bulla_grid_cell(&grid, "x");
	bulla_grid_cell(&grid, "someone");
	bulla_grid_count(&grid, 1);
	bulla_grid_cell(&grid, "\x1b[0m");
	capture_begin(&c);
	bulla_code code = bulla_grid_print(&grid, &cli, &err);
	capture_end(&c);
	assert_int_equal(code, BULLA_OK);
	assert_string_equal(c.text, "NAME          ROWS  END\nZoë      1,234,567  x\nsomeone          1  \\x1b[0m\n");
}

/* --- bulla.yaml ------------------------------------------------------------------------------------------------------- */
static void test_proposal(void **state)
{
	static const char answer[] =
		"{\"table\":\"Old Users\",\"primary_key\":[\"tenant_id\",\"id\"],\"context\":{\"model_name\":\"Old "
		"Users\",\"tenant\":\"{tenant_id}\",\"model_id\":\"{id}\"},"
		"\"fields\":[{\"name\":\"email\",\"type\":\"string\",\"index\":{\"unique\":true}},"
		"{\"name\":\"no\",\"type\":\"any\"},{\"name\":\"ssn\",\"type\":\"string\"}],\"warnings\":[\"mind the gap\"]}";
	bulla_wish wish = { .table = "Old Users", .indexes = { bulla_view_str("ssn") }, .index_count = 1 };
	bulla_json *proposal = NULL;
	bulla_buf out = { 0 }, warnings = { 0 };
	bulla_schema *schema = NULL;
	const bulla_model *model = NULL;
	const bulla_field *field = NULL;
	bulla_error err = { 0 };
	(void)state;
	assert_int_equal(bulla_json_parse(bulla_view_str(answer), &proposal, &err), BULLA_OK);
	assert_int_equal(bulla_proposal_write("development", "sqlite:app db", &wish, &proposal, 1, &out, &warnings, &err),
			 BULLA_OK);
	assert_true(bulla_bytes_is(bulla_view_buf(&warnings), "Old Users: mind the gap\n"));
	bulla_code code = bulla_schema_parse(bulla_view_buf(&out), "new", "development", NULL, NULL, NULL, &schema, &err);
	if (code) print_error("%s\n%.*s", err.text, (int)out.len, (const char *)out.data);
	assert_int_equal(code, BULLA_OK);
	assert_int_equal(bulla_schema_model(schema, "Old_Users", &model, &err), BULLA_OK);
	assert_string_equal(model->table, "Old Users");
	assert_int_equal(model->primary_key_count, 2);
	assert_string_equal(model->branch.name.text, "Old_Users");
	assert_int_equal(bulla_model_field(model, "email", &field, &err), BULLA_OK);
	assert_true(field->index && field->index->unique);
	assert_int_equal(bulla_model_field(model, "ssn", &field, &err), BULLA_OK);
	assert_non_null(field->index);
	assert_int_equal(bulla_model_field(model, "no", &field, &err), BULLA_OK); /* not a boolean */
	assert_null(field->index);
	bulla_schema_free(schema);
	bulla_json_free(proposal);
	bulla_buf_done(&out);
	bulla_buf_done(&warnings);
}

static void test_example(void **state)
{
	bulla_buf out = { 0 }, warnings = { 0 };
	bulla_schema *schema = NULL;
	bulla_error err = { 0 };
	size_t n = 1;
	(void)state;
	assert_int_equal(bulla_proposal_write("on", NULL, NULL, NULL, 0, &out, &warnings, &err), BULLA_OK);
	assert_int_equal(bulla_schema_parse(bulla_view_buf(&out), "new", "on", NULL, NULL, NULL, &schema, &err), BULLA_OK);
	(void)bulla_schema_models(schema, &n);
	assert_int_equal(n, 0);
	bulla_schema_free(schema);
	bulla_buf_done(&out);
}

static void give(bulla_cli *cli, size_t option, const char *value)
{
	cli->given[cli->given_count++] = (bulla_given){ &bulla_global_options[option], value };
}

static void test_wishes(void **state)
{
	static bulla_wish wishes[BULLA_TABLES_MAX];
	bulla_cli cli = { 0 }, wrong = { 0 }, bare = { 0 };
	bulla_error err = { 0 };
	size_t n = 0;
	(void)state;
	give(&cli, 1, "users");
	give(&cli, 2, "email,phone");
	give(&cli, 3, "phone");
	give(&cli, 1, "orders");
	give(&cli, 2, "address");
	assert_int_equal(bulla_wishes_read(&cli, wishes, &n, &err), BULLA_OK);
	assert_int_equal(n, 2);
	assert_int_equal(wishes[0].field_count, 2);
	assert_int_equal(wishes[0].index_count, 1);
	assert_true(bulla_bytes_is(wishes[1].fields[0], "address"));
	give(&wrong, 2, "email");
	assert_int_equal(bulla_wishes_read(&wrong, wishes, &n, &err), BULLA_ERR_USAGE);
	give(&bare, 1, "users");
	assert_int_equal(bulla_wishes_read(&bare, wishes, &n, &err), BULLA_ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_csv),      cmocka_unit_test(test_floats_come_back), cmocka_unit_test(test_json),
		cmocka_unit_test(test_blocks),   cmocka_unit_test(test_primary_keys),     cmocka_unit_test(test_grid),
		cmocka_unit_test(test_proposal), cmocka_unit_test(test_example),          cmocka_unit_test(test_wishes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
