/*
 * serve.h - what `kms serve` runs with.
 */
#ifndef CLI_SERVE_H
#define CLI_SERVE_H

#include "cli/cli.h"
#include "lib/place.h"

#define BULLA_SERVE_REGIONS_MAX 32

typedef struct bulla_serving {
	bulla_cli *cli;
	bulla_place place;
	bool dev;
	const char *listen;
	char inherited[16]; /* "fd:3" */
	const char *regions[BULLA_SERVE_REGIONS_MAX];
	size_t n_regions;
	bulla_project *project;
} bulla_serving;

/* serve_dev.c: refuses any address but the loopback's. */
BULLA_MUST bulla_code bulla_dev_check(const bulla_serving *serving, bulla_error *err);
/* The principal `dev`, which may do everything, with an access key: made where it is not there. */
BULLA_MUST bulla_code bulla_dev_principal(const bulla_serving *serving, bulla_error *err);
/* Prints its variables, to copy. `url` is where the server listens. */
BULLA_MUST bulla_code bulla_dev_print(const bulla_serving *serving, const char *url, bulla_error *err);

#endif
