/*
 * heads.c - do the store and its audit log belong together? And what to do, on purpose, when they do not.
 *
 * The store keeps the head of the log that it last heard of; the log keeps the store's generation. So an old store beside a newer
 * log, and a cut or forked log beside a newer store, are both noticed when the project is opened. What the log says beyond the store's head
 * was destroyed stays so: a store that was put back does not bring a shredded branch back.
 */
#include "lib/branches.h"
#include "lib/inside.h"
#include "lib/vouch.h"
#include "base/secret.h"

static bulla_code fail_heads(bulla_error *err, const char *what)
{
	bulla_code code = bulla_fail(err, BULLA_ERR_AUDIT, "the audit log and the key store contradict each other: %s", what);
	return bulla_advise(err, code, "find out why (bulla audit verify), then: bulla audit adopt --reason \"...\"");
}

bulla_code bulla_project_check_heads(bulla_project *project, bulla_error *err)
{
	/* In this order both grow only in our favour while other processes work. */
	uint64_t logged = 0, generation = 0;
	bulla_log_head known, now;
	TRY(bulla_log_generation(project->log, &logged, err));
	TRY(bulla_engine_head(project->engine, &known, &generation, err));
	TRY(bulla_log_head_now(project->log, &now, err));
	if (logged > generation) return fail_heads(err, "the store is older than the log (was it restored from a backup?)");
	if (known.size > now.size) return fail_heads(err, "the log lacks entries that the store has heard of");
	uint8_t root[32];
	TRY(bulla_log_root_at(project->log, known.size, root, err));
	if (known.size && !bulla_equal_ct(root, known.root, sizeof root))
		return fail_heads(err, "entries were changed, or it is another store's log");
	if (known.size == now.size) return BULLA_OK;
	TRY(bulla_project_bury_logged(project, known.size, now.size, &project->buried, err));
	bulla_kms_store rows = bulla_store_kms(project->store);
	return rows.set_head(rows.self, &now, err);
}

/* Whatever the whole log says: nobody knows how far this store is one with it. */
static bulla_code bury_all(bulla_project *project, bulla_error *err)
{
	bulla_log_head now;
	TRY(bulla_log_head_now(project->log, &now, err));
	return bulla_project_bury_logged(project, 0, now.size, &project->buried, err);
}

static bulla_code adopt(bulla_project *project, const char *reason, bulla_error *err)
{
	BULLA_SECRET root = { 0 };
	TRY(bulla_project_need_engine(project, err));
	if (project->paths.in_memory) return bulla_fail(err, BULLA_ERR_USAGE, "a store in memory has no log to adopt");
	TRY(bulla_project_unlock(project, &root, err));
	TRY(bulla_project_open_log(project, true, err));
	TRY(bulla_project_open_engine(project, &root, err));
	uint64_t logged = 0;
	TRY(bury_all(project, err));
	TRY(bulla_log_generation(project->log, &logged, err));
	TRY(bulla_engine_adopt(project->engine, bulla_view_str(reason), logged, err));
	return bulla_project_remember_head(project, err); /* what was verified before belonged to the log that is given up */
}

/* Does the project open, and its log verify against all that has seen it? What cannot even be asked is not well. */
static bool is_well(const char *config, const char *environment, uint64_t *ret_buried)
{
	bulla_error ignored;
	bulla_vouched report;
	bulla_project *project = NULL;
	bulla_code code = bulla_project_open(config, environment, BULLA_PROJECT_ENGINE, &project, &ignored);
	if (code) return false;
	*ret_buried = project->buried;
	bulla_project_close(project);
	return bulla_project_audit_verify(config, environment, NULL, NULL, &report, &ignored) == BULLA_OK && report.ok;
}

bulla_code bulla_project_adopt(const char *config, const char *environment, const char *reason, bulla_adopted *ret,
			       bulla_error *err)
{
	*ret = (bulla_adopted){ 0 };
	if (!reason || !*reason)
		return bulla_fail(err, BULLA_ERR_USAGE, "adopting needs a reason, which is written into the log");
	bulla_project *project = NULL;
	ret->adopted = !is_well(config, environment, &ret->buried);
	if (!ret->adopted) return BULLA_OK;
	TRY(bulla_project_read(config, environment, &project, err));
	bulla_code code = bulla_project_open_store(project, err);
	if (code == BULLA_OK) code = adopt(project, reason, err);
	ret->buried += project->buried;
	bulla_project_close(project);
	return code;
}
