/*
 * output.c - everything the command says: data on stdout, words on stderr, and how it ended.
 */
#include "cli/cli.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* --- stdout ------------------------------------------------------------------------------------------------------ */
void bulla_cli_print(bulla_cli *cli, const char *format, ...)
{
	va_list arguments;
	if (cli->broken_pipe) return;
	va_start(arguments, format);
	(void)vfprintf(stdout, format, arguments);
	va_end(arguments);
	(void)fputc('\n', stdout);
}

static bulla_code fail_stdout(bulla_cli *cli, bulla_error *err)
{
	int reason = errno;
	cli->broken_pipe = reason == EPIPE;
	if (cli->broken_pipe) return bulla_fail(err, BULLA_ERR_INTERRUPTED, "the reader of the output has gone");
	return bulla_fail_errno(err, reason, "cannot write the output");
}

bulla_code bulla_cli_write(bulla_cli *cli, bulla_bytes data, bulla_error *err)
{
	if (data.len && fwrite(data.data, 1, data.len, stdout) != data.len) return fail_stdout(cli, err);
	return BULLA_OK;
}

bulla_code bulla_cli_flush(bulla_cli *cli, bulla_error *err)
{
	return fflush(stdout) || ferror(stdout) ? fail_stdout(cli, err) : BULLA_OK;
}

/* --- stderr ------------------------------------------------------------------------------------------------------ */
static void words(const char *before, const char *format, va_list arguments)
{
	flockfile(stderr);
	(void)fputs(before, stderr);
	(void)vfprintf(stderr, format, arguments);
	(void)fputc('\n', stderr);
	funlockfile(stderr);
}

void bulla_cli_say(const bulla_cli *cli, const char *format, ...)
{
	va_list arguments;
	if (cli->quiet) return;
	va_start(arguments, format);
	words("", format, arguments);
	va_end(arguments);
}

void bulla_cli_warn(const bulla_cli *cli, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	words(cli->color ? "\033[33mbulla: warning:\033[0m " : "bulla: warning: ", format, arguments);
	va_end(arguments);
}

void bulla_cli_next(bulla_cli *cli, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(cli->next, sizeof cli->next, format, arguments);
	va_end(arguments);
}

/* --- the end of a run -------------------------------------------------------------------------------------------- */
/* For failures that bring no advice of their own. */
static const struct {
	bulla_code code;
	const char *next;
} advice[] = {
	{ BULLA_ERR_USAGE, "bulla help" },
	{ BULLA_ERR_MEMORY, "free some memory and run the same command again: nothing is lost" },
	{ BULLA_ERR_LOCKED, "wait until the other program has ended, then run the same command again" },
	{ BULLA_ERR_BUSY, "bulla status (shows who is at it)" },
	{ BULLA_ERR_CONFLICT, "run the same command again" },
	{ BULLA_ERR_UNAVAILABLE, "run the same command again when the key service answers" },
	{ BULLA_ERR_READ_ONLY, "make it writable for this user, then run the same command again" },
	{ BULLA_ERR_FULL, "make room on that file system, then run the same command again: it goes on where it stopped" },
	{ BULLA_ERR_PERMISSION, "check the owner and the mode of that file" },
	{ BULLA_ERR_CONFIG, "mend bulla.yaml, then run the same command again" },
	{ BULLA_ERR_ROOT_KEY, "put back the right root key (its escrow, if need be), or name it: root_key in bulla.yaml" },
	{ BULLA_ERR_AUTH, "check that this is the right environment: --env; a backup shows what was there before" },
	{ BULLA_ERR_CONTEXT, "compare it with the row that it was sealed for" },
	{ BULLA_ERR_UNKNOWN_KEY, "choose the environment that sealed it (--env), or add its key to this one: keys, or previous" },
	{ BULLA_ERR_KEY_DISABLED, "bulla key enable KEY" },
	{ BULLA_ERR_KEY_PENDING, "bulla key enable KEY (ends the waiting deletion)" },
	{ BULLA_ERR_KEY_CLOSING,
	  "name another key in bulla.yaml (keys: the new one, previous: this one), or: bulla key enable KEY" },
	{ BULLA_ERR_CORRUPT, "keep a copy of it as it is, then: bulla kms restore FILE" },
	{ BULLA_ERR_NEWER, "use the release of bulla that made it, or a newer one" },
	{ BULLA_ERR_AUDIT, "bulla audit verify" },
	{ BULLA_ERR_DRIFT, "bulla plan" },
	{ BULLA_ERR_INTERRUPTED, "run the same command again: it goes on where it stopped" },
	{ BULLA_ERR_KEY_USAGE, "name a symmetric key in bulla.yaml: bulla key list" },
	{ BULLA_ERR_INTERNAL, "please report it, with the command and this line" },
};

const char *bulla_cli_advice(const bulla_error *err, bulla_code code)
{
	if (err->next[0]) return err->next;
	for (size_t i = 0; i < sizeof advice / sizeof *advice; i++)
		if (advice[i].code == code) return advice[i].next;
	return "bulla status";
}

bulla_json_writer *bulla_cli_json(bulla_cli *cli)
{
	if (cli->object.len) return &cli->writer;
	cli->writer = bulla_json_to(&cli->object);
	bulla_json_open(&cli->writer, NULL, '{');
	bulla_json_put_bool(&cli->writer, "ok", true);
	return &cli->writer;
}

static void error_object(bulla_cli *cli, bulla_code code, const bulla_error *err)
{
	bulla_buf_clear(&cli->object);
	bulla_json_writer w = bulla_json_to(&cli->object);
	bulla_json_open(&w, NULL, '{');
	bulla_json_put_bool(&w, "ok", false);
	bulla_json_open(&w, "error", '{');
	bulla_json_put_str(&w, "code", bulla_code_name(code));
	bulla_json_put_str(&w, "message", err->text);
	bulla_json_put_str(&w, "next", bulla_cli_advice(err, code));
	bulla_json_close(&w, '}');
	bulla_json_close(&w, '}');
	if (bulla_json_end(&w, NULL)) bulla_buf_clear(&cli->object);
}

static bulla_code end_object(bulla_cli *cli, bulla_error *err)
{
	bulla_json_writer *w = bulla_cli_json(cli);
	if (cli->next[0]) bulla_json_put_str(w, "next", cli->next);
	bulla_json_close(w, '}');
	return bulla_json_end(w, err);
}

/* The object goes out whole and with its line break, or not at all. */
static bulla_code flush(bulla_cli *cli, bulla_error *err)
{
	if (cli->object.len) {
		bulla_code code = bulla_cli_write(cli, bulla_view_buf(&cli->object), err);
		if (code == BULLA_OK) code = bulla_cli_write(cli, bulla_view_str("\n"), err);
		if (code) return code;
	}
	return bulla_cli_flush(cli, err);
}

static void tell_error(const bulla_cli *cli, bulla_code code, const bulla_error *err)
{
	const char *red = cli->color ? "\033[31m" : "", *plain = cli->color ? "\033[0m" : "";
	(void)fprintf(stderr, "%sbulla: %s:%s %s\nNext: %s\n", red, bulla_code_name(code), plain, err->text,
		      bulla_cli_advice(err, code));
}

static int status_of(const bulla_cli *cli, bulla_code code)
{
	switch (code) {
	case BULLA_OK:
		return cli->status;
	case BULLA_ERR_USAGE:
		return 2;
	case BULLA_ERR_INTERRUPTED:
		return cli->broken_pipe ? 1 : 130;
	default:
		return 1;
	}
}

int bulla_cli_finish(bulla_cli *cli, bulla_code code, const bulla_error *failure)
{
	bulla_error err = *failure;
	if (code == BULLA_OK && cli->json && !cli->lines) code = end_object(cli, &err);
	if (code && cli->json) error_object(cli, code, &err);
	if (!cli->broken_pipe) {
		bulla_code flushed = flush(cli, &err);
		if (code == BULLA_OK) code = flushed;
	}
	if (code && !cli->broken_pipe) tell_error(cli, code, &err);
	if (!code && cli->next[0] && !cli->quiet) (void)fprintf(stderr, "Next: %s\n", cli->next);
	bulla_buf_done(&cli->object);
	return status_of(cli, code);
}

/* --- values for people ------------------------------------------------------------------------------------------- */
bulla_code bulla_text_printable(bulla_bytes text, bulla_buf *out, bulla_error *err)
{
	while (text.len) {
		size_t n = bulla_utf8_first(text);
		uint8_t c = text.data[0];
		/* C1 controls are two bytes in UTF-8: C2 80 to C2 9F */
		bool control = c < 0x20 || c == 0x7F || (n == 2 && c == 0xC2 && text.data[1] < 0xA0);
		if (c == '\n' || c == '\t')
			TRY(bulla_buf_add_str(out, c == '\n' ? "\\n" : "\\t", err));
		else if (n && !control)
			TRY(bulla_buf_add(out, bulla_view(text.data, n), err));
		else
			TRY(bulla_buf_printf(out, err, "\\x%02x", n == 2 ? text.data[1] : c));
		n = n ? n : 1;
		text = bulla_view(text.data + n, text.len - n);
	}
	return BULLA_OK;
}

const char *bulla_count_text(uint64_t n, char out[static BULLA_COUNT_MAX])
{
	char plain[24];
	int length = snprintf(plain, sizeof plain, "%llu", (unsigned long long)n);
	size_t at = 0;
	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0) out[at++] = ',';
		out[at++] = plain[i];
	}
	out[at] = 0;
	return out;
}

const char *bulla_size_text(uint64_t bytes, char out[static BULLA_COUNT_MAX])
{
	static const char *const names[] = { "bytes", "kB", "MB", "GB", "TB" };
	double value = (double)bytes;
	size_t unit = 0;
	for (; value >= 1000 && unit < 4; unit++)
		value /= 1000;
	(void)snprintf(out, BULLA_COUNT_MAX, unit && value < 100 ? "%.1f %s" : "%.0f %s", value, names[unit]);
	return out;
}

const char *bulla_seconds_text(double seconds, char out[static BULLA_COUNT_MAX])
{
	unsigned long long whole = seconds > 0 && seconds < 1e12 ? (unsigned long long)(seconds + 0.5) : 0;
	if (seconds > 0 && seconds < 0.05)
		(void)snprintf(out, BULLA_COUNT_MAX, "%.0f ms", seconds < 0.001 ? 1 : seconds * 1000);
	else if (seconds < 10)
		(void)snprintf(out, BULLA_COUNT_MAX, "%.1f s", seconds > 0 ? seconds : 0.0);
	else if (whole < 60)
		(void)snprintf(out, BULLA_COUNT_MAX, "%llu s", whole);
	else if (whole < 3600)
		(void)snprintf(out, BULLA_COUNT_MAX, "%llu min %02llu s", whole / 60, whole % 60);
	else if (whole < 172800)
		(void)snprintf(out, BULLA_COUNT_MAX, "%llu h %02llu min", whole / 3600, whole / 60 % 60);
	else
		(void)snprintf(out, BULLA_COUNT_MAX, "%llu days", whole / 86400);
	return out;
}

const char *bulla_plural(uint64_t n, const char *one, const char *many)
{
	return n == 1 ? one : many;
}
