/*
 * engine.c - generate-data-key through the engine, audited in groups, the log on tmpfs where the machine has one.
 */
#include "bench.h"
#include "bench_engine.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

bulla_code bench_engine(bench *b, bulla_error *err)
{
	char directory[] = "/dev/shm/bulla-bench-XXXXXX", fallback[] = "/tmp/bulla-bench-XXXXXX", command[128];
	const char *made = mkdtemp(directory);
	if (!made) made = mkdtemp(fallback);
	if (!made) return bulla_fail(err, BULLA_ERR_IO, "cannot make a temporary directory");
	double rate = bench_engine_generate(made, 3, err);
	snprintf(command, sizeof command, "rm -rf '%s'", made);
	if (system(command)) fprintf(stderr, "bench: cannot remove %s\n", made);
	if (rate <= 0) return err->code ? err->code : BULLA_ERR_INTERNAL;
	bench_report(b, &(figure){ .name = "engine: generate data key, audited, one thread",
				   .value = rate,
				   .unit = "per second",
				   .target = 200000 });
	return BULLA_OK;
}
