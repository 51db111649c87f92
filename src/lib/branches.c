/*
 * branches.c - closing, reopening and destroying branch keys: store, note of the times, audit record.
 *
 * The times are in a note of the store, whose name is made of the identity's hash. Between the store's change and the note the process
 * may be killed: then the note is written by the next call, which makes a wait longer and never shorter.
 */
#include "lib/branches.h"

#include "base/text.h"
#include "core/branch.h"
#include "io/file.h"

#include <stdio.h>

#define NOTE_PREFIX "branch "
#define NOTE_NAME   sizeof(NOTE_PREFIX "00112233445566778899aabbccddeeff")

/* --- times ------------------------------------------------------------------------------------------------------ */
typedef struct times {
	int64_t closed_us, destroyed_us;
} times;

static bulla_code note_name(bulla_bytes identity, char out[static NOTE_NAME], bulla_error *err)
{
	uint8_t hash[32];
	bulla_lane *lane = NULL;
	TRY(bulla_lane_new(&lane, err));
	bulla_code code = bulla_sha256(lane, &identity, 1, hash, err);
	bulla_lane_free(lane);
	TRY(code);
	(void)snprintf(out, NOTE_NAME, NOTE_PREFIX);
	for (size_t i = 0; i < 16; i++)
		(void)snprintf(out + sizeof NOTE_PREFIX - 1 + 2 * i, 3, "%02x", hash[i]);
	return BULLA_OK;
}

static bulla_code read_times(bulla_project *project, bulla_bytes identity, times *ret, bulla_error *err)
{
	char name[NOTE_NAME];
	BULLA_BUF_AUTO bulla_buf note = { 0 };
	*ret = (times){ 0 };
	TRY(note_name(identity, name, err));
	bulla_code code = bulla_store_note_get(project->store, name, &note, err);
	if (code == BULLA_ERR_NOT_FOUND) return BULLA_OK;
	TRY(code);
	if (note.len != 16) return bulla_fail(err, BULLA_ERR_CORRUPT, "the note of a branch's times is malformed");
	ret->closed_us = (int64_t)bulla_get_u64(note.data);
	ret->destroyed_us = (int64_t)bulla_get_u64(note.data + 8);
	return BULLA_OK;
}

static bulla_code write_times(bulla_project *project, bulla_bytes identity, times t, bulla_error *err)
{
	char name[NOTE_NAME];
	uint8_t note[16];
	bulla_put_u64(note, (uint64_t)t.closed_us);
	bulla_put_u64(note + 8, (uint64_t)t.destroyed_us);
	TRY(note_name(identity, name, err));
	return bulla_store_note_set(project->store, name, bulla_view(note, sizeof note), err);
}

/* --- fate ------------------------------------------------------------------------------------------------------- */
static bulla_code look(void *self, const bulla_branch_row *row, bulla_error *err)
{
	bulla_branch_fate *fate = self;
	(void)err;
	if (fate->versions == 0 || row->state < fate->state) fate->state = row->state;
	fate->versions++;
	return BULLA_OK;
}

static bulla_code fate_of(void *self, bulla_bytes identity, bulla_branch_fate *ret, bulla_error *err)
{
	bulla_project *project = self;
	times t;
	*ret = (bulla_branch_fate){ 0 };
	TRY(project->branches.versions(project->branches.self, identity, look, ret, err));
	if (ret->versions == 0 || ret->state == BULLA_BRANCH_ACTIVE) return BULLA_OK;
	TRY(read_times(project, identity, &t, err));
	ret->closed_us = t.closed_us;
	if (ret->state == BULLA_BRANCH_DESTROYED) ret->destroyed_us = t.destroyed_us;
	return BULLA_OK;
}

static bulla_code find(bulla_project *project, bulla_bytes identity, bulla_branch_fate *ret, bulla_error *err)
{
	TRY(fate_of(project, identity, ret, err));
	return ret->versions ? BULLA_OK : bulla_fail(err, BULLA_ERR_NOT_FOUND, "the key store has no such branch");
}

static bulla_code fail_destroyed(bulla_error *err)
{
	return bulla_fail(err, BULLA_ERR_KEY_DESTROYED, "the branch key was destroyed, and does not come back");
}

/* --- records ---------------------------------------------------------------------------------------------------- */
static bulla_code record(bulla_project *project, const char *operation, bulla_bytes identity, bulla_bytes version,
			 bulla_code outcome, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf print = { 0 };
	TRY(bulla_branch_print(identity, &print, err));
	bulla_event event = { .operation = operation,
			      .key = bulla_view_buf(&print),
			      .material = version,
			      .outcome = outcome ? bulla_code_name(outcome) : "ok" };
	return bulla_engine_record(project->engine, &event, err);
}

/* The event, then the change; a change that fails is an event of its own. */
static bulla_code move(bulla_project *project, const char *operation, bulla_bytes identity, bulla_branch_state from,
		       bulla_branch_state to, bulla_error *err)
{
	bulla_error ignored;
	TRY(record(project, operation, identity, bulla_view(NULL, 0), BULLA_OK, err));
	bulla_code code = project->branches.set_state(project->branches.self, identity, from, to, err);
	if (code && record(project, operation, identity, bulla_view(NULL, 0), code, &ignored)) return code;
	return code;
}

/* --- closing ---------------------------------------------------------------------------------------------------- */
static bulla_code close_branch(void *self, bulla_bytes identity, bulla_error *err)
{
	bulla_project *project = self;
	bulla_branch_fate fate;
	TRY(find(project, identity, &fate, err));
	if (fate.state == BULLA_BRANCH_DESTROYED) return fail_destroyed(err);
	bool active = fate.state == BULLA_BRANCH_ACTIVE;
	if (active) TRY(move(project, "BranchClosing", identity, BULLA_BRANCH_ACTIVE, BULLA_BRANCH_CLOSING, err));
	int64_t now = bulla_now_us(NULL);
	bool known = !active && fate.closed_us && fate.closed_us <= now; /* in the future: the clock was set back */
	return known ? BULLA_OK : write_times(project, identity, (times){ .closed_us = now }, err);
}

static bulla_code reopen(void *self, bulla_bytes identity, bulla_error *err)
{
	bulla_project *project = self;
	bulla_branch_fate fate;
	TRY(find(project, identity, &fate, err));
	if (fate.state == BULLA_BRANCH_DESTROYED) return fail_destroyed(err);
	TRY(write_times(project, identity, (times){ 0 }, err)); /* first: no later closing may count from this one */
	return move(project, "BranchReopened", identity, BULLA_BRANCH_CLOSING, BULLA_BRANCH_ACTIVE, err);
}

/* --- destroying ------------------------------------------------------------------------------------------------- */
#define VERSIONS_MAX (1u << 20) /* bytes: 131072 versions of one branch */

static bulla_code keep_living(void *self, const bulla_branch_row *row, bulla_error *err)
{
	return row->state == BULLA_BRANCH_DESTROYED ? BULLA_OK : bulla_buf_add_u64(self, row->version, err);
}

static bulla_code record_versions(bulla_project *project, bulla_bytes identity, const bulla_buf *versions, bulla_code outcome,
				  bulla_error *err)
{
	for (size_t at = 0; at < versions->len; at += 8)
		TRY(record(project, "BranchDestroyed", identity, bulla_view(versions->data + at, 8), outcome, err));
	return BULLA_OK;
}

/* Through CLOSING, so that versions in either state go together. */
static bulla_code end_branch(bulla_project *project, bulla_bytes identity, bulla_branch_state state, bulla_error *err)
{
	const bulla_branch_store *store = &project->branches;
	if (state == BULLA_BRANCH_ACTIVE)
		TRY(store->set_state(store->self, identity, BULLA_BRANCH_ACTIVE, BULLA_BRANCH_CLOSING, err));
	return store->set_state(store->self, identity, BULLA_BRANCH_CLOSING, BULLA_BRANCH_DESTROYED, err);
}

static bulla_code destroy_living(bulla_project *project, bulla_bytes identity, bulla_branch_state state, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf versions = { .max = VERSIONS_MAX };
	bulla_error ignored;
	TRY(project->branches.versions(project->branches.self, identity, keep_living, &versions, err));
	TRY(record_versions(project, identity, &versions, BULLA_OK, err));
	bulla_code code = end_branch(project, identity, state, err);
	/* LOCKED may come after the change: what was recorded is true, or becomes so with the next call */
	if (code && code != BULLA_ERR_LOCKED && record_versions(project, identity, &versions, code, &ignored)) return code;
	return code;
}

static bulla_code destroy(void *self, bulla_bytes identity, bool closed, bulla_error *err)
{
	bulla_project *project = self;
	bulla_branch_fate fate;
	times t;
	TRY(find(project, identity, &fate, err));
	if (fate.state == BULLA_BRANCH_DESTROYED && fate.destroyed_us) return BULLA_OK;
	if (closed && fate.state == BULLA_BRANCH_ACTIVE) return bulla_fail(err, BULLA_ERR_CONFLICT, "the branch is not closed");
	TRY(destroy_living(project, identity, fate.state, err));
	TRY(read_times(project, identity, &t, err));
	t.destroyed_us = bulla_now_us(NULL);
	return write_times(project, identity, t, err);
}

bulla_branch_keeper bulla_project_keeper(bulla_project *project)
{
	return (bulla_branch_keeper){ .store = &project->branches,
				      .max_age_ms = bulla_schema_max_age(project->schema),
				      .fate = fate_of,
				      .close = close_branch,
				      .reopen = reopen,
				      .destroy = destroy,
				      .self = project };
}

/* --- keeping them dead ------------------------------------------------------------------------------------------ */
/* The identity and state of a version that is alive. */
typedef struct alive {
	bulla_buf identity;
	bulla_branch_state state;
} alive;

static bulla_code take_living(void *self, size_t index, const bulla_branch_row *row, bulla_error *err)
{
	alive *a = self;
	(void)index;
	if (row->state == BULLA_BRANCH_DESTROYED) return BULLA_OK;
	a->state = row->state;
	return bulla_buf_add(&a->identity, row->identity, err);
}

static bulla_code read_living(bulla_project *project, uint64_t version, alive *ret, bulla_error *err)
{
	bulla_buf_clear(&ret->identity);
	return project->branches.by_version(project->branches.self, &version, 1, take_living, ret, err);
}

/* A process that shreds records first and destroys then: one that opens the store in between does it for the other, and is not to fail
 * because both do it at once. */
static bulla_code bury(bulla_project *project, uint64_t version, alive *a, uint64_t *ret_buried, bulla_error *err)
{
	TRY(read_living(project, version, a, err));
	if (a->identity.len == 0) return BULLA_OK;
	bulla_code code = end_branch(project, bulla_view_buf(&a->identity), a->state, err);
	++*ret_buried;
	if (code != BULLA_ERR_LOCKED && code != BULLA_ERR_CONFLICT) return code;
	bulla_error ignored;
	if (read_living(project, version, a, &ignored)) return code;
	return a->identity.len ? code : BULLA_OK;
}

bulla_code bulla_project_bury(bulla_project *project, const uint64_t *versions, size_t n, uint64_t *ret_buried, bulla_error *err)
{
	alive a = { 0 };
	bulla_code code = BULLA_OK;
	for (size_t i = 0; i < n && !code; i++)
		code = bury(project, versions[i], &a, ret_buried, err);
	bulla_buf_done(&a.identity);
	return code;
}

/* --- what the log says ------------------------------------------------------------------------------------------ */
#define DESTROYED_MAX (64u << 20) /* bytes: 8 million versions */

static bool read_version(const bulla_json *event, uint64_t *ret)
{
	bulla_bytes name, text;
	uint8_t version[8];
	if (!bulla_json_string(bulla_json_member(event, "eventName"), &name) || !bulla_bytes_is(name, "BranchDestroyed"))
		return false;
	if (!bulla_json_string(bulla_json_member(event, "material"), &text) || !bulla_hex_read(text, version, sizeof version))
		return false;
	*ret = bulla_get_u64(version);
	return true;
}

/* A later record of the same version whose outcome is an error takes it back. */
static void forget(bulla_buf *versions, uint64_t version)
{
	for (size_t at = 0; at < versions->len; at += 8)
		if (bulla_get_u64(versions->data + at) == version) bulla_put_u64(versions->data + at, 0);
}

static bulla_code read_event(void *self, uint64_t index, bulla_bytes entry, bulla_error *err)
{
	bulla_json *event = NULL;
	uint64_t version = 0;
	bulla_bytes outcome = { 0 };
	(void)index;
	if (!memmem(entry.data, entry.len, "BranchDestroyed", 15)) return BULLA_OK;
	TRY(bulla_json_parse(entry, &event, err));
	bulla_code code = BULLA_OK;
	if (read_version(event, &version) && bulla_json_string(bulla_json_member(event, "outcome"), &outcome)) {
		if (bulla_bytes_is(outcome, "ok"))
			code = bulla_buf_add_u64(self, version, err);
		else
			forget(self, version);
	}
	bulla_json_free(event);
	return code;
}

bulla_code bulla_project_bury_logged(bulla_project *project, uint64_t first, uint64_t end, uint64_t *ret_buried, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf versions = { .max = DESTROYED_MAX };
	alive a = { 0 };
	bulla_code code = bulla_log_each(project->log, first, end, read_event, &versions, err);
	for (size_t at = 0; at < versions.len && !code; at += 8)
		code = bury(project, bulla_get_u64(versions.data + at), &a, ret_buried, err);
	bulla_buf_done(&a.identity);
	return code;
}
