/*
 * serve_dev.c - `kms serve --dev`: a server to try things on, on this host alone, whose one principal may do everything.
 */
#include "cli/serve.h"
#include "kms/access_pair.h"
#include "kms/order.h"
#include "kms/snapshot.h"

#include <string.h>

#define NAME        "dev"
#define POLICY_NAME "everything"
#define POLICY                                                                                                                   \
	"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"Everything\",\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":" \
	"\"*\"}]}"

bulla_code bulla_dev_check(const bulla_serving *serving, bulla_error *err)
{
	static const char *const loopback[] = { "127.", "[::1]:", "localhost:", "unix:" };
	for (size_t i = 0; i < sizeof loopback / sizeof *loopback; i++)
		if (strncmp(serving->listen, loopback[i], strlen(loopback[i])) == 0) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_REFUSED, "--dev listens on this host alone, and %s is reached from others",
				     serving->listen);
	return bulla_advise(err, code,
			    "--listen 127.0.0.1:7454; or leave --dev out and make principals: bulla kms principal add NAME");
}

static bulla_code give(const bulla_serving *serving, bulla_order_kind kind, bulla_order order, bulla_error *err)
{
	order.text = bulla_view_str(NAME);
	return bulla_engine_order(serving->project->engine, kind, &order, err);
}

static bulla_code has_principal(const bulla_serving *serving, bool *ret, bulla_error *err)
{
	bulla_snapshot *now = NULL;
	TRY(bulla_engine_acquire(serving->project->engine, &now, err));
	*ret = bulla_rights_principal(&now->rights, bulla_view_str(NAME)) != NULL;
	bulla_snapshot_unref(now);
	return BULLA_OK;
}

bulla_code bulla_dev_principal(const bulla_serving *serving, bulla_error *err)
{
	BULLA_ACCESS_PAIR pair = { 0 };
	bool there = false;
	TRY(has_principal(serving, &there, err));
	if (there) return BULLA_OK;
	TRY(bulla_access_pair_make(&pair, err));
	TRY(give(serving, BULLA_ORDER_ADD_PRINCIPAL, (bulla_order){ 0 }, err));
	TRY(give(serving, BULLA_ORDER_PUT_POLICY,
		 (bulla_order){ .name = bulla_view_str(POLICY_NAME), .document = bulla_view_str(POLICY) }, err));
	return give(serving, BULLA_ORDER_ADD_ACCESS_KEY,
		    (bulla_order){ .name = bulla_view_str(pair.id), .secret = bulla_view_str(pair.secret) }, err);
}

static const bulla_access_key *key_of(const bulla_snapshot *now)
{
	for (size_t i = 0; i < now->rights.key_count; i++)
		if (bulla_bytes_is(now->rights.keys[i].principal->name, NAME) && now->rights.keys[i].data.active)
			return &now->rights.keys[i];
	return NULL;
}

bulla_code bulla_dev_print(const bulla_serving *serving, const char *url, bulla_error *err)
{
	bulla_snapshot *now = NULL;
	TRY(bulla_engine_acquire(serving->project->engine, &now, err));
	const bulla_access_key *key = key_of(now);
	if (key) {
		bulla_cli_print(serving->cli, "export AWS_ACCESS_KEY_ID=%.*s", (int)key->id.len, (const char *)key->id.data);
		bulla_cli_print(serving->cli, "export AWS_SECRET_ACCESS_KEY=%.*s", (int)key->secret_len,
				(const char *)key->secret->bytes);
		bulla_cli_print(serving->cli, "export AWS_DEFAULT_REGION=%s", serving->place.region); /* the AWS CLI, boto3 */
		bulla_cli_print(serving->cli, "export AWS_REGION=%s", serving->place.region);         /* the others */
		bulla_cli_print(serving->cli, "export AWS_ENDPOINT_URL_KMS=%s", url);
	}
	bulla_snapshot_unref(now);
	return key ? BULLA_OK : bulla_fail(err, BULLA_ERR_NOT_FOUND, "the principal " NAME " has no access key that is active");
}
