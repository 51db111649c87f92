/*
 * aws_complain.h - what is wrong with a request, in the words of AWS's ValidationException.
 */
#ifndef WIRE_AWS_COMPLAIN_H
#define WIRE_AWS_COMPLAIN_H

#include "wire/aws_shape.h"

/* Where in the input: `tags.1.member.tagKey` is three of them. An element of a list has no name; its index begins at 1. */
typedef struct bulla_aws_spot {
	const struct bulla_aws_spot *in; /* NULL: the input itself */
	const char *name;
	size_t index;
} bulla_aws_spot;

/* The constraints of a shape that a value breaks, as bits. */
enum {
	BULLA_AWS_BREAKS_MOST = 1,
	BULLA_AWS_BREAKS_LEAST = 2,
	BULLA_AWS_BREAKS_PATTERN = 4,
	BULLA_AWS_BREAKS_VALUES = 8,
	BULLA_AWS_BREAKS_KINDS = 4
};

/* Collected until the whole input was looked at; all zero is none. */
typedef struct bulla_aws_complaints {
	size_t n;
	bulla_buf text; /* up to a fault's length; what is beyond is counted only */
} bulla_aws_complaints;

/* The bits of what `value`, read as `shape`, breaks. Of lists and structures: their own bounds, not their elements'. */
unsigned bulla_aws_broken(const bulla_aws_shape *shape, const bulla_aws_value *value);

/* "Value null at 'keyId' failed to satisfy constraint: Member must not be null" */
void bulla_aws_complain_missing(bulla_aws_complaints *complaints, const bulla_aws_spot *spot);
/* One complaint for each bit of `broken`. */
void bulla_aws_complain(bulla_aws_complaints *complaints, const bulla_aws_spot *spot, const bulla_aws_shape *shape,
			const bulla_aws_value *value, unsigned broken);
/* Of a list, some element of which breaks something. */
void bulla_aws_complain_elements(bulla_aws_complaints *complaints, const bulla_aws_spot *spot, const bulla_aws_shape *list,
				 const bulla_aws_value *value);

/* "2 validation errors detected: ...; ..." into `fault`, and frees the text. True where there is no complaint. */
BULLA_MUST bool bulla_aws_complaints_end(bulla_aws_complaints *complaints, bulla_aws_fault *fault);

#endif
