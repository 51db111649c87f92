/*
 * batch.h - many records of one model, sealed or opened in one call.
 *
 * The caller owns the rows; what a batch puts into them is a view into the batch, valid until its next call or until it is
 * freed, and wiped then. A batch belongs to one thread at a time: make one per worker. It may use threads of its own.
 */
#ifndef BULLA_BATCH_H
#define BULLA_BATCH_H

#include <bulla/keyring.h>
#include <bulla/op.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bulla_batch bulla_batch;

/* One field of one record. */
typedef struct bulla_cell {
	size_t field;           /* position in the model */
	bulla_value value;      /* seal: in. open: out */
	bulla_bytes ciphertext; /* seal: out, as it goes into the column (base64 applied); data NULL is SQL NULL. open: in */
	bulla_bytes index; /* out: the blind index where the field has one and the options ask for it; data NULL is SQL NULL */
	bulla_bytes
		previous_index; /* out: likewise the index that is being replaced, where the schema names one (index: previous) */
	bulla_code code;        /* BULLA_OK when this cell is */
} bulla_cell;

/* One record. */
typedef struct bulla_row {
	const bulla_bytes
		*inputs; /* bulla_model_inputs() values in the model's order, in stored text form (integers in decimal) */
	bulla_cell *cells;
	size_t cell_count;
	bulla_bytes *keys; /* bulla_model_keys() wrapped keys. open, rewrap: in. seal, rewrap: out. data NULL is SQL NULL */
	bulla_code code;   /* the first failure of the row or of its cells */
	size_t part; /* ERR_CONTEXT: 1 + position of the context part that appears to differ; 0 where unknown. KEY_DESTROYED:
			BULLA_PART_TOMBSTONE where the branch key was destroyed on purpose, which shredded the record; else 0 */
} bulla_row;

#define BULLA_PART_TOMBSTONE 1

typedef struct bulla_batch_options {
	size_t size;       /* sizeof(bulla_batch_options) */
	unsigned threads;  /* 1..64; 0 means 1: the calling thread alone */
	bool no_indexes;   /* do not compute blind indexes while sealing */
	bool open_indexes; /* compute them while opening too, to compare with those stored */
	bool partial;     /* seal some fields of a record under the key that row->keys brings, instead of all under a fresh one */
	int64_t since_us; /* seal, rewrap: a branch key whose newest version was made before this (microseconds since 1970) gets a
	                   * newer version first; 0: never */
	bool since_shared; /* the same for the data keys of data_key: field | table */
} bulla_batch_options;

/* `options` may be NULL. */
BULLA_API BULLA_MUST bulla_code bulla_batch_new(bulla_keyring *keyring, const bulla_model *model,
						const bulla_batch_options *options, bulla_batch **out, bulla_error *err);
BULLA_API void bulla_batch_free(bulla_batch *batch); /* wipes; NULL is fine */

/* Seals every row under a fresh data key (data_key: record) or the current one (field, table). A row brings every field of its
 * model: ERR_PARTIAL_RECORD otherwise. A NULL value gives a NULL ciphertext unless the field seals NULL. A failure of one row is
 * in row->code and leaves the others alone; the call itself fails only where no row can be sealed (KMS, store, memory). */
BULLA_API BULLA_MUST bulla_code bulla_batch_seal(bulla_batch *batch, bulla_row *rows, size_t n, bulla_error *err);

/* Opens every cell that the rows bring. Per row and cell: AUTH, CONTEXT, UNKNOWN_KEY, KEY_DESTROYED, FORMAT, VERSION, TYPE. A
 * cell with a NULL ciphertext opens to NULL. */
BULLA_API BULLA_MUST bulla_code bulla_batch_open(bulla_batch *batch, bulla_row *rows, size_t n, bulla_error *err);

/* Wraps each row's keys again under the current keys; where the KMS can do that by itself, no data key leaves it. Commitment and checks
 * stay, so ciphertexts stay valid; row->keys then view the new ones. A key that has just the current wraps stays the view that it was. */
BULLA_API BULLA_MUST bulla_code bulla_batch_rewrap(bulla_batch *batch, bulla_row *rows, size_t n, bulla_error *err);

/* Appends the blind index of one value, for searching. `inputs` may be NULL where the index has no scope. */
BULLA_API BULLA_MUST bulla_code bulla_batch_index(bulla_batch *batch, size_t field, const bulla_bytes *inputs,
						  const bulla_value *value, bulla_buf *out, bulla_error *err);

/* The same of the index that is being replaced: search for both while the schema names one. USAGE when it names none. */
BULLA_API BULLA_MUST bulla_code bulla_batch_previous_index(bulla_batch *batch, size_t field, const bulla_bytes *inputs,
							   const bulla_value *value, bulla_buf *out, bulla_error *err);

/* What a row's code says in one line, for messages ("the encryption context differs in model_id: was this row copied?"). */
BULLA_API bulla_code bulla_row_explain(const bulla_batch *batch, const bulla_row *row, bulla_error *err);

/* The same without I/O, for hosts that drive the op themselves. The op belongs to the batch; begin one at a time. */
BULLA_API BULLA_MUST bulla_code bulla_batch_seal_op(bulla_batch *batch, bulla_row *rows, size_t n, bulla_op **ret,
						    bulla_error *err);
BULLA_API BULLA_MUST bulla_code bulla_batch_open_op(bulla_batch *batch, bulla_row *rows, size_t n, bulla_op **ret,
						    bulla_error *err);
BULLA_API BULLA_MUST bulla_code bulla_batch_rewrap_op(bulla_batch *batch, bulla_row *rows, size_t n, bulla_op **ret,
						      bulla_error *err);
BULLA_API BULLA_MUST bulla_code bulla_batch_index_op(bulla_batch *batch, size_t field, const bulla_bytes *inputs,
						     const bulla_value *value, bulla_buf *out, bulla_op **ret, bulla_error *err);
BULLA_API BULLA_MUST bulla_code bulla_batch_previous_index_op(bulla_batch *batch, size_t field, const bulla_bytes *inputs,
							      const bulla_value *value, bulla_buf *out, bulla_op **ret,
							      bulla_error *err);

#ifdef __cplusplus
}
#endif
#endif
