/*
 * job.h - whole tables: plan, apply, verify, finish, undo, and reading them back (search, get, export, status).
 *
 * The library and the command line see only this header. Behind it lie one small table per database system (db/target.h) and
 * the bookkeeping in the target database: bulla_job, bulla_quarantine, bulla_report. No value of the user's data enters a
 * statement's text, an error or the bookkeeping.
 */
#ifndef DB_JOB_H
#define DB_JOB_H

#include "core/branch_store.h"
#include "core/reason.h"
#include "core/schema.h"
#include "io/patience.h"
#include "base/json.h"
#include "base/secret.h"

#include <bulla/batch.h>
#include <stdatomic.h>

/* Rows done of rows expected (0: unknown), called about ten times a second from the calling thread. */
typedef void (*bulla_progress)(void *self, const char *phase, uint64_t done, uint64_t total);

/* What every job needs; immutable while it runs. One thread calls; jobs make their own workers. */
typedef struct bulla_job {
	bulla_keyring *keyring; /* NULL only for plan and status without keys */
	const bulla_schema *schema;
	const bulla_branch_store *branches; /* for status, to tell rows under tombstones; may be NULL */
	const bulla_model *model;
	const char *url;          /* of the model's database, e.g. sqlite:app.db */
	const char *base_dir;     /* where relative paths start: the directory of bulla.yaml */
	const char *reports;      /* directory of signed reports, e.g. .bulla/reports */
	const uint8_t *sign_seed; /* Ed25519 seed, 32 bytes, that signs reports; NULL: unsigned is refused by verify */
	const char *sign_name;    /* the name in signatures: the log's origin */
	const char *principal;
	/* Writes an audit event about the job (JobStarted, JobFinished, RowsUnsealed, PlaintextDropped, CiphertextDropped, PlaintextRestored); may be NULL. */
	bulla_code (*record)(void *self, const char *operation, const char *detail, bulla_error *err);
	void *record_self;
	/* Was that version of a branch key ever used with this key store? Tells one that is gone from another store's. Any thread; may be
	 * NULL. */
	bool (*was_used)(void *self, uint64_t version);
	void *was_used_self;
	bulla_progress progress; /* may be NULL */
	void *progress_self;
	const atomic_bool *stop; /* set by SIGINT: end at the next checkpoint with INTERRUPTED; may be NULL */
	bulla_patience patience; /* for locks of the database, before LOCKED; preset: 30 s. `stop` ends a wait too */
	/* For tests that act between two steps: called with the step's name ("read", "sealed", "written", "filled",
	 * "round", "looked", "checked", "locked", "dropped", "purged"; of undo also "staged", "opened", "restored", "undone") in
	 * the calling thread, inside a transaction only for "locked" and "restored". May be NULL. */
	void (*hook)(void *self, const char *step);
	void *hook_self;
} bulla_job;

/* --- plan ------------------------------------------------------------------------------------------------------ */
/* Writes the whole plan as one JSON object to `out` (members listed in docs/PLAN.md): model, table, rows, per field:
 * nulls, empty, storage classes, longest, mean, ciphertext sizes, index leakage (distinct values, share of the most
 * frequent, entropy lost), collisions of a unique index under its normaliser; triggers that will fire, log settings, KMS
 * calls and cost, disk growth, seconds expected, fast and slow index cost; `refusals` (each with code, text, next) and
 * `warnings`; and "fingerprint", a hash over the table's definition and the model, by which apply --plan notices drift.
 * Reads only; one snapshot. */
BULLA_MUST bulla_code bulla_job_plan(const bulla_job *job, bulla_buf *out, size_t *ret_refusals, bulla_error *err);
/* plan --rehearse: runs the whole apply and verify on a copy of the database in a temporary file beside it, removes the
 * copy, and adds "rehearsal" {rows, seconds, quarantined, differences} to the plan. */
BULLA_MUST bulla_code bulla_job_rehearse(const bulla_job *job, bulla_buf *out, size_t *ret_refusals, bulla_error *err);

/* --- apply ----------------------------------------------------------------------------------------------------- */
typedef struct bulla_apply_options {
	const char *plan_fingerprint; /* DRIFT when the table is no longer the planned one; NULL: not checked */
	bool follow;                  /* go on sealing what writers leave unsealed until stopped */
	unsigned workers;             /* threads that seal; 0: one beside the writer */
	bool shadow;                  /* seal and compare everything, write nothing to the user's table */
	bool side_table;              /* keep the new columns in <table>_bulla, for code that inserts without column names */
	bool retry;                   /* only the rows in quarantine: sealed again, or opened where no plaintext is left */
	size_t batch_rows;            /* 0: chosen; tests make it small */
} bulla_apply_options;

typedef struct bulla_job_result {
	uint64_t rows;        /* in the table */
	uint64_t done;        /* sealed (apply), equal (verify) by this run */
	uint64_t already;     /* found done */
	uint64_t quarantined; /* in bulla_quarantine for this model after the run */
	uint64_t conflicts;   /* rows another writer changed meanwhile; taken again */
	uint64_t differences; /* verify: rows whose plaintext and ciphertext differ */
	uint64_t unsealed;    /* rows with plaintext and no ciphertext, after the run */
	uint64_t closing;     /* apply: of those, rows whose branch key takes no new records */
	uint64_t shredded;    /* verify: rows under a branch that was destroyed on purpose; no fault */
	uint64_t bytes;       /* ciphertext written */
	uint64_t retried;     /* apply with retry: rows of the quarantine that were taken again */
	double seconds;
	char report[512];  /* verify: path of the signed report */
	bool finished;     /* no plaintext column is left: verify opened every row, and had no plaintext to compare with */
	bool digest_known; /* finished: there is an earlier complete report whose signature is right ... */
	bool digest_equal; /* ... and every row still opens to the same values; writes since then make it false */
	uint64_t stale;    /* verify --strict: rows under a key that is no longer current, or with fewer wraps than min_wraps */
} bulla_job_result;

BULLA_MUST bulla_code bulla_job_apply(const bulla_job *job, const bulla_apply_options *options, bulla_job_result *ret,
				      bulla_error *err);

/* --- verify, finish -------------------------------------------------------------------------------------------- */
typedef struct bulla_verify_options {
	uint64_t sample;  /* 0: every row; else about that many, chosen at random; a sample does not allow finish */
	bool strict;      /* also fails on rows under previous keys and on records with fewer wraps than min_wraps */
	unsigned workers; /* 0: two */
} bulla_verify_options;

/* Compares plaintext and ciphertext of each row as bytes in one snapshot, or after finish opens every row and checks it
 * against the digest of the last report. BULLA_OK with differences > 0 means: verified, and it is wrong. */
BULLA_MUST bulla_code bulla_job_verify(const bulla_job *job, const bulla_verify_options *options, bulla_job_result *ret,
				       bulla_error *err);

typedef struct bulla_finish_options {
	int64_t settle_ms; /* the last plaintext-only write must be this long ago */
} bulla_finish_options;

/* Drops the plaintext. `out` receives a JSON array of what may still hold it elsewhere, each {"where","how_to_end"}.
 * REFUSED with the reason while something is unsealed, quarantined, unverified or written too recently. */
BULLA_MUST bulla_code bulla_job_finish(const bulla_job *job, const bulla_finish_options *options, bulla_job_result *ret,
				       bulla_buf *out, bulla_error *err);

/* --- rotate ---------------------------------------------------------------------------------------------------- */
typedef enum bulla_rotate_kind {
	BULLA_ROTATE_WRAP = 1,   /* wrapped keys only: new branch versions, new wraps by the KMS; fields are not touched */
	BULLA_ROTATE_DATA = 2,   /* new data keys: every field is opened and sealed again */
	BULLA_ROTATE_INDEX = 3,  /* new blind indexes; while the schema names the previous ones, both are searched */
	BULLA_ROTATE_CONTEXT = 4 /* what was sealed under another schema's names, types and contexts is sealed under this one's */
} bulla_rotate_kind;

typedef struct bulla_rotate_options {
	bulla_rotate_kind kind;
	bool catch_up;           /* wrap: no newer branch version, only what lies under older ones */
	const char *to;          /* this key must be among those that wrap: REFUSED otherwise; NULL: whichever do */
	const bulla_model *from; /* context: the model as it was; of a schema that outlives the job */
	bool several;            /* of several models: one for which there is nothing to do is passed over, not refused */
	int64_t settle_ms;       /* go on looking until so long after the beginning: writers may hold the older key for max_age */
	unsigned workers;        /* threads beside the caller's; 0: one */
	size_t batch_rows;       /* 0: chosen; tests make it small */
} bulla_rotate_options;

typedef struct bulla_rotate_result {
	uint64_t rows;
	uint64_t changed;     /* by this run */
	uint64_t done;        /* by this rotation, runs that were cut off included */
	uint64_t left;        /* rows that are still as they were and could not be changed: the wrap debt */
	uint64_t conflicts;   /* rows another writer changed meanwhile; taken again */
	uint64_t quarantined; /* in bulla_quarantine for this model after the run */
	uint64_t shredded;    /* rows under a branch key that was destroyed */
	uint64_t closing;     /* rows under a branch key that takes no new wraps */
	uint64_t unsealed;    /* rows with plaintext and no ciphertext: apply's */
	uint64_t moved;       /* branch and index keys that went over to other KMS keys, because the environment's have changed */
	uint64_t rounds;      /* passes over the table */
	uint64_t windows;     /* index: older indexes that the schema still names; they are written and searched too */
	bool passed_over;     /* nothing to do for this model: no wrapped keys, or the same context as before */
	bool resumed;         /* it went on with a rotation that had been cut off */
	double seconds;
} bulla_rotate_result;

/* Each page in one transaction with its checkpoint, each row on the exact bytes that were read; again and again until one pass over
 * the whole table finds nothing. New keys are durable and proven before the first row depends on one. Rows that do not open are put
 * aside and stay as they are. `out` receives a JSON array: records per key column and version, as the last pass found them.
 * REFUSED while another kind of rotation is under way. */
BULLA_MUST bulla_code bulla_job_rotate(const bulla_job *job, const bulla_rotate_options *options, bulla_rotate_result *ret,
				       bulla_buf *out, bulla_error *err);

/* The wrap debt: counts in `ret->left` the rows that `rotate --wrap --catch-up` would change. Writes nothing. */
BULLA_MUST bulla_code bulla_job_debt(const bulla_job *job, const bulla_rotate_options *options, bulla_rotate_result *ret,
				     bulla_buf *out, bulla_error *err);

/* --- undo ------------------------------------------------------------------------------------------------------ */
typedef struct bulla_undo_options {
	bool discard; /* before finish: keep the plaintext as it is, whatever the ciphertexts say; no key is used */
	const char *
		lost; /* after finish: what stands in NOT NULL columns without a default for values that are lost; NULL: REFUSED */
	unsigned workers;  /* threads that open; 0: one beside the writer */
	size_t batch_rows; /* 0: chosen; tests make it small */
} bulla_undo_options;

/* The table becomes what it was before the first apply. Before finish the plaintext is the truth: what the job added goes. After
 * it the ciphertexts are: rows are opened into a table beside the table (writers may go on), every row is verified, and then the
 * old definition with the plaintext in its place comes back in one transaction. A row that does not open is in quarantine, and
 * then nothing is changed: run it again. ret->done counts rows that were compared or verified.
 * `out` receives one JSON object: "was" (nothing, sealed, finished), "undone", "definition" (recorded, merged, schema), "lost" and
 * "lost_rows" (primary keys), "back", "missing", "gone" (each "kind", "name", "sql"), "refused" and "why" (rows that the old
 * definition does not take). REFUSED with the reason where something would be lost. */
BULLA_MUST bulla_code bulla_job_undo(const bulla_job *job, const bulla_undo_options *options, bulla_job_result *ret,
				     bulla_buf *out, bulla_error *err);

/* --- reading --------------------------------------------------------------------------------------------------- */
/* One decrypted record: column names and values; views that live until the callback returns. Returning an error ends the walk. */
typedef bulla_code (*bulla_record_each)(void *self, const char *const *names, const bulla_value *values, size_t n,
					bulla_error *err);

/* Rows whose field equals `value` under the index: found by the index, decrypted, compared. Hits that do not compare are
 * counted in `ret_false` (at 64 bits or more that is reported as tampering: AUTH). USAGE when the field has no index. */
BULLA_MUST bulla_code bulla_job_search(const bulla_job *job, const bulla_field *field, const bulla_value *value,
				       bulla_record_each each, void *self, uint64_t *ret_hits, uint64_t *ret_false,
				       bulla_error *err);

/* One record by primary key values in text form. NOT_FOUND. `fields` empty means all columns of the table but bulla's own. */
BULLA_MUST bulla_code bulla_job_get(const bulla_job *job, const bulla_bytes *pk, size_t pk_count, const char *const *fields,
				    size_t field_count, bulla_record_each each, void *self, bulla_error *err);

typedef struct bulla_exported {
	uint64_t rows;
	uint64_t failed;   /* did not open, and were left out */
	uint64_t shredded; /* hang from a branch that was destroyed on purpose: left out, which is no failure */
} bulla_exported;

/* Every record in the table's own order (that of the row id, or of the primary key), plaintext in the columns where it
 * was; a row that does not open is left out and does not stop the rest. */
BULLA_MUST bulla_code bulla_job_export(const bulla_job *job, bulla_record_each each, void *self, bulla_exported *ret,
				       bulla_error *err);

/* encrypt and decrypt with --model, --id and --field. None of them writes to the database.
 * seal_value appends what the field's column would hold for `plain`, sealed under the record's own key: NOT_FOUND when the record has none, TYPE for
 * text that is no value of the field's type. open_given opens such bytes; open_value what the record holds. */
BULLA_MUST bulla_code bulla_job_seal_value(const bulla_job *job, const bulla_bytes *pk, size_t pk_count, const bulla_field *field,
					   bulla_bytes plain, bulla_buf *out, bulla_error *err);
BULLA_MUST bulla_code bulla_job_open_given(const bulla_job *job, const bulla_bytes *pk, size_t pk_count, const bulla_field *field,
					   bulla_bytes ciphertext, bulla_buf *out, bulla_error *err);
BULLA_MUST bulla_code bulla_job_open_value(const bulla_job *job, const bulla_bytes *pk, size_t pk_count, const bulla_field *field,
					   bulla_buf *out, bulla_error *err);

/* Writes one JSON object: phase (planned, applying, applied, verified, dropped, finished, undoing), rows, per field: sealed, unsealed, null,
 * by key version; quarantine by reason; plaintext left; last plaintext-only write; workers. Needs no keys. */
BULLA_MUST bulla_code bulla_job_status(const bulla_job *job, bulla_buf *out, bulla_error *err);

/* One entry of the quarantine; views that live until the callback returns. `pk` is JSON: [7], ["a",42]; `kind` of the job that put the row
 * aside: apply, verify, rotate. */
typedef struct bulla_put_aside {
	bulla_bytes pk, field, reason, kind;
	int64_t at_ms;
} bulla_put_aside;

/* Every entry of the model, by primary key, then field. Needs no keys. Returning an error ends the walk. */
BULLA_MUST bulla_code bulla_job_quarantine(const bulla_job *job,
					   bulla_code (*each)(void *self, const bulla_put_aside *entry, bulla_error *err),
					   void *self, bulla_error *err);

/* What `doctor` asks of one model, as one JSON object: model, table, phase, ready, owner, alive, heartbeat_seconds_ago, unsealed (found
 * through the queue), quarantine, guards (triggers that are missing, changed or left over), newest_ms (the newest time that the
 * bookkeeping knows), database (see target.h). Needs no keys, changes nothing. */
BULLA_MUST bulla_code bulla_job_examine(const bulla_job *job, bulla_buf *out, bulla_error *err);

/* What `init` needs: the tables of a database and proposals for the given fields, as a JSON object
 * {"table","primary_key","context", "fields":[{"name","type",...}],"warnings":[...]}; REFUSED or NOT_FOUND with what to
 * do. */
BULLA_MUST bulla_code bulla_database_propose(const char *url, const char *base_dir, const char *table, const char *const *fields,
					     size_t n, bulla_buf *out, bulla_error *err);

/* --- scan ------------------------------------------------------------------------------------------------------- */
#define BULLA_DISCOVERY_ROWS 1000 /* of each table, by default */

typedef struct bulla_discovery {
	const char *name; /* of the database in bulla.yaml, or whatever it shall be called */
	const char *url;
	const char *base_dir;
	const bulla_schema *schema; /* tells which columns a model covers; may be NULL */
	const char *const *tables;  /* only these; table_count 0: all */
	size_t table_count;
	uint64_t sample; /* rows of each table */
	bulla_patience patience;
	bulla_progress progress; /* may be NULL */
	void *progress_self;
	const atomic_bool *stop; /* may be NULL */
} bulla_discovery;

/* Writes what looks like personal data in the clear as one JSON object: database, findings (table, column, kind, label,
 * confidence, because, values, matching, model, obstacle, proposed), tables, columns, sealed_columns, rows. Columns that hold what a
 * model has sealed are not looked at. Never a value. */
BULLA_MUST bulla_code bulla_database_discover(const bulla_discovery *what, bulla_buf *out, bulla_error *err);

#endif
