/*
 * schema_environment.c - environments: which keys, in which order, with which cache limits; the databases.
 */
#include "core/schema_read.h"

#include "format/wrapped_key.h"

#include <stdio.h>
#include <string.h>

#define DEVELOPMENT   "development"
#define MAX_AGE_MAX   (24 * 3600 * (int64_t)1000)
#define RETENTION_MAX (36500 * (int64_t)86400 * 1000) /* a hundred years */
#define MAX_USES_MAX  1000000000000000u
#define MAX_KEYS_MAX  1000000

bool bulla_key_encrypts_only(const char *key_id)
{
	static const char ending[] = "/encrypt";
	size_t len = strlen(key_id);
	return len >= sizeof ending - 1 && strcmp(key_id + len - (sizeof ending - 1), ending) == 0;
}

bool bulla_key_is_insecure(const char *key_id)
{
	return strcmp(key_id, "insecure-test-key") == 0 || strcmp(key_id, "insecure-test-key/encrypt") == 0;
}

/* --- keys --------------------------------------------------------------------------------------------------------------------- */

/* The entry's own place where the list has one. */
static const bulla_yaml *item_at(const bulla_yaml *list, size_t position)
{
	if (!list || list->kind != BULLA_YAML_LIST) return list;
	const bulla_yaml *item = list->first;
	while (position--)
		item = item->next;
	return item;
}

static bulla_code refuse_insecure(bulla_schema_reader *r, const bulla_yaml *node, const bulla_environment *env,
				  const char *key_id)
{
	if (env->insecure || !bulla_key_is_insecure(key_id)) return BULLA_OK;
	bulla_code code =
		bulla_yaml_fail(r->document, node, r->err, "the environment %.64s uses the insecure test key", env->name);
	return bulla_advise(r->err, code, "name another key, or for tests write insecure: true in that environment");
}

static bulla_code use_one_key(bulla_schema_reader *r, bulla_environment *env, const char *key_id)
{
	TRY(bulla_schema_take(r, 1, sizeof *env->keys, &env->keys));
	TRY(bulla_arena_copy(&r->schema->arena, bulla_view_str(key_id), &env->keys[0], r->err));
	env->key_count = 1;
	return BULLA_OK;
}

/* KMS_KEY_ID stands in where no key is named. Whether there is one at all matters only for the environment that is used. */
static bulla_code default_key(bulla_schema_reader *r, bulla_environment *env)
{
	if (!r->kms_key_id || !*r->kms_key_id)
		return strcmp(env->name, DEVELOPMENT) == 0 ? use_one_key(r, env, "local") : BULLA_OK;
	if (strlen(r->kms_key_id) > BULLA_SETTING_MAX)
		return bulla_fail(r->err, BULLA_ERR_CONFIG, "KMS_KEY_ID has more than %d bytes", BULLA_SETTING_MAX);
	if (bulla_key_is_insecure(r->kms_key_id) && !env->insecure) return BULLA_OK; /* judged where it is used: pick() */
	return use_one_key(r, env, r->kms_key_id);
}

static bulla_code check_previous(bulla_schema_reader *r, const bulla_yaml *list, const bulla_environment *env)
{
	for (size_t i = 0; i < env->previous_count; i++) {
		const bulla_yaml *node = item_at(list, i);
		TRY(refuse_insecure(r, node, env, env->previous[i]));
		if (bulla_key_encrypts_only(env->previous[i]))
			return bulla_yaml_fail(r->document, node, r->err,
					       "a previous key is there to decrypt, and this one can only encrypt");
		for (size_t k = 0; k < env->key_count; k++)
			if (strcmp(env->keys[k], env->previous[i]) == 0)
				return bulla_yaml_fail(r->document, node, r->err,
						       "this key is among the environment's keys already");
	}
	return BULLA_OK;
}

static bulla_code read_keys(bulla_schema_reader *r, const bulla_yaml *node, bulla_environment *env)
{
	const bulla_yaml *one = bulla_yaml_get(node, "key"), *many = bulla_yaml_get(node, "keys");
	if (one && many) return bulla_yaml_fail_key(r->document, many, r->err, "key and keys: one of them is enough");
	if (one && one->kind == BULLA_YAML_LIST)
		return bulla_yaml_fail(r->document, one, r->err, "a list is written keys: [...]");
	TRY(bulla_schema_list(r, node, one ? "key" : "keys", BULLA_WRAPS_MAX, BULLA_SETTING_MAX, &env->keys, &env->key_count));
	for (size_t i = 0; i < env->key_count; i++)
		TRY(refuse_insecure(r, item_at(one ? one : many, i), env, env->keys[i]));
	if (env->key_count == 0) TRY(default_key(r, env));
	TRY(bulla_schema_list(r, node, "previous", BULLA_PREVIOUS_MAX, BULLA_SETTING_MAX, &env->previous, &env->previous_count));
	return check_previous(r, bulla_yaml_get(node, "previous"), env);
}

/* --- one environment ---------------------------------------------------------------------------------------------------------- */

static bulla_code read_cache(bulla_schema_reader *r, const bulla_yaml *node, bulla_cache_limits *cache)
{
	static const char *const keys[] = { "max_age", "max_uses", "max_keys", NULL };
	const bulla_yaml *map = bulla_yaml_get(node, "cache");
	uint64_t max_keys = cache->max_keys;
	if (!map) return BULLA_OK;
	TRY(bulla_yaml_check_keys(r->document, map, keys, r->err));
	TRY(bulla_schema_duration(r, map, "max_age", 1, MAX_AGE_MAX, &cache->max_age_ms));
	TRY(bulla_schema_number(r, map, "max_uses", 1, MAX_USES_MAX, &cache->max_uses));
	TRY(bulla_schema_number(r, map, "max_keys", 1, MAX_KEYS_MAX, &max_keys));
	cache->max_keys = (size_t)max_keys;
	return BULLA_OK;
}

static bulla_code read_audit(bulla_schema_reader *r, const bulla_yaml *node, bulla_environment *env)
{
	static const char *const keys[] = { "witness", NULL };
	const bulla_yaml *map = bulla_yaml_get(node, "audit");
	if (!map) return BULLA_OK;
	TRY(bulla_yaml_check_keys(r->document, map, keys, r->err));
	return bulla_schema_list(r, map, "witness", 16, BULLA_SETTING_MAX, &env->witnesses, &env->witness_count);
}

static bulla_code read_backups(bulla_schema_reader *r, const bulla_yaml *node, bulla_environment *env)
{
	static const char *const keys[] = { "retention", NULL };
	const bulla_yaml *map = bulla_yaml_get(node, "backups");
	if (!map) return BULLA_OK;
	TRY(bulla_yaml_check_keys(r->document, map, keys, r->err));
	return bulla_schema_duration(r, map, "retention", 1, RETENTION_MAX, &env->backup_retention_ms);
}

static bulla_environment defaults(const char *name)
{
	return (bulla_environment){ .name = name,
				    .cache = { .max_age_ms = 300000, .max_uses = 10000, .max_keys = 1000 },
				    .store = "sqlite:.bulla/kms.db",
				    .root_key = "file:.bulla/root.key" };
}

static bulla_code read_environment(bulla_schema_reader *r, const bulla_yaml *node, bulla_environment *env)
{
	static const char *const keys[] = { "key",      "keys",     "previous", "min_wraps", "cache", "store",
					    "root_key", "insecure", "audit",    "backups",   NULL };
	*env = defaults(node->key);
	TRY(bulla_yaml_check_keys(r->document, node, keys, r->err));
	TRY(bulla_schema_flag(r, node, "insecure", &env->insecure));
	TRY(read_keys(r, node, env));
	size_t count = env->key_count ? env->key_count : 1; /* at least one there will be */
	uint64_t min_wraps = count;
	TRY(bulla_schema_number(r, node, "min_wraps", 1, count, &min_wraps));
	env->min_wraps = (size_t)min_wraps;
	TRY(read_cache(r, node, &env->cache));
	TRY(read_audit(r, node, env));
	TRY(read_backups(r, node, env));
	TRY(bulla_schema_text(r, node, "store", BULLA_SETTING_MAX, &env->store));
	return bulla_schema_text(r, node, "root_key", BULLA_SETTING_MAX, &env->root_key);
}

/* --- choosing ----------------------------------------------------------------------------------------------------------------- */

static bulla_code no_such_environment(bulla_schema_reader *r, const char *name)
{
	char list[160] = "";
	size_t used = 0;
	for (size_t i = 0; i < r->schema->environment_count && used < sizeof list; i++)
		used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", r->schema->environments[i].name);
	bulla_code code =
		bulla_yaml_fail(r->document, NULL, r->err, "there is no environment \"%.64s\"; there are: %s", name, list);
	return bulla_advise(r->err, code, "choose one with --env or BULLA_ENV, or add it under environments:");
}

static bulla_code pick(bulla_schema_reader *r, const char *name)
{
	const bulla_schema *s = r->schema;
	for (size_t i = 0; i < s->environment_count && !s->selected; i++)
		if (strcmp(s->environments[i].name, name) == 0) r->schema->selected = &s->environments[i];
	if (!s->selected) return no_such_environment(r, name);
	if (s->selected->key_count) return BULLA_OK;
	if (r->kms_key_id && *r->kms_key_id) {
		bulla_fail(r->err, BULLA_ERR_CONFIG,
			   "KMS_KEY_ID names the insecure test key, and the environment %.64s is not marked insecure", name);
		return bulla_advise(r->err, BULLA_ERR_CONFIG,
				    "name another key, or for tests write insecure: true in that environment");
	}
	bulla_yaml_fail(r->document, NULL, r->err, "the environment \"%.64s\" names no key", name);
	return bulla_advise(r->err, BULLA_ERR_CONFIG, "write key: or keys: in it, or set KMS_KEY_ID");
}

/* Where the file names no environments there is development all the same. */
static bulla_code only_development(bulla_schema_reader *r)
{
	bulla_schema *s = r->schema;
	TRY(bulla_schema_take(r, 1, sizeof *s->environments, &s->environments));
	s->environment_count = 1;
	s->environments[0] = defaults(DEVELOPMENT);
	s->environments[0].min_wraps = 1;
	return default_key(r, &s->environments[0]);
}

/* A variable that only production has does not stop development: such an environment is known by name alone. */
static bulla_code read_or_name(bulla_schema_reader *r, const bulla_yaml *node, const char *selected, bulla_environment *env)
{
	if (strcmp(node->key, selected) == 0) {
		TRY(bulla_yaml_check_set(r->document, node, r->err));
	} else if (bulla_yaml_check_set(r->document, node, NULL) != BULLA_OK) {
		*env = defaults(node->key);
		env->unread = true;
		return BULLA_OK;
	}
	return read_environment(r, node, env);
}

bulla_code bulla_schema_environments(bulla_schema_reader *r, const bulla_yaml *root, const char *selected)
{
	bulla_schema *s = r->schema;
	const bulla_yaml *map;
	size_t n;
	TRY(bulla_schema_map(r, root, "environments", BULLA_ENVIRONMENTS_MAX, &map, &n));
	if (n == 0) {
		TRY(only_development(r));
		return pick(r, selected);
	}
	TRY(bulla_schema_take(r, n, sizeof *s->environments, &s->environments));
	for (const bulla_yaml *node = map->first; node; node = node->next)
		TRY(read_or_name(r, node, selected, &s->environments[s->environment_count++]));
	return pick(r, selected);
}

/* --- databases ---------------------------------------------------------------------------------------------------------------- */

static bulla_code read_database(bulla_schema_reader *r, const bulla_yaml *node, bulla_database *database)
{
	static const char *const keys[] = { "url", NULL };
	static const char *const schemes[] = { "sqlite:", "postgresql://", "postgres://", "mysql://", "mariadb://" };
	database->name = node->key;
	TRY(bulla_yaml_check_keys(r->document, node, keys, r->err));
	TRY(bulla_schema_text(r, node, "url", BULLA_SETTING_MAX, &database->url));
	if (!database->url) return bulla_yaml_fail_key(r->document, node, r->err, "the database %.64s needs a url", node->key);
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (strncmp(database->url, schemes[i], strlen(schemes[i])) == 0 && database->url[strlen(schemes[i])])
			return BULLA_OK;
	return bulla_yaml_fail(r->document, bulla_yaml_get(node, "url"), r->err,
			       "url must be sqlite:PATH, postgresql://... or mysql://...");
}

bulla_code bulla_schema_database_list(bulla_schema_reader *r, const bulla_yaml *root)
{
	bulla_schema *s = r->schema;
	const bulla_yaml *map;
	size_t n;
	TRY(bulla_yaml_check_set(r->document, bulla_yaml_get(root, "databases"), r->err));
	TRY(bulla_schema_map(r, root, "databases", BULLA_DATABASES_MAX, &map, &n));
	if (n == 0) return BULLA_OK;
	TRY(bulla_schema_take(r, n, sizeof *s->databases, &s->databases));
	for (const bulla_yaml *node = map->first; node; node = node->next)
		TRY(read_database(r, node, &s->databases[s->database_count++]));
	return BULLA_OK;
}
