/*
 * values.c - what was given to an option, as a number, a duration, a list of pairs.
 */
#include "cli/cli.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/text.h"

static bool digits(const char *text, uint64_t *ret, const char **ret_end)
{
	uint64_t n = 0;
	const char *p = text;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (n > (UINT64_MAX - 9) / 10) return false;
		n = n * 10 + (uint64_t)(*p - '0');
	}
	*ret = n;
	*ret_end = p;
	return p > text;
}

bulla_code bulla_cli_number(const bulla_cli *cli, const char *name, uint64_t least, uint64_t most, uint64_t preset, uint64_t *ret,
			    bulla_error *err)
{
	const char *text = bulla_cli_value(cli, name), *end = NULL;
	*ret = preset;
	if (!text) return BULLA_OK;
	if (digits(text, ret, &end) && *end == 0 && *ret >= least && *ret <= most) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_USAGE, "--%s takes a whole number from %llu to %llu", name, (unsigned long long)least,
			  (unsigned long long)most);
}

bulla_code bulla_cli_duration(const bulla_cli *cli, const char *name, int64_t preset, int64_t *ret, bulla_error *err)
{
	const char *text = bulla_cli_value(cli, name);
	*ret = preset;
	if (!text || bulla_duration_parse(text, ret)) return BULLA_OK;
	if (strcmp(text, "0") == 0) { /* nothing, in whatever unit */
		*ret = 0;
		return BULLA_OK;
	}
	return bulla_fail(err, BULLA_ERR_USAGE, "--%s takes a duration, such as 90s, 15m, 1h or 2d, or 0", name);
}

bulla_code bulla_cli_pairs(const bulla_cli *cli, const char *name, bulla_pair *pairs, size_t max, size_t *ret_n, bulla_error *err)
{
	*ret_n = 0;
	for (size_t i = 0; i < cli->given_count; i++) {
		const char *text = cli->given[i].value;
		if (strcmp(cli->given[i].option->name, name) != 0) continue;
		const char *equals = text ? strchr(text, '=') : NULL;
		if (!equals || equals == text) return bulla_fail(err, BULLA_ERR_USAGE, "--%s takes NAME=VALUE", name);
		if (*ret_n == max) return bulla_fail(err, BULLA_ERR_LIMIT, "--%s is given more than %zu times", name, max);
		pairs[(*ret_n)++] = (bulla_pair){ bulla_view(text, (size_t)(equals - text)), bulla_view_str(equals + 1) };
	}
	return BULLA_OK;
}

bulla_code bulla_split(const char *text, char separator, bulla_bytes *parts, size_t max, size_t *ret_n, bulla_error *err)
{
	*ret_n = 0;
	for (const char *start = text;; start++) {
		const char *end = strchrnul(start, separator);
		if (end == start) return bulla_fail(err, BULLA_ERR_USAGE, "an empty name in a list");
		if (*ret_n == max) return bulla_fail(err, BULLA_ERR_LIMIT, "a list of more than %zu", max);
		parts[(*ret_n)++] = bulla_view(start, (size_t)(end - start));
		if (!*end) return BULLA_OK;
		start = end;
	}
}
