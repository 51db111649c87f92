/*
 * raw_records.c - what the raw loops share, none of it cryptography.
 */
#include "raw_records.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PASSES = 5 };

void must(bool good, const char *loop)
{
	if (good) return;
	fprintf(stderr, "bench: the raw %s loop failed\n", loop);
	exit(1);
}

void make_labels(labels *l)
{
	for (size_t i = 0; i < 2; i++) {
		memset(l->wrap[i], i ? 0xb2 : 0xa1, sizeof l->wrap[i]);
		memcpy(l->wrap[i], "bulla wrap v1", 14);
		memset(l->field[i], (int)('0' + i), sizeof l->field[i]);
		memcpy(l->field[i], "bulla field v1", 15);
	}
}

void draw(pool *p, uint8_t *out, size_t n)
{
	if (p->left < n) {
		must(RAND_bytes(p->bytes, RANDOM) == 1, "random");
		p->left = RANDOM;
	}
	uint8_t *from = p->bytes + RANDOM - p->left;
	memcpy(out, from, n);
	OPENSSL_cleanse(from, n);
	p->left -= n;
}

void make_k1(const uint8_t l[static 16], uint8_t k1[static 16])
{
	for (size_t i = 0; i < 16; i++)
		k1[i] = (uint8_t)(l[i] << 1 | (i < 15 ? l[i + 1] >> 7 : 0));
	if (l[0] & 0x80) k1[15] ^= 0x87;
}

static record *make_records(size_t n)
{
	record *all = calloc(n, sizeof *all);

	must(all, "empty");
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < CONTEXT; j++)
			all[i].context[j] = (uint8_t)(i >> (8 * (j % sizeof i)));
		for (size_t j = 0; j < 2; j++) {
			field *f = &all[i].fields[j];
			f->len = (uint8_t)(FIELD_MIN + (i + 6 * j) % (FIELD_MAX - FIELD_MIN + 1));
			memset(f->plain, (int)('a' + i % 26), f->len);
		}
	}
	return all;
}

static double now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

double measure(size_t n, void *kit, pass *before, pass *act)
{
	record *all = make_records(n);
	double best = 0;

	for (int i = 0; i <= PASSES; i++) {
		if (before) before(kit, all, n);
		double start = now_ns();
		act(kit, all, n);
		double took = (now_ns() - start) / (double)n;
		if (i == 1 || (i > 1 && took < best)) best = took;
	}
	free(all);
	return best;
}
