/*
 * paths.h - where the files of a project lie, and who is asking.
 */
#ifndef LIB_PATHS_H
#define LIB_PATHS_H

#include "lib/project.h"

/* `config`, else $BULLA_CONFIG, else ./bulla.yaml; and the directory that its relative paths start from. */
BULLA_MUST bulla_code bulla_paths_config(bulla_paths *paths, const char *config, bulla_error *err);

/* What follows from an environment: the store and what lies beside it, the root key, the reports. */
BULLA_MUST bulla_code bulla_paths_environment(bulla_paths *paths, const bulla_environment *environment, bulla_error *err);

void bulla_paths_done(bulla_paths *paths);

/* The file of a root key specification `file:PATH`, malloc'ed; `*ret` NULL for any other form. */
BULLA_MUST bulla_code bulla_paths_key_file(const bulla_paths *paths, const char *spec, char **ret, bulla_error *err);

/* asprintf that reports. `*ret` is malloc'ed. */
BULLA_MUST bulla_code bulla_paths_printf(char **ret, bulla_error *err, const char *format, ...) BULLA_PRINTF(3, 4);

/* "local:<uid>/<user>@<host>" of this process. */
void bulla_principal_now(char *out, size_t size);

/* "20261121T190500Z", for the names of files that are kept. */
void bulla_stamp_now(char out[static 17]);

/* Makes what a rename or link in the directory of `path` did durable. */
BULLA_MUST bulla_code bulla_paths_sync(const char *path, bulla_error *err);

/* For who restores `path`: a lock on its directory, until bulla_paths_unlock(). BUSY at once when somebody has it. A file system without such locks
 * gives none, and BULLA_OK. */
BULLA_MUST bulla_code bulla_paths_lock(const char *path, int *ret, bulla_error *err);
void bulla_paths_unlock(int lock);

bool bulla_file_exists(const char *path);

#endif
