/*
 * aws_complain.c - constraints of the model: what breaks them, and how AWS says so.
 */
#include "wire/aws_complain.h"
#include "base/text.h"

#include <inttypes.h>

/* --- checking -------------------------------------------------------------------------------------------------- */

static int64_t characters(bulla_bytes utf8)
{
	int64_t n = 0;
	for (size_t i = 0; i < utf8.len; i++)
		n += (utf8.data[i] & 0xc0) != 0x80;
	return n;
}

/* What the bounds are about. */
static int64_t measure(const bulla_aws_shape *shape, const bulla_aws_value *value)
{
	if (shape->kind == BULLA_AWS_INTEGER) return value->number;
	if (shape->kind == BULLA_AWS_LIST) return (int64_t)value->n;
	return shape->kind == BULLA_AWS_TEXT ? characters(value->bytes) : (int64_t)value->bytes.len;
}

unsigned bulla_aws_broken(const bulla_aws_shape *shape, const bulla_aws_value *value)
{
	unsigned broken = 0;
	if (shape->bounded) {
		int64_t size = measure(shape, value);
		if (size > shape->max) broken |= BULLA_AWS_BREAKS_MOST;
		if (size < shape->min) broken |= BULLA_AWS_BREAKS_LEAST;
	}
	if (shape->pattern && !shape->pattern->matches(value->bytes)) broken |= BULLA_AWS_BREAKS_PATTERN;
	if (shape->kind == BULLA_AWS_ONE_OF && value->number < 0) broken |= BULLA_AWS_BREAKS_VALUES;
	return broken;
}

/* --- saying ---------------------------------------------------------------------------------------------------- */

/* Beyond the limit nothing is added: the count goes on. */
static void add(bulla_aws_complaints *c, bulla_bytes text)
{
	if (bulla_buf_add(&c->text, text, NULL) != BULLA_OK) c->text.max = c->text.len;
}

static void add_str(bulla_aws_complaints *c, const char *text)
{
	add(c, bulla_view_str(text));
}

static void add_number(bulla_aws_complaints *c, int64_t number)
{
	if (bulla_buf_printf(&c->text, NULL, "%" PRId64, number) != BULLA_OK) c->text.max = c->text.len;
}

/* A NUL would end the text. */
static void add_value(bulla_aws_complaints *c, bulla_bytes value)
{
	size_t from = c->text.len;
	add(c, bulla_aws_shown(value));
	for (size_t i = from; i < c->text.len; i++)
		if (c->text.data[i] == 0) c->text.data[i] = '?';
}

static void add_spot(bulla_aws_complaints *c, const bulla_aws_spot *spot)
{
	if (spot->in) {
		add_spot(c, spot->in);
		add_str(c, ".");
	}
	if (!spot->name) {
		add_number(c, (int64_t)spot->index);
		add_str(c, ".member");
		return;
	}
	char first = (char)(spot->name[0] | 0x20);
	add(c, bulla_view(&first, 1));
	add_str(c, spot->name + 1);
}

/* A list that is too long was not looked into. */
static bool is_shown(const bulla_aws_shape *shape, const bulla_aws_value *value)
{
	if (shape->kind == BULLA_AWS_LIST) return value->items && is_shown(shape->element, value);
	return !shape->hidden &&
	       (shape->kind == BULLA_AWS_TEXT || shape->kind == BULLA_AWS_ONE_OF || shape->kind == BULLA_AWS_INTEGER);
}

static void add_list(bulla_aws_complaints *c, const bulla_aws_value *list)
{
	size_t shown = 0;
	add_str(c, "[");
	for (size_t i = 0; i < list->n && shown <= BULLA_AWS_SHOWN_MAX; shown += list->items[i++].bytes.len) {
		if (i) add_str(c, ", ");
		if (list->items[i].given)
			add_value(c, list->items[i].bytes);
		else
			add_str(c, "null");
	}
	add_str(c, "]");
}

/* "; Value '0' at 'numberOfBytes' failed to satisfy constraint: " */
static void begin(bulla_aws_complaints *c, const bulla_aws_spot *spot, const bulla_aws_shape *shape, const bulla_aws_value *value)
{
	c->text.max = c->n ? c->text.max : BULLA_AWS_FAULT_TEXT_MAX;
	if (c->n++) add_str(c, "; ");
	add_str(c, "Value ");
	if (!shape) add_str(c, "null ");
	if (shape && is_shown(shape, value)) {
		add_str(c, "'");
		if (shape->kind == BULLA_AWS_INTEGER)
			add_number(c, value->number);
		else if (shape->kind == BULLA_AWS_LIST)
			add_list(c, value);
		else
			add_value(c, value->bytes);
		add_str(c, "' ");
	}
	add_str(c, "at '");
	add_spot(c, spot);
	add_str(c, "' failed to satisfy constraint: ");
}

static void add_values(bulla_aws_complaints *c, const bulla_aws_shape *shape)
{
	for (size_t i = 0; i < shape->n_values; i++) {
		add_str(c, i ? ", " : "[");
		add_str(c, shape->values[i]);
	}
	add_str(c, "]");
}

/* One constraint of `shape`. */
static void add_constraint(bulla_aws_complaints *c, const bulla_aws_shape *shape, unsigned bit)
{
	const char *what = shape->kind == BULLA_AWS_INTEGER ? "value" : "length";
	add_str(c, "Member must ");
	if (bit == BULLA_AWS_BREAKS_PATTERN) {
		add_str(c, "satisfy regular expression pattern: ");
		add_str(c, shape->pattern->text);
	} else if (bit == BULLA_AWS_BREAKS_VALUES) {
		add_str(c, "satisfy enum value set: ");
		add_values(c, shape);
	} else {
		add_str(c, "have ");
		add_str(c, what);
		add_str(c, bit == BULLA_AWS_BREAKS_MOST ? " less than or equal to " : " greater than or equal to ");
		add_number(c, bit == BULLA_AWS_BREAKS_MOST ? shape->max : shape->min);
	}
}

void bulla_aws_complain_missing(bulla_aws_complaints *complaints, const bulla_aws_spot *spot)
{
	begin(complaints, spot, NULL, NULL);
	add_str(complaints, "Member must not be null");
}

void bulla_aws_complain(bulla_aws_complaints *complaints, const bulla_aws_spot *spot, const bulla_aws_shape *shape,
			const bulla_aws_value *value, unsigned broken)
{
	for (unsigned bit = 1; bit < 1u << BULLA_AWS_BREAKS_KINDS; bit <<= 1) {
		if (!(broken & bit)) continue;
		begin(complaints, spot, shape, value);
		add_constraint(complaints, shape, bit);
	}
}

/* The bits of all constraints that a shape has. */
static unsigned constraints_of(const bulla_aws_shape *shape)
{
	return (shape->bounded ? BULLA_AWS_BREAKS_MOST | BULLA_AWS_BREAKS_LEAST : 0u) |
	       (shape->pattern ? BULLA_AWS_BREAKS_PATTERN : 0u) |
	       (shape->kind == BULLA_AWS_ONE_OF ? BULLA_AWS_BREAKS_VALUES : 0u);
}

void bulla_aws_complain_elements(bulla_aws_complaints *complaints, const bulla_aws_spot *spot, const bulla_aws_shape *list,
				 const bulla_aws_value *value)
{
	unsigned all = constraints_of(list->element);
	begin(complaints, spot, list, value);
	add_str(complaints, "Member must satisfy constraint: [");
	for (unsigned bit = 1; bit < 1u << BULLA_AWS_BREAKS_KINDS; bit <<= 1) {
		if (!(all & bit)) continue;
		if (all & (bit - 1)) add_str(complaints, ", ");
		add_constraint(complaints, list->element, bit);
	}
	add_str(complaints, "]");
}

bool bulla_aws_complaints_end(bulla_aws_complaints *complaints, bulla_aws_fault *fault)
{
	if (complaints->n == 0) return true;
	bulla_aws_refuse(fault, BULLA_AWS_VALIDATION, "%zu validation error%s detected: %.*s", complaints->n,
			 complaints->n == 1 ? "" : "s", (int)complaints->text.len, (const char *)complaints->text.data);
	bulla_buf_done(&complaints->text);
	return false;
}
