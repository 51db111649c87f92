/*
 * order.h - changing what the store holds on somebody's behalf: one kind of order for each operation.
 *
 * An order looks its key up, checks state and arguments, asks whether the caller may (kms/authorize.h), is recorded, and only then
 * changes the store, in one transaction. Refusals are recorded too. bulla_engine_enable() and its sisters are orders without a caller.
 */
#ifndef KMS_ORDER_H
#define KMS_ORDER_H

#include "kms/caller.h"
#include "kms/engine.h"
#include "kms/rights_rows.h"

typedef enum bulla_order_kind {
	BULLA_ORDER_CREATE_KEY =
		1, /* text: description; kind; alias may be given; policy and tags too. Its uuid is made by order_prepare */
	BULLA_ORDER_ENABLE_KEY,        /* also opens a closed key again */
	BULLA_ORDER_DISABLE_KEY,       /* */
	BULLA_ORDER_CLOSE_KEY,         /* */
	BULLA_ORDER_SCHEDULE_DELETION, /* days */
	BULLA_ORDER_CANCEL_DELETION,   /* */
	BULLA_ORDER_DELETE_KEY,        /* */
	BULLA_ORDER_ROTATE,            /* */
	BULLA_ORDER_ENABLE_ROTATION,   /* days */
	BULLA_ORDER_DISABLE_ROTATION,  /* */
	BULLA_ORDER_SET_ALIAS,         /* alias, key: makes, moves, or (empty key) deletes it */
	BULLA_ORDER_CREATE_ALIAS,      /* alias, key. EXISTS */
	BULLA_ORDER_UPDATE_ALIAS,      /* alias, key. NOT_FOUND */
	BULLA_ORDER_DELETE_ALIAS,      /* alias. NOT_FOUND */
	BULLA_ORDER_DESCRIBE,          /* text: the key's new description */
	BULLA_ORDER_ADD_PRINCIPAL, /* text: its name; budget, budget_seconds; name and secret of its first access key, or neither. EXISTS */
	BULLA_ORDER_SET_BUDGET,       /* text: its name; budget, budget_seconds */
	BULLA_ORDER_REMOVE_PRINCIPAL, /* text: its name; its access keys and policies go with it */
	BULLA_ORDER_ADD_ACCESS_KEY, /* text: the principal; name: the access key id; secret. EXISTS; LIMIT: two a principal, as IAM has it */
	BULLA_ORDER_SET_ACCESS_KEY,    /* name: the access key id; active */
	BULLA_ORDER_REMOVE_ACCESS_KEY, /* name: the access key id */
	BULLA_ORDER_PUT_POLICY,        /* text: the principal; name; document */
	BULLA_ORDER_REMOVE_POLICY,     /* text: the principal; name */
	BULLA_ORDER_PUT_KEY_POLICY,    /* key; document; bypass */
	BULLA_ORDER_FREEZE,            /* key or text (a principal) or neither: all; document: why; until_us */
	BULLA_ORDER_THAW,              /* likewise; document: why. NOT_FOUND when it is not frozen */
	BULLA_ORDERS
} bulla_order_kind;

/* What an operation is asked with; each uses its part. Views. */
typedef struct bulla_order {
	const bulla_caller *caller; /* NULL: this process itself */
	bulla_bytes key;            /* any form of key id */
	bulla_bytes alias;          /* without "alias/" */
	bulla_bytes text;
	bulla_bytes name;
	bulla_bytes document;
	bulla_bytes secret;
	uint32_t days;
	uint32_t budget, budget_seconds;
	int64_t until_us;
	bulla_key_kind kind; /* CREATE_KEY */
	bool active;
	bool bypass;                   /* the caller may lock itself out of the key */
	uint8_t uuid[BULLA_UUID_SIZE]; /* CREATE_KEY: made by bulla_engine_order(), the same in each try */
} bulla_order;

/* DENIED where the caller may not; else as engine.h says of each operation. After CREATE_KEY `order->uuid` is the key's. */
BULLA_MUST bulla_code bulla_engine_order(bulla_engine *engine, bulla_order_kind kind, bulla_order *order, bulla_error *err);

#endif
