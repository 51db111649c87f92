/*
 * fuzz.h - what the fuzz targets share: a property that must hold, a refusal as it must look, a lane, a directory.
 *
 * A target is one file with LLVMFuzzerTestOneInput(). libFuzzer calls it with bytes of its own making (`make fuzz`), replay.c with
 * those of fuzz/corpus and fuzz/crashes (`make check`). What does not hold ends the process.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include "base/buf.h"
#include "base/cursor.h"
#include "crypto/lane.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process unless `what` is true. */
#define HOLDS(what)                                                                                                              \
	do {                                                                                                                     \
		if (!(what)) fuzz_broken(#what, __FILE__, __LINE__);                                                             \
	} while (0)

static inline _Noreturn void fuzz_broken(const char *what, const char *file, int line)
{
	(void)fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

/* For what prepares the target: no input makes it fail. */
static inline void fuzz_must(bulla_code code, const bulla_error *err)
{
	if (code) (void)fprintf(stderr, "%s: %s\n", bulla_code_name(code), err->text);
	HOLDS(code == BULLA_OK);
}

/* Is it done? A refusal has its code in `err`, one line of text, and is nobody's bug. */
static inline bool fuzz_ok(bulla_code code, const bulla_error *err)
{
	if (code == BULLA_OK) return true;
	HOLDS(code > BULLA_OK && code < BULLA_ERR_INTERNAL);
	HOLDS(err->code == code);
	HOLDS(err->text[0] && memchr(err->text, 0, sizeof err->text) && !strpbrk(err->text, "\r\n"));
	return false;
}

/* The one lane of the process. */
static inline bulla_lane *fuzz_lane(void)
{
	static bulla_lane *lane;
	bulla_error err = { 0 };
	if (!lane) fuzz_must(bulla_lane_new(&lane, &err), &err);
	return lane;
}

/* The rest of the input up to its first NUL, as a C string; free() it. */
static inline char *fuzz_text(bulla_bytes rest)
{
	const uint8_t *end = rest.len ? memchr(rest.data, 0, rest.len) : NULL;
	size_t n = end ? (size_t)(end - rest.data) : rest.len;
	char *text = malloc(n + 1);
	HOLDS(text);
	if (n) memcpy(text, rest.data, n);
	text[n] = 0;
	return text;
}

/* The next piece of the input: what its first two bytes say, at most what is there. */
static inline bulla_bytes fuzz_piece(bulla_cursor *in)
{
	size_t n = in->rest.len < 2 ? 0 : bulla_cursor_u16(in);
	return bulla_cursor_take(in, n < in->rest.len ? n : in->rest.len);
}

static inline void fuzz_add(bulla_buf *buf, bulla_bytes bytes)
{
	bulla_error err = { 0 };
	fuzz_must(bulla_buf_add(buf, bytes, &err), &err);
}

static inline bool fuzz_same(const bulla_buf *a, bulla_bytes b)
{
	return bulla_bytes_equal(bulla_view_buf(a), b);
}

#endif
