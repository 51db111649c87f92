/*
 * note.c - C2SP signed notes.
 */
#include "audit/note.h"
#include "base/text.h"
#include "crypto/sign.h"

#include <stdlib.h>

#define ED25519             0x01
#define DASH                "\xe2\x80\x94 " /* U+2014 and a blank begin a signature line */
#define DASH_LEN            (sizeof DASH - 1)
#define ID_SIZE             4
#define SIGNATURE_LINE_SIZE (ID_SIZE + BULLA_SIGNATURE_SIZE)

static bool starts_with_dash(bulla_bytes b)
{
	return b.len >= DASH_LEN && memcmp(b.data, DASH, DASH_LEN) == 0;
}

/* The line at the start of `rest` without its newline; false when no newline is there. */
static bool next_line(bulla_bytes *rest, bulla_bytes *ret_line)
{
	const uint8_t *newline = rest->len ? memchr(rest->data, '\n', rest->len) : NULL;
	if (!newline) return false;
	size_t len = (size_t)(newline - rest->data);
	*ret_line = bulla_view(rest->data, len);
	*rest = bulla_view(newline + 1, rest->len - len - 1);
	return true;
}

/* Blanks beyond ASCII in a name are the business of whoever chose it: they cannot be confused with the separator. */
static bool name_fits(const char *name)
{
	size_t len = strlen(name);
	if (len == 0 || len > BULLA_NOTE_NAME_MAX || !bulla_utf8_valid(bulla_view_str(name))) return false;
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == '+' || *c == 0x7f) return false;
	return true;
}

bulla_code bulla_note_key_of(bulla_lane *lane, const char *name, const uint8_t public_key[static 32], bulla_note_key *ret,
			     bulla_error *err)
{
	static const uint8_t separator[] = { '\n', ED25519 };
	uint8_t hash[32];
	if (!name_fits(name)) return bulla_fail(err, BULLA_ERR_USAGE, "a signed note cannot carry this key name");
	const bulla_bytes parts[] = { bulla_view_str(name), { separator, sizeof separator }, { public_key, 32 } };
	TRY(bulla_sha256(lane, parts, 3, hash, err));
	ret->name = name;
	memcpy(ret->public_key, public_key, sizeof ret->public_key);
	memcpy(ret->id, hash, sizeof ret->id);
	return BULLA_OK;
}

bulla_code bulla_note_sign(const bulla_note_key *key, const uint8_t seed[static 32], bulla_bytes text, bulla_buf *out,
			   bulla_error *err)
{
	uint8_t signature[SIGNATURE_LINE_SIZE];
	size_t start = out->len;
	memcpy(signature, key->id, ID_SIZE);
	TRY(bulla_ed25519_sign(seed, text, signature + ID_SIZE, err));

	bulla_code code = bulla_buf_add(out, text, err);
	if (!code) code = bulla_buf_printf(out, err, "\n" DASH "%s ", key->name);
	if (!code) code = bulla_base64_encode(bulla_view(signature, sizeof signature), out, err);
	if (!code) code = bulla_buf_add_u8(out, '\n', err);
	if (code) out->len = start;
	return code;
}

static bool has_only_text(bulla_bytes note)
{
	for (size_t i = 0; i < note.len; i++)
		if (note.data[i] < ' ' && note.data[i] != '\n') return false;
	return bulla_utf8_valid(note);
}

/* The line break that is the last blank line, behind the one that ends the line above it. */
static const uint8_t *last_blank_line(bulla_bytes note)
{
	for (size_t i = note.len; i-- > 1;)
		if (note.data[i] == '\n' && note.data[i - 1] == '\n') return note.data + i;
	return NULL;
}

/* The text is separated from the signatures by the last blank line. */
static bulla_code cut(bulla_bytes note, bulla_bytes *ret_text, bulla_bytes *ret_signatures, bulla_error *err)
{
	if (note.len > BULLA_NOTE_MAX)
		return bulla_fail(err, BULLA_ERR_FORMAT, "a signed note is longer than %d bytes", BULLA_NOTE_MAX);
	if (!has_only_text(note)) return bulla_fail(err, BULLA_ERR_FORMAT, "a signed note holds bytes that are not text");
	const uint8_t *blank = last_blank_line(note);
	if (!blank || note.data[note.len - 1] != '\n' || blank == note.data + note.len - 1)
		return bulla_fail(err, BULLA_ERR_FORMAT, "a signed note has no signature behind a blank line");
	size_t text_len = (size_t)(blank - note.data);
	*ret_text = bulla_view(note.data, text_len);
	*ret_signatures = bulla_view(blank + 1, note.len - text_len - 1);
	return BULLA_OK;
}

/* Splits "— name base64": false for anything else. */
static bool cut_signature(bulla_bytes line, bulla_bytes *ret_name, bulla_bytes *ret_base64)
{
	if (!starts_with_dash(line)) return false;
	bulla_bytes rest = bulla_view(line.data + DASH_LEN, line.len - DASH_LEN);
	const uint8_t *blank = rest.len ? memchr(rest.data, ' ', rest.len) : NULL;
	if (!blank || blank == rest.data) return false;
	*ret_name = bulla_view(rest.data, (size_t)(blank - rest.data));
	*ret_base64 = bulla_view(blank + 1, rest.len - ret_name->len - 1);
	return ret_base64->len > 0 && !memchr(ret_base64->data, ' ', ret_base64->len);
}

typedef enum verdict { OTHER_KEY, GOOD, BAD } verdict;

static bulla_code judge(const bulla_note_key *key, bulla_bytes line, bulla_bytes text, verdict *ret, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf raw = { 0 };
	bulla_bytes name, base64;
	bool found = cut_signature(line, &name, &base64);
	bulla_code code = found ? bulla_base64_decode(base64, &raw, err) : BULLA_ERR_FORMAT;
	if (code == BULLA_ERR_MEMORY) return code;
	if (code || raw.len < ID_SIZE)
		return bulla_fail(err, BULLA_ERR_FORMAT, "a signed note has a signature line that is none");
	*ret = OTHER_KEY;
	if (!bulla_bytes_is(name, key->name) || memcmp(raw.data, key->id, ID_SIZE) != 0) return BULLA_OK;
	code = bulla_ed25519_verify(key->public_key, text, bulla_view(raw.data + ID_SIZE, raw.len - ID_SIZE), err);
	if (code && code != BULLA_ERR_AUTH) return code;
	*ret = code ? BAD : GOOD;
	return BULLA_OK;
}

bulla_code bulla_note_text(bulla_bytes note, bulla_bytes *ret_text, bulla_error *err)
{
	bulla_bytes line, name, base64;
	bulla_bytes signatures = { NULL, 0 };
	TRY(cut(note, ret_text, &signatures, err));
	while (next_line(&signatures, &line))
		if (!cut_signature(line, &name, &base64))
			return bulla_fail(err, BULLA_ERR_FORMAT, "a signed note has a signature line that is none");
	return BULLA_OK;
}

bulla_code bulla_note_verify(const bulla_note_key *key, bulla_bytes note, bulla_bytes *ret_text, bulla_error *err)
{
	bulla_bytes text, line;
	bulla_bytes signatures = { NULL, 0 };
	unsigned count = 0;
	bool good = false;
	TRY(cut(note, &text, &signatures, err));
	while (next_line(&signatures, &line)) {
		verdict v = OTHER_KEY;
		if (++count > BULLA_NOTE_SIGNATURES_MAX)
			return bulla_fail(err, BULLA_ERR_FORMAT, "a signed note has more than %d signatures",
					  BULLA_NOTE_SIGNATURES_MAX);
		TRY(judge(key, line, text, &v, err));
		if (v == BAD) return bulla_fail(err, BULLA_ERR_AUTH, "the signature by %s does not verify", key->name);
		good = good || v == GOOD;
	}
	if (!good) return bulla_fail(err, BULLA_ERR_AUTH, "the note is not signed by the key of %s", key->name);
	*ret_text = text;
	return BULLA_OK;
}

size_t bulla_note_measure(bulla_bytes notes, bool last)
{
	bulla_bytes rest = notes;
	bulla_bytes line;
	size_t whole = 0; /* up to the end of the last signature line seen */
	bool in_text = true;
	while (next_line(&rest, &line)) {
		if (in_text) {
			in_text = line.len > 0;
			continue;
		}
		if (!starts_with_dash(line)) return whole;
		whole = (size_t)(rest.data - notes.data);
	}
	return last && rest.len == 0 ? whole : 0;
}
