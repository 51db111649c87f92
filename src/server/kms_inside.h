/*
 * kms_inside.h - one request on its way through the service, for the files that do a step each.
 */
#ifndef SERVER_KMS_INSIDE_H
#define SERVER_KMS_INSIDE_H

#include "kms/order.h"
#include "kms/snapshot.h"
#include "server/kms_service.h"
#include "server/respond.h"
#include "wire/aws_model.h"
#include "wire/sigv4_keys.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct bulla_work bulla_work;

/* How one operation is answered; exactly one of `use` and `run` is there. */
typedef struct bulla_action {
	/* On the loop's thread: fills the engine's request. False with work->fault. */
	bool (*use)(bulla_work *work, bulla_engine_request *request);
	/* Writes the members of the answer. */
	void (*tell)(const bulla_work *work, const bulla_engine_reply *reply, bulla_json_writer *w);
	/* On a worker: does it, and writes the members of the answer. What `err` says becomes a fault (bulla_kms_fault()), unless work->refused says that
	 * work->fault has been filled. */
	bulla_code (*run)(bulla_work *work, bulla_json_writer *w, bulla_error *err);
	bool slow; /* `use` belongs on a worker, too */
} bulla_action;

struct bulla_work {
	bulla_work *next;
	bulla_kms_service *service;
	unsigned loop;
	bulla_exchange *exchange;
	const bulla_aws_operation *operation; /* NULL until it is known */
	const bulla_action *action;
	bulla_sigv4 signature;
	bulla_aws_input input; /* owned where `has_input` */
	bool has_input;
	bool refused;  /* `fault` says why */
	bool recorded; /* the engine was asked: the record is its business */
	bulla_aws_fault fault;
	bulla_caller caller;
	char principal[BULLA_PRINCIPAL_NAME_MAX + 1]; /* a copy: a worker outlives the image that knew the caller */
	bulla_buf parameters;                         /* for the record */
	char request_id[BULLA_UUID_TEXT + 1];
	bulla_bytes key_id; /* the key that the request is about, as it was asked for */

	/* What is recorded of a refusal. */
	bulla_error why;
	bulla_engine_refusal refusal;
};

/* What one loop keeps from turn to turn; its thread alone. */
typedef struct bulla_service_loop {
	bulla_lane *lane;
	bulla_sigv4_keys *keys; /* good for the image of `generation` */
	uint64_t generation;
	bulla_work *works[BULLA_LISTENER_TURN_MAX];
	bulla_engine_request requests[BULLA_LISTENER_TURN_MAX];
	bulla_engine_reply replies[BULLA_LISTENER_TURN_MAX];
	size_t n;
	bulla_work *spare;
	size_t n_spare;
} bulla_service_loop;

struct bulla_kms_service {
	bulla_kms_service_config config;
	bulla_realm home;
	bulla_upkeep upkeep;
	bulla_pool *pool;
	bulla_service_loop *loops;
	pthread_t *threads;
	unsigned n_threads;

	pthread_mutex_t lock;
	pthread_cond_t more;
	bulla_work *first, **last; /* under the lock: for the workers */
	size_t queued;             /* under the lock */
	bool ending;               /* under the lock */
};

/* --- kms_request.c ------------------------------------------------------------------------------------------------ */
/* Authenticates the request, reads its operation and input, and says who calls. False with work->fault. `now` outlives the call of the engine. */
BULLA_MUST bool bulla_work_read(bulla_work *work, bulla_service_loop *loop, const bulla_snapshot *now, int64_t now_us);

/* --- kms_actions.c ------------------------------------------------------------------------------------------------ */
/* NULL for an operation that this service does not have. */
const bulla_action *bulla_action_of(bulla_aws_op op);

/* --- kms_fault.c -------------------------------------------------------------------------------------------------- */
/* What AWS says where the engine says `code`: into work->fault, with work->refused. `arn` is the key's where it is known, else "". */
void bulla_work_fail(bulla_work *work, bulla_code code, const char *text, const char *arn);
/* The name of AWS's error, for the record: that of work->fault where the request was refused already, else of `code`. Fits bulla_caller; `caller` is a
 * work's. */
const char *bulla_kms_error_name(const bulla_caller *caller, bulla_code code);
/* The ARN of the key that the request names, if there is such a key; else empty. */
void bulla_work_key_arn(const bulla_work *work, char out[static BULLA_ARN_MAX]);

/* --- kms_answer.c ------------------------------------------------------------------------------------------------- */
/* Sends `body` with status 200, or the fault; the exchange is gone afterwards. */
void bulla_work_answer(bulla_work *work, bulla_buf *body);

/* --- kms_service.c ------------------------------------------------------------------------------------------------ */
/* Into the log, as an error. */
void bulla_kms_service_tell(bulla_kms_service *service, const char *event, const bulla_error *err);
void bulla_kms_service_refuse_all(bulla_kms_service *service, bulla_exchange *const *ready, size_t n, const bulla_error *err);

/* --- values ------------------------------------------------------------------------------------------------------- */
static inline const bulla_aws_value *bulla_work_value(const bulla_work *work, bulla_aws_member member)
{
	return &work->input.values[member];
}

static inline bulla_bytes bulla_work_text(const bulla_work *work, bulla_aws_member member)
{
	return work->input.values[member].bytes;
}

/* One change of the store on behalf of whoever sent the request. */
BULLA_MUST static inline bulla_code bulla_work_order(bulla_work *work, bulla_order_kind kind, bulla_order *order,
						     bulla_error *err)
{
	work->recorded = true;
	return bulla_engine_order(work->service->config.engine, kind, order, err);
}

/* The id or ARN of a key, and no alias: what operations take that change a key, or tell of its policies and rotations (AWS KMS API Reference, "KeyId" of
 * each). False with work->fault. */
bool bulla_work_names_key_itself(bulla_work *work);

/* Refuses with this text of the service; false. */
#define bulla_work_refuse(work, ...) ((work)->refused = true, bulla_aws_refuse(&(work)->fault, __VA_ARGS__))
#define bulla_work_say(work, ...)    ((work)->refused = true, bulla_aws_say(&(work)->fault, __VA_ARGS__))

/* --- kms_kinds.c -------------------------------------------------------------------------------------------------- */
/* The algorithm that the member names; untouched where it is left out. False with work->fault for one that is not here. */
bool bulla_use_algorithm(bulla_work *work, bulla_aws_member member, bulla_algorithm *ret);
/* True when the member names the algorithm of a key pair. */
bool bulla_use_asks_pair(const bulla_work *work, bulla_aws_member member);
/* True for what keeps a loop waiting too long: it belongs on a worker. */
bool bulla_work_is_slow(const bulla_work *work);

/* --- what actions are made of: kms_use.c, kms_kinds.c, kms_manage.c, kms_describe.c, kms_freeze.c, trail.c ------------------------- */
bool bulla_use_encrypt(bulla_work *work, bulla_engine_request *request);
bool bulla_use_decrypt(bulla_work *work, bulla_engine_request *request);
bool bulla_use_re_encrypt(bulla_work *work, bulla_engine_request *request);
bool bulla_use_data_key(bulla_work *work, bulla_engine_request *request);
bool bulla_use_data_key_without_plaintext(bulla_work *work, bulla_engine_request *request);
bool bulla_use_random(bulla_work *work, bulla_engine_request *request);
void bulla_tell_encrypt(const bulla_work *work, const bulla_engine_reply *reply, bulla_json_writer *w);
void bulla_tell_decrypt(const bulla_work *work, const bulla_engine_reply *reply, bulla_json_writer *w);
void bulla_tell_re_encrypt(const bulla_work *work, const bulla_engine_reply *reply, bulla_json_writer *w);
void bulla_tell_data_key(const bulla_work *work, const bulla_engine_reply *reply, bulla_json_writer *w);
void bulla_tell_random(const bulla_work *work, const bulla_engine_reply *reply, bulla_json_writer *w);

bool bulla_use_sign(bulla_work *work, bulla_engine_request *request);
bool bulla_use_verify(bulla_work *work, bulla_engine_request *request);
bool bulla_use_generate_mac(bulla_work *work, bulla_engine_request *request);
bool bulla_use_verify_mac(bulla_work *work, bulla_engine_request *request);
bool bulla_use_shared_secret(bulla_work *work, bulla_engine_request *request);
bool bulla_use_public_key(bulla_work *work, bulla_engine_request *request);
bool bulla_use_data_key_pair(bulla_work *work, bulla_engine_request *request);
bool bulla_use_data_key_pair_without_plaintext(bulla_work *work, bulla_engine_request *request);
void bulla_tell_sign(const bulla_work *work, const bulla_engine_reply *reply, bulla_json_writer *w);
void bulla_tell_verify(const bulla_work *work, const bulla_engine_reply *reply, bulla_json_writer *w);
void bulla_tell_generate_mac(const bulla_work *work, const bulla_engine_reply *reply, bulla_json_writer *w);
void bulla_tell_verify_mac(const bulla_work *work, const bulla_engine_reply *reply, bulla_json_writer *w);
void bulla_tell_shared_secret(const bulla_work *work, const bulla_engine_reply *reply, bulla_json_writer *w);
void bulla_tell_public_key(const bulla_work *work, const bulla_engine_reply *reply, bulla_json_writer *w);
void bulla_tell_data_key_pair(const bulla_work *work, const bulla_engine_reply *reply, bulla_json_writer *w);

bulla_code bulla_act_create_key(bulla_work *work, bulla_json_writer *w, bulla_error *err);
bulla_code bulla_act_enable_key(bulla_work *work, bulla_json_writer *w, bulla_error *err);
bulla_code bulla_act_disable_key(bulla_work *work, bulla_json_writer *w, bulla_error *err);
bulla_code bulla_act_schedule_deletion(bulla_work *work, bulla_json_writer *w, bulla_error *err);
bulla_code bulla_act_cancel_deletion(bulla_work *work, bulla_json_writer *w, bulla_error *err);
bulla_code bulla_act_update_description(bulla_work *work, bulla_json_writer *w, bulla_error *err);
bulla_code bulla_act_enable_rotation(bulla_work *work, bulla_json_writer *w, bulla_error *err);
bulla_code bulla_act_disable_rotation(bulla_work *work, bulla_json_writer *w, bulla_error *err);
bulla_code bulla_act_rotate(bulla_work *work, bulla_json_writer *w, bulla_error *err);
bulla_code bulla_act_create_alias(bulla_work *work, bulla_json_writer *w, bulla_error *err);
bulla_code bulla_act_update_alias(bulla_work *work, bulla_json_writer *w, bulla_error *err);
bulla_code bulla_act_delete_alias(bulla_work *work, bulla_json_writer *w, bulla_error *err);
bulla_code bulla_act_put_policy(bulla_work *work, bulla_json_writer *w, bulla_error *err);

bulla_code bulla_act_describe_key(bulla_work *work, bulla_json_writer *w, bulla_error *err);
bulla_code bulla_act_list_keys(bulla_work *work, bulla_json_writer *w, bulla_error *err);
bulla_code bulla_act_list_aliases(bulla_work *work, bulla_json_writer *w, bulla_error *err);
bulla_code bulla_act_get_policy(bulla_work *work, bulla_json_writer *w, bulla_error *err);
bulla_code bulla_act_list_policies(bulla_work *work, bulla_json_writer *w, bulla_error *err);
bulla_code bulla_act_rotation_status(bulla_work *work, bulla_json_writer *w, bulla_error *err);
bulla_code bulla_act_list_rotations(bulla_work *work, bulla_json_writer *w, bulla_error *err);
bulla_code bulla_act_freeze(bulla_work *work, bulla_json_writer *w, bulla_error *err);
bulla_code bulla_act_thaw(bulla_work *work, bulla_json_writer *w, bulla_error *err);
bulla_code bulla_act_get_status(bulla_work *work, bulla_json_writer *w, bulla_error *err);

bulla_code bulla_act_lookup_events(bulla_work *work, bulla_json_writer *w, bulla_error *err);
/* KeyUsage, the names of the spec, and the list of the key's algorithms. */
void bulla_put_key_kind(bulla_json_writer *w, const bulla_key_kind *kind);
/* The answer of DescribeKey and CreateKey. */
void bulla_put_key_metadata(bulla_json_writer *w, const bulla_snapshot *now, const bulla_key *key);

#endif
