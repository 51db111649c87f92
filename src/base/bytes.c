/*
 * bytes.c - constant-time equality, wiping, and the names of the field types.
 */
#include "base/secret.h"

/* By words, because it is asked for every record; the empty asm keeps the compiler from leaving the loop early. */
bool bulla_equal_ct(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a, *y = b;
	uint64_t difference = 0, p, q;
	for (; len >= sizeof p; len -= sizeof p, x += sizeof p, y += sizeof q) {
		memcpy(&p, x, sizeof p);
		memcpy(&q, y, sizeof q);
		difference |= p ^ q;
		__asm__("" : "+r"(difference));
	}
	for (size_t i = 0; i < len; i++) {
		difference |= (uint64_t)(x[i] ^ y[i]);
		__asm__("" : "+r"(difference));
	}
	return difference == 0;
}

void bulla_wipe(void *data, size_t len)
{
	if (len) explicit_bzero(data, len);
}

const char *bulla_type_name(bulla_type type)
{
	static const char *const names[] = {
		[BULLA_TYPE_STRING] = "string",   [BULLA_TYPE_BINARY] = "binary", [BULLA_TYPE_BOOLEAN] = "boolean",
		[BULLA_TYPE_INTEGER] = "integer", [BULLA_TYPE_FLOAT] = "float",   [BULLA_TYPE_DECIMAL] = "decimal",
		[BULLA_TYPE_DATE] = "date",       [BULLA_TYPE_TIME] = "time",     [BULLA_TYPE_DATETIME] = "datetime",
		[BULLA_TYPE_JSON] = "json",       [BULLA_TYPE_INET] = "inet",     [BULLA_TYPE_ARRAY] = "array",
		[BULLA_TYPE_ANY] = "any",
	};
	return (size_t)type < sizeof names / sizeof *names ? names[type] : NULL;
}
