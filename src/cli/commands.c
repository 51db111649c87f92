/*
 * commands.c - the table of commands: one row each.
 */
#include "cli/commands.h"

#define JOB     "The job"
#define READING "Reading"
#define VALUES  "Single values"
#define KEYS    "Keys"
#define AUDIT   "Audit"
#define OTHER   "Other"
#define ANY     BULLA_ARGUMENTS_MAX
#define NOTHING NULL

const bulla_command bulla_commands[] = {
	{ JOB, "init", "", "write bulla.yaml; make the key store, a first key, the root key's escrow", bulla_options_init, 0, 0,
	  false, bulla_run_init },
	{ JOB, "plan", "[MODEL]", "show everything about a job before any write", bulla_options_plan, 0, 1, true,
	  bulla_run_plan },
	{ JOB, "apply", "[MODEL]", "add ciphertext columns, fill them, keep up with writers", bulla_options_apply, 0, 1, true,
	  bulla_run_apply },
	{ JOB, "verify", "[MODEL]", "compare every row with what was there; write a signed report", bulla_options_verify, 0, 1,
	  true, bulla_run_verify },
	{ JOB, "finish", "[MODEL]", "drop the plaintext, rewrite the table", bulla_options_finish, 0, 1, true, bulla_run_finish },
	{ JOB, "rotate", "[MODEL]", "new wraps, new data keys, new indexes, for every row", bulla_options_rotate, 0, 1, true,
	  bulla_run_rotate },
	{ JOB, "shred", "[MODEL ID]", "end a subject: destroy its branch key, clear its rows, prove it", bulla_options_shred, 0,
	  2, true, bulla_run_shred },
	{ JOB, "undo", "[MODEL]", "back, before finish and after it", bulla_options_undo, 0, 1, true, bulla_run_undo },
	{ JOB, "status", "[MODEL]", "coverage, quarantine, plaintext left", bulla_options_status, 0, 1, true, bulla_run_status },
	{ JOB, "scan", "", "columns that look like personal data in the clear, in whole databases", bulla_options_scan, 0, 0,
	  true, bulla_run_scan },

	{ READING, "search", "MODEL FIELD [VALUE]", "find rows through a blind index", bulla_options_search, 2, 3, false,
	  bulla_run_search },
	{ READING, "get", "MODEL [ID] [FIELD...]", "one record, decrypted", bulla_options_get, 1, ANY, false, bulla_run_get },
	{ READING, "export", "MODEL", "every record, decrypted, as CSV or JSON lines", NOTHING, 1, 1, false, bulla_run_export },

	{ VALUES, "encrypt", "", "stdin to a box, or into one field of a record", bulla_options_encrypt, 0, 0, false,
	  bulla_run_encrypt },
	{ VALUES, "decrypt", "", "a box on stdin, or one field of a record, to stdout", bulla_options_decrypt, 0, 0, false,
	  bulla_run_decrypt },
	{ VALUES, "inspect", "[CIPHERTEXT]", "what is this, told without any key", NOTHING, 0, 1, false, bulla_run_inspect },

	{ KEYS, "key list", "", "the keys of the local key store", NOTHING, 0, 0, false, bulla_run_key_list },
	{ KEYS, "key create", "[NAME]", "a new key, named alias/NAME", bulla_options_key_create, 0, 1, false,
	  bulla_run_key_create },
	{ KEYS, "key rotate", "KEY", "new material, now or by schedule; touches no row", bulla_options_key_rotate, 1, 1, false,
	  bulla_run_key_rotate },
	{ KEYS, "key enable", "[KEY]", "let a key, or a branch key, be used again", bulla_options_key_enable, 0, 1, false,
	  bulla_run_key_enable },
	{ KEYS, "key disable", "KEY", "refuse every use of a key", NOTHING, 1, 1, false, bulla_run_key_disable },
	{ KEYS, "key close", "[KEY]", "no new wraps under a key; its branch keys go to the keys of bulla.yaml",
	  bulla_options_key_close, 0, 1, false, bulla_run_key_close },
	{ KEYS, "key delete", "KEY", "the next step of retiring a key, if nothing refers to it any more",
	  bulla_options_key_delete, 1, 1, false, bulla_run_key_delete },
	{ KEYS, "key census", "[KEY]", "what hangs from which key: rows, branch and index keys; not boxes and backups",
	  bulla_options_key_census, 0, 1, true, bulla_run_key_census },
	{ KEYS, "kms backup", "[FILE]", "a proven copy of the key store", bulla_options_kms_backup, 0, 1, false,
	  bulla_run_kms_backup },
	{ KEYS, "kms restore", "FILE", "put a copy in the place of the key store", bulla_options_kms_restore, 1, 1, false,
	  bulla_run_kms_restore },
	{ KEYS, "kms rekey", "", "a new root key and a new escrow", bulla_options_kms_rekey, 0, 0, false, bulla_run_kms_rekey },
	{ KEYS, "kms serve", "", "the key store as a key server: AWS KMS's protocol over HTTP", bulla_options_kms_serve, 0, 0,
	  true, bulla_run_kms_serve },
	{ KEYS, "kms principal", "add|list|set|rotate|enable|disable|remove|can [NAME]...",
	  "who may come to a key server, with which access keys; what one may", bulla_options_kms_principal, 1, 4, false,
	  bulla_run_kms_principal },
	{ KEYS, "kms policy", "put|list|show|remove PRINCIPAL [NAME|FILE]", "the IAM policies of a principal",
	  bulla_options_kms_policy, 1, 3, false, bulla_run_kms_policy },
	{ KEYS, "kms freeze", "", "no decryption from now on: of everything, of a key, by a principal", bulla_options_kms_freeze,
	  0, 0, false, bulla_run_kms_freeze },
	{ KEYS, "kms thaw", "", "end a freeze", bulla_options_kms_thaw, 0, 0, false, bulla_run_kms_thaw },
	{ KEYS, "kms status", "", "what is frozen, who may come, how many keys, of a store or a server", bulla_options_kms_status,
	  0, 0, false, bulla_run_kms_status },

	{ AUDIT, "audit show", "", "the newest events", bulla_options_audit_show, 0, 0, false, bulla_run_audit_show },
	{ AUDIT, "audit lookup", "", "the events that match", bulla_options_audit_lookup, 0, 0, false, bulla_run_audit_lookup },
	{ AUDIT, "audit verify", "", "recompute the log, compare it with all who have seen it", bulla_options_audit_verify, 0, 0,
	  false, bulla_run_audit_verify },
	{ AUDIT, "audit export", "", "every event as JSON lines, or the log as static files", bulla_options_audit_export, 0, 0,
	  false, bulla_run_audit_export },
	{ AUDIT, "audit adopt", "", "go on after the log and the key store fell apart", bulla_options_audit_adopt, 0, 0, false,
	  bulla_run_audit_adopt },

	{ OTHER, "doctor", "", "what is wrong with this installation, and how to mend it", bulla_options_doctor, 0, 0, false,
	  bulla_run_doctor },
	{ OTHER, "help", "[COMMAND]", "this text, or that of one command", bulla_options_help, 0, 2, false, bulla_run_help },
	{ OTHER, "version", "", "the release", NOTHING, 0, 0, false, bulla_run_version },
	{ NULL },
};

const bulla_option bulla_global_options[] = {
	{ "config", 'c', "FILE", "bulla.yaml; default: $BULLA_CONFIG, else ./bulla.yaml" },
	{ "env", 'e', "NAME", "the environment; default: $BULLA_ENV, else development" },
	{ "json", 'j', NULL, "answer in JSON on stdout" },
	{ "lock-wait", 0, "TIME", "wait so long for a lock, then fail; default: 30s for a database, 10s for the key store" },
	{ "quiet", 'q', NULL, "no progress, no hints" },
	{ "no-color", 0, NULL, "no colours (also with NO_COLOR set)" },
	{ "help", 'h', NULL, "what a command does" },
	{ "version", 'V', NULL, "the release" },
	{ NULL },
};
