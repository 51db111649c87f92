/*
 * test_op.c - an op driven by hand: step by step, given up in the middle, misused, waiting for another, forked away from.
 */
#include "world.h"

#include <sys/wait.h>
#include <unistd.h>

#define MODELS "models:\n  users: { branch_key: users, fields: { email: {} } }\n  notes: { fields: { body: {} } }\n"

static const char http[] =
	"version: 1\nenvironments: { development: { keys: [fake/http/a, fake/http/b], min_wraps: 1 } }\n" MODELS;
static const char call[] = "version: 1\nenvironments: { development: { key: fake/call/main } }\n" MODELS;

static bulla_need step(bulla_op *op)
{
	bulla_need need = { 0 };
	bulla_error err = { 0 };
	if (bulla_op_step(op, &need, &err)) fail_msg("%s", err.text);
	return need;
}

/* The needs of sealing one record with a cold branch, in order, with no I/O in between. */
static void step_by_step(void **state)
{
	static const bulla_need_kind expected[] = { BULLA_NEED_CALL, /* is the branch in the store? */
						    BULLA_NEED_HTTP, /* wrap a new one by a ... */
						    BULLA_NEED_HTTP, /* ... and by b */
						    BULLA_NEED_CALL, /* insert */
						    BULLA_NEED_CALL, /* read back */
						    BULLA_NEED_HTTP, /* unwrap by a */
						    BULLA_NEED_DONE };
	world *w = world_open(http, true);
	row_set rows;
	bulla_op *op;
	(void)state;
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&rows, world_model(w, "users"), 2, 1);
	assert_int_equal(bulla_batch_seal_op(batch, rows.row, rows.n, &op, NULL), BULLA_OK);
	for (size_t i = 0; i < COUNT(expected); i++) {
		bulla_need need = step(op);
		assert_int_equal(need.kind, expected[i]);
		if (need.kind == BULLA_NEED_HTTP) {
			assert_true(bulla_bytes_is(bulla_view_buf(&need.http->method), "POST"));
			assert_true(need.http->body.len > 3);
			assert_int_equal(need.http->reply.len, 0);
		}
		if (need.kind != BULLA_NEED_DONE) world_satisfy(w, &need);
	}
	rows_all(&rows, BULLA_OK);
	assert_int_equal(step(op).kind, BULLA_NEED_DONE); /* and again, harmlessly */
	/* with everything in the cache nothing is needed */
	assert_int_equal(bulla_batch_seal_op(batch, rows.row, rows.n, &op, NULL), BULLA_OK);
	assert_int_equal(step(op).kind, BULLA_NEED_DONE);
	bulla_batch_free(batch);
	rows_done(&rows);
	world_free(w);
}

/* Given up after each number of steps: nothing leaks, nothing is left flying, the batch can be used again. */
static void given_up(void **state)
{
	(void)state;
	for (size_t steps = 0; steps < 7; steps++)
		for (int again = 0; again < 2; again++) {
			world *w = world_open(http, true);
			row_set rows;
			bulla_op *op;
			bulla_batch *batch = batch_of(w, "users", NULL), *other = batch_of(w, "users", NULL);
			rows_init(&rows, world_model(w, "users"), 2, 1);
			assert_int_equal(bulla_batch_seal_op(batch, rows.row, rows.n, &op, NULL), BULLA_OK);
			for (size_t i = 0; i < steps; i++) {
				bulla_need need = step(op);
				if (i + 1 < steps) world_satisfy(w, &need); /* the last one is not answered */
			}
			if (again) assert_int_equal(batch_seal(w, batch, &rows, NULL), BULLA_OK);
			bulla_batch_free(batch);
			assert_int_equal(batch_seal(w, other, &rows, NULL), BULLA_OK); /* no flight is in the way */
			assert_int_equal(w->waits, 0);
			bulla_batch_free(other);
			rows_done(&rows);
			world_free(w); /* checks that every exchange was abandoned */
		}
}

static void unsatisfied_needs(void **state)
{
	world *w = world_open(call, true);
	row_set rows;
	bulla_op *op;
	bulla_need need;
	bulla_error err = { 0 };
	(void)state;
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&rows, world_model(w, "users"), 1, 1);
	assert_int_equal(bulla_batch_seal_op(batch, rows.row, 1, &op, NULL), BULLA_OK);
	need = step(op);
	assert_int_equal(need.kind, BULLA_NEED_CALL);
	assert_int_equal(bulla_op_step(op, &need, &err), BULLA_ERR_USAGE); /* stepped without calling */
	assert_int_equal(step(op).kind, BULLA_NEED_DONE);                  /* it has ended */
	assert_int_equal(bulla_batch_seal_op(batch, rows.row, 1, &op, NULL), BULLA_OK);
	need = step(op);
	bulla_op_failed(op, "the thread pool is full");
	assert_int_equal(bulla_op_step(op, &need, &err), BULLA_ERR_UNAVAILABLE);
	assert_non_null(strstr(err.text, "thread pool is full"));
	assert_int_equal(batch_seal(w, batch, &rows, &err), BULLA_OK);
	bulla_batch_free(batch);
	rows_done(&rows);
	world_free(w);
}

/* HTTP that fails: the next key is asked; a reply that is nonsense counts as one. */
static void failing_over_by_hand(void **state)
{
	world *w = world_open(http, true);
	row_set rows;
	bulla_op *op;
	(void)state;
	bulla_batch *batch = batch_of(w, "notes", NULL);
	rows_init(&rows, world_model(w, "notes"), 1, 1);
	assert_int_equal(bulla_batch_seal_op(batch, rows.row, 1, &op, NULL), BULLA_OK);
	bulla_need need = step(op);
	assert_int_equal(need.kind, BULLA_NEED_HTTP);
	assert_true(bulla_bytes_is(bulla_view_buf(&need.http->url), "a"));
	bulla_op_failed(op, NULL);
	need = step(op);
	assert_int_equal(need.kind, BULLA_NEED_HTTP);
	assert_true(bulla_bytes_is(bulla_view_buf(&need.http->url), "b")); /* a clean request, nothing of the first */
	world_satisfy(w, &need);
	assert_int_equal(step(op).kind, BULLA_NEED_DONE);
	rows_all(&rows, BULLA_OK);
	rows_hold(&rows);
	assert_int_equal(bulla_batch_open_op(batch, rows.row, 1, &op, NULL), BULLA_OK);
	need = step(op);
	assert_true(bulla_bytes_is(bulla_view_buf(&need.http->url), "b")); /* a made no wrap of it */
	need.http->status = 200;
	assert_int_equal(bulla_buf_add_str(&need.http->reply, "<html>proxy</html>", NULL), BULLA_OK);
	bulla_error err = { 0 };
	assert_int_equal(bulla_op_step(op, &need, &err), BULLA_ERR_UNAVAILABLE);
	assert_null(strstr(err.text, "html"));
	bulla_batch_free(batch);
	rows_done(&rows);
	world_free(w);
}

/* Two ops of one thread want the same cold key: the second waits, the first one's answer serves both. */
static void waits_for_another(void **state)
{
	world *w = world_open(call, true);
	row_set a, b;
	bulla_op *first, *second;
	(void)state;
	bulla_batch *one = batch_of(w, "users", NULL), *two = batch_of(w, "users", NULL);
	rows_init(&a, world_model(w, "users"), 1, 1);
	rows_init(&b, world_model(w, "users"), 1, 2);
	assert_int_equal(bulla_batch_seal_op(one, a.row, 1, &first, NULL), BULLA_OK);
	assert_int_equal(bulla_batch_seal_op(two, b.row, 1, &second, NULL), BULLA_OK);
	bulla_need need = step(first);
	bulla_need waiting = step(second);
	assert_int_equal(waiting.kind, BULLA_NEED_WAIT);
	assert_true(waiting.wait_ms > 0 && waiting.wait_ms <= 1000);
	assert_int_equal(step(second).kind, BULLA_NEED_WAIT); /* stepping without waiting is harmless */
	while (need.kind != BULLA_NEED_DONE) {
		world_satisfy(w, &need);
		need = step(first);
	}
	assert_int_equal(step(second).kind, BULLA_NEED_DONE);
	rows_all(&a, BULLA_OK);
	rows_all(&b, BULLA_OK);
	assert_int_equal(w->row_count, 1);
	bulla_batch_free(one);
	bulla_batch_free(two);
	rows_done(&a);
	rows_done(&b);
	world_free(w);
}

/* The first gives up: the second takes over. */
static void takes_over(void **state)
{
	world *w = world_open(call, true);
	row_set a, b;
	bulla_op *first, *second;
	(void)state;
	bulla_batch *one = batch_of(w, "users", NULL), *two = batch_of(w, "users", NULL);
	rows_init(&a, world_model(w, "users"), 1, 1);
	rows_init(&b, world_model(w, "users"), 1, 2);
	assert_int_equal(bulla_batch_seal_op(one, a.row, 1, &first, NULL), BULLA_OK);
	assert_int_equal(bulla_batch_seal_op(two, b.row, 1, &second, NULL), BULLA_OK);
	(void)step(first);
	assert_int_equal(step(second).kind, BULLA_NEED_WAIT);
	bulla_batch_free(one);
	assert_int_equal(world_drive(w, second, NULL), BULLA_OK);
	rows_all(&b, BULLA_OK);
	bulla_batch_free(two);
	rows_done(&a);
	rows_done(&b);
	world_free(w);
}

/* --- forks ----------------------------------------------------------------------------------------------------- */

static int wait_for(pid_t child)
{
	int status = 0;
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A child that goes on with its parent's op would seal under keys that the kernel has zeroed: it is told to begin again. */
static void forked_in_the_middle(void **state)
{
	world *w = world_open(http, true);
	row_set rows;
	bulla_op *op;
	(void)state;
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&rows, world_model(w, "users"), 1, 1);
	assert_int_equal(batch_seal(w, batch, &rows, NULL), BULLA_OK); /* the branch key is in the cache */
	bulla_batch *notes = batch_of(w, "notes", NULL);
	row_set more;
	rows_init(&more, world_model(w, "notes"), 1, 1);
	assert_int_equal(bulla_batch_seal_op(notes, more.row, 1, &op, NULL), BULLA_OK);
	bulla_need need = step(op);
	pid_t child = fork();
	if (child == 0) {
		bulla_error err = { 0 };
		alarm(10);
		world_satisfy(w, &need);
		if (bulla_op_step(op, &need, &err) != BULLA_ERR_USAGE || !strstr(err.text, "forked")) _exit(1);
		if (batch_seal(w, notes, &more, &err)) _exit(2);
		if (batch_seal(w, batch, &rows, &err)) _exit(3); /* the branch key is fetched again */
		_exit(0);
	}
	assert_int_equal(wait_for(child), 0);
	world_satisfy(w, &need);
	assert_int_equal(step(op).kind, BULLA_NEED_HTTP);
	bulla_batch_free(notes);
	bulla_batch_free(batch);
	rows_done(&rows);
	rows_done(&more);
	world_free(w);
}

/* What parent and child seal after a fork differs in key and nonce, and either opens the other's. */
static void parent_and_child_differ(void **state)
{
	world *w = world_open(call, true);
	row_set rows;
	int ends[2];
	uint8_t theirs[200];
	(void)state;
	bulla_batch *batch = batch_of(w, "users", NULL);
	rows_init(&rows, world_model(w, "users"), 1, 1);
	assert_int_equal(batch_seal(w, batch, &rows, NULL), BULLA_OK); /* random bytes are primed */
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		alarm(10);
		if (batch_seal(w, batch, &rows, NULL) || rows.row[0].code) _exit(1);
		if (write(ends[1], rows.keys[0].data, 98) != 98) _exit(2);
		bulla_bytes c = rows_cell(&rows, 0, 0)->ciphertext;
		_exit(write(ends[1], c.data, c.len) == (ssize_t)c.len ? 0 : 3);
	}
	assert_int_equal(wait_for(child), 0);
	ssize_t n = read(ends[0], theirs, sizeof theirs);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(batch_seal(w, batch, &rows, NULL), BULLA_OK);
	bulla_bytes ours = rows_cell(&rows, 0, 0)->ciphertext;
	assert_int_equal((size_t)n, 98 + ours.len);
	assert_memory_not_equal(theirs + 1, rows.keys[0].data + 1, 32);
	assert_memory_not_equal(theirs + 98 + 1, ours.data + 1, 12);
	rows_hold(&rows);
	rows.keys[0] = bulla_view(theirs, 98);
	rows_cell(&rows, 0, 0)->ciphertext = bulla_view(theirs + 98, ours.len);
	assert_int_equal(batch_open(w, batch, &rows, NULL), BULLA_OK);
	rows_check(&rows);
	bulla_batch_free(batch);
	rows_done(&rows);
	world_free(w);
}

/* A batch with threads of its own has none in a child: it works alone there, and goes away without waiting for them. */
static void threads_do_not_survive(void **state)
{
	bulla_batch_options four = { .size = sizeof four, .threads = 4 };
	world *w = world_open(call, true);
	row_set rows;
	(void)state;
	bulla_batch *batch = batch_of(w, "users", &four);
	rows_init(&rows, world_model(w, "users"), 500, 1);
	assert_int_equal(batch_seal(w, batch, &rows, NULL), BULLA_OK);
	pid_t child = fork();
	if (child == 0) {
		alarm(10);
		if (batch_seal(w, batch, &rows, NULL)) _exit(1);
		for (size_t i = 0; i < rows.n; i++)
			if (rows.row[i].code) _exit(2);
		bulla_batch_free(batch);
		_exit(0);
	}
	assert_int_equal(wait_for(child), 0);
	assert_int_equal(batch_seal(w, batch, &rows, NULL), BULLA_OK);
	bulla_batch_free(batch);
	rows_done(&rows);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(step_by_step),           cmocka_unit_test(given_up),
		cmocka_unit_test(unsatisfied_needs),      cmocka_unit_test(failing_over_by_hand),
		cmocka_unit_test(waits_for_another),      cmocka_unit_test(takes_over),
		cmocka_unit_test(forked_in_the_middle),   cmocka_unit_test(parent_and_child_differ),
		cmocka_unit_test(threads_do_not_survive),
	};
	return cmocka_run_group_tests_name("core/op", tests, NULL, NULL);
}
