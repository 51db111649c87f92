/*
 * event_loop.c - a host with an event loop of its own: it drives the op, and hands what blocks to a thread.
 *
 * The loop polls one pipe. A worker thread runs the calls that block (the embedded engine, the store of branch keys) and writes a byte when it is
 * done; in between the loop is free for anything else, shown here by a heartbeat.
 */
#include <bulla/bulla.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct job {
	bulla_need need;
	int done_fd;
};

static void *run(void *self)
{
	struct job *job = self;
	char byte = 1;
	if (job->need.call(job->need.self, NULL)) byte = 2; /* the op keeps the error; nothing to hand back */
	return write(job->done_fd, &byte, 1) == 1 ? NULL : self;
}

/* Satisfies one need without ever blocking the loop. */
static bool satisfy(bulla_need need, int pipe_fds[2], int *heartbeats)
{
	pthread_t thread;
	struct job job = { need, pipe_fds[1] };
	if (!need.call || pthread_create(&thread, NULL, run, &job)) return false;
	struct pollfd wait = { .fd = pipe_fds[0], .events = POLLIN };
	while (poll(&wait, 1, 5) == 0)
		++*heartbeats; /* other work of the host */
	char byte;
	bool ok = read(pipe_fds[0], &byte, 1) == 1;
	pthread_join(thread, NULL);
	return ok;
}

static bulla_code drive(bulla_op *op, int *needs, int *heartbeats, bulla_error *err)
{
	int fds[2];
	bulla_need need;
	bulla_code code;
	if (pipe(fds)) return BULLA_ERR_IO;
	while ((code = bulla_op_step(op, &need, err)) == BULLA_OK && need.kind != BULLA_NEED_DONE) {
		++*needs;
		if (!satisfy(need, fds, heartbeats)) bulla_op_failed(op, "the host could not satisfy the need");
	}
	close(fds[0]);
	close(fds[1]);
	return code;
}

int main(void)
{
	bulla_error err = { 0 };
	bulla_keyring *keyring = NULL;
	bulla_batch *batch = NULL;
	const bulla_model *users;
	bulla_op *op;
	int needs = 0, heartbeats = 0;
	static const char mail[] = "joan@example.org", phone[] = "+44 161 496 0000";
	bulla_bytes id = { (const uint8_t *)"7", 1 }, key;
	bulla_cell cells[2] = {
		{ .field = 0, .value = { .kind = BULLA_KIND_TEXT, .bytes = { (const uint8_t *)mail, sizeof mail - 1 } } },
		{ .field = 1, .value = { .kind = BULLA_KIND_TEXT, .bytes = { (const uint8_t *)phone, sizeof phone - 1 } } },
	};
	bulla_row row = { .inputs = &id, .cells = cells, .cell_count = 2, .keys = &key };

	bulla_code code = bulla_keyring_open(NULL, &keyring, &err);
	if (!code) code = bulla_keyring_model(keyring, "users", &users, &err);
	if (!code) code = bulla_batch_new(keyring, users, NULL, &batch, &err);
	if (!code) code = bulla_batch_seal_op(batch, &row, 1, &op, &err);
	if (!code) code = drive(op, &needs, &heartbeats, &err);
	if (!code) code = row.code;
	if (!code) printf("sealed after %d needs; the loop beat %d times meanwhile\n", needs, heartbeats);
	if (code) fprintf(stderr, "%s: %s\n", bulla_code_name(code), err.text);
	bulla_batch_free(batch);
	bulla_keyring_free(keyring);
	return code || needs == 0 ? 1 : 0;
}
