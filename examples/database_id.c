/*
 * database_id.c - insert a row whose id the database makes: INSERT ... RETURNING, seal, UPDATE, in one transaction.
 *
 * The id is in the encryption context, so it must be known before the record is sealed. With a branch key sealing is local: no KMS is called
 * while the transaction is open. The guard trigger lets the UPDATE pass, because it sets the key and every ciphertext together.
 */
#include <bulla/bulla.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

static bulla_bytes text(const char *s)
{
	return (bulla_bytes){ (const uint8_t *)s, strlen(s) };
}

static bool execute(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static bool insert(sqlite3 *db, sqlite3_int64 *ret_id)
{
	sqlite3_stmt *s;
	if (sqlite3_prepare_v2(db, "INSERT INTO users DEFAULT VALUES RETURNING id", -1, &s, NULL)) return false;
	bool ok = sqlite3_step(s) == SQLITE_ROW;
	if (ok) *ret_id = sqlite3_column_int64(s, 0);
	ok = ok && sqlite3_step(s) == SQLITE_DONE;
	sqlite3_finalize(s);
	return ok;
}

static bool update(sqlite3 *db, sqlite3_int64 id, bulla_bytes key, const bulla_buf sealed[2])
{
	sqlite3_stmt *s;
	if (sqlite3_prepare_v2(db,
			       "UPDATE users SET encrypted_kms_key = ?, email_ciphertext = ?, phone_ciphertext = ? WHERE id = ?",
			       -1, &s, NULL))
		return false;
	sqlite3_bind_blob(s, 1, key.data, (int)key.len, SQLITE_STATIC);
	sqlite3_bind_blob(s, 2, sealed[0].data, (int)sealed[0].len, SQLITE_STATIC);
	sqlite3_bind_blob(s, 3, sealed[1].data, (int)sealed[1].len, SQLITE_STATIC);
	sqlite3_bind_int64(s, 4, id);
	bool ok = sqlite3_step(s) == SQLITE_DONE && sqlite3_changes(db) == 1;
	sqlite3_finalize(s);
	return ok;
}

static bulla_code seal_row(sqlite3 *db, bulla_keyring *keyring, const bulla_model *users, sqlite3_int64 id, bulla_error *err)
{
	char id_text[24];
	const char *values[2] = { "grace@example.org", "+1 212 555 0100" };
	bulla_buf sealed[2] = { { 0 } };
	bulla_record *record;
	snprintf(id_text, sizeof id_text, "%lld", (long long)id);
	bulla_pair input = { text("id"), text(id_text) };
	bulla_code code = bulla_record_new(keyring, users, &input, 1, &record, err);
	if (code) return code;
	for (size_t f = 0; f < 2 && !code; f++) {
		bulla_value value = { .kind = BULLA_KIND_TEXT, .bytes = text(values[f]) };
		code = bulla_record_seal(record, f, &value, &sealed[f], err);
	}
	if (!code) code = bulla_record_complete(record, err);
	if (!code && !update(db, id, bulla_record_key(record, 0), sealed)) code = BULLA_ERR_DATABASE;
	bulla_buf_done(&sealed[0]);
	bulla_buf_done(&sealed[1]);
	bulla_record_free(record);
	return code;
}

int main(int argc, char **argv)
{
	bulla_error err = { 0 };
	bulla_keyring *keyring = NULL;
	const bulla_model *users;
	sqlite3 *db = NULL;
	sqlite3_int64 id = 0;

	bulla_code code = bulla_keyring_open(NULL, &keyring, &err);
	if (!code) code = bulla_keyring_model(keyring, "users", &users, &err);
	if (!code && sqlite3_open(argc > 1 ? argv[1] : "app.db", &db)) code = BULLA_ERR_DATABASE;
	if (!code && !(execute(db, "BEGIN IMMEDIATE") && insert(db, &id))) code = BULLA_ERR_DATABASE;
	if (!code) code = seal_row(db, keyring, users, id, &err);
	if (!code && !execute(db, "COMMIT")) code = BULLA_ERR_DATABASE;
	if (code && db) execute(db, "ROLLBACK");
	if (!code) printf("row %lld inserted and sealed in one transaction\n", (long long)id);
	if (code) fprintf(stderr, "%s: %s%s\n", bulla_code_name(code), err.text, db ? sqlite3_errmsg(db) : "");
	sqlite3_close(db);
	bulla_keyring_free(keyring);
	return code ? 1 : 0;
}
