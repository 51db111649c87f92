/*
 * test_schema.c - bulla.yaml read field by field, and everything that is wrong with one told with its place.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "core/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *lookup(void *self, const char *name)
{
	(void)self;
	if (strcmp(name, "PASSWORD") == 0) return "hunter2";
	if (strcmp(name, "KEY") == 0) return "alias/users";
	return strcmp(name, "USES") == 0 ? "77" : NULL;
}

static bulla_code parse_as(const char *text, const char *environment, const char *kms_key_id, bulla_schema **out,
			   bulla_error *err)
{
	return bulla_schema_parse(bulla_view_str(text), "bulla.yaml", environment, kms_key_id, lookup, NULL, out, err);
}

static bulla_schema *parse(const char *text, const char *environment)
{
	bulla_schema *schema = NULL;
	bulla_error err = { 0 };
	if (parse_as(text, environment, NULL, &schema, &err) != BULLA_OK) fail_msg("%s\n%s", err.text, text);
	return schema;
}

static const bulla_model *model_of(const bulla_schema *schema, const char *key)
{
	const bulla_model *model = NULL;
	assert_int_equal(bulla_schema_model(schema, key, &model, NULL), BULLA_OK);
	return model;
}

static void assert_template(const bulla_model *model, const bulla_template *t, const char *expected)
{
	char text[200] = "";
	for (size_t i = 0; i < t->parts; i++) {
		const char *part = t->part[i].literal ? t->part[i].literal : model->inputs[t->part[i].input];
		snprintf(text + strlen(text), sizeof text - strlen(text), t->part[i].literal ? "%s" : "<%s>", part);
	}
	assert_string_equal(text, expected);
}

/* "name=constant" or "name=<column>", an asterisk behind what carries a check. */
static void assert_context(const bulla_model *model, const bulla_context_part *part, size_t n, const char *expected)
{
	char text[400] = "", value[200];
	for (size_t i = 0; i < n; i++) {
		value[0] = 0;
		for (size_t p = 0; !part[i].constant && p < part[i].template_.parts; p++) {
			const struct bulla_template_part *t = &part[i].template_.part[p];
			snprintf(value + strlen(value), sizeof value - strlen(value), t->literal ? "%s" : "<%s>",
				 t->literal ? t->literal : model->inputs[t->input]);
		}
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s=%s%s", i ? " " : "", part[i].name,
			 part[i].constant ? part[i].value : value, part[i].checked ? "*" : "");
	}
	assert_string_equal(text, expected);
}

/* --- the design's own example ------------------------------------------------------------------------------------------------- */

static const char example[] =
	"version: 1\n"
	"environments:\n"
	"  development: { key: local }                 # short for keys: [local]\n"
	"  production:\n"
	"    keys: [arn:aws:kms:eu-west-1:\xe2\x80\xa6, arn:aws:kms:us-east-1:\xe2\x80\xa6]   # all wrap, the first that answers "
	"unwraps\n"
	"    previous: [alias/old-users]               # unwrap only\n"
	"    min_wraps: 1\n"
	"    cache: { max_age: 300s, max_uses: 10000, max_keys: 1000 }\n"
	"    store: sqlite:.bulla/kms.db               # engine and branch keys (branch keys also under cloud KMSs); or "
	"postgresql://\xe2\x80\xa6\n"
	"    root_key: file:.bulla/root.key            # 0600; or passphrase:file:P | passphrase:env:N | passphrase:prompt | "
	"fd:N | "
	"pkcs11:\xe2\x80\xa6\n"
	"databases:\n"
	"  main: { url: sqlite:app.db }                # or postgresql://\xe2\x80\xa6, mysql://\xe2\x80\xa6\n"
	"models:\n"
	"  users:\n"
	"    table: users                              # schema-qualified and quoted names as the database writes them\n"
	"    primary_key: id                           # or [tenant_id, id]\n"
	"    context: { model_name: User, model_id: \"{id}\" }\n"
	"    data_key: record                          # record | field | table | none (the KMS encrypts the value itself, 4096 "
	"bytes at most)\n"
	"    branch_key: { name: \"user:{id}\", under: users }   # optional; a branch hangs from the KMS key or from another "
	"branch\n"
	"    fields:\n"
	"      email: { type: string, index: { normalize: lowercase, unique: true } }\n"
	"      first_name: {}\n"
	"      ssn: { index: { expression: last4 } }\n";

static void check_example_model(const bulla_model *m)
{
	assert_string_equal(m->name, "User");
	assert_string_equal(m->table, "users");
	assert_string_equal(m->database, "main");
	assert_int_equal(m->primary_key_count, 1);
	assert_string_equal(m->primary_key[0], "id");
	assert_int_equal(m->input_count, 1);
	assert_string_equal(m->inputs[0], "id");
	assert_context(m, m->context, m->context_count, "model_name=User* model_id=<id>*");
	assert_template(m, &m->branch.name, "user:<id>");
	assert_string_equal(m->branch.name.text, "user:{id}");
	assert_string_equal(m->branch.under, "users");
	assert_int_equal(m->data_key, BULLA_DATA_KEY_RECORD);
	assert_int_equal(m->key_count, 1);
	assert_string_equal(m->keys[0].column, "encrypted_kms_key");
	assert_null(m->keys[0].name);
	assert_null(m->keys[0].kms_key);
	assert_ptr_equal(m->keys[0].context, m->context);
	assert_int_equal(m->source->key_line, 14);
	assert_false(m->migrating || m->two_step_insert || m->reseal_record);
	assert_int_equal(m->read, BULLA_READ_CIPHERTEXT);
}

static void check_example_fields(const bulla_model *m)
{
	assert_int_equal(m->field_count, 3);
	const bulla_field *email = &m->fields[0], *first = &m->fields[1], *ssn = &m->fields[2];
	assert_string_equal(email->name, "email");
	assert_string_equal(email->plaintext, "email");
	assert_string_equal(email->column, "email_ciphertext");
	assert_int_equal(email->type, BULLA_TYPE_STRING);
	assert_int_equal(first->type, BULLA_TYPE_ANY); /* sqlite:'s default */
	assert_int_equal(first->position, 1);
	assert_null(first->index);
	assert_null(first->data_key);
	assert_int_equal(first->key, 0);
	assert_int_equal(first->padding, 0);
	assert_false(first->null_sealed || first->base64);
	assert_string_equal(email->index->name, "email");
	assert_string_equal(email->index->column, "email_bidx");
	assert_int_equal(email->index->bits, 128);
	assert_int_equal(email->index->version, 1);
	assert_int_equal(email->index->normalize, BULLA_NORMALIZE_LOWERCASE);
	assert_int_equal(email->index->kind, BULLA_INDEX_FAST);
	assert_true(email->index->unique);
	assert_false(email->index->by_job);
	assert_null(email->index->scope);
	assert_string_equal(ssn->index->name, "ssn_last4");
	assert_string_equal(ssn->index->column, "ssn_bidx");
	assert_int_equal(ssn->index->expression, BULLA_EXPRESSION_LAST4);
	assert_false(ssn->index->unique);
}

static void the_example_of_the_design(void **state)
{
	(void)state;
	bulla_schema *schema = parse(example, NULL);
	const bulla_environment *env = bulla_schema_environment(schema);
	assert_string_equal(env->name, "development");
	assert_int_equal(env->key_count, 1);
	assert_string_equal(env->keys[0], "local");
	assert_int_equal(env->min_wraps, 1);
	assert_true(env->cache.max_age_ms == 300000 && env->cache.max_uses == 10000 && env->cache.max_keys == 1000);
	assert_string_equal(env->store, "sqlite:.bulla/kms.db");
	assert_string_equal(env->root_key, "file:.bulla/root.key");
	size_t n;
	const bulla_database *databases = bulla_schema_databases(schema, &n);
	assert_int_equal(n, 1);
	assert_string_equal(databases[0].name, "main");
	assert_string_equal(databases[0].url, "sqlite:app.db");
	bulla_schema_models(schema, &n);
	assert_int_equal(n, 1);
	check_example_model(model_of(schema, "users"));
	check_example_fields(model_of(schema, "users"));
	assert_string_equal(bulla_yaml_file(bulla_schema_document(schema)), "bulla.yaml");
	bulla_schema_free(schema);
	bulla_schema_free(NULL);

	schema = parse(example, "production");
	env = bulla_schema_environment(schema);
	assert_string_equal(env->name, "production");
	assert_int_equal(env->key_count, 2);
	assert_string_equal(env->keys[1], "arn:aws:kms:us-east-1:\xe2\x80\xa6");
	assert_int_equal(env->previous_count, 1);
	assert_string_equal(env->previous[0], "alias/old-users");
	assert_int_equal(env->min_wraps, 1);
	bulla_schema_free(schema);
}

/* --- environments ------------------------------------------------------------------------------------------------------------- */

static void keys_and_their_defaults(void **state)
{
	(void)state;
	static const struct {
		const char *text, *environment, *kms_key_id;
		const char *first;
		size_t count, min_wraps;
	} rows[] = {
		{ "version: 1\n", NULL, NULL, "local", 1, 1 },
		{ "version: 1\n", "development", "alias/a", "alias/a", 1, 1 },
		{ "version: 1\nenvironments:\n", NULL, NULL, "local", 1, 1 },
		{ "version: 1\nenvironments: {}\n", NULL, "", "local", 1, 1 },
		{ "version: 1\nenvironments: {development: }\n", NULL, NULL, "local", 1, 1 },
		{ "version: 1\nenvironments: {test: {}}\n", "test", "vault/x", "vault/x", 1, 1 },
		{ "version: 1\nenvironments: {test: {keys: a}}\n", "test", "vault/x", "a", 1, 1 },
		{ "version: 1\nenvironments: {test: {keys: [a, b, c]}}\n", "test", NULL, "a", 3, 3 },
		{ "version: 1\nenvironments: {test: {keys: [a, b, c], min_wraps: 2}}\n", "test", NULL, "a", 3, 2 },
		{ "version: 1\nenvironments: {test: {key: '${KEY}'}}\n", "test", NULL, "alias/users", 1, 1 },
		{ "version: 1\nenvironments: {test: {key: insecure-test-key, insecure: true}}\n", "test", NULL,
		  "insecure-test-key", 1, 1 },
		{ "version: 1\nenvironments: {test: {insecure: true}}\n", "test", "insecure-test-key/encrypt",
		  "insecure-test-key/encrypt", 1, 1 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bulla_schema *schema = NULL;
		bulla_error err = { 0 };
		if (parse_as(rows[i].text, rows[i].environment, rows[i].kms_key_id, &schema, &err))
			fail_msg("%zu: %s", i, err.text);
		const bulla_environment *env = bulla_schema_environment(schema);
		assert_int_equal(env->key_count, rows[i].count);
		assert_string_equal(env->keys[0], rows[i].first);
		assert_int_equal(env->min_wraps, rows[i].min_wraps);
		assert_string_equal(env->store, "sqlite:.bulla/kms.db");
		bulla_schema_free(schema);
	}
}

static void settings_of_an_environment(void **state)
{
	(void)state;
	bulla_schema *schema = parse("version: 1\n"
				     "environments:\n"
				     "  staging:\n"
				     "    key: local\n"
				     "    cache: { max_age: 250ms, max_uses: '${USES}', max_keys: 1 }\n"
				     "    store: sqlite:/var/lib/bulla/kms.db\n"
				     "    root_key: passphrase:prompt\n"
				     "    audit: { witness: [https://a.example, /mnt/witness] }\n"
				     "    backups: { retention: 30d }\n"
				     "  other:\n"
				     "    key: local\n"
				     "    cache: { max_age: 1h }\n",
				     "staging");
	const bulla_environment *env = bulla_schema_environment(schema);
	assert_true(env->cache.max_age_ms == 250 && env->cache.max_uses == 77 && env->cache.max_keys == 1);
	assert_string_equal(env->store, "sqlite:/var/lib/bulla/kms.db");
	assert_string_equal(env->root_key, "passphrase:prompt");
	assert_int_equal(env->witness_count, 2);
	assert_int_equal(env->backup_retention_ms, 30 * 86400 * 1000ll);
	assert_string_equal(env->witnesses[1], "/mnt/witness");
	assert_false(env->insecure);
	bulla_schema_free(schema);
}

static void a_variable_of_another_environment_may_be_unset(void **state)
{
	(void)state;
	static const char text[] = "version: 1\nenvironments:\n  development: {key: local}\n  production: {key: \"${NOPE}\"}\n";
	bulla_schema_free(parse(text, "development"));
	bulla_schema *schema = NULL;
	bulla_error err = { 0 };
	assert_int_equal(parse_as(text, "production", NULL, &schema, &err), BULLA_ERR_CONFIG);
	assert_string_equal(err.text, "bulla.yaml: line 4, column 21: the environment variable NOPE is not set");
}

/* Who has the same key store, and for how long they keep its keys. */
static void environments_of_one_store(void **state)
{
	static const char yaml[] = "version: 1\n"
				   "environments:\n"
				   "  development: { cache: { max_age: 10s } }\n"
				   "  staging: { key: local, cache: { max_age: 20s } }\n"
				   "  elsewhere: { key: local, store: \"sqlite:other.db\", cache: { max_age: 99s } }\n"
				   "  unset: { key: \"${NOBODY_SETS_THIS}\", cache: { max_age: 98s } }\n";
	bulla_schema *schema = parse(yaml, "development");
	(void)state;
	assert_string_equal(bulla_schema_sharer(schema, 0)->name, "development");
	assert_string_equal(bulla_schema_sharer(schema, 1)->name, "staging");
	assert_null(bulla_schema_sharer(schema, 2));
	assert_int_equal(bulla_schema_max_age(schema), 20000);
	bulla_schema_free(schema);
}

static void the_choice_of_environment(void **state)
{
	(void)state;
	static const struct {
		const char *text, *environment, *kms_key_id, *expected;
	} rows[] = {
		{ example, "staging", NULL, "there is no environment \"staging\"; there are: development, production" },
		{ "version: 1\n", "production", NULL, "there is no environment \"production\"; there are: development" },
		{ "version: 1\nenvironments: {test: {}}\n", NULL, NULL,
		  "there is no environment \"development\"; there are: test" },
		{ "version: 1\nenvironments: {test: {}}\n", "test", NULL, "the environment \"test\" names no key" },
		{ "version: 1\nenvironments: {test: {}}\n", "test", "insecure-test-key",
		  "KMS_KEY_ID names the insecure test key" },
		{ "version: 1\n", NULL, "insecure-test-key", "KMS_KEY_ID names the insecure test key" },
		{ "version: 1\nmodels: {m: {fields: {a: {index: {}}}}}\n", NULL, "alias/x/encrypt",
		  "the key in KMS_KEY_ID can only encrypt, and the model m has an index" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bulla_schema *schema = NULL;
		bulla_error err = { 0 };
		assert_int_equal(parse_as(rows[i].text, rows[i].environment, rows[i].kms_key_id, &schema, &err),
				 BULLA_ERR_CONFIG);
		assert_null(schema);
		if (!strstr(err.text, rows[i].expected)) fail_msg("%zu: %s", i, err.text);
		assert_true(err.next[0]);
	}
}

/* --- models ------------------------------------------------------------------------------------------------------------------- */

#define MODEL(body) "version: 1\ndatabases: {main: {url: postgresql://h/d}, lite: {url: sqlite:x}}\nmodels:\n  m:\n" body

static void contexts(void **state)
{
	(void)state;
	static const struct {
		const char *text, *context, *inputs, *name;
	} rows[] = {
		{ "    fields: {a: }\n", "model_name=m* model_id=<id>*", "id", "m" },
		{ "    primary_key: uuid\n    fields: {a: }\n", "model_name=m* model_id=<uuid>*", "uuid", "m" },
		{ "    primary_key: [t, id]\n    fields: {a: }\n", "model_name=m* model_id.t=<t>* model_id.id=<id>*", "t id",
		  "m" },
		{ "    context: {model_name: 'Admin::User', model_id: '{id}'}\n    fields: {a: }\n",
		  "model_name=Admin::User* model_id=<id>*", "id", "Admin::User" },
		{ "    context: {owner: 'u-{owner_id}!', v: 12}\n    fields: {a: }\n", "owner=u-<owner_id>! v=12*", "owner_id",
		  "m" },
		{ "    context: {k: '{a1}:{b1}', model_name: '{kind}'}\n    fields: {a: }\n",
		  "k.a1=<a1> k.b1=<b1> model_name=<kind>", "a1 b1 kind", "m" },
		{ "    context: {x: '{id}', y: '{id}'}\n    fields: {a: }\n", "x=<id>* y=<id>*", "id", "m" },
		{ "    context: {x: '{id}', y: '{email_domain}', z: c}\n    checks: [y, x]\n    fields: {a: }\n",
		  "x=<id>* y=<email_domain>* z=c", "id email_domain", "m" },
		{ "    context: {x: '{id}', z: c}\n    checks: []\n    fields: {a: }\n", "x=<id> z=c", "id", "m" },
		{ "    primary_key: [t, id]\n    checks: [model_id]\n    fields: {a: }\n",
		  "model_name=m model_id.t=<t>* model_id.id=<id>*", "t id", "m" },
		{ "    primary_key: [t, id]\n    checks: [model_id.t]\n    fields: {a: }\n",
		  "model_name=m model_id.t=<t>* model_id.id=<id>", "t id", "m" },
		{ "    context: {x: '{id}'}\n    branch_key: \"b:{tenant}:{id}\"\n    fields: {a: {index: {scope: region}}}\n",
		  "x=<id>*", "id tenant region", "m" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[1000], inputs[200] = "";
		snprintf(text, sizeof text, "%s%s", MODEL(""), rows[i].text);
		bulla_schema *schema = parse(text, NULL);
		const bulla_model *m = model_of(schema, "m");
		assert_context(m, m->context, m->context_count, rows[i].context);
		for (size_t k = 0; k < m->input_count; k++)
			snprintf(inputs + strlen(inputs), sizeof inputs - strlen(inputs), "%s%s", k ? " " : "", m->inputs[k]);
		assert_string_equal(inputs, rows[i].inputs);
		assert_string_equal(m->name, rows[i].name);
		bulla_schema_free(schema);
	}
}

static void every_key_of_a_model(void **state)
{
	(void)state;
	bulla_schema *schema =
		parse(MODEL("    database: lite\n"
			    "    table: '\"Sales\".\"People\"'\n"
			    "    branch_key: {name: '{tenant}/{id}'}\n"
			    "    migrating: true\n"
			    "    insert: two_step\n"
			    "    reseal: record\n"
			    "    format: bulla\n"
			    "    data_keys:\n"
			    "      phone: {key: alias/phone, context: {who: '{who_id}', kind: phone}, column: phone_key}\n"
			    "      bank:\n"
			    "    fields:\n"
			    "      a: {type: decimal, padding: 4096, null: sealed, encode: base64, column: A_enc, plaintext: A}\n"
			    "      b: {data_key: phone, index: {version: 3, bits: 256, kind: slow, scope: tenant, writer: job}}\n"
			    "      c: {data_key: bank, type: binary, index: {bits: 8}}\n"
			    "      d: null\n"),
		      NULL);
	const bulla_model *m = model_of(schema, "m");
	assert_string_equal(m->table, "\"Sales\".\"People\"");
	assert_string_equal(m->database, "lite");
	assert_true(m->migrating && m->two_step_insert && m->reseal_record);
	assert_int_equal(m->read, BULLA_READ_PLAINTEXT);
	assert_template(m, &m->branch.name, "<tenant>/<id>");
	assert_null(m->branch.under);
	assert_int_equal(m->key_count, 3);
	assert_string_equal(m->keys[1].name, "phone");
	assert_string_equal(m->keys[1].column, "phone_key");
	assert_string_equal(m->keys[1].kms_key, "alias/phone");
	assert_context(m, m->keys[1].context, m->keys[1].context_count, "who=<who_id> kind=phone*");
	assert_string_equal(m->keys[2].column, "encrypted_kms_key_bank");
	assert_ptr_equal(m->keys[2].context, m->context);
	const bulla_field *a = &m->fields[0], *b = &m->fields[1], *c = &m->fields[2], *d = &m->fields[3];
	assert_true(a->padding == 4096 && a->null_sealed && a->base64 && a->type == BULLA_TYPE_DECIMAL && a->key == 0);
	assert_string_equal(a->column, "A_enc");
	assert_string_equal(a->plaintext, "A");
	assert_string_equal(b->data_key, "phone");
	assert_true(b->key == 1 && c->key == 2 && d->key == 0 && d->type == BULLA_TYPE_ANY);
	assert_true(b->index->version == 3 && b->index->bits == 256 && b->index->kind == BULLA_INDEX_SLOW && b->index->by_job);
	assert_string_equal(b->index->column, "b_bidx_v3");
	assert_string_equal(b->index->scope, "tenant");
	assert_string_equal(m->inputs[b->index->scope_input], "tenant");
	assert_int_equal(c->index->bits, 8);
	bulla_schema_free(schema);
}

static void modes_of_data_keys(void **state)
{
	(void)state;
	bulla_schema *schema =
		parse(MODEL("    data_key: field\n    context: {app: x, id: '{id}'}\n    fields: {a: , b: }\n"), NULL);
	const bulla_model *m = model_of(schema, "m");
	assert_int_equal(m->data_key, BULLA_DATA_KEY_FIELD);
	assert_int_equal(m->key_count, 2);
	assert_string_equal(m->keys[1].name, "b");
	assert_string_equal(m->keys[1].column, "encrypted_kms_key_b");
	assert_int_equal(m->fields[1].key, 1);
	assert_int_equal(m->fields[1].type, BULLA_TYPE_STRING); /* not on SQLite */
	assert_context(m, m->keys[0].context, m->keys[0].context_count, "app=x*");
	assert_context(m, m->context, m->context_count, "app=x* id=<id>*");
	bulla_schema_free(schema);

	schema = parse(MODEL("    data_key: table\n    fields: {a: , b: }\n"), NULL);
	m = model_of(schema, "m");
	assert_int_equal(m->key_count, 1);
	assert_null(m->keys[0].name);
	assert_string_equal(m->keys[0].column, "encrypted_kms_key");
	assert_context(m, m->keys[0].context, m->keys[0].context_count, "model_name=m*");
	assert_int_equal(m->fields[1].key, 0);
	bulla_schema_free(schema);

	schema = parse(MODEL("    data_key: none\n    fields: {a: {index: {}}, b: }\n"), NULL);
	m = model_of(schema, "m");
	assert_int_equal(m->data_key, BULLA_DATA_KEY_NONE);
	assert_int_equal(m->key_count, 0);
	bulla_schema_free(schema);
}

static void every_type_by_name(void **state)
{
	(void)state;
	for (int t = BULLA_TYPE_STRING; t <= BULLA_TYPE_ANY; t++) {
		char text[300];
		snprintf(text, sizeof text, MODEL("    fields: {a: {type: %s}}\n"), bulla_type_name((bulla_type)t));
		bulla_schema *schema = parse(text, NULL);
		assert_int_equal(model_of(schema, "m")->fields[0].type, t);
		bulla_schema_free(schema);
	}
	bulla_schema *schema = parse("version: 1\nmodels: {m: {fields: {a: }}}\n", NULL); /* the host brings its database */
	assert_int_equal(model_of(schema, "m")->fields[0].type, BULLA_TYPE_STRING);
	assert_string_equal(model_of(schema, "m")->table, "m");
	bulla_schema_free(schema);
}

static void names_that_are_not_there(void **state)
{
	(void)state;
	bulla_schema *schema = parse("version: 1\nmodels: {m: {fields: {a: , b: }}, n: {fields: {c: }}}\n", NULL);
	const bulla_model *model = NULL;
	const bulla_field *field = NULL;
	bulla_error err = { 0 };
	assert_int_equal(bulla_schema_model(schema, "x", &model, &err), BULLA_ERR_NOT_FOUND);
	assert_string_equal(err.text, "there is no model \"x\"; there are: m, n");
	assert_null(model);
	assert_int_equal(bulla_model_field(model_of(schema, "m"), "c", &field, &err), BULLA_ERR_NOT_FOUND);
	assert_string_equal(err.text, "the model m has no field \"c\"; it has: a, b");
	assert_int_equal(bulla_model_field(model_of(schema, "m"), "b", &field, &err), BULLA_OK);
	assert_int_equal(field->position, 1);
	bulla_schema_free(schema);
	schema = parse("version: 1\n", NULL);
	assert_int_equal(bulla_schema_model(schema, "x", &model, &err), BULLA_ERR_NOT_FOUND);
	assert_string_equal(err.text, "bulla.yaml names no models");
	bulla_schema_free(schema);
}

/* --- what is wrong ------------------------------------------------------------------------------------------------------------ */

#define AT(line, column) "bulla.yaml: line " #line ", column " #column ": ",
#define ENV(body)        "version: 1\nenvironments:\n  development:\n    key: local\n" body
/* In `M` the body starts in line 4, in `F` the field `a` is line 5. */
#define M(body) "version: 1\nmodels:\n  m:\n" body "    fields: {a: }\n"
#define F(body) "version: 1\nmodels:\n  m:\n    fields:\n" body

static const struct {
	const char *text;
	const char *place;
	const char *expected;
} bad[] = {
	/* the whole */
	{ "", AT(1, 1) "version: 1 is missing" },
	{ "[1]", AT(1, 1) "a mapping (key: value) is expected here" },
	{ "models: {}\n", AT(1, 1) "version: 1 is missing" },
	{ "version: 2\n", AT(1, 10) "version 2 is not known to this release" },
	{ "version: one\n", AT(1, 10) "version must be a whole number" },
	{ "version: -1\n", AT(1, 10) "version must be a whole number" },
	{ "version: [1]\n", AT(1, 10) "a single value is expected here" },
	{ "version: 1\nmodel: {}\n", AT(2, 1) "unknown key \"model\"; did you mean \"models\"?" },
	{ "version: 1\nversion: 1\n", AT(2, 1) "duplicate key \"version\", first in line 1" },
	{ "version: 1\nmodels: [m]\n", AT(2, 9) "models must be a mapping" },
	{ "version: 1\nenvironments: x\n", AT(2, 15) "environments must be a mapping" },
	{ "version: 1\nmodels:\n  ? \"\"\n  : {}\n", AT(3, 5) "an empty name" },
	{ "version: 1\nmodels:\n  \"a\\tb\": {}\n", AT(3, 3) "a name with a control character" },
	/* environments */
	{ ENV("    keys: [x]\n"), AT(5, 5) "key and keys: one of them is enough" },
	{ "version: 1\nenvironments: {development: {key: [a, b]}}\n", AT(2, 35) "a list is written keys: [...]" },
	{ "version: 1\nenvironments: {development: {keys: []}}\n", AT(2, 36) "keys must have at least one entry" },
	{ "version: 1\nenvironments: {development: {keys: [a, b, a]}}\n", AT(2, 43) "the same entry twice in keys" },
	{ "version: 1\nenvironments: {development: {keys: [a, ]}, development: }\n", AT(2, 44) "duplicate key \"development\"" },
	{ "version: 1\nenvironments: {development: {keys: [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}}\n",
	  AT(2, 36) "keys can have at most 16 entries" },
	{ "version: 1\nenvironments: {development: {key: }}\n", AT(2, 35) "a value is missing here" },
	{ "version: 1\nenvironments: {development: {key: ''}}\n", AT(2, 35) "a value is missing here" },
	{ "version: 1\nenvironments: {development: {key: {a: b}}}\n", AT(2, 35) "a single value is expected here" },
	{ "version: 1\nenvironments: {development: {key: \"a\\nb\"}}\n", AT(2, 35) "a value with a control character" },
	{ ENV("    previuos: [x]\n"), AT(5, 5) "unknown key \"previuos\"; did you mean \"previous\"?" },
	{ ENV("    previous: [x, local]\n"), AT(5, 19) "this key is among the environment's keys already" },
	{ ENV("    previous: alias/x/encrypt\n"), AT(5, 15) "a previous key is there to decrypt" },
	{ ENV("    previous: [insecure-test-key]\n"), AT(5, 16) "the environment development uses the insecure test key" },
	{ ENV("    min_wraps: 2\n"), AT(5, 16) "min_wraps must be a whole number from 1 to 1" },
	{ ENV("    min_wraps: 0\n"), AT(5, 16) "min_wraps must be" },
	{ ENV("    cache: 5\n"), AT(5, 12) "a mapping" },
	{ ENV("    cache: {max_age: 300}\n"), AT(5, 22) "max_age must be a duration such as 300s" },
	{ ENV("    cache: {max_age: 0s}\n"), AT(5, 22) "max_age must be a duration from" },
	{ ENV("    cache: {max_age: 25h}\n"), AT(5, 22) "max_age must be a duration from" },
	{ ENV("    cache: {max_uses: 0}\n"), AT(5, 23) "max_uses must be a whole number" },
	{ ENV("    cache: {max_uses: 1e3}\n"), AT(5, 23) "max_uses must be a whole number" },
	{ ENV("    cache: {max_keys: 99999999999999999999999}\n"),
	  AT(5, 23) "max_keys must be a whole number from 1 to 1000000" },
	{ ENV("    backups: {retention: 30}\n"), AT(5, 26) "retention must be a duration such as 300s" },
	{ ENV("    backups: {retention: 0d}\n"), AT(5, 26) "retention must be a duration from" },
	{ ENV("    backups: {retension: 30d}\n"), AT(5, 15) "did you mean \"retention\"?" },
	{ ENV("    cache: {maxage: 1s}\n"), AT(5, 13) "did you mean \"max_age\"?" },
	{ ENV("    store:\n"), AT(5, 11) "a value is missing here" },
	{ ENV("    root_key: ~\n"), AT(5, 15) "a value is missing here" },
	{ ENV("    insecure: maybe\n"), AT(5, 15) "insecure must be one of: false, true" },
	{ ENV("    audit: {witnesses: [x]}\n"), AT(5, 13) "did you mean \"witness\"?" },
	{ ENV("    audit: {witness: []}\n"), AT(5, 22) "witness must have at least one entry" },
	{ "version: 1\nenvironments: {development: {key: insecure-test-key}}\n", AT(2, 35) "uses the insecure test key" },
	{ ENV("  production: {keys: [a, insecure-test-key/encrypt]}\n"),
	  AT(5, 26) "the environment production uses the insecure test key" },
	{ ENV("  production: {key: a, nope: b}\n"), AT(5, 24) "unknown key \"nope\"" },
	{ ENV("    store: x${NOPE}\n"), AT(5, 12) "the environment variable NOPE is not set" },
	/* databases */
	{ "version: 1\ndatabases: {main: }\n", AT(2, 13) "the database main needs a url" },
	{ "version: 1\ndatabases: {main: {url: app.db}}\n", AT(2, 25) "url must be sqlite:PATH" },
	{ "version: 1\ndatabases: {main: {url: 'sqlite:'}}\n", AT(2, 25) "url must be sqlite:PATH" },
	{ "version: 1\ndatabases: {main: {url: 'oracle://u:${PASSWORD}@h'}}\n", AT(2, 25) "url must be sqlite:PATH" },
	{ "version: 1\ndatabases: {main: {uri: x}}\n", AT(2, 20) "unknown key \"uri\"; did you mean \"url\"?" },
	{ "version: 1\ndatabases: {main: {url: '${NOPE}'}}\n", AT(2, 25) "the environment variable NOPE is not set" },
	{ "version: 1\ndatabases: {other: {url: sqlite:x}}\nmodels: {m: {fields: {a: }}}\n",
	  AT(3, 10) "there is no database main for the model m" },
	{ M("    database: nope\n"), AT(4, 15) "this database is not under databases:" },
	/* models */
	{ "version: 1\nmodels: {m: }\n", AT(2, 10) "the model m has no fields" },
	{ "version: 1\nmodels: {m: {fields: {}}}\n", AT(2, 10) "the model m has no fields" },
	{ "version: 1\nmodels: {m: {fields: [a, b]}}\n", AT(2, 22) "fields must be a mapping" },
	{ M("    primarykey: id\n"), AT(4, 5) "unknown key \"primarykey\"; did you mean \"primary_key\"?" },
	{ M("    primary_key: []\n"), AT(4, 18) "primary_key must have at least one entry" },
	{ M("    primary_key: [id, id]\n"), AT(4, 23) "the same entry twice in primary_key" },
	{ M("    primary_key: a\n"), AT(5, 14) "the column a is the plaintext of a, and the primary key is made of it" },
	{ M("    primary_key: [id, A_CIPHERTEXT]\n"), AT(5, 14) "the column A_CIPHERTEXT is the ciphertext of a" },
	{ M("    context: {model_id: {id}}\n"), AT(4, 25) "a single value is expected here" },
	{ M("    context: User\n"), AT(4, 14) "context must be a mapping" },
	{ M("    context: {model_name: User}\n"), AT(4, 14) "a context without a column does not tell the rows apart" },
	{ M("    context: {}\n"), AT(4, 14) "a context without a column" },
	{ M("    context: {x: '{id}', y: ''}\n"), AT(4, 29) "a value is missing here" },
	{ M("    context: {x: '{id'}\n"), AT(4, 18) "a brace without its partner" },
	{ M("    context: {x: 'id}'}\n"), AT(4, 18) "a brace without its partner" },
	{ M("    context: {x: '{{id}}'}\n"), AT(4, 18) "a brace without its partner" },
	{ M("    context: {x: 'a{}'}\n"), AT(4, 18) "{} without a column's name" },
	{ M("    context: {x: '{a}'}\n"), AT(5, 14) "a context, branch key or index scope is made of it" },
	{ M("    context: {x: '{b}{c}', x.c: y}\n"), AT(4, 33) "the context has x.c twice" },
	{ M("    context: {x: '{b}{b}'}\n"), AT(4, 18) "the context has x.b twice" },
	{ M("    context: {x: '{a1}{a2}{a3}{a4}{a5}{a6}{a7}{a8}{a9}{b1}{b2}{b3}{b4}{b5}{b6}{b7}{b8}'}\n"),
	  AT(4, 18) "more than 16 columns" },
	{ M("    checks: [model_id, nope]\n"), AT(4, 24) "checks names something that is not in the context" },
	{ M("    checks: {a: b}\n"), AT(4, 13) "checks must be a list" },
	{ M("    context: {i: '{id}', a1: 1, a2: 1, a3: 1, a4: 1, a5: 1, a6: 1, a7: 1, a8: 1, a9: 1, b1: 1, b2: 1, b3: 1, b4: 1, "
	    "b5: 1, b6: 1, "
	    "b7: 1}\n"),
	  AT(3, 3) "17 parts of a context carry a check, at most 16 can" },
	{ M("    data_key: row\n"), AT(4, 15) "data_key must be one of: record, field, table, none" },
	{ M("    data_key: recrod\n"), AT(4, 15) "did you mean \"record\"?" },
	{ M("    branch_key: {}\n"), AT(4, 5) "branch_key needs a name" },
	{ M("    branch_key:\n"), AT(4, 16) "a value is missing here" },
	{ M("    branch_key: {name: 'u:{id'}\n"), AT(4, 24) "a brace without its partner" },
	{ M("    branch_key: {name: u, under: u}\n"), AT(4, 34) "a branch key cannot hang from itself" },
	{ M("    branch_key: {name: u, under: 'x{id}'}\n"), AT(4, 34) "it cannot depend on a column" },
	{ M("    branch_key: {nme: u}\n"), AT(4, 18) "did you mean \"name\"?" },
	{ M("    branch_key: 'u:{a}'\n"), AT(5, 14) "a context, branch key or index scope is made of it" },
	{ M("    data_key: none\n    branch_key: u\n"), AT(5, 5) "with data_key: none the KMS encrypts each value" },
	{ M("    data_key: field\n    data_keys: {x: }\n"), AT(5, 5) "data_keys goes with data_key: record" },
	{ M("    data_keys: {x: }\n"), AT(4, 17) "no field uses this data key" },
	{ M("    data_keys: {x: {kye: b}}\n"), AT(4, 21) "did you mean \"key\"?" },
	{ M("    data_keys: {x: {context: {a: b}}}\n"), AT(4, 30) "a context without a column" },
	{ M("    read: plaintext\n"), AT(4, 11) "read: plaintext goes with migrating: true" },
	{ M("    read: both\n"), AT(4, 11) "read must be one of: ciphertext, plaintext" },
	{ M("    migrating: 1\n"), AT(4, 16) "migrating must be one of: false, true" },
	{ M("    insert: one_step\n"), AT(4, 13) "insert can only be: two_step" },
	{ M("    reseal: field\n"), AT(4, 13) "reseal can only be: record" },
	{ M("    format: lockbox\n"), AT(4, 13) "format can only be: bulla" },
	{ M("    table:\n"), AT(4, 11) "a value is missing here" },
	{ "version: 1\nmodels:\n  m: {fields: {a: }}\n  n: {table: M, fields: {b: }}\n",
	  AT(4, 3) "the models m and n are the same table" },
	{ "version: 1\nmodels:\n  m: {branch_key: {name: x, under: y}, fields: {a: }}\n  n: {branch_key: {name: y, under: x}, "
	  "fields: {a: }}\n",
	  AT(3, 7) "these branch keys hang from each other in a circle" },
	{ "version: 1\nmodels:\n  m: {branch_key: {name: x, under: y}, fields: {a: }}\n  n: {branch_key: x, fields: {a: }}\n",
	  AT(4, 7) "the models m and n hang one branch key from different keys" },
	/* fields */
	{ F("      a: {typ: string}\n"), AT(5, 11) "unknown key \"typ\"; did you mean \"type\"?" },
	{ F("      a: string\n"), AT(5, 10) "a mapping (key: value) is expected here" },
	{ F("      a: {type: varchar}\n"), AT(5, 17) "type must be one of: string, binary, boolean, integer" },
	{ F("      a: {type: interger}\n"), AT(5, 17) "did you mean \"integer\"?" },
	{ F("      a: {padding: 4097}\n"), AT(5, 20) "padding must be a whole number from 0 to 4096" },
	{ F("      a: {null: seal}\n"), AT(5, 17) "null can only be: sealed" },
	{ F("      a: {null: true}\n"), AT(5, 17) "null can only be: sealed" },
	{ F("      a: {encode: hex}\n"), AT(5, 19) "encode can only be: base64" },
	{ F("      a: {format: rails}\n"), AT(5, 19) "format can only be: bulla" },
	{ F("      a: {column: a}\n"), AT(5, 7) "the column a is both the plaintext of a and the ciphertext of a" },
	{ F("      a:\n      b: {column: A_ciphertext}\n"),
	  AT(6, 7) "the column A_ciphertext is both the ciphertext of a and the ciphertext of b" },
	{ F("      a:\n      b: {plaintext: a}\n"), AT(6, 7) "both the plaintext of a and the plaintext of b" },
	{ F("      a:\n      A:\n"), AT(6, 7) "both the plaintext of a and the plaintext of A" },
	{ F("      a: {column: encrypted_kms_key}\n"), AT(3, 3) "the ciphertext of a and the wrapped key of the record" },
	{ F("      a: {index: {column: b_bidx}}\n      b: {index: {}}\n"), AT(6, 7) "the index of a and the index of b" },
	{ F("      a: {data_key: x}\n"), AT(5, 21) "the model has no data_keys" },
	{ "version: 1\nmodels:\n  m:\n    data_key: table\n    fields:\n      a: {data_key: x}\n",
	  AT(6, 21) "goes with data_key: record" },
	{ "version: 1\nmodels:\n  m:\n    data_keys: {phone: }\n    fields:\n      a: {data_key: phnoe}\n",
	  AT(6, 21) "this is not among the model's data_keys; did you mean \"phone\"?" },
	{ "version: 1\nmodels:\n  m:\n    data_keys: {p: {column: k}, q: {column: k}}\n    fields: {a: {data_key: p}, b: "
	  "{data_key: q}}\n",
	  AT(4, 33) "the wrapped key of p and the wrapped key of q" },
	{ "version: 1\nmodels:\n  m:\n    data_keys: {p: {key: insecure-test-key}}\n    fields: {a: {data_key: p}}\n",
	  AT(4, 26) "the insecure test key, and the environment development is not marked insecure" },
	/* indexes */
	{ F("      a: {index: }\n"), AT(5, 11) "write index: {}" },
	{ F("      a: {index: true}\n"), AT(5, 18) "a mapping" },
	{ F("      a: {index: {bit: 8}}\n"), AT(5, 19) "did you mean \"bits\"?" },
	{ F("      a: {index: {bits: 12}}\n"), AT(5, 25) "bits must be a multiple of 8" },
	{ F("      a: {index: {bits: 0}}\n"), AT(5, 25) "bits must be a whole number from 8 to 256" },
	{ F("      a: {index: {bits: 264}}\n"), AT(5, 25) "bits must be a whole number from 8 to 256" },
	{ F("      a: {index: {bits: 120, unique: true}}\n"), AT(5, 25) "a unique index needs at least 128 bits" },
	{ F("      a: {index: {version: 0}}\n"), AT(5, 28) "version must be a whole number from 1" },
	{ F("      a: {index: {version: 4294967296}}\n"), AT(5, 28) "version must be" },
	{ F("      a: {index: {previous: {}}}\n"), AT(5, 29) "the previous index must have a lower version than 1" },
	{ F("      a: {index: {version: 2, previous: {previous: {}}}}\n"), AT(5, 42) "unknown key \"previous\"" },
	{ F("      a: {index: {version: 2, column: x, previous: {column: x}}}\n"),
	  AT(5, 7) "the index of a and the previous index of a" },
	{ F("      a: {index: {kind: medium}}\n"), AT(5, 25) "kind must be one of: fast, slow" },
	{ F("      a: {index: {normalize: upper}}\n"), AT(5, 30) "normalize must be one of: none, lowercase" },
	{ F("      a: {index: {expression: first4}}\n"), AT(5, 31) "expression must be one of: none, last4" },
	{ F("      a: {index: {writer: server}}\n"), AT(5, 27) "writer must be one of: client, job" },
	{ F("      a: {index: {scope: a}}\n"), AT(5, 7) "a context, branch key or index scope is made of it" },
	{ F("      a: {type: integer, index: {expression: last4}}\n"),
	  AT(5, 34) "expression works on text, and the field's type is integer" },
	{ F("      a: {type: binary, index: {normalize: lowercase}}\n"), AT(5, 33) "normalize works on text" },
	{ "version: 1\nenvironments:\n  development: {keys: [local, 'alias/x/encrypt']}\nmodels: {m: {fields: {a: {index: "
	  "{}}}}}\n",
	  AT(3, 31) "this key can only encrypt, and the model m has an index" },
	{ "version: 1\nenvironments:\n  development: {key: local}\n  p: {key: alias/x/encrypt}\nmodels: {m: {branch_key: b, "
	  "fields: {a: }}}\n",
	  AT(4, 12) "this key can only encrypt, and the model m has a branch key" },
	{ "version: 1\nenvironments:\n  development: {key: local}\n  p: {key: alias/x/encrypt}\nmodels: {m: {data_key: table, "
	  "fields: {a: }}}\n",
	  AT(4, 12) "this key can only encrypt, and the model m has one data key for many rows" },
};

static void bad_documents_say_what_and_where(void **state)
{
	(void)state;
	size_t wrong = 0;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		bulla_schema *schema = NULL;
		bulla_error err = { 0 };
		bulla_code code = parse_as(bad[i].text, NULL, NULL, &schema, &err);
		bool good =
			code == BULLA_ERR_CONFIG && !schema && strstr(err.text, bad[i].expected) && !strstr(err.text, "hunter2");
		if (!good) print_message("expected \"%s\", not \"%s\"\n", bad[i].expected, code ? err.text : "nothing");
		wrong += !good;
	}
	assert_int_equal(wrong, 0);
}

static void too_many_of_anything(void **state)
{
	(void)state;
	static const struct {
		const char *head, *before, *after, *tail, *expected;
		int n;
	} rows[] = {
		{ "models: {m: {fields: {", "f", ": , ", "}}}", "fields can have at most 64 entries", 65 },
		{ "models: {", "m", ": {fields: {a: }}, ", "}", "models can have at most 256 entries", 257 },
		{ "environments: {", "e", ": {}, ", "}", "environments can have at most 64 entries", 65 },
		{ "databases: {", "d", ": {url: sqlite:x}, ", "}", "databases can have at most 64 entries", 65 },
		{ "models: {m: {context: {", "c", ": x, ", "}}}", "a context of more than 64 pairs", 65 },
		{ "environments: {development: {key: local, previous: [", "k", ", ", "]}}",
		  "previous can have at most 64 entries", 65 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		BULLA_BUF_AUTO bulla_buf text = { 0 };
		assert_int_equal(bulla_buf_printf(&text, NULL, "version: 1\n%s", rows[i].head), BULLA_OK);
		for (int k = 0; k < rows[i].n; k++)
			assert_int_equal(bulla_buf_printf(&text, NULL, "%s%d%s", rows[i].before, k, rows[i].after), BULLA_OK);
		assert_int_equal(bulla_buf_printf(&text, NULL, "%s\n", rows[i].tail), BULLA_OK);
		assert_int_equal(bulla_buf_terminate(&text, NULL), BULLA_OK);
		bulla_schema *schema = NULL;
		bulla_error err = { 0 };
		assert_int_equal(parse_as((const char *)text.data, NULL, NULL, &schema, &err), BULLA_ERR_CONFIG);
		if (!strstr(err.text, rows[i].expected)) fail_msg("%zu: %s", i, err.text);
	}
}

static void cuts_never_crash(void **state)
{
	(void)state;
	char text[sizeof example];
	for (size_t cut = 0; cut < sizeof example; cut++) {
		memcpy(text, example, cut);
		text[cut] = 0;
		bulla_schema *schema = NULL;
		bulla_error err = { 0 };
		bulla_code code = parse_as(text, NULL, NULL, &schema, &err);
		if (code == BULLA_OK)
			bulla_schema_free(schema);
		else
			assert_int_equal(code, BULLA_ERR_CONFIG);
	}
}

/* --- the documents ------------------------------------------------------------------------------------------------------------ */

static char *read_document(const char *path)
{
	FILE *file = fopen(path, "r");
	if (!file) fail_msg("cannot open %s", path);
	size_t size = 1u << 20;
	char *text = calloc(1, size);
	assert_non_null(text);
	assert_true(fread(text, 1, size - 1, file) > 0);
	fclose(file);
	return text;
}

static void what_the_manual_shows_is_accepted(void **state)
{
	(void)state;
	char *text = read_document(SOURCE_ROOT "/docs/SCHEMA.md");
	int blocks = 0;
	for (char *at = text; (at = strstr(at, "```yaml\nversion: 1\n")); blocks++) {
		char *end = strstr(at + 8, "```");
		assert_non_null(end);
		*end = 0;
		bulla_schema_free(parse(at + 8, NULL));
		at = end + 1;
	}
	assert_true(blocks >= 2);
	free(text);
}

/* --- allocations that fail (linked with --wrap) ------------------------------------------------------------------------------- */

static int left = -1;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

static bool refused(void)
{
	if (left < 0) return false;
	return left == 0 || (left--, false);
}

void *__wrap_malloc(size_t size)
{
	return refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return refused() ? NULL : __real_calloc(n, size);
}

static void every_allocation_may_fail(void **state)
{
	(void)state;
	int failures = 0;
	for (int n = 0;; n++) {
		bulla_schema *schema = NULL;
		bulla_error err = { 0 };
		left = n;
		bulla_code code = parse_as(example, "production", NULL, &schema, &err);
		left = -1;
		if (code == BULLA_OK) {
			bulla_schema_free(schema);
			break;
		}
		assert_int_equal(code, BULLA_ERR_MEMORY);
		assert_null(schema);
		failures++;
	}
	assert_true(failures > 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_the_design),
		cmocka_unit_test(keys_and_their_defaults),
		cmocka_unit_test(settings_of_an_environment),
		cmocka_unit_test(a_variable_of_another_environment_may_be_unset),
		cmocka_unit_test(environments_of_one_store),
		cmocka_unit_test(the_choice_of_environment),
		cmocka_unit_test(contexts),
		cmocka_unit_test(every_key_of_a_model),
		cmocka_unit_test(modes_of_data_keys),
		cmocka_unit_test(every_type_by_name),
		cmocka_unit_test(names_that_are_not_there),
		cmocka_unit_test(bad_documents_say_what_and_where),
		cmocka_unit_test(too_many_of_anything),
		cmocka_unit_test(cuts_never_crash),
		cmocka_unit_test(what_the_manual_shows_is_accepted),
		cmocka_unit_test(every_allocation_may_fail),
	};
	return cmocka_run_group_tests_name("core/schema", tests, NULL, NULL);
}
