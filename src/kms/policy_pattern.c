/*
 * policy_pattern.c - strings with wildcards and variables: taken apart once, matched without recursion.
 */
#include "kms/policy_inside.h"
#include "base/text.h"

/* --- making ---------------------------------------------------------------------------------------------------- */
typedef struct maker {
	bulla_bytes rest;
	unsigned flags;
	bulla_arena *arena;
	bulla_policy_part *parts;
	size_t n;
	uint8_t variables;
	const char *wrong;
} maker;

static bool starts(bulla_bytes text, const char *with)
{
	size_t n = strlen(with);
	return text.len >= n && memcmp(text.data, with, n) == 0;
}

static bool joins(const bulla_policy_part *last, bulla_bytes text)
{
	return last->kind == PART_TEXT && last->text.data + last->text.len == text.data;
}

static void add_text(maker *m, bulla_bytes text)
{
	if (m->n && joins(&m->parts[m->n - 1], text))
		m->parts[m->n - 1].text.len += text.len;
	else
		m->parts[m->n++] = (bulla_policy_part){ .kind = PART_TEXT, .text = text };
}

/* "name" or "name, 'default'". */
static bool split_default(bulla_bytes *inside, bulla_bytes *text)
{
	const uint8_t *comma = memchr(inside->data, ',', inside->len);
	if (!comma) return false;
	bulla_bytes behind = bulla_view(comma + 1, inside->len - (size_t)(comma - inside->data) - 1);
	while (behind.len && *behind.data == ' ')
		behind = bulla_view(behind.data + 1, behind.len - 1);
	if (behind.len < 2 || behind.data[0] != '\'' || behind.data[behind.len - 1] != '\'') return false;
	*inside = bulla_view(inside->data, (size_t)(comma - inside->data));
	*text = bulla_view(behind.data + 1, behind.len - 2);
	return true;
}

static bulla_code add_variable(maker *m, bulla_bytes inside, bulla_error *err)
{
	bulla_policy_key *key;
	bulla_bytes text = { 0 };
	TRY(bulla_arena_take(m->arena, 1, sizeof *key, &key, err));
	bool has_default = split_default(&inside, &text);
	if (memchr(inside.data, ',', inside.len))
		m->wrong = "a policy variable whose default is not behind a comma, in single quotes";
	else if (!bulla_policy_key_find(inside, key))
		m->wrong = "a policy variable that is no condition key";
	else if (bulla_policy_key_is_multi(key))
		m->wrong = "a policy variable that may have several values";
	else if (m->variables == BULLA_POLICY_VARIABLES_MAX)
		m->wrong = "too many policy variables in one string";
	if (m->wrong) return BULLA_OK;
	m->parts[m->n++] = (bulla_policy_part){
		.kind = PART_VARIABLE, .has_default = has_default, .slot = m->variables++, .text = text, .key = key
	};
	return BULLA_OK;
}

/* Behind "${"; takes the closing brace too. */
static bulla_code take_variable(maker *m, bulla_error *err)
{
	const uint8_t *end = memchr(m->rest.data + 2, '}', m->rest.len - 2);
	if (!end) {
		m->wrong = "a policy variable without its closing brace";
		return BULLA_OK;
	}
	bulla_bytes inside = bulla_view(m->rest.data + 2, (size_t)(end - m->rest.data) - 2);
	m->rest = bulla_view(end + 1, m->rest.len - inside.len - 3);
	bool fixed = inside.len == 1 && strchr("*?$", inside.data[0]) && inside.data[0];
	if (!fixed) return add_variable(m, inside, err);
	add_text(m, inside);
	return BULLA_OK;
}

static bulla_code take_part(maker *m, bulla_error *err)
{
	uint8_t c = m->rest.data[0];
	if ((m->flags & PATTERN_VARIABLES) && starts(m->rest, "${")) return take_variable(m, err);
	bulla_bytes one = bulla_view(m->rest.data, 1);
	m->rest = bulla_view(m->rest.data + 1, m->rest.len - 1);
	if (!(m->flags & PATTERN_WILD) || (c != '*' && c != '?'))
		add_text(m, one);
	else if (c == '?')
		m->parts[m->n++] = (bulla_policy_part){ .kind = PART_ONE };
	else
		m->parts[m->n++] = (bulla_policy_part){ .kind = PART_ANY };
	return BULLA_OK;
}

/* No text has more parts: each special character begins one and may be followed by text. */
static size_t parts_bound(bulla_bytes text)
{
	size_t n = 1;
	for (size_t i = 0; i < text.len; i++)
		n += strchr("*?$", text.data[i]) && text.data[i] ? 2 : 0;
	return n;
}

bulla_code bulla_policy_pattern_make(bulla_bytes text, unsigned flags, bulla_arena *arena, bulla_policy_pattern *out,
				     const char **ret_wrong, bulla_error *err)
{
	bulla_policy_part *parts;
	TRY(bulla_arena_take(arena, parts_bound(text), sizeof *parts, &parts, err));
	maker m = { .rest = text, .flags = flags, .arena = arena, .parts = parts };
	while (m.rest.len && !m.wrong)
		TRY(take_part(&m, err));
	*out = (bulla_policy_pattern){ .parts = m.parts, .n = m.n, .variables = m.variables, .fold = flags & PATTERN_FOLD };
	*ret_wrong = m.wrong;
	return BULLA_OK;
}

/* --- matching -------------------------------------------------------------------------------------------------- */
static bool same(const bulla_policy_pattern *pattern, bulla_bytes a, bulla_bytes b)
{
	return pattern->fold ? bulla_bytes_equal_fold(a, b) : bulla_bytes_equal(a, b);
}

static size_t character(bulla_bytes text, size_t at)
{
	if (text.data[at] < 0x80) return 1;
	size_t n = bulla_utf8_first(bulla_view(text.data + at, text.len - at));
	return n ? n : 1;
}

static bulla_bytes text_of(const bulla_policy_part *part, const bulla_bytes *values)
{
	return part->kind == PART_VARIABLE ? values[part->slot] : part->text;
}

/* Matches what has no star from the part `*p` on at `*at`, up to the next star or the end; both move. */
static bool stretch(const bulla_policy_pattern *pattern, const bulla_bytes *values, size_t *p, bulla_bytes text, size_t *at)
{
	for (; *p < pattern->n && pattern->parts[*p].kind != PART_ANY; (*p)++) {
		const bulla_policy_part *part = &pattern->parts[*p];
		if (part->kind == PART_ONE) {
			if (*at == text.len) return false;
			*at += character(text, *at);
			continue;
		}
		bulla_bytes want = text_of(part, values);
		if (text.len - *at < want.len || !same(pattern, want, bulla_view(text.data + *at, want.len))) return false;
		*at += want.len;
	}
	return *p < pattern->n || *at == text.len;
}

/* A stretch behind a star is tried at each place from the nearest on. Once it fits, no other place for it could let what follows the next star fit
 * better, so nothing before that star is tried again: stretches times text, never more. */
static bool glob(const bulla_policy_pattern *pattern, const bulla_bytes *values, bulla_bytes text)
{
	size_t p = 0, at = 0;
	bool star = false;
	for (;;) {
		size_t next = p, reached = at;
		if (stretch(pattern, values, &next, text, &reached)) {
			if (next >= pattern->n - 1) return true; /* all of it, or a star at the end */
			star = true;
			p = next + 1;
			at = reached;
		} else {
			if (!star || at == text.len) return false;
			at += character(text, at);
		}
	}
}

static bool resolve(const bulla_policy_pattern *pattern, const bulla_access *access, bulla_policy_value *values,
		    bulla_bytes *texts)
{
	for (size_t i = 0; i < pattern->n; i++) {
		const bulla_policy_part *part = &pattern->parts[i];
		size_t at = 0;
		if (part->kind != PART_VARIABLE) continue;
		bool found = bulla_policy_key_next(part->key, access, &at, &values[part->slot]);
		if (!found && !part->has_default) return false;
		texts[part->slot] = found ? values[part->slot].text : part->text;
	}
	return true;
}

static bool match_variables(const bulla_policy_pattern *pattern, const bulla_access *access, bulla_bytes text)
{
	bulla_policy_value values[BULLA_POLICY_VARIABLES_MAX];
	bulla_bytes texts[BULLA_POLICY_VARIABLES_MAX];
	return resolve(pattern, access, values, texts) && glob(pattern, texts, text);
}

bool bulla_policy_pattern_match(const bulla_policy_pattern *pattern, const bulla_access *access, bulla_bytes text)
{
	if (pattern->variables) return match_variables(pattern, access, text);
	if (pattern->n == 0) return text.len == 0;
	if (pattern->n == 1 && pattern->parts->kind == PART_TEXT) return same(pattern, pattern->parts->text, text);
	return glob(pattern, &text, text); /* no part asks for a value */
}

/* --- ARNs ------------------------------------------------------------------------------------------------------ */
bool bulla_arn_split(bulla_bytes text, bulla_bytes out[static BULLA_ARN_SECTIONS])
{
	size_t n = 0, start = 0;
	bool variable = false;
	for (size_t i = 0; i < text.len && n < BULLA_ARN_SECTIONS - 1; i++) {
		uint8_t c = text.data[i];
		if (c == '{' && i > 0 && text.data[i - 1] == '$') variable = true;
		if (c == '}') variable = false;
		if (c != ':' || variable) continue;
		out[n++] = bulla_view(text.data + start, i - start);
		start = i + 1;
	}
	if (n < BULLA_ARN_SECTIONS - 1) return false;
	out[n] = bulla_view(text.data + start, text.len - start);
	return true;
}
