/*
 * change.h - changing the store: plan against the current image, record, write; again when another process was first.
 */
#ifndef KMS_CHANGE_H
#define KMS_CHANGE_H

#include "kms/authorize.h"
#include "kms/draft.h"
#include "kms/inside.h"

#define BULLA_CHANGE_TRIES  32  /* times that another process may be first */
#define BULLA_DETAIL_MAX    512 /* bytes of an event's detail that the engine writes, with the NUL */
#define BULLA_ALIAS_ARN_MAX (BULLA_ARN_MAX + BULLA_ALIAS_NAME_MAX)
#define BULLA_ACTION_MAX    64 /* bytes of "kms:" and an operation, with the NUL */

/* One try. A planner reads the first group and fills the second. */
typedef struct bulla_change {
	bulla_engine *engine;
	const bulla_snapshot *now;
	int64_t now_us;
	bulla_lane *lane;

	const bulla_caller *caller; /* NULL: this process itself */
	bulla_question
		question; /* what the caller must be permitted; action: "kms:" and the operation, unless the planner says else */
	const bulla_key *other_key;          /* a second key for which the same must be permitted; NULL */
	char alias_arn[BULLA_ALIAS_ARN_MAX]; /* an alias likewise; empty: none */

	bulla_event event; /* operation may be replaced; key, material, detail point into the members below */
	bulla_event_origin origin;
	char action[BULLA_ACTION_MAX];
	char arn[BULLA_ARN_MAX];
	uint8_t material[BULLA_MATERIAL_ID_SIZE];
	char detail[BULLA_DETAIL_MAX];
	bulla_draft draft;
	const bulla_root *root;     /* what rows are sealed under: the engine's, or the one below */
	bulla_root *next_root;      /* taken over by the engine on success */
	uint8_t made_by;            /* of material that is drafted; 0: BULLA_KEY_ORIGIN_ENGINE */
	bulla_bytes material_drawn; /* of a key that is made: drawn ahead; empty: whatever is drafted is drawn then */
	bool idle;                  /* there is nothing to do: no record, no change */
	bool adopts;                /* the log's head counts even when it is shorter than the store's ... */
	uint64_t logged;            /* ... and the generation goes beyond this one */
} bulla_change;

/* Fails where the operation is refused: the refusal is recorded under the event as far as it was filled. */
typedef bulla_code (*bulla_planner)(void *self, bulla_change *change, bulla_error *err);

/* The event is durable before the store changes. When the store then refuses, a second event with the same request id says so. What the
 * planner has planned is carried out only if the caller is permitted the planner's question. */
BULLA_MUST bulla_code bulla_engine_change(bulla_engine *engine, const bulla_caller *caller_or_null, const char *operation,
					  bulla_planner planner, void *self, bulla_error *err);

/* The key that `key_id` names, noted in the event; permission is asked for it. */
BULLA_MUST bulla_code bulla_change_key(bulla_change *change, bulla_bytes key_id, const bulla_key **ret, bulla_error *err);
void bulla_change_take_key(bulla_change *change, const bulla_key *key);
void bulla_change_note_key(bulla_change *change, const char *arn, const uint8_t *material_or_null);
void bulla_change_note(bulla_change *change, const char *format, ...) BULLA_PRINTF(2, 3);

/* Drafts `data` as the new row of the key. */
BULLA_MUST bulla_code bulla_change_put_key(bulla_change *change, const uint8_t uuid[static BULLA_UUID_SIZE],
					   const bulla_key_data *data, bulla_error *err);
/* Drafts new material for the key and makes it `data`'s current one. */
BULLA_MUST bulla_code bulla_change_put_material(bulla_change *change, const uint8_t uuid[static BULLA_UUID_SIZE],
						bulla_key_data *data, bulla_error *err);

#endif
