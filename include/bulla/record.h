/*
 * record.h - one record: a data key and the fields it seals.
 *
 * A record belongs to one thread at a time. Its data key is wiped when it is freed.
 */
#ifndef BULLA_RECORD_H
#define BULLA_RECORD_H

#include <bulla/keyring.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bulla_record bulla_record;

/* A record with a fresh data key, wrapped before it is used. `inputs` names the columns of bulla_model_input() and their stored
 * text values; order is free, all must be there
 * and none can be SQL NULL (USAGE names a missing one). */
BULLA_API BULLA_MUST bulla_code bulla_record_new(bulla_keyring *keyring, const bulla_model *model, const bulla_pair *inputs,
						 size_t n, bulla_record **out, bulla_error *err);

/* A record whose wrapped keys are stored already: bulla_model_keys() of them in the model's order, data NULL where the row has
 * none. UNKNOWN_KEY, CONTEXT, AUTH, KEY_DESTROYED, DENIED, UNAVAILABLE ... */
BULLA_API BULLA_MUST bulla_code bulla_record_open(bulla_keyring *keyring, const bulla_model *model, const bulla_pair *inputs,
						  size_t n, const bulla_bytes *keys, bulla_record **out, bulla_error *err);
BULLA_API void bulla_record_free(bulla_record *record); /* NULL is fine */

/* The wrapped key to store beside the record, as it goes into its column. A view, valid as long as the record. */
BULLA_API bulla_bytes bulla_record_key(const bulla_record *record, size_t position);

/* Appends the ciphertext of one field. A NULL value appends nothing unless the field seals NULL: store SQL NULL. TYPE, ENCODING,
 * TOO_LARGE. A new record must seal each field once before bulla_record_complete() is true. */
BULLA_API BULLA_MUST bulla_code bulla_record_seal(bulla_record *record, size_t field, const bulla_value *value, bulla_buf *out,
						  bulla_error *err);

/* Appends the blind index of one value, to be written beside its ciphertext into the field's index column: USAGE when the field has none, or for NULL
 * (then store SQL NULL). */
BULLA_API BULLA_MUST bulla_code bulla_record_index(bulla_record *record, size_t field, const bulla_value *value, bulla_buf *out,
						   bulla_error *err);

/* The same for the index that is being replaced, while the schema names one (index: previous): write and search both. USAGE when it names
 * none. */
BULLA_API BULLA_MUST bulla_code bulla_record_previous_index(bulla_record *record, size_t field, const bulla_value *value,
							    bulla_buf *out, bulla_error *err);

/* PARTIAL_RECORD while a new record has fields that were not sealed: do not write such a row. */
BULLA_API BULLA_MUST bulla_code bulla_record_complete(const bulla_record *record, bulla_error *err);

/* Opens one field. `ciphertext.data` NULL opens to NULL. The value's bytes view `scratch`, which the caller owns and which is
 * cleared first. */
BULLA_API BULLA_MUST bulla_code bulla_record_unseal(bulla_record *record, size_t field, bulla_bytes ciphertext,
						    bulla_buf *scratch, bulla_value *ret, bulla_error *err);

#ifdef __cplusplus
}
#endif
#endif
