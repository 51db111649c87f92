/*
 * raw_records.h - the records that the raw loops work on, their random bytes, and the clock around them.
 */
#ifndef BENCH_RAW_RECORDS_H
#define BENCH_RAW_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { KEY = 32, TAG = 16, NONCE = 12, CONTEXT = 40, PART = 20, FIELD_MIN = 5, FIELD_MAX = 17, RANDOM = 4096 };
enum { COMMITTED = 16 + CONTEXT + KEY, CHECKED = 14 + 32 + PART, WRAP_LABEL = 70, FIELD_LABEL = 77 };

typedef struct field {
	uint8_t len;
	uint8_t plain[FIELD_MAX];
	uint8_t nonce[NONCE];
	uint8_t sealed[FIELD_MAX + TAG];
} field;

typedef struct record {
	uint8_t context[CONTEXT];
	uint8_t commitment[32];
	uint8_t checks[2][2];
	uint8_t wrapped[KEY + TAG];
	field fields[2];
} record;

/* What is hashed for a commitment, and for a check. */
static inline void write_committed(const record *r, const uint8_t key[static KEY], uint8_t out[static COMMITTED])
{
	memcpy(out, "bulla commit v1", 16);
	memcpy(out + 16, r->context, CONTEXT);
	memcpy(out + 16 + CONTEXT, key, KEY);
}

static inline void write_checked(const record *r, size_t which, uint8_t out[static CHECKED])
{
	memcpy(out, "bulla part v1", 14);
	memcpy(out + 14, r->commitment, 32);
	memcpy(out + 14 + 32, r->context + which * PART, PART);
}

/* Associated data. All but what is copied in is constant. */
typedef struct labels {
	uint8_t wrap[2][WRAP_LABEL];   /* of each branch key; ends in the commitment */
	uint8_t field[2][FIELD_LABEL]; /* of each field; ends in the context */
} labels;

void make_labels(labels *l);

static inline const uint8_t *wrap_label(labels *l, size_t branch, const record *r)
{
	memcpy(l->wrap[branch] + WRAP_LABEL - 32, r->commitment, 32);
	return l->wrap[branch];
}

static inline const uint8_t *field_label(labels *l, size_t which, const record *r)
{
	memcpy(l->field[which] + FIELD_LABEL - CONTEXT, r->context, CONTEXT);
	return l->field[which];
}

/* Random bytes from a buffer over RAND_bytes, wiped as it is used. */
typedef struct pool {
	uint8_t bytes[RANDOM];
	size_t left;
} pool;

void draw(pool *p, uint8_t *out, size_t n);

/* One bit to the left in GF(2^128): XAES-256-GCM's K1 from an encrypted zero block. */
void make_k1(const uint8_t l[static 16], uint8_t k1[static 16]);

/* The two blocks that XAES-256-GCM encrypts to derive a key. */
static inline void write_derivation(const uint8_t k1[static 16], const uint8_t nonce[static NONCE], uint8_t out[static KEY])
{
	for (size_t i = 0; i < 2; i++) {
		uint8_t *m = out + 16 * i;
		memcpy(m, (const uint8_t[]){ 0, (uint8_t)(i + 1), 'X', 0 }, 4);
		memcpy(m + 4, nonce, NONCE);
		for (size_t j = 0; j < 16; j++)
			m[j] ^= k1[j];
	}
}

/* Ends the program where a raw loop failed. */
void must(bool good, const char *loop);

typedef void pass(void *kit, record *records, size_t n);

/* ns per record, the best of five passes of `act` after one that is not counted. Where `before` is given it prepares the records before
 * each, off the clock. */
double measure(size_t n, void *kit, pass *before, pass *act);

#endif
