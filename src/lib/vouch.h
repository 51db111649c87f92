/*
 * vouch.h - verifying a project's audit log: by itself, and against everything that has seen it before.
 */
#ifndef LIB_VOUCH_H
#define LIB_VOUCH_H

#include "lib/project.h"

typedef struct bulla_vouched {
	char directory[4096];
	char origin[24];
	bulla_log_report log; /* what the log says of itself */
	bool store_agrees;    /* the head that the store last heard of is in the log */
	uint64_t store_size;
	bool memory_agrees; /* and the one that was verified last (size 0: never before) */
	uint64_t memory_size;
	size_t witnesses;       /* audit.witness */
	size_t witnesses_agree; /* of those that have seen a head */
	uint64_t witness_size;  /* the newest head that an agreeing one has seen */
	bool ok;                /* the log verifies and nothing contradicts it */
	bool vouched;           /* a witness has seen an earlier head of it */
	char problem[400];      /* !ok: one line */
} bulla_vouched;

/* Verifies the log of the environment's store with the public key that the root key gives, compares it with the store's head,
 * with the head that was verified last and with the witnesses; when all is well remembers the head and tells the witnesses.
 * BULLA_OK with ret->ok false means: it was looked at, and it is wrong. `progress` may be NULL. */
BULLA_MUST bulla_code bulla_project_audit_verify(const char *config, const char *environment,
						 void (*progress)(void *self, uint64_t done, uint64_t total), void *self,
						 bulla_vouched *ret, bulla_error *err);

/* Copies the published log (`checkpoint`, `tile/`) of a project, open as STORE, into the new directory `path`: a log that any
 * static server, or `bulla audit verify` elsewhere, can read. EXISTS. */
BULLA_MUST bulla_code bulla_project_audit_export(bulla_project *project, const char *path, uint64_t *ret_files, bulla_error *err);

#endif
