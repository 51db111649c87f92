/*
 * cli.h - one run of the command: what was asked for, how to answer, how it ended.
 *
 * stdout is data, stderr is words. A command fills in its answer and returns a code; main prints errors, the `Next:` line and
 * the closing of the JSON object, and turns the code into the exit status.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/json.h"

#include <stdatomic.h>

typedef struct bulla_cli bulla_cli;

/* One option of a command; a list ends with a NULL name. */
typedef struct bulla_option {
	const char *name;     /* without the dashes */
	char letter;          /* 0: none */
	const char *argument; /* "FILE"; "[N]": one that may be left out, and begins with a digit; NULL: a switch */
	const char *help;     /* one line */
} bulla_option;

/* One command: a row of the table in commands.c. */
typedef struct bulla_command {
	const char *group;     /* the heading it stands under in `bulla help` */
	const char *name;      /* "plan", "key rotate" */
	const char *arguments; /* "[MODEL]"; as the synopsis shows them */
	const char *help;      /* one line */
	const bulla_option *options;
	size_t least, most; /* how many arguments it takes */
	bool stops;         /* SIGINT asks it to end at the next checkpoint, a second one ends the process */
	bulla_code (*run)(bulla_cli *cli, bulla_error *err);
} bulla_command;

#define BULLA_ARGUMENTS_MAX 256 /* options and arguments of one command line */

typedef struct bulla_given {
	const bulla_option *option;
	const char *value; /* NULL for a switch, and for a value that was left out */
} bulla_given;

struct bulla_cli {
	const bulla_command *command;
	bulla_given given[BULLA_ARGUMENTS_MAX]; /* in the order of the command line */
	size_t given_count;
	const char *arguments[BULLA_ARGUMENTS_MAX];
	size_t argument_count;
	bool json, quiet, color;
	bool lines;        /* --json writes JSON lines: no object is opened at the end */
	int status;        /* exit status of a success: 0, 1 (refused) or 3 (done, but) */
	char subject[136]; /* " users" when the command is about one model, else empty: for messages */
	char next[512];    /* of the `Next:` line; a command that leaves it empty has none to give */
	atomic_bool stop;  /* set by SIGINT */
	atomic_bool looks; /* it only looks, again and again: stopping it needs no words */
	bulla_buf object;  /* the JSON object of the answer, once begun */
	bulla_json_writer writer;
	bool broken_pipe; /* the reader of stdout has gone */
};

/* --- commands.c ------------------------------------------------------------------------------------------------ */
extern const bulla_command bulla_commands[]; /* ends with a NULL name */
extern const bulla_option bulla_global_options[];

/* --- options.c ------------------------------------------------------------------------------------------------- */
/* Splits the command line. USAGE, with what was probably meant. `cli->command` stays NULL where none was named. */
BULLA_MUST bulla_code bulla_cli_parse(bulla_cli *cli, int argc, char **argv, bulla_error *err);
/* "key": there are commands that begin with it and another word. */
bool bulla_cli_is_family(const char *word);
bool bulla_cli_switch(const bulla_cli *cli, const char *name);
/* The last value given; NULL where it was not. */
const char *bulla_cli_value(const bulla_cli *cli, const char *name);
/* The i-th argument; NULL where there are fewer. */
const char *bulla_cli_argument(const bulla_cli *cli, size_t i);

/* --- values.c: options as numbers, durations, pairs ------------------------------------------------------------- */
/* A whole number from `least` to `most`; `preset` where the option was not given. USAGE names the option. */
BULLA_MUST bulla_code bulla_cli_number(const bulla_cli *cli, const char *name, uint64_t least, uint64_t most, uint64_t preset,
				       uint64_t *ret, bulla_error *err);
/* "90s", "15m", "1h", "2d", "250ms", "0"; in milliseconds. */
BULLA_MUST bulla_code bulla_cli_duration(const bulla_cli *cli, const char *name, int64_t preset, int64_t *ret, bulla_error *err);
/* Every `NAME=VALUE` that was given to the option, as views into the command line; at most `max`. */
BULLA_MUST bulla_code bulla_cli_pairs(const bulla_cli *cli, const char *name, bulla_pair *pairs, size_t max, size_t *ret_n,
				      bulla_error *err);
/* Splits at `separator` into at most `max` views. USAGE for an empty part. */
BULLA_MUST bulla_code bulla_split(const char *text, char separator, bulla_bytes *parts, size_t max, size_t *ret_n,
				  bulla_error *err);

/* --- output.c --------------------------------------------------------------------------------------------------- */
/* A line of data on stdout. */
void bulla_cli_print(bulla_cli *cli, const char *format, ...) BULLA_PRINTF(2, 3);
/* Raw data on stdout. IO when it cannot be written; a reader that has gone is INTERRUPTED, and ends the run without words. */
BULLA_MUST bulla_code bulla_cli_write(bulla_cli *cli, bulla_bytes data, bulla_error *err);
/* What was printed goes out now; fails as writing does. */
BULLA_MUST bulla_code bulla_cli_flush(bulla_cli *cli, bulla_error *err);
/* A line for people on stderr; silent with --quiet. */
void bulla_cli_say(const bulla_cli *cli, const char *format, ...) BULLA_PRINTF(2, 3);
/* "bulla: warning: ..." on stderr, always. */
void bulla_cli_warn(const bulla_cli *cli, const char *format, ...) BULLA_PRINTF(2, 3);
/* What to do next, in place of what was set before. */
void bulla_cli_next(bulla_cli *cli, const char *format, ...) BULLA_PRINTF(2, 3);
/* What to do about a failure: its own advice, else that of its code. */
const char *bulla_cli_advice(const bulla_error *err, bulla_code code);
/* The JSON object of the answer, begun with "ok": true. Only with --json. */
bulla_json_writer *bulla_cli_json(bulla_cli *cli);
/* Writes the end of the run: the object or the error, the `Next:` line. The exit status. */
int bulla_cli_finish(bulla_cli *cli, bulla_code code, const bulla_error *err);

/* Appends `text` with what could play tricks on a terminal written as escapes. */
BULLA_MUST bulla_code bulla_text_printable(bulla_bytes text, bulla_buf *out, bulla_error *err);

#define BULLA_COUNT_MAX 32
/* "1,234,567". */
const char *bulla_count_text(uint64_t n, char out[static BULLA_COUNT_MAX]);
/* "12.3 MB"; "4 s", "3 min 20 s". */
const char *bulla_size_text(uint64_t bytes, char out[static BULLA_COUNT_MAX]);
const char *bulla_seconds_text(double seconds, char out[static BULLA_COUNT_MAX]);
/* "1 row", "2 rows". */
const char *bulla_plural(uint64_t n, const char *one, const char *many);

#endif
