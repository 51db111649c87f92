/*
 * quarantine.c - putting rows aside by their primary key and a reason class.
 */
#include "db/quarantine.h"

#include "io/file.h"

#include <stdio.h>
#include <stdlib.h>

static bulla_value text_of(bulla_bytes text)
{
	return (bulla_value){ .kind = BULLA_KIND_TEXT, .bytes = text };
}

bulla_code bulla_quarantine_put(bulla_db *db, const char *model, const char *job, const bulla_quarantine_entry *entry,
				bulla_error *err)
{
	bulla_value args[] = { bulla_value_text(model),        text_of(entry->pk),
			       bulla_value_text(entry->field), bulla_value_text(bulla_reason_name(entry->reason)),
			       bulla_value_text(job),          bulla_value_integer(bulla_now_us(NULL) / 1000) };
	TRY(db->target->run(db, "DELETE FROM bulla_quarantine WHERE model = ? AND pk = ? AND field = ?", args, 3, NULL, NULL,
			    NULL, err));
	return db->target->run(db, "INSERT INTO bulla_quarantine(model, pk, field, reason, job, at) VALUES(?, ?, ?, ?, ?, ?)",
			       args, 6, NULL, NULL, NULL, err);
}

bulla_code bulla_quarantine_release(bulla_db *db, const char *model, bulla_bytes pk, uint64_t *ret_removed, bulla_error *err)
{
	bulla_value args[] = { bulla_value_text(model), text_of(pk) };
	return db->target->run(db, "DELETE FROM bulla_quarantine WHERE model = ? AND pk = ?", args, 2, NULL, NULL, ret_removed,
			       err);
}

bulla_code bulla_quarantine_purge(bulla_db *db, const char *model, const char *kind, int64_t before_ms, bulla_error *err)
{
	char pattern[32];
	snprintf(pattern, sizeof pattern, "%s:%%", kind);
	bulla_value args[] = { bulla_value_text(model), bulla_value_text(pattern), bulla_value_integer(before_ms) };
	return db->target->run(db, "DELETE FROM bulla_quarantine WHERE model = ? AND job LIKE ? AND at < ?", args, 3, NULL, NULL,
			       NULL, err);
}

static bulla_code read_count(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	(void)n;
	(void)err;
	*(uint64_t *)self = (uint64_t)values[0].integer;
	return BULLA_OK;
}

bulla_code bulla_quarantine_count(bulla_db *db, const char *model, uint64_t *ret, bulla_error *err)
{
	bool exists;
	bulla_value name = bulla_value_text(model);
	*ret = 0;
	TRY(bulla_book_exists(db, &exists, err));
	if (!exists) return BULLA_OK;
	return db->target->run(db, "SELECT count(DISTINCT pk) FROM bulla_quarantine WHERE model = ?", &name, 1, read_count, ret,
			       NULL, err);
}

bulla_code bulla_quarantine_has(bulla_db *db, const char *model, bulla_bytes pk, bool *ret, bulla_error *err)
{
	uint64_t n = 0;
	bulla_value args[] = { bulla_value_text(model), text_of(pk) };
	TRY(db->target->run(db, "SELECT count(*) FROM bulla_quarantine WHERE model = ? AND pk = ?", args, 2, read_count, &n, NULL,
			    err));
	*ret = n > 0;
	return BULLA_OK;
}

bulla_code bulla_quarantine_has_other(bulla_db *db, const char *model, const char *kind, bulla_bytes pk, bool *ret,
				      bulla_error *err)
{
	char pattern[32];
	uint64_t n = 0;
	snprintf(pattern, sizeof pattern, "%s:%%", kind);
	bulla_value args[] = { bulla_value_text(model), text_of(pk), bulla_value_text(pattern) };
	TRY(db->target->run(db, "SELECT count(*) FROM bulla_quarantine WHERE model = ? AND pk = ? AND job NOT LIKE ?", args, 3,
			    read_count, &n, NULL, err));
	*ret = n > 0;
	return BULLA_OK;
}

static bulla_code tell_reason(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	char reason[32];
	(void)n;
	(void)err;
	snprintf(reason, sizeof reason, "%.*s", (int)values[0].bytes.len, (const char *)values[0].bytes.data);
	bulla_json_put_int(self, reason, values[1].integer);
	return BULLA_OK;
}

bulla_code bulla_quarantine_tell(bulla_db *db, const char *model, bulla_json_writer *out, const char *name, bulla_error *err)
{
	bool exists;
	bulla_value model_name = bulla_value_text(model);
	TRY(bulla_book_exists(db, &exists, err));
	bulla_json_open(out, name, '{');
	if (exists)
		TRY(db->target->run(
			db, "SELECT reason, count(*) FROM bulla_quarantine WHERE model = ? GROUP BY reason ORDER BY reason",
			&model_name, 1, tell_reason, out, NULL, err));
	bulla_json_close(out, '}');
	return BULLA_OK;
}

static const struct {
	const char *reason, *meaning;
} meanings[] = {
	{ "wrong_key", "no key of this environment made its wrapped key" },
	{ "key_destroyed", "its key is gone" },
	{ "tampered", "it does not open, or opens to something else than its plaintext" },
	{ "context", "it was sealed for another context than the row has" },
	{ "format", "a column holds something that is no ciphertext or no wrapped key" },
	{ "type", "a value does not fit the field's type or encoding" },
	{ "too_large", "a value is larger than 16 MiB" },
};

static const char *meaning_of(const bulla_value *reason, const bulla_value *field)
{
	if (bulla_bytes_is(field->bytes, BULLA_FIELD_CONSTRAINT))
		return "a constraint or trigger of the table refuses the row: most often a unique index whose value "
		       "another "
		       "row has";
	for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
		if (bulla_bytes_is(reason->bytes, meanings[i].reason)) return meanings[i].meaning;
	return "";
}

static bulla_code explain_one(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	bulla_json_writer *out = self;
	(void)n;
	(void)err;
	bulla_json_open(out, NULL, '{');
	bulla_json_put_bytes(out, "reason", values[0].bytes);
	bulla_json_put_bytes(out, "field", values[1].bytes);
	bulla_json_put_int(out, "rows", values[2].integer);
	bulla_json_put_str(out, "meaning", meaning_of(&values[0], &values[1]));
	bulla_json_close(out, '}');
	return BULLA_OK;
}

bulla_code bulla_quarantine_explain(bulla_db *db, const char *model, bulla_json_writer *out, const char *name, bulla_error *err)
{
	bool exists;
	bulla_value model_name = bulla_value_text(model);
	TRY(bulla_book_exists(db, &exists, err));
	bulla_json_open(out, name, '[');
	if (exists)
		TRY(db->target->run(db,
				    "SELECT reason, field, count(*) FROM bulla_quarantine WHERE model = ? GROUP BY reason, field "
				    "ORDER BY 3 DESC, reason, field",
				    &model_name, 1, explain_one, out, NULL, err));
	bulla_json_close(out, ']');
	return BULLA_OK;
}

/* --- collecting ------------------------------------------------------------------------------------------------- */

void bulla_aside_done(bulla_aside *aside)
{
	free(aside->list);
	bulla_buf_done(&aside->pks);
	*aside = (bulla_aside){ 0 };
}

void bulla_aside_clear(bulla_aside *aside)
{
	bulla_buf_clear(&aside->pks);
	aside->n = 0;
	aside->left_out = 0;
}

static bulla_code grow(bulla_aside *aside, bulla_error *err)
{
	size_t cap = aside->cap ? aside->cap * 2 : 16;
	struct bulla_aside_entry *grown = realloc(aside->list, cap * sizeof *grown);
	if (!grown) return bulla_fail_memory(err);
	aside->list = grown;
	aside->cap = cap;
	return BULLA_OK;
}

bulla_code bulla_aside_add(bulla_aside *aside, bulla_bytes pk, const char *field, bulla_reason reason, bulla_error *err)
{
	if (aside->n == BULLA_ASIDE_MAX) {
		aside->left_out++;
		return BULLA_OK;
	}
	if (aside->n == aside->cap) TRY(grow(aside, err));
	size_t at = aside->pks.len;
	TRY(bulla_buf_add(&aside->pks, pk, err));
	aside->list[aside->n++] = (struct bulla_aside_entry){ at, pk.len, field, reason };
	return BULLA_OK;
}

bulla_quarantine_entry bulla_aside_entry(const bulla_aside *aside, size_t i)
{
	const struct bulla_aside_entry *entry = &aside->list[i];
	return (bulla_quarantine_entry){ bulla_view(aside->pks.data + entry->at, entry->len), entry->field, entry->reason };
}

bool bulla_row_is_shredded(const bulla_row *row)
{
	if (row->code != BULLA_ERR_KEY_DESTROYED || row->part != BULLA_PART_TOMBSTONE) return false;
	for (size_t c = 0; c < row->cell_count; c++)
		if (row->cells[c].code && row->cells[c].code != BULLA_ERR_KEY_DESTROYED) return false;
	return true;
}
