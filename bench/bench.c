/*
 * bench.c - `make bench`: every figure with its reference, measured in the same run.
 */
#include "bench.h"

#include "base/json.h"
#include "io/file.h"

#include <libgen.h>
#include <string.h>
#include <time.h>

struct bench {
	unsigned met, missed;
	bulla_buf json;
	bulla_json_writer writer;
};

double bench_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void bench_report(bench *b, const figure *f)
{
	double measured = f->reference ? f->ratio : f->value;
	bool met = f->at_most ? measured <= f->target : measured >= f->target;
	printf("%s: %.6g %s", f->name, f->value, f->unit);
	if (f->reference) printf(", ratio %.2f of %s", f->ratio, f->reference);
	printf(", target %s%.6g: %s\n", f->at_most ? "at most " : "", f->target, met ? "met" : "short");
	fflush(stdout);
	b->met += met;
	b->missed += !met;
	bulla_json_open(&b->writer, NULL, '{');
	bulla_json_put_str(&b->writer, "name", f->name);
	bulla_json_put_number(&b->writer, "value", f->value);
	bulla_json_put_str(&b->writer, "unit", f->unit);
	if (f->reference) {
		bulla_json_put_number(&b->writer, "ratio", f->ratio);
		bulla_json_put_str(&b->writer, "reference", f->reference);
	}
	bulla_json_put_number(&b->writer, "target", f->target);
	bulla_json_put_bool(&b->writer, "met", met);
	bulla_json_close(&b->writer, '}');
}

static void fail(const bulla_error *err)
{
	fprintf(stderr, "bench: %s: %s\n", bulla_code_name(err->code), err->text);
}

int main(int argc, char **argv)
{
	static bench b;
	bulla_error err = { 0 };
	char directory[4096];
	if (argc != 2) {
		fprintf(stderr, "usage: bench OUT.json\n");
		return 2;
	}
	snprintf(directory, sizeof directory, "%s", argv[0]);
	b.writer = bulla_json_to(&b.json);
	bulla_json_open(&b.writer, NULL, '[');
	bulla_code code = bench_records(&b, &err);
	if (!code) code = bench_engine(&b, &err);
	if (!code) code = bench_threads(&b, &err);
	const char *programs = dirname(directory);
	if (!code) code = bench_census(&b, programs, &err);
	if (!code) code = bench_jobs(&b, programs, &err);
	bulla_json_close(&b.writer, ']');
	if (!code) code = bulla_json_end(&b.writer, &err);
	if (!code) code = bulla_file_write(argv[1], (bulla_bytes){ b.json.data, b.json.len }, 0644, false, &err);
	if (code) fail(&err);
	bulla_buf_done(&b.json);
	printf("%u met, %u short\n", b.met, b.missed);
	return code || b.missed ? 1 : 0;
}
