/*
 * writer.c - an application that goes on writing while jobs run and are killed, and that can be asked afterwards what it wrote.
 *
 *     writer DATABASE plain|both|sealed SEED       until SIGTERM; prints how many writes were committed
 *
 * plain   an application from before: it writes name and email
 * both    one that migrates: plaintext, ciphertext, index and key together
 * sealed  one that has arrived: ciphertext, index and key
 *
 * `both` writes as `sealed` once finish has taken the plaintext away; both of these as `plain` once an undo has taken the sealed columns away. They
 * leave a row alone whose key was destroyed or is closing.
 *
 * What it writes into a row follows from the row's id and the number in `witness`, which it counts up in the same transaction.
 */
#include <bulla/bulla.h>
#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME, EMAIL, FIELDS };

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

typedef struct writer {
	sqlite3 *db;
	bulla_keyring *keyring;
	const bulla_model *model;
	bool plains, seals; /* what it writes as long as there are columns for it */
	bool plain, sealed; /* what it writes now */
	uint64_t random, writes;
	bulla_error err;
	/* of one write */
	int64_t id, n;
	char text[FIELDS][64], id_text[24];
	bulla_buf ciphertext[FIELDS], index, key, old_key;
	uint8_t keys[2][4096]; /* what the last two of them hold */
} writer;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "writer: %s: %s\n", what, why);
	exit(1);
}

static uint64_t chance(writer *w, uint64_t n)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random % n;
}

/* --- SQL --------------------------------------------------------------------------------------------------------------------------------- */

/* Runs one statement; each `b` in `types` is a bulla_buf (empty: NULL), each `s` a text, each `i` a number. Gives what sqlite3_step() gave. */
static int run(writer *w, const char *sql, const char *types, ...)
{
	sqlite3_stmt *stmt;
	va_list args;
	if (sqlite3_prepare_v2(w->db, sql, -1, &stmt, NULL)) die(sql, sqlite3_errmsg(w->db));
	va_start(args, types);
	for (int i = 0; types[i]; i++) {
		if (types[i] == 'i') {
			sqlite3_bind_int64(stmt, i + 1, va_arg(args, int64_t));
		} else if (types[i] == 's') {
			sqlite3_bind_text(stmt, i + 1, va_arg(args, const char *), -1, SQLITE_TRANSIENT);
		} else {
			const bulla_buf *b = va_arg(args, const bulla_buf *);
			if (b->len) sqlite3_bind_blob(stmt, i + 1, b->data, (int)b->len, SQLITE_TRANSIENT);
		}
	}
	va_end(args);
	int rc = sqlite3_step(stmt);
	sqlite3_finalize(stmt);
	if (rc != SQLITE_DONE && rc != SQLITE_ROW && (rc & 0xff) != SQLITE_BUSY) die(sql, sqlite3_errmsg(w->db));
	return rc;
}

/* The first value of a query, or -1. */
static int64_t number(writer *w, const char *sql, int64_t argument)
{
	sqlite3_stmt *stmt;
	if (sqlite3_prepare_v2(w->db, sql, -1, &stmt, NULL)) die(sql, sqlite3_errmsg(w->db));
	sqlite3_bind_int64(stmt, 1, argument);
	int rc = sqlite3_step(stmt);
	int64_t found = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;
	if (rc != SQLITE_ROW && rc != SQLITE_DONE && (rc & 0xff) != SQLITE_BUSY) die(sql, sqlite3_errmsg(w->db));
	sqlite3_finalize(stmt);
	return found;
}

static void keep(bulla_buf *key, uint8_t place[static 4096], bulla_bytes bytes)
{
	if (bytes.len > 4096) die("keeping a key", "it is too long");
	memcpy(place, bytes.data, bytes.len);
	key->data = place;
	key->len = bytes.len;
}

static bool read_key(writer *w)
{
	sqlite3_stmt *stmt;
	w->old_key.len = 0;
	if (sqlite3_prepare_v2(w->db, "SELECT encrypted_kms_key FROM people WHERE id = ?", -1, &stmt, NULL))
		return false; /* undone just now: begin() sees it */
	sqlite3_bind_int64(stmt, 1, w->id);
	if (sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_bytes(stmt, 0)) {
		bulla_bytes key = { sqlite3_column_blob(stmt, 0), (size_t)sqlite3_column_bytes(stmt, 0) };
		keep(&w->old_key, w->keys[0], key);
	}
	sqlite3_finalize(stmt);
	return w->old_key.len > 0;
}

/* --- values ------------------------------------------------------------------------------------------------------------------------------- */

static void set_texts(writer *w)
{
	snprintf(w->id_text, sizeof w->id_text, "%" PRId64, w->id);
	snprintf(w->text[NAME], sizeof w->text[NAME], "Kq%05" PRId64 "z %" PRId64, w->id, w->n);
	snprintf(w->text[EMAIL], sizeof w->text[EMAIL], "kq%05" PRId64 "z.%" PRId64 "@example.org", w->id, w->n);
}

/* The whole record: under its old key (`again`), or under a fresh one. False where the subject is being shredded, or was. */
static bool seal(writer *w, bool again)
{
	bulla_bytes id = { (const uint8_t *)w->id_text, strlen(w->id_text) };
	bulla_pair input = { { (const uint8_t *)"id", 2 }, id };
	bulla_bytes old = { w->old_key.data, w->old_key.len };
	bulla_record *record = NULL;
	bulla_code code = again ? bulla_record_open(w->keyring, w->model, &input, 1, &old, &record, &w->err)
				: bulla_record_new(w->keyring, w->model, &input, 1, &record, &w->err);
	w->key.len = w->index.len = 0;
	for (size_t f = 0; f < FIELDS && !code; f++) {
		bulla_value value = { .kind = BULLA_KIND_TEXT, .bytes = { (const uint8_t *)w->text[f], strlen(w->text[f]) } };
		w->ciphertext[f].len = 0;
		code = bulla_record_seal(record, f, &value, &w->ciphertext[f], &w->err);
		if (!code && f == EMAIL) code = bulla_record_index(record, f, &value, &w->index, &w->err);
	}
	if (!code) keep(&w->key, w->keys[1], bulla_record_key(record, 0));
	bulla_record_free(record);
	if (code == BULLA_ERR_KEY_CLOSING || code == BULLA_ERR_KEY_DESTROYED) return false;
	if (code) die("sealing", w->err.text);
	return true;
}

static bool has_column(writer *w, const char *query)
{
	return number(w, query, 0) == 1;
}

/* Whether it has changed. */
static bool look(writer *w)
{
	bool plain = w->plain, sealed = w->sealed;
	w->sealed =
		w->seals && has_column(w, "SELECT count(*) FROM pragma_table_info('people') WHERE name = 'encrypted_kms_key'");
	w->plain = !w->sealed ||
		   (w->plains && has_column(w, "SELECT count(*) FROM pragma_table_info('people') WHERE name = 'email'"));
	return plain != w->plain || sealed != w->sealed;
}

/* Under a lock the columns stay what they are. False where they are no longer what was sealed for. */
static bool begin(writer *w)
{
	if (run(w, "BEGIN IMMEDIATE", "") != SQLITE_DONE) return false;
	if (!look(w)) return true;
	run(w, "ROLLBACK", "");
	return false;
}

/* --- one write ---------------------------------------------------------------------------------------------------------------------------- */

/* Whether the row was still as it was seen. */
static bool update(writer *w)
{
	if (!w->sealed)
		run(w, "UPDATE people SET name = ?, email = ? WHERE id = ?", "ssi", w->text[NAME], w->text[EMAIL], w->id);
	else if (w->plain)
		run(w,
		    "UPDATE people SET name = ?, email = ?, name_ciphertext = ?, email_ciphertext = ?, email_bidx = ?,"
		    " encrypted_kms_key = ? WHERE id = ? AND encrypted_kms_key IS ?",
		    "ssbbbbib", w->text[NAME], w->text[EMAIL], &w->ciphertext[NAME], &w->ciphertext[EMAIL], &w->index, &w->key,
		    w->id, &w->old_key);
	else
		run(w,
		    "UPDATE people SET name_ciphertext = ?, email_ciphertext = ?, email_bidx = ?, encrypted_kms_key = ?"
		    " WHERE id = ? AND encrypted_kms_key IS ?",
		    "bbbbib", &w->ciphertext[NAME], &w->ciphertext[EMAIL], &w->index, &w->key, w->id, &w->old_key);
	return sqlite3_changes(w->db) == 1;
}

static void insert(writer *w)
{
	if (!w->sealed)
		run(w, "INSERT INTO people (id, name, email, city) VALUES (?, ?, ?, 'Ghent')", "iss", w->id, w->text[NAME],
		    w->text[EMAIL]);
	else if (w->plain)
		run(w,
		    "INSERT INTO people (id, name, email, city, name_ciphertext, email_ciphertext, email_bidx, encrypted_kms_key)"
		    " VALUES (?, ?, ?, 'Ghent', ?, ?, ?, ?)",
		    "issbbbb", w->id, w->text[NAME], w->text[EMAIL], &w->ciphertext[NAME], &w->ciphertext[EMAIL], &w->index,
		    &w->key);
	else
		run(w,
		    "INSERT INTO people (id, city, name_ciphertext, email_ciphertext, email_bidx, encrypted_kms_key)"
		    " VALUES (?, 'Ghent', ?, ?, ?, ?)",
		    "ibbbb", w->id, &w->ciphertext[NAME], &w->ciphertext[EMAIL], &w->index, &w->key);
}

static void commit(writer *w, bool good)
{
	if (!good) {
		run(w, "ROLLBACK", "");
		return;
	}
	if (run(w, "COMMIT", "") == SQLITE_DONE)
		w->writes++;
	else
		run(w, "ROLLBACK", "");
}

static void write_old_row(writer *w)
{
	w->id = number(w, "SELECT id FROM people ORDER BY (id * 7919 + ?) % 10007 LIMIT 1", (int64_t)chance(w, 10007));
	w->n = number(w, "SELECT n FROM witness WHERE id = ?", w->id) + 1;
	if (w->id < 0 || w->n < 1) return;
	set_texts(w);
	if (w->sealed && !seal(w, read_key(w) && chance(w, 2))) return;
	if (!begin(w)) return;
	bool good = number(w, "SELECT n FROM witness WHERE id = ?", w->id) == w->n - 1 && update(w);
	if (good) run(w, "UPDATE witness SET n = ? WHERE id = ?", "ii", w->n, w->id);
	commit(w, good);
}

static void write_new_row(writer *w)
{
	w->id = number(w, "SELECT max(id) + 1 FROM witness", 0);
	w->n = 0;
	set_texts(w);
	if (w->sealed && !seal(w, false)) return;
	if (!begin(w)) return;
	bool good = number(w, "SELECT count(*) FROM witness WHERE id = ?", w->id) == 0; /* another writer may have been first */
	if (good) insert(w);
	if (good) run(w, "INSERT INTO witness (id, n) VALUES (?, 0)", "i", w->id);
	commit(w, good);
}

static void remove_row(writer *w)
{
	w->id = number(w, "SELECT id FROM people ORDER BY (id * 7919 + ?) % 10007 LIMIT 1", (int64_t)chance(w, 10007));
	if (run(w, "BEGIN IMMEDIATE", "") != SQLITE_DONE) return;
	run(w, "DELETE FROM people WHERE id = ?", "i", w->id);
	run(w, "UPDATE witness SET n = -1 WHERE id = ?", "i", w->id);
	commit(w, true);
}

int main(int argc, char **argv)
{
	writer w = { 0 };
	if (argc != 4) die("usage", "writer DATABASE plain|both|sealed SEED");
	w.seals = strcmp(argv[2], "plain") != 0;
	w.plains = strcmp(argv[2], "sealed") != 0;
	w.random = strtoull(argv[3], NULL, 10) * 0x9e3779b97f4a7c15u | 1;
	signal(SIGTERM, stop);
	if (sqlite3_open(argv[1], &w.db)) die(argv[1], sqlite3_errmsg(w.db));
	sqlite3_busy_timeout(w.db, 20000);
	if (w.seals &&
	    (bulla_keyring_open(NULL, &w.keyring, &w.err) || bulla_keyring_model(w.keyring, "people", &w.model, &w.err)))
		die("bulla.yaml", w.err.text);
	while (!stopped) {
		(void)look(&w);
		uint64_t which = chance(&w, 16);
		if (which == 0)
			write_new_row(&w);
		else if (which == 1)
			remove_row(&w);
		else
			write_old_row(&w);
	}
	for (size_t f = 0; f < FIELDS; f++)
		bulla_buf_done(&w.ciphertext[f]);
	bulla_buf_done(&w.index);
	bulla_keyring_free(w.keyring);
	sqlite3_close(w.db);
	printf("%" PRIu64 "\n", w.writes);
	return 0;
}
