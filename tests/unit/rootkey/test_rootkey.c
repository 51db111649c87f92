/*
 * test_rootkey.c - making and loading root keys in every form, and every refusal.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "io/file.h"
#include "rootkey/prompt.h"
#include "rootkey/rootkey.h"

static int setup(void **state)
{
	const char *base = getenv("TMPDIR");
	char *directory = NULL;
	assert_true(asprintf(&directory, "%s/bulla-rootkey-XXXXXX", base ? base : "/tmp") > 0);
	assert_non_null(mkdtemp(directory));
	*state = directory;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static int teardown(void **state)
{
	(void)nftw(*state, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return 0;
}

/* "directory/name" until the next call. */
static const char *in(const char *directory, const char *name)
{
	static char path[512];
	(void)snprintf(path, sizeof path, "%s/%s", directory, name);
	return path;
}

static void put_file(const char *path, const char *text, mode_t mode)
{
	assert_int_equal(bulla_file_write(path, bulla_view_str(text), mode, false, NULL), BULLA_OK);
}

static bulla_code load(const char *spec, const char *directory, const char *note, bulla_secret *key)
{
	bulla_error err = { 0 };
	bulla_code code = bulla_root_key_load(spec, directory, bulla_view_str(note), key, &err);
	if (code) assert_true(strlen(err.text) > 0);
	return code;
}

static bulla_code create(const char *spec, const char *directory, bulla_secret *key, bulla_buf *note)
{
	bulla_error err = { 0 };
	return bulla_root_key_create(spec, directory, key, note, &err);
}

/* --- files ----------------------------------------------------------------------------------------------------- */
static void test_file(void **state)
{
	const char *directory = *state;
	BULLA_BUF_AUTO bulla_buf note = { 0 };
	bulla_secret made, loaded, other;
	struct stat st;
	assert_int_equal(create("file:sub/root.key", directory, &made, &note), BULLA_OK);
	assert_true(bulla_bytes_is(bulla_view_buf(&note), "file"));
	assert_int_equal(stat(in(directory, "sub/root.key"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(load("file:sub/root.key", directory, "file", &loaded), BULLA_OK);
	assert_memory_equal(made.bytes, loaded.bytes, 32);
	assert_int_equal(create("file:sub/root.key", directory, &other, &note), BULLA_ERR_EXISTS);
	assert_int_equal(create("file:other.key", directory, &other, &note), BULLA_OK);
	assert_memory_not_equal(made.bytes, other.bytes, 32);
	/* The escrow of a passphrase's key is such a file, too: the note does not matter. */
	assert_int_equal(load("file:other.key", directory, "passphrase-1 argon2id m=1 t=1 p=1 salt=00", &loaded), BULLA_OK);
	char absolute[600];
	(void)snprintf(absolute, sizeof absolute, "file:%s", in(directory, "other.key"));
	assert_int_equal(load(absolute, "/nowhere", "file", &loaded), BULLA_OK);
	assert_memory_equal(other.bytes, loaded.bytes, 32);
}

static void test_file_refused(void **state)
{
	const char *directory = *state;
	BULLA_BUF_AUTO bulla_buf note = { 0 };
	bulla_secret key;
	char target[512];
	assert_int_equal(create("file:root.key", directory, &key, &note), BULLA_OK);
	const mode_t modes[] = { 0640, 0604, 0660, 0666 };
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		assert_int_equal(chmod(in(directory, "root.key"), modes[i]), 0);
		assert_int_equal(load("file:root.key", directory, "file", &key), BULLA_ERR_PERMISSION);
	}
	assert_int_equal(chmod(in(directory, "root.key"), 0400), 0);
	assert_int_equal(load("file:root.key", directory, "file", &key), BULLA_OK);
	(void)snprintf(target, sizeof target, "%s", in(directory, "root.key"));
	assert_int_equal(symlink(target, in(directory, "link")), 0);
	assert_int_equal(load("file:link", directory, "file", &key), BULLA_ERR_PERMISSION);
	assert_int_equal(load("file:none", directory, "file", &key), BULLA_ERR_NOT_FOUND);
	put_file(in(directory, "junk"), "junk\n", 0600);
	assert_int_equal(load("file:junk", directory, "file", &key), BULLA_ERR_FORMAT);
	if (geteuid() == 0) {
		assert_int_equal(chown(in(directory, "root.key"), 65533, 65533), 0);
		assert_int_equal(load("file:root.key", directory, "file", &key), BULLA_ERR_PERMISSION);
	}
}

static void test_write(void **state)
{
	const char *directory = *state;
	bulla_secret key, loaded;
	bulla_error err = { 0 };
	memset(key.bytes, 0x42, sizeof key.bytes);
	assert_int_equal(bulla_root_key_write(in(directory, "escrow.key"), &key, "# escrow\n", NULL), BULLA_OK);
	assert_int_equal(load("file:escrow.key", directory, "file", &loaded), BULLA_OK);
	assert_memory_equal(key.bytes, loaded.bytes, 32);
	assert_int_equal(bulla_root_key_write(in(directory, "escrow.key"), &key, NULL, &err), BULLA_ERR_EXISTS);
	assert_int_equal(bulla_root_key_write(in(directory, "x.key"), &key, "escrow", &err), BULLA_ERR_USAGE);
	assert_int_equal(access(in(directory, "x.key"), F_OK), -1);
}

/* --- specifications -------------------------------------------------------------------------------------------- */
static void test_unknown_forms(void **state)
{
	static const char *const wrong[] = { "",
					     "file",
					     "file:",
					     "/root.key",
					     "passphrase:",
					     "passphrase:file:",
					     "passphrase:env:",
					     "passphrase:prompt:x",
					     "pkcs11:token=x",
					     "fd:",
					     "fd:x",
					     "fd:1x",
					     "fd:-1",
					     "fd:99999999999",
					     "FILE:x" };
	bulla_secret key;
	BULLA_BUF_AUTO bulla_buf note = { 0 };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert_int_equal(load(wrong[i], *state, "file", &key), BULLA_ERR_CONFIG);
		assert_int_equal(create(wrong[i], *state, &key, &note), BULLA_ERR_CONFIG);
	}
	assert_int_equal(note.len, 0);
}

/* --- descriptors ----------------------------------------------------------------------------------------------- */
static bulla_code load_through_pipe(const char *text, size_t n, bulla_secret *key)
{
	int ends[2];
	char spec[32];
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], text, n), (ssize_t)n);
	close(ends[1]);
	(void)snprintf(spec, sizeof spec, "fd:%d", ends[0]);
	bulla_code code = load(spec, ".", "fd", key);
	close(ends[0]);
	return code;
}

static void test_fd(void **state)
{
	const char *directory = *state;
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	BULLA_BUF_AUTO bulla_buf note = { 0 };
	bulla_secret key, loaded;
	static char large[20000];
	assert_int_equal(create("file:root.key", directory, &key, &note), BULLA_OK);
	assert_int_equal(bulla_file_read(in(directory, "root.key"), 4096, &text, NULL), BULLA_OK);
	assert_int_equal(load_through_pipe((const char *)text.data, text.len, &loaded), BULLA_OK);
	assert_memory_equal(key.bytes, loaded.bytes, 32);
	assert_int_equal(load_through_pipe("", 0, &loaded), BULLA_ERR_FORMAT);
	memset(large, '#', sizeof large);
	assert_int_equal(load_through_pipe(large, sizeof large, &loaded), BULLA_ERR_LIMIT);
	assert_int_equal(load("fd:999", ".", "fd", &loaded), BULLA_ERR_IO);
}

/* --- passphrases ----------------------------------------------------------------------------------------------- */
static const char *c_string(bulla_buf *buf)
{
	assert_int_equal(bulla_buf_terminate(buf, NULL), BULLA_OK);
	return (const char *)buf->data;
}

static void test_passphrase(void **state)
{
	const char *directory = *state;
	BULLA_BUF_AUTO bulla_buf note = { 0 };
	bulla_secret made, loaded;
	put_file(in(directory, "pass"), "correct horse\n", 0600);
	assert_int_equal(create("passphrase:file:pass", directory, &made, &note), BULLA_OK);
	const char *kept = c_string(&note);
	assert_int_equal(strncmp(kept, "passphrase-1 argon2id m=65536 t=3 p=1 salt=", 43), 0);
	assert_null(strstr(kept, "horse"));
	assert_int_equal(load("passphrase:file:pass", directory, kept, &loaded), BULLA_OK);
	assert_memory_equal(made.bytes, loaded.bytes, 32);
	assert_int_equal(setenv("BULLA_TEST_PASSPHRASE", "correct horse", 1), 0);
	assert_int_equal(load("passphrase:env:BULLA_TEST_PASSPHRASE", directory, kept, &loaded), BULLA_OK);
	assert_memory_equal(made.bytes, loaded.bytes, 32);
	assert_int_equal(setenv("BULLA_TEST_PASSPHRASE", "wrong horse", 1), 0);
	assert_int_equal(load("passphrase:env:BULLA_TEST_PASSPHRASE", directory, kept, &loaded), BULLA_OK);
	assert_memory_not_equal(made.bytes, loaded.bytes, 32); /* the canary tells */
}

static void test_passphrase_refused(void **state)
{
	const char *directory = *state;
	static const char note[] = "passphrase-1 argon2id m=64 t=1 p=1 salt=000102030405060708090a0b0c0d0e0f";
	static char large[2000];
	bulla_secret key;
	put_file(in(directory, "pass"), "x\r\n", 0600);
	assert_int_equal(load("passphrase:file:pass", directory, note, &key), BULLA_OK);
	assert_int_equal(load("passphrase:file:pass", directory, "file", &key), BULLA_ERR_CONFIG);
	put_file(in(directory, "pass"), "\n", 0600);
	assert_int_equal(load("passphrase:file:pass", directory, note, &key), BULLA_ERR_CONFIG);
	memset(large, 'x', sizeof large - 1);
	put_file(in(directory, "pass"), large, 0600);
	assert_int_equal(load("passphrase:file:pass", directory, note, &key), BULLA_ERR_LIMIT);
	put_file(in(directory, "pass"), "x", 0644);
	assert_int_equal(load("passphrase:file:pass", directory, note, &key), BULLA_ERR_PERMISSION);
	assert_int_equal(load("passphrase:file:none", directory, note, &key), BULLA_ERR_NOT_FOUND);
	assert_int_equal(unsetenv("BULLA_TEST_PASSPHRASE"), 0);
	assert_int_equal(load("passphrase:env:BULLA_TEST_PASSPHRASE", directory, note, &key), BULLA_ERR_NOT_FOUND);
	assert_int_equal(setenv("BULLA_TEST_PASSPHRASE", "", 1), 0);
	assert_int_equal(load("passphrase:env:BULLA_TEST_PASSPHRASE", directory, note, &key), BULLA_ERR_CONFIG);
	assert_int_equal(setenv("BULLA_TEST_PASSPHRASE", large, 1), 0);
	assert_int_equal(load("passphrase:env:BULLA_TEST_PASSPHRASE", directory, note, &key), BULLA_ERR_LIMIT);
}

/* --- the prompt ------------------------------------------------------------------------------------------------ */
/* Runs bulla_prompt() in a child whose terminal we hold; answers when asked. `*ret_shown` is what the terminal showed. */
static bulla_code converse(bool twice, const char *first, const char *second, const char *wanted, char shown[static 512])
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	pid_t child = fork();
	if (child == 0) {
		bulla_buf out = { 0 };
		(void)setsid();
		int slave = open(ptsname(master), O_RDWR);
		if (slave < 0 || ioctl(slave, TIOCSCTTY, 0)) _exit(100);
		close(master);
		bulla_code code = bulla_prompt("Secret: ", twice, &out, NULL);
		if (code == BULLA_OK && !bulla_bytes_is(bulla_view_buf(&out), wanted)) _exit(101);
		if (code && out.len) _exit(102);
		struct termios after;
		if (tcgetattr(slave, &after) || !(after.c_lflag & ECHO) || !(after.c_lflag & ISIG)) _exit(103);
		_exit((int)code);
	}
	size_t n = 0, asked = 0;
	const char *answers[] = { first, second };
	for (;;) {
		ssize_t got = read(master, shown + n, 511 - n);
		if (got <= 0) break;
		n += (size_t)got;
		shown[n] = 0;
		size_t questions = (strstr(shown, "Secret: ") != NULL) + (strstr(shown, "Again: ") != NULL);
		if (questions > asked && asked < 2) {
			const char *answer = answers[asked++];
			if (write(master, answer, strlen(answer)) < 0) break;
		}
	}
	shown[n] = 0;
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	close(master);
	assert_true(WIFEXITED(status));
	return (bulla_code)WEXITSTATUS(status);
}

static void test_prompt(void **state)
{
	(void)state;
	char shown[512];
	assert_int_equal(converse(false, "hunter2\n", "", "hunter2", shown), BULLA_OK);
	assert_non_null(strstr(shown, "Secret: "));
	assert_null(strstr(shown, "hunter"));
	assert_int_equal(converse(false, "hunx\177ter2\n", "", "hunter2", shown), BULLA_OK);
	assert_int_equal(converse(false, "wrong\025hunter2\r", "", "hunter2", shown), BULLA_OK);
	assert_int_equal(converse(false, "a\xc3\xa9\b\b\b\bz\n", "", "z", shown), BULLA_OK);
	assert_int_equal(converse(true, "hunter2\n", "hunter2\n", "hunter2", shown), BULLA_OK);
	assert_int_equal(converse(true, "hunter2\n", "hunter3\n", "", shown), BULLA_ERR_USAGE);
	assert_null(strstr(shown, "hunter"));
	assert_int_equal(converse(false, "hun\003", "", "", shown), BULLA_ERR_INTERRUPTED);
	assert_int_equal(converse(false, "\004", "", "", shown), BULLA_ERR_INTERRUPTED);
}

static void test_no_terminal(void **state)
{
	pid_t child = fork();
	if (child == 0) {
		bulla_secret key;
		bulla_error err = { 0 };
		bulla_buf note = { 0 };
		(void)setsid();
		_exit(bulla_root_key_create("passphrase:prompt", *state, &key, &note, &err) == BULLA_ERR_USAGE && *err.next ? 0
															    : 1);
	}
	int status = 1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(test_file),       WITH(test_file_refused),       WITH(test_write),  WITH(test_unknown_forms), WITH(test_fd),
		WITH(test_passphrase), WITH(test_passphrase_refused), WITH(test_prompt), WITH(test_no_terminal),
	};
	return cmocka_run_group_tests_name("rootkey/rootkey", tests, NULL, NULL);
}
