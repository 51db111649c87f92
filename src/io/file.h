/*
 * file.h - files whole: reading with a limit, writing so that a crash leaves the old or the new one.
 */
#ifndef IO_FILE_H
#define IO_FILE_H

#include "base/buf.h"

/* Appends the whole file. LIMIT beyond `max` bytes; NOT_FOUND, PERMISSION, IO name the path. */
BULLA_MUST bulla_code bulla_file_read(const char *path, size_t max, bulla_buf *out, bulla_error *err);

/* The same for key files: a regular file, not a link, owned by the user or root, no access for group or others (PERMISSION says
 * the chmod to run). */
BULLA_MUST bulla_code bulla_file_read_private(const char *path, size_t max, bulla_buf *out, bulla_error *err);

/* Writes a temporary file beside `path`, syncs it, renames it over `path`, syncs the directory. With `exclusive` an existing
 * file is EXISTS and stays. */
BULLA_MUST bulla_code bulla_file_write(const char *path, bulla_bytes data, unsigned mode, bool exclusive, bulla_error *err);

/* mkdir -p with `mode` for what is missing. */
BULLA_MUST bulla_code bulla_directory_make(const char *path, unsigned mode, bulla_error *err);

/* Removes a directory of plain files, as far as that is possible; a directory that is not there is fine. */
void bulla_directory_remove(const char *path);

/* "base/path" for a relative `path`, else a copy; free() it. NULL: out of memory. */
char *bulla_path_join(const char *base, const char *path);

/* CLOCK_REALTIME in microseconds; `self` is ignored, so that it fits bulla_clock. */
int64_t bulla_now_us(void *self);

#endif
