/*
 * policy_help.h - a request to change as a test needs it, and documents asked in one line.
 */
#ifndef TESTS_KMS_POLICY_HELP_H
#define TESTS_KMS_POLICY_HELP_H

#include "help.h"

#include "base/context.h"
#include "kms/policy.h"

#define KEY_ARN    "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-a6ef-1234567890ab"
#define OTHER_ARN  "arn:aws:kms:eu-west-1:111122223333:key/9934abcd-12ab-34cd-a6ef-1234567890ab"
#define ALICE_ARN  "arn:aws:iam::111122223333:user/ops/alice"
#define VIEW(text) bulla_view(text, sizeof text - 1)

/* alice, decrypting in the evening of 2026-11-21. */
static inline bulla_access alice(void)
{
	return (bulla_access){ .action = VIEW("kms:Decrypt"),
			       .resource = VIEW(KEY_ARN),
			       .principal = VIEW(ALICE_ARN),
			       .account = VIEW("111122223333"),
			       .user_name = VIEW("alice"),
			       .user_id = VIEW("AIDACKCEVSQ6C2EXAMPLE"),
			       .source_ip = VIEW("203.0.113.77"),
			       .user_agent = VIEW("aws-cli/2.9.19"),
			       .region = VIEW("eu-west-1"),
			       .now_us = INT64_C(1795287900250000), /* 2026-11-21T19:05:00.25Z */
			       .tls = true };
}

static inline bulla_policy *policy_of(const char *text, bulla_policy_kind kind)
{
	bulla_error err = { 0 };
	bulla_policy *policy = NULL;
	if (bulla_policy_parse(bulla_view_str(text), kind, &policy, &err) != BULLA_OK) fail_msg("%s\n%s", err.text, text);
	return policy;
}

static inline bulla_policy_decision decide(const char *text, bulla_policy_kind kind, const bulla_access *access)
{
	bulla_policy *policy = policy_of(text, kind);
	bulla_policy_decision decision = bulla_policy_evaluate(policy, access);
	decision.sid = NULL; /* it is about to go */
	bulla_policy_free(policy);
	return decision;
}

static inline bulla_policy_verdict ask(const char *text, const bulla_access *access)
{
	return decide(text, BULLA_POLICY_IDENTITY, access).verdict;
}

/* The canonical bytes of "name", "value", ..., NULL in `out`. */
static inline bulla_bytes pairs_of(bulla_buf *out, const char *const *texts)
{
	bulla_pair pairs[BULLA_CONTEXT_PAIRS_MAX];
	size_t n = 0;
	for (; texts[2 * n]; n++)
		pairs[n] = (bulla_pair){ bulla_view_str(texts[2 * n]), bulla_view_str(texts[2 * n + 1]) };
	bulla_buf_clear(out);
	assert_int_equal(bulla_context_encode(pairs, n, out, NULL), BULLA_OK);
	return bulla_view_buf(out);
}

#define PAIRS(buf, ...) pairs_of((buf), (const char *const[]){ __VA_ARGS__, NULL })

#endif
