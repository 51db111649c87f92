/*
 * key_file.c - reads and writes the text of a root key file.
 */
#include "rootkey/key_file.h"
#include "base/text.h"
#include "crypto/lane.h"

#define KIND       "bulla-root-key-"
#define PREFIX     KIND "1 "
#define CHECK_SIZE 4
#define HEX_KEY    (2 * BULLA_KEY_SIZE)
#define HEX_CHECK  (2 * CHECK_SIZE)

static bulla_code check_of(const bulla_secret *key, uint8_t out[static CHECK_SIZE], bulla_error *err)
{
	bulla_lane *lane = NULL;
	uint8_t hash[32];
	bulla_bytes part = bulla_view(key->bytes, BULLA_KEY_SIZE);
	TRY(bulla_lane_new(&lane, err));
	bulla_code code = bulla_sha256(lane, &part, 1, hash, err);
	bulla_lane_free(lane);
	TRY(code);
	memcpy(out, hash, CHECK_SIZE);
	return BULLA_OK;
}

/* --- reading --------------------------------------------------------------------------------------------------- */
/* Takes a line off the front; its line end (and a carriage return before it) goes as well. */
static bulla_bytes take_line(bulla_bytes *rest)
{
	const uint8_t *end = memchr(rest->data, '\n', rest->len);
	bulla_bytes line = bulla_view(rest->data, end ? (size_t)(end - rest->data) : rest->len);
	size_t taken = line.len + (end ? 1 : 0);
	*rest = bulla_view(rest->data + taken, rest->len - taken);
	if (line.len && line.data[line.len - 1] == '\r') line.len--;
	return line;
}

static bool begins(bulla_bytes text, const char *with)
{
	return text.len >= strlen(with) && memcmp(text.data, with, strlen(with)) == 0;
}

/* The one line that is no comment; false when there is none or another. */
static bool find_line(bulla_bytes text, bulla_bytes *ret)
{
	bool found = false;
	while (text.len) {
		bulla_bytes line = take_line(&text);
		if (line.len == 0 || line.data[0] == '#') continue;
		if (found) return false;
		*ret = line;
		found = true;
	}
	return found;
}

static bool read_line(bulla_bytes line, bulla_secret *ret_key, uint8_t ret_check[static CHECK_SIZE])
{
	const size_t start = sizeof PREFIX - 1;
	if (line.len != start + HEX_KEY + 1 + HEX_CHECK || !begins(line, PREFIX) || line.data[start + HEX_KEY] != ' ')
		return false;
	return bulla_hex_read(bulla_view(line.data + start, HEX_KEY), ret_key->bytes, BULLA_KEY_SIZE) &&
	       bulla_hex_read(bulla_view(line.data + start + HEX_KEY + 1, HEX_CHECK), ret_check, CHECK_SIZE);
}

bulla_code bulla_key_file_parse(bulla_bytes text, const char *where, bulla_secret *ret_key, bulla_error *err)
{
	BULLA_SECRET key = { 0 };
	uint8_t check[CHECK_SIZE], wanted[CHECK_SIZE];
	bulla_bytes line = { 0 };
	bool found = find_line(text, &line);
	if (found && begins(line, KIND) && !begins(line, PREFIX))
		return bulla_fail(err, BULLA_ERR_VERSION, "%s holds a root key in a form that is unknown", where);
	if (!found || !read_line(line, &key, check)) {
		bulla_code code = bulla_fail(err, BULLA_ERR_FORMAT, "%s holds no root key", where);
		return bulla_advise(err, code, "the file has one line: " PREFIX "and 64, then 8 hexadecimal digits");
	}
	TRY(check_of(&key, wanted, err));
	if (!bulla_equal_ct(check, wanted, sizeof check)) {
		bulla_code code =
			bulla_fail(err, BULLA_ERR_FORMAT, "%s is damaged: its root key does not fit its check digits", where);
		return bulla_advise(err, code, "use the escrow, or another copy of the file");
	}
	*ret_key = key;
	return BULLA_OK;
}

/* --- writing --------------------------------------------------------------------------------------------------- */
static bulla_code add_comment(const char *comment, bulla_buf *out, bulla_error *err)
{
	bulla_bytes rest = bulla_view_str(comment);
	while (rest.len) {
		bulla_bytes line = take_line(&rest);
		if (line.len && line.data[0] != '#')
			return bulla_fail(err, BULLA_ERR_USAGE, "each line of a key file's comment begins with #");
		TRY(bulla_buf_add(out, line, err));
		TRY(bulla_buf_add_u8(out, '\n', err));
	}
	return BULLA_OK;
}

bulla_code bulla_key_file_print(const bulla_secret *key, const char *comment, bulla_buf *out, bulla_error *err)
{
	uint8_t check[CHECK_SIZE];
	TRY(check_of(key, check, err));
	TRY(add_comment(comment, out, err));
	TRY(bulla_buf_add_str(out, PREFIX, err));
	TRY(bulla_hex_encode(bulla_view(key->bytes, BULLA_KEY_SIZE), out, err));
	TRY(bulla_buf_add_u8(out, ' ', err));
	TRY(bulla_hex_encode(bulla_view(check, sizeof check), out, err));
	return bulla_buf_add_u8(out, '\n', err);
}
