/*
 * inside.h - what an engine holds, for the files of this room.
 *
 * Two locks. `change` is held by whoever reloads the image or changes the store, `lock` for the moment in which the image's pointer
 * or the list of spare desks is touched. A call holds neither while it works.
 */
#ifndef KMS_INSIDE_H
#define KMS_INSIDE_H

#include "kms/caller.h"
#include "kms/journal.h"
#include "kms/snapshot.h"

#include <pthread.h>

#define BULLA_PRINCIPAL_MAX 256 /* bytes with the NUL */

/* What one call works with; kept, so that the next allocates nothing. One thread at a time. */
typedef struct bulla_desk {
	struct bulla_desk *next;
	bulla_lane *lane;
	bulla_kms_journal journal;
	bulla_buf scratch; /* public */
	bulla_buf plain;   /* RE_ENCRYPT: between the two keys */
} bulla_desk;

/* How many decryptions a principal has made in the window that is running. */
typedef struct bulla_budget {
	char name[BULLA_PRINCIPAL_NAME_MAX + 1];
	int64_t since_us;
	uint32_t spent;
} bulla_budget;

struct bulla_engine {
	bulla_kms_store store;
	bulla_audit_sink audit;
	bulla_clock clock;
	const bulla_backend *backend;
	char principal[BULLA_PRINCIPAL_MAX];
	char account[BULLA_ACCOUNT_SIZE + 1];
	char region[BULLA_REGION_MAX + 1];
	bulla_realm home; /* views of the two above */
	bulla_pool *pool;

	pthread_mutex_t change;
	bulla_root root;  /* under `change` */
	bulla_lane *lane; /* under `change` */

	pthread_mutex_t lock;
	bulla_snapshot *snapshot; /* under `lock` */
	bulla_desk *desks;        /* under `lock` */
	bulla_budget *budgets;    /* under `lock` */
	size_t budget_count;      /* under `lock` */
};

/* USAGE in a child of the process that opened the engine, where its keys are not there. First thing in every call. */
BULLA_MUST bulla_code bulla_engine_check(const bulla_engine *engine, bulla_error *err);

/* bulla_engine_acquire() for who holds `change`. */
BULLA_MUST bulla_code bulla_engine_acquire_locked(bulla_engine *engine, bulla_snapshot **ret, bulla_error *err);

int64_t bulla_engine_now(const bulla_engine *engine);

BULLA_MUST bulla_code bulla_desk_take(bulla_engine *engine, bulla_desk **ret, bulla_error *err);
void bulla_desk_give(bulla_engine *engine, bulla_desk *desk);

/* An event of this engine that lacks only what happened. `request_id` must live as long as it. */
bulla_event bulla_engine_event(const bulla_engine *engine, const char *operation, const char *request_id, uint64_t generation,
			       int64_t now_us);

/* Says in the event on whose behalf it is made; nothing without a caller. `origin` must live as long as the event. */
void bulla_event_call(bulla_event *event, const bulla_caller *caller_or_null, const bulla_snapshot *now, const bulla_realm *home,
		      bulla_event_origin *origin);
/* Says that it was refused, and why. The text of `err` must live as long as the event. */
void bulla_event_fail(bulla_event *event, const bulla_caller *caller_or_null, bulla_event_origin *origin, bulla_code code,
		      const bulla_error *err);

/* kms/budget.c: counts one decryption by the caller. DENIED where its principal has used up what it may in this window. Nothing without a
 * caller or a budget. */
BULLA_MUST bulla_code bulla_budget_spend(bulla_engine *engine, const bulla_snapshot *now, const bulla_caller *caller,
					 int64_t now_us, bulla_error *err);

/* Appends what the journal holds and moves the store's head: what was called is on record when this returns. */
BULLA_MUST bulla_code bulla_engine_publish(bulla_engine *engine, bulla_kms_journal *journal, uint64_t generation,
					   bulla_error *err);

/* KEY_DISABLED or KEY_PENDING unless the key is enabled. */
BULLA_MUST bulla_code bulla_key_must_be_enabled(const bulla_key *key, bulla_error *err);
/* The same, and KEY_CLOSING where it is closed. */
BULLA_MUST bulla_code bulla_key_must_seal(const bulla_key *key, bulla_error *err);
BULLA_MUST bulla_code bulla_key_must_not_be_pending(const bulla_key *key, bulla_error *err);

/* A key id that names nothing, for the record: cut to a bounded length. */
bulla_bytes bulla_key_id_asked(bulla_bytes key_id);

#endif
