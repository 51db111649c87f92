/*
 * raw.h - the yardsticks of `make bench`: what a record costs in a bare loop that does the same cryptography.
 *
 * The loops call OpenSSL's EVP interface or libipsec-mb directly, with everything fetched once and every context kept, allocate
 * nothing, and work in place on a flat arena whose contexts and plaintexts were laid out before the clock starts. They
 * parse no format, look up no key, check no size and report no error but one: any failure ends the program.
 *
 * One record is a context of 40 bytes (it differs from record to record) and two fields of 5 to 17 bytes. The branch key
 * is fixed: its AES-256 schedule and the constant K1 of XAES-256-GCM are made once.
 *
 * Seal, for each record:
 *   1. 32 random bytes, the data key, from a buffer of 4096 bytes over RAND_bytes, wiped as it is used
 *   2. commitment: SHA-256 over 16 constant bytes, the context and the data key (88 bytes)
 *   3. two checks: SHA-256 over 14 constant bytes, the commitment and 20 bytes of context (66 bytes each)
 *   4. wrap: XAES-256-GCM of the data key under the branch key, nonce = the commitment's first 24 bytes, 70 bytes of
 *      associated data that end in the commitment; so two AES blocks, one AES-256-GCM schedule, one message
 *   5. two AES-256-GCM messages under the data key (one schedule) with 12 random bytes each as nonce and 77 bytes of
 *      associated data, which hold the context
 *   6. the data key and what was derived from it are wiped
 *
 * Open, for each record: unwrap, commitment computed and compared in constant time, both fields opened, keys wiped.
 * Rewrap, for each record: unwrap, commitment computed and compared, wrap under another branch key whose schedule is
 * kept too, keys wiped.
 *
 * Each returns nanoseconds per record, the best of five passes over all `records` after one that is not counted.
 */
#ifndef BENCH_RAW_H
#define BENCH_RAW_H

#include <stddef.h>

typedef struct raw_loop {
	const char *name;
	double (*seal_ns)(size_t records);
	double (*open_ns)(size_t records);
	double (*rewrap_ns)(size_t records);
} raw_loop;

extern const raw_loop raw_openssl;
extern const raw_loop raw_ipsec_mb; /* where the build has it */

#endif
