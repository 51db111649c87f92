/*
 * field.h - the native format of one encrypted field (docs/FORMAT.md, "Field").
 *
 *     0x01   1 header, 12 nonce, n ciphertext, 16 tag   AES-256-GCM, the record's own data key: 29 bytes over the value
 *     0x02   1 header, 24 nonce, n ciphertext, 16 tag   XAES-256-GCM, a data key of many rows: 41 bytes
 *
 * Byte 0 and all names are in the associated data, the nonce is the cipher's, the rest is ciphertext or tag.
 */
#ifndef FORMAT_FIELD_H
#define FORMAT_FIELD_H

#include "base/buf.h"
#include "crypto/aead.h"

#define BULLA_FIELD_RECORD       0x01 /* version in bits 0-5 */
#define BULLA_FIELD_SHARED       0x02
#define BULLA_FIELD_VERSION_MASK 0x3f
#define BULLA_FIELD_NULL         0x40 /* sealed NULL: the value is empty */
#define BULLA_FIELD_PADDED       0x80 /* ISO/IEC 7816-4 padding inside */

/* Bytes over the (padded) value for a version; 0 for an unknown one. */
size_t bulla_field_overhead(uint8_t version);

/* The value's length after padding to `block` (0: none): always at least one byte longer with padding. */
size_t bulla_field_padded_size(size_t len, uint32_t block);
/* The length before the padding (80 00*), found in constant time; SIZE_MAX when there is none. */
size_t bulla_field_unpadded_size(const uint8_t *data, size_t len);

/* Appends the constant start of the associated data: "bulla field v1" 00, header, then u16-prefixed model, field and type. The
 * header is a place to be filled: bulla_field_label_set(). The canonical context follows it. */
#define BULLA_FIELD_LABEL_HEADER 15 /* offset of the header byte */
BULLA_MUST bulla_code bulla_field_label(bulla_bytes model, bulla_bytes field, const char *type, bulla_buf *out, bulla_error *err);

/* Seals `plain` (already padded where `header` says so) into `out`, which has room for overhead + plain.len bytes. `associated`
 * starts with a label whose header byte equals `header`. */
BULLA_MUST bulla_code bulla_field_seal(bulla_lane *lane, const uint8_t key[static BULLA_KEY_SIZE], uint8_t header,
				       bulla_bytes associated, bulla_bytes plain, uint8_t *out, bulla_error *err);

/* Checks the header: its version must be `version`; unknown bits, another version or a sealed NULL with padding are VERSION; too
 * short is FORMAT. */
BULLA_MUST bulla_code bulla_field_header(bulla_bytes sealed, uint8_t version, uint8_t *ret_header, bulla_error *err);

/* Opens into `out` (sealed.len - overhead bytes) and sets the length of the value without padding. AUTH also for bad padding and
 * for a sealed NULL that is not empty. `associated` as for sealing, with the header found in `sealed`. */
BULLA_MUST bulla_code bulla_field_open(bulla_lane *lane, const uint8_t key[static BULLA_KEY_SIZE], bulla_bytes associated,
				       bulla_bytes sealed, uint8_t *out, size_t *ret_len, bulla_error *err);

/* Writes len + padding bytes to `out` (bulla_field_padded_size()). */
void bulla_field_pad(bulla_bytes value, uint32_t block, uint8_t *out);

#endif
