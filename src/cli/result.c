/*
 * result.c - what a job has done, as JSON.
 */
#include "cli/result.h"
#include "cli/tree.h"

void bulla_results_open(bulla_cli *cli)
{
	if (cli->json) bulla_json_open(bulla_cli_json(cli), "models", '[');
}

void bulla_results_close(bulla_cli *cli)
{
	if (cli->json) bulla_json_close(bulla_cli_json(cli), ']');
}

bulla_json_writer *bulla_result_open(bulla_cli *cli, const bulla_model *model, const char *done, const bulla_job_result *result)
{
	bulla_json_writer *w = bulla_cli_json(cli);
	bulla_json_open(w, NULL, '{');
	bulla_json_put_str(w, "model", model->key);
	bulla_json_put_int(w, "rows", (int64_t)result->rows);
	bulla_json_put_int(w, done, (int64_t)result->done);
	bulla_json_put_int(w, "already", (int64_t)result->already);
	bulla_json_put_int(w, "quarantined", (int64_t)result->quarantined);
	bulla_json_put_int(w, "conflicts", (int64_t)result->conflicts);
	bulla_json_put_int(w, "differences", (int64_t)result->differences);
	bulla_json_put_int(w, "unsealed", (int64_t)result->unsealed);
	bulla_json_put_int(w, "bytes", (int64_t)result->bytes);
	bulla_json_put_number(w, "seconds", result->seconds);
	if (result->report[0]) bulla_json_put_str(w, "report", result->report);
	return w;
}

bulla_code bulla_print_places(bulla_cli *cli, const char *heading, bulla_bytes places, bulla_error *err)
{
	bulla_json *list = NULL;
	TRY(bulla_json_parse(places, &list, err));
	if (bulla_json_count(list)) bulla_cli_print(cli, "%s", heading);
	for (size_t i = 0; i < bulla_json_count(list); i++) {
		const bulla_json *place = bulla_json_at(list, i);
		bulla_bytes where = bulla_tree_text(place, "where"), end = bulla_tree_text(place, "how_to_end");
		bulla_cli_print(cli, "  - %.*s\n    %.*s", BULLA_SHOW(where), BULLA_SHOW(end));
	}
	bulla_json_free(list);
	return BULLA_OK;
}
