/*
 * branch.c - the identity of branch keys, index keys and shared data keys.
 */
#include "core/branch.h"

#include "base/context.h"
#include "base/cursor.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const purposes[] = { NULL, "record", "index", "shared" };

const char *bulla_branch_purpose_name(bulla_branch_purpose purpose)
{
	return purposes[purpose];
}

bulla_code bulla_branch_identity(bulla_branch_purpose purpose, bulla_bytes scope, const bulla_bytes *parts, size_t n,
				 bulla_buf *out, bulla_error *err)
{
	size_t start = out->len;
	TRY(bulla_buf_add_u8(out, (uint8_t)purpose, err));
	TRY(bulla_buf_add_prefixed(out, scope, err));
	TRY(bulla_buf_add_u8(out, (uint8_t)n, err));
	for (size_t i = 0; i < n; i++)
		TRY(bulla_buf_add_prefixed(out, parts[i], err));
	if (out->len - start > BULLA_BRANCH_IDENTITY_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "the name of a branch key is longer than %d bytes",
				  BULLA_BRANCH_IDENTITY_MAX);
	return BULLA_OK;
}

bulla_code bulla_branch_scope(const bulla_template *name, bulla_buf *out, bulla_error *err)
{
	for (size_t i = 0; i < name->parts; i++)
		TRY(bulla_buf_add_str(out, name->part[i].literal ? name->part[i].literal : "{}", err));
	return BULLA_OK;
}

bulla_code bulla_branch_purpose_of(bulla_bytes identity, bulla_branch_purpose *ret, bulla_error *err)
{
	if (identity.len == 0 || identity.data[0] < BULLA_BRANCH_RECORD || identity.data[0] > BULLA_BRANCH_SHARED)
		return bulla_fail(err, BULLA_ERR_FORMAT, "the identity of a branch key is malformed");
	*ret = (bulla_branch_purpose)identity.data[0];
	return BULLA_OK;
}

static bulla_code add_encoded(bulla_buf *out, bulla_bytes value, bulla_error *err)
{
	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = value.data[i];
		if (c == ':' || c == '/' || c == '%' || c < 0x20)
			TRY(bulla_buf_printf(out, err, "%%%02X", c));
		else
			TRY(bulla_buf_add_u8(out, c, err));
	}
	return BULLA_OK;
}

/* The parts in the places of {}; those that have no place follow, separated by `/`. */
static bulla_code print_parts(bulla_cursor *c, bulla_bytes scope, bulla_buf *out, bulla_error *err)
{
	size_t left = bulla_cursor_u8(c);
	for (size_t i = 0; i < scope.len;) {
		if (left && i + 1 < scope.len && scope.data[i] == '{' && scope.data[i + 1] == '}') {
			TRY(add_encoded(out, bulla_cursor_prefixed(c), err));
			left--;
			i += 2;
		} else {
			TRY(bulla_buf_add_u8(out, scope.data[i++], err));
		}
	}
	for (const char *separator = ":"; left; left--, separator = "/") {
		TRY(bulla_buf_add_str(out, separator, err));
		TRY(add_encoded(out, bulla_cursor_prefixed(c), err));
	}
	return BULLA_OK;
}

bulla_code bulla_branch_print(bulla_bytes identity, bulla_buf *out, bulla_error *err)
{
	bulla_branch_purpose purpose;
	TRY(bulla_branch_purpose_of(identity, &purpose, err));
	bulla_cursor c = bulla_cursor_of(bulla_view(identity.data + 1, identity.len - 1));
	bulla_bytes scope = bulla_cursor_prefixed(&c);
	TRY(print_parts(&c, scope, out, err));
	if (!bulla_cursor_end(&c)) return bulla_fail(err, BULLA_ERR_FORMAT, "the identity of a branch key is malformed");
	return BULLA_OK;
}

bulla_code bulla_branch_parse(bulla_bytes identity, bulla_branch_name *ret, bulla_error *err)
{
	*ret = (bulla_branch_name){ 0 };
	TRY(bulla_branch_purpose_of(identity, &ret->purpose, err));
	bulla_cursor c = bulla_cursor_of(bulla_view(identity.data + 1, identity.len - 1));
	ret->scope = bulla_cursor_prefixed(&c);
	ret->n = bulla_cursor_u8(&c);
	if (ret->n > BULLA_INPUTS_MAX) return bulla_fail(err, BULLA_ERR_LIMIT, "the identity of a branch key has too many parts");
	for (size_t i = 0; i < ret->n; i++)
		ret->parts[i] = bulla_cursor_prefixed(&c);
	if (!bulla_cursor_end(&c)) return bulla_fail(err, BULLA_ERR_FORMAT, "the identity of a branch key is malformed");
	return BULLA_OK;
}

bulla_code bulla_branch_context(bulla_lane *lane, bulla_bytes identity, uint64_t version, bulla_buf *out, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf print = { 0 };
	bulla_branch_purpose purpose = BULLA_BRANCH_RECORD;
	uint8_t hash[32];
	char hash_text[33], version_text[17];

	TRY(bulla_branch_purpose_of(identity, &purpose, err));
	TRY(bulla_branch_print(identity, &print, err));
	TRY(bulla_sha256(lane, &identity, 1, hash, err));
	for (size_t i = 0; i < 16; i++)
		snprintf(hash_text + 2 * i, 3, "%02x", hash[i]);
	snprintf(version_text, sizeof version_text, "%016" PRIx64, version);
	bulla_pair pairs[] = {
		{ bulla_view_str("bulla_branch"), bulla_view_buf(&print) },
		{ bulla_view_str("bulla_identity"), bulla_view_str(hash_text) },
		{ bulla_view_str("bulla_purpose"), bulla_view_str(bulla_branch_purpose_name(purpose)) },
		{ bulla_view_str("bulla_version"), bulla_view_str(version_text) },
	};
	return bulla_context_encode(pairs, sizeof pairs / sizeof *pairs, out, err);
}

/* --- finding one by its print ------------------------------------------------------------------------------------- */
typedef struct search {
	bulla_buf *found; /* the identity */
	bool several;
} search;

static bulla_code meet(void *self, const bulla_branch_row *row, bulla_error *err)
{
	search *s = self;
	if (s->found->len == 0) return bulla_buf_add(s->found, row->identity, err);
	s->several |= !bulla_bytes_equal(row->identity, bulla_view_buf(s->found));
	return BULLA_OK;
}

bulla_code bulla_branch_find(const bulla_branch_store *store, const char *print, bulla_buf *out, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf found = { 0 };
	search s = { .found = &found };
	bulla_branch_query query = { .print = bulla_view_str(print) };
	if (query.print.len) TRY(store->some(store->self, &query, meet, &s, err));
	if (s.several) return bulla_fail(err, BULLA_ERR_REFUSED, "two branches are written %s", print);
	if (found.len) return bulla_buf_add(out, bulla_view_buf(&found), err);
	bulla_code code = bulla_fail(err, BULLA_ERR_NOT_FOUND, "the key store has no branch %s", print);
	return bulla_advise(err, code, "as in bulla.yaml with its values, a colon in one of them written %%3A: user:42");
}
