/*
 * rotate_wrap.c - which rows are under older keys, told from the wrapped keys alone; and new wraps for those that are.
 */
#include "db/rotate.h"

#include "core/keyring.h"

#include <stdlib.h>

/* --- one wrapped key ----------------------------------------------------------------------------------------------- */

typedef enum standing { FINE, OLD, CLOSING, SHREDDED } standing;

/* The newest version of the branch that a row hangs from. */
typedef struct newest {
	bool found;
	uint64_t version;
	int64_t created_us;
	bulla_branch_state state;
} newest;

/* The same wraps, in whatever order. */
static bool has_wraps(const bulla_wrapped_key *key, const bulla_wrapped_key *wanted)
{
	size_t found = 0;
	for (size_t i = 0; i < key->wrap_count; i++)
		for (size_t j = 0; j < wanted->wrap_count; j++)
			if (key->wraps[i].kind == wanted->wraps[j].kind &&
			    key->wraps[i].reference == wanted->wraps[j].reference) {
				found++;
				break;
			}
	return found == key->wrap_count && key->wrap_count == wanted->wrap_count;
}

/* A key, or a box, beside what a record sealed now has. Bytes that are none of ours are worked on, which finds out why. */
static standing compare(const bulla_rotate *a, bulla_bytes stored, const bulla_buf *current)
{
	bulla_wrapped_key key, wanted;
	if (!stored.data) return FINE;
	if (!current->len || bulla_wrapped_key_parse(stored, &key, NULL)) return OLD;
	if (bulla_wrapped_key_parse(bulla_view_buf(current), &wanted, NULL)) return OLD;
	bool other_key = bulla_rotate_is_shared(a->from) && a->rotation.kind == BULLA_ROTATE_DATA &&
			 !bulla_bytes_equal(key.commitment, wanted.commitment);
	return !other_key && has_wraps(&key, &wanted) ? FINE : OLD;
}

static standing compare_branch(const bulla_rotate *a, bulla_bytes stored, const newest *branch)
{
	bulla_wrapped_key key;
	if (!stored.data) return FINE;
	if (branch->found && branch->state == BULLA_BRANCH_DESTROYED) return SHREDDED;
	bool current = branch->found && branch->created_us >= a->rotation.since_us &&
		       !bulla_wrapped_key_parse(stored, &key, NULL) && key.wrap_count == 1 &&
		       key.wraps[0].kind == BULLA_WRAP_BRANCH && key.wraps[0].reference == branch->version;
	if (current) return FINE;
	return branch->found && branch->state == BULLA_BRANCH_CLOSING ? CLOSING : OLD;
}

/* --- one page ------------------------------------------------------------------------------------------------------ */

static bulla_code take_newest(void *self, size_t index, const bulla_branch_row *row, bulla_error *err)
{
	newest *list = self;
	(void)err;
	list[index] = (newest){ true, row->version, row->created_us, row->state };
	return BULLA_OK;
}

/* Branches that differ from row to row: all of a page in one query. A row whose branch has no name is worked on, and fails there. */
static bulla_code find_newest(bulla_rotate_slot *slot, newest *list, bulla_bytes *identities, bulla_error *err)
{
	const bulla_rotate *a = slot->rotate;
	const bulla_branch_store *store = bulla_keyring_branches(a->run.job->keyring);
	bulla_buf_clear(&slot->identities);
	for (size_t i = 0; i < slot->page.n; i++) { /* the buffer moves while it grows: only lengths are known yet */
		size_t start = slot->identities.len;
		if (bulla_layout_branch(&a->layout, slot->page.rows[i].inputs, &slot->identities, NULL))
			slot->identities.len = start;
		identities[i].len = slot->identities.len - start;
	}
	for (size_t i = 0, start = 0; i < slot->page.n; start += identities[i++].len)
		identities[i].data = slot->identities.data + start;
	return store ? store->current(store->self, identities, slot->page.n, take_newest, list, err) : BULLA_OK;
}

static standing judge_row(const bulla_rotate *a, const bulla_row *row, const newest *branch)
{
	standing worst = FINE;
	for (size_t k = 0; k < a->from->key_count; k++) {
		bool own = !a->probed && bulla_rotate_has_branch(a->from, k);
		standing found = own ? compare_branch(a, row->keys[k], branch) : compare(a, row->keys[k], &a->current[k]);
		if (found > worst) worst = found;
	}
	for (size_t f = 0; a->from->data_key == BULLA_DATA_KEY_NONE && f < row->cell_count; f++) {
		standing found = compare(a, row->cells[f].ciphertext, &a->current[f]);
		if (found > worst) worst = found;
	}
	return worst;
}

static void take(bulla_rotate_slot *slot, size_t row)
{
	slot->work[slot->work_count++] = (bulla_rotate_row){ .at = row, .row = slot->page.rows[row], .of = slot->rotate->from };
}

void bulla_rotate_take_all(bulla_rotate_slot *slot)
{
	for (size_t i = 0; i < slot->page.n; i++)
		take(slot, i);
}

static bool is_empty(const bulla_rotate *a, const bulla_row *row)
{
	for (size_t k = 0; k < a->from->key_count; k++)
		if (row->keys[k].data) return false;
	for (size_t c = 0; c < row->cell_count; c++)
		if (row->cells[c].ciphertext.data) return false;
	return true;
}

void bulla_rotate_take_sealed(bulla_rotate_slot *slot)
{
	for (size_t i = 0; i < slot->page.n; i++)
		if (!is_empty(slot->rotate, &slot->page.rows[i])) take(slot, i);
}

static void count(bulla_rotate_slot *slot, size_t row, standing found)
{
	if (found == OLD) take(slot, row);
	slot->shredded += found == SHREDDED;
	slot->closing += found == CLOSING;
}

/* Rows of different branches. */
static bulla_code judge_each(bulla_rotate_slot *slot, bulla_error *err)
{
	newest *branches = calloc(slot->page.n + 1, sizeof *branches);
	bulla_bytes *identities = calloc(slot->page.n + 1, sizeof *identities);
	bulla_code code = branches && identities ? find_newest(slot, branches, identities, err) : bulla_fail_memory(err);
	for (size_t i = 0; !code && i < slot->page.n; i++)
		count(slot, i, judge_row(slot->rotate, &slot->page.rows[i], &branches[i]));
	free(branches);
	free(identities);
	return code;
}

bulla_code bulla_rotate_judge(bulla_rotate_slot *slot, bulla_error *err)
{
	const bulla_rotate *a = slot->rotate;
	if (!a->probed && a->from->branch.name.text) return judge_each(slot, err);
	for (size_t i = 0; i < slot->page.n; i++)
		count(slot, i, judge_row(a, &slot->page.rows[i], NULL));
	return BULLA_OK;
}

/* --- new wraps ------------------------------------------------------------------------------------------------------ */

/* The batch leaves a key as it is that needs no other wraps. */
static bool is_other(const bulla_rotate_slot *slot, const bulla_rotate_row *work)
{
	const bulla_rotate *a = slot->rotate;
	const bulla_value *values = bulla_page_values(&slot->page, work->at);
	for (size_t k = 0; k < a->from->key_count; k++)
		if (work->row.keys[k].data && work->row.keys[k].data != values[a->shape.keys[k]].bytes.data) return true;
	return false;
}

static bulla_code wrap(bulla_rotate_slot *slot, bulla_error *err)
{
	TRY(bulla_rotate_judge(slot, err));
	if (slot->work_count == 0 || slot->rotate->dry) return BULLA_OK;
	for (size_t i = 0; i < slot->work_count; i++) {
		slot->rows[i] = slot->work[i].row;
		slot->rows[i].cell_count = 0;
	}
	TRY(bulla_batch_rewrap(slot->sealer, slot->rows, slot->work_count, err));
	for (size_t i = 0; i < slot->work_count; i++) {
		slot->work[i].row = slot->rows[i];
		slot->work[i].put = !slot->rows[i].code && is_other(slot, &slot->work[i]);
	}
	return BULLA_OK;
}

const bulla_rotate_kind_table bulla_rotate_wrap = { BULLA_SHAPE_KEYS, false, wrap };
