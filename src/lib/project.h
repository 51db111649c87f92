/*
 * project.h - everything that bulla.yaml stands for, opened and wired together: the one place that knows all rooms.
 */
#ifndef LIB_PROJECT_H
#define LIB_PROJECT_H

#include "core/keyring.h"
#include "io/log.h"
#include "kms/engine.h"
#include "store/store.h"

typedef struct bulla_project {
	char *config_path;
	char *base_dir;            /* of relative paths: the directory of bulla.yaml */
	bulla_schema *schema;
	bulla_store *store;        /* NULL where neither engine nor branch keys are used */
	bulla_log *log;            /* NULL likewise */
	char *log_directory;       /* <directory of the store>/audit */
	char *log_origin;          /* "bulla/<8 hex digits of the log's public key>" */
	uint8_t log_public[32];
	bulla_secret sign_seed;    /* signs checkpoints and reports */
	bulla_engine *engine;
	bulla_keyring *keyring;
	char principal[256];
	void (*notify)(void *self, const bulla_notice *notice);
	void *notify_self;
} bulla_project;

typedef enum bulla_project_depth {
	BULLA_PROJECT_SCHEMA = 1,  /* bulla.yaml alone */
	BULLA_PROJECT_STORE = 2,   /* and the store, without the root key */
	BULLA_PROJECT_ENGINE = 3,  /* and root key, log, engine */
	BULLA_PROJECT_KEYRING = 4  /* and sessions with all keys */
} bulla_project_depth;

/* `config` and `environment` as in bulla_keyring_options. Opens as deep as asked, undoing everything on failure. AUDIT, with the command to run, when
 * the log and the store's head contradict each other. */
BULLA_MUST bulla_code bulla_project_open(const char *config, const char *environment, bulla_project_depth depth, bulla_project **out,
                                         bulla_error *err);
/* Closes in reverse order; wipes. NULL is fine. */
void bulla_project_close(bulla_project *project);

/* What `init` does for the local key store: makes store, root key, log, a first key with alias/default, and the escrow of the root key, proven by
 * opening the store with it. `escrow_path` receives where it lies (PATH_MAX). EXISTS when there is a store already. */
BULLA_MUST bulla_code bulla_project_init_store(bulla_project *project, char *ret_escrow, size_t escrow_size, bulla_error *err);

/* After a discontinuity (restored store, repaired log): records a Discontinuity event with `reason` and takes the log's head as the store's. */
BULLA_MUST bulla_code bulla_project_adopt(const char *config, const char *environment, const char *reason, bulla_error *err);

#endif
