/*
 * progress.c - how far a job is: a bar with rate and time left on a terminal, plain lines elsewhere, JSON lines with --json.
 */
#include "cli/progress.h"
#include "base/bytes.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define SECOND_US     1000000
#define FIRST_LINE_US (2 * SECOND_US)  /* a short job says nothing but its result */
#define LINE_MAX_US   (60 * SECOND_US) /* a long one says something each minute at least */
#define REDRAW_US     (SECOND_US / 10)
#define BAR_MAX       40 /* cells */
#define BAR_MIN       8

int64_t bulla_ticks_us(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

bulla_bar bulla_bar_of(bulla_cli *cli, const char *name)
{
	return (bulla_bar){ .cli = cli, .name = name, .terminal = !cli->json && isatty(STDERR_FILENO) };
}

typedef struct pace {
	double rate; /* rows per second in this phase; 0: not known yet */
	double left; /* seconds; below 0: not known */
	int percent; /* below 0: not known */
} pace;

/* A wait counts seconds, everything else rows. */
static bool is_waiting(const bulla_bar *bar)
{
	return strcmp(bar->phase, "waiting") == 0;
}

static pace pace_of(const bulla_bar *bar, uint64_t done, uint64_t total, int64_t now)
{
	double seconds = (double)(now - bar->begun_us) / SECOND_US;
	pace p = { .left = -1, .percent = -1 };
	if (seconds > 0 && done > bar->begun_at) p.rate = (double)(done - bar->begun_at) / seconds;
	if (is_waiting(bar)) p.rate = 1; /* a second takes a second */
	if (total && p.rate > 0) p.left = done < total ? (double)(total - done) / p.rate : 0;
	if (total) p.percent = done < total ? (int)((double)done * 100 / (double)total) : 100;
	return p;
}

static size_t columns(void)
{
	struct winsize size;
	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

/* "users: apply: 40,000 of 100,000 rows (40 %), 52,000 rows/s, 2 s left" */
static int describe(const bulla_bar *bar, uint64_t done, uint64_t total, pace p, char *out, size_t size)
{
	char a[BULLA_COUNT_MAX], b[BULLA_COUNT_MAX], c[BULLA_COUNT_MAX], d[BULLA_COUNT_MAX];
	char of[64] = "", share[16] = "", rate[64] = "", left[64] = "";
	if (total) (void)snprintf(of, sizeof of, " of %s", bulla_count_text(total, b));
	if (p.percent >= 0) (void)snprintf(share, sizeof share, " (%d %%)", p.percent);
	if (p.rate > 0 && !is_waiting(bar))
		(void)snprintf(rate, sizeof rate, ", %s rows/s", bulla_count_text((uint64_t)p.rate, c));
	if (p.left >= 0) (void)snprintf(left, sizeof left, ", %s left", bulla_seconds_text(p.left, d));
	return snprintf(out, size, "%s: %s: %s%s %s%s%s%s", bar->name, bar->phase, bulla_count_text(done, a), of,
			is_waiting(bar) ? "s" : "rows", share, rate, left);
}

/* "users: sealing [######......]  52 %  52,000 rows/s  2 s left"; what does not fit is left out, the bar first. */
static void draw(bulla_bar *bar, uint64_t done, uint64_t total, pace p)
{
	char head[100], tail[160], rate[BULLA_COUNT_MAX], left[BULLA_COUNT_MAX], rows[BULLA_COUNT_MAX], cells[BAR_MAX + 3] = "";
	(void)snprintf(head, sizeof head, "%s: %s", bar->name, bar->phase);
	if (is_waiting(bar))
		(void)snprintf(tail, sizeof tail, "%s left", p.left >= 0 ? bulla_seconds_text(p.left, left) : "a moment");
	else if (p.percent >= 0)
		(void)snprintf(tail, sizeof tail, "%3d %%  %s rows/s  %s%s", p.percent, bulla_count_text((uint64_t)p.rate, rate),
			       p.left >= 0 ? bulla_seconds_text(p.left, left) : "", p.left >= 0 ? " left" : "");
	else
		(void)snprintf(tail, sizeof tail, "%s rows  %s rows/s", bulla_count_text(done, rows),
			       bulla_count_text((uint64_t)p.rate, rate));
	size_t room = columns(), used = strlen(head) + strlen(tail) + 6;
	if (total && p.percent >= 0 && room > used + BAR_MIN) {
		size_t width = room - used < BAR_MAX ? room - used : BAR_MAX, full = width * (size_t)p.percent / 100;
		cells[0] = '[';
		memset(cells + 1, '#', full);
		memset(cells + 1 + full, '.', width - full);
		cells[width + 1] = ']';
	}
	char line[400];
	(void)snprintf(line, sizeof line, "%s %s %s", head, cells, tail);
	(void)fprintf(stderr, "\r\033[K%.*s", (int)(room > 1 ? room - 1 : 1), line);
	(void)fflush(stderr);
	bar->drawn = true;
}

static void put_pace(bulla_json_writer *w, const bulla_bar *bar, uint64_t done, uint64_t total, pace p)
{
	bulla_json_open(w, NULL, '{');
	bulla_json_open(w, "progress", '{');
	bulla_json_put_str(w, "model", bar->name);
	bulla_json_put_str(w, "phase", bar->phase);
	bulla_json_put_int(w, "done", (int64_t)done);
	if (total) bulla_json_put_int(w, "total", (int64_t)total);
	if (!is_waiting(bar)) bulla_json_put_int(w, "rows_per_second", (int64_t)p.rate);
	if (p.left >= 0) bulla_json_put_int(w, "seconds_left", (int64_t)(p.left + 0.5));
	bulla_json_close(w, '}');
	bulla_json_close(w, '}');
}

static void tell_json(const bulla_bar *bar, uint64_t done, uint64_t total, pace p)
{
	BULLA_BUF_AUTO bulla_buf line = { 0 };
	bulla_json_writer w = bulla_json_to(&line);
	put_pace(&w, bar, done, total, p);
	if (bulla_json_end(&w, NULL)) return;
	bulla_cli_print(bar->cli, "%.*s", (int)line.len, (const char *)line.data);
	(void)fflush(stdout);
}

static void tell_line(const bulla_bar *bar, uint64_t done, uint64_t total, pace p)
{
	char text[320];
	if (describe(bar, done, total, p, text, sizeof text) > 0) bulla_cli_say(bar->cli, "%s", text);
}

/* JSON lines: one a second. Words: ever rarer, so that a log of a long job stays short. */
static bool is_due(const bulla_bar *bar, int64_t now)
{
	int64_t age = now - bar->begun_us, pause = now - bar->told_us;
	if (bar->terminal) return !bar->drawn || pause >= REDRAW_US;
	if (bar->cli->json) return pause >= SECOND_US;
	int64_t wait = age / 10 < FIRST_LINE_US ? FIRST_LINE_US : age / 10;
	return pause >= (wait < LINE_MAX_US ? wait : LINE_MAX_US);
}

void bulla_bar_show(void *self, const char *phase, uint64_t done, uint64_t total)
{
	bulla_bar *bar = self;
	int64_t now = bulla_ticks_us();
	if (bar->cli->quiet) return;
	if (strcmp(phase, "following") == 0) total = 0; /* it has no end to come nearer to */
	if (strncmp(bar->phase, phase, sizeof bar->phase - 1) != 0) {
		(void)snprintf(bar->phase, sizeof bar->phase, "%s", phase);
		bar->begun_us = now;
		bar->begun_at = done;
		if (!bar->terminal) bar->told_us = now;
	}
	if (!is_due(bar, now)) return;
	bar->told_us = now;
	pace p = pace_of(bar, done, total, now);
	if (bar->terminal)
		draw(bar, done, total, p);
	else if (bar->cli->json)
		tell_json(bar, done, total, p);
	else
		tell_line(bar, done, total, p);
}

void bulla_bar_done(bulla_bar *bar)
{
	if (!bar->drawn) return;
	(void)fputs("\r\033[K", stderr);
	(void)fflush(stderr);
	bar->drawn = false;
}
