/*
 * sqlite_condition.c - what is worth knowing of a database file: sizes, space, who may read it.
 */
#include "db/sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static void put_free(bulla_json_writer *out, const char *name, const char *path)
{
	struct statvfs there;
	if (statvfs(path, &there) == 0) bulla_json_put_int(out, name, (int64_t)(there.f_bavail * there.f_frsize));
}

/* Where SQLite puts the copy that VACUUM builds: the first that can be written. */
static const char *temporary(void)
{
	const char *places[] = { getenv("SQLITE_TMPDIR"), getenv("TMPDIR"), "/var/tmp", "/usr/tmp", "/tmp" };
	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		if (places[i] && access(places[i], W_OK | X_OK) == 0) return places[i];
	return ".";
}

bulla_code bulla_lite_condition(bulla_db *db, bulla_json_writer *out, bulla_error *err)
{
	bulla_lite *s = bulla_lite_of(db);
	struct stat st;
	char wal[4096];
	uint64_t bytes = 0;
	TRY(db->target->size(db, &bytes, err));
	bulla_json_put_str(out, "file", s->path);
	bulla_json_put_int(out, "bytes", (int64_t)bytes);
	put_free(out, "free_bytes", s->path);
	bulla_json_put_str(out, "temporary", temporary());
	put_free(out, "temporary_free_bytes", temporary());
	(void)snprintf(wal, sizeof wal, "%s-wal", s->path);
	if (stat(wal, &st) == 0) bulla_json_put_int(out, "wal_bytes", (int64_t)st.st_size);
	if (stat(s->path, &st) == 0) {
		bulla_json_put_bool(out, "others_read", (st.st_mode & S_IROTH) != 0);
		bulla_json_put_bool(out, "others_write", (st.st_mode & S_IWOTH) != 0);
	}
	return BULLA_OK;
}
