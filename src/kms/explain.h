/*
 * explain.h - may a principal do this, and why: asked by whoever holds the store, and recorded nowhere.
 */
#ifndef KMS_EXPLAIN_H
#define KMS_EXPLAIN_H

#include "kms/caller.h"
#include "kms/engine.h"

/* Views that live until the call returns. */
typedef struct bulla_supposition {
	bulla_bytes principal; /* name */
	const char *action;    /* "kms:Decrypt" */
	bulla_bytes key_id;    /* any form; empty: none */
	bulla_bytes context;   /* canonical */
	bulla_bytes source_ip;
} bulla_supposition;

/* `*ret_may` is the answer; a line for each place that was asked is appended to `reasons`, and `ret_arn` receives the key's ARN, or "". NOT_FOUND where
 * there is no such principal or key. A budget is told, and not spent. */
BULLA_MUST bulla_code bulla_engine_explain(bulla_engine *engine, const bulla_supposition *what, bool *ret_may, bulla_buf *reasons,
					   char ret_arn[static BULLA_ARN_MAX], bulla_error *err);

#endif
