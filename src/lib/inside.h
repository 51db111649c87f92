/*
 * inside.h - the steps of opening a project, for the files of this room that stop half-way.
 */
#ifndef LIB_INSIDE_H
#define LIB_INSIDE_H

#include "lib/paths.h"

/* bulla.yaml read, parsed, its places found. */
BULLA_MUST bulla_code bulla_project_read(const char *config, const char *environment, bulla_project **out, bulla_error *err);

/* The same from the text of one, which lies in the working directory. */
BULLA_MUST bulla_code bulla_project_read_text(bulla_bytes config, bulla_project **out, bulla_error *err);

/* lib/crypto.c: the back end that $BULLA_CRYPTO names, else the fastest one that is there. CONFIG, with what to do, when the one it names
 * is not there. */
BULLA_MUST bulla_code bulla_project_open_backend(bulla_backend **out, bulla_error *err);

/* The existing store. Leaves it NULL where none is needed and none exists. */
BULLA_MUST bulla_code bulla_project_open_store(bulla_project *project, bulla_error *err);
/* A log without its store, which was lost: nothing new takes its place. */
bool bulla_project_lost_store(const bulla_project *project);

/* The root key of the open store, and with it the log's signing key. Completes a rekey that was cut off. */
BULLA_MUST bulla_code bulla_project_unlock(bulla_project *project, bulla_secret *ret_root, bulla_error *err);
/* Whether `root` opens the open store; it is kept, and signs, from then on. ROOT_KEY. */
BULLA_MUST bulla_code bulla_project_unlock_with(bulla_project *project, const bulla_secret *root, bulla_error *err);

/* The log, wherever it lies; `seed` and `create` as in bulla_log_open(). AUDIT where it is missing. */
BULLA_MUST bulla_code bulla_project_log(bulla_project *project, const bulla_secret *seed, bool create, bulla_log **out,
					bulla_error *err);
/* The log for writing, after unlocking. With `create` a missing one is made. */
BULLA_MUST bulla_code bulla_project_open_log(bulla_project *project, bool create, bulla_error *err);

/* Root key, log, engine and the comparison of heads, after the store. */
BULLA_MUST bulla_code bulla_project_open_on_disk(bulla_project *project, bulla_error *err);

/* The engine, after the log. `config` is filled as bulla_engine_open() and _init() take it. */
void bulla_project_engine_config(bulla_project *project, const bulla_secret *root, bulla_engine_config *config);
BULLA_MUST bulla_code bulla_project_open_engine(bulla_project *project, const bulla_secret *root, bulla_error *err);

/* lib/heads.c: AUDIT when the store's head is not in the log, or the log has seen a newer generation than the store has. A log
 * that is ahead (the store was killed before it heard of the last entries) is taken as the store's head. */
BULLA_MUST bulla_code bulla_project_check_heads(bulla_project *project, bulla_error *err);

/* lib/keyring.c: sessions with all keys. */
BULLA_MUST bulla_code bulla_project_open_keyring(bulla_project *project, const bulla_keyring_options *options, bulla_error *err);

/* What sessions with keys come from. */
bulla_provider_world bulla_project_world(bulla_project *project);

/* Appends the context of a branch, index or shared data key. NOT_FOUND for a shared one of a model that bulla.yaml does not have. */
BULLA_MUST bulla_code bulla_project_branch_context(const bulla_project *project, bulla_lane *lane, const bulla_branch_row *row,
						   bulla_buf *out, bulla_error *err);

/* Everything but the keyring. */
void bulla_project_release(void *project);

/* lib/recovery.c: completes a rekey: where `root`, which opens the store, waits beside the root key's file or the escrow, it
 * takes that place. Both results are malloc'ed and may be NULL. */
BULLA_MUST bulla_code bulla_project_settle_keys(const bulla_paths *paths, const bulla_secret *root, char **ret_retired,
						char **ret_retired_escrow, bulla_error *err);
#define BULLA_NEW_SUFFIX ".new"

/* lib/short_log.c: an audit sink for a store in memory, which ends with the process: it counts and forgets. */
BULLA_MUST bulla_code bulla_short_log_new(struct bulla_short_log **out, bulla_error *err);
void bulla_short_log_free(struct bulla_short_log *log);
bulla_audit_sink bulla_short_log_sink(struct bulla_short_log *log);

/* The head that the next verification compares with is that of the open log. */
BULLA_MUST bulla_code bulla_project_remember_head(bulla_project *project, bulla_error *err);

#endif
