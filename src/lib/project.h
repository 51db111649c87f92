/*
 * project.h - everything that bulla.yaml stands for, opened and wired together: the one place that knows all rooms.
 */
#ifndef LIB_PROJECT_H
#define LIB_PROJECT_H

#include "base/pool.h"
#include "core/keyring.h"
#include "io/patience.h"
#include "io/log.h"
#include "kms/engine.h"
#include "store/store.h"

/* Where things lie; absolute or relative to the working directory, never to bulla.yaml. */
typedef struct bulla_paths {
	char *config;    /* bulla.yaml itself */
	char *base_dir;  /* of relative paths: the directory of bulla.yaml */
	char *store_url; /* as bulla_store_open() takes it */
	bool in_memory;
	char *place;     /* what the store is called before people: its file, or the database without a password */
	char *store;     /* the store's file; NULL where it is none */
	char *directory; /* of the store; <base_dir>/.bulla beside a database; NULL for memory: */
	char *log;       /* <directory>/audit; NULL for memory:, and where the log lies in the store */
	char *escrow;    /* <directory>/escrow.key; NULL for memory: */
	char *root_key;  /* the root key's file; NULL where it is not kept in one */
	char *reports;   /* <base_dir>/.bulla/reports */
} bulla_paths;

typedef struct bulla_project {
	bulla_paths paths;
	bulla_schema *schema;
	bulla_backend *backend; /* of the lanes of engine and keyring */
	bulla_store *store;     /* NULL where neither engine nor branch keys are used and no store exists */
	bulla_branch_store branches;
	bulla_log *log;      /* NULL likewise, and for memory: */
	char log_origin[24]; /* "bulla/<8 hex digits of the log's public key>" */
	uint8_t log_public[32];
	bulla_log_head log_head; /* when it was opened */
	bulla_pool *pool;
	bulla_secret *root_key;  /* in the pool, once it has opened the store: a prompt or a descriptor answers only once */
	bulla_secret *sign_seed; /* in the pool; signs checkpoints and reports; NULL where there is no log */
	bulla_engine *engine;
	bulla_keyring *keyring;
	uint64_t buried;                   /* branch keys that were alive, though the log says that they were destroyed */
	bulla_clock clock;                 /* the engine's, and of waits */
	char principal[256];               /* "local:<uid>/<user>@<host>" */
	struct bulla_short_log *short_log; /* memory: what stands in for a log */
	bulla_patience patience;           /* of store and log */
	struct bulla_history *history;     /* which branch keys were used; NULL before somebody asks, and without a log */
	char *account, *region;            /* of the engine; NULL: its presets */
} bulla_project;

typedef enum bulla_project_depth {
	BULLA_PROJECT_SCHEMA = 1, /* bulla.yaml alone */
	BULLA_PROJECT_STORE = 2,  /* and the store without the root key, its log for reading */
	BULLA_PROJECT_ENGINE = 3, /* and root key, log, engine; the heads of log and store are compared */
	BULLA_PROJECT_KEYRING = 4 /* and sessions with all keys */
} bulla_project_depth;

/* `config` and `environment` as in bulla_keyring_options. Opens as deep as asked, undoing everything on failure. NOT_FOUND, with
 * the command to run, when a store is needed and there is none; AUDIT likewise when the log and the store's head contradict each
 * other. */
BULLA_MUST bulla_code bulla_project_open(const char *config, const char *environment, bulla_project_depth depth,
					 bulla_project **out, bulla_error *err);
/* The same with a notification callback; `options` must not be NULL. */
BULLA_MUST bulla_code bulla_project_open_with(const bulla_keyring_options *options, bulla_project_depth depth,
					      bulla_project **out, bulla_error *err);
/* As bulla_project_open(), waiting for the locks of store and log with that patience; what it points to outlives the project. */
BULLA_MUST bulla_code bulla_project_open_patiently(const char *config, const char *environment, bulla_project_depth depth,
						   const bulla_patience *patience, bulla_project **out, bulla_error *err);
/* Closes in reverse order; wipes. NULL is fine. */
void bulla_project_close(bulla_project *project);

/* NOT_FOUND, with the command to run, when the project has no embedded engine. */
BULLA_MUST bulla_code bulla_project_need_engine(const bulla_project *project, bulla_error *err);

/* AUDIT, with the next step, when the audit log is not where it belongs; USAGE for a store that has none. */
BULLA_MUST bulla_code bulla_project_need_log(const bulla_project *project, bulla_error *err);

/* The URL of a database of bulla.yaml. CONFIG when it does not have that name. */
BULLA_MUST bulla_code bulla_project_database(const bulla_project *project, const char *name, const char **ret_url,
					     bulla_error *err);

/* --- lib/init.c ------------------------------------------------------------------------------------------------ */
/* Makes the local key store of a project that is open as SCHEMA: store, root key, log, a first key with alias/default, and the
 * escrow of the root key, proven by opening the store with it. `ret_escrow` receives where it lies. What a cut-off run has made
 * is used, not made again. EXISTS when there is a complete store already. */
BULLA_MUST bulla_code bulla_project_init_store(bulla_project *project, char *ret_escrow, size_t escrow_size, bulla_error *err);
/* Whether a project that is open as SCHEMA has a complete key store. */
BULLA_MUST bulla_code bulla_project_has_store(bulla_project *project, bool *ret, bulla_error *err);
/* True while the root key's escrow still lies beside the store. */
bool bulla_project_escrow_is_here(const bulla_project *project);

/* --- lib/rewrap.c ---------------------------------------------------------------------------------------------- */
/* Puts every branch and index key that hangs from `key` under its newest material; touches no row of a model. Can be run again at
 * any time. */
BULLA_MUST bulla_code bulla_project_rewrap(bulla_project *project, const bulla_key_info *key, uint64_t *ret_rewrapped,
					   bulla_error *err);

/* --- lib/heads.c ----------------------------------------------------------------------------------------------- */
typedef struct bulla_adopted {
	bool adopted;
	uint64_t buried; /* branch keys that were alive in the store, and shredded as the log has it */
} bulla_adopted;

/* After a discontinuity (restored store, repaired log): records a Discontinuity event with `reason` and takes the log's head as
 * the store's. What the log says was destroyed is destroyed again. Where nothing contradicts the log nothing is written, and ret->adopted is false. */
BULLA_MUST bulla_code bulla_project_adopt(const char *config, const char *environment, const char *reason, bulla_adopted *ret,
					  bulla_error *err);

/* --- lib/recovery.c -------------------------------------------------------------------------------------------- */
/* A consistent copy of the store, the newest checkpoint of its log in a note, into the new file `path`, proven by opening it with
 * the root key. EXISTS. */
BULLA_MUST bulla_code bulla_project_backup(bulla_project *project, const char *path, bulla_log_head *ret_head, bulla_error *err);

typedef struct bulla_backed_up {
	int64_t at_us;     /* when the store was last backed up; 0: never, as far as this store knows */
	uint64_t keys;     /* KMS keys with material that was made since: it is in no backup */
	uint64_t branches; /* versions of branch, index and shared keys likewise */
} bulla_backed_up;

/* Of a project that is open as ENGINE and has a store on disk. */
BULLA_MUST bulla_code bulla_project_backed_up(bulla_project *project, bulla_backed_up *ret, bulla_error *err);

typedef struct bulla_restored {
	char replaced[4096]; /* where the store lies that was there before; empty when there was none */
	bool adopt;          /* the log does not fit: `bulla audit adopt` is next */
	uint64_t buried;     /* branch keys of the backup that were shredded since, and have been destroyed again */
	bulla_log_head head; /* the restored store's */
} bulla_restored;

/* Puts a backup in the place of the project's store (open as SCHEMA), proven by the root key before it is moved there. EXISTS
 * when a store is there and not `force`, which keeps it under another name. Others that use the store must have ended. Branch keys that
 * were destroyed after the backup, as the audit log of this place has it, are destroyed in what was restored; where the log does not fit,
 * bulla_project_adopt() does so. */
BULLA_MUST bulla_code bulla_project_restore(bulla_project *project, const char *path, bool force, bulla_restored *ret,
					    bulla_error *err);

typedef struct bulla_rekeyed {
	char root_key[4096]; /* the new key's file; empty when it is in none */
	char retired[4096];  /* the old key's file under its new name; empty when it was in none or stays where it is */
	char escrow[4096];
	char retired_escrow[4096]; /* empty when the old one had been moved away, as it should */
	bool edit_config;          /* root_key in bulla.yaml must now name the new specification */
} bulla_rekeyed;

/* Wraps the whole store of a project (open as ENGINE) under a new root key: `spec`, or NULL for a new one in the place of the
 * old. Killed at any point the store opens afterwards: the next opening completes what is left to do. */
BULLA_MUST bulla_code bulla_project_rekey(bulla_project *project, const char *spec, bulla_rekeyed *ret, bulla_error *err);

#endif
