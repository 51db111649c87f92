/*
 * move.h - hanging branch, index and shared data keys from other KMS keys, before one of those is retired.
 */
#ifndef LIB_MOVE_H
#define LIB_MOVE_H

#include "lib/project.h"

typedef struct bulla_moved {
	uint64_t moved;
	uint64_t left;   /* hang from the key as before */
	bulla_error why; /* the first that was left; code OK when none was */
} bulla_moved;

/* Wraps every branch, index and shared data key that hangs from the engine's key `uuid` by the keys that the environment wraps with,
 * in place of the wraps it has. No row is touched. The project is open as ENGINE or deeper; its keyring is opened where it is not. What fails
 * stays as it is; the call may be repeated. */
BULLA_MUST bulla_code bulla_project_move(bulla_project *project, const uint8_t uuid[static BULLA_UUID_SIZE], bulla_moved *ret,
					 bulla_error *err);

#endif
