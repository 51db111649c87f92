/*
 * postgres_watch.c - which version the rows of the store have, known without a question for each time it is asked.
 *
 * Every change notifies whoever listens; what came in is looked at without waiting. A word that never comes (a connection that hangs, a
 * server that was promoted) must not keep an old image alive: after BULLA_PG_FRESH_MS the server is asked, and what it does not
 * answer is no version.
 */
#include "store/postgres.h"

void bulla_pg_watch_init(bulla_pg_watch *watch, const bulla_pg_place *place)
{
	pthread_mutex_init(&watch->lock, NULL);
	bulla_pg_link_init(&watch->link, place);
	watch->link.answer_ms = BULLA_PG_VERSION_MS;
}

void bulla_pg_watch_done(bulla_pg_watch *watch)
{
	bulla_pg_link_done(&watch->link);
	pthread_mutex_destroy(&watch->lock);
}

static bulla_code listen(bulla_pg_watch *watch, bulla_error *err)
{
	char sql[96];
	TRY(bulla_pg_link_up(&watch->link, err));
	if (watch->listens) return BULLA_OK;
	(void)snprintf(sql, sizeof sql, "LISTEN \"bulla_%s\"", watch->link.place->schema);
	TRY(bulla_pg_run(&watch->link, sql, err));
	watch->listens = true;
	return BULLA_OK;
}

/* A notification says only that something has changed: what the version is now, the server says. */
static void hear(bulla_pg_watch *watch)
{
	bulla_pg_link_look(&watch->link);
	if (!watch->link.conn) watch->listens = watch->knows = false;
	for (PGnotify *n; watch->link.conn && (n = PQnotifies(watch->link.conn)); PQfreemem(n))
		watch->knows = false;
}

static bulla_code ask_server(bulla_pg_watch *watch, bulla_error *err)
{
	BULLA_PG_RESULT *result = NULL;
	int64_t now = bulla_pg_now_ms();
	TRY(listen(watch, err)); /* first: what changes after the question is then heard of */
	bulla_code code = bulla_pg_ask(&watch->link, BULLA_PG_VERSION, NULL, 0, &result, err);
	if (!watch->link.conn) watch->listens = false;
	TRY(code);
	if (PQntuples(result) != 1) return bulla_fail(err, BULLA_ERR_CORRUPT, "the key store is damaged: it has no state");
	watch->version = (uint64_t)bulla_pg_number(result, 0, 0);
	watch->asked_at_ms = now;
	watch->knows = true;
	return BULLA_OK;
}

static bulla_code ask(bulla_pg_watch *watch, uint64_t *ret, bulla_error *err)
{
	const int64_t began = bulla_pg_now_ms();
	hear(watch);
	if (began - watch->asked_at_ms >= BULLA_PG_FRESH_MS) watch->knows = false;
	bulla_code code = watch->knows ? BULLA_OK : ask_server(watch, err);
	/* a connection that was lost while nobody used it, which shows at once, is no failure of this call */
	bool at_once = bulla_pg_now_ms() - began < BULLA_PG_RETRY_MS;
	if (code == BULLA_ERR_UNAVAILABLE && !watch->link.conn && !watch->link.failed_at_ms && at_once)
		code = ask_server(watch, err);
	if (code == BULLA_OK) *ret = watch->version;
	return code;
}

bulla_code bulla_pg_watch_ask(bulla_pg_watch *watch, uint64_t *ret, bulla_error *err)
{
	TRY(bulla_pg_check_owner(watch->link.place, err));
	pthread_mutex_lock(&watch->lock);
	bulla_code code = ask(watch, ret, err);
	pthread_mutex_unlock(&watch->lock);
	return code;
}

void bulla_pg_watch_forget(bulla_pg_watch *watch)
{
	pthread_mutex_lock(&watch->lock);
	watch->knows = false;
	pthread_mutex_unlock(&watch->lock);
}
