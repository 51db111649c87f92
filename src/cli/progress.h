/*
 * progress.h - how far a job is: a bar with rate and time left on a terminal, plain lines elsewhere, JSON lines with --json.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "cli/cli.h"

/* One job's. Belongs to the thread that runs the job. */
typedef struct bulla_bar {
	bulla_cli *cli;
	const char *name; /* of the model */
	char phase[40];
	int64_t begun_us; /* when the phase began */
	int64_t told_us;  /* when something was shown last */
	uint64_t begun_at;
	bool terminal;
	bool drawn; /* a bar stands on the terminal's last line */
} bulla_bar;

bulla_bar bulla_bar_of(bulla_cli *cli, const char *name);
/* Fits bulla_progress (db/job.h); `self` is the bar. */
void bulla_bar_show(void *self, const char *phase, uint64_t done, uint64_t total);
/* Wipes the bar from the terminal. */
void bulla_bar_done(bulla_bar *bar);

/* Microseconds of a clock that only goes forward. */
int64_t bulla_ticks_us(void);

#endif
