/*
 * note.h - C2SP signed notes: a text, a blank line, signature lines `— name base64(key id ‖ signature)`; Ed25519 only (type
 * 0x01).
 *
 * The key id is the first four bytes of SHA-256(name ‖ 0A ‖ 01 ‖ public key). Lines of other keys are ignored, as the
 * specification asks, so that witnesses can add theirs.
 */
#ifndef AUDIT_NOTE_H
#define AUDIT_NOTE_H

#include "base/buf.h"
#include "crypto/lane.h"

#define BULLA_NOTE_MAX            16384 /* bytes of one note */
#define BULLA_NOTE_SIGNATURES_MAX 16
#define BULLA_NOTE_NAME_MAX       255 /* bytes of a key's name */

/* Who signs. `name` is not empty and has no blank and no plus sign. */
typedef struct bulla_note_key {
	const char *name;
	uint8_t public_key[32];
	uint8_t id[4];
} bulla_note_key;

/* Fills `ret` for a public key; `name` is borrowed. USAGE for a name that a note cannot carry. */
BULLA_MUST bulla_code bulla_note_key_of(bulla_lane *lane, const char *name, const uint8_t public_key[static 32],
					bulla_note_key *ret, bulla_error *err);

/* Appends the signed note of `text`, which ends with a newline. `seed` belongs to `key`. */
BULLA_MUST bulla_code bulla_note_sign(const bulla_note_key *key, const uint8_t seed[static 32], bulla_bytes text, bulla_buf *out,
				      bulla_error *err);

/* The text of a note, as a view, without looking at its signatures. FORMAT when it is no signed note. */
BULLA_MUST bulla_code bulla_note_text(bulla_bytes note, bulla_bytes *ret_text, bulla_error *err);

/* The same, once the signature by `key` has been verified. AUTH when there is none or it does not verify. */
BULLA_MUST bulla_code bulla_note_verify(const bulla_note_key *key, bulla_bytes note, bulla_bytes *ret_text, bulla_error *err);

/* How many bytes the first note of several, one after the other, takes; 0 when no whole note is there. The texts have no
 * blank lines and do not begin with a dash. A note is whole when the next one begins or `last` says that nothing follows. */
size_t bulla_note_measure(bulla_bytes notes, bool last);

#endif
