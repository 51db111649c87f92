/*
 * key_choice.c - who can open what under the keys that a model and its environment name.
 */
#include "db/key_choice.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct key_choice {
	const bulla_model *model;
	const bulla_environment *environment;
	bool direct; /* a data key of a record, or a value, is wrapped by the key service itself */
	bool branch, shared, index;
	bool here; /* some key that wraps has its root on this host */
	bool encrypt_only;
} key_choice;

bool bulla_key_is_here(const char *key_id)
{
	static const char *const here[] = { "local", "file:", "env:", "insecure-test-key" };
	for (size_t i = 0; i < sizeof here / sizeof *here; i++)
		if (strncmp(key_id, here[i], strlen(here[i])) == 0) return true;
	return false;
}

/* --- looking ---------------------------------------------------------------------------------------------------- */

static void look_at_key(key_choice *c, const char *key_id)
{
	c->here |= bulla_key_is_here(key_id);
	c->encrypt_only |= bulla_key_encrypts_only(key_id);
}

static void look_at_data_key(key_choice *c, const bulla_key_spec *key)
{
	bool shared = c->model->data_key == BULLA_DATA_KEY_FIELD || c->model->data_key == BULLA_DATA_KEY_TABLE;
	bool branch = c->model->branch.name.text && !key->kms_key;
	if (key->kms_key) look_at_key(c, key->kms_key);
	c->branch |= branch;
	c->shared |= shared;
	c->direct |= !branch && !shared;
}

static key_choice look(const bulla_model *model, const bulla_environment *environment)
{
	key_choice c = { .model = model, .environment = environment, .direct = model->key_count == 0 };
	for (size_t i = 0; i < environment->key_count; i++)
		look_at_key(&c, environment->keys[i]);
	for (size_t k = 0; k < model->key_count; k++)
		look_at_data_key(&c, &model->keys[k]);
	for (size_t f = 0; f < model->field_count; f++)
		c.index |= model->fields[f].index != NULL;
	return c;
}

/* Some key that a process must hold to seal opens, or tests guesses, too. */
static bool is_held(const key_choice *c)
{
	return c->branch || c->shared || c->index;
}

/* --- saying ----------------------------------------------------------------------------------------------------- */

#define SENTENCE_MAX 1024

static void say(bulla_json_writer *out, const char *format, ...) BULLA_PRINTF(2, 3);
static void say(bulla_json_writer *out, const char *format, ...)
{
	char text[SENTENCE_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	bulla_json_put_str(out, NULL, text);
}

static void say_direct(const key_choice *c, bulla_json_writer *out)
{
	const char *what = c->model->key_count ? "wraps each record's data key" : "seals each value";
	say(out,
	    "direct: the key service itself %s, so the rights to encrypt and to decrypt can be given apart, every key "
	    "that it releases leaves a record, and a freeze ends the releases",
	    what);
}

static void say_branch(const key_choice *c, bulla_json_writer *out)
{
	say(out,
	    "branch key: a process that seals can also open all that hangs from the same branch while it holds that key; "
	    "the key service sees one release for each branch, process and %" PRId64 " s (max_age)",
	    c->environment->cache.max_age_ms / 1000);
}

static void say_shared(const key_choice *c, bulla_json_writer *out)
{
	const char *what = c->model->data_key == BULLA_DATA_KEY_TABLE ? "the table" : "each field";
	say(out,
	    "one data key for %s: a process that seals can also open every row while it holds that key, and the key "
	    "service does not see which",
	    what);
}

static void say_index(const key_choice *c, bulla_json_writer *out)
{
	for (size_t f = 0; f < c->model->field_count; f++)
		if (c->model->fields[f].index)
			say(out, "index: a process that seals or searches can test guesses on %s while it holds the index key",
			    c->model->fields[f].name);
}

static void say_rights(const key_choice *c, bulla_json_writer *out)
{
	if (c->encrypt_only)
		say(out, "encrypt-only credentials: what is sealed here cannot be opened, verified or finished here");
	else if (is_held(c))
		say(out, "encrypt-only credentials are refused: whoever seals here could open, or test guesses");
}

static void say_here(bulla_json_writer *out)
{
	say(out, "on this host: the application's host holds the root of local, file: and env: keys, so rights, freeze and "
		 "audit bind honest processes only; for more, use a key service on another machine");
}

static void say_all(const key_choice *c, bulla_json_writer *out)
{
	if (c->direct) say_direct(c, out);
	if (c->branch) say_branch(c, out);
	if (c->shared) say_shared(c, out);
	if (c->index) say_index(c, out);
	say_rights(c, out);
	if (c->here) say_here(out);
}

void bulla_key_choice_tell(const bulla_model *model, const bulla_environment *environment, bulla_json_writer *out)
{
	key_choice c = look(model, environment);
	bulla_json_open(out, "key_choice", '{');
	bulla_json_put_bool(out, "direct", c.direct);
	bulla_json_put_bool(out, "branch_key", c.branch);
	bulla_json_put_bool(out, "shared_data_key", c.shared);
	bulla_json_put_bool(out, "index", c.index);
	bulla_json_put_bool(out, "on_this_host", c.here);
	bulla_json_put_bool(out, "encrypt_only", c.encrypt_only);
	bulla_json_put_bool(out, "separate_rights", !is_held(&c) && !c.here);
	bulla_json_open(out, "says", '[');
	say_all(&c, out);
	bulla_json_close(out, ']');
	bulla_json_close(out, '}');
}
