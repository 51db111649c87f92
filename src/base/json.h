/*
 * json.h - JSON in and out.
 *
 * Input goes through a strict parser (duplicate names, invalid UTF-8, trailing bytes and depth beyond 64 are errors).
 * Output is an emitter of ours over a bulla_buf, which never re-parses and escapes as RFC 8259 asks: `"`, `\`, and
 * control characters; everything else is literal UTF-8. Invalid UTF-8 in a string becomes U+FFFD.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"

#define BULLA_JSON_MAX (64u << 20) /* bytes of one document */

/* --- reading --------------------------------------------------------------------------------------------------- */
typedef struct bulla_json bulla_json; /* a parsed document or a node borrowed from one; immutable after parsing */

BULLA_MUST bulla_code bulla_json_parse(bulla_bytes text, bulla_json **out,
				       bulla_error *err); /* FORMAT with position, LIMIT, MEMORY */
void bulla_json_free(bulla_json *document);               /* only what _parse returned; NULL is fine */

/* Borrowed members; NULL when absent or of another type. */
const bulla_json *bulla_json_member(const bulla_json *object, const char *name);
const bulla_json *bulla_json_at(const bulla_json *array, size_t index);
size_t bulla_json_count(const bulla_json *array_or_object);
bool bulla_json_is_null(const bulla_json *node);
bool bulla_json_is_object(const bulla_json *node);
bool bulla_json_is_array(const bulla_json *node);
bool bulla_json_string(const bulla_json *node, bulla_bytes *ret_text);
bool bulla_json_integer(const bulla_json *node, int64_t *ret_value);
bool bulla_json_number(const bulla_json *node, double *ret_value); /* a whole one too */
bool bulla_json_boolean(const bulla_json *node, bool *ret_value);
/* Calls `each` for every member of an object, in the document's order, until it returns false. */
void bulla_json_members(const bulla_json *object, bool (*each)(void *self, bulla_bytes name, const bulla_json *value),
			void *self);

/* --- writing --------------------------------------------------------------------------------------------------- */
/* One writer, one document. Errors stick: check once, in bulla_json_end(). Names and values are written in call
 * order; commas and colons are the writer's. `name` is NULL inside arrays and for the document itself. */
typedef struct bulla_json_writer {
	bulla_buf *out;
	bool comma;
	bulla_code failed;
} bulla_json_writer;

static inline bulla_json_writer bulla_json_to(bulla_buf *out)
{
	return (bulla_json_writer){ out, false, BULLA_OK };
}

void bulla_json_open(bulla_json_writer *w, const char *name, char bracket); /* '{' or '[' */
void bulla_json_close(bulla_json_writer *w, char bracket);                  /* '}' or ']' */
void bulla_json_put_bytes(bulla_json_writer *w, const char *name, bulla_bytes utf8);
void bulla_json_put_str(bulla_json_writer *w, const char *name, const char *utf8); /* NULL writes null */
void bulla_json_put_int(bulla_json_writer *w, const char *name, int64_t value);
void bulla_json_put_number(bulla_json_writer *w, const char *name, double value); /* not finite writes null */
void bulla_json_put_bool(bulla_json_writer *w, const char *name, bool value);
void bulla_json_put_null(bulla_json_writer *w, const char *name);
void bulla_json_put_hex(bulla_json_writer *w, const char *name, bulla_bytes raw);
void bulla_json_put_base64(bulla_json_writer *w, const char *name, bulla_bytes raw);
void bulla_json_put_raw(bulla_json_writer *w, const char *name, bulla_bytes json); /* a value that is JSON text already */
/* An object of the context's pairs, in the order given. */
void bulla_json_put_pairs(bulla_json_writer *w, const char *name, const bulla_pair *pairs, size_t n);
/* A node of a parsed document, whole. NULL writes null. */
void bulla_json_put_node(bulla_json_writer *w, const char *name, const bulla_json *node);
BULLA_MUST bulla_code bulla_json_end(bulla_json_writer *w, bulla_error *err);

#endif
