/*
 * main.c - the command `bulla`: from a command line to an exit status.
 */
#include "base/error.h"
#include "cli/commands.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* Ctrl-C, or a service manager: the first asks the job to end at its next checkpoint, the second does not ask. A thread of its
 * own waits for them, so that no handler needs a global. */
static void *wait_for_signals(void *self)
{
	bulla_cli *cli = self;
	sigset_t set;
	int number = 0;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	if (sigwait(&set, &number) == 0) {
		atomic_store(&cli->stop, true);
		if (!atomic_load(&cli->looks))
			bulla_cli_say(cli, "%sbulla: stopping at the next checkpoint; once more stops at once",
				      isatty(STDERR_FILENO) ? "\n" : "");
	}
	if (sigwait(&set, &number) == 0) _exit(130);
	return NULL;
}

static bulla_code watch_signals(bulla_cli *cli, bulla_error *err)
{
	sigset_t set;
	pthread_t thread;
	pthread_attr_t attributes;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL); /* threads of the job inherit it */
	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	int failed = pthread_create(&thread, &attributes, wait_for_signals, cli);
	(void)pthread_attr_destroy(&attributes);
	return failed ? bulla_fail_errno(err, failed, "cannot start a thread") : BULLA_OK;
}

static bulla_code run(bulla_cli *cli, bulla_error *err)
{
	if (bulla_cli_switch(cli, "version")) return bulla_run_version(cli, err);
	if (!cli->command || bulla_cli_switch(cli, "help")) return bulla_run_help(cli, err);
	if (cli->command->stops) TRY(watch_signals(cli, err));
	return cli->command->run(cli, err);
}

static bool wants_color(const bulla_cli *cli)
{
	const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");
	if (bulla_cli_switch(cli, "no-color") || (no_color && *no_color)) return false;
	return isatty(STDERR_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
}

int main(int argc, char **argv)
{
	bulla_cli cli = { 0 };
	bulla_error err = { 0 };
	struct rlimit no_core = { 0, 0 };
	(void)setrlimit(RLIMIT_CORE, &no_core); /* keys and plaintext pass through this process */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a full disk (EFBIG), not the end */
	bulla_code code = bulla_cli_parse(&cli, argc, argv, &err);
	cli.color = wants_color(&cli);
	if (code == BULLA_OK) code = run(&cli, &err);
	return bulla_cli_finish(&cli, code, &err);
}
