/*
 * clock.c - a clock that goes ahead: put under a process with LD_PRELOAD, so that a waiting period of days ends at once.
 *
 * CLOCK_AHEAD  seconds that the time of day is ahead. Clocks that nobody can set, by which time-outs are measured, stay as they are.
 */
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t ahead(void)
{
	const char *text = getenv("CLOCK_AHEAD");
	return text ? (time_t)strtoll(text, NULL, 10) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
	if (syscall(SYS_clock_gettime, clock, ret)) return -1;
	if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) ret->tv_sec += ahead();
	return 0;
}

int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
	struct timespec now;
	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
	ret->tv_sec = now.tv_sec;
	ret->tv_usec = now.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *ret)
{
	struct timespec now = { 0 };
	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (ret) *ret = now.tv_sec;
	return now.tv_sec;
}
