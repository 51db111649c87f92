/*
 * secret_file.h - a secret that lies in a file by itself, as one line.
 */
#ifndef LIB_SECRET_FILE_H
#define LIB_SECRET_FILE_H

#include "base/buf.h"

/* Appends it without its line end. PERMISSION where others than this user may read the file; TOO_LARGE or LIMIT beyond `max` bytes, FORMAT for more than
 * one line and for none. */
BULLA_MUST bulla_code bulla_secret_file_read(const char *path, size_t max, bulla_buf *out, bulla_error *err);

/* Takes the line end off `text` and checks likewise; `where` it came from is told. */
BULLA_MUST bulla_code bulla_secret_line(bulla_buf *text, const char *where, size_t max, bulla_error *err);

#endif
