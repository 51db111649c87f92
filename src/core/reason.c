/*
 * reason.c - error codes as reason classes of the quarantine.
 */
#include "core/reason.h"

#include <stddef.h>

static const char *const names[] = { "", "wrong_key", "key_destroyed", "tampered", "context", "format", "type", "too_large" };

static const struct {
	bulla_code code;
	bulla_reason reason;
} reasons[] = {
	{ BULLA_ERR_UNKNOWN_KEY, BULLA_REASON_WRONG_KEY }, { BULLA_ERR_KEY_DESTROYED, BULLA_REASON_KEY_DESTROYED },
	{ BULLA_ERR_AUTH, BULLA_REASON_TAMPERED },         { BULLA_ERR_CONTEXT, BULLA_REASON_CONTEXT },
	{ BULLA_ERR_FORMAT, BULLA_REASON_FORMAT },         { BULLA_ERR_VERSION, BULLA_REASON_FORMAT },
	{ BULLA_ERR_PARTIAL_RECORD, BULLA_REASON_FORMAT }, { BULLA_ERR_TYPE, BULLA_REASON_TYPE },
	{ BULLA_ERR_ENCODING, BULLA_REASON_TYPE },         { BULLA_ERR_TOO_LARGE, BULLA_REASON_TOO_LARGE },
	{ BULLA_ERR_LIMIT, BULLA_REASON_TOO_LARGE },
};

const char *bulla_reason_name(bulla_reason reason)
{
	return names[reason];
}

bulla_reason bulla_reason_of(bulla_code code)
{
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (reasons[i].code == code) return reasons[i].reason;
	return BULLA_REASON_NONE;
}
