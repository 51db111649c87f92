/*
 * known.h - known answers written as hexadecimal in tables, as bytes.
 */
#ifndef TEST_CRYPTO_KNOWN_H
#define TEST_CRYPTO_KNOWN_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

typedef struct known {
	uint8_t bytes[160];
	size_t len;
} known;

static inline uint8_t known_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = strchr(digits, c);
	assert_non_null(at);
	return (uint8_t)(at - digits);
}

/* `hex` in lower case. */
static inline known unhex(const char *hex)
{
	known k = { .len = strlen(hex) / 2 };

	assert_true(k.len <= sizeof k.bytes);
	for (size_t i = 0; i < k.len; i++)
		k.bytes[i] = (uint8_t)(known_digit(hex[2 * i]) << 4 | known_digit(hex[2 * i + 1]));
	return k;
}

static inline bulla_bytes known_view(const known *k)
{
	return bulla_view(k->bytes, k->len);
}

/* 0, 1, 2, ... from `first` on, as the RFCs fill their keys. */
static inline void counted(uint8_t *out, size_t n, uint8_t first)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(first + i);
}

#endif
