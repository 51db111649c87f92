/*
 * note.c - fuzz target: bytes as signed notes, and as checkpoints of a log.
 */
#include "fuzz.h"

#include "audit/checkpoint.h"
#include "crypto/sign.h"

#define ORIGIN "bulla/0123abcd"

static const uint8_t seed[32] = { 1, 2, 3 };

static const bulla_note_key *key_of(void)
{
	static bulla_note_key key;
	bulla_error err = { 0 };
	uint8_t public_key[32];
	if (key.name) return &key;
	fuzz_must(bulla_ed25519_public(seed, public_key, &err), &err);
	fuzz_must(bulla_note_key_of(fuzz_lane(), ORIGIN, public_key, &key, &err), &err);
	return &key;
}

/* A checkpoint that is taken is written again with the same text. */
static void read_as_checkpoint(bulla_bytes bytes)
{
	bulla_error err = { 0 };
	bulla_checkpoint found, again;
	bulla_bytes text, text_again;
	BULLA_BUF_AUTO bulla_buf signed_again = { 0 };
	bool parses = fuzz_ok(bulla_checkpoint_parse(ORIGIN, bytes, &found, &err), &err);
	HOLDS(!fuzz_ok(bulla_checkpoint_verify(key_of(), bytes, &again, &err), &err) || parses);
	if (!parses) return;
	fuzz_must(bulla_checkpoint_sign(key_of(), seed, &found, &signed_again, &err), &err);
	fuzz_must(bulla_note_text(bytes, &text, &err), &err);
	fuzz_must(bulla_note_text(bulla_view_buf(&signed_again), &text_again, &err), &err);
	HOLDS(bulla_bytes_equal(text, text_again));
	fuzz_must(bulla_checkpoint_verify(key_of(), bulla_view_buf(&signed_again), &again, &err), &err);
	HOLDS(again.head.size == found.head.size && again.generation == found.generation);
}

static void read_as_note(bulla_bytes bytes)
{
	bulla_error err = { 0 };
	bulla_bytes text, verified;
	BULLA_BUF_AUTO bulla_buf note = { 0 };
	bool is_note = fuzz_ok(bulla_note_text(bytes, &text, &err), &err);
	HOLDS(!fuzz_ok(bulla_note_verify(key_of(), bytes, &verified, &err), &err) || is_note);
	if (!is_note) return;
	HOLDS(text.data == bytes.data && text.len < bytes.len && text.data[text.len - 1] == '\n');
	if (!fuzz_ok(bulla_note_sign(key_of(), seed, text, &note, &err), &err)) return;
	fuzz_must(bulla_note_verify(key_of(), bulla_view_buf(&note), &verified, &err), &err);
	HOLDS(bulla_bytes_equal(verified, text));
}

/* Several notes in a row: each step goes on, none beyond the end. */
static void read_as_notes(bulla_bytes rest)
{
	for (size_t n; (n = bulla_note_measure(rest, true));) {
		HOLDS(n <= rest.len);
		size_t open = bulla_note_measure(rest, false);
		HOLDS(open == 0 || open == n);
		rest = bulla_view(rest.data + n, rest.len - n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bulla_bytes bytes = bulla_view(data, size);
	read_as_note(bytes);
	read_as_checkpoint(bytes);
	read_as_notes(bytes);
	return 0;
}
