/*
 * key_choice.h - what the choice of keys gives and what it does not, said in a plan instead of being assumed.
 */
#ifndef DB_KEY_CHOICE_H
#define DB_KEY_CHOICE_H

#include "core/schema.h"
#include "base/json.h"

/* Is the key's root on the application's own host? Told by the form of its id. */
bool bulla_key_is_here(const char *key_id);

/* Writes the member "key_choice" (docs/PLAN.md). */
void bulla_key_choice_tell(const bulla_model *model, const bulla_environment *environment, bulla_json_writer *out);

#endif
