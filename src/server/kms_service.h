/*
 * kms_service.h - the engine behind the listener: AWS KMS's protocol (JSON 1.1), Signature Version 4, and the records.
 *
 * A turn of the listener is one group: every request in it is authenticated, read and permitted on the loop's thread, uses of symmetric keys are
 * answered by one call of the engine, with one durable append for all their records, refused ones included. What may take longer (changes
 * of the store, lists) goes to workers. Nothing is answered whose record is not durable.
 */
#ifndef SERVER_KMS_SERVICE_H
#define SERVER_KMS_SERVICE_H

#include "io/log.h"
#include "kms/key_id.h"
#include "server/access_log.h"
#include "server/listener.h"
#include "server/metrics.h"

#define BULLA_SERVICE_WORKERS     4    /* threads for what is not a use of a symmetric key */
#define BULLA_SERVICE_WORKERS_MAX 64   /* */
#define BULLA_SERVICE_QUEUE_MAX   1024 /* requests that wait for a worker: more are told to come again (ThrottlingException) */

typedef struct bulla_kms_service bulla_kms_service; /* any thread */

/* What it points to outlives the service. */
typedef struct bulla_kms_service_config {
	bulla_engine *engine;
	bulla_log *log; /* for LookupEvents; NULL: not offered */
	bulla_clock clock;
	bulla_realm home;             /* the engine's: bulla_engine_home() */
	const char *const *regions;   /* whose signatures are accepted; NULL: any */
	size_t n_regions;             /* */
	unsigned loops;               /* of the listener */
	unsigned workers;             /* 0: BULLA_SERVICE_WORKERS */
	bulla_access_log *access_log; /* NULL: none */
} bulla_kms_service_config;

/* Starts the workers. MEMORY, USAGE. */
BULLA_MUST bulla_code bulla_kms_service_new(const bulla_kms_service_config *config, bulla_kms_service **out, bulla_error *err);
/* After the listener was closed: ends the workers, who finish what they have. NULL is fine. */
void bulla_kms_service_free(bulla_kms_service *service);

/* What the listener is opened with. */
bulla_handler bulla_kms_service_handler(bulla_kms_service *service);

#endif
