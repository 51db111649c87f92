/*
 * postgres_error.c - what a PostgreSQL server says as one of our errors.
 */
#include "store/postgres.h"

#include <stdlib.h>

#define REACH "once the server can be reached again, the same command works"

/* By the whole state or by its class, the first two characters; the first row that fits counts. */
static const struct {
	const char *state;
	bulla_code code;
} codes[] = {
	{ "55P03", BULLA_ERR_LOCKED },      { "40P01", BULLA_ERR_LOCKED },
	{ "40", BULLA_ERR_CONFLICT },       { "23505", BULLA_ERR_CONFLICT },
	{ "25006", BULLA_ERR_UNAVAILABLE }, { "25P03", BULLA_ERR_UNAVAILABLE },
	{ "57", BULLA_ERR_UNAVAILABLE },    { "08", BULLA_ERR_UNAVAILABLE },
	{ "53100", BULLA_ERR_FULL },        { "53", BULLA_ERR_UNAVAILABLE },
	{ "28", BULLA_ERR_PERMISSION },     { "42P06", BULLA_ERR_EXISTS },
	{ "42501", BULLA_ERR_PERMISSION },  { "3D000", BULLA_ERR_CONFIG },
	{ "58030", BULLA_ERR_IO },          { "58", BULLA_ERR_IO },
	{ "54", BULLA_ERR_LIMIT },          { "42", BULLA_ERR_CORRUPT },
	{ "22", BULLA_ERR_CORRUPT },        { "23", BULLA_ERR_CORRUPT },
	{ "3F", BULLA_ERR_CORRUPT },        { "XX", BULLA_ERR_CORRUPT },
};

static bulla_code code_of(const char *state)
{
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (strncmp(state, codes[i].state, strlen(codes[i].state)) == 0) return codes[i].code;
	return BULLA_ERR_IO;
}

bulla_code bulla_pg_fail_lost(const bulla_pg_link *link, bulla_error *err)
{
	/* Where connecting failed libpq has a line for each host; the first is enough, and none of them has the password. */
	const char *why = link->conn ? PQerrorMessage(link->conn) : "";
	const char *state = link->conn && PQstatus(link->conn) == CONNECTION_BAD ? why : "";
	int length = (int)strcspn(state, "\n");
	if (length == 0) {
		bulla_code code =
			bulla_fail(err, BULLA_ERR_UNAVAILABLE, "the key store's server does not answer (%s)", link->place->name);
		return bulla_advise(err, code, REACH);
	}
	bulla_code code = strstr(state, "does not exist") ? BULLA_ERR_CONFIG : BULLA_ERR_UNAVAILABLE;
	if (strstr(state, "authentication failed") || strstr(state, "no password supplied") || strstr(state, "pg_hba.conf"))
		code = BULLA_ERR_PERMISSION;
	(void)bulla_fail(err, code, "the key store's server: %.*s", length, state);
	return code == BULLA_ERR_UNAVAILABLE ? bulla_advise(err, code, REACH) : code;
}

bulla_code bulla_pg_fail(const bulla_pg_link *link, const PGresult *result, bulla_error *err)
{
	const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	const char *text = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	if (!state || !text) return bulla_pg_fail_lost(link, err);
	return bulla_fail(err, code_of(state), "the key store's server: %s", text);
}

bool bulla_pg_is_of_no_use(const PGresult *result)
{
	static const char *const states[] = { "57P", "25006", "25P03", "08" };
	const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	for (size_t i = 0; state && i < sizeof states / sizeof *states; i++)
		if (strncmp(state, states[i], strlen(states[i])) == 0) return true;
	return false;
}
