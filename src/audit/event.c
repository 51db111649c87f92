/*
 * event.c - one audit event as canonical JSON.
 */
#include "audit/event.h"
#include "base/context.h"
#include "base/text.h"

#define SECOND_US INT64_C(1000000)
#define DAY_US    (86400 * SECOND_US)

/* Years 0001 to 9999: what RFC 3339 can say without a year that no calendar has. */
#define TIME_MIN      (INT64_C(-62135596800) * SECOND_US)
#define TIME_END      (INT64_C(253402300800) * SECOND_US)
#define TIME_MAX_TEXT 27

static char *put_digits(char *at, unsigned value, unsigned digits)
{
	for (unsigned i = digits; i-- > 0; value /= 10)
		at[i] = (char)('0' + value % 10);
	return at + digits;
}

/* The proleptic Gregorian date of a day. Years are counted from the first of March, so that a leap day ends its year and the
 * lengths of months follow one formula. */
static char *put_date(char *at, uint64_t days_since_0000_03_01)
{
	unsigned day = (unsigned)(days_since_0000_03_01 % 146097); /* of 400 years */
	unsigned of_400 = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	unsigned of_year = day - (365 * of_400 + of_400 / 4 - of_400 / 100);
	unsigned month = (5 * of_year + 2) / 153; /* 0 is March */
	unsigned year = (unsigned)(days_since_0000_03_01 / 146097) * 400 + of_400;
	at = put_digits(at, month < 10 ? year : year + 1, 4);
	*at++ = '-';
	at = put_digits(at, month < 10 ? month + 3 : month - 9, 2);
	*at++ = '-';
	return put_digits(at, of_year - (153 * month + 2) / 5 + 1, 2);
}

/* "2026-07-01T12:00:00.000001Z"; gmtime_r() and printf() would cost as much as the rest of the event. */
static bulla_bytes time_text(int64_t time_us, char out[static TIME_MAX_TEXT])
{
	uint64_t us = (uint64_t)(time_us - TIME_MIN) + 306 * (uint64_t)DAY_US; /* 0001-01-01 is 306 days after 0000-03-01 */
	unsigned seconds = (unsigned)(us % DAY_US / SECOND_US);
	char *at = put_date(out, us / DAY_US);
	const struct {
		char before;
		unsigned value, digits;
	} parts[] = { { 'T', seconds / 3600, 2 },
		      { ':', seconds / 60 % 60, 2 },
		      { ':', seconds % 60, 2 },
		      { '.', (unsigned)(us % SECOND_US), 6 } };
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		*at++ = parts[i].before;
		at = put_digits(at, parts[i].value, parts[i].digits);
	}
	*at++ = 'Z';
	return bulla_view(out, (size_t)(at - out));
}

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

/* The high bit of every byte of `x` that is below `n` (at most 0x80), and of some behind the first such. */
static uint64_t bytes_below(uint64_t x, uint8_t n)
{
	return (x - EACH_BYTE(n)) & ~x & EACH_BYTE(0x80);
}

/* True when JSON writes every byte as it is: ASCII without control characters, quote and backslash. Eight bytes at a time;
 * the last word is filled up with blanks. */
static bool is_plain(bulla_bytes text)
{
	for (size_t i = 0; i < text.len; i += 8) {
		uint64_t x = EACH_BYTE(' ');
		memcpy(&x, text.data + i, text.len - i < 8 ? text.len - i : 8);
		uint64_t quote = bytes_below(x ^ EACH_BYTE('"'), 1);
		uint64_t backslash = bytes_below(x ^ EACH_BYTE('\\'), 1);
		if ((x & EACH_BYTE(0x80)) | bytes_below(x, 0x20) | quote | backslash) return false;
	}
	return true;
}

/* The JSON writer escapes what has to be; nearly nothing has, and then copying is several times as fast. */
static bulla_code put_string(bulla_bytes text, bulla_buf *out, bulla_error *err)
{
	if (!is_plain(text)) {
		bulla_json_writer w = bulla_json_to(out);
		bulla_json_put_bytes(&w, NULL, text);
		return bulla_json_end(&w, err);
	}
	TRY(bulla_buf_reserve(out, text.len + 2, err));
	uint8_t *at = out->data + out->len;
	*at++ = '"';
	if (text.len) memcpy(at, text.data, text.len);
	at[text.len] = '"';
	out->len += text.len + 2;
	return BULLA_OK;
}

/* A member, `name` with everything around it; nothing for an empty value. */
static bulla_code put_member(const char *name, bulla_bytes text, bulla_buf *out, bulla_error *err)
{
	if (text.len == 0) return BULLA_OK;
	TRY(bulla_buf_add_str(out, name, err));
	return put_string(text, out, err);
}

static bulla_code put_number(const char *name, int64_t value, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_add_str(out, name, err));
	bulla_json_writer w = bulla_json_to(out);
	bulla_json_put_int(&w, NULL, value);
	return bulla_json_end(&w, err);
}

static bulla_code put_material(bulla_bytes raw, bulla_buf *out, bulla_error *err)
{
	if (raw.len == 0) return BULLA_OK;
	TRY(bulla_buf_add_str(out, ",\"material\":\"", err));
	TRY(bulla_hex_encode(raw, out, err));
	return bulla_buf_add_u8(out, '"', err);
}

static bulla_code put_pairs(bulla_bytes canonical, bulla_buf *out, bulla_error *err)
{
	bulla_pair pairs[BULLA_CONTEXT_PAIRS_MAX];
	size_t n;
	TRY(bulla_context_decode(canonical, pairs, &n, err));
	for (size_t i = 0; i < n; i++) {
		TRY(bulla_buf_add_u8(out, i ? ',' : '{', err));
		TRY(put_string(pairs[i].name, out, err));
		TRY(bulla_buf_add_u8(out, ':', err));
		TRY(put_string(pairs[i].value, out, err));
	}
	return bulla_buf_add_str(out, n ? "}" : "{}", err);
}

static bulla_code put_context(bulla_bytes canonical, bulla_buf *out, bulla_error *err)
{
	if (canonical.len == 0) return BULLA_OK;
	TRY(bulla_buf_add_str(out, ",\"encryptionContext\":", err));
	return put_pairs(canonical, out, err);
}

/* --- who, and for what ----------------------------------------------------------------------------------------- */
static bulla_code put_local(const bulla_event *e, bulla_buf *out, bulla_error *err)
{
	TRY(put_member(",\"principal\":", e->principal, out, err));
	TRY(put_member(",\"key\":", e->key, out, err));
	TRY(put_material(e->material, out, err));
	return put_context(e->context, out, err);
}

static bulla_code put_identity(const bulla_event_origin *o, bulla_buf *out, bulla_error *err)
{
	const char *type = o->user_arn.len ? "IAMUser" : "Unknown";
	TRY(put_member(",\"userIdentity\":{\"type\":", bulla_view_str(type), out, err));
	TRY(put_member(",\"principalId\":", o->user_name, out, err));
	TRY(put_member(",\"arn\":", o->user_arn, out, err));
	TRY(put_member(",\"accountId\":", o->account, out, err));
	TRY(put_member(",\"accessKeyId\":", o->access_key_id, out, err));
	TRY(put_member(",\"userName\":", o->user_name, out, err));
	return bulla_buf_add_u8(out, '}', err);
}

/* The canonical empty context is two bytes, and no member. */
static bulla_code put_parameters(const bulla_event *e, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_add_str(out, ",\"requestParameters\":", err));
	if (e->origin->parameters.len) return bulla_buf_add(out, e->origin->parameters, err);
	if (e->context.len <= 2) return bulla_buf_add_str(out, "null", err);
	TRY(bulla_buf_add_str(out, "{\"encryptionContext\":", err));
	TRY(put_pairs(e->context, out, err));
	return bulla_buf_add_u8(out, '}', err);
}

static bulla_code put_resource(const bulla_event *e, bulla_buf *out, bulla_error *err)
{
	if (e->key.len == 0) return BULLA_OK;
	TRY(put_member(",\"resources\":[{\"ARN\":", e->key, out, err));
	TRY(put_member(",\"accountId\":", e->origin->account, out, err));
	return bulla_buf_add_str(out, ",\"type\":\"AWS::KMS::Key\"}]", err);
}

static bulla_code put_origin(const bulla_event *e, bulla_buf *out, bulla_error *err)
{
	const bulla_event_origin *o = e->origin;
	bulla_bytes agent = bulla_view(o->user_agent.data,
				       o->user_agent.len < BULLA_USER_AGENT_MAX ? o->user_agent.len : BULLA_USER_AGENT_MAX);
	TRY(put_identity(o, out, err));
	TRY(put_member(",\"awsRegion\":", o->region, out, err));
	TRY(put_member(",\"sourceIPAddress\":", o->source_ip, out, err));
	TRY(put_member(",\"userAgent\":", agent, out, err));
	TRY(put_member(",\"errorCode\":", o->error_code, out, err));
	TRY(put_member(",\"errorMessage\":", o->error_text, out, err));
	TRY(put_parameters(e, out, err));
	TRY(put_resource(e, out, err));
	TRY(bulla_buf_add_str(out, o->read_only ? ",\"readOnly\":true" : ",\"readOnly\":false", err));
	return put_material(e->material, out, err);
}

static bulla_code write_event(const bulla_event *e, bulla_buf *out, bulla_error *err)
{
	char time[TIME_MAX_TEXT];
	TRY(put_member("{\"eventTime\":", time_text(e->time_us, time), out, err));
	TRY(put_member(",\"eventName\":", bulla_view_str(e->operation), out, err));
	TRY(e->origin ? put_origin(e, out, err) : put_local(e, out, err));
	TRY(put_member(",\"requestID\":", e->request_id, out, err));
	TRY(put_member(",\"outcome\":", bulla_view_str(e->outcome), out, err));
	TRY(put_number(",\"generation\":", (int64_t)e->generation, out, err));
	if (e->count) TRY(put_number(",\"count\":", e->count, out, err));
	TRY(put_member(",\"detail\":", e->detail, out, err));
	return bulla_buf_add_u8(out, '}', err);
}

bulla_code bulla_event_encode(const bulla_event *event, bulla_buf *out, bulla_error *err)
{
	size_t start = out->len;
	if (!event->operation || !*event->operation)
		return bulla_fail(err, BULLA_ERR_USAGE, "an audit event without an operation");
	if (event->time_us < TIME_MIN || event->time_us >= TIME_END)
		return bulla_fail(err, BULLA_ERR_USAGE, "the time of an audit event is outside the years 1 to 9999");
	if (event->generation > INT64_MAX)
		return bulla_fail(err, BULLA_ERR_USAGE, "the generation of an audit event exceeds 2^63");

	bulla_code code = write_event(event, out, err);
	if (!code && out->len - start > BULLA_EVENT_MAX - 1)
		code = bulla_fail(err, BULLA_ERR_LIMIT, "an audit event is longer than %d bytes", BULLA_EVENT_MAX - 1);
	if (code) out->len = start;
	return code;
}
