/*
 * root_key.c - fuzz target: bytes as a root key file, and as the note of a passphrase.
 */
#include "fuzz.h"

#include "rootkey/key_file.h"
#include "rootkey/note.h"

static void read_file(bulla_bytes bytes)
{
	bulla_error err = { 0 };
	BULLA_SECRET key = { 0 }, again = { 0 };
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	if (!fuzz_ok(bulla_key_file_parse(bytes, "a file", &key, &err), &err)) {
		HOLDS(strstr(err.text, "a file"));
		return;
	}
	fuzz_must(bulla_key_file_print(&key, "# a comment\n", &text, &err), &err);
	fuzz_must(bulla_key_file_parse(bulla_view_buf(&text), "a file", &again, &err), &err);
	HOLDS(memcmp(key.bytes, again.bytes, sizeof key.bytes) == 0);
}

/* A comment that is none is refused: it would hide the key, or be one. */
static void print_comment(bulla_bytes bytes)
{
	bulla_error err = { 0 };
	BULLA_SECRET key = { { 5 } }, again = { 0 };
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	char *comment = fuzz_text(bytes);
	if (fuzz_ok(bulla_key_file_print(&key, comment, &text, &err), &err) && text.len <= BULLA_KEY_FILE_MAX) {
		fuzz_must(bulla_key_file_parse(bulla_view_buf(&text), "a file", &again, &err), &err);
		HOLDS(memcmp(key.bytes, again.bytes, sizeof key.bytes) == 0);
	}
	free(comment);
}

static void read_note(bulla_bytes bytes)
{
	bulla_error err = { 0 };
	bulla_passphrase_note note = { 0 }, again = { 0 };
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	if (!fuzz_ok(bulla_passphrase_note_parse(bytes, &note, &err), &err)) return;
	HOLDS(note.memory_kib && note.memory_kib <= 1u << 20 && note.passes && note.passes <= 64 && note.lanes &&
	      note.lanes <= 16);
	fuzz_must(bulla_passphrase_note_print(&note, &text, &err), &err);
	fuzz_must(bulla_passphrase_note_parse(bulla_view_buf(&text), &again, &err), &err);
	HOLDS(memcmp(&note, &again, sizeof note) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bulla_bytes bytes = bulla_view(data, size);
	read_file(bytes);
	print_comment(bytes);
	read_note(bytes);
	return 0;
}
