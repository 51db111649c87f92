/*
 * orphan.h - sealed columns that a job has made for a model and that the model names no more: bulla_sealed(model, name).
 *
 * A field that is taken out of bulla.yaml leaves its ciphertext behind, under the data key of its row. Whoever then gives the row
 * another data key, drops the key column, or makes the guard anew without that field, loses its values: every such job asks here first.
 */
#ifndef DB_ORPHAN_H
#define DB_ORPHAN_H

#include "db/quarantine.h"
#include "db/run.h"

/* Notes the ciphertext and key columns of the model, then target->install; inside a transaction. */
BULLA_MUST bulla_code bulla_orphan_install(bulla_run *run, bulla_error *err);

/* Every column that was noted, whether or not the model names it, in the place of primary keys. */
BULLA_MUST bulla_code bulla_orphan_noted(bulla_db *db, const char *model, bulla_aside *ret, bulla_error *err);

/* Those that the model does not name, that are there, and that hold something. */
BULLA_MUST bulla_code bulla_orphan_list(const bulla_run *run, bulla_aside *ret, bulla_error *err);

/* REFUSED, with what to do, where there is such a column. */
BULLA_MUST bulla_code bulla_orphan_check(const bulla_run *run, bulla_error *err);

#define BULLA_ORPHAN_TEXT                                                                                                        \
	"column %s of table %s holds sealed values of a field that model %s does not name: they would be lost with their keys"
#define BULLA_ORPHAN_NEXT                                                                                                        \
	"put the field back into bulla.yaml; or, to lose its values for good, set that column to NULL in every row, then run "   \
	"this "                                                                                                                  \
	"again"

#endif
