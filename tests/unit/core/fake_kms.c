/*
 * fake_kms.c - the provider table of the core's tests: KMS keys in this process, reached over recorded HTTP, a call, or nothing.
 */
#include "world.h"

#include "crypto/aead.h"

#include <stdio.h>
#include <string.h>

#define NONCE   BULLA_XAES_NONCE_SIZE
#define KMS_MAX 16

static fake_kms kms[KMS_MAX];
static size_t kms_count;
static pthread_mutex_t kms_lock = PTHREAD_MUTEX_INITIALIZER;

fake_kms *fake_kms_named(const char *name)
{
	fake_kms *found = NULL;
	pthread_mutex_lock(&kms_lock);
	for (size_t i = 0; i < kms_count && !found; i++)
		if (strcmp(kms[i].name, name) == 0) found = &kms[i];
	if (!found && kms_count < KMS_MAX) {
		found = &kms[kms_count++];
		snprintf(found->name, sizeof found->name, "%s", name);
		memset(found->key, (int)kms_count, sizeof found->key);
		found->reference = 0xfa4e000000000000 + kms_count;
	}
	pthread_mutex_unlock(&kms_lock);
	assert_non_null(found);
	return found;
}

void fake_kms_reset(void)
{
	for (size_t i = 0; i < kms_count; i++) {
		kms[i].fails = kms[i].fails_items = 0;
		kms[i].unreachable = kms[i].lies = kms[i].closed = false;
		kms[i].questions = kms[i].items = kms[i].most_items = kms[i].unwraps = 0;
	}
}

typedef enum transport { HTTP, CALL, NOW } transport;

typedef struct session {
	fake_kms *kms;
	transport transport;
	bool encrypt_only;
	bool loose;
	bool again; /* wraps again what another such key has wrapped, and releases nothing */
} session;

/* What a question looks like on the wire: u8 verb, u16 count, then u16-prefixed context and input of each item. The reply: u8 code and
 * u16-prefixed bytes for each. */
static bulla_code write_question(const bulla_question *q, bulla_buf *out, bulla_error *err)
{
	TRY(bulla_buf_add_u8(out, (uint8_t)q->verb, err));
	TRY(bulla_buf_add_u16(out, (uint16_t)q->n, err));
	for (size_t i = 0; i < q->n; i++) {
		TRY(bulla_buf_add_prefixed(out, q->items[i].context, err));
		TRY(bulla_buf_add_prefixed(out, q->items[i].input, err));
	}
	return BULLA_OK;
}

static bulla_code seal(const session *s, bulla_lane *lane, bulla_bytes context, bulla_bytes input, bulla_buf *out)
{
	uint8_t blob[NONCE + 4096 + BULLA_TAG_SIZE];
	bulla_bytes key = bulla_view(s->kms->key, 32), aad = s->loose ? bulla_view(NULL, 0) : context;
	TRY(bulla_random(lane, blob, NONCE, NULL));
	TRY(bulla_aead_seal(lane, BULLA_AEAD_XAES_256_GCM, key, bulla_view(blob, NONCE), aad, input, blob + NONCE, NULL));
	return bulla_buf_add_prefixed(out, bulla_view(blob, NONCE + input.len + BULLA_TAG_SIZE), NULL);
}

static bulla_code open(const session *s, bulla_lane *lane, bulla_bytes context, bulla_bytes blob, bulla_buf *out)
{
	uint8_t plain[4096];
	bulla_bytes key = bulla_view(s->kms->key, 32), aad = s->loose ? bulla_view(NULL, 0) : context;
	if (blob.len < NONCE + BULLA_TAG_SIZE || blob.len > sizeof plain) return BULLA_ERR_AUTH;
	TRY(bulla_aead_open(lane, BULLA_AEAD_XAES_256_GCM, key, bulla_view(blob.data, NONCE), aad,
			    bulla_view(blob.data + NONCE, blob.len - NONCE), plain, NULL));
	if (s->kms->lies) plain[0] ^= 1;
	return bulla_buf_add_prefixed(out, bulla_view(plain, blob.len - NONCE - BULLA_TAG_SIZE), NULL);
}

/* Whatever key of the service it is under. */
static bulla_code wrap_again(const session *s, bulla_lane *lane, bulla_bytes context, bulla_bytes blob, bulla_buf *out)
{
	BULLA_BUF_AUTO bulla_buf plain = { 0 };
	bulla_code code = BULLA_ERR_AUTH;
	for (size_t i = 0; i < kms_count && code; i++) {
		session from = { .kms = &kms[i] };
		bulla_buf_clear(&plain);
		code = open(&from, lane, context, blob, &plain);
	}
	return code ? code : seal(s, lane, context, bulla_view(plain.data + 2, plain.len - 2), out);
}

static void count(fake_kms *k, size_t items)
{
	atomic_fetch_add(&k->questions, 1);
	atomic_fetch_add(&k->items, items);
	for (size_t most = k->most_items; items > most && !atomic_compare_exchange_weak(&k->most_items, &most, items);)
		;
}

/* The service itself: question bytes in, reply bytes out. */
static bulla_code serve(const session *s, bulla_bytes question, bulla_buf *reply)
{
	bulla_lane *lane;
	bulla_question_verb verb = (bulla_question_verb)question.data[0];
	size_t n = bulla_get_u16(question.data + 1), at = 3;
	count(s->kms, n);
	if (s->kms->fails) return (bulla_code)s->kms->fails;
	assert_int_equal(bulla_lane_new(&lane, NULL), BULLA_OK);
	for (size_t i = 0; i < n; i++) {
		bulla_bytes part[2];
		for (size_t p = 0; p < 2; p++) {
			part[p] = bulla_view(question.data + at + 2, bulla_get_u16(question.data + at));
			at += 2 + part[p].len;
		}
		size_t start = reply->len;
		bulla_code code = (bulla_code)s->kms->fails_items;
		if (s->kms->closed && verb == BULLA_ASK_WRAP) code = BULLA_ERR_KEY_CLOSING;
		assert_int_equal(bulla_buf_add_u8(reply, 0, NULL), BULLA_OK);
		bulla_code (*const verbs[])(const session *, bulla_lane *, bulla_bytes, bulla_bytes, bulla_buf *) = {
			[BULLA_ASK_WRAP] = seal, [BULLA_ASK_UNWRAP] = open, [BULLA_ASK_REWRAP] = wrap_again
		};
		if (!code) code = verbs[verb](s, lane, part[0], part[1], reply);
		s->kms->unwraps += verb == BULLA_ASK_UNWRAP;
		if (code) assert_int_equal(bulla_buf_add_u16(reply, 0, NULL), BULLA_OK);
		reply->data[start] = (uint8_t)code;
	}
	bulla_lane_free(lane);
	return BULLA_OK;
}

/* --- the provider ---------------------------------------------------------------------------------------------- */

typedef struct exchange {
	session *session;
	bulla_buf question, reply;
} exchange;

static atomic_int exchanges; /* alive: none may be left behind */

static bool starts_with(bulla_bytes id, const char *prefix)
{
	return id.len > strlen(prefix) && memcmp(id.data, prefix, strlen(prefix)) == 0;
}

static bool owns(bulla_bytes id)
{
	return starts_with(id, "fake/");
}

static bool owns_loose(bulla_bytes id)
{
	return starts_with(id, "loose/");
}

static bulla_code open_session(const bulla_provider_world *w, bulla_bytes id, void **ret, bulla_error *err)
{
	static const struct {
		const char *prefix;
		session is;
	} forms[] = { { "fake/http/", { .transport = HTTP } },
		      { "fake/call/", { .transport = CALL } },
		      { "fake/now/", { .transport = NOW } },
		      { "fake/again/", { .transport = NOW, .again = true } },
		      { "loose/", { .transport = NOW, .loose = true } } };
	char name[32] = "";
	(void)w;
	for (size_t i = 0; i < COUNT(forms); i++) {
		if (!starts_with(id, forms[i].prefix)) continue;
		session *s = malloc(sizeof *s);
		size_t skip = strlen(forms[i].prefix), len = id.len - skip;
		if (!s || len >= sizeof name) return bulla_fail_memory(err);
		memcpy(name, id.data + skip, len);
		*s = forms[i].is;
		char *slash = strchr(name, '/');
		s->encrypt_only = slash && strcmp(slash, "/encrypt") == 0;
		if (slash) *slash = 0;
		s->kms = fake_kms_named(name);
		*ret = s;
		return BULLA_OK;
	}
	return bulla_fail(err, BULLA_ERR_CONFIG, "no such fake");
}

static void close_session(void *s)
{
	free(s);
}

static bool can_unwrap(const void *s)
{
	return !((const session *)s)->encrypt_only;
}

static bool re_encrypts(const void *s, const void *from)
{
	return ((const session *)s)->again && ((const session *)from)->again;
}

static bool recognises(const void *s, uint64_t reference, bulla_bytes blob)
{
	(void)blob;
	return ((const session *)s)->kms->reference == reference;
}

static void abandon(void *s, void *x)
{
	exchange *e = x;
	(void)s;
	if (!e) return;
	bulla_buf_done(&e->question);
	bulla_buf_done(&e->reply);
	free(e);
	atomic_fetch_sub(&exchanges, 1);
}

static bulla_code call(void *self, bulla_error *err)
{
	exchange *e = self;
	bulla_code code = serve(e->session, bulla_view_buf(&e->question), &e->reply);
	return code ? bulla_fail(err, code, "the fake KMS %s says %s", e->session->kms->name, bulla_code_name(code)) : BULLA_OK;
}

static bulla_code ask(void *self, const bulla_question *q, void **ret, bulla_need *need, bulla_error *err)
{
	session *s = self;
	exchange *e = calloc(1, sizeof *e);
	if (!e) return bulla_fail_memory(err);
	e->session = s;
	atomic_fetch_add(&exchanges, 1);
	static const bulla_need_kind kinds[] = { BULLA_NEED_HTTP, BULLA_NEED_CALL, BULLA_NEED_DONE };
	need->kind = kinds[s->transport];
	need->call = call;
	need->self = e;
	bulla_code code = write_question(q, s->transport == HTTP ? &need->http->body : &e->question, err);
	if (!code && s->transport == HTTP) code = bulla_buf_add_str(&need->http->url, s->kms->name, err);
	if (!code && s->transport == HTTP) code = bulla_buf_add_str(&need->http->method, "POST", err);
	if (code) {
		abandon(s, e);
		return code;
	}
	*ret = e;
	return BULLA_OK;
}

static bulla_code read_reply(const session *s, const bulla_question *q, bulla_bytes reply, bulla_error *err)
{
	size_t at = 0;
	for (size_t i = 0; i < q->n; i++) {
		if (at + 3 > reply.len) return bulla_fail(err, BULLA_ERR_UNAVAILABLE, "the fake KMS answered nonsense");
		bulla_bytes made = bulla_view(reply.data + at + 3, bulla_get_u16(reply.data + at + 1));
		q->items[i].code = (bulla_code)reply.data[at];
		q->items[i].reference = s->kms->reference;
		q->items[i].closed = s->kms->closed;
		at += 3 + made.len;
		if (at > reply.len) return bulla_fail(err, BULLA_ERR_UNAVAILABLE, "the fake KMS answered nonsense");
		if (!q->items[i].code) TRY(bulla_buf_add(q->items[i].made, made, err));
	}
	return BULLA_OK;
}

static bulla_code take_answer(session *s, const bulla_question *q, exchange *e, bulla_need *need, bulla_error *err)
{
	if (s->transport == HTTP) {
		if (need->http->status == 403) return bulla_fail(err, BULLA_ERR_DENIED, "the fake KMS %s denies", s->kms->name);
		if (need->http->status != 200)
			return bulla_fail(err, BULLA_ERR_UNAVAILABLE, "the fake KMS %s is out", s->kms->name);
		return read_reply(s, q, bulla_view_buf(&need->http->reply), err);
	}
	if (s->transport == NOW) TRY(call(e, err));
	return read_reply(s, q, bulla_view_buf(&e->reply), err);
}

static bulla_code answer(void *self, const bulla_question *q, void *x, bulla_need *need, bulla_lane *lane, bulla_error *err)
{
	(void)lane;
	bulla_code code = take_answer(self, q, x, need, err);
	abandon(self, x);
	return code;
}

void fake_serve_http(bulla_http *http)
{
	char name[32] = "";
	assert_true(http->url.len < sizeof name);
	memcpy(name, http->url.data, http->url.len);
	session s = { .kms = fake_kms_named(name), .transport = HTTP };
	bulla_code code = serve(&s, bulla_view_buf(&http->body), &http->reply);
	http->status = !code ? 200 : code == BULLA_ERR_DENIED ? 403 : 503;
}

int fake_exchanges(void)
{
	return exchanges;
}

#define ROW(NAME, KIND, BINDS, MAX, OWNS)                                                                                        \
	static const bulla_provider NAME = { .name = #NAME,                                                                      \
					     .kind = KIND,                                                                       \
					     .binds_context = BINDS,                                                             \
					     .max_items = MAX,                                                                   \
					     .owns = OWNS,                                                                       \
					     .open = open_session,                                                               \
					     .close = close_session,                                                             \
					     .can_unwrap = can_unwrap,                                                           \
					     .re_encrypts = re_encrypts,                                                         \
					     .recognises = recognises,                                                           \
					     .ask = ask,                                                                         \
					     .answer = answer,                                                                   \
					     .abandon = abandon }

ROW(fake, BULLA_WRAP_AWS, true, 100, owns);
ROW(loose, BULLA_WRAP_AZURE, false, 1, owns_loose);

const bulla_provider *fake_provider_find(bulla_bytes id)
{
	if (owns(id)) return &fake;
	return owns_loose(id) ? &loose : NULL;
}
