/*
 * postgres_link.c - a link to a PostgreSQL server: connecting, settings, statements with their time-outs, binary values.
 */
#include "store/postgres.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int64_t bulla_pg_now_ms(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void bulla_pg_pause(int ms)
{
	(void)poll(NULL, 0, ms);
}

bulla_code bulla_pg_check_owner(const bulla_pg_place *place, bulla_error *err)
{
	if (place->owner == getpid()) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_USAGE, "the key store was opened before a fork: open it again");
}

int64_t bulla_pg_lock_number(const bulla_pg_place *place, const char *purpose)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
	const char *const parts[] = { "bulla ", place->schema, " ", purpose };
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		for (const char *c = parts[i]; *c; c++)
			hash = (hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
	return (int64_t)hash;
}

/* --- results --------------------------------------------------------------------------------------------------- */
void bulla_pg_result_free(PGresult **result)
{
	PQclear(*result);
	*result = NULL;
}

bulla_bytes bulla_pg_bytes(const PGresult *result, int row, int column)
{
	return bulla_view(PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column));
}

int64_t bulla_pg_number(const PGresult *result, int row, int column)
{
	bulla_bytes bytes = bulla_pg_bytes(result, row, column);
	return bytes.len == 8 ? (int64_t)bulla_get_u64(bytes.data) : 0;
}

static void drop(bulla_pg_link *link)
{
	PQfinish(link->conn);
	link->conn = NULL;
	memset(link->prepared, 0, sizeof link->prepared);
}

/* Until there is something to read. */
static bool wait_readable(bulla_pg_link *link, int64_t until_ms)
{
	struct pollfd fd = { .fd = PQsocket(link->conn), .events = POLLIN };
	int64_t left = until_ms - bulla_pg_now_ms();
	int n = left > 0 ? poll(&fd, 1, (int)left) : 0;
	if (n < 0 && errno == EINTR) return true;
	return n > 0;
}

static bulla_code fail_send(bulla_pg_link *link, bulla_error *err)
{
	bulla_code code = bulla_pg_fail_lost(link, err);
	drop(link);
	return code;
}

/* The next result of what was sent, NULL behind the last. */
static bulla_code next_result(bulla_pg_link *link, PGresult **ret, bulla_error *err)
{
	int64_t until = bulla_pg_now_ms() + link->answer_ms;
	while (PQisBusy(link->conn))
		if (!wait_readable(link, until) || !PQconsumeInput(link->conn)) return fail_send(link, err);
	*ret = PQgetResult(link->conn);
	return BULLA_OK;
}

/* What a failed statement leaves: a connection for the next one, or none. */
static bulla_code fail_answer(bulla_pg_link *link, PGresult *result, bulla_error *err)
{
	bulla_code code = bulla_pg_fail(link, result, err);
	bool useless = bulla_pg_is_of_no_use(result) || PQstatus(link->conn) != CONNECTION_OK;
	PGresult *rest = NULL;
	while (!useless && next_result(link, &rest, NULL) == BULLA_OK && rest)
		PQclear(rest);
	if (useless && link->conn) drop(link);
	return code;
}

/* The one result of what was sent, or the last of several statements in one text. */
static bulla_code take_answer(bulla_pg_link *link, PGresult **ret, bulla_error *err)
{
	BULLA_PG_RESULT *kept = NULL;
	for (;;) {
		PGresult *next = NULL;
		TRY(next_result(link, &next, err));
		if (!next && kept) break;
		PQclear(kept);
		kept = next;
		ExecStatusType status = PQresultStatus(kept);
		if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) return fail_answer(link, kept, err);
	}
	*ret = kept;
	kept = NULL; /* transferred */
	return BULLA_OK;
}

bulla_code bulla_pg_run(bulla_pg_link *link, const char *sql, bulla_error *err)
{
	BULLA_PG_RESULT *result = NULL;
	if (!link->conn || !PQsendQuery(link->conn, sql)) return fail_send(link, err);
	return take_answer(link, &result, err);
}

bulla_code bulla_pg_ask_text(bulla_pg_link *link, const char *sql, int64_t *ret, bulla_error *err)
{
	BULLA_PG_RESULT *result = NULL;
	if (!link->conn || !PQsendQueryParams(link->conn, sql, 0, NULL, NULL, NULL, NULL, 1)) return fail_send(link, err);
	TRY(take_answer(link, &result, err));
	*ret = PQntuples(result) ? bulla_pg_number(result, 0, 0) : 0;
	return BULLA_OK;
}

/* --- connecting ------------------------------------------------------------------------------------------------ */
static bulla_code fail_connect(bulla_pg_link *link, bulla_error *err)
{
	bulla_code code = bulla_pg_fail_lost(link, err);
	link->failed_at_ms = bulla_pg_now_ms();
	link->failed = code;
	drop(link);
	return code;
}

/* What the URL says comes after our presets; what must be so comes last. */
static bulla_code connect_to(bulla_pg_link *link, bulla_error *err)
{
	static const char *const names[] = {
		"target_session_attrs", "connect_timeout",  "keepalives_idle", "keepalives_interval", "keepalives_count",
		"tcp_user_timeout",     "application_name", "dbname",          "client_encoding",     NULL
	};
	const char *values[] = {
		"read-write", BULLA_PG_CONNECT_S, "5", "2", "3", "10000", "bulla", link->place->url, "UTF8", NULL
	};
	link->conn = PQconnectdbParams(names, values, 1);
	if (!link->conn) return bulla_fail_memory(err);
	return PQstatus(link->conn) == CONNECTION_OK ? BULLA_OK : fail_connect(link, err);
}

/* A commit that was answered is on disk: a setting of the role, the database or the URL that says otherwise does not count. */
static bulla_code settle(bulla_pg_link *link, bulla_error *err)
{
	char sql[768];
	const bulla_pg_place *place = link->place;
	int64_t lock_ms = place->patience.wait_ms ? place->patience.wait_ms : BULLA_STORE_BUSY_MS;
	(void)snprintf(sql, sizeof sql,
		       "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN "
		       "('off', 'local');"
		       "SET search_path TO \"%s\"; SET statement_timeout = %d; SET lock_timeout = %lld;"
		       "SET idle_in_transaction_session_timeout = %d; SET default_transaction_isolation TO 'read committed';"
		       "SET row_security = off; SET bytea_output = hex; SET client_min_messages = warning",
		       place->schema, BULLA_PG_STATEMENT_MS, (long long)lock_ms, BULLA_PG_IDLE_MS);
	return bulla_pg_run(link, sql, err);
}

static void hear_nothing(void *self, const char *message)
{
	(void)self, (void)message;
}

bulla_code bulla_pg_link_up(bulla_pg_link *link, bulla_error *err)
{
	if (link->conn) return BULLA_OK;
	if (link->failed_at_ms && bulla_pg_now_ms() - link->failed_at_ms < BULLA_PG_RETRY_MS)
		return bulla_fail(err, link->failed, "the key store's server cannot be reached (%s)", link->place->name);
	TRY(connect_to(link, err));
	(void)PQsetNoticeProcessor(link->conn, hear_nothing, NULL); /* a library does not write to its host's streams */
	bulla_code code = settle(link, err);
	if (code) drop(link);
	link->failed_at_ms = 0;
	return code;
}

void bulla_pg_link_look(bulla_pg_link *link)
{
	if (link->conn && (!PQconsumeInput(link->conn) || PQstatus(link->conn) != CONNECTION_OK)) drop(link);
}

void bulla_pg_link_init(bulla_pg_link *link, const bulla_pg_place *place)
{
	*link = (bulla_pg_link){ .place = place, .answer_ms = BULLA_PG_ANSWER_MS };
}

void bulla_pg_link_done(bulla_pg_link *link)
{
	drop(link);
}

/* --- statements ------------------------------------------------------------------------------------------------ */
static bulla_code prepare(bulla_pg_link *link, bulla_pg_sql which, const char *name, bulla_error *err)
{
	BULLA_PG_RESULT *result = NULL;
	if (!link->conn) return bulla_pg_fail_lost(link, err);
	if (link->prepared[which]) return BULLA_OK;
	if (!PQsendPrepare(link->conn, name, bulla_pg_texts[which], 0, NULL)) return fail_send(link, err);
	TRY(take_answer(link, &result, err));
	link->prepared[which] = true;
	return BULLA_OK;
}

static bulla_code send(bulla_pg_link *link, bulla_pg_sql which, const bulla_pg_value *values, size_t n, bulla_error *err)
{
	const char *data[BULLA_PG_VALUES];
	int lengths[BULLA_PG_VALUES], formats[BULLA_PG_VALUES];
	uint8_t numbers[BULLA_PG_VALUES][8];
	char name[16];
	for (size_t i = 0; i < n; i++) {
		if (values[i].is_number) bulla_put_u64(numbers[i], (uint64_t)values[i].number);
		bulla_bytes bytes = values[i].is_number ? bulla_view(numbers[i], 8) : values[i].bytes;
		data[i] = bytes.len ? (const char *)bytes.data : ""; /* NULL would be SQL's */
		lengths[i] = (int)bytes.len;
		formats[i] = 1;
	}
	(void)snprintf(name, sizeof name, "b%d", (int)which);
	TRY(prepare(link, which, name, err));
	if (PQsendQueryPrepared(link->conn, name, (int)n, data, lengths, formats, 1)) return BULLA_OK;
	return fail_send(link, err);
}

bulla_code bulla_pg_ask(bulla_pg_link *link, bulla_pg_sql which, const bulla_pg_value *values, size_t n, PGresult **ret,
			bulla_error *err)
{
	TRY(send(link, which, values, n, err));
	return take_answer(link, ret, err);
}

bulla_code bulla_pg_do(bulla_pg_link *link, bulla_pg_sql which, const bulla_pg_value *values, size_t n, uint64_t *ret_rows,
		       bulla_error *err)
{
	BULLA_PG_RESULT *result = NULL;
	TRY(bulla_pg_ask(link, which, values, n, &result, err));
	if (ret_rows) *ret_rows = strtoull(PQcmdTuples(result), NULL, 10);
	return BULLA_OK;
}

static bulla_code walk_on(bulla_pg_link *link, bulla_pg_each each, void *self, bulla_error *err)
{
	for (;;) {
		BULLA_PG_RESULT *result = NULL;
		TRY(next_result(link, &result, err));
		if (!result) return BULLA_OK;
		ExecStatusType status = PQresultStatus(result);
		if (status != PGRES_SINGLE_TUPLE && status != PGRES_TUPLES_OK) return fail_answer(link, result, err);
		if (status == PGRES_SINGLE_TUPLE) TRY(each(self, result, 0, err));
	}
}

bulla_code bulla_pg_walk(bulla_pg_link *link, bulla_pg_sql which, const bulla_pg_value *values, size_t n, bulla_pg_each each,
			 void *self, bulla_error *err)
{
	TRY(send(link, which, values, n, err));
	if (!PQsetSingleRowMode(link->conn)) return fail_send(link, err);
	bulla_code code = walk_on(link, each, self, err);
	/* in the middle of an answer: its rest may be long */
	if (code && link->conn && PQtransactionStatus(link->conn) == PQTRANS_ACTIVE) drop(link);
	return code;
}

/* --- arrays ---------------------------------------------------------------------------------------------------- */
#define COUNT_AT 12

/* One dimension, no NULLs, elements from 1 on; their number is known at the end. An empty one has no dimension. */
static bulla_code begin(bulla_pg_array *array, uint32_t dimensions, bulla_error *err)
{
	const uint32_t head[] = { dimensions, 0, (uint32_t)array->type, 0, 1 };
	if (array->n) return BULLA_OK;
	for (size_t i = 0; i < (dimensions ? 5 : 3); i++)
		TRY(bulla_buf_add_u32(&array->bytes, head[i], err));
	return BULLA_OK;
}

bulla_code bulla_pg_array_number(bulla_pg_array *array, int64_t number, bulla_error *err)
{
	TRY(begin(array, 1, err));
	TRY(bulla_buf_add_u32(&array->bytes, 8, err));
	TRY(bulla_buf_add_u64(&array->bytes, (uint64_t)number, err));
	array->n++;
	return BULLA_OK;
}

bulla_code bulla_pg_array_bytes(bulla_pg_array *array, bulla_bytes bytes, bulla_error *err)
{
	TRY(begin(array, 1, err));
	TRY(bulla_buf_add_u32(&array->bytes, (uint32_t)bytes.len, err));
	TRY(bulla_buf_add(&array->bytes, bytes, err));
	array->n++;
	return BULLA_OK;
}

bulla_code bulla_pg_array_value(bulla_pg_array *array, bulla_pg_value *ret, bulla_error *err)
{
	TRY(begin(array, 0, err));
	if (array->n) bulla_put_u32(array->bytes.data + COUNT_AT, (uint32_t)array->n);
	*ret = BULLA_PG_BYTES(bulla_view_buf(&array->bytes));
	return BULLA_OK;
}

void bulla_pg_array_done(bulla_pg_array *array)
{
	bulla_buf_done(&array->bytes);
	array->n = 0;
}
