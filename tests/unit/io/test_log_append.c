/*
 * test_log_append.c - many threads, many processes, kills at every change on disk, full disks: nothing acknowledged is lost.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "log_world.h"

#include <pthread.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>

static atomic_uint writes;
static atomic_int fail_write; /* an errno value */

/* A disk that becomes full in the middle of a write. */
ssize_t pwritev(int fd, const struct iovec *parts, int n, off_t at)
{
	atomic_fetch_add(&writes, 1);
	if (!fail_write) return (ssize_t)syscall(SYS_pwritev, fd, parts, n, at, 0);
	if (parts[0].iov_len < 50) return errno = fail_write, -1;
	return syscall(SYS_pwrite64, fd, parts[0].iov_base, 41, at) == 41 ? (errno = fail_write, -1) : -1;
}

static void one_append_is_one_write_and_one_sync(void **state)
{
	const world w = world_make();
	bulla_log *log = world_open(&w);
	(void)state;
	append_good(log, 0, 1);
	atomic_store(&syncs, 0);
	atomic_store(&writes, 0);
	append_good(log, 1, 200);
	assert_int_equal(syncs, 1);
	assert_int_equal(writes, 1);
	bulla_log_close(log);
	assert_verifies(&w, 201);
	world_drop(&w);
}

/* --- failures ----------------------------------------------------------------------------------------------------------- */

static void goes_on_by_itself(bulla_log *log, uint64_t size)
{
	const struct timespec a_while = { 0, 300000000 };
	nanosleep(&a_while, NULL);
	append_good(log, size, 300);
}

static void refuses_after_a_failure(atomic_int *fault, int why, bulla_code expected, bool mends)
{
	const world w = world_make();
	bulla_log *log = world_open(&w);
	bulla_log_head head;
	bulla_error err = { 0 };
	append_good(log, 0, 10);
	atomic_store(fault, why);
	assert_int_equal(append_group(log, 10, 5, 0, &head, &err), expected);
	atomic_store(fault, 0);
	assert_int_equal(append_group(log, 10, 5, 0, &head, &err), BULLA_ERR_AUDIT);
	assert_true(err.next[0]);
	assert_int_equal(append_group(log, 10, 5, 0, &head, &err), BULLA_ERR_AUDIT);
	assert_int_equal(bulla_log_head_now(log, &head, NULL), BULLA_OK); /* reading is still possible */
	assert_true(head.size == 10 || head.size == 15);
	if (mends) goes_on_by_itself(log, head.size);
	bulla_log_close(log);
	if (mends) assert_verifies(&w, head.size + 300);
	if (mends) goto done;

	log = world_open(&w);
	assert_int_equal(bulla_log_head_now(log, &head, NULL), BULLA_OK);
	assert_true(head.size == 10 || head.size == 15);
	append_good(log, head.size, 300);
	bulla_log_close(log);
	assert_verifies(&w, head.size + 300);
done:
	assert_others_verify(&w, head.size + 300);
	world_drop(&w);
}

static void refuses_after_every_kind_of_failure(void **state)
{
	(void)state;
	for (int mends = 0; mends < 2; mends++) {
		refuses_after_a_failure(&fail_write, ENOSPC, BULLA_ERR_FULL, mends);
		refuses_after_a_failure(&fail_write, EIO, BULLA_ERR_IO, mends);
		refuses_after_a_failure(&fail_sync, EIO, BULLA_ERR_IO, mends);
		refuses_after_a_failure(&fail_sync, ENOSPC, BULLA_ERR_FULL, mends);
	}
}

/* Trouble that goes on is met again; nothing of what was acknowledged may be missing when it is over. */
static void does_not_go_on_while_it_fails(void **state)
{
	const struct timespec a_while = { 0, 300000000 };
	const world w = world_make();
	bulla_log *log = world_open(&w);
	bulla_buf before = { 0 };
	(void)state;
	append_good(log, 0, 5);
	before = file_get(&w, "journal");
	append_good(log, 5, 5);
	atomic_store(&fail_sync, EIO);
	assert_int_equal(append_group(log, 10, 5, 0, NULL, NULL), BULLA_ERR_IO);
	nanosleep(&a_while, NULL);
	assert_int_equal(append_group(log, 10, 5, 0, NULL, NULL), BULLA_ERR_AUDIT);
	atomic_store(&fail_sync, 0);
	assert_int_equal(append_group(log, 10, 5, 0, NULL, NULL), BULLA_ERR_AUDIT); /* too early */
	file_put(&w, "journal", bulla_view_buf(&before));                           /* an older one */
	nanosleep(&a_while, NULL);
	assert_int_equal(append_group(log, 10, 5, 0, NULL, NULL), BULLA_ERR_AUDIT);
	bulla_log_close(log);
	bulla_buf_done(&before);
	world_drop(&w);
}

/* Another process, or another handle, finds the torn end, cuts it off and goes on. */
static void others_go_on_after_a_failure(void **state)
{
	const world w = world_make();
	bulla_log *a = world_open(&w);
	bulla_log *b = world_open(&w);
	(void)state;
	append_good(a, 0, 10);
	atomic_store(&fail_write, ENOSPC);
	assert_int_equal(append_group(a, 10, 5, 0, NULL, NULL), BULLA_ERR_FULL);
	atomic_store(&fail_write, 0);
	assert_verifies(&w, 10);
	append_good(b, 10, 5);
	assert_int_equal(append_group(a, 15, 5, 0, NULL, NULL), BULLA_ERR_AUDIT);
	bulla_log_close(a);
	bulla_log_close(b);
	assert_verifies(&w, 15);
	world_drop(&w);
}

/* The real thing: the kernel refuses to let any file grow beyond a limit. */
static void survives_a_limit_on_file_sizes(void **state)
{
	const world w = world_make();
	int status;
	(void)state;
	world_fill(&w, 20, 5);
	const pid_t child = fork();
	if (child == 0) {
		const struct rlimit limit = { 6000, RLIM_INFINITY };
		uint64_t size = 20;
		bulla_log_head head;
		bulla_log *log = world_open(&w);
		(void)signal(SIGXFSZ, SIG_IGN);
		if (setrlimit(RLIMIT_FSIZE, &limit)) _exit(1);
		while (append_group(log, size, 7, 0, &head, NULL) == BULLA_OK)
			size = head.size;
		if (size == 20 || append_group(log, size, 1, 0, &head, NULL) != BULLA_ERR_AUDIT) _exit(2);
		bulla_log_close(log);
		if (bulla_log_open(w.log, ORIGIN, &w.seed, false, &log, NULL) == BULLA_OK) bulla_log_close(log);
		_exit((int)((size - 20) / 7) + 10);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) > 10);
	const uint64_t acknowledged = 20 + 7 * ((uint64_t)WEXITSTATUS(status) - 10);
	bulla_log *log = world_open(&w);
	bulla_log_head head;
	assert_int_equal(bulla_log_head_now(log, &head, NULL), BULLA_OK);
	assert_true(head.size >= acknowledged);
	append_good(log, head.size, 300);
	bulla_log_close(log);
	assert_verifies(&w, head.size + 300);
	world_drop(&w);
}

/* Something is in the way of the tiles: the entries are durable, the log takes no more, and goes on when it is removed. */
static void survives_a_failed_publication(void **state)
{
	const world w = world_make();
	char path[256];
	bulla_log *log = world_open(&w);
	(void)state;
	path_of(&w, "tile", path);
	file_put(&w, "tile", bulla_view("x", 1));
	append_good(log, 0, 300);
	bulla_log_close(log);
	assert_int_not_equal(bulla_log_open(w.log, ORIGIN, &w.seed, false, &log, NULL), BULLA_OK);
	assert_int_equal(unlink(path), 0);
	log = world_open(&w);
	append_good(log, 300, 1);
	bulla_log_close(log);
	assert_verifies(&w, 301);
	world_drop(&w);
}

/* --- torn journals ------------------------------------------------------------------------------------------------------ */

/* Two appends, the journal cut at every length of the second: what is whole is there, the rest is dropped, the log goes on. */
static void recovers_from_every_cut(void **state)
{
	static const char *const others[] = { "checkpoint", "checkpoints" };
	const world w = world_make();
	bulla_buf files[2], journals[3];
	char tile[256];
	bulla_log *log = world_open(&w);
	(void)state;
	path_of(&w, "tile", tile);
	for (size_t i = 0; i < 3; i++) {
		if (i) append_good(log, (i - 1) * 2, 2);
		journals[i] = file_get(&w, "journal");
	}
	for (size_t i = 0; i < 2; i++)
		files[i] = file_get(&w, others[i]);
	bulla_log_close(log);
	for (size_t at = journals[0].len; at < journals[2].len; at += at < journals[1].len ? 7 : 1) {
		const uint64_t expected = at >= journals[1].len ? 2 : 0;
		for (size_t i = 0; i < 2; i++)
			file_put(&w, others[i], bulla_view_buf(&files[i]));
		file_put(&w, "journal", bulla_view(journals[2].data, at));
		remove_tree(tile);
		assert_verifies(&w, expected);
		log = world_open(&w);
		append_good(log, expected, 1);
		bulla_log_close(log);
		if (at % 8 == 0) assert_verifies(&w, expected + 1);
	}
	for (size_t i = 0; i < 2; i++)
		bulla_buf_done(&files[i]);
	for (size_t i = 0; i < 3; i++)
		bulla_buf_done(&journals[i]);
	world_drop(&w);
}

/* A live log of 40 entries in two frames, under "live", and its journal after each of them. */
static void make_two_frames(const world *w, bulla_buf journals[static 2])
{
	bulla_log *log = world_open(w);
	append_good(log, 0, 20);
	journals[0] = file_get(w, "journal");
	append_good(log, 20, 20);
	journals[1] = file_get(w, "journal");
	copy_log(w, "audit", "live");
	bulla_log_close(log);
}

static void expect_size(const world *w, uint64_t size)
{
	bulla_log_head head;
	bulla_log *log = world_open(w);
	assert_int_equal(bulla_log_head_now(log, &head, NULL), BULLA_OK);
	assert_int_equal(head.size, size);
	bulla_log_close(log);
	assert_verifies(w, size);
}

/* The last frame with a hole or with one byte wrong, as a power cut may leave it: dropped. */
static void drops_a_last_frame_that_does_not_count(void **state)
{
	const world w = world_make();
	bulla_buf journals[2];
	(void)state;
	make_two_frames(&w, journals);
	bulla_buf *whole = &journals[1];
	for (size_t at = journals[0].len; at < whole->len; at += 13) {
		const uint8_t before = whole->data[at];
		copy_log(&w, "live", "audit");
		whole->data[at] ^= 1;
		file_put(&w, "journal", bulla_view_buf(whole));
		expect_size(&w, 20);
		whole->data[at] = before;
	}
	copy_log(&w, "live", "audit");
	memset(whole->data + whole->len - 300, 0, 100);
	file_put(&w, "journal", bulla_view_buf(whole));
	expect_size(&w, 20);
	bulla_buf_done(&journals[0]);
	bulla_buf_done(&journals[1]);
	world_drop(&w);
}

/* Something wrong before the last frame is no torn write: refused, and nothing is touched. */
static void refuses_damage_before_the_last_frame(void **state)
{
	const world w = world_make();
	bulla_buf journals[2];
	bulla_log *log = NULL;
	(void)state;
	make_two_frames(&w, journals);
	copy_log(&w, "live", "audit");
	bulla_buf *whole = &journals[1];
	for (size_t at = 0; at < journals[0].len; at += 13) {
		whole->data[at] ^= 1;
		file_put(&w, "journal", bulla_view_buf(whole));
		assert_int_equal(bulla_log_open(w.log, ORIGIN, &w.seed, false, &log, NULL), BULLA_ERR_AUDIT);
		bulla_buf after = file_get(&w, "journal");
		assert_true(bulla_bytes_equal(bulla_view_buf(&after), bulla_view_buf(whole)));
		bulla_buf_done(&after);
		whole->data[at] ^= 1;
	}
	bulla_buf_done(&journals[0]);
	bulla_buf_done(&journals[1]);
	world_drop(&w);
}

/* A long frame that was cut, then a short one in its place: nothing of the long one stays behind it. */
static void leaves_nothing_of_a_torn_frame(void **state)
{
	const world w = world_make();
	bulla_log *log = world_open(&w);
	bulla_log *other = world_open(&w);
	(void)state;
	append_good(log, 0, 1);
	bulla_buf before = file_get(&w, "journal");
	append_good(log, 1, 100);
	bulla_buf whole = file_get(&w, "journal");
	file_put(&w, "journal", bulla_view(whole.data, whole.len - 20));
	append_good(other, 1, 1);
	bulla_buf after = file_get(&w, "journal");
	assert_true(after.len < before.len + 400);
	assert_verifies(&w, 2);
	bulla_log_close(other);
	bulla_buf_done(&before);
	bulla_buf_done(&whole);
	bulla_buf_done(&after);
	assert_int_equal(append_group(log, 101, 1, 0, NULL, NULL), BULLA_ERR_AUDIT); /* it knew of more entries */
	bulla_log_close(log);
	assert_verifies(&w, 2);
	world_drop(&w);
}

/* --- many at once ------------------------------------------------------------------------------------------------------- */

#define THREADS 4
#define ROUNDS  20

typedef struct worker {
	bulla_log *log;
	unsigned process, thread;
	bool good;
} worker;

/* Entry "P T R": process, thread, round; each append has one to three of them. */
static void *work(void *self)
{
	worker *k = self;
	const bulla_audit_sink sink = bulla_log_sink(k->log);
	unsigned round = 0;
	while (round < ROUNDS) {
		char texts[3][32];
		bulla_bytes entries[3];
		size_t n = 0;
		for (; n < 1 + round % 3 && round + n < ROUNDS; n++) {
			const int len =
				snprintf(texts[n], sizeof texts[n], "%u %u %u", k->process, k->thread, round + (unsigned)n);
			entries[n] = bulla_view(texts[n], (size_t)len);
		}
		bulla_log_head head;
		if (sink.append(sink.self, entries, n, 0, &head, NULL) || head.size < round + n) return NULL;
		round += (unsigned)n;
	}
	k->good = true;
	return NULL;
}

static bool run_threads(bulla_log *log, unsigned process, unsigned n)
{
	pthread_t threads[8];
	worker workers[8];
	bool good = true;
	for (unsigned i = 0; i < n; i++) {
		workers[i] = (worker){ log, process, i, false };
		if (pthread_create(&threads[i], NULL, work, &workers[i])) return false;
	}
	for (unsigned i = 0; i < n; i++) {
		(void)pthread_join(threads[i], NULL);
		good = good && workers[i].good;
	}
	return good;
}

typedef struct seen {
	unsigned next[8][8];
	unsigned total;
} seen;

static bulla_code see(void *self, uint64_t index, bulla_bytes entry, bulla_error *err)
{
	seen *s = self;
	char text[32] = "";
	unsigned process, thread, round;
	(void)index, (void)err;
	memcpy(text, entry.data, entry.len < 31 ? entry.len : 31);
	assert_int_equal(sscanf(text, "%u %u %u", &process, &thread, &round), 3);
	assert_int_equal(s->next[process][thread], round); /* each thread's in its order, none twice, none missing */
	s->next[process][thread]++;
	s->total++;
	return BULLA_OK;
}

static void threads_share_syncs(void **state)
{
	const world w = world_make();
	bulla_log *log = world_open(&w);
	seen s = { 0 };
	(void)state;
	atomic_store(&syncs, 0);
	atomic_store(&slow_sync_us, 1000);
	assert_true(run_threads(log, 0, 8));
	atomic_store(&slow_sync_us, 0);
	const unsigned appends = 8 * 10; /* ROUNDS entries in groups of one, two, three */
	assert_true(syncs < appends / 2);
	assert_int_equal(bulla_log_each(log, 0, 8 * ROUNDS, see, &s, NULL), BULLA_OK);
	bulla_log_close(log);
	assert_verifies(&w, 8 * ROUNDS);
	world_drop(&w);
}

static void processes_and_threads_make_one_log(void **state)
{
	const world w = world_make();
	pid_t children[4];
	seen s = { 0 };
	(void)state;
	world_fill(&w, 0, 1);
	for (unsigned p = 0; p < 4; p++) {
		children[p] = fork();
		if (children[p] == 0) {
			bulla_log *log = NULL;
			if (bulla_log_open(w.log, ORIGIN, &w.seed, true, &log, NULL)) _exit(1);
			const bool good = run_threads(log, p, THREADS);
			bulla_log_close(log);
			_exit(good ? 0 : 2);
		}
	}
	for (unsigned p = 0; p < 4; p++) {
		int status;
		assert_int_equal(waitpid(children[p], &status, 0), children[p]);
		assert_int_equal(status, 0);
	}
	assert_verifies(&w, 4 * THREADS * ROUNDS);
	assert_others_verify(&w, 4 * THREADS * ROUNDS);
	bulla_log *log = world_open(&w);
	assert_int_equal(bulla_log_each(log, 0, 4 * THREADS * ROUNDS, see, &s, NULL), BULLA_OK);
	assert_int_equal(s.total, 4 * THREADS * ROUNDS);
	bulla_log_close(log);
	world_drop(&w);
}

/* --- kills -------------------------------------------------------------------------------------------------------------- */

/* Appends for ever, and says after each append how many entries are acknowledged. */
static void append_until_killed(const world *w, uint64_t size, int out)
{
	bulla_log *log = NULL;
	bulla_log_head head;
	if (bulla_log_open(w->log, ORIGIN, &w->seed, true, &log, NULL)) _exit(1);
	for (uint64_t i = size;; i = head.size) {
		if (append_group(log, i, 1 + i % 90, 0, &head, NULL) || write(out, &head.size, sizeof head.size) < 0) _exit(1);
		if (i % 5 == 0) {
			bulla_log_close(log);
			if (bulla_log_open(w->log, ORIGIN, &w->seed, true, &log, NULL)) _exit(1);
		}
	}
}

static bulla_code expect_next(void *self, uint64_t index, bulla_bytes entry, bulla_error *err)
{
	char text[64];
	const size_t len = entry_text(index, text);
	(void)self, (void)err;
	return bulla_bytes_equal(entry, bulla_view(text, len)) ? BULLA_OK : BULLA_ERR_CORRUPT;
}

static uint64_t size_now(const world *w)
{
	bulla_log_head head;
	bulla_log *log = world_open(w);
	assert_int_equal(bulla_log_head_now(log, &head, NULL), BULLA_OK);
	assert_int_equal(bulla_log_each(log, 0, head.size, expect_next, NULL, NULL), BULLA_OK);
	bulla_log_close(log);
	return head.size;
}

static void kills_lose_nothing_acknowledged(void **state)
{
	const world w = world_make();
	uint64_t size = 0;
	(void)state;
	for (unsigned round = 0; round < 30; round++) {
		int pipes[2], status;
		uint64_t acknowledged = size, next;
		assert_int_equal(pipe(pipes), 0);
		const pid_t child = fork();
		if (child == 0) append_until_killed(&w, size, pipes[1]);
		(void)close(pipes[1]);
		(void)usleep(2000 + round * 1237 % 23 * 1000);
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		while (read(pipes[0], &next, sizeof next) == (ssize_t)sizeof next)
			acknowledged = next;
		(void)close(pipes[0]);
		if (access(w.log, F_OK)) continue;
		size = size_now(&w);
		assert_true(size >= acknowledged);
	}
	assert_true(size > 0);
	assert_verifies(&w, size);
	assert_others_verify(&w, size);
	world_drop(&w);
}

/* Whether the call that a stopped child is about to make changes a directory or a file. */
static bool changes_files(pid_t child)
{
	static const uint64_t changing[] = {
		SYS_pwritev, SYS_renameat, SYS_mkdirat, SYS_unlinkat, SYS_ftruncate,
#ifdef SYS_mkdir
		SYS_mkdir,
#endif
	};
	struct __ptrace_syscall_info info;
	if (ptrace(PTRACE_GET_SYSCALL_INFO, child, (void *)sizeof info, &info) <= 0) return false;
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY) return false;
	if (info.entry.nr == SYS_openat) return info.entry.args[2] & (O_CREAT | O_TRUNC);
	for (size_t i = 0; i < sizeof changing / sizeof *changing; i++)
		if (info.entry.nr == changing[i]) return true;
	return false;
}

static void append_traced(const world *w, int out)
{
	bulla_log *log = NULL;
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL)) _exit(77);
	(void)raise(SIGSTOP);
	if (bulla_log_open(w->log, ORIGIN, &w->seed, true, &log, NULL)) _exit(1);
	if (append_group(log, 250, 10, 0, NULL, NULL) || write(out, "x", 1) != 1) _exit(2);
	bulla_log_close(log);
	_exit(0);
}

/* A child that is killed when it is about to make its n-th change (from 0) on disk. False when it came to its end before. */
static bool killed_at(const world *w, unsigned n, bool *ret_acknowledged)
{
	int pipes[2], status;
	char byte;
	assert_int_equal(pipe(pipes), 0);
	const pid_t child = fork();
	if (child == 0) append_traced(w, pipes[1]);
	(void)close(pipes[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)PTRACE_O_TRACESYSGOOD), 0);
	for (unsigned changes = 0; WIFSTOPPED(status);) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		if (WIFSTOPPED(status) && changes_files(child) && changes++ == n) break;
	}
	const bool stopped = WIFSTOPPED(status);
	if (stopped) {
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
	} else {
		assert_int_equal(status, 0);
	}
	*ret_acknowledged = read(pipes[0], &byte, 1) == 1;
	(void)close(pipes[0]);
	return stopped;
}

static bool can_trace(void)
{
	int status = 0;
	const pid_t child = fork();
	if (child == 0) _exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) ? 77 : 0);
	return waitpid(child, &status, 0) == child && status == 0;
}

/* 250 entries and 10 more: an opening, a frame, a full bundle, tiles on two levels, partial files that come and go. */
static void a_kill_at_any_point_is_harmless(void **state)
{
	const world w = world_make();
	bool acknowledged = false;
	unsigned n = 0;
	(void)state;
	if (!can_trace()) {
		world_drop(&w);
		print_message("skipped: this system does not let a process be traced\n");
		skip();
	}
	world_fill(&w, 250, 125);
	copy_log(&w, "audit", "before");
	for (; killed_at(&w, n, &acknowledged); n++) {
		const bulla_log_report report = verify(&w);
		if (!report.ok) fail_msg("killed at change %u: %s", n, report.problem);
		assert_true(report.size == 250 || report.size == 260);
		assert_true(report.size == 260 || !acknowledged);
		assert_int_equal(size_now(&w), report.size);
		assert_verifies(&w, report.size);
		copy_log(&w, "before", "audit");
	}
	assert_true(n > 20);
	assert_true(acknowledged);
	assert_verifies(&w, 260);
	world_drop(&w);
}

/* The same for the very first opening. */
static void a_kill_while_it_is_made_is_harmless(void **state)
{
	const world w = world_make();
	(void)state;
	if (!can_trace()) {
		world_drop(&w);
		print_message("skipped: this system does not let a process be traced\n");
		skip();
	}
	for (unsigned n = 0;; n++) {
		bool acknowledged;
		char audit[256];
		const bool killed = killed_at(&w, n, &acknowledged);
		bulla_log *log = world_open(&w);
		bulla_log_head head;
		assert_int_equal(bulla_log_head_now(log, &head, NULL), BULLA_OK);
		assert_true(head.size == 10 || (head.size == 0 && !acknowledged));
		bulla_log_close(log);
		assert_verifies(&w, head.size);
		if (!killed) {
			assert_true(n > 10);
			break;
		}
		(void)snprintf(audit, sizeof audit, "%s/audit", w.directory);
		remove_tree(audit);
	}
	world_drop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_append_is_one_write_and_one_sync),
		cmocka_unit_test(refuses_after_every_kind_of_failure),
		cmocka_unit_test(others_go_on_after_a_failure),
		cmocka_unit_test(survives_a_limit_on_file_sizes),
		cmocka_unit_test(does_not_go_on_while_it_fails),
		cmocka_unit_test(survives_a_failed_publication),
		cmocka_unit_test(recovers_from_every_cut),
		cmocka_unit_test(drops_a_last_frame_that_does_not_count),
		cmocka_unit_test(refuses_damage_before_the_last_frame),
		cmocka_unit_test(leaves_nothing_of_a_torn_frame),
		cmocka_unit_test(threads_share_syncs),
		cmocka_unit_test(processes_and_threads_make_one_log),
		cmocka_unit_test(kills_lose_nothing_acknowledged),
		cmocka_unit_test(a_kill_at_any_point_is_harmless),
		cmocka_unit_test(a_kill_while_it_is_made_is_harmless),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
