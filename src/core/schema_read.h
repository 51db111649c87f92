/*
 * schema_read.h - the inside of a schema while it is read, shared by the schema_*.c files.
 *
 * A reader takes one value out of a mapping: what is absent leaves the result as it was (the default), what is wrong fails with
 * line and column. Texts of values are never shown: one may have come from the environment and be a secret.
 */
#ifndef CORE_SCHEMA_READ_H
#define CORE_SCHEMA_READ_H

#include "base/arena.h"
#include "core/schema.h"

struct bulla_schema {
	bulla_yaml_document *document; /* owns the texts as they stand in the file */
	bulla_arena arena;             /* owns the rest */
	bulla_environment *environments;
	size_t environment_count;
	const bulla_environment *selected;
	bulla_database *databases;
	size_t database_count;
	bulla_model *models;
	size_t model_count;
};

typedef struct bulla_schema_reader {
	bulla_schema *schema;
	const bulla_yaml_document *document;
	const char *kms_key_id; /* NULL where it is not set */
	bulla_error *err;
} bulla_schema_reader;

/* --- schema_read.c: one value ------------------------------------------------------------------------------------------------- */

BULLA_MUST bulla_code bulla_schema_take(bulla_schema_reader *r, size_t n, size_t size, void *ret);

/* A scalar of 1..max bytes without control characters. */
BULLA_MUST bulla_code bulla_schema_scalar(bulla_schema_reader *r, const bulla_yaml *node, size_t max, const char **ret);
/* The same of a key, which names a model, a field ... */
BULLA_MUST bulla_code bulla_schema_key(bulla_schema_reader *r, const bulla_yaml *node);
BULLA_MUST bulla_code bulla_schema_text(bulla_schema_reader *r, const bulla_yaml *map, const char *key, size_t max,
					const char **ret);
BULLA_MUST bulla_code bulla_schema_flag(bulla_schema_reader *r, const bulla_yaml *map, const char *key, bool *ret);
BULLA_MUST bulla_code bulla_schema_number(bulla_schema_reader *r, const bulla_yaml *map, const char *key, uint64_t min,
					  uint64_t max, uint64_t *ret);
BULLA_MUST bulla_code bulla_schema_duration(bulla_schema_reader *r, const bulla_yaml *map, const char *key, int64_t min,
					    int64_t max, int64_t *ret_ms);
/* The position in `words` (NULL-terminated). */
BULLA_MUST bulla_code bulla_schema_choice(bulla_schema_reader *r, const bulla_yaml *map, const char *key,
					  const char *const *words, size_t *ret);
/* A list of different texts, or one text for a list of one; at least one, at most `max_count`. */
BULLA_MUST bulla_code bulla_schema_list(bulla_schema_reader *r, const bulla_yaml *map, const char *key, size_t max_count,
					size_t max, const char ***ret, size_t *ret_n);
/* A mapping without its being looked into; NULL when absent or null. Counts its members, at most `max`. */
BULLA_MUST bulla_code bulla_schema_map(bulla_schema_reader *r, const bulla_yaml *map, const char *key, size_t max,
				       const bulla_yaml **ret, size_t *ret_n);

/* --- schema_environment.c ----------------------------------------------------------------------------------------------------- */

BULLA_MUST bulla_code bulla_schema_environments(bulla_schema_reader *r, const bulla_yaml *root, const char *selected);
BULLA_MUST bulla_code bulla_schema_database_list(
	bulla_schema_reader *r,
	const bulla_yaml *root); /* The id of kms_encrypted's test key, in either form: for environments marked insecure. */
bool bulla_key_is_insecure(const char *key_id);

/* --- schema_template.c -------------------------------------------------------------------------------------------------------- */

/* Splits `text` (as it stands at `node`), entering its columns among the model's inputs. */
BULLA_MUST bulla_code bulla_schema_template(bulla_schema_reader *r, bulla_model *model, const bulla_yaml *node, const char *text,
					    bulla_template *ret);
BULLA_MUST bulla_code bulla_schema_input(bulla_schema_reader *r, bulla_model *model, const bulla_yaml *node, const char *column,
					 size_t *ret);
/* The mapping `context`; the default one where `node` is NULL. */
BULLA_MUST bulla_code bulla_schema_context(bulla_schema_reader *r, bulla_model *model, const bulla_yaml *node,
					   bulla_context_part **ret, size_t *ret_n);
/* Copies the constants among `model->context`. */
BULLA_MUST bulla_code bulla_schema_constants(bulla_schema_reader *r, const bulla_model *model, bulla_context_part **ret,
					     size_t *ret_n);
/* Which parts carry a check: `names`, or by default constants and parts of the primary key. */
BULLA_MUST bulla_code bulla_schema_checks(bulla_schema_reader *r, bulla_model *model);

/* --- schema_model.c, schema_field.c, schema_check.c --------------------------------------------------------------------------- */

BULLA_MUST bulla_code bulla_schema_model_list(bulla_schema_reader *r, const bulla_yaml *root);
BULLA_MUST bulla_code bulla_schema_fields(bulla_schema_reader *r, bulla_model *model);
/* What only the whole can tell. */
BULLA_MUST bulla_code bulla_schema_check(bulla_schema_reader *r, const bulla_yaml *root);

#endif
