/*
 * workers.c - a queue of tasks and the threads that empty it.
 */
#include "db/workers.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct bulla_workers {
	pthread_mutex_t lock;
	pthread_cond_t submitted, finished;
	bulla_task *first, **last;
	bool quit;
	unsigned n;
	pthread_t threads[];
};

/* Takes the first task, with the lock held; runs it without. */
static void run_first(bulla_workers *w)
{
	bulla_task *task = w->first;
	w->first = task->next;
	if (!w->first) w->last = &w->first;
	pthread_mutex_unlock(&w->lock);
	task->code = task->run(task->self, &task->error);
	pthread_mutex_lock(&w->lock);
	task->done = true;
	pthread_cond_broadcast(&w->finished);
}

static void *work(void *self)
{
	bulla_workers *w = self;
	pthread_mutex_lock(&w->lock);
	while (!w->quit || w->first) {
		if (w->first)
			run_first(w);
		else
			pthread_cond_wait(&w->submitted, &w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static bool start(bulla_workers *w, unsigned n)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (w->n < n && pthread_create(&w->threads[w->n], NULL, work, w) == 0)
		w->n++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return w->n == n;
}

bulla_code bulla_workers_new(unsigned n, bulla_workers **out, bulla_error *err)
{
	if (n > BULLA_WORKERS_MAX) return bulla_fail(err, BULLA_ERR_USAGE, "at most %d workers are possible", BULLA_WORKERS_MAX);
	bulla_workers *w = calloc(1, sizeof *w + n * sizeof *w->threads);
	if (!w) return bulla_fail_memory(err);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->submitted, NULL);
	pthread_cond_init(&w->finished, NULL);
	w->last = &w->first;
	if (!start(w, n)) {
		bulla_workers_free(w);
		return bulla_fail(err, BULLA_ERR_MEMORY, "the system gives no more threads");
	}
	*out = w;
	return BULLA_OK;
}

void bulla_workers_free(bulla_workers *w)
{
	if (!w) return;
	pthread_mutex_lock(&w->lock);
	w->quit = true;
	pthread_cond_broadcast(&w->submitted);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->n; i++)
		pthread_join(w->threads[i], NULL);
	pthread_cond_destroy(&w->finished);
	pthread_cond_destroy(&w->submitted);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

void bulla_workers_submit(bulla_workers *w, bulla_task *task)
{
	task->done = false;
	task->code = BULLA_OK;
	task->error = (bulla_error){ 0 };
	task->next = NULL;
	pthread_mutex_lock(&w->lock);
	*w->last = task;
	w->last = &task->next;
	pthread_cond_signal(&w->submitted);
	pthread_mutex_unlock(&w->lock);
}

void bulla_workers_wait(bulla_workers *w, bulla_task *task)
{
	pthread_mutex_lock(&w->lock);
	while (!task->done) {
		if (w->first)
			run_first(w);
		else
			pthread_cond_wait(&w->finished, &w->lock);
	}
	pthread_mutex_unlock(&w->lock);
}

/* --- pipeline --------------------------------------------------------------------------------------------------- */

typedef struct flow {
	const bulla_pipeline *p;
	bulla_workers *workers;
	size_t head, under_way;
	bool ended;
} flow;

static bulla_code fill_free(flow *f, bulla_error *err)
{
	while (f->under_way < f->p->n && !f->ended) {
		size_t place = (f->head + f->under_way) % f->p->n;
		bool any = false;
		bulla_code code = f->p->fill(f->p->self, place, &any, err);
		if (code) return code;
		f->ended = !any;
		if (!any) break;
		bulla_workers_submit(f->workers, f->p->task(f->p->self, place));
		f->under_way++;
	}
	return BULLA_OK;
}

static bulla_task *take_first(flow *f)
{
	bulla_task *task = f->p->task(f->p->self, f->head);
	bulla_workers_wait(f->workers, task);
	return task;
}

static bulla_code finish_first(flow *f, bulla_error *err)
{
	bulla_task *task = take_first(f);
	bulla_code code = task->code;
	if (code && err) *err = task->error;
	if (!code) code = f->p->finish(f->p->self, f->head, err);
	f->head = (f->head + 1) % f->p->n;
	f->under_way--;
	return code;
}

bulla_code bulla_pipeline_run(bulla_workers *workers, const bulla_pipeline *pipeline, bulla_error *err)
{
	flow f = { pipeline, workers, 0, 0, false };
	bulla_code code;
	do {
		code = fill_free(&f, err);
		if (!code && f.under_way) code = finish_first(&f, err);
	} while (!code && f.under_way);
	for (; f.under_way; f.under_way--, f.head = (f.head + 1) % pipeline->n)
		(void)take_first(&f);
	return code;
}
