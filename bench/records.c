/*
 * records.c - records through the batch API and through the single-record API, against raw loops that do the same cryptography.
 */
#include "bench.h"
#include "raw.h"
#include "world.h"

#include "io/file.h"

#include <bulla/bulla.h>
#include <stdlib.h>

#define RECORDS ((size_t)2000) /* of one round: short, so that some rounds are not interrupted */
#define CALL    ((size_t)1000) /* rows of one call */
#define ROUNDS  150            /* ours and the raw loop in turn: the best of each, so that both meet the same quiet moments */
#define FIELDS  2

/* The context's canonical form has 40 bytes: 2 + (2+10+2+4) + (2+8+2+8). */
static const char YAML[] = "version: 1\n"
			   "environments: { development: { key: \"env:BENCH_KEY\", cache: { max_uses: 1000000000 } } }\n"
			   "databases: { main: { url: \"postgresql://bench\" } }\n"
			   "models:\n"
			   "  users:\n"
			   "    context: { model_name: User, model_id: \"{id}\" }\n"
			   "    branch_key: { name: users }\n"
			   "    fields: { first_name: { type: string }, email: { type: string } }\n";

struct rows {
	bulla_row row[CALL];
	bulla_cell cell[CALL][FIELDS];
	bulla_bytes key[CALL], id[CALL];
	char id_text[CALL][16];
	char text[CALL][FIELDS][24];
	uint8_t *stored; /* keys and ciphertexts of a sealed call, kept */
};

/* The plaintexts, in the rows' own memory: what a batch put there is gone with it. */
static void set_values(struct rows *r)
{
	for (size_t i = 0; i < CALL; i++)
		for (size_t f = 0; f < FIELDS; f++) {
			size_t len = 5 + (i * 7 + f * 5) % 13; /* 5 to 17 bytes */
			r->cell[i][f].value = (bulla_value){ .kind = BULLA_KIND_TEXT, .bytes = bulla_view(r->text[i][f], len) };
		}
}

static void fill(struct rows *r)
{
	for (size_t i = 0; i < CALL; i++) {
		snprintf(r->id_text[i], sizeof r->id_text[i], "%08zu", 10000000 + i);
		r->id[i] = bulla_view(r->id_text[i], 8);
		for (size_t f = 0; f < FIELDS; f++) {
			snprintf(r->text[i][f], sizeof r->text[i][f], "%-17.17s", "abcdefghijklmnopq");
			r->cell[i][f].field = f;
		}
		r->row[i] = (bulla_row){ .inputs = &r->id[i], .cells = r->cell[i], .cell_count = FIELDS, .keys = &r->key[i] };
	}
	set_values(r);
}

/* A sealed call's results, copied out of the batch as a database would. */
static bulla_code keep(struct rows *r, bulla_error *err)
{
	size_t size = 0;
	for (size_t i = 0; i < CALL; i++)
		size += r->key[i].len + r->cell[i][0].ciphertext.len + r->cell[i][1].ciphertext.len;
	uint8_t *at = r->stored = malloc(size);
	if (!at) return bulla_fail_memory(err);
	for (size_t i = 0; i < CALL; i++) {
		bulla_bytes *views[] = { &r->key[i], &r->cell[i][0].ciphertext, &r->cell[i][1].ciphertext };
		for (size_t v = 0; v < 3; v++) {
			memcpy(at, views[v]->data, views[v]->len);
			*views[v] = bulla_view(at, views[v]->len);
			at += views[v]->len;
		}
	}
	return BULLA_OK;
}

typedef bulla_code (*batch_call)(bulla_batch *batch, bulla_row *rows, size_t n, bulla_error *err);

static void keep_best(double *best, double ns)
{
	if (*best == 0 || ns < *best) *best = ns;
}

/* ns per record of all records in calls of CALL rows. Rewrapping replaces the keys, so they are put back. */
static bulla_code time_calls(bulla_batch *batch, struct rows *r, batch_call call, double *best, bulla_error *err)
{
	static bulla_bytes keys[CALL];
	memcpy(keys, r->key, sizeof keys);
	double start = bench_seconds();
	for (size_t done = 0; done < RECORDS; done += CALL) {
		TRY(call(batch, r->row, CALL, err));
		if (call != bulla_batch_rewrap) continue;
		if (r->key[CALL - 1].data == keys[CALL - 1].data)
			return bulla_fail(err, BULLA_ERR_INTERNAL, "a record of the benchmark was not wrapped again");
		memcpy(r->key, keys, sizeof keys);
	}
	keep_best(best, (bench_seconds() - start) * 1e9 / RECORDS);
	return r->row[CALL - 1].code ? bulla_fail(err, r->row[CALL - 1].code, "a record of the benchmark failed") : BULLA_OK;
}

/* ns per record, the best so far of ours and of the raw loop. */
struct timing {
	double ours, raw;
};

/* For rewrapping one whose branch gets a newer version first: a key that has the newest one is left alone. */
static bulla_code new_batch(bulla_keyring *keyring, const bench_world *w, batch_call call, bulla_batch **out, bulla_error *err)
{
	bulla_batch_options options = { .size = sizeof options,
					.since_us = call == bulla_batch_rewrap ? bulla_now_us(NULL) + 1 : 0 };
	return bulla_batch_new(keyring, w->model, &options, out, err);
}

static bulla_code time_batch(bench_world *w, struct rows *r, batch_call call, double (*raw)(size_t records), struct timing *ret,
			     bulla_error *err)
{
	bulla_batch *batch;
	*ret = (struct timing){ 0 };
	TRY(new_batch(w->keyring, w, call, &batch, err));
	bulla_code code = BULLA_OK;
	for (int round = 0; round < ROUNDS && !code; round++) {
		code = time_calls(batch, r, call, &ret->ours, err);
		keep_best(&ret->raw, raw(RECORDS));
	}
	if (!code && call == bulla_batch_seal) code = keep(r, err);
	bulla_batch_free(batch);
	return code;
}

static void report_of(bench *b, const char *name, double ns, double of_ns, const char *of, double target)
{
	bench_report(
		b, &(figure){ .name = name, .value = ns, .unit = "ns", .ratio = of_ns / ns, .reference = of, .target = target });
}

static void report(bench *b, const char *name, const struct timing *t, double target)
{
	report_of(b, name, t->ours, t->raw, raw_openssl.name, target);
}

static bulla_code bench_batch(bench *b, bench_world *w, struct rows *r, bulla_error *err)
{
	struct timing t;
	TRY(time_batch(w, r, bulla_batch_seal, raw_openssl.seal_ns, &t, err));
	report(b, "batch: encrypt a record", &t, 0.85);
	TRY(time_batch(w, r, bulla_batch_open, raw_openssl.open_ns, &t, err));
	report(b, "batch: decrypt a record", &t, 0.85);
	TRY(time_batch(w, r, bulla_batch_rewrap, raw_openssl.rewrap_ns, &t, err));
	report(b, "batch: rewrap a record", &t, 0.85);
	bench_report(b, &(figure){ .name = "bytes over the plaintext, field",
				   .value = (double)(r->cell[0][0].ciphertext.len - 5),
				   .unit = "bytes",
				   .target = 29,
				   .at_most = true });
	bench_report(b, &(figure){ .name = "bytes of a wrapped key under a branch key",
				   .value = (double)r->key[0].len,
				   .unit = "bytes",
				   .target = 98,
				   .at_most = true });
	return BULLA_OK;
}

static bulla_code seal_one(bench_world *w, struct rows *r, size_t i, bulla_buf *out, bulla_error *err)
{
	bulla_record *record;
	bulla_pair input = { bulla_view_str("id"), r->id[i] };
	TRY(bulla_record_new(w->keyring, w->model, &input, 1, &record, err));
	out->len = 0;
	bulla_code code = bulla_record_seal(record, 0, &r->cell[i][0].value, out, err);
	if (!code) code = bulla_record_seal(record, 1, &r->cell[i][1].value, out, err);
	bulla_record_free(record);
	return code;
}

static bulla_code open_one(bench_world *w, struct rows *r, size_t i, bulla_buf *out, bulla_error *err)
{
	bulla_record *record;
	bulla_pair input = { bulla_view_str("id"), r->id[i] };
	bulla_value value;
	TRY(bulla_record_open(w->keyring, w->model, &input, 1, &r->key[i], &record, err));
	bulla_code code = bulla_record_unseal(record, 0, r->cell[i][0].ciphertext, out, &value, err);
	if (!code) code = bulla_record_unseal(record, 1, r->cell[i][1].ciphertext, out, &value, err);
	bulla_record_free(record);
	return code;
}

typedef bulla_code (*single_call)(bench_world *w, struct rows *r, size_t i, bulla_buf *out, bulla_error *err);

static bulla_code time_single(bench_world *w, struct rows *r, single_call call, double (*raw)(size_t records), struct timing *ret,
			      bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf out = { 0 };
	*ret = (struct timing){ 0 };
	for (int round = 0; round < ROUNDS; round++) {
		double start = bench_seconds();
		for (size_t i = 0; i < RECORDS; i++)
			TRY(call(w, r, i % CALL, &out, err));
		keep_best(&ret->ours, (bench_seconds() - start) * 1e9 / RECORDS);
		keep_best(&ret->raw, raw(RECORDS));
	}
	return BULLA_OK;
}

static bulla_code bench_single(bench *b, bench_world *w, struct rows *r, bulla_error *err)
{
	struct timing t;
	TRY(time_single(w, r, seal_one, raw_openssl.seal_ns, &t, err));
	report(b, "single: encrypt a record", &t, 0.6);
	TRY(time_single(w, r, open_one, raw_openssl.open_ns, &t, err));
	report(b, "single: decrypt a record", &t, 0.6);
	return BULLA_OK;
}

#ifdef BENCH_IPSEC_MB
static const struct verb {
	const char *of_raw, *of_usual;
	batch_call call;
	double (*const *raw)(size_t records);
} verbs[] = {
	{ "batch on ipsec-mb: encrypt a record", "batch on ipsec-mb, not OpenSSL: encrypt a record", bulla_batch_seal,
	  &raw_ipsec_mb.seal_ns },
	{ "batch on ipsec-mb: decrypt a record", "batch on ipsec-mb, not OpenSSL: decrypt a record", bulla_batch_open,
	  &raw_ipsec_mb.open_ns },
	{ "batch on ipsec-mb: rewrap a record", "batch on ipsec-mb, not OpenSSL: rewrap a record", bulla_batch_rewrap,
	  &raw_ipsec_mb.rewrap_ns },
};

/* Three in turn: the batch on libipsec-mb, the raw loop of it, and the batch on OpenSSL. */
static bulla_code bench_verb(bench *b, const struct verb *v, bulla_batch *faster, bulla_batch *usual, struct rows *r,
			     bulla_error *err)
{
	struct timing t = { 0 };
	double usual_ns = 0;
	for (int round = 0; round < ROUNDS; round++) {
		TRY(time_calls(faster, r, v->call, &t.ours, err));
		keep_best(&t.raw, (*v->raw)(RECORDS));
		TRY(time_calls(usual, r, v->call, &usual_ns, err));
	}
	if (v->call == bulla_batch_seal) TRY(keep(r, err));
	report_of(b, v->of_raw, t.ours, t.raw, raw_ipsec_mb.name, 0.7);
	report_of(b, v->of_usual, t.ours, usual_ns, "the batch on OpenSSL", 1.5);
	return BULLA_OK;
}

static bulla_code bench_faster(bench *b, bulla_keyring *keyring, bench_world *w, struct rows *r, bulla_error *err)
{
	bulla_code code = BULLA_OK;
	for (size_t v = 0; v < sizeof verbs / sizeof *verbs && !code; v++) {
		bulla_batch *faster = NULL, *usual = NULL;
		code = new_batch(keyring, w, verbs[v].call, &faster, err);
		if (!code) code = new_batch(w->keyring, w, verbs[v].call, &usual, err);
		if (!code) code = bench_verb(b, &verbs[v], faster, usual, r, err);
		bulla_batch_free(usual);
		bulla_batch_free(faster);
	}
	return code;
}

static bulla_code bench_ipsec_mb(bench *b, bench_world *w, struct rows *r, bulla_error *err)
{
	bulla_backend *backend;
	bulla_keyring *keyring = NULL;
	if (bulla_backend_new("ipsec-mb", &backend, err)) {
		printf("batch on ipsec-mb: not measured: %s\n", err->text);
		return BULLA_OK;
	}
	bulla_code code = bench_world_keyring(w, backend, &keyring, err);
	if (!code) code = bench_faster(b, keyring, w, r, err);
	bulla_keyring_free(keyring);
	bulla_backend_free(backend);
	return code;
}
#else
static bulla_code bench_ipsec_mb(bench *b, bench_world *w, struct rows *r, bulla_error *err)
{
	(void)b;
	(void)w;
	(void)r;
	(void)err;
	printf("batch on ipsec-mb: not measured: it is not in this build\n");
	return BULLA_OK;
}
#endif

bulla_code bench_records(bench *b, bulla_error *err)
{
	static struct rows rows;
	bench_world world;
	bulla_code code = bench_world_open(&world, YAML, "memory:", err);
	fill(&rows);
	if (!code) code = bench_batch(b, &world, &rows, err);
	set_values(&rows);
	if (!code) code = bench_single(b, &world, &rows, err);
	free(rows.stored);
	rows.stored = NULL;
	set_values(&rows);
	if (!code) code = bench_ipsec_mb(b, &world, &rows, err);
	free(rows.stored);
	bench_world_close(&world);
	return code;
}
