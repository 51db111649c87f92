/*
 * checkpoint.h - C2SP tlog checkpoints: the signed head of a log.
 *
 * The text of the note is "origin\nsize\nbase64(root)\ngeneration N\n": the three lines of the specification and one extension
 * line of ours, the generation of the key store when the checkpoint was signed. The key's name is the origin.
 */
#ifndef AUDIT_CHECKPOINT_H
#define AUDIT_CHECKPOINT_H

#include "audit/note.h"
#include "audit/sink.h"

#define BULLA_CHECKPOINT_MAX 1024 /* bytes of one that this build signs */

typedef struct bulla_checkpoint {
	bulla_log_head head;
	uint64_t generation;
} bulla_checkpoint;

/* Appends the signed note. */
BULLA_MUST bulla_code bulla_checkpoint_sign(const bulla_note_key *key, const uint8_t seed[static 32],
					    const bulla_checkpoint *checkpoint, bulla_buf *out, bulla_error *err);

/* Reads a note without looking at its signature. AUDIT for anything but the exact bytes that _sign() writes before the
 * signature, or another origin. */
BULLA_MUST bulla_code bulla_checkpoint_parse(const char *origin, bulla_bytes note, bulla_checkpoint *ret, bulla_error *err);

/* The same, with the signature; AUDIT when it does not verify. */
BULLA_MUST bulla_code bulla_checkpoint_verify(const bulla_note_key *key, bulla_bytes note, bulla_checkpoint *ret,
					      bulla_error *err);

#endif
