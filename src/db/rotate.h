/*
 * rotate.h - the inside of `rotate`: one run, its passes over the table, and what each kind of rotation does with a page.
 *
 * A pass reads every row, lets threads judge and change the pages, and writes what they changed, each page in one transaction with the
 * checkpoint. A rotation has ended when a whole pass found nothing to do.
 */
#ifndef DB_ROTATE_H
#define DB_ROTATE_H

#include "core/layout.h"
#include "db/census.h"
#include "db/page.h"
#include "db/quarantine.h"
#include "db/rotation.h"
#include "db/run.h"
#include "db/workers.h"

/* One row of a page that has something to be done about. */
typedef struct bulla_rotate_row {
	size_t at;             /* in the page */
	bool put;              /* `row` is to be written; else it is as it should be, or row.code says what is wrong */
	bulla_row row;         /* cells and keys are views into page and batches */
	const bulla_model *of; /* what the row's cells are in the order of: the model that opened it, or that sealed it */
} bulla_rotate_row;

/* A page and those who work on it. */
typedef struct bulla_rotate_slot {
	struct bulla_rotate *rotate;
	bulla_task task;
	bulla_page page;  /* read for the model that opens */
	bulla_page other; /* context: the same rows for the model that seals */
	bulla_batch *opener, *sealer;
	bulla_batch *again; /* context: opens what the opener does not */
	bulla_rotate_row *work;
	bulla_row *rows; /* of one call of a batch */
	size_t *of;      /* each one's place in `work` */
	bulla_cell *cells;
	bulla_bytes *keys;
	size_t work_count;
	uint64_t shredded, closing;
	bulla_census *census; /* of each key column, as the page was read */
	bulla_lane *lane;
	bulla_buf identities;
	bulla_buf position; /* the locator of the last row that was read ... */
	bool row_last;      /* ... which is in the page, not passed over */
} bulla_rotate_slot;

typedef struct bulla_rotate_kind_table {
	unsigned shape; /* BULLA_SHAPE_* of the page */
	bool fields;    /* ciphertexts and indexes are written, not only keys */
	bulla_code (*work)(bulla_rotate_slot *slot, bulla_error *err);
} bulla_rotate_kind_table;

typedef struct bulla_rotate {
	bulla_run run;
	const bulla_rotate_options *options;
	bulla_rotate_result *ret;
	bulla_rotation rotation;
	const bulla_rotate_kind_table *kind;
	const bulla_model *from;    /* the model that opens: the job's, but for a new context */
	bulla_mapping from_mapping; /* laid out for it, where it is not the job's */
	const bulla_mapping *mapping;
	bulla_shape shape, other_shape;
	size_t *permuted; /* context: where each column of other_shape lies in shape */
	size_t *fields;
	size_t *origin; /* of each field of the job's model its position in `from` */
	bulla_writer *writer;
	bulla_workers *workers;
	size_t slot_count;
	bulla_rotate_slot *slots;
	bool compare_always; /* triggers of the user may change rows while we write others */
	bool by_list;        /* data keys that no branch tells apart: bulla_rotated does */
	bool dry;            /* count, write nothing */
	/* which keys are current */
	bulla_layout layout;
	bool probed;
	bulla_buf current[BULLA_FIELDS_MAX +
			  1]; /* for each key (data_key: none: field) what a record sealed now has; empty: not known */
	/* of the pass under way */
	bulla_walk *walk;
	bulla_buf from_position;
	bool first; /* the first pass of the rotation */
	bool ended;
	uint64_t listed; /* by_list, later passes: rows whose data key is to go */
	uint64_t walked, total;
	uint64_t changed, conflicts, refused, shredded, closing, unsealed, left;
	bulla_census *census;
} bulla_rotate;

extern const bulla_rotate_kind_table bulla_rotate_wrap, bulla_rotate_data, bulla_rotate_index, bulla_rotate_context;

/* Layout, shape, slots, workers (rotate_pass.c). */
BULLA_MUST bulla_code bulla_rotate_prepare(bulla_rotate *rotate, bulla_error *err);
void bulla_rotate_done(bulla_rotate *rotate);
/* One pass over the table from where rotation.position says. */
BULLA_MUST bulla_code bulla_rotate_pass(bulla_rotate *rotate, bulla_error *err);

/* Before the first row (rotate_begin.c): is it allowed, is it a rotation that goes on, are the new keys there and proven? Takes the lease. */
BULLA_MUST bulla_code bulla_rotate_begin(bulla_rotate *rotate, bulla_error *err);
/* Branch and index keys that hang from other KMS keys than those that wrap now are wrapped by these; and with data_key: field | table the
 * one wrapped key that each row has a copy of (rotate_store.c). */
BULLA_MUST bulla_code bulla_rotate_move_keys(bulla_rotate *rotate, bulla_error *err);
BULLA_MUST bulla_code bulla_rotate_rewrap_shared(bulla_rotate *rotate, bulla_error *err);
/* After the probe: versions of the shared data key that were current before are wrapped by the same keys as the current one. No row needs
 * them, but a KMS key that they hang from cannot be retired. */
BULLA_MUST bulla_code bulla_rotate_move_superseded(bulla_rotate *rotate, bulla_error *err);
/* Seals a record that nobody keeps, opens it, and notes which keys it has. */
BULLA_MUST bulla_code bulla_rotate_probe(bulla_rotate *rotate, bulla_error *err);

/* Writes a page that was worked on, or counts it (rotate_swap.c). */
BULLA_MUST bulla_code bulla_rotate_swap(bulla_rotate_slot *slot, bulla_error *err);

/* Which rows of the page are under other keys than the current ones: fills slot->work, and counts those that can never be
 * (rotate_wrap.c). */
BULLA_MUST bulla_code bulla_rotate_judge(bulla_rotate_slot *slot, bulla_error *err);
/* Takes every row of the page. */
void bulla_rotate_take_all(bulla_rotate_slot *slot);
/* Takes every row that holds something: a ciphertext or a key. */
void bulla_rotate_take_sealed(bulla_rotate_slot *slot);

/* New columns and triggers before the first row; the database's own indexes and, where the schema names older ones no more, their end
 * (rotate_index.c). */
BULLA_MUST bulla_code bulla_rotate_open_windows(bulla_rotate *rotate, bulla_error *err);
BULLA_MUST bulla_code bulla_rotate_close_windows(bulla_rotate *rotate, bulla_error *err);

/* Another schema's model over the same columns: lays it over the table; REFUSED where it is not sure what was meant (rotate_context.c). */
BULLA_MUST bulla_code bulla_rotate_lay_from(bulla_rotate *rotate, bulla_error *err);

/* Opens those of slot->work that `wanted` picks, by one batch, as `page` has them (rotate_data.c); and seals those that opened. */
BULLA_MUST bulla_code bulla_rotate_open(bulla_rotate_slot *slot, bulla_batch *batch, const bulla_page *page,
					bool (*wanted)(const bulla_rotate_row *work), bulla_error *err);
BULLA_MUST bulla_code bulla_rotate_seal(bulla_rotate_slot *slot, const bulla_page *inputs, bulla_error *err);

/* Does key `k` of the model hang from a branch key? */
static inline bool bulla_rotate_has_branch(const bulla_model *model, size_t k)
{
	return model->branch.name.text && !model->keys[k].kms_key;
}

static inline bool bulla_rotate_is_shared(const bulla_model *model)
{
	return model->data_key == BULLA_DATA_KEY_FIELD || model->data_key == BULLA_DATA_KEY_TABLE;
}

/* The commitment in a wrapped key, which names its data key; empty for anything else. */
bulla_bytes bulla_rotate_commitment(bulla_bytes wrapped);

#endif
