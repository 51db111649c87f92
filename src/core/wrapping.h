/*
 * wrapping.h - one wrapped key, or box, being opened or made; and the round of questions that does it for many at once.
 */
#ifndef CORE_WRAPPING_H
#define CORE_WRAPPING_H

#include "core/op.h"
#include "format/wrapped_key.h"

/* Zero it to begin; views given to it must live as long as it does. */
typedef struct bulla_wrapping {
	bulla_wrapped_key parsed; /* opening: what the bytes are. making: what they will be */
	bulla_wrapped_key source; /* making by re-encryption: what the bytes are */
	bulla_bytes context;      /* canonical */
	uint8_t commitment[BULLA_COMMITMENT_SIZE];
	uint8_t checks[2 * BULLA_CHECKS_MAX];
	bulla_buf plain; /* the key, or the content of a box */
	bulla_buf blobs; /* making: one after the other */
	size_t blob_start;
	bulla_buf bytes;     /* making: the finished wrapped key */
	size_t next_session; /* opening: where the search for a session goes on */
	size_t asked_wrap;   /* opening: the wrap that is being asked about */
	bool making;         /* else opening */
	bool again;          /* making: from `source`, by services that release nothing */
	bool tried, settled;
	bool closed;     /* opening: by a key that takes no new wraps */
	bulla_code code; /* why the last try failed */
} bulla_wrapping;

void bulla_wrapping_done(bulla_wrapping *wrapping); /* wipes; leaves it zeroed */

/* --- opening --------------------------------------------------------------------------------------------------- */
BULLA_MUST bulla_code bulla_wrapping_begin_open(bulla_wrapping *w, bulla_bytes bytes, bulla_bytes context, bulla_error *err);
/* Does it hang from a branch key, and from which version? */
bool bulla_wrapping_branch(const bulla_wrapping *w, uint64_t *ret_version);
/* Opens it by that branch key and checks the commitment: AUTH. */
BULLA_MUST bulla_code bulla_wrapping_open_by_branch(bulla_wrapping *w, bulla_lane *lane, const bulla_cached_key *branch,
						    bulla_secret *ret_key, bulla_error *err);
/* After a round: the key, its commitment checked. The round's failure otherwise. */
BULLA_MUST bulla_code bulla_wrapping_key(bulla_wrapping *w, bulla_lane *lane, bulla_secret *ret_key, bulla_error *err);

/* Of a box that did not open: how many pairs it was sealed with (0: not told) and how many were given; where they are as many, the name of the first
 * whose check differs, empty when all agree. */
BULLA_MUST bulla_code bulla_wrapping_differing(bulla_wrapping *w, bulla_lane *lane, size_t *ret_sealed, size_t *ret_given,
					       bulla_bytes *ret_name);

/* --- making ---------------------------------------------------------------------------------------------------- */
/* A fresh data key and its commitment, no checks. */
BULLA_MUST bulla_code bulla_wrapping_begin_create(bulla_wrapping *w, bulla_lane *lane, bulla_bytes context, bulla_error *err);
/* A given key (fresh or being rewrapped) with its commitment and checks. */
BULLA_MUST bulla_code bulla_wrapping_begin_wrap(bulla_wrapping *w, const bulla_secret *key, bulla_bytes context,
						const uint8_t commitment[static BULLA_COMMITMENT_SIZE], bulla_bytes checks,
						bulla_error *err);
/* The content of a box with fresh random bytes in the commitment's place, and a check for each pair of its context. */
BULLA_MUST bulla_code bulla_wrapping_begin_box(bulla_wrapping *w, bulla_lane *lane, bulla_bytes plain, bulla_bytes context,
					       bulla_error *err);
/* The same key again under other wraps, made by the services out of those that it has. */
BULLA_MUST bulla_code bulla_wrapping_begin_again(bulla_wrapping *w, bulla_bytes bytes, bulla_bytes context, bulla_error *err);
/* Can every session that wraps now (or `only`) re-encrypt one of the key's wraps? */
bool bulla_wrapping_can_again(const bulla_keyring *keyring, const bulla_wrapped_key *key, const bulla_session *only);
BULLA_MUST bulla_code bulla_wrapping_create_by_branch(bulla_wrapping *w, bulla_lane *lane, const bulla_cached_key *branch,
						      bulla_error *err);
/* After a round: finishes w->bytes. The round's failure when fewer than min_wraps wraps were made. */
BULLA_MUST bulla_code bulla_wrapping_made(bulla_wrapping *w, bulla_error *err);

/* --- rounds ---------------------------------------------------------------------------------------------------- */
typedef struct bulla_wrapping_round bulla_wrapping_round;

BULLA_MUST bulla_code bulla_wrapping_round_new(bulla_op *op, bulla_wrapping_round **out, bulla_error *err);
void bulla_wrapping_round_free(bulla_wrapping_round *round); /* NULL is fine */
void bulla_wrapping_round_clear(bulla_wrapping_round *round);
/* Makes new wraps under this one session instead of all current ones; NULL: all. */
void bulla_wrapping_round_only(bulla_wrapping_round *round, const bulla_session *session);
/* Members are all being opened, or all being made, or all being made again. */
BULLA_MUST bulla_code bulla_wrapping_round_add(bulla_wrapping_round *round, bulla_wrapping *wrapping, bulla_error *err);
/* The first failure of a KMS in this round, with its text; code OK when there was none. */
const bulla_error *bulla_wrapping_round_error(const bulla_wrapping_round *round);
/* DONE when every member has been asked about as far as it makes sense. Never fails for a member's or a KMS's sake: that is in the members. */
bulla_progress_made bulla_wrapping_round_step(bulla_wrapping_round *round);

#endif
