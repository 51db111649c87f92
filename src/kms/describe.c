/*
 * describe.c - what is known of keys, for people.
 */
#include "base/text.h"
#include "kms/inside.h"

#include <stdio.h>
#include <stdlib.h>

/* "alias/a,alias/b", cut with "..." where it does not fit. */
static void print_aliases(const bulla_snapshot *now, const bulla_key *key, char *out, size_t size)
{
	size_t n = 0, at = 0;
	const bulla_alias *const *aliases = bulla_snapshot_aliases_of(now, key->uuid, &n);
	const size_t reserve = sizeof ",..." - 1; /* room to say that there are more */
	for (size_t i = 0; i < n; i++) {
		const bulla_bytes name = aliases[i]->name;
		size_t need = (i ? 1 : 0) + sizeof BULLA_ALIAS_PREFIX - 1 + name.len;
		if (at + need + (i + 1 < n ? reserve : 0) >= size) {
			(void)snprintf(out + at, size - at, "%s...", i ? "," : "");
			return;
		}
		at += (size_t)snprintf(out + at, size - at, "%s" BULLA_ALIAS_PREFIX "%.*s", i ? "," : "", (int)name.len,
				       (const char *)name.data);
	}
}

/* As many whole characters as fit. */
static void copy_start(bulla_bytes text, char *out, size_t size)
{
	size_t len = 0;
	for (size_t n; (n = bulla_utf8_first(bulla_view(text.data + len, text.len - len))) && len + n < size;)
		len += n;
	if (len) memcpy(out, text.data, len);
	out[len] = 0;
}

static void describe(const bulla_snapshot *now, const bulla_key *key, bulla_key_info *out)
{
	const bulla_key_data *data = &key->data;
	*out = (bulla_key_info){ .state = data->state,
				 .kind = key->kind,
				 .created_us = data->created_us,
				 .deletion_us = data->deletion_us,
				 .rotation_days = data->rotation_days,
				 .next_rotation_us = data->next_rotation_us,
				 .materials = (uint32_t)key->material_count,
				 .rotated_us = key->current->data.created_us,
				 .closed_us = data->closed_us };
	memcpy(out->uuid, key->uuid, sizeof out->uuid);
	memcpy(out->current_material, data->current, sizeof out->current_material);
	bulla_uuid_print(key->uuid, out->id);
	(void)snprintf(out->arn, sizeof out->arn, "%s", key->arn);
	copy_start(data->description, out->description, sizeof out->description);
	print_aliases(now, key, out->aliases, sizeof out->aliases);
}

bulla_code bulla_engine_describe(bulla_engine *engine, bulla_bytes key, bulla_key_info *ret, bulla_error *err)
{
	bulla_snapshot *now = NULL;
	const bulla_key *found = NULL;
	TRY(bulla_engine_check(engine, err));
	TRY(bulla_engine_acquire(engine, &now, err));
	bulla_code code = bulla_snapshot_resolve(now, &engine->home, key, &found, err);
	if (code == BULLA_OK) describe(now, found, ret);
	bulla_snapshot_unref(now);
	return code;
}

static int by_creation(const void *a, const void *b)
{
	const bulla_key_info *x = a, *y = b;
	if (x->created_us != y->created_us) return x->created_us < y->created_us ? -1 : 1;
	return memcmp(x->uuid, y->uuid, sizeof x->uuid);
}

bulla_code bulla_engine_list(bulla_engine *engine, bulla_key_info **ret, size_t *ret_n, bulla_error *err)
{
	bulla_snapshot *now = NULL;
	size_t n = 0;
	TRY(bulla_engine_check(engine, err));
	TRY(bulla_engine_acquire(engine, &now, err));
	bulla_key_info *list = calloc(now->key_count + 1, sizeof *list);
	for (size_t i = 0; list && i < now->key_count; i++)
		if (now->keys[i].data.state != BULLA_KEY_TOMBSTONE) describe(now, &now->keys[i], &list[n++]);
	bulla_snapshot_unref(now);
	if (!list) return bulla_fail_memory(err);
	qsort(list, n, sizeof *list, by_creation);
	*ret = list;
	*ret_n = n;
	return BULLA_OK;
}

bool bulla_engine_is_destroyed(bulla_engine *engine, const uint8_t uuid[static BULLA_UUID_SIZE])
{
	bulla_snapshot *now = NULL;
	bulla_error ignored;
	if (bulla_engine_check(engine, &ignored) || bulla_engine_acquire(engine, &now, &ignored)) return false;
	const bulla_key *key = bulla_snapshot_key(now, uuid);
	bool destroyed = key && key->data.state == BULLA_KEY_TOMBSTONE;
	bulla_snapshot_unref(now);
	return destroyed;
}

bulla_code bulla_engine_materials(bulla_engine *engine, bulla_material_info **ret, size_t *ret_n, bulla_error *err)
{
	bulla_snapshot *now = NULL;
	TRY(bulla_engine_check(engine, err));
	TRY(bulla_engine_acquire(engine, &now, err));
	size_t n = now->material_count;
	bulla_material_info *list = calloc(n + 1, sizeof *list);
	for (size_t i = 0; list && i < n; i++) {
		memcpy(list[i].uuid, now->materials[i].name.uuid, sizeof list[i].uuid);
		memcpy(list[i].id, now->materials[i].name.id, sizeof list[i].id);
		list[i].created_us = now->materials[i].data.created_us;
	}
	bulla_snapshot_unref(now);
	if (!list) return bulla_fail_memory(err);
	*ret = list;
	*ret_n = n;
	return BULLA_OK;
}
