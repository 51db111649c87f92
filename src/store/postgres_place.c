/*
 * postgres_place.c - which database and which schema a URL means, and what may be told of it.
 */
#include "store/postgres.h"

#include <stdio.h>
#include <stdlib.h>

#define SCHEMA     "bulla"
#define SCHEMA_MAX 50 /* bytes: the names made of it stay below PostgreSQL's 63 */

static const char *option(const PQconninfoOption *options, const char *keyword)
{
	for (; options->keyword; options++)
		if (strcmp(options->keyword, keyword) == 0) return options->val && *options->val ? options->val : NULL;
	return NULL;
}

static bool is_plain(const char *name, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = name[i];
		if (!((c >= 'a' && c <= 'z') || c == '_' || (i > 0 && c >= '0' && c <= '9'))) return false;
	}
	return n > 0 && n <= SCHEMA_MAX;
}

/* `options=-csearch_path=NAME` of a URL, as psql takes it too. */
static bulla_code find_schema(bulla_pg_place *place, const char *options, bulla_error *err)
{
	static const char setting[] = "search_path=";
	const char *at = options ? strstr(options, setting) : NULL;
	const char *name = at ? at + sizeof setting - 1 : SCHEMA;
	size_t n = strcspn(name, " ");
	if (!is_plain(name, n)) {
		bulla_code code = bulla_fail(err, BULLA_ERR_CONFIG, "the search_path of a key store's URL is not one plain name");
		return bulla_advise(err, code, "store: postgresql://HOST/DATABASE?options=-csearch_path%%3Dmy_schema");
	}
	place->schema = strndup(name, n);
	return place->schema ? BULLA_OK : bulla_fail_memory(err);
}

static bulla_code read_url(bulla_pg_place *place, bulla_error *err)
{
	char *why = NULL;
	PQconninfoOption *options = PQconninfoParse(place->url, &why);
	PQfreemem(why); /* it may quote what is a password */
	if (!options) {
		bulla_code code = bulla_fail(err, BULLA_ERR_CONFIG, "the URL of the key store is not one that libpq understands");
		return bulla_advise(err, code, "store: postgresql://USER@HOST:PORT/DATABASE?sslmode=verify-full");
	}
	const char *database = option(options, "dbname"), *host = option(options, "host"), *port = option(options, "port");
	bulla_code code = find_schema(place, option(options, "options"), err);
	(void)snprintf(place->name, sizeof place->name, "PostgreSQL database %.60s, schema %.50s%s%.100s%s%.20s",
		       database ? database : "of the user", place->schema ? place->schema : "", host ? ", on " : "",
		       host ? host : "", host && port ? ":" : "", host && port ? port : "");
	PQconninfoFree(options);
	return code;
}

bulla_code bulla_pg_place_find(bulla_pg_place *place, const char *rest, bulla_error *err)
{
	if (asprintf(&place->url, "postgresql:%s", rest) < 0) {
		place->url = NULL;
		return bulla_fail_memory(err);
	}
	return read_url(place, err);
}

void bulla_pg_place_tell(const char *rest, char out[static BULLA_STORE_PLACE_MAX])
{
	bulla_pg_place place = { 0 };
	bulla_error ignored;
	bool known = bulla_pg_place_find(&place, rest, &ignored) == BULLA_OK;
	(void)snprintf(out, BULLA_STORE_PLACE_MAX, "%s", known ? place.name : "PostgreSQL database");
	bulla_pg_place_done(&place);
}

void bulla_pg_place_done(bulla_pg_place *place)
{
	free(place->schema);
	free(place->url);
}
