/*
 * authorize.h - may this caller do this? Policies of the principal and of the key, grants, freezes and budgets, in AWS's order.
 *
 * An explicit deny anywhere wins. Else it is permitted by the key's policy naming the caller; by the key's policy naming the account, together
 * with a policy of the principal; or by a grant (AWS KMS Developer Guide, "Determining access to AWS KMS keys"). A key without a policy of its own
 * has AWS's default one, which names the account. An operation without a key is a matter of the principal's policies alone.
 */
#ifndef KMS_AUTHORIZE_H
#define KMS_AUTHORIZE_H

#include "kms/caller.h"
#include "kms/snapshot.h"

#define BULLA_QUESTION_EXTRA_MAX 24 /* condition values of one request */

/* What somebody wants to do. Views. */
typedef struct bulla_question {
	const char *action;                         /* "kms:Decrypt" */
	const bulla_key *key;                       /* NULL: the operation has none */
	bulla_bytes resource;                       /* without a key: an ARN, or empty */
	bulla_bytes context;                        /* canonical; empty: none */
	bulla_pair extra[BULLA_QUESTION_EXTRA_MAX]; /* condition values that the operation has: "kms:RotationPeriodInDays" ... */
	size_t n_extra;
} bulla_question;

/* Adds a condition value; what does not fit is left out, and a condition on it then finds nothing. `name` is static. */
void bulla_question_add(bulla_question *question, const char *name, bulla_bytes value);

/* DENIED, in AWS's words, or because the key, the caller or everything is frozen. A NULL caller is refused only by a freeze. `home` is the
 * engine's realm. */
BULLA_MUST bulla_code bulla_authorize(const bulla_snapshot *now, const bulla_realm *home, const bulla_caller *caller,
				      const bulla_question *question, int64_t now_us, bulla_error *err);

/* The same question answered with its reasons: appends one line for each place that was asked, for `bulla kms principal can`. `*ret_may` is the
 * answer. */
BULLA_MUST bulla_code bulla_authorize_explain(const bulla_snapshot *now, const bulla_realm *home, const bulla_caller *caller,
					      const bulla_question *question, int64_t now_us, bool *ret_may, bulla_buf *out,
					      bulla_error *err);

/* True for what a freeze stops: whatever gives out what was encrypted. */
bool bulla_action_decrypts(const char *action);

/* --- grants ----------------------------------------------------------------------------------------------------- */
/* The bit of an operation that grants can give ("Decrypt"); 0 for others. */
uint32_t bulla_grant_operation(bulla_bytes name);
/* The name of bit `i` (from 0); NULL beyond the last. */
const char *bulla_grant_operation_name(size_t i);

#endif
