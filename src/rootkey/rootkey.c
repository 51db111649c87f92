/*
 * rootkey.c - makes and loads root keys: one row for each form of specification.
 */
#include "rootkey/rootkey.h"
#include "crypto/kdf.h"
#include "io/file.h"
#include "rootkey/key_file.h"
#include "rootkey/note.h"
#include "rootkey/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define MEMORY_KIB 65536
#define PASSES     3
#define LANES      1
#define FD_MAX     65535

#define FILE_COMMENT                                                                                                             \
	"# The root key of a bulla key store. Whoever has it and the store can decrypt everything.\n"                            \
	"# Keep copies apart from the data's backups; do not change the line below.\n"

/* A specification taken apart. */
typedef struct request {
	const char *rest; /* behind the prefix */
	const char *base_dir;
	bool creates;
} request;

typedef bulla_code (*key_source)(const request *r, bulla_secret *ret_key, bulla_error *err);
typedef bulla_code (*passphrase_source)(const request *r, bulla_buf *out, bulla_error *err);

/* --- files ----------------------------------------------------------------------------------------------------- */
static void text_free(char **text)
{
	free(*text);
}

#define TEXT_AUTO __attribute__((cleanup(text_free))) char *

static bulla_code join(const request *r, char **ret, bulla_error *err)
{
	*ret = bulla_path_join(r->base_dir, r->rest);
	return *ret ? BULLA_OK : bulla_fail_memory(err);
}

bulla_code bulla_root_key_write(const char *path, const bulla_secret *key, const char *comment, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	TRY(bulla_key_file_print(key, comment ? comment : "", &text, err));
	return bulla_file_write(path, bulla_view_buf(&text), 0600, true, err);
}

static bulla_code new_key(bulla_secret *ret, bulla_error *err)
{
	bulla_lane *lane = NULL;
	TRY(bulla_lane_new(&lane, err));
	bulla_code code = bulla_random(lane, ret->bytes, sizeof ret->bytes, err);
	bulla_lane_free(lane);
	return code;
}

static bulla_code directory_of(const char *path, char **ret, bulla_error *err)
{
	const char *slash = strrchr(path, '/');
	*ret = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	return *ret ? BULLA_OK : bulla_fail_memory(err);
}

static bulla_code create_file(const char *path, bulla_secret *ret_key, bulla_error *err)
{
	BULLA_SECRET key = { 0 };
	TEXT_AUTO directory = NULL;
	TRY(directory_of(path, &directory, err));
	TRY(bulla_directory_make(directory, 0700, err));
	TRY(new_key(&key, err));
	TRY(bulla_root_key_write(path, &key, FILE_COMMENT, err));
	*ret_key = key;
	return BULLA_OK;
}

static bulla_code key_from_file(const request *r, bulla_secret *ret_key, bulla_error *err)
{
	TEXT_AUTO path = NULL;
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	TRY(join(r, &path, err));
	if (r->creates) return create_file(path, ret_key, err);
	TRY(bulla_file_read_private(path, BULLA_KEY_FILE_MAX, &text, err));
	return bulla_key_file_parse(bulla_view_buf(&text), path, ret_key, err);
}

/* --- descriptors ----------------------------------------------------------------------------------------------- */
static bool read_number(const char *text, int *ret)
{
	int value = 0;
	if (!*text) return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9') return false;
		value = value * 10 + (*text - '0');
		if (value > FD_MAX) return false;
	}
	*ret = value;
	return true;
}

static bulla_code read_to_end(int fd, bulla_buf *out, bulla_error *err)
{
	for (;;) {
		TRY(bulla_buf_reserve(out, 512, err));
		ssize_t n = read(fd, out->data + out->len, 512);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return bulla_fail_errno(err, errno, "cannot read the root key from descriptor %d", fd);
		if (n == 0) return BULLA_OK;
		out->len += (size_t)n;
		if (out->len > BULLA_KEY_FILE_MAX)
			return bulla_fail(err, BULLA_ERR_LIMIT, "descriptor %d gives more than %d bytes", fd, BULLA_KEY_FILE_MAX);
	}
}

static bulla_code key_from_fd(const request *r, bulla_secret *ret_key, bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf text = { 0 };
	int fd = -1;
	if (!read_number(r->rest, &fd))
		return bulla_fail(err, BULLA_ERR_CONFIG, "root_key: fd:N needs the number of a descriptor");
	TRY(read_to_end(fd, &text, err));
	return bulla_key_file_parse(bulla_view_buf(&text), "the descriptor", ret_key, err);
}

/* --- passphrases ----------------------------------------------------------------------------------------------- */
static bulla_code passphrase_from_file(const request *r, bulla_buf *out, bulla_error *err)
{
	TEXT_AUTO path = NULL;
	TRY(join(r, &path, err));
	TRY(bulla_file_read_private(path, BULLA_PASSPHRASE_MAX + 2, out, err));
	if (out->len && out->data[out->len - 1] == '\n') out->len--;
	if (out->len && out->data[out->len - 1] == '\r') out->len--;
	return BULLA_OK;
}

static bulla_code passphrase_from_env(const request *r, bulla_buf *out, bulla_error *err)
{
	const char *value = secure_getenv(r->rest);
	if (!value) return bulla_fail(err, BULLA_ERR_NOT_FOUND, "the environment has no %s to take the passphrase from", r->rest);
	return bulla_buf_add_str(out, value, err);
}

static bulla_code passphrase_from_prompt(const request *r, bulla_buf *out, bulla_error *err)
{
	return bulla_prompt(r->creates ? "New passphrase of the key store: " : "Passphrase of the key store: ", r->creates, out,
			    err);
}

static bulla_code check_passphrase(const bulla_buf *passphrase, bulla_error *err)
{
	if (passphrase->len == 0) return bulla_fail(err, BULLA_ERR_CONFIG, "the passphrase is empty");
	if (passphrase->len > BULLA_PASSPHRASE_MAX)
		return bulla_fail(err, BULLA_ERR_LIMIT, "a passphrase has at most %d bytes", BULLA_PASSPHRASE_MAX);
	return BULLA_OK;
}

static bulla_code stretch(const bulla_buf *passphrase, const bulla_passphrase_note *note, bulla_secret *ret_key, bulla_error *err)
{
	BULLA_SECRET key = { 0 };
	TRY(check_passphrase(passphrase, err));
	TRY(bulla_argon2id(bulla_view_buf(passphrase), bulla_view(note->salt, sizeof note->salt), note->passes, note->memory_kib,
			   note->lanes, key.bytes, sizeof key.bytes, err));
	*ret_key = key;
	return BULLA_OK;
}

static bulla_code new_note(bulla_passphrase_note *out, bulla_error *err)
{
	bulla_lane *lane = NULL;
	*out = (bulla_passphrase_note){ .memory_kib = MEMORY_KIB, .passes = PASSES, .lanes = LANES };
	TRY(bulla_lane_new(&lane, err));
	bulla_code code = bulla_random(lane, out->salt, sizeof out->salt, err);
	bulla_lane_free(lane);
	return code;
}

/* --- the table ------------------------------------------------------------------------------------------------- */
/* Each row has one of the two sources. Longer prefixes need no order: none begins another. */
static const struct form {
	const char *prefix;
	const char *note; /* what the store keeps of a key that is only read */
	key_source key;
	passphrase_source passphrase;
	bool is_whole; /* nothing follows the prefix */
} forms[] = {
	{ .prefix = "file:", .note = "file", .key = key_from_file },
	{ .prefix = "fd:", .note = "fd", .key = key_from_fd },
	{ .prefix = "passphrase:file:", .passphrase = passphrase_from_file },
	{ .prefix = "passphrase:env:", .passphrase = passphrase_from_env },
	{ .prefix = "passphrase:prompt", .passphrase = passphrase_from_prompt, .is_whole = true },
};

static bulla_code find_form(const char *spec, const struct form **ret, const char **ret_rest, bulla_error *err)
{
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		size_t n = strlen(forms[i].prefix);
		if (strncmp(spec, forms[i].prefix, n) != 0 || forms[i].is_whole != (spec[n] == 0)) continue;
		*ret = &forms[i];
		*ret_rest = spec + n;
		return BULLA_OK;
	}
	bulla_code code = bulla_fail(err, BULLA_ERR_CONFIG, "root_key is in no form that is known");
	return bulla_advise(err, code,
			    "root_key: file:PATH, passphrase:file:PATH, passphrase:env:NAME, passphrase:prompt or fd:N");
}

static bulla_code create_from_passphrase(const struct form *form, const request *r, bulla_secret *ret_key, bulla_buf *ret_note,
					 bulla_error *err)
{
	BULLA_BUF_AUTO bulla_buf passphrase = { 0 };
	BULLA_SECRET key = { 0 };
	bulla_passphrase_note note;
	TRY(form->passphrase(r, &passphrase, err));
	TRY(new_note(&note, err));
	TRY(stretch(&passphrase, &note, &key, err));
	TRY(bulla_passphrase_note_print(&note, ret_note, err));
	*ret_key = key;
	return BULLA_OK;
}

bulla_code bulla_root_key_create(const char *spec, const char *base_dir, bulla_secret *ret_key, bulla_buf *ret_note,
				 bulla_error *err)
{
	const struct form *form = NULL;
	request r = { .base_dir = base_dir, .creates = true };
	TRY(find_form(spec, &form, &r.rest, err));
	if (form->passphrase) return create_from_passphrase(form, &r, ret_key, ret_note, err);
	TRY(form->key(&r, ret_key, err));
	return bulla_buf_add_str(ret_note, form->note, err);
}

bulla_code bulla_root_key_load(const char *spec, const char *base_dir, bulla_bytes note, bulla_secret *ret_key, bulla_error *err)
{
	const struct form *form = NULL;
	bulla_passphrase_note parsed;
	request r = { .base_dir = base_dir };
	TRY(find_form(spec, &form, &r.rest, err));
	if (form->key) return form->key(&r, ret_key, err);
	BULLA_BUF_AUTO bulla_buf passphrase = { 0 };
	TRY(bulla_passphrase_note_parse(note, &parsed, err)); /* before anybody is asked */
	TRY(form->passphrase(&r, &passphrase, err));
	return stretch(&passphrase, &parsed, ret_key, err);
}
