/*
 * fold.c - text brought to the form in which equal letters are equal bytes.
 */
#include "base/secret.h"
#include "base/text.h"

#include <utf8proc.h>

/* The folding of the longest value: at most 18 code points of 4 bytes for a byte would be absurd; this is generous. */
#define FOLD_MAX (512u << 20)

static bool is_ascii(bulla_bytes text)
{
	uint8_t any = 0;
	for (size_t i = 0; i < text.len; i++)
		any |= text.data[i];
	return any < 0x80;
}

/* Folding changes nothing of ASCII but the capitals, and its normal form is itself. */
static bulla_code fold_ascii(bulla_bytes text, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_reserve(out, text.len, err));
	TRY(bulla_buf_add(out, text, err));
	uint8_t *at = out->data + out->len - text.len;
	for (size_t i = 0; i < text.len; i++)
		if ((uint8_t)(at[i] - 'A') < 26) at[i] = (uint8_t)(at[i] | 0x20);
	return BULLA_OK;
}

/* Normalises `text` into `work`, which it clears. utf8proc_map() would do it in memory that nobody wipes. */
static bulla_code normalise(bulla_bytes text, utf8proc_option_t options, bulla_buf *work, bulla_error *err)
{
	bulla_buf_clear(work);
	utf8proc_ssize_t count = utf8proc_decompose(text.data, (utf8proc_ssize_t)text.len, NULL, 0, options);
	if (count < 0) return bulla_fail(err, BULLA_ERR_ENCODING, "text that is not valid UTF-8");
	size_t size = ((size_t)count + 1) * sizeof(utf8proc_int32_t);
	TRY(bulla_buf_reserve(work, size, err));
	utf8proc_int32_t *points = (utf8proc_int32_t *)(void *)work->data;
	work->len = size; /* so that what is decomposed here is wiped with the rest */
	utf8proc_decompose(text.data, (utf8proc_ssize_t)text.len, points, count, options);
	utf8proc_ssize_t len = utf8proc_reencode(points, count, options);
	if (len < 0) return bulla_fail(err, BULLA_ERR_ENCODING, "text that cannot be normalised");
	bulla_wipe(work->data + len, work->len - (size_t)len);
	work->len = (size_t)len;
	return BULLA_OK;
}

bulla_code bulla_text_fold(bulla_bytes text, bulla_buf *out, bulla_error *err)
{
	if (text.len > BULLA_VALUE_MAX) return bulla_fail(err, BULLA_ERR_LIMIT, "text of more than %u bytes", BULLA_VALUE_MAX);
	if (is_ascii(text)) return fold_ascii(text, out, err);
	if (!bulla_utf8_valid(text)) return bulla_fail(err, BULLA_ERR_ENCODING, "text that is not valid UTF-8");
	BULLA_BUF_AUTO bulla_buf nfc = { .max = FOLD_MAX };
	BULLA_BUF_AUTO bulla_buf folded = { .max = FOLD_MAX };
	TRY(normalise(text, UTF8PROC_STABLE | UTF8PROC_COMPOSE, &nfc, err));
	TRY(normalise(bulla_view_buf(&nfc), UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD, &folded, err));
	return bulla_buf_add(out, bulla_view_buf(&folded), err);
}
