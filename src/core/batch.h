/*
 * batch.h - the inside of a batch: a model's layout, workers with their lanes, and the phases of its op.
 *
 * An op of a batch goes: prepare (which keys do these rows need?), resolve (branch, index and shared keys), direct (data keys that a KMS wraps
 * itself), work (cryptography of the rows, on all workers).
 */
#ifndef CORE_BATCH_H
#define CORE_BATCH_H

#include "core/direct.h"
#include "core/layout.h"
#include "core/resolve.h"
#include "core/space.h"

#include <bulla/batch.h>

/* What one thread needs for its rows. */
typedef struct bulla_worker {
	struct bulla_batch *batch;
	bulla_lane *lane;
	bulla_space space;
	bulla_row_context *contexts; /* one for each plan of the layout */
	bulla_secret *keys;          /* one for each key of the model, in the keyring's pool; wiped after each row */
	bulla_buf associated;
	bulla_buf scratch;
} bulla_worker;

typedef enum bulla_verb {
	BULLA_VERB_SEAL = 1,
	BULLA_VERB_OPEN = 2,
	BULLA_VERB_REWRAP = 3,
	BULLA_VERB_INDEX = 4,
} bulla_verb;

/* Where a key of a row comes from. */
typedef enum bulla_source_kind {
	BULLA_SOURCE_NONE = 0,   /* not needed */
	BULLA_SOURCE_BRANCH = 1, /* number: a want, the branch key */
	BULLA_SOURCE_SHARED = 2, /* number: a want, the data key itself */
	BULLA_SOURCE_DIRECT = 3, /* number: a direct key */
	BULLA_SOURCE_AGAIN = 4   /* number: a direct key that is wrapped again unseen */
} bulla_source_kind;

typedef struct bulla_source {
	bulla_source_kind kind;
	uint32_t number;
} bulla_source;

struct bulla_batch {
	bulla_op op;
	bulla_keyring *keyring;
	bulla_layout layout;
	bulla_batch_options options;
	bulla_worker *workers;
	unsigned worker_count;
	unsigned generation;     /* of the pool: what the workers' keys were taken in */
	struct bulla_crew *crew; /* threads beside the caller's; NULL with one worker */
	bulla_resolver *resolver;
	bulla_direct *direct;
	/* of the call under way */
	bulla_verb verb;
	int phase;
	bool clean; /* nothing is held since the last call */
	bulla_row *rows;
	size_t n;
	bulla_source *sources; /* n * key_count: where a row's key comes from (data_key: none: n * field_count) */
	bulla_source *targets; /* rewrap: what it is to hang from */
	size_t source_cap;
	uint32_t *index_wants; /* two for each field, its index and the one before: of each row with a scope, else once */
	size_t index_cap;
	bool scoped;
	bool constant_branch;     /* the branch key's name has no column in it */
	bulla_source last_branch; /* memos of prepare: the constant branch, and the version that the last row named */
	bulla_source last_version;
	uint64_t last_reference;
	bool keys_only; /* a single record: leave its keys and contexts in the first worker */
	/* VERB_INDEX */
	const bulla_field *index_field;
	const bulla_bytes *index_inputs;
	const bulla_value *index_value;
	bulla_buf *index_out;
	/* a list of spare ones, in the keyring */
	struct bulla_batch *next;
};

#define BULLA_NO_WANT UINT32_MAX

/* Fills sources, targets and index_wants, adding wants and directs (core/prepare.c). Failures of rows are in the rows. */
BULLA_MUST bulla_code bulla_batch_prepare(bulla_batch *batch, bulla_error *err);

/* The cryptography of row `i`, by one worker (core/work.c). Failures are in the row. */
void bulla_work_seal(bulla_worker *worker, size_t i);
void bulla_work_open(bulla_worker *worker, size_t i);
void bulla_work_rewrap(bulla_worker *worker, size_t i);

/* Pieces that a single record uses too. */
BULLA_MUST bulla_code bulla_work_contexts(bulla_worker *worker, const bulla_bytes *inputs, bulla_error *err);
BULLA_MUST bulla_code bulla_work_seal_value(bulla_worker *worker, size_t field, const uint8_t key[static BULLA_KEY_SIZE],
					    const bulla_value *value, bulla_bytes *ret, bulla_error *err);
BULLA_MUST bulla_code bulla_work_open_value(bulla_worker *worker, size_t field, const uint8_t key[static BULLA_KEY_SIZE],
					    bulla_bytes sealed, bulla_value *ret, bulla_error *err);
/* Sets cell->index of a cell of row `i` whose field has one, and cell->previous_index. */
BULLA_MUST bulla_code bulla_work_index(bulla_worker *worker, size_t i, bulla_cell *cell);
/* Makes or opens key `k` of row `i` into worker->keys[k], and for sealing sets row->keys[k]. */
BULLA_MUST bulla_code bulla_work_seal_key(bulla_worker *worker, size_t i, size_t k, bulla_error *err);
BULLA_MUST bulla_code bulla_work_open_key(bulla_worker *worker, size_t i, size_t k, bulla_error *err);

/* data_key: none. The KMS seals each value itself, as a box whose context has the row's and the field's names (core/boxed.c). */
BULLA_MUST bulla_code bulla_boxed_prepare(bulla_batch *batch, size_t i, bulla_error *err);
void bulla_boxed_seal(bulla_worker *worker, size_t i);
void bulla_boxed_open(bulla_worker *worker, size_t i);
static inline bool bulla_batch_is_boxed(const bulla_batch *batch)
{
	return batch->layout.model->data_key == BULLA_DATA_KEY_NONE;
}

/* Runs `row(worker, i)` for all rows of the call, on all workers. */
void bulla_crew_run(bulla_batch *batch, void (*row)(bulla_worker *worker, size_t i));
BULLA_MUST bulla_code bulla_crew_new(bulla_batch *batch, struct bulla_crew **out, bulla_error *err);
void bulla_crew_free(struct bulla_crew *crew); /* NULL is fine */

/* One record without cells: makes (`fresh`) or opens its keys, and leaves them with their contexts in batch->workers[0] until the batch is used
 * again. */
BULLA_MUST bulla_code bulla_batch_record_op(bulla_batch *batch, bulla_row *row, bool fresh, bulla_op **ret, bulla_error *err);

/* A batch of one worker from the keyring's spare ones, or a new one; and back again, wiped. */
BULLA_MUST bulla_code bulla_batch_borrow(bulla_keyring *keyring, const bulla_model *model, bulla_batch **out, bulla_error *err);
void bulla_batch_return(bulla_batch *batch); /* NULL is fine */

/* The spare workbenches that finished records left in the keyring: wiped of the last keys that they used, or freed. */
void bulla_batch_forget_spare(bulla_keyring *keyring);
void bulla_batch_free_spare(bulla_keyring *keyring);

/* True in a child of the process in which the batch was last begun: its keys are not there. */
bool bulla_batch_is_inherited(const bulla_batch *batch);

#endif
