/*
 * log_mirror.h - a log that lies elsewhere, written as the static files of C2SP tlog-tiles: for those who read it without us.
 */
#ifndef IO_LOG_MIRROR_H
#define IO_LOG_MIRROR_H

#include "audit/checkpoint.h"
#include "io/log.h"

typedef struct bulla_log_mirror bulla_log_mirror;

/* Begins `tile/`, `checkpoints` and `checkpoint` in a new directory. EXISTS. */
BULLA_MUST bulla_code bulla_log_mirror_new(const char *directory, const char *origin, bulla_log_mirror **out, bulla_error *err);
/* The next entry. */
BULLA_MUST bulla_code bulla_log_mirror_add(bulla_log_mirror *mirror, bulla_bytes entry, bulla_error *err);
/* The checkpoint over the entries so far. AUDIT when it is over something else. */
BULLA_MUST bulla_code bulla_log_mirror_sign(bulla_log_mirror *mirror, bulla_bytes note, bulla_error *err);
/* After the last checkpoint: what is still missing is written, durable on return. */
BULLA_MUST bulla_code bulla_log_mirror_end(bulla_log_mirror *mirror, bulla_error *err);
void bulla_log_mirror_free(bulla_log_mirror *mirror); /* NULL is fine */

#endif
