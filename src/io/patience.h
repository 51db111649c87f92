/*
 * patience.h - waiting for a lock that somebody else holds: how long, who is told, and who that somebody is.
 */
#ifndef IO_PATIENCE_H
#define IO_PATIENCE_H

#include "base/bytes.h"

#include <stdatomic.h>

#define BULLA_WAIT_TOLD_MS 1000 /* a shorter wait is not worth a word */

/* Zeroed: the preset of whoever waits, and nobody is told. */
typedef struct bulla_patience {
	int64_t wait_ms; /* 0: the preset */
	/* Once a wait, after BULLA_WAIT_TOLD_MS: `what` is waited for ("the key store k.db, which process 7 (vi) holds"), for `wait_ms` in all.
	 * From whichever thread waits; may be NULL. */
	void (*waiting)(void *self, const char *what, int64_t wait_ms);
	void *self;
	const atomic_bool *stop; /* ends a wait early; may be NULL */
} bulla_patience;

/* One wait. Zeroed: it begins with the first question; from bulla_wait_now() at once. */
typedef struct bulla_wait {
	int64_t began_us;
	bool told;
} bulla_wait;

bulla_wait bulla_wait_now(void);

/* May it go on? Ask before each pause. `name` is what is locked ("the key store"), `path` its file. */
bool bulla_wait_on(bulla_wait *wait, const bulla_patience *patience, int64_t preset_ms, const char *name, const char *path);

#define BULLA_HOLDER_MAX 96

/* Who else holds a lock on the file, or on what SQLite keeps beside it: "process 4711 (python3)". A lock for writing counts before one for
 * reading. False where the kernel does not tell: the holder is gone, is on another host or in another container, or is this process. */
bool bulla_lock_holder(const char *path, char out[static BULLA_HOLDER_MAX]);
/* The same for messages: "another process" where it is not known. */
const char *bulla_lock_holder_text(const char *path, char out[static BULLA_HOLDER_MAX]);

#endif
