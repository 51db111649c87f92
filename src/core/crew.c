/*
 * crew.c - the threads of a batch: they wait for work, share its rows in small portions, and say when the last one is done.
 */
#include "core/batch.h"

#include <stdlib.h>
#include <unistd.h>

#define PORTION 64 /* rows taken at a time */

struct crew_member {
	struct bulla_crew *crew;
	bulla_worker *worker;
	pthread_t thread;
};

struct bulla_crew {
	bulla_batch *batch;
	pid_t owner; /* threads do not survive a fork */
	pthread_mutex_t lock;
	pthread_cond_t begin, end;
	uint64_t round; /* counts calls, so that each member joins each once */
	unsigned busy;
	bool quit;
	void (*row)(bulla_worker *worker, size_t i);
	atomic_size_t next;
	unsigned n;
	struct crew_member members[];
};

static void work(struct bulla_crew *crew, bulla_worker *worker)
{
	size_t n = crew->batch->n;
	for (size_t first; (first = atomic_fetch_add(&crew->next, PORTION)) < n;)
		for (size_t i = first; i < n && i < first + PORTION; i++)
			crew->row(worker, i);
}

static void *member_main(void *self)
{
	struct crew_member *m = self;
	struct bulla_crew *crew = m->crew;
	pthread_mutex_lock(&crew->lock);
	for (uint64_t seen = 0;;) {
		while (!crew->quit && crew->round == seen)
			pthread_cond_wait(&crew->begin, &crew->lock);
		if (crew->quit) break;
		seen = crew->round;
		pthread_mutex_unlock(&crew->lock);
		work(crew, m->worker);
		pthread_mutex_lock(&crew->lock);
		if (--crew->busy == 0) pthread_cond_signal(&crew->end);
	}
	pthread_mutex_unlock(&crew->lock);
	return NULL;
}

bulla_code bulla_crew_new(bulla_batch *batch, struct bulla_crew **out, bulla_error *err)
{
	unsigned n = batch->worker_count - 1;
	struct bulla_crew *crew = calloc(1, sizeof *crew + n * sizeof *crew->members);
	if (!crew) return bulla_fail_memory(err);
	crew->batch = batch;
	crew->owner = getpid();
	pthread_mutex_init(&crew->lock, NULL);
	pthread_cond_init(&crew->begin, NULL);
	pthread_cond_init(&crew->end, NULL);
	for (; crew->n < n; crew->n++) {
		struct crew_member *m = &crew->members[crew->n];
		m->crew = crew;
		m->worker = &batch->workers[crew->n + 1];
		int failed = pthread_create(&m->thread, NULL, member_main, m);
		if (failed) {
			bulla_crew_free(crew);
			return bulla_fail_errno(err, failed, "cannot start a thread");
		}
	}
	*out = crew;
	return BULLA_OK;
}

void bulla_crew_free(struct bulla_crew *crew)
{
	if (!crew) return;
	if (crew->owner != getpid()) { /* nobody to wait for, and the lock may be held by one who is not here */
		free(crew);
		return;
	}
	pthread_mutex_lock(&crew->lock);
	crew->quit = true;
	pthread_cond_broadcast(&crew->begin);
	pthread_mutex_unlock(&crew->lock);
	for (unsigned i = 0; i < crew->n; i++)
		pthread_join(crew->members[i].thread, NULL);
	pthread_cond_destroy(&crew->begin);
	pthread_cond_destroy(&crew->end);
	pthread_mutex_destroy(&crew->lock);
	free(crew);
}

void bulla_crew_run(bulla_batch *batch, void (*row)(bulla_worker *worker, size_t i))
{
	struct bulla_crew *crew = batch->crew;
	if (!crew || batch->n <= PORTION || crew->owner != getpid()) {
		for (size_t i = 0; i < batch->n; i++)
			row(&batch->workers[0], i);
		return;
	}
	pthread_mutex_lock(&crew->lock);
	crew->row = row;
	atomic_store(&crew->next, 0);
	crew->busy = crew->n;
	crew->round++;
	pthread_cond_broadcast(&crew->begin);
	pthread_mutex_unlock(&crew->lock);
	work(crew, &batch->workers[0]);
	pthread_mutex_lock(&crew->lock);
	while (crew->busy)
		pthread_cond_wait(&crew->end, &crew->lock);
	pthread_mutex_unlock(&crew->lock);
}
