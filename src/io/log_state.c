/*
 * log_state.c - what a process knows of a log.
 */
#include "io/log_state.h"

void bulla_log_state_done(bulla_log_state *state)
{
	bulla_buf *const owned[] = { &state->entries, &state->hashes, &state->tiles, &state->cuts, &state->notes, &state->note };
	for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
		bulla_buf_done(owned[i]);
	memset(state, 0, sizeof *state);
}

bulla_code bulla_log_state_add(bulla_log_state *state, bulla_lane *lane, bulla_bytes entry, bulla_error *err)
{
	uint8_t leaf[BULLA_HASH_SIZE];
	TRY(bulla_buf_add_prefixed(&state->entries, entry, err));
	TRY(bulla_tree_leaf(lane, entry, leaf, err));
	TRY(bulla_buf_add(&state->hashes, bulla_view(leaf, sizeof leaf), err));
	TRY(bulla_tree_push(&state->tree, lane, 0, leaf, 1, err));
	if (state->tree.size % BULLA_TILE_WIDTH) return BULLA_OK;
	TRY(bulla_buf_add(&state->cuts, bulla_view(&state->entries.len, sizeof state->entries.len), err));
	return bulla_buf_add(&state->tiles, bulla_view(state->tree.tile, BULLA_HASH_SIZE), err);
}

bulla_code bulla_log_state_sign(bulla_log_state *state, bulla_bytes note, const bulla_checkpoint *head, bulla_error *err)
{
	state->note.len = 0;
	TRY(bulla_buf_add(&state->note, note, err));
	state->head = *head;
	return BULLA_OK;
}

size_t bulla_log_state_edges(uint64_t base)
{
	size_t hashes = 0;
	for (unsigned level = 1; level < BULLA_TILE_LEVELS; level++)
		hashes += bulla_tile_edge(base, level);
	return hashes * BULLA_HASH_SIZE;
}

bulla_code bulla_log_state_base(const bulla_log_state *state, bulla_lane *lane, bulla_tree *ret, bulla_error *err)
{
	memset(ret, 0, sizeof *ret);
	for (unsigned level = BULLA_TILE_LEVELS; --level > 0;)
		TRY(bulla_tree_push(ret, lane, level * BULLA_TILE_BITS, state->edge[level], bulla_tile_edge(state->base, level),
				    err));
	return BULLA_OK;
}

/* Where bundle number `bundle` begins in `entries`; the one behind the last complete one begins where that ends. */
static size_t cut_before(const bulla_log_state *state, size_t bundle)
{
	size_t at = 0;
	if (bundle > 0) memcpy(&at, state->cuts.data + (bundle - 1) * sizeof at, sizeof at);
	return at;
}

bulla_bytes bulla_log_state_bundle(const bulla_log_state *state, size_t bundle)
{
	const size_t complete = state->tiles.len / BULLA_HASH_SIZE;
	const size_t from = cut_before(state, bundle);
	const size_t end = bundle < complete ? cut_before(state, bundle + 1) : state->entries.len;
	return from == end ? bulla_view(NULL, 0) : bulla_view(state->entries.data + from, end - from);
}

bulla_bytes bulla_log_state_hashes(const bulla_log_state *state, size_t bundle)
{
	const size_t width = BULLA_TILE_WIDTH * BULLA_HASH_SIZE;
	size_t from = bundle * width;
	if (from >= state->hashes.len) return bulla_view(NULL, 0);
	size_t rest = state->hashes.len - from;
	return bulla_view(state->hashes.data + from, rest < width ? rest : width);
}

static void drop_front(bulla_buf *buf, size_t n)
{
	if (n) memmove(buf->data, buf->data + n, buf->len - n);
	buf->len -= n;
}

void bulla_log_state_trim(bulla_log_state *state)
{
	size_t bundles = state->tiles.len / BULLA_HASH_SIZE;
	drop_front(&state->entries, cut_before(state, bundles));
	drop_front(&state->hashes, bundles * BULLA_TILE_WIDTH * BULLA_HASH_SIZE);
	state->base += bundles * BULLA_TILE_WIDTH;
	state->tiles.len = 0;
	state->cuts.len = 0;
	state->notes.len = 0;
}
