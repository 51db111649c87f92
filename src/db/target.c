/*
 * target.c - the database systems that this build knows.
 */
#include "db/target.h"

#include <string.h>

static const bulla_target *const targets[] = { &bulla_target_sqlite };

bulla_code bulla_db_open(const bulla_place *place, bulla_db **out, bulla_error *err)
{
	for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
		if (strncmp(place->url, targets[i]->scheme, strlen(targets[i]->scheme)) == 0)
			return targets[i]->open(place, out, err);
	/* Not the URL itself: it may carry a password. */
	bulla_code code =
		bulla_fail(err, BULLA_ERR_CONFIG, "the URL of the database has a scheme that this release does not know");
	return bulla_advise(err, code, "write it as sqlite:PATH");
}

void bulla_db_close(bulla_db *db)
{
	if (db) db->target->close(db);
}
