/*
 * aws_parse.c - a body's JSON into the typed values of an operation's input.
 */
#include "base/text.h"
#include "wire/aws_complain.h"

#define ARENA_MAX (8u << 20)     /* of one input: more than a body of BULLA_AWS_BODY_MAX can need */
#define TIME_MAX  253402300799.0 /* the last second of the year 9999 */

typedef struct reader {
	bulla_aws_input *input;
	bulla_aws_fault *fault;
	bulla_aws_complaints complaints;
} reader;

/* --- other types ------------------------------------------------------------------------------------------------- */

static const char *const wanted[BULLA_AWS_KINDS] = {
	[BULLA_AWS_TEXT] = "a String",      [BULLA_AWS_ONE_OF] = "a String",   [BULLA_AWS_BLOB] = "a Blob",
	[BULLA_AWS_INTEGER] = "an Integer", [BULLA_AWS_BOOLEAN] = "a Boolean", [BULLA_AWS_MOMENT] = "a Timestamp",
};

static bool other_type(reader *r, const bulla_aws_shape *shape, const bulla_json *node)
{
	const char *text = "NUMBER_VALUE";
	bulla_bytes string;
	bool yes;
	if (bulla_json_is_array(node))
		return bulla_aws_refuse(r->fault, BULLA_AWS_SERIALIZATION, "Start of list found where not expected");
	if (bulla_json_is_object(node))
		return bulla_aws_refuse(r->fault, BULLA_AWS_SERIALIZATION, "Start of structure or map found where not expected.");
	if (!wanted[shape->kind]) return bulla_aws_refuse(r->fault, BULLA_AWS_SERIALIZATION, "Unexpected field type");
	if (bulla_json_string(node, &string)) text = "STRING_VALUE";
	if (bulla_json_boolean(node, &yes)) text = yes ? "TRUE_VALUE" : "FALSE_VALUE";
	return bulla_aws_refuse(r->fault, BULLA_AWS_SERIALIZATION, "%s can not be converted to %s", text, wanted[shape->kind]);
}

static bool no_memory(reader *r)
{
	return bulla_aws_say(r->fault, BULLA_AWS_SAYS_INTERNAL);
}

/* `size` bytes of the arena as an empty buffer that never grows. */
static bool take_buf(reader *r, size_t size, bulla_buf *out)
{
	*out = (bulla_buf){ .cap = size, .max = size };
	return bulla_arena_take(&r->input->arena, size, 1, &out->data, NULL) == BULLA_OK || no_memory(r);
}

static bool take_items(reader *r, size_t n, bulla_aws_value **out)
{
	return bulla_arena_take(&r->input->arena, n, sizeof **out, out, NULL) == BULLA_OK || no_memory(r);
}

/* --- one kind each ------------------------------------------------------------------------------------------------ */

static bool read_value(reader *r, const bulla_aws_spot *spot, const bulla_aws_shape *shape, const bulla_json *node,
		       bulla_aws_value *out);

static bool read_text(reader *r, const bulla_aws_spot *spot, const bulla_aws_shape *shape, const bulla_json *node,
		      bulla_aws_value *out)
{
	(void)spot;
	return bulla_json_string(node, &out->bytes) || other_type(r, shape, node);
}

static bool read_one_of(reader *r, const bulla_aws_spot *spot, const bulla_aws_shape *shape, const bulla_json *node,
			bulla_aws_value *out)
{
	if (!read_text(r, spot, shape, node, out)) return false;
	out->number = -1;
	for (size_t i = 0; i < shape->n_values; i++)
		if (bulla_bytes_is(out->bytes, shape->values[i])) out->number = (int64_t)i;
	return true;
}

static bool read_blob(reader *r, const bulla_aws_spot *spot, const bulla_aws_shape *shape, const bulla_json *node,
		      bulla_aws_value *out)
{
	bulla_bytes text;
	bulla_buf raw;
	(void)spot;
	if (!bulla_json_string(node, &text)) return other_type(r, shape, node);
	if (!take_buf(r, text.len / 4 * 3 + 3, &raw)) return false;
	if (bulla_base64_decode(text, &raw, NULL) != BULLA_OK)
		return bulla_aws_refuse(r->fault, BULLA_AWS_SERIALIZATION, "STRING_VALUE is not valid base64");
	out->bytes = bulla_view_buf(&raw);
	return true;
}

static bool read_integer(reader *r, const bulla_aws_spot *spot, const bulla_aws_shape *shape, const bulla_json *node,
			 bulla_aws_value *out)
{
	double number;
	(void)spot;
	if (bulla_json_integer(node, &out->number)) return true;
	if (!bulla_json_number(node, &number) || !(number >= -2147483648.0 && number <= 2147483647.0))
		return other_type(r, shape, node);
	out->number = (int64_t)number; /* as AWS does with a fraction */
	return true;
}

static bool read_boolean(reader *r, const bulla_aws_spot *spot, const bulla_aws_shape *shape, const bulla_json *node,
			 bulla_aws_value *out)
{
	bool yes;
	(void)spot;
	if (!bulla_json_boolean(node, &yes)) return other_type(r, shape, node);
	out->number = yes;
	return true;
}

static bool read_moment(reader *r, const bulla_aws_spot *spot, const bulla_aws_shape *shape, const bulla_json *node,
			bulla_aws_value *out)
{
	double seconds;
	(void)spot;
	if (!bulla_json_number(node, &seconds) || !(seconds >= 0 && seconds <= TIME_MAX)) return other_type(r, shape, node);
	out->number = (int64_t)(seconds * 1000000 + 0.5);
	return true;
}

/* --- contexts ----------------------------------------------------------------------------------------------------- */

typedef struct pairs {
	bulla_pair pairs[BULLA_CONTEXT_PAIRS_MAX];
	size_t n, size;        /* bytes of the canonical form */
	const bulla_json *odd; /* a value that is no string */
} pairs;

static bool add_pair(void *self, bulla_bytes name, const bulla_json *value)
{
	pairs *p = self;
	bulla_pair *pair = &p->pairs[p->n++];
	pair->name = name;
	if (!bulla_json_string(value, &pair->value)) p->odd = value;
	p->size += 4 + name.len + (p->odd ? 0 : pair->value.len);
	return !p->odd;
}

static bool bad_context(reader *r, const char *what)
{
	return bulla_aws_refuse(r->fault, BULLA_AWS_VALIDATION, "The encryption context %s.", what);
}

static bool read_context(reader *r, const bulla_aws_spot *spot, const bulla_aws_shape *shape, const bulla_json *node,
			 bulla_aws_value *out)
{
	static const bulla_aws_shape text = { .kind = BULLA_AWS_TEXT };
	pairs p = { .n = 0, .size = 2 };
	bulla_buf canonical;
	(void)spot;
	if (!bulla_json_is_object(node)) return other_type(r, shape, node);
	if (bulla_json_count(node) > BULLA_CONTEXT_PAIRS_MAX) return bad_context(r, "has more than 64 pairs");
	bulla_json_members(node, add_pair, &p);
	if (p.odd) return bulla_json_is_null(p.odd) ? bad_context(r, "has a value that is null") : other_type(r, &text, p.odd);
	if (p.size > BULLA_CONTEXT_MAX) return bad_context(r, "is larger than 8192 bytes");
	if (!take_buf(r, p.size, &canonical)) return false;
	if (bulla_context_encode(p.pairs, p.n, &canonical, NULL) != BULLA_OK) return bad_context(r, "has an empty name");
	out->bytes = bulla_view_buf(&canonical);
	out->n = p.n;
	return true;
}

/* --- lists and structures ------------------------------------------------------------------------------------------ */

static bool read_list(reader *r, const bulla_aws_spot *spot, const bulla_aws_shape *shape, const bulla_json *node,
		      bulla_aws_value *out)
{
	bulla_aws_value *items;
	bool good = true;
	if (!bulla_json_is_array(node)) return other_type(r, shape, node);
	out->n = bulla_json_count(node);
	if (out->n > BULLA_AWS_LIST_MAX) return true; /* beyond any list's bound: not looked into */
	if (!take_items(r, out->n, &items)) return false;
	out->items = items;
	for (size_t i = 0; i < out->n; i++) {
		const bulla_aws_spot here = { .in = spot, .index = i + 1 };
		if (!read_value(r, &here, shape->element, bulla_json_at(node, i), &items[i])) return false;
		if (!items[i].given)
			bulla_aws_complain_missing(&r->complaints, &here);
		else if (bulla_aws_broken(shape->element, &items[i]))
			good = false;
	}
	if (!good) bulla_aws_complain_elements(&r->complaints, spot, shape, out);
	return true;
}

/* One member of the input or of a structure. */
static bool read_member(reader *r, const bulla_aws_spot *in, const bulla_aws_field *field, bool required,
			const bulla_json *object, bulla_aws_value *out)
{
	const bulla_json *node = bulla_json_member(object, field->name);
	const bulla_aws_spot spot = { .in = in, .name = field->name };
	if (!node && !required) return true;
	if (!read_value(r, &spot, field->shape, node, out)) return false;
	if (out->given)
		bulla_aws_complain(&r->complaints, &spot, field->shape, out, bulla_aws_broken(field->shape, out));
	else if (required)
		bulla_aws_complain_missing(&r->complaints, &spot);
	return true;
}

static bool read_structure(reader *r, const bulla_aws_spot *spot, const bulla_aws_shape *shape, const bulla_json *node,
			   bulla_aws_value *out)
{
	bulla_aws_value *items;
	if (!bulla_json_is_object(node)) return other_type(r, shape, node);
	if (!take_items(r, shape->n_fields, &items)) return false;
	out->items = items;
	out->n = shape->n_fields;
	for (size_t i = 0; i < shape->n_fields; i++)
		if (!read_member(r, spot, &shape->fields[i], shape->fields[i].required, node, &items[i])) return false;
	return true;
}

static bool read_value(reader *r, const bulla_aws_spot *spot, const bulla_aws_shape *shape, const bulla_json *node,
		       bulla_aws_value *out)
{
	static bool (*const readers[BULLA_AWS_KINDS])(reader * r, const bulla_aws_spot *spot, const bulla_aws_shape *shape,
						      const bulla_json *node, bulla_aws_value *out) = {
		[BULLA_AWS_TEXT] = read_text,       [BULLA_AWS_ONE_OF] = read_one_of,   [BULLA_AWS_BLOB] = read_blob,
		[BULLA_AWS_INTEGER] = read_integer, [BULLA_AWS_BOOLEAN] = read_boolean, [BULLA_AWS_MOMENT] = read_moment,
		[BULLA_AWS_CONTEXT] = read_context, [BULLA_AWS_LIST] = read_list,       [BULLA_AWS_STRUCTURE] = read_structure,
	};
	if (!node || bulla_json_is_null(node)) return true;
	out->given = true;
	return readers[shape->kind](r, spot, shape, node, out);
}

/* --- the input ---------------------------------------------------------------------------------------------------- */

static bool read_document(reader *r, bulla_bytes body)
{
	bulla_error err = { 0 };
	if (body.len > BULLA_AWS_BODY_MAX)
		return bulla_aws_refuse(r->fault, BULLA_AWS_SERIALIZATION, "A request of more than %u bytes", BULLA_AWS_BODY_MAX);
	bulla_code code = bulla_json_parse(body.len ? body : bulla_view_str("{}"), &r->input->document, &err);
	if (code == BULLA_ERR_MEMORY) return no_memory(r);
	if (code != BULLA_OK) return bulla_aws_refuse(r->fault, BULLA_AWS_SERIALIZATION, "%s", err.text);
	if (!bulla_json_is_object(r->input->document))
		return bulla_aws_refuse(r->fault, BULLA_AWS_SERIALIZATION, "Unexpected field type");
	return true;
}

static bool read_inputs(reader *r)
{
	bulla_aws_input *input = r->input;
	for (const uint8_t *in = input->operation->inputs; in < input->operation->inputs + BULLA_AWS_INPUTS_MAX && *in; in++) {
		unsigned member = *in & ~(unsigned)BULLA_AWS_REQUIRED;
		if (!read_member(r, NULL, &bulla_aws_members[member], *in & BULLA_AWS_REQUIRED, input->document,
				 &input->values[member]))
			return false;
	}
	return true;
}

bool bulla_aws_input_read(const bulla_aws_operation *operation, bulla_bytes body, bulla_aws_input *out, bulla_aws_fault *fault)
{
	reader r = { .input = out, .fault = fault };

	memset(out, 0, sizeof *out);
	out->operation = operation;
	out->arena.max = ARENA_MAX;
	bool good = read_document(&r, body) && read_inputs(&r) && bulla_aws_complaints_end(&r.complaints, fault);
	bulla_buf_done(&r.complaints.text);
	if (!good) bulla_aws_input_done(out);
	return good;
}

void bulla_aws_input_done(bulla_aws_input *input)
{
	if (!input) return;
	bulla_arena_done(&input->arena);
	bulla_json_free(input->document);
	memset(input, 0, sizeof *input);
}
