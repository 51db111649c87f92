/*
 * prompt.h - asking for a passphrase on the terminal, without showing it.
 */
#ifndef ROOTKEY_PROMPT_H
#define ROOTKEY_PROMPT_H

#include "base/buf.h"

#define BULLA_PASSPHRASE_MAX 1024 /* bytes */

/* Asks on /dev/tty, whatever standard input is; appends what was typed, without its line end, to `out`. With `twice` it asks again
 * and fails with USAGE when the two differ. USAGE without a terminal, INTERRUPTED by Ctrl-C or the end of input, LIMIT. */
BULLA_MUST bulla_code bulla_prompt(const char *question, bool twice, bulla_buf *out, bulla_error *err);

#endif
