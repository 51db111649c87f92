/*
 * bytes.h - a view of bytes, an owned and capped buffer, and the typed value of a field.
 */
#ifndef BULLA_BYTES_H
#define BULLA_BYTES_H

#include <bulla/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A view: it owns nothing. `data` may be NULL only when `len` is 0. */
typedef struct bulla_bytes {
	const uint8_t *data;
	size_t len;
} bulla_bytes;

/* An owned, growable buffer with a limit. One thread at a time. Whatever it held is wiped before memory goes back
 * to the allocator, when it grows and when it is freed. All zero (`bulla_buf b = { 0 }`) is an empty buffer. */
typedef struct bulla_buf {
	uint8_t *data;
	size_t len;
	size_t cap;
	size_t max; /* appending beyond this many bytes is BULLA_ERR_LIMIT; 0 means BULLA_BUF_MAX */
} bulla_buf;

#define BULLA_BUF_MAX (64u << 20)

/* Wipes and frees what `buf` owns and leaves it empty and usable. NULL is fine. */
BULLA_API void bulla_buf_done(bulla_buf *buf);

/* The types a field can have. Numbers are append-only; names are those of bulla.yaml ("string", "binary", ...). */
typedef enum bulla_type {
	BULLA_TYPE_STRING = 1,  /* valid UTF-8, stored as it is */
	BULLA_TYPE_BINARY = 2,  /* any bytes */
	BULLA_TYPE_BOOLEAN = 3, /* sealed as one byte, 00 or 01 */
	BULLA_TYPE_INTEGER = 4, /* sealed as 8 bytes, big-endian two's complement */
	BULLA_TYPE_FLOAT = 5,   /* sealed as 8 bytes, IEEE 754 big-endian */
	BULLA_TYPE_DECIMAL = 6, /* sealed as its exact text */
	BULLA_TYPE_DATE = 7,    /* sealed as the text found */
	BULLA_TYPE_TIME = 8,
	BULLA_TYPE_DATETIME = 9,
	BULLA_TYPE_JSON = 10,
	BULLA_TYPE_INET = 11,
	BULLA_TYPE_ARRAY = 12,
	BULLA_TYPE_ANY = 13 /* one class byte, then the value: SQLite columns that mix storage classes */
} bulla_type;

/* How a value is held in memory, whatever its field's type. */
typedef enum bulla_kind {
	BULLA_KIND_NULL = 0,
	BULLA_KIND_INTEGER = 1,
	BULLA_KIND_FLOAT = 2,
	BULLA_KIND_TEXT = 3,
	BULLA_KIND_BINARY = 4,
	BULLA_KIND_BOOLEAN = 5
} bulla_kind;

/* One value. `bytes` is a view and is meaningful for TEXT and BINARY; `integer` also holds a BOOLEAN (0 or 1). */
typedef struct bulla_value {
	bulla_kind kind;
	int64_t integer;
	double number;
	bulla_bytes bytes;
} bulla_value;

#define BULLA_VALUE_MAX (16u << 20) /* bytes of one field; more is BULLA_ERR_TOO_LARGE */

/* One pair of an encryption context or one named value; views. */
typedef struct bulla_pair {
	bulla_bytes name;
	bulla_bytes value;
} bulla_pair;

/* "string" .. "any", static; NULL for a number that is no type. */
BULLA_API const char *bulla_type_name(bulla_type type);

#ifdef __cplusplus
}
#endif
#endif
