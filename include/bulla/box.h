/*
 * box.h - a small secret outside any table (at most 4096 bytes), sealed by the KMS itself with an encryption context.
 */
#ifndef BULLA_BOX_H
#define BULLA_BOX_H

#include <bulla/keyring.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BULLA_BOX_MAX 4096

/* Appends the box: binary (docs/FORMAT.md, "Box"), or with `text` one line "b1:" + base64. `key_id` NULL means the environment's
 * keys, all of which wrap. A service that binds no context is REFUSED. */
BULLA_API BULLA_MUST bulla_code bulla_box_seal(bulla_keyring *keyring, const char *key_id, const bulla_pair *context, size_t n,
					       bulla_bytes plain, bool text, bulla_buf *out, bulla_error *err);

/* Appends what the box holds; takes both forms. CONTEXT names the part that appears to differ. */
BULLA_API BULLA_MUST bulla_code bulla_box_open(bulla_keyring *keyring, const bulla_pair *context, size_t n, bulla_bytes box,
					       bulla_buf *out, bulla_error *err);

#ifdef __cplusplus
}
#endif
#endif
