/*
 * policy_inside.h - a parsed policy document as the files that read and ask it share it.
 *
 * Everything hangs in the policy's arena and is immutable after parsing. Strings are views into it.
 */
#ifndef KMS_POLICY_INSIDE_H
#define KMS_POLICY_INSIDE_H

#include "base/arena.h"
#include "base/json.h"
#include "kms/policy.h"
#include "kms/policy_value.h"

/* --- condition keys -------------------------------------------------------------------------------------------- */
typedef struct bulla_policy_key {
	const struct bulla_policy_key_row *row; /* NULL: only `access->extra` may have it */
	bulla_bytes name;                       /* whole, as the document has it */
	bulla_bytes rest;                       /* behind a row's prefix */
} bulla_policy_key;

/* One value of a key in a request. `text` may point into `space`: not to be copied. */
typedef struct bulla_policy_value {
	bulla_bytes text;
	char space[32];
} bulla_policy_value;

/* False when `name` is no condition key: not "service:name", or one of KMS's own that does not exist. `name` is kept. */
BULLA_MUST bool bulla_policy_key_find(bulla_bytes name, bulla_policy_key *out);
/* A key that may have several values in one request. */
bool bulla_policy_key_is_multi(const bulla_policy_key *key);
/* The next value; `at` starts at 0 and belongs to this function. False after the last. */
bool bulla_policy_key_next(const bulla_policy_key *key, const bulla_access *access, size_t *at, bulla_policy_value *out);

/* --- patterns -------------------------------------------------------------------------------------------------- */
typedef enum bulla_policy_part_kind { PART_TEXT = 0, PART_ANY = 1, PART_ONE = 2, PART_VARIABLE = 3 } bulla_policy_part_kind;

typedef struct bulla_policy_part {
	bulla_policy_part_kind kind;
	bool has_default;            /* VARIABLE: `text` stands in where the request has no such key */
	uint8_t slot;                /* VARIABLE: which one of the pattern, from 0 */
	bulla_bytes text;            /* TEXT */
	const bulla_policy_key *key; /* VARIABLE */
} bulla_policy_part;

typedef struct bulla_policy_pattern {
	const bulla_policy_part *parts;
	size_t n;
	uint8_t variables;
	bool fold; /* ASCII letters compare without case */
} bulla_policy_pattern;

typedef enum bulla_policy_pattern_flags {
	PATTERN_WILD = 1,      /* * and ? stand for others */
	PATTERN_VARIABLES = 2, /* ${...} is replaced */
	PATTERN_FOLD = 4
} bulla_policy_pattern_flags;

/* What is wrong with a text, for the caller to put in its own words; NULL when nothing is. */
BULLA_MUST bulla_code bulla_policy_pattern_make(bulla_bytes text, unsigned flags, bulla_arena *arena, bulla_policy_pattern *out,
						const char **ret_wrong, bulla_error *err);
/* A variable without a value matches nothing. The value of one is taken as it is: a * in a user's name is a star. At most |pattern| x |text| steps. */
bool bulla_policy_pattern_match(const bulla_policy_pattern *pattern, const bulla_access *access, bulla_bytes text);

#define BULLA_ARN_SECTIONS 6 /* arn:partition:service:region:account:resource; the last takes further colons */

/* Cuts at the first five colons outside of ${...}. False when there are fewer. */
bool bulla_arn_split(bulla_bytes text, bulla_bytes out[static BULLA_ARN_SECTIONS]);

/* --- statements ------------------------------------------------------------------------------------------------ */
typedef struct bulla_policy_operand {
	bulla_policy_pattern pattern;         /* strings, and ARNs that have no sections */
	const bulla_policy_pattern *sections; /* ARNs: BULLA_ARN_SECTIONS of them */
	union {
		double number;
		int64_t time_us;
		bool flag;
		bulla_policy_net net;
		bulla_bytes bytes;
	};
} bulla_policy_operand;

typedef enum bulla_policy_outcome { OUTCOME_MISS = 0, OUTCOME_HIT = 1, OUTCOME_UNREADABLE = 2 } bulla_policy_outcome;

/* Of the request's value to the document's. */
typedef enum bulla_policy_relation {
	RELATION_EQUAL = 0,
	RELATION_LESS = 1,
	RELATION_LESS_EQUAL = 2,
	RELATION_GREATER = 3,
	RELATION_GREATER_EQUAL = 4
} bulla_policy_relation;

typedef struct bulla_policy_reader bulla_policy_reader;

/* "StringNotLike", without the prefix for sets and IfExists. */
typedef struct bulla_policy_operator {
	const char *name;
	bool negated;
	bulla_policy_relation relation;
	unsigned flags; /* of the pattern */
	bulla_code (*operand)(const bulla_policy_reader *reader, const struct bulla_policy_operator *op, const bulla_json *node,
			      bulla_policy_operand *out);
	/* NULL: the operator asks whether there is a value at all */
	bulla_policy_outcome (*test)(const struct bulla_policy_operator *op, const bulla_policy_operand *operand,
				     const bulla_access *access, bulla_bytes value);
} bulla_policy_operator;

/* NULL for a name that is none. */
const bulla_policy_operator *bulla_policy_operator_find(bulla_bytes name);

typedef enum bulla_policy_set { SET_NONE = 0, SET_ALL = 1, SET_ANY = 2 } bulla_policy_set;

typedef struct bulla_policy_condition {
	const bulla_policy_operator *op;
	bulla_policy_set set;
	bool if_exists;
	bulla_bytes label; /* the operator as written */
	bulla_policy_key key;
	const bulla_policy_operand *operands;
	size_t n;
} bulla_policy_condition;

typedef enum bulla_policy_principal_kind {
	PRINCIPAL_ANY = 0,     /* "*" */
	PRINCIPAL_ACCOUNT = 1, /* 12 digits, or arn:...:root */
	PRINCIPAL_ONE = 2,     /* a user, a role or a session by its ARN, or a unique id */
	PRINCIPAL_FOREIGN = 3  /* Service, Federated, CanonicalUser: never a caller here */
} bulla_policy_principal_kind;

typedef struct bulla_policy_principal {
	bulla_policy_principal_kind kind;
	bulla_bytes text; /* ACCOUNT: its digits */
} bulla_policy_principal;

typedef struct bulla_policy_patterns {
	const bulla_policy_pattern *list;
	size_t n;
	bool except; /* NotAction, NotResource */
} bulla_policy_patterns;

typedef struct bulla_policy_statement {
	const char *sid; /* NULL when it has none */
	bool deny;
	bulla_policy_patterns actions, resources;
	const bulla_policy_principal *principals;
	size_t n_principals;
	bool except_principals;
	const bulla_policy_condition *conditions;
	size_t n_conditions;
} bulla_policy_statement;

struct bulla_policy {
	bulla_arena arena;
	bulla_policy_kind kind;
	bool variables; /* version 2012-10-17 */
	const bulla_policy_statement *statements;
	size_t n;
};

/* --- reading a document ---------------------------------------------------------------------------------------- */
/* Where a reader is; its errors say so. */
struct bulla_policy_reader {
	bulla_policy *policy;
	size_t statement;   /* from 1; 0 outside of any */
	const char *member; /* "Action", "Condition StringEquals"; NULL before one is known */
	bulla_error *err;
};

#define BULLA_SHOWN_MAX 48 /* characters of the document's that an error repeats, and a NUL */

/* `code` with the place in front of the text. */
bulla_code bulla_policy_wrong(const bulla_policy_reader *reader, bulla_code code, const char *format, ...) BULLA_PRINTF(3, 4);
/* The beginning of `text`, for an error: printable ASCII, the rest as "?". */
const char *bulla_policy_shown(bulla_bytes text, char out[static BULLA_SHOWN_MAX]);
/* No control characters: it is shown to people. */
bool bulla_policy_printable(bulla_bytes text);
/* A string of at most BULLA_POLICY_STRING_MAX bytes without control characters. */
BULLA_MUST bulla_code bulla_policy_string(const bulla_policy_reader *reader, const bulla_json *node, bulla_bytes *ret);
/* How many values `node` is: 1, or the length of an array that is not empty. */
BULLA_MUST bulla_code bulla_policy_list(const bulla_policy_reader *reader, const bulla_json *node, size_t *ret_n);
/* The value at `index` of what _list counted. */
const bulla_json *bulla_policy_item(const bulla_json *node, size_t index);
/* A copy in the policy's arena. */
BULLA_MUST bulla_code bulla_policy_keep(const bulla_policy_reader *reader, bulla_bytes text, bulla_bytes *ret);
/* A pattern in the policy's arena; variables only where the document's version has them. */
BULLA_MUST bulla_code bulla_policy_pattern_read(const bulla_policy_reader *reader, bulla_bytes text, unsigned flags,
						bulla_policy_pattern *out);

BULLA_MUST bulla_code bulla_policy_conditions_read(bulla_policy_reader *reader, const bulla_json *node,
						   bulla_policy_statement *out);
BULLA_MUST bulla_code bulla_policy_principals_read(bulla_policy_reader *reader, const bulla_json *node,
						   bulla_policy_statement *out);

/* --- asking ---------------------------------------------------------------------------------------------------- */
typedef enum bulla_policy_answer { ANSWER_NO = 0, ANSWER_BY_ACCOUNT = 1, ANSWER_YES = 2 } bulla_policy_answer;

bulla_policy_answer bulla_policy_principals_match(const bulla_policy_statement *statement, const bulla_access *access);
/* `deny`: what a value that cannot be read counts as, and whether one of several will do where there should be one. `ret_absent` (may be NULL): the request
 * has no such key. */
bool bulla_policy_condition_holds(const bulla_policy_condition *condition, const bulla_access *access, bool deny,
				  bool *ret_absent);

#endif
