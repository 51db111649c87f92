/*
 * event_read.h - what a parsed audit event says, whether it was made inside a process or for a request from the network.
 *
 * Views into the document; empty where the event does not say it.
 */
#ifndef AUDIT_EVENT_READ_H
#define AUDIT_EVENT_READ_H

#include "base/json.h"

bulla_bytes bulla_event_principal(const bulla_json *event); /* "local:<uid>/<user>@<host>", or a user's ARN */
bulla_bytes bulla_event_key(const bulla_json *event);       /* ARN of the KMS key, or the print of a branch */
/* The encryption context as an object; NULL where there is none. */
const bulla_json *bulla_event_context(const bulla_json *event);

#endif
