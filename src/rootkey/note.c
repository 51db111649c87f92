/*
 * note.c - prints and reads the note of a root key that is made from a passphrase.
 */
#include "rootkey/note.h"
#include "base/text.h"

#include <inttypes.h>

#define KIND       "passphrase-"
#define PREFIX     KIND "1 argon2id "
#define MEMORY_MAX (1u << 20) /* KiB: 1 GiB */
#define PASSES_MAX 64
#define LANES_MAX  16

bulla_code bulla_passphrase_note_print(const bulla_passphrase_note *note, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_printf(out, err, PREFIX "m=%" PRIu32 " t=%" PRIu32 " p=%" PRIu32 " salt=", note->memory_kib, note->passes,
			     note->lanes));
	return bulla_hex_encode(bulla_view(note->salt, sizeof note->salt), out, err);
}

static bool skip(bulla_bytes *rest, const char *text)
{
	size_t n = strlen(text);
	if (rest->len < n || memcmp(rest->data, text, n) != 0) return false;
	*rest = bulla_view(rest->data + n, rest->len - n);
	return true;
}

/* A number after `name`, from 1 to `max`. */
static bool take_number(bulla_bytes *rest, const char *name, uint32_t max, uint32_t *ret)
{
	uint64_t value = 0;
	size_t n = 0;
	if (!skip(rest, name)) return false;
	for (; n < rest->len && n < 10 && rest->data[n] >= '0' && rest->data[n] <= '9'; n++)
		value = value * 10 + (rest->data[n] - '0');
	*rest = bulla_view(rest->data + n, rest->len - n);
	*ret = (uint32_t)value;
	return n > 0 && value >= 1 && value <= max;
}

bulla_code bulla_passphrase_note_parse(bulla_bytes text, bulla_passphrase_note *out, bulla_error *err)
{
	bulla_bytes rest = text;
	if (!skip(&rest, KIND)) {
		bulla_code code = bulla_fail(err, BULLA_ERR_CONFIG, "the root key of this store is not made from a passphrase");
		return bulla_advise(err, code, "name what init was given, for example root_key: file:.bulla/root.key");
	}
	rest = text;
	if (!skip(&rest, PREFIX))
		return bulla_fail(err, BULLA_ERR_VERSION,
				  "the store makes its root key from a passphrase in a way that is unknown");
	if (take_number(&rest, "m=", MEMORY_MAX, &out->memory_kib) && take_number(&rest, " t=", PASSES_MAX, &out->passes) &&
	    take_number(&rest, " p=", LANES_MAX, &out->lanes) && skip(&rest, " salt=") &&
	    bulla_hex_read(rest, out->salt, BULLA_SALT_SIZE))
		return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_FORMAT, "the store's note about its passphrase is damaged");
}
