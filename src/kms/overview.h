/*
 * overview.h - who may use a store and what is frozen in it, as JSON: the same for the command line and for the network. Never a secret.
 */
#ifndef KMS_OVERVIEW_H
#define KMS_OVERVIEW_H

#include "base/json.h"
#include "kms/snapshot.h"

#define BULLA_OVERVIEW_PRINCIPALS_MAX 1000 /* that one overview names; it counts all of them */
#define BULLA_OVERVIEW_FREEZES_MAX    1000 /* likewise */

/* {"name","arn","created","budget":{"decryptions","seconds"}|null,"access_keys":[{"id","state","created"}],"policies":[name],"frozen"} */
void bulla_put_principal(bulla_json_writer *w, const bulla_snapshot *now, const bulla_principal *principal, int64_t now_us);

/* Members "generation", "account", "region", "frozen" (is everything?), "freezes", "principal_count", "principals" and "keys", which counts those of
 * each state. Freezes that are over are left out. */
void bulla_put_overview(bulla_json_writer *w, const bulla_snapshot *now, const bulla_realm *home, int64_t now_us);

#endif
