/*
 * http.c - looking up headers.
 */
#include "wire/http.h"

static uint8_t lower_of(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

bool bulla_http_name_is(bulla_bytes name, bulla_bytes lower)
{
	if (name.len != lower.len) return false;
	for (size_t i = 0; i < name.len; i++)
		if (lower_of(name.data[i]) != lower.data[i]) return false;
	return true;
}

bulla_bytes bulla_http_trim(bulla_bytes value)
{
	size_t from = 0, to = value.len;
	while (from < to && bulla_http_is_blank(value.data[from]))
		from++;
	while (to > from && bulla_http_is_blank(value.data[to - 1]))
		to--;
	return from == to ? bulla_view(value.data, 0) : bulla_view(value.data + from, to - from);
}

size_t bulla_http_find(const bulla_http_request *request, const char *name, bulla_bytes *ret_value)
{
	bulla_bytes lower = bulla_view_str(name);
	size_t n = 0;
	for (size_t i = 0; i < request->n_headers; i++) {
		if (!bulla_http_name_is(request->headers[i].name, lower)) continue;
		if (n++ == 0) *ret_value = bulla_http_trim(request->headers[i].value);
	}
	return n;
}
