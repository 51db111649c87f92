/*
 * event_read.c - finds what an audit event says at either of its places.
 */
#include "audit/event_read.h"

static bulla_bytes text_of(const bulla_json *event, const char *member)
{
	bulla_bytes text = { NULL, 0 };
	return bulla_json_string(bulla_json_member(event, member), &text) ? text : (bulla_bytes){ NULL, 0 };
}

bulla_bytes bulla_event_principal(const bulla_json *event)
{
	bulla_bytes local = text_of(event, "principal");
	if (local.len) return local;
	const bulla_json *identity = bulla_json_member(event, "userIdentity");
	bulla_bytes arn = text_of(identity, "arn");
	return arn.len ? arn : text_of(identity, "accessKeyId");
}

bulla_bytes bulla_event_key(const bulla_json *event)
{
	bulla_bytes local = text_of(event, "key");
	return local.len ? local : text_of(bulla_json_at(bulla_json_member(event, "resources"), 0), "ARN");
}

const bulla_json *bulla_event_context(const bulla_json *event)
{
	const bulla_json *local = bulla_json_member(event, "encryptionContext"),
			 *asked = bulla_json_member(event, "requestParameters");
	if (local) return local;
	local = bulla_json_member(asked, "encryptionContext");
	return local ? local : bulla_json_member(asked, "destinationEncryptionContext"); /* of ReEncrypt */
}
