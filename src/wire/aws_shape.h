/*
 * aws_shape.h - how the types of AWS's model are written down, for the tables and for what walks them.
 */
#ifndef WIRE_AWS_SHAPE_H
#define WIRE_AWS_SHAPE_H

#include "wire/aws_model.h"

typedef enum bulla_aws_kind {
	BULLA_AWS_TEXT,
	BULLA_AWS_ONE_OF, /* a string out of `values` */
	BULLA_AWS_BLOB,
	BULLA_AWS_INTEGER,
	BULLA_AWS_BOOLEAN,
	BULLA_AWS_MOMENT,
	BULLA_AWS_CONTEXT, /* a map from string to string */
	BULLA_AWS_LIST,
	BULLA_AWS_STRUCTURE,
	BULLA_AWS_KINDS
} bulla_aws_kind;

/* A pattern of the model: its text, and what it means. */
typedef struct bulla_aws_pattern {
	const char *text;
	bool (*matches)(bulla_bytes text);
} bulla_aws_pattern;

typedef struct bulla_aws_shape {
	bulla_aws_kind kind;
	bool hidden;  /* its value is in no text */
	bool bounded; /* `min` and `max` hold: of an integer, of a length in characters, bytes or elements */
	int64_t min, max;
	const bulla_aws_pattern *pattern;
	const char *const *values;
	size_t n_values;
	const struct bulla_aws_shape *element;
	const struct bulla_aws_field *fields; /* of a structure */
	size_t n_fields;
} bulla_aws_shape;

typedef struct bulla_aws_field {
	const char *name; /* "KeyId" */
	const bulla_aws_shape *shape;
	bool required; /* in its structure; of an operation's own members the operation says it */
} bulla_aws_field;

#define BULLA_AWS_INPUTS_MAX 13 /* members of one operation */
#define BULLA_AWS_REQUIRED   0x80

_Static_assert(BULLA_AWS_MEMBERS <= BULLA_AWS_REQUIRED, "a member and the mark fit into a byte");

struct bulla_aws_operation {
	const char *name;
	uint8_t inputs[BULLA_AWS_INPUTS_MAX]; /* bulla_aws_member, some with BULLA_AWS_REQUIRED; zeros at the end */
};

extern const bulla_aws_field bulla_aws_members[BULLA_AWS_MEMBERS];
extern const bulla_aws_operation bulla_aws_operations[BULLA_AWS_OPERATIONS];

/* The patterns that the model has. */
extern const bulla_aws_pattern bulla_aws_pattern_name, bulla_aws_pattern_policy, bulla_aws_pattern_marker,
	bulla_aws_pattern_principal, bulla_aws_pattern_policy_name, bulla_aws_pattern_region, bulla_aws_pattern_hex,
	bulla_aws_pattern_material_description, bulla_aws_pattern_account, bulla_aws_pattern_cluster, bulla_aws_pattern_xks_key,
	bulla_aws_pattern_xks_id, bulla_aws_pattern_xks_secret, bulla_aws_pattern_xks_endpoint, bulla_aws_pattern_xks_path,
	bulla_aws_pattern_xks_service;

#endif
