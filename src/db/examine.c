/*
 * examine.c - facts about a model for `doctor`: who works on it, what waits, whether its triggers are as they should be.
 */
#include "db/run.h"

#include "db/quarantine.h"
#include "io/file.h"

typedef struct examination {
	bulla_run run;
	bulla_json_writer out;
} examination;

static bulla_code take_integer(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	(void)n;
	(void)err;
	*(int64_t *)self = values[0].kind == BULLA_KIND_INTEGER ? values[0].integer : 0;
	return BULLA_OK;
}

/* The newest moment that the bookkeeping knows of: the clock was there already. */
static bulla_code newest(examination *x, int64_t *ret_ms, bulla_error *err)
{
	static const char sql[] =
		"SELECT max(at) FROM (SELECT max(heartbeat) AS at FROM bulla_job UNION ALL SELECT max(started) FROM "
		"bulla_job UNION ALL SELECT max(at) FROM bulla_quarantine UNION ALL SELECT max(at) FROM bulla_report)";
	*ret_ms = 0;
	if (!x->run.state.found) return BULLA_OK;
	return x->run.db->target->run(x->run.db, sql, NULL, 0, take_integer, ret_ms, NULL, err);
}

/* Through the partial index, which exists once the first fill has ended. */
static bulla_code count_unsealed(examination *x, uint64_t *ret, bulla_error *err)
{
	const bulla_target *target = x->run.db->target;
	const bulla_value *values = NULL;
	bulla_shape shape = { 0 };
	bulla_walk *walk = NULL;
	TRY(bulla_shape_init(&shape, &x->run.mapping, 0, err));
	bulla_code code = target->walk_open(x->run.db, &x->run.mapping, &shape, BULLA_WALK_QUEUE, NULL, &walk, err);
	if (!code) code = target->walk_start(walk, NULL, 0, err);
	while (!code && !(code = target->walk_next(walk, &values, err)) && values)
		++*ret;
	target->walk_close(walk);
	bulla_shape_done(&shape);
	return code;
}

static void tell_guard(void *self, const char *kind, const char *name, const char *sql)
{
	bulla_json_writer *out = self;
	(void)sql;
	bulla_json_open(out, NULL, '{');
	bulla_json_put_str(out, "name", name);
	bulla_json_put_str(out, "state", kind);
	bulla_json_close(out, '}');
}

static bulla_code tell_guards(examination *x, bulla_error *err)
{
	bulla_run *run = &x->run;
	bool sealed = run->mapping.cipher_count > 0 && run->state.phase >= BULLA_PHASE_APPLYING, there;
	if (run->state.phase == BULLA_PHASE_UNDOING) TRY(bulla_mapping_stage(&run->mapping, run->db, &there, err));
	bulla_json_open(&x->out, "guards", '[');
	if (sealed) TRY(run->db->target->guards(run->db, &run->mapping, run->mapping.plain_count == 0, tell_guard, &x->out, err));
	bulla_json_close(&x->out, ']');
	return BULLA_OK;
}

static void tell_owner(examination *x)
{
	const bulla_job_state *state = &x->run.state;
	int64_t now = bulla_now_us(NULL) / 1000;
	bulla_json_put_str(&x->out, "owner", state->owner[0] ? state->owner : NULL);
	bulla_json_put_bool(&x->out, "alive", state->owner[0] && bulla_lease_is_live(state, now));
	bulla_json_put_int(&x->out, "heartbeat_seconds_ago", (now - state->heartbeat_ms) / 1000);
}

static bulla_code tell(examination *x, bulla_error *err)
{
	bulla_run *run = &x->run;
	uint64_t unsealed = 0;
	int64_t at = 0;
	bool queue = run->state.filled_ms && run->mapping.plain_count && bulla_mapping_is_ready(&run->mapping);
	bulla_json_open(&x->out, NULL, '{');
	bulla_json_put_str(&x->out, "model", run->job->model->key);
	bulla_json_put_str(&x->out, "table", run->mapping.table->name);
	bulla_json_put_str(&x->out, "phase", bulla_phase_name(run->state.phase));
	bulla_json_put_bool(&x->out, "ready", bulla_mapping_is_ready(&run->mapping));
	tell_owner(x);
	if (queue) TRY(count_unsealed(x, &unsealed, err));
	bulla_json_put_int(&x->out, "unsealed", (int64_t)unsealed);
	TRY(bulla_quarantine_tell(run->db, run->job->model->key, &x->out, "quarantine", err));
	TRY(tell_guards(x, err));
	TRY(newest(x, &at, err));
	bulla_json_put_int(&x->out, "newest_ms", at);
	bulla_json_open(&x->out, "database", '{');
	TRY(run->db->target->condition(run->db, &x->out, err));
	bulla_json_close(&x->out, '}');
	bulla_json_close(&x->out, '}');
	return bulla_json_end(&x->out, err);
}

bulla_code bulla_job_examine(const bulla_job *job, bulla_buf *out, bulla_error *err)
{
	examination x = { .out = bulla_json_to(out) };
	TRY(bulla_run_open(&x.run, job, false, false, err));
	bulla_code code = x.run.db->target->begin_read(x.run.db, err);
	if (!code) code = tell(&x, err);
	bulla_run_close(&x.run);
	return code;
}
