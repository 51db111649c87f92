/*
 * log_recount.c - the tree of a log made again from its entries.
 */
#include "io/log_recount.h"
#include "base/cursor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define TILE_BYTES (BULLA_TILE_WIDTH * BULLA_HASH_SIZE)

void bulla_recount_done(bulla_recount *recount)
{
	bulla_buf_done(&recount->bundle);
	bulla_buf_done(&recount->hashes);
	bulla_buf_done(&recount->scratch);
}

/* --- one file against what it must hold --------------------------------------------------------------------------------- */

/* A tile or bundle, and the entries under it: those of its i-th unit begin at first + i * span. */
typedef struct subject {
	char name[BULLA_TILE_PATH_MAX];
	int level;
	uint64_t first, span;
} subject;

static subject subject_of(int level, uint64_t index, unsigned width)
{
	subject s = { .level = level };
	const unsigned shift = level > 0 ? BULLA_TILE_BITS * (unsigned)level : 0;
	bulla_tile_path(level, index, width, s.name);
	s.first = index << BULLA_TILE_BITS << shift;
	s.span = UINT64_C(1) << shift;
	return s;
}

/* Which entry of a run of them, or which hash, has the byte at `at`. */
static uint64_t unit_at(const subject *s, bulla_bytes right, size_t at)
{
	uint64_t unit = 0;
	if (s->level != BULLA_TILE_ENTRIES) return at / BULLA_HASH_SIZE;
	for (size_t end = 0; end + 2 <= right.len; unit++) {
		end += 2u + bulla_get_u16(right.data + end);
		if (at < end) break;
	}
	return unit;
}

/* `have` must be `right`; with `is_longer` it may go on. */
static bulla_code compare(bulla_recount *r, const subject *s, bulla_bytes have, bulla_bytes right, bool is_longer)
{
	const size_t n = have.len < right.len ? have.len : right.len;
	size_t same = 0;
	while (same < n && have.data[same] == right.data[same])
		same++;
	if (same == right.len && (is_longer || have.len == right.len)) return BULLA_OK;

	const uint64_t first = s->first + unit_at(s, right, same) * s->span;
	if (s->span == 1)
		return bulla_log_find(r->report, first, first, "entry %" PRIu64 " and %s contradict each other", first, s->name);
	return bulla_log_find(r->report, first, first + s->span - 1,
			      "entries %" PRIu64 " to %" PRIu64 " and %s contradict each other", first, first + s->span - 1,
			      s->name);
}

/* Reads a file into the scratch buffer; one of a size that no such file has is a finding like a missing one. */
static bulla_code load(bulla_recount *r, const subject *s, bool *ret_found, bulla_error *err)
{
	r->scratch.len = 0;
	bulla_code code = bulla_log_read_file(r->dir, s->name, &r->scratch, err);
	*ret_found = code == BULLA_OK;
	return code == BULLA_ERR_NOT_FOUND || code == BULLA_ERR_LIMIT || code == BULLA_ERR_CORRUPT ? BULLA_OK : code;
}

static bulla_code missing(bulla_recount *r, const subject *s, uint64_t units)
{
	return bulla_log_find(r->report, s->first, s->first + units * s->span - 1, "%s is missing", s->name);
}

static bulla_code check_full(bulla_recount *r, int level, uint64_t index, bulla_bytes right, bulla_error *err)
{
	const subject s = subject_of(level, index, BULLA_TILE_WIDTH);
	bool found;
	TRY(load(r, &s, &found, err));
	return found ? compare(r, &s, bulla_view_buf(&r->scratch), right, false) : missing(r, &s, BULLA_TILE_WIDTH);
}

/* --- partial files ------------------------------------------------------------------------------------------------------ */

/* The bytes of the first `n` units, or of all where there are not so many. */
static bulla_bytes first_units(int level, bulla_bytes all, size_t n)
{
	size_t end = 0;
	if (level != BULLA_TILE_ENTRIES)
		return bulla_view(all.data, all.len < n * BULLA_HASH_SIZE ? all.len : n * BULLA_HASH_SIZE);
	while (n-- && end + 2 <= all.len)
		end += 2u + bulla_get_u16(all.data + end);
	return bulla_view(all.data, end);
}

/* A file published since we looked may be wider than what we know: then it must begin with it. */
static bulla_code check_partial(bulla_recount *r, int level, uint64_t index, unsigned width, bulla_bytes all, size_t units,
				bulla_error *err)
{
	const subject s = subject_of(level, index, width);
	bool found;
	TRY(load(r, &s, &found, err));
	if (!found) return BULLA_OK; /* removed meanwhile: the full one is there */
	return compare(r, &s, bulla_view_buf(&r->scratch), first_units(level, all, width), width > units);
}

/* "1" to "255" as the layout writes them; 0 for anything else, which is not the log's. */
static unsigned width_of(const char *name)
{
	char again[8];
	const unsigned long width = strtoul(name, NULL, 10);
	if (width == 0 || width >= BULLA_TILE_WIDTH) return 0;
	(void)snprintf(again, sizeof again, "%lu", width);
	return strcmp(again, name) == 0 ? (unsigned)width : 0;
}

static DIR *open_listing(const bulla_log_dir *dir, const char *name)
{
	const int fd = openat(dir->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
	if (!listing && fd >= 0) (void)close(fd);
	return listing;
}

/* Every partial file beside a tile, whether it is still needed or not. */
static bulla_code check_partials(bulla_recount *r, int level, uint64_t index, bulla_bytes all, size_t units, bulla_error *err)
{
	const subject s = subject_of(level, index, 0);
	DIR *listing = open_listing(r->dir, s.name);
	if (!listing && errno == ENOENT) return BULLA_OK;
	if (!listing) return bulla_fail_errno(err, errno, "cannot open %s/%s", r->dir->path, s.name);
	bulla_code code = BULLA_OK;
	for (struct dirent *entry; !code && (entry = readdir(listing));) {
		const unsigned width = width_of(entry->d_name);
		if (width) code = check_partial(r, level, index, width, all, units, err);
	}
	(void)closedir(listing);
	return code;
}

/* --- entries ------------------------------------------------------------------------------------------------------------ */

/* Hashes as many entries as there are, 256 at most; what does not parse is found where the hashes are compared. */
static bulla_code hash_entries(bulla_recount *r, bulla_error *err)
{
	bulla_cursor c = bulla_cursor_of(bulla_view_buf(&r->bundle));
	r->hashes.len = 0;
	while (c.rest.len && r->hashes.len < TILE_BYTES) {
		uint8_t leaf[BULLA_HASH_SIZE];
		const bulla_bytes entry = bulla_cursor_prefixed(&c);
		if (c.failed) return BULLA_OK;
		TRY(bulla_tree_leaf(r->lane, entry, leaf, err));
		TRY(bulla_buf_add(&r->hashes, bulla_view(leaf, sizeof leaf), err));
	}
	if (c.rest.len) r->hashes.len -= BULLA_HASH_SIZE; /* bytes behind the last entry: blame that one */
	return BULLA_OK;
}

/* From disk, with the tile that goes with it. */
static bulla_code load_full_bundle(bulla_recount *r, uint64_t index, bulla_error *err)
{
	const subject tile = subject_of(0, index, BULLA_TILE_WIDTH);
	const subject bundle = subject_of(BULLA_TILE_ENTRIES, index, BULLA_TILE_WIDTH);
	bool found;
	TRY(load(r, &bundle, &found, err));
	if (!found) return missing(r, &bundle, BULLA_TILE_WIDTH);
	r->bundle.len = 0;
	TRY(bulla_buf_add(&r->bundle, bulla_view_buf(&r->scratch), err));
	TRY(hash_entries(r, err));
	TRY(load(r, &tile, &found, err));
	if (!found) return missing(r, &tile, BULLA_TILE_WIDTH);
	TRY(compare(r, &tile, bulla_view_buf(&r->scratch), bulla_view_buf(&r->hashes), false));
	if (r->hashes.len == TILE_BYTES) return BULLA_OK;
	return bulla_log_find(r->report, bundle.first, bundle.first + BULLA_TILE_WIDTH - 1, "%s does not hold 256 entries",
			      bundle.name);
}

static bulla_code load_bundle(bulla_recount *r, uint64_t index, bulla_error *err)
{
	const bulla_log_state *state = r->state;
	if ((index + 1) * BULLA_TILE_WIDTH <= state->base) {
		TRY(load_full_bundle(r, index, err));
	} else {
		const size_t behind = (size_t)(index - state->base / BULLA_TILE_WIDTH);
		r->bundle.len = 0;
		TRY(bulla_buf_add(&r->bundle, bulla_log_state_bundle(state, behind), err));
		TRY(hash_entries(r, err));
	}
	const size_t n = r->hashes.len / BULLA_HASH_SIZE;
	TRY(check_partials(r, 0, index, bulla_view_buf(&r->hashes), n, err));
	return check_partials(r, BULLA_TILE_ENTRIES, index, bulla_view_buf(&r->bundle), n, err);
}

/* The tile of `level` that has just become complete at the hash number `at`, and those above it. */
static bulla_code climb(bulla_recount *r, uint64_t at, bulla_error *err)
{
	uint8_t carried[BULLA_HASH_SIZE];
	memcpy(carried, r->tree.tile, sizeof carried);
	for (unsigned level = 1; level < BULLA_TILE_LEVELS; level++, at /= BULLA_TILE_WIDTH) {
		uint8_t *edge = r->edge[level];
		bulla_tree tree = { 0 };
		memcpy(edge + at % BULLA_TILE_WIDTH * BULLA_HASH_SIZE, carried, sizeof carried);
		if (at % BULLA_TILE_WIDTH != BULLA_TILE_WIDTH - 1) return BULLA_OK;
		const bulla_bytes whole = { edge, TILE_BYTES };
		if (r->tree.size <= r->state->base) TRY(check_full(r, (int)level, at / BULLA_TILE_WIDTH, whole, err));
		TRY(check_partials(r, (int)level, at / BULLA_TILE_WIDTH, whole, BULLA_TILE_WIDTH, err));
		TRY(bulla_tree_push(&tree, r->lane, 0, edge, BULLA_TILE_WIDTH, err));
		memcpy(carried, tree.tile, sizeof carried);
	}
	return BULLA_OK;
}

bulla_code bulla_recount_to(bulla_recount *r, uint64_t size, bulla_error *err)
{
	while (r->tree.size < size) {
		const size_t at = r->tree.size % BULLA_TILE_WIDTH;
		if (at == 0) TRY(load_bundle(r, r->tree.size / BULLA_TILE_WIDTH, err));
		const size_t have = r->hashes.len / BULLA_HASH_SIZE - at;
		const size_t n = size - r->tree.size < have ? (size_t)(size - r->tree.size) : have;
		if (n == 0) return bulla_fail(err, BULLA_ERR_INTERNAL, "a log has fewer entries than it counts");
		TRY(bulla_tree_push(&r->tree, r->lane, 0, r->hashes.data + at * BULLA_HASH_SIZE, n, err));
		if (r->tree.size % BULLA_TILE_WIDTH == 0) TRY(climb(r, r->tree.size / BULLA_TILE_WIDTH - 1, err));
		if (r->progress) r->progress(r->self, r->tree.size, r->state->tree.size);
	}
	return BULLA_OK;
}

/* --- the right edge ----------------------------------------------------------------------------------------------------- */

static bool is_there(const bulla_recount *r, int level, uint64_t index, unsigned width)
{
	const subject s = subject_of(level, index, width);
	struct stat st;
	return fstatat(r->dir->fd, s.name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bulla_code need(bulla_recount *r, int level, uint64_t published)
{
	const unsigned tree_level = level > 0 ? (unsigned)level : 0;
	const unsigned width = bulla_tile_edge(published, tree_level);
	const uint64_t index = published >> (BULLA_TILE_BITS * tree_level) >> BULLA_TILE_BITS;
	const subject s = subject_of(level, index, width);
	if (width == 0 || is_there(r, level, index, width) || is_there(r, level, index, BULLA_TILE_WIDTH)) return BULLA_OK;
	return missing(r, &s, width);
}

bulla_code bulla_recount_edge(bulla_recount *r, uint64_t published, bulla_error *err)
{
	for (unsigned level = 1; level < BULLA_TILE_LEVELS; level++) {
		const unsigned n = bulla_tile_edge(r->tree.size, level);
		const uint64_t index = r->tree.size >> (BULLA_TILE_BITS * level) >> BULLA_TILE_BITS;
		const bulla_bytes edge = { r->edge[level], n * BULLA_HASH_SIZE };
		if (n) TRY(check_partials(r, (int)level, index, edge, n, err));
	}
	for (int level = BULLA_TILE_ENTRIES; level < BULLA_TILE_LEVELS; level++)
		TRY(need(r, level, published));
	return BULLA_OK;
}
