/*
 * trail.c - CloudTrail's LookupEvents over the audit log: newest first, a bounded piece of the log for each request.
 *
 * The log is read backwards in pages. A token says where to go on, and is good only for the same question.
 */
#include "base/text.h"
#include "kms/look.h"
#include "server/kms_inside.h"
#include "server/trail_event.h"

#define RESULTS_PRESET 50
#define PAGE           256        /* entries read at a time: a tile */
#define SCANNED_MAX    65536      /* entries looked at for one request */
#define ANSWER_MAX     (1u << 20) /* bytes of events after which a page ends */
#define TOKEN_SIZE     24         /* u64 end, 16 bytes of the question's hash */
/* Entries of several nodes are in order but for their clocks: so long before StartTime the search goes on. */
#define SLACK_US INT64_C(3600000000)

/* The question of one request. */
typedef struct trail {
	bulla_work *work;
	bulla_json_writer *w;
	bulla_lane *lane;
	bulla_bytes wanted; /* the attribute's value */
	int64_t attribute;  /* BULLA_AWS_LOOKUP_...; -1: none */
	int64_t from_us, to_us;
	size_t left;    /* results that may still be told */
	uint64_t first; /* of the part that is looked at */
	uint64_t end;
	uint8_t question[16]; /* the first bytes of its hash */
	bulla_buf entries;    /* of one page: u32 length and bytes of each */
	bool old;             /* everything in the page was before StartTime */
} trail;

/* --- the question ------------------------------------------------------------------------------------------------ */
static bool take_attribute(trail *t)
{
	const bulla_aws_value *list = bulla_work_value(t->work, BULLA_AWS_LOOKUP_ATTRIBUTES);
	t->attribute = -1;
	if (list->n == 0) return true;
	if (list->n > 1)
		return bulla_work_refuse(t->work, BULLA_AWS_INVALID_LOOKUP_ATTRIBUTES,
					 "You can only specify one lookup attribute in a request.");
	const bulla_aws_value *one = list->items[0].items;
	t->attribute = one[BULLA_AWS_LOOKUP_ATTRIBUTE_KEY].number;
	t->wanted = one[BULLA_AWS_LOOKUP_ATTRIBUTE_VALUE].bytes;
	return true;
}

static bool take_times(trail *t)
{
	const bulla_aws_value *from = bulla_work_value(t->work, BULLA_AWS_START_TIME),
			      *to = bulla_work_value(t->work, BULLA_AWS_END_TIME);
	t->from_us = from->given ? from->number : INT64_MIN;
	t->to_us = to->given ? to->number : INT64_MAX;
	if (t->from_us <= t->to_us) return true;
	return bulla_work_refuse(t->work, BULLA_AWS_INVALID_TIME_RANGE, "StartTime must be before EndTime.");
}

static bool hash_question(trail *t)
{
	uint8_t numbers[24], hash[32];
	bulla_put_u64(numbers, (uint64_t)t->attribute);
	bulla_put_u64(numbers + 8, (uint64_t)t->from_us);
	bulla_put_u64(numbers + 16, (uint64_t)t->to_us);
	const bulla_bytes parts[] = { bulla_view(numbers, sizeof numbers), t->wanted };
	if (bulla_sha256(t->lane, parts, 2, hash, NULL)) return bulla_work_say(t->work, BULLA_AWS_SAYS_INTERNAL);
	memcpy(t->question, hash, sizeof t->question);
	return true;
}

static bool take_token(trail *t)
{
	uint8_t token[TOKEN_SIZE];
	const bulla_aws_value *given = bulla_work_value(t->work, BULLA_AWS_NEXT_TOKEN);
	if (!given->given) return true;
	if (!bulla_hex_read(given->bytes, token, sizeof token) || memcmp(token + 8, t->question, sizeof t->question) != 0 ||
	    bulla_get_u64(token) > t->end)
		return bulla_work_refuse(
			t->work, BULLA_AWS_INVALID_NEXT_TOKEN,
			"Invalid token or a token that was previously used in a request with different parameters.");
	t->end = bulla_get_u64(token);
	return true;
}

static bool take_question(trail *t)
{
	const bulla_aws_value *most = bulla_work_value(t->work, BULLA_AWS_MAX_RESULTS);
	t->left = most->given ? (size_t)most->number : RESULTS_PRESET;
	return take_attribute(t) && take_times(t) && hash_question(t) && take_token(t);
}

/* --- one entry ---------------------------------------------------------------------------------------------------- */
static bool is_resource(bulla_bytes resource, bulla_bytes wanted)
{
	if (bulla_bytes_equal(resource, wanted)) return true; /* the ARN, or the id at its end */
	if (wanted.len != BULLA_UUID_TEXT || resource.len <= wanted.len) return false;
	return memcmp(resource.data + resource.len - wanted.len, wanted.data, wanted.len) == 0;
}

static bool has_attribute(const trail *t, const bulla_trail_event *e)
{
	switch (t->attribute) {
	case BULLA_AWS_LOOKUP_EVENT_NAME:
		return bulla_bytes_equal(e->name, t->wanted);
	case BULLA_AWS_LOOKUP_READ_ONLY:
		return bulla_bytes_is(t->wanted, e->read_only ? "true" : "false");
	case BULLA_AWS_LOOKUP_USERNAME:
		return bulla_bytes_equal(e->user, t->wanted);
	case BULLA_AWS_LOOKUP_RESOURCE_TYPE:
		return e->resource.len && bulla_bytes_is(t->wanted, BULLA_TRAIL_RESOURCE);
	case BULLA_AWS_LOOKUP_RESOURCE_NAME:
		return is_resource(e->resource, t->wanted);
	case BULLA_AWS_LOOKUP_EVENT_SOURCE:
		return bulla_bytes_is(t->wanted, e->source);
	case BULLA_AWS_LOOKUP_ACCESS_KEY_ID:
		return bulla_bytes_equal(e->access_key_id, t->wanted);
	case BULLA_AWS_LOOKUP_EVENT_ID:
		return bulla_bytes_is(t->wanted, e->id);
	default:
		return true;
	}
}

static bulla_code tell_event(trail *t, bulla_bytes entry, bulla_trail_event *e, bulla_error *err)
{
	if (e->time_us < t->from_us || e->time_us > t->to_us) return BULLA_OK;
	if (t->attribute == BULLA_AWS_LOOKUP_EVENT_ID) TRY(bulla_trail_id(t->lane, entry, e->index, e->id, err));
	if (!has_attribute(t, e)) return BULLA_OK;
	TRY(bulla_trail_id(t->lane, entry, e->index, e->id, err));
	bulla_trail_put(t->w, e, &t->work->service->home);
	t->left--;
	return BULLA_OK;
}

static bulla_code look_at(trail *t, bulla_bytes entry, uint64_t index, bulla_error *err)
{
	bulla_json *event = NULL;
	bulla_trail_event e;
	TRY(bulla_json_parse(entry, &event, err));
	bulla_code code = BULLA_OK;
	if (bulla_trail_read(event, index, &e)) {
		if (t->from_us == INT64_MIN || e.time_us >= t->from_us - SLACK_US) t->old = false;
		code = tell_event(t, entry, &e, err);
	}
	bulla_json_free(event);
	return code;
}

/* --- pages -------------------------------------------------------------------------------------------------------- */
/* Entries come in their order: kept until the page is whole, since the newest is told first. */
static bulla_code keep(void *self, uint64_t index, bulla_bytes entry, bulla_error *err)
{
	trail *t = self;
	(void)index;
	TRY(bulla_buf_add(&t->entries, entry, err));
	return bulla_buf_add_u32(&t->entries, (uint32_t)entry.len, err); /* behind it: they are read from the end */
}

static bool is_full(const trail *t)
{
	return t->left == 0 || t->w->out->len >= ANSWER_MAX;
}

/* The page before t->end, from its end; t->end moves to the oldest entry that was looked at. */
static bulla_code look_at_page(trail *t, bulla_error *err)
{
	uint64_t from = t->end - t->first > PAGE ? t->end - PAGE : t->first;
	bulla_buf_clear(&t->entries);
	TRY(bulla_log_each(t->work->service->config.log, from, t->end, keep, t, err));
	size_t at = t->entries.len;
	t->old = true;
	while (t->end > from && !is_full(t)) {
		size_t len = bulla_get_u32(t->entries.data + at - 4);
		at -= 4 + len;
		t->end--;
		TRY(look_at(t, bulla_view(t->entries.data + at, len), t->end, err));
	}
	return BULLA_OK;
}

static void put_token(const trail *t)
{
	uint8_t token[TOKEN_SIZE];
	bulla_put_u64(token, t->end);
	memcpy(token + 8, t->question, sizeof t->question);
	bulla_json_put_hex(t->w, "NextToken", bulla_view(token, sizeof token));
}

/* An id says where its entry lies. */
static void go_to_place(trail *t, uint64_t size)
{
	uint64_t place = 0;
	bool there = bulla_trail_place(t->wanted, &place) && place < size && place < t->end;
	t->first = there ? place : t->end;
	t->end = there ? place + 1 : t->end;
}

static bulla_code look_through(trail *t, uint64_t size, bulla_error *err)
{
	uint64_t stop = t->end > SCANNED_MAX ? t->end - SCANNED_MAX : 0;
	bool by_id = t->attribute == BULLA_AWS_LOOKUP_EVENT_ID,
	     insight = bulla_work_value(t->work, BULLA_AWS_EVENT_CATEGORY)->given;
	t->first = insight ? t->end : stop;
	if (by_id && !insight) go_to_place(t, size);
	bulla_json_open(t->w, "Events", '[');
	t->old = false;
	while (t->end > t->first && !is_full(t) && !t->old)
		TRY(look_at_page(t, err));
	bulla_json_close(t->w, ']');
	if (t->end > 0 && !t->old && !by_id && !insight) put_token(t);
	return BULLA_OK;
}

static bulla_code lookup(trail *t, bulla_error *err)
{
	bulla_log_head head;
	TRY(bulla_log_head_now(t->work->service->config.log, &head, err));
	t->end = head.size;
	if (!take_question(t)) return BULLA_ERR_USAGE;
	return look_through(t, head.size, err);
}

static bulla_code tell(void *self, const bulla_snapshot *now, const bulla_key *key, bulla_error *err)
{
	trail *t = self;
	(void)now;
	(void)key;
	TRY(bulla_lane_new(&t->lane, err));
	bulla_code code = lookup(t, err);
	bulla_lane_free(t->lane);
	bulla_buf_done(&t->entries);
	return code;
}

bulla_code bulla_act_lookup_events(bulla_work *work, bulla_json_writer *w, bulla_error *err)
{
	trail t = { .work = work, .w = w };
	const bulla_look what = { .caller = &work->caller,
				  .operation = "LookupEvents",
				  .action = "cloudtrail:LookupEvents",
				  .tell = tell,
				  .self = &t };
	if (!work->service->config.log) {
		(void)bulla_work_say(work, BULLA_AWS_SAYS_UNSUPPORTED);
		return BULLA_ERR_USAGE;
	}
	work->recorded = true;
	return bulla_engine_look(work->service->config.engine, &what, err);
}
