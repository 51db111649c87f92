/*
 * mutated.c - fuzz target: what was sealed or signed, changed. It opens only when it is what it was, byte for byte, or gives what it gave.
 */
#include "mutate.h"

#include "audit/checkpoint.h"
#include "audit/tree.h"
#include "crypto/sign.h"
#include "format/field.h"
#include "format/wrapped_key.h"
#include "kms/blob.h"
#include "kms/row.h"

static const uint8_t key[BULLA_KEY_SIZE] = { 7, 1 }, wrapping_key[BULLA_KEY_SIZE] = { 9 };
static const char context_bytes[] = "\0\1\0\10model_id\0\00242", other_context[] = "\0\1\0\10model_id\0\00243";
static const bulla_wrap_label branch = { BULLA_WRAP_BRANCH, 77, { (const uint8_t *)"users", 5 } };

static bulla_bytes context(bool other)
{
	return other ? bulla_view(other_context, sizeof other_context - 1) : bulla_view(context_bytes, sizeof context_bytes - 1);
}

/* --- fields ------------------------------------------------------------------------------------------------------- */
static void label_field(uint8_t header, bool other, bulla_buf *out)
{
	bulla_error err = { 0 };
	fuzz_must(bulla_field_label(bulla_view_str("User"), bulla_view_str("email"), "string", out, &err), &err);
	out->data[BULLA_FIELD_LABEL_HEADER] = header;
	fuzz_add(out, context(other));
}

static void seal_field(uint8_t header, bool other, bulla_buf *out)
{
	bulla_error err = { 0 };
	BULLA_BUF_AUTO bulla_buf label = { 0 };
	uint8_t padded[64];
	bulla_bytes value = bulla_view_str(header & BULLA_FIELD_NULL ? "" : other ? "another value" : "a value");
	size_t n = bulla_field_padded_size(value.len, header & BULLA_FIELD_PADDED ? 16 : 0);
	bulla_field_pad(value, header & BULLA_FIELD_PADDED ? 16 : 0, padded);
	size_t size = n + bulla_field_overhead(header & BULLA_FIELD_VERSION_MASK);
	label_field(header, other, &label);
	fuzz_must(bulla_buf_reserve(out, size, &err), &err);
	fuzz_must(bulla_field_seal(fuzz_lane(), key, header, bulla_view_buf(&label), bulla_view(padded, n), out->data, &err),
		  &err);
	out->len = size;
}

static bool open_field(uint8_t header, bulla_bytes sealed)
{
	bulla_error err = { 0 };
	BULLA_BUF_AUTO bulla_buf label = { 0 };
	uint8_t found, *plain = malloc(sealed.len + 1);
	size_t len = 0;
	HOLDS(plain);
	bool ok = fuzz_ok(bulla_field_header(sealed, header & BULLA_FIELD_VERSION_MASK, &found, &err), &err);
	if (ok) {
		label_field(found, false, &label); /* as a reader does: the header is that of the bytes */
		ok = fuzz_ok(bulla_field_open(fuzz_lane(), key, bulla_view_buf(&label), sealed, plain, &len, &err), &err);
	}
	free(plain);
	return ok;
}

static void change_field(bulla_cursor *in)
{
	static const uint8_t headers[] = { BULLA_FIELD_RECORD, BULLA_FIELD_SHARED, BULLA_FIELD_RECORD | BULLA_FIELD_PADDED,
					   BULLA_FIELD_SHARED | BULLA_FIELD_PADDED, BULLA_FIELD_RECORD | BULLA_FIELD_NULL };
	BULLA_BUF_AUTO bulla_buf was = { 0 }, other = { 0 }, changed = { 0 };
	uint8_t header = headers[bulla_cursor_u8(in) % sizeof headers];
	seal_field(header, false, &was);
	seal_field(header, true, &other);
	fuzz_add(&changed, bulla_view_buf(&was));
	mutate(in, &changed, bulla_view_buf(&other));
	HOLDS(open_field(header, bulla_view_buf(&changed)) == fuzz_same(&changed, bulla_view_buf(&was)));
}

/* --- wrapped keys and boxes ---------------------------------------------------------------------------------------- */
static void wrap_key(uint8_t first, bulla_buf *out)
{
	bulla_error err = { 0 };
	uint8_t data_key[BULLA_KEY_SIZE] = { first }, commitment[BULLA_COMMITMENT_SIZE], blob[BULLA_LOCAL_BLOB_SIZE];
	fuzz_must(bulla_commitment(fuzz_lane(), context(false), data_key, commitment, &err), &err);
	fuzz_must(bulla_wrap_seal(fuzz_lane(), wrapping_key, &branch, commitment, data_key, blob, &err), &err);
	bulla_wrapped_key wrapped = { .version = BULLA_WRAPPED_KEY, .commitment = bulla_view(commitment, sizeof commitment) };
	wrapped.wraps[wrapped.wrap_count++] = (bulla_wrap){ branch.kind, branch.reference, bulla_view(blob, sizeof blob) };
	wrapped.wraps[wrapped.wrap_count++] = (bulla_wrap){ BULLA_WRAP_ENGINE, 5, bulla_view_str("a blob of the engine") };
	wrapped.checks = bulla_view("\1\2\3\4", 4);
	fuzz_must(bulla_wrapped_key_write(&wrapped, out, &err), &err);
}

/* What is not authenticated (docs/FORMAT.md: counts, checks, other wraps) may change; the data key that comes out may not. */
static void change_wrapped_key(bulla_cursor *in)
{
	bulla_error err = { 0 };
	bulla_wrapped_key parsed;
	BULLA_BUF_AUTO bulla_buf was = { 0 }, other = { 0 };
	uint8_t found[BULLA_KEY_SIZE];
	const uint8_t expected[BULLA_KEY_SIZE] = { 1 }, others[BULLA_KEY_SIZE] = { 2 };
	wrap_key(1, &was);
	wrap_key(2, &other);
	mutate(in, &was, bulla_view_buf(&other));
	if (!fuzz_ok(bulla_wrapped_key_parse(bulla_view_buf(&was), &parsed, &err), &err) || parsed.version != BULLA_WRAPPED_KEY)
		return;
	for (size_t i = 0; i < parsed.wrap_count; i++) {
		bulla_wrap_label label = { parsed.wraps[i].kind, parsed.wraps[i].reference, branch.branch };
		bool opens = fuzz_ok(bulla_wrap_open(fuzz_lane(), wrapping_key, &label, parsed.commitment.data,
						     parsed.wraps[i].blob, found, &err),
				     &err);
		bool whole =
			opens &&
			fuzz_ok(bulla_commitment_check(fuzz_lane(), context(false), found, parsed.commitment.data, &err), &err);
		HOLDS(opens == whole);
		HOLDS(!opens || memcmp(found, expected, 32) == 0 || memcmp(found, others, 32) == 0);
		HOLDS(!opens || (label.kind == branch.kind && label.reference == branch.reference));
	}
}

static void change_box(bulla_cursor *in)
{
	bulla_error err = { 0 };
	BULLA_BUF_AUTO bulla_buf was = { 0 }, changed = { 0 }, other = { 0 }, opened = { 0 };
	const uint8_t random[BULLA_COMMITMENT_SIZE] = { 6 };
	bulla_bytes nonce = bulla_view(random, sizeof random);
	bulla_wrap_label label = { BULLA_WRAP_KEYFILE, 3, { 0 } };
	fuzz_must(bulla_wrap_box(fuzz_lane(), wrapping_key, &label, nonce, context(false), bulla_view_str("in the box"), true,
				 &was, &err),
		  &err);
	fuzz_must(bulla_wrap_box(fuzz_lane(), wrapping_key, &label, nonce, context(true), bulla_view_str("another"), true, &other,
				 &err),
		  &err);
	fuzz_add(&changed, bulla_view_buf(&was));
	mutate(in, &changed, bulla_view_buf(&other));
	bool opens = fuzz_ok(bulla_wrap_box(fuzz_lane(), wrapping_key, &label, nonce, context(false), bulla_view_buf(&changed),
					    false, &opened, &err),
			     &err);
	HOLDS(opens == fuzz_same(&changed, bulla_view_buf(&was)) && (opens || opened.len == 0));
}

/* --- the engine ----------------------------------------------------------------------------------------------------- */
static void change_blob(bulla_cursor *in)
{
	bulla_error err = { 0 };
	static const bulla_secret material = { { 4, 2 } };
	const bulla_blob_head head = { .uuid = { 1 }, .material = { 2 } };
	BULLA_BUF_AUTO bulla_buf was = { 0 }, changed = { 0 }, other = { 0 }, opened = { 0 }, scratch = { 0 };
	fuzz_must(
		bulla_blob_seal(fuzz_lane(), &material, &head, context(false), bulla_view_str("a secret"), &scratch, &was, &err),
		&err);
	fuzz_must(
		bulla_blob_seal(fuzz_lane(), &material, &head, context(true), bulla_view_str("another"), &scratch, &other, &err),
		&err);
	fuzz_add(&changed, bulla_view_buf(&was));
	mutate(in, &changed, bulla_view_buf(&other));
	bool opens = fuzz_ok(
		bulla_blob_open(fuzz_lane(), &material, bulla_view_buf(&changed), context(false), &scratch, &opened, &err), &err);
	HOLDS(opens == fuzz_same(&changed, bulla_view_buf(&was)) && (opens || opened.len == 0));
}

static const bulla_root *root_of(void)
{
	static bulla_root root;
	static bulla_pool *pool;
	bulla_error err = { 0 };
	if (pool) return &root;
	fuzz_must(bulla_pool_new(&pool, &err), &err);
	fuzz_must(bulla_root_derive(pool, key, &root, &err), &err);
	return &root;
}

static void change_row(bulla_cursor *in)
{
	bulla_error err = { 0 };
	bulla_stored_row row;
	BULLA_BUF_AUTO bulla_buf was = { 0 }, changed = { 0 }, other = { 0 };
	bulla_bytes id = bulla_view_str("an id");
	fuzz_must(bulla_stored_row_seal(fuzz_lane(), root_of(), BULLA_KMS_ALIAS, id, 7, bulla_view_str("a payload"), &was, &err),
		  &err);
	fuzz_must(bulla_stored_row_seal(fuzz_lane(), root_of(), BULLA_KMS_ALIAS, bulla_view_str("b"), 8, id, &other, &err), &err);
	fuzz_add(&changed, bulla_view_buf(&was));
	mutate(in, &changed, bulla_view_buf(&other));
	bulla_kms_row stored = { BULLA_KMS_ALIAS, id, bulla_view_buf(&changed) };
	bool opens = fuzz_ok(bulla_stored_row_split(&stored, &row, &err), &err) &&
		     fuzz_ok(bulla_stored_row_check(fuzz_lane(), root_of(), &row, &err), &err);
	HOLDS(opens == fuzz_same(&changed, bulla_view_buf(&was)));
}

/* --- the audit log -------------------------------------------------------------------------------------------------- */
/* Signatures of others may be added to a note: what was signed may not change. */
static void change_checkpoint(bulla_cursor *in)
{
	bulla_error err = { 0 };
	bulla_note_key note_key;
	uint8_t public_key[32];
	bulla_checkpoint checkpoint = { { 300, { 5 } }, 7 }, newer = { { 301, { 6 } }, 8 }, found;
	BULLA_BUF_AUTO bulla_buf changed = { 0 }, other = { 0 };
	fuzz_must(bulla_ed25519_public(key, public_key, &err), &err);
	fuzz_must(bulla_note_key_of(fuzz_lane(), "bulla/0123abcd", public_key, &note_key, &err), &err);
	fuzz_must(bulla_checkpoint_sign(&note_key, key, &checkpoint, &changed, &err), &err);
	fuzz_must(bulla_checkpoint_sign(&note_key, key, &newer, &other, &err), &err);
	mutate(in, &changed, bulla_view_buf(&other));
	if (!fuzz_ok(bulla_checkpoint_verify(&note_key, bulla_view_buf(&changed), &found, &err), &err)) return;
	const bulla_checkpoint *is = found.head.size == 301 ? &newer : &checkpoint;
	HOLDS(found.head.size == is->head.size && found.generation == is->generation);
	HOLDS(memcmp(found.head.root, is->head.root, sizeof found.head.root) == 0);
}

/* The root over a bundle of entries, each with its length before it; false when they are not one. */
static bool root_over(bulla_bytes bundle, uint8_t out[static 32])
{
	bulla_error err = { 0 };
	bulla_tree tree = { 0 };
	bulla_cursor c = bulla_cursor_of(bundle);
	while (c.rest.len && !c.failed) {
		uint8_t hash[32];
		bulla_bytes entry = bulla_cursor_prefixed(&c);
		fuzz_must(bulla_tree_leaf(fuzz_lane(), entry, hash, &err), &err);
		fuzz_must(bulla_tree_push(&tree, fuzz_lane(), 0, hash, 1, &err), &err);
	}
	fuzz_must(bulla_tree_root(&tree, fuzz_lane(), out, &err), &err);
	return bulla_cursor_end(&c);
}

static void fill_bundle(const char *text, bulla_buf *out)
{
	bulla_error err = { 0 };
	for (size_t i = 0; i < 9; i++)
		fuzz_must(bulla_buf_add_prefixed(out, bulla_view(text, strlen(text) - i), &err), &err);
}

static void change_bundle(bulla_cursor *in)
{
	BULLA_BUF_AUTO bulla_buf was = { 0 }, changed = { 0 }, other = { 0 };
	uint8_t before[32], after[32];
	fill_bundle("{\"entry\":\"one\"}", &was);
	fill_bundle("{\"entry\":\"another one\"}", &other);
	HOLDS(root_over(bulla_view_buf(&was), before));
	fuzz_add(&changed, bulla_view_buf(&was));
	mutate(in, &changed, bulla_view_buf(&other));
	bool passes = root_over(bulla_view_buf(&changed), after) && memcmp(before, after, sizeof before) == 0;
	HOLDS(passes == fuzz_same(&changed, bulla_view_buf(&was)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const kinds[])(bulla_cursor * in) = { change_field, change_wrapped_key, change_box,   change_blob,
							    change_row,   change_checkpoint,  change_bundle };
	bulla_cursor in = bulla_cursor_of(bulla_view(data, size));
	kinds[bulla_cursor_u8(&in) % (sizeof kinds / sizeof *kinds)](&in);
	return 0;
}
