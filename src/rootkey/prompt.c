/*
 * prompt.c - reads a passphrase from the terminal, key by key.
 *
 * Signals from the keyboard are switched off together with the echo, and Ctrl-C is read as a key: a library must not catch signals,
 * and one that killed the process here would leave the user with a terminal that shows nothing.
 */
#include "rootkey/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#define CTRL_C    0x03
#define CTRL_D    0x04
#define CTRL_U    0x15
#define BACKSPACE 0x08
#define DELETE    0x7f

static bulla_code say(int tty, const char *text, bulla_error *err)
{
	bulla_bytes rest = bulla_view_str(text);
	while (rest.len) {
		ssize_t n = write(tty, rest.data, rest.len);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return bulla_fail_errno(err, errno, "cannot write to the terminal");
		rest = bulla_view(rest.data + n, rest.len - (size_t)n);
	}
	return BULLA_OK;
}

static bulla_code read_key(int tty, uint8_t *ret, bulla_error *err)
{
	ssize_t n;
	do
		n = read(tty, ret, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1) return BULLA_OK;
	if (n < 0) return bulla_fail_errno(err, errno, "cannot read from the terminal");
	*ret = CTRL_D; /* hung up */
	return BULLA_OK;
}

/* Takes off the last character: its UTF-8 continuation bytes and the byte that they continue. */
static void rub_out(bulla_buf *out, size_t start)
{
	while (out->len > start && (out->data[out->len - 1] & 0xc0) == 0x80)
		out->data[--out->len] = 0;
	if (out->len > start) out->data[--out->len] = 0;
}

static void rub_out_all(bulla_buf *out, size_t start)
{
	while (out->len > start)
		out->data[--out->len] = 0;
}

static bulla_code read_line(int tty, bulla_buf *out, bulla_error *err)
{
	const size_t start = out->len;
	for (;;) {
		uint8_t key = 0;
		TRY(read_key(tty, &key, err));
		if (key == '\n' || key == '\r') return BULLA_OK;
		if (key == CTRL_C || key == CTRL_D) return bulla_fail(err, BULLA_ERR_INTERRUPTED, "no passphrase was given");
		if (key == BACKSPACE || key == DELETE)
			rub_out(out, start);
		else if (key == CTRL_U)
			rub_out_all(out, start);
		else if (out->len - start == BULLA_PASSPHRASE_MAX)
			return bulla_fail(err, BULLA_ERR_LIMIT, "a passphrase has at most %d bytes", BULLA_PASSPHRASE_MAX);
		else
			TRY(bulla_buf_add_u8(out, key, err));
	}
}

static bulla_code ask(int tty, const char *question, bulla_buf *out, bulla_error *err)
{
	TRY(say(tty, question, err));
	bulla_code code = read_line(tty, out, err);
	bulla_error ignored;
	(void)!say(tty, "\n", &ignored); /* the user's Enter was not shown */
	return code;
}

static bulla_code ask_again(int tty, const bulla_buf *first, size_t start, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf second = { 0 };
	TRY(bulla_buf_reserve(&second, BULLA_PASSPHRASE_MAX, err));
	TRY(ask(tty, "Again: ", &second, err));
	if (first->len - start == second.len && bulla_equal_ct(first->data + start, second.data, second.len)) return BULLA_OK;
	return bulla_fail(err, BULLA_ERR_USAGE, "the two passphrases differ");
}

static bulla_code converse(int tty, const char *question, bool twice, bulla_buf *out, bulla_error *err)
{
	const size_t start = out->len;
	TRY(bulla_buf_reserve(out, BULLA_PASSPHRASE_MAX, err));
	bulla_code code = ask(tty, question, out, err);
	if (code == BULLA_OK && twice) code = ask_again(tty, out, start, err);
	if (code) rub_out_all(out, start);
	return code;
}

bulla_code bulla_prompt(const char *question, bool twice, bulla_buf *out, bulla_error *err)
{
	struct termios before, silent;
	int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (tty < 0 || tcgetattr(tty, &before)) {
		if (tty >= 0) (void)close(tty);
		bulla_code code = bulla_fail(err, BULLA_ERR_USAGE, "there is no terminal to ask for the passphrase");
		return bulla_advise(err, code, "root_key: passphrase:file:PATH, or passphrase:env:NAME");
	}
	silent = before;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	silent.c_cc[VMIN] = 1;
	silent.c_cc[VTIME] = 0;
	bulla_code code;
	if (tcsetattr(tty, TCSAFLUSH, &silent))
		code = bulla_fail_errno(err, errno, "cannot silence the terminal");
	else
		code = converse(tty, question, twice, out, err);
	(void)tcsetattr(tty, TCSAFLUSH, &before);
	(void)close(tty);
	return code;
}
