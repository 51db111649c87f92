/*
 * permit.h - what the commands share that say who may use a key store: opening it, the options that name it, answers as JSON and as text.
 */
#ifndef CLI_PERMIT_H
#define CLI_PERMIT_H

#include "cli/work.h"
#include "kms/order.h"
#include "kms/snapshot.h"
#include "lib/place.h"

/* The options of every command that opens a key store by itself. */
#define BULLA_STORE_OPTIONS                                                                                                      \
	{ "store", 's', "URL", "the key store: sqlite:PATH or postgresql://... (that of bulla.yaml)" },                          \
	{                                                                                                                        \
		"root-key", 0, "SPEC", "with --store: file:PATH, passphrase:..., fd:N (file:.bulla/root.key)"                    \
	}

/* And of those that ask a key server as well. */
#define BULLA_ENDPOINT_OPTION                                                                                                    \
	{                                                                                                                        \
		"endpoint", 0, "URL",                                                                                            \
			"a key server instead: http(s)://HOST:PORT, unix:PATH; AWS_ACCESS_KEY_ID etc. say who asks"              \
	}

/* USAGE for --endpoint together with --store or --root-key. */
BULLA_MUST bulla_code bulla_permit_check_endpoint(const bulla_cli *cli, bulla_error *err);

/* The store that --store names, else that of bulla.yaml; with --account and --region where the command has them. */
BULLA_MUST bulla_code bulla_permit_open(bulla_cli *cli, bulla_project **ret, bulla_error *err);

/* A verb of a command that has several: "bulla kms principal add". */
typedef struct bulla_verb {
	const char *name;
	size_t least, most; /* arguments behind it */
	const char *usage;
	bulla_code (*run)(bulla_cli *cli, bulla_project *project, bulla_error *err);
} bulla_verb;

/* Finds the verb in the first argument, opens the store and runs it; the list ends with a NULL name. USAGE with what was probably meant. */
BULLA_MUST bulla_code bulla_verb_run(bulla_cli *cli, const bulla_verb *verbs, bulla_error *err);

/* The argument behind the verb, from 0. */
const char *bulla_verb_argument(const bulla_cli *cli, size_t i);

/* An order of this process itself. */
BULLA_MUST bulla_code bulla_permit_order(bulla_project *project, bulla_order_kind kind, bulla_order order, bulla_error *err);

/* The principal that the first argument behind the verb names, in `now`. NOT_FOUND. */
BULLA_MUST bulla_code bulla_permit_principal(const bulla_cli *cli, const bulla_snapshot *now, const bulla_principal **ret,
					     bulla_error *err);

static inline void bulla_snapshot_given_back(bulla_snapshot **snapshot)
{
	bulla_snapshot_unref(*snapshot);
}

#define BULLA_SNAPSHOT_AUTO __attribute__((cleanup(bulla_snapshot_given_back))) bulla_snapshot *

#endif
