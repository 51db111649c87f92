/*
 * key_file.h - the text of a root key file.
 *
 * One line "bulla-root-key-1 <64 hex digits> <8 hex digits>": the key, and the first 4 bytes of SHA-256 over it, which tell a
 * mistyped key from a wrong one. Lines that begin with # and empty lines are comments.
 */
#ifndef ROOTKEY_KEY_FILE_H
#define ROOTKEY_KEY_FILE_H

#include "base/buf.h"
#include "base/secret.h"

#define BULLA_KEY_FILE_MAX 16384 /* bytes, comments included */

/* FORMAT, VERSION for a newer form. The text names `where` the key came from, never what was read. */
BULLA_MUST bulla_code bulla_key_file_parse(bulla_bytes text, const char *where, bulla_secret *ret_key, bulla_error *err);

/* Appends `comment` (each line of it starting with #) and the line. USAGE for a comment that is none. */
BULLA_MUST bulla_code bulla_key_file_print(const bulla_secret *key, const char *comment, bulla_buf *out, bulla_error *err);

#endif
