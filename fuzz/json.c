/*
 * json.c - fuzz target: bytes as JSON. What is read is written so that it is read as the same.
 */
#include "fuzz.h"

#include "base/json.h"
#include "base/text.h"

static void write_node(bulla_json_writer *w, const char *name, const bulla_json *node);

static bool write_member(void *self, bulla_bytes name, const bulla_json *value)
{
	char *text = fuzz_text(name);
	HOLDS(bulla_utf8_valid(name));
	if (strlen(text) == name.len) { /* the writer takes C strings */
		HOLDS(bulla_json_count(value) || bulla_json_member(value, text) == NULL);
		write_node(self, text, value);
	}
	free(text);
	return true;
}

static void write_container(bulla_json_writer *w, const char *name, const bulla_json *node)
{
	bool list = bulla_json_at(node, 0) != NULL;
	bulla_json_open(w, name, list ? '[' : '{');
	for (size_t i = 0; list && i < bulla_json_count(node); i++)
		write_node(w, NULL, bulla_json_at(node, i));
	if (!list) bulla_json_members(node, write_member, w);
	bulla_json_close(w, list ? ']' : '}');
}

static void write_node(bulla_json_writer *w, const char *name, const bulla_json *node)
{
	bulla_bytes text;
	int64_t integer;
	double number;
	bool boolean;
	if (bulla_json_string(node, &text)) {
		HOLDS(bulla_utf8_valid(text));
		bulla_json_put_bytes(w, name, text);
	} else if (bulla_json_integer(node, &integer)) {
		bulla_json_put_int(w, name, integer);
	} else if (bulla_json_number(node, &number)) {
		bulla_json_put_number(w, name, number);
	} else if (bulla_json_boolean(node, &boolean)) {
		bulla_json_put_bool(w, name, boolean);
	} else if (bulla_json_is_null(node)) {
		bulla_json_put_null(w, name);
	} else {
		write_container(w, name, node);
	}
}

static bulla_buf write_document(const bulla_json *document)
{
	bulla_error err = { 0 };
	bulla_buf out = { 0 };
	bulla_json_writer w = bulla_json_to(&out);
	write_node(&w, NULL, document);
	fuzz_must(bulla_json_end(&w, &err), &err);
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bulla_error err = { 0 };
	bulla_json *document = NULL;
	if (!fuzz_ok(bulla_json_parse(bulla_view(data, size), &document, &err), &err)) {
		HOLDS(!document);
		return 0;
	}
	BULLA_BUF_AUTO bulla_buf once = write_document(document);
	bulla_json_free(document);
	fuzz_must(bulla_json_parse(bulla_view_buf(&once), &document, &err), &err);
	BULLA_BUF_AUTO bulla_buf twice = write_document(document);
	bulla_json_free(document);
	HOLDS(fuzz_same(&twice, bulla_view_buf(&once)));
	return 0;
}
