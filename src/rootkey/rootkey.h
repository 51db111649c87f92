/*
 * rootkey.h - getting the root key of the engine from where its owner keeps it.
 *
 * Specifications (bulla.yaml, `root_key`): file:PATH | passphrase:file:PATH | passphrase:env:NAME | passphrase:prompt |
 * fd:N. A root key file is one line "bulla-root-key-1 <64 hex digits> <8 hex digits of SHA-256 over the key>"; lines that
 * begin with # are comments. It must be a regular file of mode 0600 or 0400 owned by the user or root. The escrow that
 * `init` writes has the same form, so that it can be named as `file:` in an emergency.
 */
#ifndef ROOTKEY_ROOTKEY_H
#define ROOTKEY_ROOTKEY_H

#include "base/buf.h"
#include "base/secret.h"

/* A new root key for `spec`: for file: a random one, written durably with mode 0600 (EXISTS when the file is there); for
 * passphrase: derived with a fresh salt (Argon2id, 64 MiB, t=3, p=1), nothing written; for fd: read. `ret_note` receives
 * what the store must keep to make it again (bulla_engine_init). `base_dir` is where relative paths start. */
BULLA_MUST bulla_code bulla_root_key_create(const char *spec, const char *base_dir, bulla_secret *ret_key, bulla_buf *ret_note,
					    bulla_error *err);

/* The root key of an existing store. `note` is what the store kept. CONFIG for an unknown specification, PERMISSION for an
 * open mode or a foreign owner, FORMAT for a damaged file, NOT_FOUND, USAGE for a prompt without a terminal. Whether it is the
 * right key is told by the engine's canary. */
BULLA_MUST bulla_code bulla_root_key_load(const char *spec, const char *base_dir, bulla_bytes note, bulla_secret *ret_key,
					  bulla_error *err);

/* Writes `key` in the file form with `comment` lines (each starting with #) before it, mode 0600, durable; EXISTS. */
BULLA_MUST bulla_code bulla_root_key_write(const char *path, const bulla_secret *key, const char *comment, bulla_error *err);

#endif
