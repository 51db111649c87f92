/*
 * vectors.h - what the parts of the vector runner say to each other.
 */
#ifndef TEST_VECTORS_H
#define TEST_VECTORS_H

#include "base/buf.h"
#include "base/json.h"
#include "crypto/lane.h"

typedef enum verdict { PASSED, FAILED, SKIPPED } verdict;

/* `why` is static text for FAILED and SKIPPED. */
typedef struct outcome {
	verdict verdict;
	const char *why;
} outcome;

typedef struct tally {
	size_t passed, failed, skipped;
} tally;

/* What the vector's author says of it. */
typedef enum expectation { VALID, ACCEPTABLE, INVALID } expectation;

/* One vector: a case of Wycheproof with the group that it is in. */
typedef struct vector {
	bulla_lane *lane;
	const bulla_json *group, *test;
	expectation expected;
} vector;

/* An algorithm of Wycheproof's that the crypto room offers, and how one vector of it is tried. `row` is the handler's. */
typedef struct primitive {
	const char *algorithm;
	outcome (*try)(const vector *v, const struct primitive *p);
	int row;
} primitive;

/* The primitive of that name; NULL when it is not offered. */
const primitive *primitive_find(bulla_bytes algorithm);

/* The handlers of public_keys.c. `row` of signatures: ECDSA, PKCS #1, PSS. */
outcome try_signature(const vector *v, const primitive *p);
outcome try_oaep(const vector *v, const primitive *p);
outcome try_ecdh(const vector *v, const primitive *p);

/* Runs the vectors of one parsed file. `path` names it in what is printed, `name` is its base name without extension. */
void wycheproof_run(bulla_lane *lane, const char *path, const char *name, const bulla_json *document, tally *total);

#endif
