/*
 * permit.c - what the commands share that say who may use a key store.
 */
#include "cli/permit.h"
#include "base/yaml.h"

#define VERBS_MAX 16

static const bulla_option *option_of(const bulla_cli *cli, const char *name)
{
	for (const bulla_option *o = cli->command->options; o && o->name; o++)
		if (strcmp(o->name, name) == 0) return o;
	return NULL;
}

static const char *value_of(const bulla_cli *cli, const char *name)
{
	return option_of(cli, name) ? bulla_cli_value(cli, name) : NULL;
}

bulla_code bulla_permit_open(bulla_cli *cli, bulla_project **ret, bulla_error *err)
{
	const bulla_place place = { .store = bulla_cli_value(cli, "store"),
				    .root_key = bulla_cli_value(cli, "root-key"),
				    .account = value_of(cli, "account"),
				    .region = value_of(cli, "region") };
	if (place.store) return bulla_place_open(&place, false, ret, NULL, 0, err);
	if (place.root_key)
		return bulla_fail(err, BULLA_ERR_USAGE, "--root-key belongs to --store; without it both are those of bulla.yaml");
	return bulla_place_open_config(bulla_cli_value(cli, "config"), bulla_cli_value(cli, "env"), &place, ret, err);
}

bulla_code bulla_permit_check_endpoint(const bulla_cli *cli, bulla_error *err)
{
	bool store = bulla_cli_value(cli, "store") || bulla_cli_value(cli, "root-key");
	if (!store || !bulla_cli_value(cli, "endpoint")) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_USAGE, "a store or a server: --store or --endpoint");
}

/* --- verbs ----------------------------------------------------------------------------------------------------- */
static bulla_code fail_verb(const bulla_cli *cli, const bulla_verb *verbs, bulla_error *err)
{
	const char *wrong = bulla_cli_argument(cli, 0), *names[VERBS_MAX] = { NULL };
	for (size_t i = 0; verbs[i].name && i + 1 < VERBS_MAX; i++)
		names[i] = verbs[i].name;
	const char *near = bulla_yaml_nearest(wrong, names), *command = cli->command->name;
	bulla_code code = near ? bulla_fail(err, BULLA_ERR_USAGE, "there is no command %s %s; did you mean %s %s?", command,
					    wrong, command, near)
			       : bulla_fail(err, BULLA_ERR_USAGE, "there is no command %s %s", command, wrong);
	return bulla_advise(err, code, "bulla help %s", command);
}

static bulla_code check_count(const bulla_cli *cli, const bulla_verb *verb, bulla_error *err)
{
	size_t n = cli->argument_count - 1;
	if (n >= verb->least && n <= verb->most) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_USAGE, "too %s arguments: bulla %s %s %s", n < verb->least ? "few" : "many",
				     cli->command->name, verb->name, verb->usage);
	return bulla_advise(err, code, "bulla help %s", cli->command->name);
}

bulla_code bulla_verb_run(bulla_cli *cli, const bulla_verb *verbs, bulla_error *err)
{
	BULLA_PROJECT_AUTO project = NULL;
	const bulla_verb *verb = verbs;
	while (verb->name && strcmp(verb->name, bulla_cli_argument(cli, 0)) != 0)
		verb++;
	if (!verb->name) return fail_verb(cli, verbs, err);
	TRY(check_count(cli, verb, err));
	TRY(bulla_permit_open(cli, &project, err));
	return verb->run(cli, project, err);
}

const char *bulla_verb_argument(const bulla_cli *cli, size_t i)
{
	return bulla_cli_argument(cli, i + 1);
}

/* --- what they do ---------------------------------------------------------------------------------------------- */
bulla_code bulla_permit_order(bulla_project *project, bulla_order_kind kind, bulla_order order, bulla_error *err)
{
	return bulla_engine_order(project->engine, kind, &order, err);
}

bulla_code bulla_permit_principal(const bulla_cli *cli, const bulla_snapshot *now, const bulla_principal **ret, bulla_error *err)
{
	const char *name = bulla_verb_argument(cli, 0);
	*ret = bulla_rights_principal(&now->rights, bulla_view_str(name));
	if (*ret) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_NOT_FOUND, "there is no principal %s", name);
	return bulla_advise(err, code, "bulla kms principal list; or make it: bulla kms principal add NAME");
}
