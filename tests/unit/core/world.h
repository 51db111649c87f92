/*
 * world.h - what a keyring stands on, made of doubles: KMS keys that can be told to fail, a store of branch keys, a clock.
 *
 * Key ids are fake/TRANSPORT/NAME, TRANSPORT being `http` (a recorded exchange), `call` (a blocking call), `now` (no I/O) or `again` (likewise, of a service that re-encrypts), with
 * /encrypt behind it for a key that can only encrypt; loose/NAME is a service that binds no encryption context.
 */
#ifndef TEST_CORE_WORLD_H
#define TEST_CORE_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/context.h"
#include "core/batch.h"
#include "core/branch.h"
#include "core/session.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* One KMS key. Made when a session with it is opened, or by fake_kms(). */
typedef struct fake_kms {
	char name[32];
	atomic_int fails;        /* a bulla_code: every question is answered with it */
	atomic_int fails_items;  /* a bulla_code for each item instead */
	atomic_bool unreachable; /* http: no connection at all */
	atomic_bool lies;        /* unwraps to another key */
	atomic_bool closed;      /* wraps nothing new, and says so when it unwraps */
	atomic_size_t questions, items, most_items, unwraps;
	uint8_t key[32];
	uint64_t reference;
} fake_kms;

fake_kms *fake_kms_named(const char *name);
void fake_kms_reset(void); /* every key answers again, counts begin at 0 */
void fake_serve_http(bulla_http *http);
int fake_exchanges(void); /* questions that were neither answered nor abandoned */
const bulla_provider *fake_provider_find(bulla_bytes key_id);

/* A stored row of the branch store; owned. */
typedef struct fake_row {
	bulla_buf identity, print, wrapped;
	uint64_t version;
	bulla_branch_state state;
	int64_t created_us;
} fake_row;

typedef struct world {
	bulla_schema *schema;
	bulla_backend *backend; /* $BULLA_CRYPTO, else OpenSSL */
	bulla_keyring *keyring;
	bulla_branch_store branches;
	fake_row rows[4096];
	size_t row_count;
	pthread_mutex_t lock;
	atomic_size_t loads, creates;
	atomic_int store_fails;                     /* a bulla_code: the next call of the store fails with it, once */
	atomic_bool forgets;                        /* `create` says that it has written, and has not */
	void (*before_create)(struct world *world); /* another process, just before ours */
	atomic_llong now_us;
	char notes[64][160]; /* what was reported: "use print version count purpose", "ask key outcome" */
	atomic_size_t note_count;
	atomic_size_t http, calls, waits; /* needs that were satisfied */
} world;

/* A keyring from the YAML text. With `branches` false the environment has no store. */
world *world_open(const char *yaml, bool branches);
/* A second process on the same store: its own keyring and cache, sharing rows of `other`. */
world *world_beside(world *other, const char *yaml);
void world_free(world *world);

/* Satisfies one need. */
void world_satisfy(world *world, const bulla_need *need);
/* Steps to the end. */
bulla_code world_drive(world *world, bulla_op *op, bulla_error *err);

const bulla_model *world_model(const world *world, const char *key);
fake_row *world_row(world *world, const char *print); /* the newest with that print; NULL when there is none */
size_t world_notes_with(const world *world, const char *text);

/* --- rows for a batch ------------------------------------------------------------------------------------------ */

/* `n` rows of a model with their cells, inputs and keys in one block of memory. */
typedef struct row_set {
	const bulla_model *model;
	size_t n;
	bulla_row *row;
	bulla_bytes *inputs;
	bulla_bytes *keys;
	bulla_cell *cells;
	char *ids;
	bulla_buf held; /* copies of what a batch gave, by rows_hold() */
} row_set;

/* Ids are first, first + 1 ...: input 0 is the id in decimal, further inputs are "x". Every cell holds a text "value ID FIELD". */
void rows_init(row_set *rows, const bulla_model *model, size_t n, unsigned first);
void rows_done(row_set *rows);
/* Copies keys, ciphertexts and indexes out of the batch, so that they stay when it is used again; clears values and codes. */
void rows_hold(row_set *rows);
bulla_cell *rows_cell(row_set *rows, size_t row, size_t field);
/* Every value is what rows_init() put there. */
void rows_check(const row_set *rows);
void rows_all(const row_set *rows, bulla_code code); /* each row has that code */

bulla_batch *batch_of(world *world, const char *model, const bulla_batch_options *options);
bulla_code batch_seal(world *world, bulla_batch *batch, row_set *rows, bulla_error *err);
bulla_code batch_open(world *world, bulla_batch *batch, row_set *rows, bulla_error *err);
bulla_code batch_rewrap(world *world, bulla_batch *batch, row_set *rows, bulla_error *err);

#endif
