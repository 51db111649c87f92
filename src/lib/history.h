/*
 * history.h - which branch keys this key store ever used, as its audit log tells: to know one that was lost from one of another store.
 */
#ifndef LIB_HISTORY_H
#define LIB_HISTORY_H

#include "lib/project.h"

typedef struct bulla_history bulla_history;

/* The project is open as ENGINE. The log is read once, when somebody first asks. */
BULLA_MUST bulla_code bulla_history_new(bulla_project *project, bulla_history **out, bulla_error *err);
void bulla_history_free(bulla_history *history); /* NULL is fine */

/* Was that version of a branch key ever opened or used here? Any thread. false also where the log cannot be read. */
bool bulla_history_has(bulla_history *history, uint64_t version);

#endif
