/*
 * proof.c - verifying up to the lock, and again what has changed until then.
 */
#include "db/proof.h"

#include <stdlib.h>
#include <sys/random.h>

#define ATTEMPTS_MAX 10 /* to find a moment in which no row changes between its verification and the lock */

static bulla_code init(bulla_proof *p, bool indexes, bulla_error *err)
{
	p->known = calloc(1, sizeof *p->known);
	p->now = calloc(1, sizeof *p->now);
	p->fresh = calloc(1, sizeof *p->fresh);
	if (!p->known || !p->now || !p->fresh) return bulla_fail_memory(err);
	if (getrandom(p->key.bytes, sizeof p->key.bytes, 0) != (ssize_t)sizeof p->key.bytes)
		return bulla_fail(err, BULLA_ERR_CRYPTO, "the system gives no random bytes");
	TRY(bulla_verify_init(&p->verify, p->run, 0, indexes, err));
	p->verify.phase = "checking";
	return BULLA_OK;
}

bulla_code bulla_proof_init(bulla_proof *proof, bulla_run *run, bool indexes, bulla_error *err)
{
	*proof = (bulla_proof){ .run = run };
	bulla_code code = init(proof, indexes, err);
	if (code) bulla_proof_done(proof);
	return code;
}

void bulla_proof_done(bulla_proof *proof)
{
	bulla_verify_done(&proof->verify);
	bulla_verified_done(&proof->found);
	free(proof->known);
	free(proof->now);
	free(proof->fresh);
	bulla_secret_wipe(&proof->key);
	*proof = (bulla_proof){ 0 };
}

/* Stored bytes only: nothing is opened, so nothing is asked of a KMS. */
static bulla_code look(bulla_proof *p, bulla_error *err)
{
	bulla_verified ignored = { 0 };
	bulla_verify_pass pass = { .evidence = p->now, .evidence_key = &p->key };
	*p->now = (bulla_evidence){ 0 };
	bulla_code code = bulla_verify_run(&p->verify, &pass, &ignored, err);
	bulla_verified_done(&ignored);
	return code;
}

/* As it is at one moment. */
static bulla_code look_once(bulla_proof *p, bulla_error *err)
{
	bulla_db *db = p->run->db;
	if (!p->verify.asks) return look(p, err); /* in the snapshot that is open */
	TRY(db->target->begin_read(db, err));
	bulla_code code = look(p, err);
	db->target->rollback(db);
	return code;
}

static void keep_evidence(bulla_proof *p)
{
	bulla_evidence *old = p->known;
	p->known = p->fresh;
	p->fresh = old;
}

static bulla_verify_pass pass_of(const bulla_proof *p)
{
	return (bulla_verify_pass){
		.open = true, .compare = p->compare, .paged = p->verify.asks, .evidence = p->fresh, .evidence_key = &p->key
	};
}

static bulla_code verify_all(bulla_proof *p, bulla_error *err)
{
	bulla_verify_pass pass = pass_of(p);
	TRY(bulla_run_count(p->run, &p->verify.total, err));
	TRY(bulla_verify_run(&p->verify, &pass, &p->found, err));
	TRY(p->judge(p->self, &p->found, err));
	p->whole = true;
	return BULLA_OK;
}

/* Only the rows that are no longer what was verified, and a few that share a sum with them. What counts is what they are when
 * they are opened: they may have changed again since they were looked at. */
static bulla_code verify_changed(bulla_proof *p, bulla_error *err)
{
	bulla_verified found = { 0 };
	bulla_verify_pass pass = pass_of(p);
	pass.known = p->known;
	pass.now = p->now;
	TRY(look_once(p, err));
	if (p->verify.asks) bulla_run_hook(p->run, "looked");
	bulla_evidence_keep_equal(p->fresh, p->known, p->now);
	bulla_code code = bulla_verify_run(&p->verify, &pass, &found, err);
	if (!code) code = p->judge(p->self, &found, err);
	p->whole = false;
	bulla_verified_done(&found);
	return code;
}

static bulla_code verify_marked(bulla_proof *p, bool first, bulla_error *err)
{
	TRY(p->run->db->target->mark(p->run->db, &p->mark, err));
	TRY(first ? verify_all(p, err) : verify_changed(p, err));
	keep_evidence(p);
	return BULLA_OK;
}

static bulla_code verify_once(bulla_proof *p, bool first, bulla_error *err)
{
	bulla_db *db = p->run->db;
	if (p->verify.asks) return verify_marked(p, first, err);
	TRY(bulla_verify_warm(&p->verify, err));
	TRY(db->target->begin_read(db, err));
	bulla_code code = verify_marked(p, first, err);
	db->target->rollback(db);
	return code;
}

/* Under the lock: is every row still what was verified? */
static bulla_code is_unchanged(bulla_proof *p, bool *ret, bulla_error *err)
{
	uint64_t mark;
	TRY(p->run->db->target->mark(p->run->db, &mark, err));
	*ret = mark == p->mark;
	if (*ret) return BULLA_OK;
	TRY(look(p, err));
	*ret = bulla_evidence_equal(p->known, p->now);
	return BULLA_OK;
}

/* One attempt under the lock. `ret_done` false: rows have changed, verify them first. */
static bulla_code try_act(bulla_proof *p, bool *ret_done, bulla_error *err)
{
	bulla_db *db = p->run->db;
	TRY(db->target->begin_write(db, err));
	bulla_run_hook(p->run, "locked");
	bulla_code code = is_unchanged(p, ret_done, err);
	if (!code && *ret_done) code = p->act(p->self, err);
	if (!code && *ret_done) return db->target->commit(db, err);
	db->target->rollback(db);
	return code;
}

bulla_code bulla_proof_run(bulla_proof *p, bulla_error *err)
{
	bool done = false;
	for (int attempt = 0; attempt < ATTEMPTS_MAX && !done; attempt++) {
		TRY(verify_once(p, attempt == 0, err));
		bool moved = false;
		bulla_run_hook(p->run, "checked");
		if (p->settle) TRY(p->settle(p->self, &moved, err));
		if (!moved) TRY(try_act(p, &done, err));
	}
	if (done) return BULLA_OK;
	bulla_code code = bulla_fail(err, BULLA_ERR_BUSY, "rows of table %s are written faster than they can be checked",
				     p->run->mapping.table->name);
	return bulla_advise(err, code, "nothing was dropped; run this again at a quieter time");
}
