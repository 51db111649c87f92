/*
 * template.c - fuzz target: text as a template such as "user:{id}", and values in its places.
 */
#include "fuzz.h"

#include "core/branch.h"
#include "core/schema_read.h"

/* Its parts, one after the other, are the template. */
static void put_together(const bulla_template *t, const char *const *inputs)
{
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	for (size_t i = 0; i < t->parts; i++) {
		const char *literal = t->part[i].literal;
		if (!literal) fuzz_add(&text, bulla_view_str("{"));
		fuzz_add(&text, bulla_view_str(literal ? literal : inputs[t->part[i].input]));
		if (!literal) fuzz_add(&text, bulla_view_str("}"));
	}
	HOLDS(fuzz_same(&text, bulla_view_str(t->text)));
}

/* Branches are told apart by every value in their name. */
static void name_branches(const bulla_template *t, bulla_bytes value)
{
	bulla_error err = { 0 };
	bulla_branch_name name;
	bulla_bytes parts[BULLA_INPUTS_MAX] = { 0 };
	size_t n = 0;
	BULLA_BUF_AUTO bulla_buf scope = { 0 }, identity = { 0 };
	fuzz_must(bulla_branch_scope(t, &scope, &err), &err);
	for (size_t i = 0; i < t->parts; i++)
		if (!t->part[i].literal) {
			n++;
			parts[n - 1] = bulla_view(value.data, value.len / n);
		}
	if (!fuzz_ok(bulla_branch_identity(BULLA_BRANCH_RECORD, bulla_view_buf(&scope), parts, n, &identity, &err), &err)) return;
	fuzz_must(bulla_branch_parse(bulla_view_buf(&identity), &name, &err), &err);
	HOLDS(name.n == n && fuzz_same(&scope, name.scope));
	for (size_t i = 0; i < n; i++)
		HOLDS(bulla_bytes_equal(name.parts[i], parts[i]));
}

static void split(bulla_schema_reader *r, const char *text, bulla_bytes value)
{
	const char *inputs[BULLA_INPUTS_MAX];
	bulla_model model = { .inputs = inputs };
	bulla_template t;
	if (!fuzz_ok(bulla_schema_template(r, &model, bulla_yaml_root(r->document), text, &t), r->err)) return;
	HOLDS(model.input_count <= BULLA_INPUTS_MAX);
	put_together(&t, inputs);
	name_branches(&t, value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bulla_error err = { 0 };
	bulla_schema schema = { 0 };
	char *text = fuzz_text(bulla_view(data, size));
	fuzz_must(bulla_yaml_parse(bulla_view_str("x"), "test.yaml", NULL, NULL, &schema.document, &err), &err);
	bulla_schema_reader r = { .schema = &schema, .document = schema.document, .err = &err };
	split(&r, text, bulla_view(data, size));
	bulla_arena_done(&schema.arena);
	bulla_yaml_free(schema.document);
	free(text);
	return 0;
}
