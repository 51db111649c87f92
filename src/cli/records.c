/*
 * records.c - decrypted records on stdout: for people, as CSV, as JSON lines; and which record is meant.
 *
 * Text goes out as it is, without a conversion. Binary is \x and hexadecimal digits in CSV, {"base64": "..."} in JSON. A float
 * keeps its point, so that it is read back as one.
 */
#include "cli/records.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- values as text ---------------------------------------------------------------------------------------------- */
/* The shortest digits that are read back as the same number. */
static void float_text(double number, char out[static 40])
{
	int digits = 15;
	do
		(void)snprintf(out, 40, "%.*g", digits, number);
	while (digits++ < 17 && strtod(out, NULL) != number);
	size_t length = strlen(out);
	if (isfinite(number) && !strpbrk(out, ".e")) (void)snprintf(out + length, 40 - length, ".0");
}

static bulla_code add_scalar(const bulla_value *value, bulla_buf *out, bulla_error *err)
{
	char text[40];
	switch (value->kind) {
	case BULLA_KIND_NULL:
		return BULLA_OK;
	case BULLA_KIND_BOOLEAN:
	case BULLA_KIND_INTEGER:
		return bulla_buf_printf(out, err, "%lld", (long long)value->integer);
	case BULLA_KIND_FLOAT:
		float_text(value->number, text);
		return bulla_buf_add_str(out, text, err);
	case BULLA_KIND_TEXT:
		return bulla_buf_add(out, value->bytes, err);
	case BULLA_KIND_BINARY:
		TRY(bulla_buf_add_str(out, "\\x", err));
		return bulla_hex_encode(value->bytes, out, err);
	}
	return bulla_fail(err, BULLA_ERR_INTERNAL, "a value of no kind");
}

static bulla_code write_line(bulla_printer *p, const char *end, bulla_error *err)
{
	TRY(bulla_buf_add_str(&p->line, end, err));
	bulla_code code = bulla_cli_write(p->cli, bulla_view_buf(&p->line), err);
	bulla_buf_clear(&p->line);
	return code;
}

/* --- people ------------------------------------------------------------------------------------------------------ */
static bulla_code add_for_people(const bulla_value *value, bulla_buf *out, bulla_error *err)
{
	bool is_text = value->kind == BULLA_KIND_TEXT;
	if (value->kind == BULLA_KIND_NULL) return bulla_buf_add_str(out, "NULL", err);
	if (is_text && value->bytes.len == 0) return bulla_buf_add_str(out, "''", err);
	return is_text ? bulla_text_printable(value->bytes, out, err) : add_scalar(value, out, err);
}

bulla_code bulla_print_block(void *self, const char *const *names, const bulla_value *values, size_t n, bulla_error *err)
{
	bulla_printer *p = self;
	size_t wide = 0;
	for (size_t i = 0; i < n; i++)
		if (strlen(names[i]) > wide) wide = strlen(names[i]);
	if (p->records++) TRY(write_line(p, "\n", err));
	for (size_t i = 0; i < n; i++) {
		TRY(bulla_buf_printf(&p->line, err, "%-*s  ", (int)wide, names[i]));
		TRY(add_for_people(&values[i], &p->line, err));
		TRY(write_line(p, "\n", err));
	}
	return BULLA_OK;
}

/* --- CSV (RFC 4180) ---------------------------------------------------------------------------------------------- */
static bulla_code add_quoted(bulla_bytes text, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_add_u8(out, '"', err));
	while (text.len) {
		const uint8_t *quote = memchr(text.data, '"', text.len);
		size_t n = quote ? (size_t)(quote - text.data) + 1 : text.len;
		TRY(bulla_buf_add(out, bulla_view(text.data, n), err));
		if (quote) TRY(bulla_buf_add_u8(out, '"', err));
		text = bulla_view(text.data + n, text.len - n);
	}
	return bulla_buf_add_u8(out, '"', err);
}

static bool needs_quotes(bulla_bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (strchr(",\"\r\n", text.data[i])) return true; /* NUL too: strchr finds the end */
	return text.len == 0 || text.data[0] == ' ' || text.data[text.len - 1] == ' ';
}

/* NULL is nothing at all, the empty text is "". */
static bulla_code add_csv(const bulla_value *value, bulla_buf *out, bulla_error *err)
{
	if (value->kind != BULLA_KIND_TEXT) return add_scalar(value, out, err);
	return needs_quotes(value->bytes) ? add_quoted(value->bytes, out, err) : bulla_buf_add(out, value->bytes, err);
}

bulla_code bulla_print_csv(void *self, const char *const *names, const bulla_value *values, size_t n, bulla_error *err)
{
	bulla_printer *p = self;
	for (size_t i = 0; p->records == 0 && i < n; i++) {
		bulla_value name = { .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str(names[i]) };
		if (i) TRY(bulla_buf_add_u8(&p->line, ',', err));
		TRY(add_csv(&name, &p->line, err));
	}
	if (p->records++ == 0) TRY(write_line(p, "\r\n", err));
	for (size_t i = 0; i < n; i++) {
		if (i) TRY(bulla_buf_add_u8(&p->line, ',', err));
		TRY(add_csv(&values[i], &p->line, err));
	}
	return write_line(p, "\r\n", err);
}

/* --- JSON lines -------------------------------------------------------------------------------------------------- */
static void put_base64(bulla_json_writer *w, const char *name, bulla_bytes bytes)
{
	bulla_json_open(w, name, '{');
	bulla_json_put_base64(w, "base64", bytes);
	bulla_json_close(w, '}');
}

static void put_value(bulla_json_writer *w, const char *name, const bulla_value *value)
{
	switch (value->kind) {
	case BULLA_KIND_NULL:
		bulla_json_put_null(w, name);
		break;
	case BULLA_KIND_BOOLEAN:
		bulla_json_put_bool(w, name, value->integer != 0);
		break;
	case BULLA_KIND_INTEGER:
		bulla_json_put_int(w, name, value->integer);
		break;
	case BULLA_KIND_BINARY:
		put_base64(w, name, value->bytes);
		break;
	case BULLA_KIND_FLOAT:
		if (isfinite(value->number))
			bulla_json_put_number(w, name, value->number);
		else
			bulla_json_put_str(w, name, value->number < 0 ? "-Infinity" : "Infinity");
		break;
	case BULLA_KIND_TEXT: /* text that is none would not come back as it was */
		if (bulla_utf8_valid(value->bytes))
			bulla_json_put_bytes(w, name, value->bytes);
		else
			put_base64(w, name, value->bytes);
		break;
	}
}

bulla_code bulla_print_json(void *self, const char *const *names, const bulla_value *values, size_t n, bulla_error *err)
{
	bulla_printer *p = self;
	bulla_json_writer w = bulla_json_to(&p->line);
	bulla_json_open(&w, NULL, '{');
	for (size_t i = 0; i < n; i++)
		put_value(&w, names[i], &values[i]);
	bulla_json_close(&w, '}');
	TRY(bulla_json_end(&w, err));
	p->records++;
	return write_line(p, "\n", err);
}

/* --- which record ------------------------------------------------------------------------------------------------ */
static bulla_code fail_pk(const bulla_model *model, bulla_error *err)
{
	char names[200] = "";
	for (size_t i = 0; i < model->primary_key_count; i++) {
		size_t used = strlen(names);
		(void)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", model->primary_key[i]);
	}
	bulla_code code = bulla_fail(err, BULLA_ERR_USAGE, "the primary key of %s is %s", model->key, names);
	return bulla_advise(err, code, "write an id as 7,42 for two columns, or with --pk COLUMN=VALUE for each");
}

static bulla_code pk_by_name(const bulla_cli *cli, const bulla_model *model, bulla_bytes *pk, size_t *ret_n, bulla_error *err)
{
	bulla_pair pairs[BULLA_INPUTS_MAX];
	size_t n = 0, found = 0;
	TRY(bulla_cli_pairs(cli, "pk", pairs, BULLA_INPUTS_MAX, &n, err));
	for (size_t i = 0; i < model->primary_key_count; i++)
		for (size_t p = 0; p < n; p++) {
			if (!bulla_bytes_is(pairs[p].name, model->primary_key[i])) continue;
			pk[i] = pairs[p].value;
			found++;
		}
	if (found != model->primary_key_count || n != found) return fail_pk(model, err);
	*ret_n = found;
	return BULLA_OK;
}

bulla_code bulla_cli_pk(const bulla_cli *cli, const bulla_model *model, const char *id, bulla_bytes *pk, size_t *ret_n,
			bulla_error *err)
{
	if (bulla_cli_value(cli, "pk")) return pk_by_name(cli, model, pk, ret_n, err);
	if (!id) return fail_pk(model, err);
	if (model->primary_key_count == 1) { /* a comma belongs to the value */
		pk[0] = bulla_view_str(id);
		*ret_n = 1;
		return BULLA_OK;
	}
	bulla_code code = bulla_split(id, ',', pk, BULLA_INPUTS_MAX, ret_n, err);
	return code || *ret_n != model->primary_key_count ? fail_pk(model, err) : BULLA_OK;
}
