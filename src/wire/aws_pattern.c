/*
 * aws_pattern.c - the regular expressions of AWS's model, each as the few lines that it means.
 *
 * They match a whole text or not at all, as AWS's do. A library for expressions would cost more than all the rest of reading a
 * request.
 */
#include "wire/aws_shape.h"

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_lower(uint8_t c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_alphanumeric(uint8_t c)
{
	return is_digit(c) || is_lower((uint8_t)(c | 0x20));
}

/* One or more characters, each a letter, a digit or one of `more`. */
static bool all_of(bulla_bytes text, const char *more)
{
	for (size_t i = 0; i < text.len; i++)
		if (!is_alphanumeric(text.data[i]) && (text.data[i] == 0 || !strchr(more, text.data[i]))) return false;
	return text.len > 0;
}

static bool all_are(bulla_bytes text, bool (*is)(uint8_t c))
{
	for (size_t i = 0; i < text.len; i++)
		if (!is(text.data[i])) return false;
	return text.len > 0;
}

/* Takes `start` off the front of `text`. */
static bool skip(bulla_bytes *text, const char *start)
{
	size_t n = strlen(start);
	if (text->len < n || memcmp(text->data, start, n) != 0) return false;
	*text = bulla_view(text->data + n, text->len - n);
	return true;
}

/* --- characters ------------------------------------------------------------------------------------------------ */

static bool name(bulla_bytes text)
{
	return all_of(text, ":/_-");
}

static bool principal(bulla_bytes text)
{
	return all_of(text, "_+=,.@:/-");
}

static bool policy_name(bulla_bytes text)
{
	return all_of(text, "_");
}

static bool material_description(bulla_bytes text)
{
	return all_of(text, ":/_ \t\n\v\f\r.-");
}

static bool xks_key(bulla_bytes text)
{
	return all_of(text, "-_.");
}

static bool xks_secret(bulla_bytes text)
{
	return all_of(text, "/+=");
}

static bool is_hex(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f');
}

static bool hex(bulla_bytes text)
{
	return all_are(text, is_hex);
}

static bool is_base32(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7');
}

static bool xks_id(bulla_bytes text)
{
	return all_are(text, is_base32);
}

static bool account(bulla_bytes text)
{
	return text.len == 12 && all_are(text, is_digit);
}

static bool is_cluster(uint8_t c)
{
	return (is_alphanumeric(c) && !is_digit(c)) || (c >= '2' && c <= '7');
}

static bool cluster(bulla_bytes text)
{
	return skip(&text, "cluster-") && text.len >= 11 && text.len <= 16 && all_are(text, is_cluster);
}

/* Code points from U+0020 to U+00FF, which take two bytes of UTF-8 at most, and those ASCII ones in `more`. */
static bool latin(bulla_bytes text, const char *more)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		if (c > 0xc3 || c == 0 || (c < 0x20 && !strchr(more, c))) return false;
	}
	return true;
}

static bool policy(bulla_bytes text)
{
	return text.len > 0 && latin(text, "\t\n\r");
}

static bool marker(bulla_bytes text)
{
	return latin(text, "");
}

/* --- words ----------------------------------------------------------------------------------------------------- */

/* Two or three words of small letters, each with a hyphen behind it, and a number. */
static bool region(bulla_bytes text)
{
	size_t words = 0, n;
	for (; words < 3; words++) {
		for (n = 0; n < text.len && is_lower(text.data[n]); n++)
			;
		if (n == 0 || n == text.len || text.data[n] != '-') break;
		text = bulla_view(text.data + n + 1, text.len - n - 1);
	}
	return words >= 2 && all_are(text, is_digit);
}

static bool xks_endpoint(bulla_bytes text)
{
	return skip(&text, "https://") && all_of(text, ".-");
}

/* `/kms/xks/v1`, or something before it. */
static bool xks_path(bulla_bytes text)
{
	static const char end[] = "/kms/xks/v";
	size_t digits = 0, n = sizeof end - 1;
	while (digits < text.len && digits < 2 && is_digit(text.data[text.len - 1 - digits]))
		digits++;
	if (digits == 0 || text.len < n + digits) return false;
	bulla_bytes before = bulla_view(text.data, text.len - n - digits);
	if (memcmp(text.data + before.len, end, n) != 0) return false;
	return before.len == 0 || (skip(&before, "/") && all_of(before, "/_-"));
}

/* `com.amazonaws.vpce.us-east-1.vpce-svc-0123abc` */
static bool xks_service(bulla_bytes text)
{
	if (!(skip(&text, "com") || skip(&text, "eu")) || !skip(&text, ".amazonaws.vpce.")) return false;
	const uint8_t *dot = text.len ? memchr(text.data, '.', text.len) : NULL;
	if (!dot) return false;
	size_t n = (size_t)(dot - text.data);
	bulla_bytes rest = bulla_view(dot, text.len - n);
	if (!region(bulla_view(text.data, n)) || !skip(&rest, ".vpce-svc-")) return false;
	for (size_t i = 0; i < rest.len; i++)
		if (!is_digit(rest.data[i]) && !is_lower(rest.data[i])) return false;
	return rest.len > 0;
}

const bulla_aws_pattern bulla_aws_pattern_name = { "^[a-zA-Z0-9:/_-]+$", name };
const bulla_aws_pattern bulla_aws_pattern_policy = { "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+", policy };
const bulla_aws_pattern bulla_aws_pattern_marker = { "[\\u0020-\\u00FF]*", marker };
const bulla_aws_pattern bulla_aws_pattern_principal = { "^[\\w+=,.@:/-]+$", principal };
const bulla_aws_pattern bulla_aws_pattern_policy_name = { "[\\w]+", policy_name };
const bulla_aws_pattern bulla_aws_pattern_region = { "^([a-z]+-){2,3}\\d+$", region };
const bulla_aws_pattern bulla_aws_pattern_hex = { "^[a-f0-9]+$", hex };
const bulla_aws_pattern bulla_aws_pattern_material_description = { "^[a-zA-Z0-9:/_\\s.-]+$", material_description };
const bulla_aws_pattern bulla_aws_pattern_account = { "[0-9]{12}", account };
const bulla_aws_pattern bulla_aws_pattern_cluster = { "cluster-[2-7a-zA-Z]{11,16}", cluster };
const bulla_aws_pattern bulla_aws_pattern_xks_key = { "^[a-zA-Z0-9-_.]+$", xks_key };
const bulla_aws_pattern bulla_aws_pattern_xks_id = { "^[A-Z2-7]+$", xks_id };
const bulla_aws_pattern bulla_aws_pattern_xks_secret = { "^[a-zA-Z0-9\\/+=]+$", xks_secret };
const bulla_aws_pattern bulla_aws_pattern_xks_endpoint = { "^https://[a-zA-Z0-9.-]+$", xks_endpoint };
const bulla_aws_pattern bulla_aws_pattern_xks_path = { "^(/[a-zA-Z0-9\\/_-]+/kms/xks/v\\d{1,2})$|^(/kms/xks/v\\d{1,2})$",
						       xks_path };
const bulla_aws_pattern bulla_aws_pattern_xks_service = {
	"^(com|eu)\\.amazonaws\\.vpce\\.([a-z]+-){2,3}\\d+\\.vpce-svc-[0-9a-z]+$",
	xks_service,
};
