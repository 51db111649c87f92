/*
 * sqlite_ours.c - which triggers and indexes a job has made: told by name and text together, since anybody may use a name.
 *
 * The text is compared in what never changes: what an older release made, for other fields or before the table was renamed,
 * is ours too.
 */
#include "db/sqlite.h"

#include <string.h>

static const struct kind {
	const char *prefix; /* of the name; the table follows, and in some a field or column */
	const char *before; /* of the text, up to the name */
	const char *after;  /* what follows the name ... */
	const char *within; /* ... and what comes somewhere behind that */
} kinds[] = {
	{ "bulla_field.", "CREATE TRIGGER ", " AFTER UPDATE OF \"", " BEGIN UPDATE \"" },
	{ "bulla_unseal.", "CREATE TRIGGER ", " AFTER UPDATE OF \"", " BEGIN UPDATE \"" },
	{ "bulla_guard.", "CREATE TRIGGER ", " BEFORE UPDATE OF \"", " BEGIN SELECT CASE WHEN " },
	{ "bulla_guard_insert.", "CREATE TRIGGER ", " AFTER INSERT ON \"", " BEGIN SELECT RAISE(ABORT, 'bulla: " },
	{ "bulla_guard_context.", "CREATE TRIGGER ", " BEFORE UPDATE OF \"", " BEGIN SELECT RAISE(ABORT, 'bulla: " },
	{ "bulla_insert.", "CREATE TRIGGER ", " AFTER INSERT ON \"", " BEGIN DELETE FROM \"" },
	{ "bulla_delete.", "CREATE TRIGGER ", " AFTER DELETE ON \"", " BEGIN DELETE FROM \"" },
	{ "bulla_move.", "CREATE TRIGGER ", " AFTER UPDATE OF \"", " BEGIN DELETE FROM \"" },
	{ "bulla_evict_insert.", "CREATE TRIGGER ", " BEFORE INSERT ON \"", " BEGIN DELETE FROM \"" },
	{ "bulla_evict_update.", "CREATE TRIGGER ", " BEFORE UPDATE OF \"", " BEGIN DELETE FROM \"" },
	{ "bulla_window.", "CREATE TRIGGER ", " AFTER UPDATE OF \"", " BEGIN UPDATE \"" },
	{ "bulla_window_old.", "CREATE TRIGGER ", " AFTER UPDATE OF \"", " BEGIN UPDATE \"" },
	{ "bulla_undo_insert.", "CREATE TRIGGER ", " AFTER INSERT ON \"", " BEGIN DELETE FROM \"bulla_undo." },
	{ "bulla_undo_delete.", "CREATE TRIGGER ", " AFTER DELETE ON \"", " BEGIN DELETE FROM \"bulla_undo." },
	{ "bulla_undo_sealed.", "CREATE TRIGGER ", " AFTER UPDATE OF \"", " BEGIN DELETE FROM \"bulla_undo." },
	{ "bulla_undo_moved.", "CREATE TRIGGER ", " AFTER UPDATE OF \"", " BEGIN DELETE FROM \"bulla_undo." },
	{ "bulla_queue.", "CREATE INDEX ", " ON \"", " WHERE " },
	{ "bulla_index.", "CREATE INDEX ", " ON \"", "\")" },
	{ "bulla_index.", "CREATE UNIQUE INDEX ", " ON \"", "\")" },
	{ "bulla_census.", "CREATE INDEX ", " ON \"", "\"(substr(\"" },
};
#define KINDS (sizeof kinds / sizeof *kinds)

static bool take(const char **text, const char *expected)
{
	size_t n = strlen(expected);
	bool begins = strncmp(*text, expected, n) == 0;
	if (begins) *text += n;
	return begins;
}

/* The name in quotes, those inside it doubled, as a job writes it and SQLite keeps it. Without memory of its own: where that is short, ours must
 * not pass for somebody else's. */
static bool take_name(const char **text, const char *name)
{
	const char *at = *text;
	if (*at++ != '"') return false;
	for (; *name; name++) {
		if (*at++ != *name) return false;
		if (*name == '"' && *at++ != '"') return false;
	}
	if (*at++ != '"') return false;
	*text = at;
	return true;
}

static bool is_kind(const struct kind *kind, const char *name, const char *sql)
{
	return strncmp(name, kind->prefix, strlen(kind->prefix)) == 0 && take(&sql, kind->before) && take_name(&sql, name) &&
	       take(&sql, kind->after) && strstr(sql, kind->within);
}

bool bulla_lite_is_ours(const char *name, const char *sql)
{
	for (size_t i = 0; i < KINDS; i++)
		if (is_kind(&kinds[i], name, sql ? sql : "")) return true;
	return false;
}

bool bulla_lite_is_reserved(const char *name, const char *table)
{
	for (size_t i = 0; i < KINDS; i++) {
		size_t prefix = strlen(kinds[i].prefix), n = strlen(table);
		if (sqlite3_strnicmp(name, kinds[i].prefix, (int)prefix) != 0) continue;
		if (sqlite3_strnicmp(name + prefix, table, (int)n) != 0) continue;
		if (name[prefix + n] == 0 || name[prefix + n] == '.') return true;
	}
	return false;
}
