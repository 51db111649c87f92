/*
 * batch.c - seal and open a thousand records in two calls, on two threads.
 */
#include <bulla/bulla.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS 1000
#define FIELDS  2 /* email, phone: the model's fields in its order */

struct records {
	bulla_row row[RECORDS];
	bulla_cell cell[RECORDS][FIELDS];
	bulla_bytes key[RECORDS], id[RECORDS];
	char id_text[RECORDS][8], value[RECORDS][FIELDS][32];
};

static void fill(struct records *r)
{
	for (int i = 0; i < RECORDS; i++) {
		snprintf(r->id_text[i], sizeof r->id_text[i], "%d", i + 1);
		snprintf(r->value[i][0], sizeof r->value[i][0], "person-%d@example.org", i + 1);
		snprintf(r->value[i][1], sizeof r->value[i][1], "+49 30 %07d", i + 1);
		r->id[i] = (bulla_bytes){ (const uint8_t *)r->id_text[i], strlen(r->id_text[i]) };
		for (int f = 0; f < FIELDS; f++)
			r->cell[i][f] =
				(bulla_cell){ .field = (size_t)f,
					      .value = { .kind = BULLA_KIND_TEXT,
							 .bytes = { (const uint8_t *)r->value[i][f], strlen(r->value[i][f]) } } };
		r->row[i] = (bulla_row){ .inputs = &r->id[i], .cells = r->cell[i], .cell_count = FIELDS, .keys = &r->key[i] };
	}
}

/* Views of a batch live until its next call: what is stored must be copied out. Here into one block that is never freed before the end. */
static uint8_t *store(struct records *r)
{
	size_t size = 0;
	for (int i = 0; i < RECORDS; i++)
		size += r->key[i].len + r->cell[i][0].ciphertext.len + r->cell[i][1].ciphertext.len;
	uint8_t *block = malloc(size), *at = block;
	for (int i = 0; i < RECORDS && block; i++) {
		bulla_bytes *views[] = { &r->key[i], &r->cell[i][0].ciphertext, &r->cell[i][1].ciphertext };
		for (int v = 0; v < 3; v++) {
			memcpy(at, views[v]->data, views[v]->len);
			views[v]->data = at;
			at += views[v]->len;
		}
	}
	return block;
}

static int count_equal(const struct records *r)
{
	int equal = 0;
	for (int i = 0; i < RECORDS; i++)
		for (int f = 0; f < FIELDS; f++) {
			const bulla_value *v = &r->cell[i][f].value;
			equal += !r->row[i].code && v->bytes.len == strlen(r->value[i][f]) &&
				 memcmp(v->bytes.data, r->value[i][f], v->bytes.len) == 0;
		}
	return equal;
}

int main(void)
{
	static struct records records;
	bulla_error err = { 0 };
	bulla_keyring *keyring = NULL;
	bulla_batch *batch = NULL;
	const bulla_model *users;
	bulla_batch_options options = { .size = sizeof options, .threads = 2 };
	uint8_t *stored = NULL;
	int equal = 0;

	fill(&records);
	bulla_code code = bulla_keyring_open(NULL, &keyring, &err);
	if (!code) code = bulla_keyring_model(keyring, "users", &users, &err);
	if (!code) code = bulla_batch_new(keyring, users, &options, &batch, &err);
	if (!code) code = bulla_batch_seal(batch, records.row, RECORDS, &err);
	if (!code && !(stored = store(&records))) code = BULLA_ERR_MEMORY;
	if (!code) code = bulla_batch_open(batch, records.row, RECORDS, &err);
	if (!code) {
		equal = count_equal(&records);
		printf("%d records sealed and opened, %d of %d values equal\n", RECORDS, equal, RECORDS * FIELDS);
	}
	if (code) fprintf(stderr, "%s: %s\n", bulla_code_name(code), err.text);
	bulla_batch_free(batch);
	bulla_keyring_free(keyring);
	free(stored);
	return code || equal != RECORDS * FIELDS ? 1 : 0;
}
