/*
 * drive.h - the blocking driver of an op: satisfies each need in the calling thread until the op is done.
 *
 * io/drive.c also implements the blocking calls of <bulla/batch.h>, each one op driven to its end.
 */
#ifndef IO_DRIVE_H
#define IO_DRIVE_H

#include "base/error.h"

#include <bulla/op.h>

BULLA_MUST bulla_code bulla_drive(bulla_op *op, bulla_error *err);

#endif
