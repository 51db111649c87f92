/*
 * record.c - seal one record and open it again.
 *
 * Run it where a bulla.yaml with the model `users` (fields email and phone) lies: examples/run makes one.
 */
#include <bulla/bulla.h>
#include <stdio.h>
#include <string.h>

static bulla_bytes text(const char *s)
{
	return (bulla_bytes){ (const uint8_t *)s, strlen(s) };
}

static bulla_value value(const char *s)
{
	return (bulla_value){ .kind = BULLA_KIND_TEXT, .bytes = text(s) };
}

/* What a row of the table would hold. */
struct row {
	uint8_t key[4096];
	size_t key_len;
	bulla_buf email, phone;
};

static bulla_code seal(bulla_keyring *keyring, const bulla_model *users, struct row *row, bulla_error *err)
{
	bulla_pair id = { text("id"), text("42") };
	bulla_value email = value("ada@example.org"), phone = value("+44 20 7946 0018");
	bulla_record *record;
	bulla_code code = bulla_record_new(keyring, users, &id, 1, &record, err);
	if (code) return code;

	size_t at_email, at_phone;
	code = bulla_model_position(users, "email", &at_email, err);
	if (!code) code = bulla_model_position(users, "phone", &at_phone, err);
	if (!code) code = bulla_record_seal(record, at_email, &email, &row->email, err);
	if (!code) code = bulla_record_seal(record, at_phone, &phone, &row->phone, err);
	if (!code) code = bulla_record_complete(record, err); /* a new record is written whole, or not at all */
	if (!code) {
		bulla_bytes key = bulla_record_key(record, 0);
		memcpy(row->key, key.data, key.len);
		row->key_len = key.len;
	}
	bulla_record_free(record);
	return code;
}

static bulla_code open_email(bulla_keyring *keyring, const bulla_model *users, const char *of_id, const struct row *row,
			     bulla_error *err)
{
	bulla_pair id = { text("id"), text(of_id) };
	bulla_bytes key = { row->key, row->key_len };
	bulla_buf scratch = { 0 };
	bulla_value email;
	bulla_record *record;
	bulla_code code = bulla_record_open(keyring, users, &id, 1, &key, &record, err);
	if (code) return code;

	size_t at_email;
	code = bulla_model_position(users, "email", &at_email, err);
	if (!code)
		code = bulla_record_unseal(record, at_email, (bulla_bytes){ row->email.data, row->email.len }, &scratch, &email,
					   err);
	if (!code) printf("email: %.*s\n", (int)email.bytes.len, (const char *)email.bytes.data);
	bulla_buf_done(&scratch); /* wipes the plaintext */
	bulla_record_free(record);
	return code;
}

int main(void)
{
	bulla_error err = { 0 };
	bulla_keyring *keyring = NULL;
	const bulla_model *users;
	struct row row = { 0 };

	bulla_code code = bulla_keyring_open(NULL, &keyring, &err);
	if (!code) code = bulla_keyring_model(keyring, "users", &users, &err);
	if (!code) code = seal(keyring, users, &row, &err);
	if (!code) printf("wrapped key: %zu bytes, email: %zu bytes\n", row.key_len, row.email.len);
	if (!code) code = open_email(keyring, users, "42", &row, &err);
	if (!code && open_email(keyring, users, "43", &row, &err))
		printf("in another row: %s\n", err.text);
	else if (!code)
		code = BULLA_ERR_INTERNAL; /* it opened where it must not */

	if (code) fprintf(stderr, "%s: %s\n", bulla_code_name(code), err.text);
	bulla_buf_done(&row.email);
	bulla_buf_done(&row.phone);
	bulla_keyring_free(keyring);
	return code ? 1 : 0;
}
