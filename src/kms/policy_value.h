/*
 * policy_value.h - numbers, points in time, booleans and addresses as policy documents and requests write them.
 *
 * Nothing here depends on the locale, and nothing allocates. Each is false for a text that is not wholly one.
 */
#ifndef KMS_POLICY_VALUE_H
#define KMS_POLICY_VALUE_H

#include "base/bytes.h"

/* A range of addresses. IPv4 is kept as IPv6 does it (RFC 4291, ::ffff:a.b.c.d), and the two families never match each other otherwise: ::/0 is not
 * every IPv4 address. */
typedef struct bulla_policy_net {
	uint8_t address[16];
	uint8_t bits; /* of the prefix, 0..128 */
} bulla_policy_net;

/* "-12", "0.25": at most 15 digits, so that equal texts are equal numbers. */
BULLA_MUST bool bulla_policy_number(bulla_bytes text, double *out);
/* ISO 8601 as W3C's note has it, from "2026" to "2026-11-21T19:05:00.25+01:00" (a time of day has a zone), or seconds since 1970. Years 1970 to 9999. */
BULLA_MUST bool bulla_policy_time(bulla_bytes text, int64_t *out_us);
/* "2026-11-21T19:05:00Z", without a NUL, in whole seconds; times before 1970 are 1970. */
#define BULLA_POLICY_TIME_TEXT 20
void bulla_policy_time_print(int64_t time_us, char out[static BULLA_POLICY_TIME_TEXT]);
/* "true" or "false" in any case. */
BULLA_MUST bool bulla_policy_flag(bulla_bytes text, bool *out);
/* "203.0.113.0/24", "2001:db8::/32", or one address; bits behind the prefix are ignored. */
BULLA_MUST bool bulla_policy_net_read(bulla_bytes text, bulla_policy_net *out);
/* `address` is one address. */
bool bulla_policy_net_has(const bulla_policy_net *net, const bulla_policy_net *address);

static inline uint8_t bulla_ascii_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* ASCII letters compare without case, every other byte as it is. */
static inline bool bulla_bytes_equal_fold(bulla_bytes a, bulla_bytes b)
{
	if (a.len != b.len) return false;
	for (size_t i = 0; i < a.len; i++)
		if (bulla_ascii_lower(a.data[i]) != bulla_ascii_lower(b.data[i])) return false;
	return true;
}

#endif
