/*
 * schema.h - bulla.yaml as a structure: one environment's keys, the databases, the models and their fields.
 *
 * docs/SCHEMA.md lists every key. Parsing is pure: text in, structure out. Immutable after parsing, shareable.
 */
#ifndef CORE_SCHEMA_H
#define CORE_SCHEMA_H

#include "base/yaml.h"

#include <bulla/keyring.h>

#define BULLA_MODELS_MAX 256
#define BULLA_FIELDS_MAX 64 /* of one model */
#define BULLA_INPUTS_MAX                                                                                                         \
	16 /* columns that a model's contexts, branch name and index scopes are made of; columns of a primary key */
#define BULLA_ENVIRONMENTS_MAX 64
#define BULLA_DATABASES_MAX    64
#define BULLA_PREVIOUS_MAX     64   /* keys that only unwrap, of one environment */
#define BULLA_NAME_MAX         128  /* bytes of a model's, field's, column's or table's name */
#define BULLA_SETTING_MAX      4096 /* bytes of any other text: key ids, URLs, templates */
#define BULLA_PADDING_MAX      4096

/* A template such as "user:{id}" or "{tenant_id}" or "User", split into literals and inputs. */
typedef struct bulla_template {
	const char *text; /* as written */
	size_t parts;
	struct bulla_template_part {
		const char *literal; /* NULL when `input` counts */
		size_t input;        /* index into bulla_model.inputs */
	} * part;
} bulla_template;

/* One pair of the encryption context: a constant, or one input's value. A template with several placeholders has become
 * one pair per placeholder, named `<name>.<column>`. */
typedef struct bulla_context_part {
	const char *name;
	bool constant;
	const char *value;        /* constant */
	bulla_template template_; /* not constant */
	bool checked;             /* carries a check in the wrapped key, see FORMAT.md */
} bulla_context_part;

typedef enum bulla_index_kind { BULLA_INDEX_FAST = 0, BULLA_INDEX_SLOW = 1 } bulla_index_kind;
typedef enum bulla_normalize { BULLA_NORMALIZE_NONE = 0, BULLA_NORMALIZE_LOWERCASE = 1 } bulla_normalize;
typedef enum bulla_expression { BULLA_EXPRESSION_NONE = 0, BULLA_EXPRESSION_LAST4 = 1 } bulla_expression;

typedef struct bulla_index_spec {
	const char *name;   /* logical: the field's name, or <field>_<expression> */
	const char *column; /* default <field>_bidx, with _v<version> from version 2 on */
	uint32_t version;   /* 1.. */
	uint32_t bits;      /* 8..256, a multiple of 8; default 128 */
	bulla_index_kind kind;
	bulla_normalize normalize;
	bulla_expression expression;
	bool unique;        /* a UNIQUE index on the column; needs 128 bits */
	const char *scope;  /* column whose value gives each tenant its own index key; NULL: one key */
	size_t scope_input; /* index into bulla_model.inputs when scope is set */
	bool by_job;        /* writer: job (default: client) */
} bulla_index_spec;

typedef struct bulla_field {
	const char *name;      /* logical, in associated data */
	const char *plaintext; /* plaintext column; default: the name */
	const char *column;    /* ciphertext column; default <name>_ciphertext */
	bulla_type type;
	bool null_sealed;
	uint32_t padding;        /* ISO 7816-4 block, 0: none */
	bool base64;             /* ciphertext stored as text */
	const char *data_key;    /* name of an entry in data_keys; NULL: the record's */
	size_t key;              /* index into bulla_model.keys */
	bulla_index_spec *index; /* NULL: none */
	const struct bulla_field
		*before; /* the same field with the index that is being replaced (index: previous); NULL: none is */
	size_t position; /* in bulla_model.fields */
} bulla_field;

typedef enum bulla_data_key_mode {
	BULLA_DATA_KEY_RECORD = 0,
	BULLA_DATA_KEY_FIELD = 1,
	BULLA_DATA_KEY_TABLE = 2,
	BULLA_DATA_KEY_NONE = 3
} bulla_data_key_mode;

/* One wrapped key beside the record: the record's own, each entry of data_keys, or each field's with data_key: field. */
typedef struct bulla_key_spec {
	const char *name;    /* NULL: the record's */
	const char *column;  /* default encrypted_kms_key, encrypted_kms_key_<name> */
	const char *kms_key; /* data_keys: its own KMS key id; NULL: the environment's */
	bulla_context_part
		*context; /* the model's own array unless data_keys replaces it; with field and table: the constants only */
	size_t context_count;
} bulla_key_spec;

typedef struct bulla_branch_spec {
	bulla_template name; /* NULL text: no branch key, direct KMS wraps */
	const char *under;   /* another branch's constant name, or NULL: the KMS key */
} bulla_branch_spec;

typedef enum bulla_read_mode { BULLA_READ_CIPHERTEXT = 0, BULLA_READ_PLAINTEXT = 1 } bulla_read_mode;

struct bulla_model {
	const char *key;          /* its key in bulla.yaml: what the command line calls it */
	const char *name;         /* logical: context.model_name if constant, else the key */
	const char *database;     /* default "main" */
	const char *table;        /* default: the key */
	const char **primary_key; /* default: id */
	size_t primary_key_count;
	const char **inputs; /* columns that the context, the branch key's name, the data_keys' contexts and the index scopes are
	                             made of: each once, in that order */
	size_t input_count;
	bulla_context_part *context;
	size_t context_count;
	bulla_data_key_mode data_key;
	bulla_key_spec *
		keys; /* record: [0] is the record's, then data_keys; field: one for each field, in order; table: one; none: none */
	size_t key_count;
	bulla_branch_spec branch;
	bulla_field *fields;
	size_t field_count;
	bool migrating;
	bulla_read_mode read;
	bool two_step_insert;     /* insert: two_step */
	bool reseal_record;       /* reseal: record */
	const bulla_yaml *source; /* for errors with line and column */
};

typedef struct bulla_cache_limits {
	int64_t max_age_ms; /* default 300,000 */
	uint64_t
		max_uses; /* default 10,000; a use is one wrap or unwrap with a cached branch or index key in a call of a batch */
	size_t max_keys;  /* default 1000 */
} bulla_cache_limits;

typedef struct bulla_environment {
	const char *name;
	const char **keys; /* all wrap; the first that answers unwraps */
	size_t key_count;
	const char **previous; /* unwrap only */
	size_t previous_count;
	size_t min_wraps; /* default: key_count; 1..key_count */
	bulla_cache_limits cache;
	const char *store;      /* default sqlite:.bulla/kms.db */
	const char *root_key;   /* default file:.bulla/root.key */
	const char **witnesses; /* audit.witness */
	size_t witness_count;
	int64_t backup_retention_ms; /* backups.retention: how long backups of data and key store are kept; 0: nobody said */
	bool insecure;
	bool unread; /* has variables that are not set, and is not the selected one: known by name alone */
} bulla_environment;

typedef struct bulla_database {
	const char *name;
	const char *url;
} bulla_database;

typedef struct bulla_schema bulla_schema;

/* Parses the whole file (every environment is checked) and selects `environment` (NULL: "development"), which exists even where
 * the file names no environments. `kms_key_id` is the value of KMS_KEY_ID or NULL: used where the environment names no key;
 * without it development has `key: local`. CONFIG with line and column; LIMIT and MEMORY likewise. `text` may go afterwards. */
BULLA_MUST bulla_code bulla_schema_parse(bulla_bytes text, const char *file, const char *environment, const char *kms_key_id,
					 bulla_yaml_lookup lookup, void *lookup_self, bulla_schema **out, bulla_error *err);
void bulla_schema_free(bulla_schema *schema);

/* For bulla_yaml_fail() with a model's `source`. */
const bulla_yaml_document *bulla_schema_document(const bulla_schema *schema);

/* A key id that can encrypt but not decrypt. */
bool bulla_key_encrypts_only(const char *key_id);
const bulla_environment *bulla_schema_environment(const bulla_schema *schema);
/* The environments that have the selected one's key store, itself among them, one after the other; NULL after the last. One that has
 * variables which are not set now is not among them. */
const bulla_environment *bulla_schema_sharer(const bulla_schema *schema, size_t i);
/* The longest max_age among these: for so long some process may hold a key of that store. */
int64_t bulla_schema_max_age(const bulla_schema *schema);
const bulla_database *bulla_schema_databases(const bulla_schema *schema, size_t *ret_n);
const bulla_model *bulla_schema_models(const bulla_schema *schema, size_t *ret_n); /* in the file's order */
/* NOT_FOUND naming the models there are. */
BULLA_MUST bulla_code bulla_schema_model(const bulla_schema *schema, const char *key, const bulla_model **ret, bulla_error *err);
/* Is the branch key's name the same for every row? True where the model has none. */
bool bulla_model_branch_is_constant(const bulla_model *model);
/* NOT_FOUND naming the fields there are. */
BULLA_MUST bulla_code bulla_model_field(const bulla_model *model, const char *name, const bulla_field **ret, bulla_error *err);

#endif
