/*
 * doctor_shred.c - checks of shreds that were begun and not ended: branches that stay closed, rows that wait to be cleared.
 */
#include "cli/doctor.h"
#include "base/cursor.h"
#include "cli/times.h"
#include "core/branch.h"
#include "db/shred.h"
#include "lib/branches.h"

#define TOLD_MAX 20        /* branches by name */
#define LIST_MAX (1 << 20) /* bytes of their identities */

/* --- closed, and not destroyed ------------------------------------------------------------------------------------- */

typedef struct closing {
	bulla_buf list; /* u16-prefixed identities */
	bulla_buf last;
} closing;

/* Rows come by identity: versions of one branch follow each other. */
static bulla_code collect(void *self, const bulla_branch_row *row, bulla_error *err)
{
	closing *c = self;
	if (bulla_bytes_equal(row->identity, bulla_view_buf(&c->last))) return BULLA_OK;
	bulla_buf_clear(&c->last);
	TRY(bulla_buf_add(&c->last, row->identity, err));
	return c->list.len + row->identity.len + 2 > LIST_MAX ? BULLA_OK : bulla_buf_add_prefixed(&c->list, row->identity, err);
}

static bulla_code tell_branch(bulla_doctor *doctor, bulla_bytes identity, int64_t closed_us, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf print = { 0 };
	char time[BULLA_TIME_TEXT];
	TRY(bulla_branch_print(identity, &print, err));
	bulla_diagnose(doctor, BULLA_WARNING, "shred_closing", "", NULL,
		       "the branch %.*s is closed since %s, and its key is not destroyed: it stays readable", (int)print.len,
		       (const char *)print.data, bulla_time_text(closed_us, time));
	bulla_prescribe(doctor, "bulla shred --branch %.*s goes on; with --cancel it is taken back", (int)print.len,
			(const char *)print.data);
	return BULLA_OK;
}

static bulla_code tell_closing(bulla_doctor *doctor, const closing *c, bulla_error *err)
{
	bulla_branch_keeper keeper = bulla_project_keeper(doctor->project);
	bulla_cursor cursor = bulla_cursor_of(bulla_view_buf(&c->list));
	size_t told = 0, more = 0;
	while (cursor.rest.len) {
		bulla_branch_fate fate;
		bulla_bytes identity = bulla_cursor_prefixed(&cursor);
		TRY(keeper.fate(keeper.self, identity, &fate, err));
		if (fate.state != BULLA_BRANCH_CLOSING || doctor->now_us < fate.closed_us + keeper.max_age_ms * 1000) continue;
		if (told++ < TOLD_MAX)
			TRY(tell_branch(doctor, identity, fate.closed_us, err));
		else
			more++;
	}
	if (more)
		bulla_diagnose(doctor, BULLA_WARNING, "shred_closing", "",
			       "bulla audit lookup --operation BranchClosing names them",
			       "%zu more branches are closed, and their keys not destroyed", more);
	return BULLA_OK;
}

static bulla_code check_branches(bulla_doctor *doctor, bulla_error *err)
{
	closing c = { 0 };
	const bulla_branch_store *store = &doctor->project->branches;
	bulla_branch_query query = { .closing = true };
	bulla_code code = store->some(store->self, &query, collect, &c, err);
	if (!code) code = tell_closing(doctor, &c, err);
	bulla_buf_done(&c.list);
	bulla_buf_done(&c.last);
	return code;
}

/* --- destroyed, and not cleared ------------------------------------------------------------------------------------- */

static void check_model(bulla_doctor *doctor, const bulla_model *model)
{
	bulla_job job;
	uint64_t open = 0;
	bulla_error ignored; /* a database that does not open is another check's */
	if (bulla_cli_job(doctor->cli, doctor->project, model, NULL, &job, &ignored)) return;
	if (bulla_job_shreds_open(&job, &open, &ignored) || open == 0) return;
	bulla_diagnose(doctor, BULLA_WARNING, "shred_clearing", model->key,
		       "run it again: bulla audit lookup --operation BranchDestroyed names the branches",
		       "%llu %s cut off before every row was cleared", (unsigned long long)open,
		       bulla_plural(open, "shred was", "shreds were"));
}

void bulla_check_shreds(bulla_doctor *doctor)
{
	size_t n = 0;
	bulla_error err = { 0 };
	const bulla_model *models = bulla_schema_models(doctor->project->schema, &n);
	if (!doctor->project->store) return;
	if (check_branches(doctor, &err)) bulla_diagnose_error(doctor, BULLA_WARNING, "shreds_unknown", "", &err);
	for (size_t i = 0; i < n; i++)
		check_model(doctor, &models[i]);
}
