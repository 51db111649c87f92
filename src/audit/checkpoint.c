/*
 * checkpoint.c - C2SP tlog checkpoints with one extension line.
 */
#include "audit/checkpoint.h"
#include "base/cursor.h"
#include "base/text.h"

#include <inttypes.h>

static bulla_code put_text(const char *origin, const bulla_checkpoint *checkpoint, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_printf(out, err, "%s\n%" PRIu64 "\n", origin, checkpoint->head.size));
	TRY(bulla_base64_encode(bulla_view(checkpoint->head.root, sizeof checkpoint->head.root), out, err));
	return bulla_buf_printf(out, err, "\ngeneration %" PRIu64 "\n", checkpoint->generation);
}

bulla_code bulla_checkpoint_sign(const bulla_note_key *key, const uint8_t seed[static 32], const bulla_checkpoint *checkpoint,
				 bulla_buf *out, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf text = { .max = BULLA_CHECKPOINT_MAX };
	TRY(put_text(key->name, checkpoint, &text, err));
	return bulla_note_sign(key, seed, bulla_view_buf(&text), out, err);
}

static bulla_bytes take_line(bulla_cursor *c)
{
	const uint8_t *newline = c->rest.len ? memchr(c->rest.data, '\n', c->rest.len) : NULL;
	bulla_bytes line = bulla_cursor_take(c, newline ? (size_t)(newline - c->rest.data) : c->rest.len + 1);
	(void)bulla_cursor_u8(c);
	return line;
}

/* Leading zeros and overflow are caught where the text is written again and compared. */
static uint64_t number(bulla_bytes digits)
{
	uint64_t value = 0;
	for (size_t i = 0; i < digits.len; i++)
		value = value * 10 + (uint64_t)(digits.data[i] - '0');
	return value;
}

static bulla_bytes behind(bulla_bytes line, const char *prefix)
{
	size_t len = strlen(prefix);
	return line.len < len ? bulla_view(NULL, 0) : bulla_view(line.data + len, line.len - len);
}

/* Strict by construction: what was read is written again, and must give the same bytes. */
static bulla_code parse_text(const char *origin, bulla_bytes text, bulla_checkpoint *ret, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf again = { .max = BULLA_CHECKPOINT_MAX };
	bulla_checkpoint found = { 0 };
	bulla_cursor c = bulla_cursor_of(text);
	bulla_bytes name = take_line(&c);
	found.head.size = number(take_line(&c));
	bulla_bytes base64 = take_line(&c);
	found.generation = number(behind(take_line(&c), "generation "));
	if (!bulla_cursor_end(&c) || !bulla_base64_read(base64, found.head.root, sizeof found.head.root))
		return bulla_fail(err, BULLA_ERR_AUDIT, "a checkpoint does not have the lines origin, size, root, generation");
	if (!bulla_bytes_is(name, origin))
		return bulla_fail(err, BULLA_ERR_AUDIT, "a checkpoint belongs to another log than %s", origin);
	TRY(put_text(origin, &found, &again, err));
	if (!bulla_bytes_equal(bulla_view_buf(&again), text))
		return bulla_fail(err, BULLA_ERR_AUDIT, "a checkpoint is not written as checkpoints of this log are");
	*ret = found;
	return BULLA_OK;
}

/* A note that is none and one that nobody signed are, to the reader of a log, the same finding. */
static bulla_code as_finding(bulla_code code, bulla_error *err)
{
	if (code != BULLA_ERR_FORMAT && code != BULLA_ERR_AUTH) return code;
	if (err) err->code = BULLA_ERR_AUDIT;
	return BULLA_ERR_AUDIT;
}

bulla_code bulla_checkpoint_parse(const char *origin, bulla_bytes note, bulla_checkpoint *ret, bulla_error *err)
{
	bulla_bytes text;
	TRY(as_finding(bulla_note_text(note, &text, err), err));
	return parse_text(origin, text, ret, err);
}

bulla_code bulla_checkpoint_verify(const bulla_note_key *key, bulla_bytes note, bulla_checkpoint *ret, bulla_error *err)
{
	bulla_bytes text;
	TRY(as_finding(bulla_note_verify(key, note, &text, err), err));
	return parse_text(key->name, text, ret, err);
}
