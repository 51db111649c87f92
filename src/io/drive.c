/*
 * drive.c - blocking calls: an op, stepped and satisfied until it is done.
 */
#include "io/drive.h"

#include <bulla/batch.h>

bulla_code bulla_drive(bulla_op *op, bulla_error *err)
{
	for (;;) {
		bulla_need need;
		TRY(bulla_op_step(op, &need, err));
		if (need.kind == BULLA_NEED_DONE) return BULLA_OK;
		if (need.kind == BULLA_NEED_HTTP)
			bulla_op_failed(op, "no transport for HTTP");
		else
			(void)!need.call(need.self, NULL);
	}
}

bulla_code bulla_batch_seal(bulla_batch *batch, bulla_row *rows, size_t n, bulla_error *err)
{
	bulla_op *op;
	TRY(bulla_batch_seal_op(batch, rows, n, &op, err));
	return bulla_drive(op, err);
}

bulla_code bulla_batch_open(bulla_batch *batch, bulla_row *rows, size_t n, bulla_error *err)
{
	bulla_op *op;
	TRY(bulla_batch_open_op(batch, rows, n, &op, err));
	return bulla_drive(op, err);
}

bulla_code bulla_batch_rewrap(bulla_batch *batch, bulla_row *rows, size_t n, bulla_error *err)
{
	bulla_op *op;
	TRY(bulla_batch_rewrap_op(batch, rows, n, &op, err));
	return bulla_drive(op, err);
}

bulla_code bulla_batch_index(bulla_batch *batch, size_t field, const bulla_bytes *inputs, const bulla_value *value,
			     bulla_buf *out, bulla_error *err)
{
	bulla_op *op;
	TRY(bulla_batch_index_op(batch, field, inputs, value, out, &op, err));
	return bulla_drive(op, err);
}

bulla_code bulla_batch_previous_index(bulla_batch *batch, size_t field, const bulla_bytes *inputs, const bulla_value *value,
				      bulla_buf *out, bulla_error *err)
{
	bulla_op *op;
	TRY(bulla_batch_previous_index_op(batch, field, inputs, value, out, &op, err));
	return bulla_drive(op, err);
}
