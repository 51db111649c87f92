/*
 * sigv4_check.c - is a signature for this service, here, today and now.
 */
#include "wire/sigv4.h"

static bool refuse(bulla_aws_fault *fault, const char *text)
{
	return bulla_aws_refuse(fault, BULLA_AWS_INVALID_SIGNATURE, "%s", text);
}

static bool known_region(const bulla_sigv4 *signature, const bulla_sigv4_place *place)
{
	if (!place->regions) return signature->region.len > 0;
	for (size_t i = 0; i < place->n_regions; i++)
		if (bulla_bytes_is(signature->region, place->regions[i])) return true;
	return false;
}

static bool in_scope(const bulla_sigv4 *signature, const bulla_sigv4_place *place, bulla_aws_fault *fault)
{
	bulla_bytes today = bulla_view(signature->time, 8);

	if (!known_region(signature, place)) {
		bulla_bytes region = bulla_aws_shown(signature->region);
		return bulla_aws_refuse(fault, BULLA_AWS_INVALID_SIGNATURE,
					"Credential should be scoped to a valid region, not '%.*s'. ", (int)region.len,
					(const char *)region.data);
	}
	if (!bulla_bytes_is(signature->service, place->service))
		return bulla_aws_refuse(fault, BULLA_AWS_INVALID_SIGNATURE,
					"Credential should be scoped to correct service: '%s'. ", place->service);
	if (!bulla_bytes_equal(signature->date, today))
		return refuse(fault, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.");
	return true;
}

static bool is_fresh(const bulla_sigv4 *signature, int64_t now_us, bulla_aws_fault *fault)
{
	char edge[BULLA_SIGV4_TIME], now[BULLA_SIGV4_TIME];
	int64_t second = now_us - now_us % 1000000; /* what clients send has no fraction */
	bool late = signature->time_us < second - BULLA_SIGV4_SKEW_US;
	bool early = signature->time_us > second + BULLA_SIGV4_SKEW_US;

	if (!late && !early) return true;
	bulla_sigv4_time_text(late ? second - BULLA_SIGV4_SKEW_US : second + BULLA_SIGV4_SKEW_US, edge);
	bulla_sigv4_time_text(second, now);
	return bulla_aws_refuse(fault, BULLA_AWS_INVALID_SIGNATURE,
				late ? "Signature expired: %s is now earlier than %s (%s - 5 min.)"
				     : "Signature not yet current: %s is still later than %s (%s + 5 min.)",
				signature->time, edge, now);
}

bool bulla_sigv4_check(const bulla_sigv4 *signature, const bulla_sigv4_place *place, bulla_aws_fault *fault)
{
	return in_scope(signature, place, fault) && is_fresh(signature, place->now_us, fault);
}
