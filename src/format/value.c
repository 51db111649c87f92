/*
 * value.c - typed values to bytes and back.
 */
#include "format/value.h"

#include "base/text.h"

#include <string.h>

/* How the values of a type are laid out. */
typedef enum shape { SHAPE_TEXT, SHAPE_BINARY, SHAPE_BOOLEAN, SHAPE_INTEGER, SHAPE_FLOAT, SHAPE_DECIMAL, SHAPE_ANY } shape;

static const shape shapes[] = {
	[BULLA_TYPE_STRING] = SHAPE_TEXT,     [BULLA_TYPE_BINARY] = SHAPE_BINARY, [BULLA_TYPE_BOOLEAN] = SHAPE_BOOLEAN,
	[BULLA_TYPE_INTEGER] = SHAPE_INTEGER, [BULLA_TYPE_FLOAT] = SHAPE_FLOAT,   [BULLA_TYPE_DECIMAL] = SHAPE_DECIMAL,
	[BULLA_TYPE_DATE] = SHAPE_TEXT,       [BULLA_TYPE_TIME] = SHAPE_TEXT,     [BULLA_TYPE_DATETIME] = SHAPE_TEXT,
	[BULLA_TYPE_JSON] = SHAPE_TEXT,       [BULLA_TYPE_INET] = SHAPE_TEXT,     [BULLA_TYPE_ARRAY] = SHAPE_TEXT,
	[BULLA_TYPE_ANY] = SHAPE_ANY,
};

static const char *const kind_names[] = { "NULL", "integer", "float", "text", "binary", "boolean" };

static bulla_code wrong_type(bulla_type type, const bulla_value *value, bulla_error *err)
{
	return bulla_fail(err, BULLA_ERR_TYPE, "a %s value does not fit a field of type %s", kind_names[value->kind],
			  bulla_type_name(type));
}

/* An optional sign, digits with at most one point, an optional exponent; or NaN and the infinities, as databases print them. */
static bool is_decimal(bulla_bytes text)
{
	static const char *const words[] = { "NaN", "Infinity", "-Infinity" };
	for (size_t i = 0; i < 3; i++)
		if (bulla_bytes_is(text, words[i])) return true;

	size_t i = 0, digits = 0, points = 0;
	if (i < text.len && (text.data[i] == '+' || text.data[i] == '-')) i++;
	for (; i < text.len; i++) {
		if (text.data[i] == '.')
			points++;
		else if (text.data[i] >= '0' && text.data[i] <= '9')
			digits++;
		else
			break;
	}
	if (digits == 0 || points > 1) return false;
	if (i == text.len) return true;
	if (text.data[i] != 'e' && text.data[i] != 'E') return false;
	if (++i < text.len && (text.data[i] == '+' || text.data[i] == '-')) i++;
	if (i == text.len) return false;
	for (; i < text.len; i++)
		if (text.data[i] < '0' || text.data[i] > '9') return false;
	return true;
}

static size_t any_size(const bulla_value *value)
{
	return 1 + (value->kind == BULLA_KIND_TEXT || value->kind == BULLA_KIND_BINARY ? value->bytes.len : 8);
}

static bulla_code check_text(bulla_bytes text, bool decimal, bulla_error *err)
{
	if (!bulla_utf8_valid(text)) return bulla_fail(err, BULLA_ERR_ENCODING, "a text value is not valid UTF-8");
	if (decimal && !is_decimal(text)) return bulla_fail(err, BULLA_ERR_TYPE, "a text value is not a decimal number");
	return BULLA_OK;
}

bulla_code bulla_value_measure(bulla_type type, const bulla_value *value, size_t *ret_size, bulla_error *err)
{
	bool bytes = value->kind == BULLA_KIND_TEXT || value->kind == BULLA_KIND_BINARY;
	if (bytes && value->bytes.len > BULLA_VALUE_MAX)
		return bulla_fail(err, BULLA_ERR_TOO_LARGE, "a value has %zu bytes, at most %u are possible", value->bytes.len,
				  BULLA_VALUE_MAX);
	bool fits = false;
	size_t size = 8;
	switch (shapes[type]) {
	case SHAPE_TEXT:
	case SHAPE_DECIMAL:
		fits = value->kind == BULLA_KIND_TEXT;
		if (fits) TRY(check_text(value->bytes, shapes[type] == SHAPE_DECIMAL, err));
		size = value->bytes.len;
		break;
	case SHAPE_BINARY:
		fits = value->kind == BULLA_KIND_BINARY;
		size = value->bytes.len;
		break;
	case SHAPE_BOOLEAN:
		fits = (value->kind == BULLA_KIND_BOOLEAN || value->kind == BULLA_KIND_INTEGER) &&
		       (value->integer == 0 || value->integer == 1);
		size = 1;
		break;
	case SHAPE_INTEGER:
		fits = value->kind == BULLA_KIND_INTEGER;
		break;
	case SHAPE_FLOAT:
		fits = value->kind == BULLA_KIND_FLOAT;
		break;
	case SHAPE_ANY:
		fits = value->kind != BULLA_KIND_NULL && value->kind != BULLA_KIND_BOOLEAN;
		size = any_size(value);
		break;
	}
	if (!fits) return wrong_type(type, value, err);
	*ret_size = size;
	return BULLA_OK;
}

static void write_number(const bulla_value *value, uint8_t *out)
{
	uint64_t bits = (uint64_t)value->integer;
	if (value->kind == BULLA_KIND_FLOAT) memcpy(&bits, &value->number, 8);
	bulla_put_u64(out, bits);
}

void bulla_value_write(bulla_type type, const bulla_value *value, uint8_t *out)
{
	if (shapes[type] == SHAPE_ANY) *out++ = (uint8_t)value->kind;
	if (shapes[type] == SHAPE_BOOLEAN)
		*out = (uint8_t)value->integer;
	else if (value->kind == BULLA_KIND_INTEGER || value->kind == BULLA_KIND_FLOAT)
		write_number(value, out);
	else if (value->bytes.len)
		memcpy(out, value->bytes.data, value->bytes.len);
}

static bulla_value read_number(bulla_kind kind, bulla_bytes bytes)
{
	bulla_value value = { .kind = kind };
	uint64_t bits = bulla_get_u64(bytes.data);
	if (kind == BULLA_KIND_FLOAT)
		memcpy(&value.number, &bits, 8);
	else
		value.integer = (int64_t)bits;
	return value;
}

/* Splits off the class byte of `any`; false when there is none or it is unknown. */
static bool read_class(bulla_bytes *bytes, bulla_kind *ret_kind)
{
	if (bytes->len == 0 || bytes->data[0] < BULLA_KIND_INTEGER || bytes->data[0] > BULLA_KIND_BINARY) return false;
	*ret_kind = (bulla_kind)bytes->data[0];
	*bytes = bulla_view(bytes->data + 1, bytes->len - 1);
	return true;
}

bulla_code bulla_value_read(bulla_type type, bulla_bytes bytes, bulla_value *ret, bulla_error *err)
{
	static const bulla_kind kinds[] = {
		[SHAPE_TEXT] = BULLA_KIND_TEXT,       [SHAPE_BINARY] = BULLA_KIND_BINARY, [SHAPE_BOOLEAN] = BULLA_KIND_BOOLEAN,
		[SHAPE_INTEGER] = BULLA_KIND_INTEGER, [SHAPE_FLOAT] = BULLA_KIND_FLOAT,   [SHAPE_DECIMAL] = BULLA_KIND_TEXT,
	};
	bulla_kind kind = BULLA_KIND_NULL;
	bool fits = true;
	if (shapes[type] == SHAPE_ANY)
		fits = read_class(&bytes, &kind);
	else
		kind = kinds[shapes[type]];

	if (kind == BULLA_KIND_BOOLEAN)
		fits = bytes.len == 1 && bytes.data[0] <= 1;
	else if (kind == BULLA_KIND_INTEGER || kind == BULLA_KIND_FLOAT)
		fits = fits && bytes.len == 8;
	if (!fits) return bulla_fail(err, BULLA_ERR_FORMAT, "the sealed bytes are not a value of type %s", bulla_type_name(type));

	if (kind == BULLA_KIND_BOOLEAN)
		*ret = (bulla_value){ .kind = kind, .integer = bytes.data[0] };
	else if (kind == BULLA_KIND_INTEGER || kind == BULLA_KIND_FLOAT)
		*ret = read_number(kind, bytes);
	else
		*ret = (bulla_value){ .kind = kind, .bytes = bytes };
	return BULLA_OK;
}

bool bulla_value_equal(const bulla_value *a, const bulla_value *b)
{
	if (a->kind != b->kind) return false;
	switch (a->kind) {
	case BULLA_KIND_NULL:
		return true;
	case BULLA_KIND_INTEGER:
	case BULLA_KIND_BOOLEAN:
		return a->integer == b->integer;
	case BULLA_KIND_FLOAT:
		return memcmp(&a->number, &b->number, sizeof a->number) == 0;
	case BULLA_KIND_TEXT:
	case BULLA_KIND_BINARY:
		return bulla_bytes_equal(a->bytes, b->bytes);
	}
	return false;
}
