/*
 * box.c - small secrets sealed by the KMS itself, as an op over one direct key.
 */
#include "base/context.h"
#include "base/text.h"
#include "core/direct.h"
#include "io/drive.h"

#include <bulla/box.h>
#include <stdlib.h>

#define TEXT_PREFIX "b1:"
#define TEXT_MAX    262144 /* bytes of a box in text */

struct box {
	bulla_op op; /* first: the step function finds the box by it */
	bulla_direct *direct;
	uint32_t number;
	bulla_buf context;
	bulla_buf bytes;
};

static bulla_code step(bulla_op *op, bulla_progress_made *ret, bulla_error *err)
{
	(void)err;
	*ret = bulla_direct_step(((struct box *)op)->direct);
	return BULLA_OK;
}

static void box_done(struct box *box)
{
	bulla_op_reset(&box->op);
	bulla_direct_free(box->direct);
	bulla_lane_free(box->op.lane);
	bulla_buf_done(&box->context);
	bulla_buf_done(&box->bytes);
}

static bulla_code box_init(struct box *box, bulla_keyring *keyring, const bulla_pair *pairs, size_t n, bulla_error *err)
{
	*box = (struct box){ .op = { .keyring = keyring, .step = step } };
	TRY(bulla_lane_new_with(keyring->config.backend, &box->op.lane, err));
	TRY(bulla_direct_new(&box->op, &box->direct, err));
	return bulla_context_encode(pairs, n, &box->context, err);
}

static bulla_code find_key(bulla_keyring *keyring, const char *key_id, const bulla_session **ret, bulla_error *err)
{
	*ret = NULL;
	if (!key_id) return BULLA_OK;
	*ret = bulla_keyring_session(keyring, key_id);
	if (*ret) return BULLA_OK;
	bulla_fail(err, BULLA_ERR_NOT_FOUND, "%s is not a key of this environment", key_id);
	return bulla_advise(err, BULLA_ERR_NOT_FOUND, "name one of `keys:` in bulla.yaml, or leave it out for all of them");
}

static bulla_code write_box(bulla_bytes made, bool text, bulla_buf *out, bulla_error *err)
{
	if (!text) return bulla_buf_add(out, made, err);
	TRY(bulla_buf_add_str(out, TEXT_PREFIX, err));
	return bulla_base64_encode(made, out, err);
}

bulla_code bulla_box_seal(bulla_keyring *keyring, const char *key_id, const bulla_pair *context, size_t n, bulla_bytes plain,
			  bool text, bulla_buf *out, bulla_error *err)
{
	struct box box;
	const bulla_session *only;
	bulla_bytes made;
	if (plain.len > BULLA_BOX_MAX)
		return bulla_fail(err, BULLA_ERR_TOO_LARGE, "a box holds at most %d bytes, %zu were given", BULLA_BOX_MAX,
				  plain.len);
	TRY(find_key(keyring, key_id, &only, err));
	bulla_code code = box_init(&box, keyring, context, n, err);
	if (!code) code = bulla_direct_box(box.direct, plain, bulla_view_buf(&box.context), only, &box.number, err);
	if (!code) code = bulla_drive(&box.op, err);
	if (!code) code = bulla_direct_bytes(box.direct, box.number, &made, err);
	if (!code) code = write_box(made, text, out, err);
	box_done(&box);
	return code;
}

/* The binary form of either form; blanks and line ends around the text are fine. */
static bulla_code read_box(bulla_bytes in, bulla_buf *out, bulla_error *err)
{
	const size_t prefix = sizeof TEXT_PREFIX - 1;
	if (in.len < prefix || memcmp(in.data, TEXT_PREFIX, prefix) != 0) return bulla_buf_add(out, in, err);
	if (in.len > TEXT_MAX) return bulla_fail(err, BULLA_ERR_LIMIT, "a box in text has at most %d bytes", TEXT_MAX);
	while (in.len && (in.data[in.len - 1] == '\n' || in.data[in.len - 1] == '\r' || in.data[in.len - 1] == ' '))
		in.len--;
	return bulla_base64_decode(bulla_view(in.data + prefix, in.len - prefix), out, err);
}

bulla_code bulla_box_open(bulla_keyring *keyring, const bulla_pair *context, size_t n, bulla_bytes bytes, bulla_buf *out,
			  bulla_error *err)
{
	struct box box;
	bulla_bytes content;
	bulla_code code = box_init(&box, keyring, context, n, err);
	if (!code) code = read_box(bytes, &box.bytes, err);
	if (!code && (box.bytes.len == 0 || box.bytes.data[0] != BULLA_WRAPPED_BOX))
		code = bulla_fail(err, BULLA_ERR_FORMAT, "this is not a box");
	if (!code)
		code = bulla_direct_open(box.direct, bulla_view_buf(&box.bytes), bulla_view_buf(&box.context), &box.number, err);
	if (!code) code = bulla_drive(&box.op, err);
	if (!code) {
		code = bulla_direct_content(box.direct, box.number, &content, err);
		if (code)
			code = bulla_direct_explain(box.direct, box.number, err);
		else
			code = bulla_buf_add(out, content, err);
	}
	box_done(&box);
	return code;
}
