/*
 * sqlite_purge.c - making dropped plaintext disappear from the database's own files, and copying a database for a rehearsal.
 */
#include "db/sqlite.h"

#include "db/book.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- files ------------------------------------------------------------------------------------------------------ */

static bulla_code zero_fd(int fd, const char *path, bulla_error *err)
{
	static const uint8_t zeros[65536];
	struct stat st;
	if (fstat(fd, &st)) return bulla_fail_errno(err, errno, "cannot examine %s", path);
	for (off_t left = st.st_size; left > 0;) {
		ssize_t n = write(fd, zeros, left < (off_t)sizeof zeros ? (size_t)left : sizeof zeros);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return bulla_fail_errno(err, errno, "cannot overwrite %s", path);
		left -= n;
	}
	return fdatasync(fd) ? bulla_fail_errno(err, errno, "cannot overwrite %s", path) : BULLA_OK;
}

/* Overwrites a file in its place. One that does not exist is fine. */
static bulla_code zero_file(const char *path, bulla_error *err)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) return errno == ENOENT ? BULLA_OK : bulla_fail_errno(err, errno, "cannot overwrite %s", path);
	bulla_code code = zero_fd(fd, path, err);
	(void)close(fd);
	return code;
}

static bulla_code zero_beside(const char *path, const char *suffix, bool delete_, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf name = { 0 };
	TRY(bulla_buf_printf(&name, err, "%s%s", path, suffix));
	TRY(bulla_buf_terminate(&name, err));
	TRY(zero_file((const char *)name.data, err));
	if (delete_) (void)unlink((const char *)name.data);
	return BULLA_OK;
}

/* --- purging ---------------------------------------------------------------------------------------------------- */

static bulla_code read_word(bulla_lite *s, const char *pragma, char *ret, size_t size, bulla_error *err)
{
	BULLA_STMT_AUTO *stmt = NULL;
	TRY(bulla_lite_prepare(s, sqlite3_mprintf("PRAGMA %s", pragma), &stmt, err));
	int rc = sqlite3_step(stmt);
	const char *word = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
	snprintf(ret, size, "%s", word ? word : "");
	return rc == SQLITE_ROW ? BULLA_OK : bulla_lite_fail(s, rc, err, "read a setting of the database");
}

static bulla_code is_wal(bulla_lite *s, bool *ret, bulla_error *err)
{
	char mode[16];
	TRY(read_word(s, "journal_mode", mode, sizeof mode, err));
	*ret = strcmp(mode, "wal") == 0;
	return BULLA_OK;
}

/* The old table_alter rules leave views and triggers alone, which the fallout sees to. The journal of this session is kept
 * to be overwritten: a deleted one could not be. Only WAL is a property of the file, so the user's mode stays what it was. */
bulla_code bulla_lite_prepare_drop(bulla_db *db, bulla_error *err)
{
	bulla_lite *s = bulla_lite_of(db);
	bool wal;
	TRY(bulla_lite_execf(s, err, "PRAGMA foreign_keys=OFF; PRAGMA legacy_alter_table=ON; PRAGMA secure_delete=ON"));
	TRY(is_wal(s, &wal, err));
	return wal ? BULLA_OK : bulla_lite_execf(s, err, "PRAGMA journal_mode=PERSIST");
}

static bulla_code vacuum(bulla_lite *s, bulla_error *err)
{
	BULLA_STMT_AUTO *stmt = NULL;
	/* VACUUM builds its copy in a temporary file, as large as the database: without what was dropped, but with the plaintext
	 * of other models that are not finished. SQLite deletes it and overwrites nothing, so its blocks are told as remains. */
	TRY(bulla_lite_execf(s, err, "PRAGMA temp_store=FILE"));
	TRY(bulla_lite_prepare(s, sqlite3_mprintf("VACUUM"), &stmt, err));
	TRY(bulla_lite_wait(s, stmt, "rewrite the database", NULL, err));
	return bulla_lite_execf(s, err, "PRAGMA temp_store=MEMORY");
}

static bulla_code truncate_wal(bulla_lite *s, bulla_error *err)
{
	BULLA_STMT_AUTO *stmt = NULL;
	int64_t busy = 1;
	bulla_wait wait = bulla_wait_now();
	char holder[BULLA_HOLDER_MAX];
	TRY(bulla_lite_prepare(s, sqlite3_mprintf("PRAGMA wal_checkpoint(TRUNCATE)"), &stmt, err));
	for (;;) {
		TRY(bulla_lite_wait(s, stmt, "empty the write-ahead log", &busy, err));
		if (!busy) return BULLA_OK;
		if (!bulla_lite_wait_on(s, &wait)) break;
	}
	bulla_code code =
		bulla_fail(err, BULLA_ERR_LOCKED, "the write-ahead log cannot be emptied: %s still reads an old snapshot",
			   bulla_lock_holder_text(s->path, holder));
	return bulla_advise(err, code, "end the long transaction of the other program and run this again: it goes on from here");
}

/* Under an exclusive lock nobody uses the journal, and a hot one has been rolled back. Deleted by SQLite, which has it open. */
static bulla_code wipe_journal(bulla_lite *s, bulla_error *err)
{
	BULLA_STMT_AUTO *begin = NULL;
	TRY(bulla_lite_prepare(s, sqlite3_mprintf("BEGIN EXCLUSIVE"), &begin, err));
	TRY(bulla_lite_wait(s, begin, "lock the database", NULL, err));
	bulla_code code = zero_beside(s->path, "-journal", false, err);
	s->db.target->rollback(&s->db);
	TRY(code);
	TRY(bulla_lite_execf(s, err, "PRAGMA journal_mode=DELETE"));
	BULLA_BUF_AUTO bulla_buf name = { 0 };
	TRY(bulla_buf_printf(&name, err, "%s-journal", s->path));
	TRY(bulla_buf_terminate(&name, err));
	if (access((const char *)name.data, F_OK) != 0) return BULLA_OK;
	code = bulla_fail(err, BULLA_ERR_LOCKED, "the journal of the database cannot be deleted: another connection is using it");
	return bulla_advise(err, code, "run this again: it goes on from here");
}

bulla_code bulla_lite_purge(bulla_db *db, bulla_error *err)
{
	bulla_lite *s = bulla_lite_of(db);
	bool wal;
	TRY(bulla_lite_prepare_drop(db, err));
	TRY(is_wal(s, &wal, err));
	TRY(vacuum(s, err));
	return wal ? truncate_wal(s, err) : wipe_journal(s, err);
}

/* --- what is left elsewhere --------------------------------------------------------------------------------------- */

static void tell(bulla_json_writer *out, const char *where, const char *how)
{
	bulla_json_open(out, NULL, '{');
	bulla_json_put_str(out, "where", where);
	bulla_json_put_str(out, "how_to_end", how);
	bulla_json_close(out, '}');
}

static const struct {
	const char *where, *how;
} always[] = {
	{ "backups and copies of the database file, replicas, and archives of its write-ahead log",
	  "make new ones from now on, and destroy the old ones" },
	{ "snapshots of the file system, and blocks of the disk that deleted journals, logs and temporary files have left free",
	  "delete the snapshots, then trim or overwrite the free space (fstrim; on a disk without trim: fill it once)" },
	{ "temporary files, swap and core dumps of programs that read the table", "restart them, and use encrypted swap" },
	{ "memory of programs that have the database open", "restart them" },
	{ "logs, caches, exports and search engines of the application", "look for the values there: bulla cannot see them" },
};

static bulla_code tell_column(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	bulla_json_writer *out = self;
	char where[512];
	(void)n;
	(void)err;
	snprintf(where, sizeof where, "column %.*s of table %.*s, which has the same name", (int)values[1].bytes.len,
		 (const char *)values[1].bytes.data, (int)values[0].bytes.len, (const char *)values[0].bytes.data);
	tell(out, where, "look at it: if it is a copy, make it a field of a model of its own, or drop it");
	return BULLA_OK;
}

static bulla_code tell_namesakes(bulla_db *db, const bulla_mapping *m, const bulla_field *field, bulla_json_writer *out,
				 bulla_error *err)
{
	bulla_value args[] = { { .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str(field->plaintext) },
			       { .kind = BULLA_KIND_TEXT, .bytes = bulla_view_str(m->table->name) } };
	return db->target->run(
		db,
		"SELECT t.name, c.name FROM pragma_table_list AS t JOIN pragma_table_xinfo(t.name) AS c WHERE t.schema = 'main'"
		" AND t.type IN ('table', 'virtual') AND c.name = ? COLLATE NOCASE AND t.name <> ? COLLATE NOCASE"
		" AND t.name NOT LIKE 'bulla\\_%' ESCAPE '\\' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY t.name",
		args, 2, tell_column, out, NULL, err);
}

static bulla_code tell_statistics(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	(void)n;
	(void)err;
	if (values[0].integer)
		tell(self, "sqlite_stat4, which samples values of indexed columns",
		     "run: DELETE FROM sqlite_stat4; ANALYZE; VACUUM");
	return BULLA_OK;
}

static bulla_code tell_unfinished(void *self, const bulla_value *values, size_t n, bulla_error *err)
{
	bulla_json_writer *out = self;
	char where[512];
	(void)n;
	(void)err;
	snprintf(where, sizeof where,
		 "plaintext of model %.*s, which is not finished: in this database, and in the free blocks of the copy that was "
		 "made to rewrite it",
		 (int)values[0].bytes.len, (const char *)values[0].bytes.data);
	tell(out, where, "finish that model too, and trim or overwrite the free space after the last one");
	return BULLA_OK;
}

/* The file is rewritten whole, with what other models still have in it. */
static bulla_code tell_models(bulla_db *db, const bulla_mapping *m, bulla_json_writer *out, bulla_error *err)
{
	bool exists;
	bulla_value args[] = { bulla_value_text(m->model->key), bulla_value_text(bulla_phase_name(BULLA_PHASE_DROPPED)),
			       bulla_value_text(bulla_phase_name(BULLA_PHASE_FINISHED)) };
	TRY(bulla_book_exists(db, &exists, err));
	if (!exists) return BULLA_OK;
	return db->target->run(db, "SELECT model FROM bulla_job WHERE model <> ? AND phase NOT IN (?, ?) ORDER BY model", args, 3,
			       tell_unfinished, out, NULL, err);
}

bulla_code bulla_lite_remains(bulla_db *db, const bulla_mapping *mapping, bulla_json_writer *out, bulla_error *err)
{
	char where[512];
	for (size_t i = 0; i < mapping->table->search_count; i++) {
		snprintf(where, sizeof where, "virtual table %s, made over this table", mapping->table->searches[i].name);
		tell(out, where, "a full-text index holds every word: drop it, and VACUUM");
	}
	for (size_t i = 0; i < mapping->table->trigger_count; i++) {
		const bulla_table_trigger *trigger = &mapping->table->triggers[i];
		if (!trigger->here || trigger->ours) continue;
		snprintf(where, sizeof where, "tables that trigger %s has written to", trigger->name);
		tell(out, where, "look at what it copied, such as a history of changes");
	}
	for (size_t i = 0; i < mapping->model->field_count; i++)
		TRY(tell_namesakes(db, mapping, &mapping->model->fields[i], out, err));
	TRY(db->target->run(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_stat4'", NULL, 0, tell_statistics, out,
			    NULL, err));
	TRY(tell_models(db, mapping, out, err));
	for (size_t i = 0; i < sizeof always / sizeof *always; i++)
		tell(out, always[i].where, always[i].how);
	return BULLA_OK;
}

/* --- rehearsal --------------------------------------------------------------------------------------------------- */

static bulla_code copy_pages(bulla_lite *s, sqlite3 *to, bulla_error *err)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", s->handle, "main");
	if (!backup) return bulla_lite_fail(s, sqlite3_errcode(to), err, "copy the database");
	int rc;
	bulla_wait wait = bulla_wait_now();
	do {
		rc = sqlite3_backup_step(backup, -1); /* in one go: what writers do meanwhile must not begin it again for ever */
		if ((rc == SQLITE_BUSY || rc == SQLITE_LOCKED) && bulla_lite_wait_on(s, &wait))
			(void)sqlite3_sleep(50);
		else
			break;
	} while (true);
	int finished = sqlite3_backup_finish(backup);
	if (rc == SQLITE_DONE && finished == SQLITE_OK) return BULLA_OK;
	return bulla_lite_fail(s, rc == SQLITE_DONE ? finished : rc, err, "copy the database");
}

static bulla_code copy_to(bulla_lite *s, const char *path, bulla_error *err)
{
	sqlite3 *to = NULL;
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600); /* as readable as plaintext should be */
	if (fd < 0) return bulla_fail_errno(err, errno, "cannot make a copy of the database at %s", path);
	(void)close(fd);
	int rc = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	bulla_code code = rc == SQLITE_OK ? copy_pages(s, to, err) : bulla_lite_fail(s, rc, err, "copy the database");
	(void)sqlite3_close(to);
	return code;
}

bulla_code bulla_lite_copy(bulla_db *db, char **ret_url, bulla_error *err)
{
	bulla_lite *s = bulla_lite_of(db);
	char *url = NULL,
	     *path = realpath(s->path, NULL); /* whole: whoever opens the URL may have another directory to start from */
	if (!path) return bulla_fail_errno(err, errno, "cannot find %s", s->path);
	int n = asprintf(&url, "sqlite:%s.bulla-rehearsal-%ld", path, (long)getpid());
	free(path);
	if (n < 0) return bulla_fail_memory(err);
	bulla_code code = copy_to(s, url + strlen("sqlite:"), err);
	if (!code) {
		*ret_url = url;
		return BULLA_OK;
	}
	if (code != BULLA_ERR_EXISTS) bulla_lite_discard(url);
	free(url);
	return code;
}

/* It holds all the plaintext: it is overwritten before it is deleted. */
void bulla_lite_discard(const char *url)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		bulla_error ignored;
		if (zero_beside(url + strlen("sqlite:"), suffixes[i], true, &ignored)) continue;
	}
}
