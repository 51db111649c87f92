/*
 * original.c - fuzz target: what a job has noted of a table's definition, put together again for an undo.
 */
#include "fuzz.h"

#include "db/original.h"

#define FIELDS 3

/* Lines of the input: the table then, the table now, the order of its columns, and constraints that finish dropped. */
typedef struct notes {
	char *then, *now, *order;
	char *constraints[4];
	size_t constraint_count;
} notes;

static char *take_line(bulla_cursor *in)
{
	const uint8_t *end = in->rest.len ? memchr(in->rest.data, 0x1e, in->rest.len) : NULL;
	bulla_bytes line = bulla_cursor_take(in, end ? (size_t)(end - in->rest.data) : in->rest.len);
	if (end) (void)bulla_cursor_u8(in);
	return fuzz_text(line);
}

static notes read_notes(bulla_cursor in)
{
	notes n = { .then = take_line(&in), .now = take_line(&in), .order = take_line(&in) };
	while (in.rest.len && n.constraint_count < 4)
		n.constraints[n.constraint_count++] = take_line(&in);
	return n;
}

static void notes_done(notes *n)
{
	free(n->then);
	free(n->now);
	free(n->order);
	for (size_t i = 0; i < n->constraint_count; i++)
		free(n->constraints[i]);
}

static void put_together(const notes *n, const bulla_mapping *mapping, bool noted)
{
	bulla_error err = { 0 };
	BULLA_BUF_AUTO bulla_buf order = { 0 }, out = { 0 };
	bulla_fidelity fidelity = BULLA_DEFINITION_RECORDED;
	bulla_definition list[4];
	bool left_out[4];
	bulla_original original = {
		.table = noted ? n->then : NULL, .n = n->constraint_count, .list = list, .left_out = left_out
	};
	for (size_t i = 0; i < n->constraint_count; i++)
		list[i] = (bulla_definition){ "constraint", "", n->constraints[i] };
	fuzz_add(&order, bulla_view_str(n->order));
	if (!fuzz_ok(bulla_original_definition(mapping, &order, &original, &out, &fidelity, &err), &err)) return;
	HOLDS(out.len && bulla_fidelity_name(fidelity)[0]);
	const char *sql = (const char *)out.data;
	HOLDS(strlen(sql) <= out.len);
	if (fidelity == BULLA_DEFINITION_RECORDED) HOLDS(noted && strcmp(sql, n->then) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bulla_field fields[FIELDS] = { { .name = "email", .plaintext = "email", .type = BULLA_TYPE_STRING },
				       { .name = "phone", .plaintext = "phone", .type = BULLA_TYPE_ANY, .position = 1 },
				       { .name = "odd", .plaintext = "o\"d d", .type = BULLA_TYPE_FLOAT, .position = 2 } };
	const char *own[] = { "email_ciphertext", "phone_ciphertext", "encrypted_kms_key" };
	struct bulla_mapped_field mapped[FIELDS] = { { .field = &fields[0], .cipher = true },
						     { .field = &fields[1], .cipher = true },
						     { .field = &fields[2], .cipher = true } };
	notes n = read_notes(bulla_cursor_of(bulla_view(data, size)));
	bulla_model model = { .key = "users", .table = "users", .fields = fields, .field_count = FIELDS };
	bulla_table table = { .name = "users", .sql = n.now };
	bulla_mapping mapping = { .model = &model, .table = &table, .fields = mapped, .own = own, .own_count = 3 };
	put_together(&n, &mapping, true);
	put_together(&n, &mapping, false);
	notes_done(&n);
	return 0;
}
