/*
 * aws_record.c - inputs and times on their way out: into audit records and answers.
 */
#include "base/text.h"
#include "wire/aws_shape.h"

#include <inttypes.h>
#include <stdio.h>

#define MEMBER_MAX 48 /* of a member; the longest of AWS's have 32 */

static void put_value(bulla_json_writer *w, const char *name, const bulla_aws_shape *shape, const bulla_aws_value *value);

static void put_text(bulla_json_writer *w, const char *name, bulla_bytes text)
{
	size_t n = text.len;
	if (n > BULLA_AWS_RECORDED_MAX)
		for (n = BULLA_AWS_RECORDED_MAX; (text.data[n] & 0xc0) == 0x80; n--)
			;
	bulla_json_put_bytes(w, name, bulla_view(text.data, n));
}

static void put_context(bulla_json_writer *w, const char *name, bulla_bytes canonical)
{
	bulla_pair pairs[BULLA_CONTEXT_PAIRS_MAX];
	size_t n;
	if (bulla_context_decode(canonical, pairs, &n, NULL) == BULLA_OK) bulla_json_put_pairs(w, name, pairs, n);
}

static void put_list(bulla_json_writer *w, const char *name, const bulla_aws_shape *shape, const bulla_aws_value *list)
{
	bulla_json_open(w, name, '[');
	for (size_t i = 0; i < list->n; i++)
		put_value(w, NULL, shape->element, &list->items[i]);
	bulla_json_close(w, ']');
}

/* Under the member's name as AWS's texts and records have it. */
static void put_member(bulla_json_writer *w, const bulla_aws_field *field, const bulla_aws_value *value)
{
	char name[MEMBER_MAX];
	(void)snprintf(name, sizeof name, "%c%s", field->name[0] | 0x20, field->name + 1);
	if (value->given) put_value(w, name, field->shape, value);
}

static void put_structure(bulla_json_writer *w, const char *name, const bulla_aws_shape *shape, const bulla_aws_value *structure)
{
	bulla_json_open(w, name, '{');
	for (size_t i = 0; i < shape->n_fields; i++)
		put_member(w, &shape->fields[i], &structure->items[i]);
	bulla_json_close(w, '}');
}

static bool is_recorded(const bulla_aws_shape *shape)
{
	if (shape->kind == BULLA_AWS_LIST) return is_recorded(shape->element);
	return !shape->hidden && shape->kind != BULLA_AWS_BLOB;
}

static void put_value(bulla_json_writer *w, const char *name, const bulla_aws_shape *shape, const bulla_aws_value *value)
{
	if (!is_recorded(shape)) return;
	switch (shape->kind) {
	case BULLA_AWS_INTEGER:
		bulla_json_put_int(w, name, value->number);
		return;
	case BULLA_AWS_BOOLEAN:
		bulla_json_put_bool(w, name, value->number != 0);
		return;
	case BULLA_AWS_MOMENT:
		bulla_aws_put_time(w, name, value->number);
		return;
	case BULLA_AWS_CONTEXT:
		put_context(w, name, value->bytes);
		return;
	case BULLA_AWS_LIST:
		put_list(w, name, shape, value);
		return;
	case BULLA_AWS_STRUCTURE:
		put_structure(w, name, shape, value);
		return;
	default:
		put_text(w, name, value->bytes);
	}
}

void bulla_aws_put_parameters(bulla_json_writer *w, const char *name, const bulla_aws_input *input)
{
	const uint8_t *inputs = input->operation->inputs;
	bulla_json_open(w, name, '{');
	for (size_t i = 0; i < BULLA_AWS_INPUTS_MAX && inputs[i]; i++) {
		unsigned member = inputs[i] & ~(unsigned)BULLA_AWS_REQUIRED;
		put_member(w, &bulla_aws_members[member], &input->values[member]);
	}
	bulla_json_close(w, '}');
}

void bulla_aws_put_time(bulla_json_writer *w, const char *name, int64_t time_us)
{
	char text[32];
	int64_t ms = time_us / 1000;
	int n = snprintf(text, sizeof text, "%" PRId64 ".%03d", ms / 1000, (int)(ms % 1000));
	bulla_json_put_raw(w, name, bulla_view(text, (size_t)n));
}
