/*
 * witness.h - the environment's `audit.witness`: files, best on another host, that hear of each new head of the log.
 *
 * A witness holds signed checkpoints, one after the other. Whoever can change the log and the store on this host cannot take back
 * what a witness has seen: a log that was cut or forked does not contain it.
 */
#ifndef LIB_WITNESS_H
#define LIB_WITNESS_H

#include "lib/project.h"

#define BULLA_WITNESS_TAIL_MAX 65536 /* bytes of a witness that are looked at, from its end: some 200 checkpoints */

/* Tells every witness the log's head, once the log (open for writing) has been found to contain what the witness saw before. A
 * missing file is made. AUDIT when the log does not contain it, CONFIG for a witness that is no file, or what prevented writing;
 * the other witnesses are told all the same. */
BULLA_MUST bulla_code bulla_witness_append(bulla_project *project, bulla_error *err);

/* Whether `log` contains every head that witness `i` has seen, and the newest size of them (0: it has seen none). */
BULLA_MUST bulla_code bulla_witness_agrees(bulla_project *project, bulla_log *log, size_t i, bool *ret_agrees, uint64_t *ret_size,
					   bulla_error *err);

/* Whether the log contains `head`. */
BULLA_MUST bulla_code bulla_log_contains(bulla_log *log, const bulla_log_head *head, bool *ret, bulla_error *err);

/* Appends the log's head as a checkpoint signed with the project's key. */
BULLA_MUST bulla_code bulla_project_checkpoint(bulla_project *project, bulla_log *log, bulla_buf *out, bulla_error *err);

/* Reads such a checkpoint: AUDIT when it is not signed with the project's key. */
BULLA_MUST bulla_code bulla_project_read_checkpoint(bulla_project *project, bulla_bytes note, bulla_log_head *ret,
						    bulla_error *err);

#endif
