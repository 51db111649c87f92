/*
 * trail_event.c - renders an entry of the audit log as CloudTrail does.
 */
#include "server/trail_event.h"
#include "audit/event_read.h"
#include "base/text.h"
#include "wire/aws_model.h"

#include <stdio.h>

#define TARGET_MAX 96

static bulla_bytes text_of(const bulla_json *object, const char *name)
{
	bulla_bytes text = { 0 };
	return bulla_json_string(bulla_json_member(object, name), &text) ? text : (bulla_bytes){ 0 };
}

/* --- reading ---------------------------------------------------------------------------------------------------- */
/* What an operation is one of. */
static const char *source_of(bulla_bytes name)
{
	static const char *const users[] = { "CreateUser",      "DeleteUser",    "CreateAccessKey", "UpdateAccessKey",
					     "DeleteAccessKey", "PutUserPolicy", "DeleteUserPolicy" };
	char target[TARGET_MAX];
	for (size_t i = 0; i < sizeof users / sizeof *users; i++)
		if (bulla_bytes_is(name, users[i])) return "iam.amazonaws.com";
	if (bulla_bytes_is(name, "LookupEvents")) return "cloudtrail.amazonaws.com";
	int n = snprintf(target, sizeof target, "TrentService.%.*s", (int)(name.len < TARGET_MAX ? name.len : TARGET_MAX),
			 (const char *)name.data);
	return n < TARGET_MAX && bulla_aws_operation_find(bulla_view_str(target)) ? "kms.amazonaws.com" : "bulla";
}

/* What a process did by itself says nothing of it: only what was asked for over the network does. */
static bool is_read_only(const bulla_json *event)
{
	bool read_only = false;
	return bulla_json_boolean(bulla_json_member(event, "readOnly"), &read_only) && read_only;
}

bool bulla_trail_read(const bulla_json *event, uint64_t index, bulla_trail_event *out)
{
	const bulla_json *identity = bulla_json_member(event, "userIdentity");
	bulla_bytes user = text_of(identity, "userName");
	*out = (bulla_trail_event){ .index = index,
				    .event = event,
				    .name = text_of(event, "eventName"),
				    .user = user.len ? user : text_of(event, "principal"),
				    .access_key_id = text_of(identity, "accessKeyId"),
				    .resource = bulla_event_key(event),
				    .read_only = is_read_only(event) };
	out->source = source_of(out->name);
	return out->name.len && bulla_time_read(text_of(event, "eventTime"), &out->time_us);
}

/* --- ids -------------------------------------------------------------------------------------------------------- */
bulla_code bulla_trail_id(bulla_lane *lane, bulla_bytes entry, uint64_t index, char out[static BULLA_UUID_TEXT + 1],
			  bulla_error *err)
{
	uint8_t hash[32], uuid[BULLA_UUID_SIZE];
	TRY(bulla_sha256(lane, &entry, 1, hash, err));
	memcpy(uuid, hash, 8);
	uuid[6] = (uint8_t)(0x80 | (hash[6] & 0x0f)); /* version 8 */
	bulla_put_u64(uuid + 8, index);
	uuid[8] = (uint8_t)(0x80 | (uuid[8] & 0x3f)); /* variant */
	bulla_uuid_print(uuid, out);
	return BULLA_OK;
}

bool bulla_trail_place(bulla_bytes id, uint64_t *ret_index)
{
	bulla_key_id parsed; /* a key's id has the same form */
	if (id.len != BULLA_UUID_TEXT || bulla_key_id_parse(id, &parsed, NULL) || parsed.is_alias || parsed.is_arn) return false;
	uint8_t last[8];
	memcpy(last, parsed.uuid + 8, sizeof last);
	if ((parsed.uuid[6] & 0xf0) != 0x80 || (last[0] & 0xc0) != 0x80) return false;
	last[0] &= 0x3f;
	*ret_index = bulla_get_u64(last);
	return true;
}

/* --- writing ---------------------------------------------------------------------------------------------------- */
static void put_given(bulla_json_writer *w, const char *name, bulla_bytes text)
{
	if (text.len) bulla_json_put_bytes(w, name, text);
}

static void put_copy(bulla_json_writer *w, const bulla_json *event, const char *name)
{
	const bulla_json *member = bulla_json_member(event, name);
	if (member) bulla_json_put_node(w, name, member);
}

/* Whoever holds the store is no user of the account. */
static void put_identity(bulla_json_writer *w, const bulla_trail_event *e, const bulla_realm *home)
{
	const bulla_json *identity = bulla_json_member(e->event, "userIdentity");
	if (identity) {
		bulla_json_put_node(w, "userIdentity", identity);
		return;
	}
	bulla_json_open(w, "userIdentity", '{');
	bulla_json_put_str(w, "type", "Unknown");
	put_given(w, "principalId", e->user);
	bulla_json_put_bytes(w, "accountId", home->account);
	bulla_json_close(w, '}');
}

static void put_parameters(bulla_json_writer *w, const bulla_trail_event *e)
{
	const bulla_json *asked = bulla_json_member(e->event, "requestParameters"), *context = bulla_event_context(e->event);
	if (asked || !context) {
		bulla_json_put_node(w, "requestParameters", asked);
		return;
	}
	bulla_json_open(w, "requestParameters", '{');
	bulla_json_put_node(w, "encryptionContext", context);
	bulla_json_close(w, '}');
}

/* What CloudTrail has no place for. */
static void put_additional(bulla_json_writer *w, const bulla_json *event)
{
	static const char *const names[] = { "outcome", "generation", "material", "count", "detail" };
	bulla_json_open(w, "additionalEventData", '{');
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		put_copy(w, event, names[i]);
	bulla_json_close(w, '}');
}

static void put_resources(bulla_json_writer *w, const bulla_trail_event *e, const bulla_realm *home)
{
	const bulla_json *resources = bulla_json_member(e->event, "resources");
	if (resources) bulla_json_put_node(w, "resources", resources);
	if (resources || !e->resource.len) return;
	bulla_json_open(w, "resources", '[');
	bulla_json_open(w, NULL, '{');
	bulla_json_put_bytes(w, "ARN", e->resource);
	bulla_json_put_bytes(w, "accountId", home->account);
	bulla_json_put_str(w, "type", BULLA_TRAIL_RESOURCE);
	bulla_json_close(w, '}');
	bulla_json_close(w, ']');
}

static bulla_bytes or_else(bulla_bytes text, bulla_bytes preset)
{
	return text.len ? text : preset;
}

static void put_record(bulla_json_writer *w, const bulla_trail_event *e, const bulla_realm *home)
{
	char time[BULLA_TIME_TEXT];
	bulla_json_open(w, NULL, '{');
	bulla_json_put_str(w, "eventVersion", "1.08");
	put_identity(w, e, home);
	bulla_json_put_str(w, "eventTime", bulla_time_text(e->time_us, time));
	bulla_json_put_str(w, "eventSource", e->source);
	bulla_json_put_bytes(w, "eventName", e->name);
	bulla_json_put_bytes(w, "awsRegion", or_else(text_of(e->event, "awsRegion"), home->region));
	bulla_json_put_bytes(w, "sourceIPAddress", or_else(text_of(e->event, "sourceIPAddress"), bulla_view_str("localhost")));
	bulla_json_put_bytes(w, "userAgent", or_else(text_of(e->event, "userAgent"), bulla_view_str("bulla")));
	put_given(w, "errorCode", text_of(e->event, "errorCode"));
	put_given(w, "errorMessage", text_of(e->event, "errorMessage"));
	put_parameters(w, e);
	bulla_json_put_null(w, "responseElements");
	put_additional(w, e->event);
	put_given(w, "requestID", text_of(e->event, "requestID"));
	bulla_json_put_str(w, "eventID", e->id);
	bulla_json_put_bool(w, "readOnly", e->read_only);
	put_resources(w, e, home);
	bulla_json_put_str(w, "eventType", "AwsApiCall");
	bulla_json_put_bool(w, "managementEvent", true);
	bulla_json_put_bytes(w, "recipientAccountId", home->account);
	bulla_json_put_str(w, "eventCategory", "Management");
	bulla_json_close(w, '}');
}

static void put_summary(bulla_json_writer *w, const bulla_trail_event *e)
{
	bulla_json_put_str(w, "EventId", e->id);
	bulla_json_put_bytes(w, "EventName", e->name);
	bulla_json_put_str(w, "ReadOnly", e->read_only ? "true" : "false");
	put_given(w, "AccessKeyId", e->access_key_id);
	bulla_aws_put_time(w, "EventTime", e->time_us);
	bulla_json_put_str(w, "EventSource", e->source);
	put_given(w, "Username", e->user);
	bulla_json_open(w, "Resources", '[');
	if (e->resource.len) {
		bulla_json_open(w, NULL, '{');
		bulla_json_put_str(w, "ResourceType", BULLA_TRAIL_RESOURCE);
		bulla_json_put_bytes(w, "ResourceName", e->resource);
		bulla_json_close(w, '}');
	}
	bulla_json_close(w, ']');
}

/* The record is text in the answer. */
void bulla_trail_put(bulla_json_writer *w, const bulla_trail_event *event, const bulla_realm *home)
{
	BULLA_BUF_AUTO bulla_buf record = { 0 };
	bulla_json_writer inner = bulla_json_to(&record);
	put_record(&inner, event, home);
	if (inner.failed && !w->failed) w->failed = inner.failed;
	bulla_json_open(w, NULL, '{');
	put_summary(w, event);
	bulla_json_put_bytes(w, "CloudTrailEvent", bulla_view_buf(&record));
	bulla_json_close(w, '}');
}
