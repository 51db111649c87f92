/*
 * pg_cut.h - stands between a store and its server, and cuts the line at a chosen moment.
 */
#ifndef TESTS_PG_CUT_H
#define TESTS_PG_CUT_H

typedef enum pg_cut {
	PG_CUT_NEVER,
	PG_CUT_BEFORE_COMMIT, /* the server never hears of the commit */
	PG_CUT_AFTER_COMMIT,  /* it has committed; nobody hears of that */
	PG_CUT_SILENCE        /* lines stay open, and nothing goes through them any more */
} pg_cut;

/* Once for a test binary, after the server was started. */
void pg_cut_start(void);
void pg_cut_end(void);
/* What happens to the next commit, on whichever line. Lines that come after it are whole. */
void pg_cut_next(pg_cut when);
/* The URL of a server, through this. The caller frees it. */
char *pg_cut_url(const char *url);

#endif
