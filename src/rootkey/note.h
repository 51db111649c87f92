/*
 * note.h - what a store keeps, in the clear, to make its root key again: one line of text.
 *
 * "file", "fd" or "passphrase-1 argon2id m=<KiB> t=<passes> p=<lanes> salt=<hex>".
 */
#ifndef ROOTKEY_NOTE_H
#define ROOTKEY_NOTE_H

#include "base/buf.h"

#define BULLA_SALT_SIZE 16

typedef struct bulla_passphrase_note {
	uint32_t memory_kib, passes, lanes;
	uint8_t salt[BULLA_SALT_SIZE];
} bulla_passphrase_note;

BULLA_MUST bulla_code bulla_passphrase_note_print(const bulla_passphrase_note *note, bulla_buf *out, bulla_error *err);

/* CONFIG for a note of another kind of root key, VERSION for a newer passphrase note, FORMAT for one that is damaged or asks for
 * more work than bulla ever does (whoever writes the store must not be able to stop it that way). */
BULLA_MUST bulla_code bulla_passphrase_note_parse(bulla_bytes text, bulla_passphrase_note *out, bulla_error *err);

#endif
