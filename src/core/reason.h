/*
 * reason.h - why a row was put aside: the reason classes of bulla_quarantine.
 */
#ifndef CORE_REASON_H
#define CORE_REASON_H

#include <bulla/error.h>

typedef enum bulla_reason {
	BULLA_REASON_NONE = 0, /* OK, or the fault lies with the keyring or the machine, not with the row */
	BULLA_REASON_WRONG_KEY = 1,
	BULLA_REASON_KEY_DESTROYED = 2,
	BULLA_REASON_TAMPERED = 3,
	BULLA_REASON_CONTEXT = 4,
	BULLA_REASON_FORMAT = 5,
	BULLA_REASON_TYPE = 6,
	BULLA_REASON_TOO_LARGE = 7
} bulla_reason;

const char *bulla_reason_name(bulla_reason reason); /* "wrong_key" ...; static; "" for NONE */
bulla_reason bulla_reason_of(bulla_code code);      /* AUTH is TAMPERED, UNKNOWN_KEY is WRONG_KEY, ENCODING is TYPE, ... */

#endif
