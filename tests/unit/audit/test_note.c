/*
 * test_note.c - signed notes that others signed, our own, and ones that are wrong.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "audit/note.h"
#include "base/text.h"
#include "crypto/sign.h"

#include <string.h>

#define DASH "\xe2\x80\x94 "

static int setup(void **state)
{
	bulla_lane *lane = NULL;
	if (bulla_lane_new(&lane, NULL)) return -1;
	*state = lane;
	return 0;
}

static int teardown(void **state)
{
	bulla_lane_free(*state);
	return 0;
}

/* A verifier key as Go writes it: name, key id, base64(01 ‖ public key). */
static bulla_note_key foreign_key(bulla_lane *lane, const char *name, const char *id, const char *base64)
{
	BULLA_BUF_AUTO bulla_buf raw = { 0 };
	BULLA_BUF_AUTO bulla_buf hex = { 0 };
	bulla_note_key key;
	assert_int_equal(bulla_base64_decode(bulla_view_str(base64), &raw, NULL), BULLA_OK);
	assert_int_equal(raw.len, 33);
	assert_int_equal(raw.data[0], 1);
	assert_int_equal(bulla_note_key_of(lane, name, raw.data + 1, &key, NULL), BULLA_OK);
	assert_int_equal(bulla_hex_encode(bulla_view(key.id, 4), &hex, NULL), BULLA_OK);
	assert_memory_equal(hex.data, id, 8);
	return key;
}

static const char peter[] =
	"If you think cryptography is the answer to your problem,\n"
	"then you don't know what your problem is.\n"
	"\n" DASH "PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

/* The checkpoint that the specification shows is the one of Go's checksum database, whose key is public. */
static const char sumdb[] =
	"go.sum database tree\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
	"\n" DASH "sum.golang.org Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";

static void accepts_foreign_notes(void **state)
{
	bulla_note_key key = foreign_key(*state, "PeterNeumann", "c74f20a3", "ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
	bulla_bytes text;
	assert_int_equal(bulla_note_verify(&key, bulla_view_str(peter), &text, NULL), BULLA_OK);
	assert_int_equal(text.len, strstr(peter, "\n\n") + 1 - peter);

	key = foreign_key(*state, "sum.golang.org", "033de0ae", "Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8");
	assert_int_equal(bulla_note_verify(&key, bulla_view_str(sumdb), &text, NULL), BULLA_OK);
	assert_int_equal(text.len, strstr(sumdb, "\n\n") + 1 - sumdb);
}

typedef struct own {
	bulla_note_key key;
	bulla_buf note;
} own;

static own sign_own(bulla_lane *lane, const char *name, const char *text)
{
	own o = { .note = { .max = 4096 } };
	const uint8_t seed[32] = { 7 };
	uint8_t public_key[32];
	assert_int_equal(bulla_ed25519_public(seed, public_key, NULL), BULLA_OK);
	assert_int_equal(bulla_note_key_of(lane, name, public_key, &o.key, NULL), BULLA_OK);
	assert_int_equal(bulla_note_sign(&o.key, seed, bulla_view_str(text), &o.note, NULL), BULLA_OK);
	return o;
}

static void verifies_what_it_signed(void **state)
{
	own o = sign_own(*state, "bulla/00", "one\n\ntwo\n");
	bulla_bytes text;
	assert_int_equal(bulla_note_verify(&o.key, bulla_view_buf(&o.note), &text, NULL), BULLA_OK);
	assert_true(bulla_bytes_is(text, "one\n\ntwo\n"));
	assert_int_equal(bulla_note_text(bulla_view_buf(&o.note), &text, NULL), BULLA_OK);
	assert_true(bulla_bytes_is(text, "one\n\ntwo\n"));
	bulla_buf_done(&o.note);
}

static void refuses_every_flip_and_cut(void **state)
{
	own o = sign_own(*state, "bulla/00", "one\ntwo\n");
	bulla_bytes text;
	for (size_t i = 0; i < o.note.len; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			o.note.data[i] ^= (uint8_t)(1u << bit);
			assert_int_not_equal(bulla_note_verify(&o.key, bulla_view_buf(&o.note), &text, NULL), BULLA_OK);
			o.note.data[i] ^= (uint8_t)(1u << bit);
		}
	for (size_t n = 0; n < o.note.len; n++)
		assert_int_not_equal(bulla_note_verify(&o.key, bulla_view(o.note.data, n), &text, NULL), BULLA_OK);
	bulla_buf_done(&o.note);
}

static bulla_code verify_text(const own *o, const char *note)
{
	bulla_bytes text;
	return bulla_note_verify(&o->key, bulla_view_str(note), &text, NULL);
}

/* Lines of other keys are ignored, a bad one of the known key is not, whatever else is there. */
static void looks_at_its_own_signature_only(void **state)
{
	own o = sign_own(*state, "bulla/00", "one\n");
	own other = sign_own(*state, "witness", "one\n");
	BULLA_BUF_AUTO bulla_buf both = { 0 };
	const char *line = strstr(sumdb, DASH);
	assert_int_equal(bulla_buf_terminate(&o.note, NULL), BULLA_OK);
	assert_int_equal(bulla_buf_terminate(&other.note, NULL), BULLA_OK);
	assert_int_equal(bulla_buf_printf(&both, NULL, "%s%s", (const char *)other.note.data, line), BULLA_OK);
	assert_int_equal(bulla_buf_terminate(&both, NULL), BULLA_OK);
	assert_int_equal(verify_text(&o, (const char *)both.data), BULLA_ERR_AUTH);
	assert_int_equal(bulla_buf_printf(&both, NULL, "%s", strstr((const char *)o.note.data, DASH)), BULLA_OK);
	assert_int_equal(bulla_buf_terminate(&both, NULL), BULLA_OK);
	assert_int_equal(verify_text(&o, (const char *)both.data), BULLA_OK);
	both.data[0] = 'O';
	assert_int_equal(verify_text(&o, (const char *)both.data), BULLA_ERR_AUTH);
	bulla_buf_done(&o.note);
	bulla_buf_done(&other.note);
}

static void refuses_what_is_no_note(void **state)
{
	static const char *const wrong[] = { "",
					     "\n",
					     "\n\n",
					     "a\n",
					     "a\n\n",
					     "a\n\nb\n",
					     "a\n\n" DASH "x\n",
					     "a\n\n" DASH "x !\n",
					     "a\n\n" DASH " AAAA\n",
					     "a\n\n" DASH "x AAAA",
					     "a\r\n\n" DASH "x AAAAAAAA\n",
					     "a\xff\n\n" DASH "x AAAAAAAA\n" };
	own o = sign_own(*state, "x", "a\n");
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(verify_text(&o, wrong[i]), BULLA_ERR_FORMAT);
	bulla_buf_done(&o.note);
}

static void refuses_names_that_a_note_cannot_carry(void **state)
{
	static const char *const wrong[] = { "", "a b", "a+b", "a\nb", "\xff" };
	const uint8_t public_key[32] = { 0 };
	bulla_note_key key;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(bulla_note_key_of(*state, wrong[i], public_key, &key, NULL), BULLA_ERR_USAGE);
}

static void limits_signatures(void **state)
{
	own o = sign_own(*state, "bulla/00", "one\n");
	BULLA_BUF_AUTO bulla_buf many = { 0 };
	assert_int_equal(bulla_buf_add(&many, bulla_view_buf(&o.note), NULL), BULLA_OK);
	for (unsigned i = 1; i <= BULLA_NOTE_SIGNATURES_MAX; i++) {
		bulla_bytes text;
		assert_int_equal(bulla_note_verify(&o.key, bulla_view_buf(&many), &text, NULL), BULLA_OK);
		assert_int_equal(bulla_buf_add_str(&many, DASH "w AAAAAAAA\n", NULL), BULLA_OK);
	}
	bulla_bytes text;
	assert_int_equal(bulla_note_verify(&o.key, bulla_view_buf(&many), &text, NULL), BULLA_ERR_FORMAT);
	bulla_buf_done(&o.note);
}

static void measures_notes_in_a_row(void **state)
{
	static const char first[] = "a\n1\n\n" DASH "x AAAA\n" DASH "y AAAA\n";
	static const char rest[] = "a\n2\n\n" DASH "x AAAA\n";
	char both[128];
	(void)state;
	(void)strcpy(both, first);
	(void)strcat(both, rest);
	assert_int_equal(bulla_note_measure(bulla_view_str(both), true), strlen(first));
	assert_int_equal(bulla_note_measure(bulla_view_str(rest), true), strlen(rest));
	assert_int_equal(bulla_note_measure(bulla_view_str(rest), false), 0); /* another signature may follow */
	assert_int_equal(bulla_note_measure(bulla_view_str("a\n1\n\n"), true), 0);
	assert_int_equal(bulla_note_measure(bulla_view_str("a\n1\n\n" DASH "x AA"), true), 0);
	assert_int_equal(bulla_note_measure(bulla_view(NULL, 0), true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_foreign_notes),      cmocka_unit_test(verifies_what_it_signed),
		cmocka_unit_test(refuses_every_flip_and_cut), cmocka_unit_test(looks_at_its_own_signature_only),
		cmocka_unit_test(refuses_what_is_no_note),    cmocka_unit_test(refuses_names_that_a_note_cannot_carry),
		cmocka_unit_test(limits_signatures),          cmocka_unit_test(measures_notes_in_a_row),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
