/* A list item laid over what is known of its job. */
#include "base/buf.h"
#include "base/clock.h"
#include "job/name.h"
#include "job/snapshot.h"
#include <string.h>

/* Items of jobs that did not fail have been seen with this Code, where Get has none. */
#define CODE_OF_NO_FAILURE "Success"

static bool is_idle_code(const struct job *item)
{
    const struct job_field *f = job_find_number(item, job_key_number(JOB_KEY_CODE));
    return f && strcmp(f->data, CODE_OF_NO_FAILURE "\n") == 0;
}

/* ---- is it older? ---- */

static bool modified(const struct job *j, int64_t *ns)
{
    const struct job_field *f = job_find_number(j, job_key_number(JOB_KEY_MODIFIED_TIME));
    char text[CLOCK_ISO_LEN];
    if (!f || f->len != CLOCK_ISO_LEN) /* its line feed in the place of the NUL */
        return false;
    memcpy(text, f->data, f->len);
    text[f->len - 1] = '\0';
    return clock_parse_iso(text, ns) == 0;
}

bool job_item_outdated(const struct job *known, const struct job *item)
{
    int64_t had, has;
    if (job_final(item) && !job_final(known)) /* no job comes back from there */
        return false;
    if (!modified(known, &had) || !modified(item, &has))
        return false;
    /* Whole seconds: of two states in one, a job has left the earlier. */
    return has < had ||
           (has == had && item->status != JOB_STATUS_OTHER && item->status < known->status);
}

/* ---- does it differ? ---- */

/* Whether this difference is one that a list can tell of. */
static bool is_told(const struct job *known, const struct job *item, const struct job_change *c)
{
    if (known->partial)
        return !job_key_is_envelope(c->number);
    bool idle_code = c->kind == JOB_FIELD_ADDED && c->number == job_key_number(JOB_KEY_CODE) &&
                     is_idle_code(item);
    return !job_name_needs_get(c->number) && !idle_code;
}

static bool differs(const struct job *known, const struct job *item)
{
    struct job_change changes[JOB_DIFF_MAX];
    size_t n = job_diff(known, item, changes, JOB_DIFF_MAX);
    for (size_t i = 0; i < n; i++)
        if (is_told(known, item, &changes[i]))
            return true;
    return false;
}

/* ---- one reply of two ---- */

/* What is being written, and whether a member has been: the next one needs a comma. */
struct object {
    struct buf *out;
    bool any;
};

static int add_key(struct buf *out, const char *key)
{
    if (buf_addc(out, '"') < 0)
        return -1;
    for (; *key; key++) {
        unsigned char c = (unsigned char)*key;
        int rc = c < 0x20 ? buf_addf(out, "\\u%04x", c) : 0;
        if (rc == 0 && (c == '"' || c == '\\'))
            rc = buf_addc(out, '\\');
        if (rc < 0 || (c >= 0x20 && buf_addc(out, (char)c) < 0))
            return -1;
    }
    return buf_adds(out, "\":");
}

static int begin_member(struct object *o, const char *key)
{
    if (o->any && buf_addc(o->out, ',') < 0)
        return -1;
    o->any = true;
    return add_key(o->out, key);
}

static bool is_listed(const char *key)
{
    enum job_key_id id = job_key_find(key);
    return id != JOB_KEY_COUNT && job_key(id)->listed;
}

/* The members that lists show, or the others. */
static int add_members(struct object *o, const struct json *json, size_t object, bool listed,
                       const char *but)
{
    for (size_t i = json_first(json, object); i != JSON_NONE; i = json_next(json, object, i)) {
        const struct json_value *v = &json->values[i];
        if (is_listed(v->key) != listed || (but && strcmp(v->key, but) == 0))
            continue;
        if (begin_member(o, v->key) < 0 || buf_add(o->out, v->raw, v->raw_len) < 0)
            return -1;
    }
    return 0;
}

static int add_job(struct buf *out, const struct json *known, size_t had, const struct json *item,
                   const char *but)
{
    size_t has = json_member(item, 0, "MediaProducingJob");
    struct object o = {.out = out};
    if (has == JSON_NONE || buf_addc(out, '{') < 0 ||
        add_members(&o, known, had, false, NULL) < 0 || add_members(&o, item, has, true, but) < 0)
        return -1;
    return buf_addc(out, '}');
}

/* The reply of Get as it was, with what the item shows in its job. */
static int add_reply(struct buf *out, const struct json *known, const struct json *item,
                     const char *but)
{
    struct object o = {.out = out};
    if (buf_addc(out, '{') < 0)
        return -1;
    for (size_t i = json_first(known, 0); i != JSON_NONE; i = json_next(known, 0, i)) {
        const struct json_value *v = &known->values[i];
        bool is_job = strcmp(v->key, "MediaProducingJob") == 0;
        if (begin_member(&o, v->key) < 0)
            return -1;
        if ((is_job ? add_job(out, known, i, item, but) : buf_add(out, v->raw, v->raw_len)) < 0)
            return -1;
    }
    return buf_addc(out, '}');
}

static int parse_whole(const struct job *j, struct json *json, struct err *err)
{
    const struct job_field *f = job_find_number(j, job_key_number(JOB_KEY_WHOLE));
    if (f)
        return job_reply_parse(json, f->data, f->len, err);
    err_set(err, "it has no job.json");
    return -1;
}

static int merge_replies(const struct job *known, const struct job *item, struct buf *out,
                         struct err *err)
{
    CLEANUP_JSON struct json had = {0};
    CLEANUP_JSON struct json has = {0};
    if (parse_whole(known, &had, err) < 0 || parse_whole(item, &has, err) < 0)
        return -1;
    const char *but = is_idle_code(item) ? job_key(JOB_KEY_CODE)->key : NULL;
    return add_reply(out, &had, &has, but) < 0 ? err_set(err, "no memory for its content") : 0;
}

static struct job *merge(const struct job *known, const struct job *item, int64_t now_ns,
                         struct err *err)
{
    struct buf reply CLEANUP_BUF = BUF_INIT(2 * JOB_REPLY_MAX);
    struct job_source src = {
        .want_id = known->id, .partial = known->partial, .prev = known, .now_ns = now_ns};
    const struct job_field *whole = job_find_number(item, job_key_number(JOB_KEY_WHOLE));
    if (known->partial && whole) {
        src.whole = whole->data;
        src.whole_len = whole->len;
    } else {
        if (merge_replies(known, item, &reply, err) < 0)
            return NULL;
        src.whole = buf_str(&reply);
        src.whole_len = reply.len;
    }
    return job_from_reply(&src, err);
}

struct job *job_merge_list(const struct job *known, const struct job *item, int64_t now_ns,
                           struct err *err)
{
    struct job *j = differs(known, item) ? merge(known, item, now_ns, err) : job_ref(known);
    if (!j)
        err_prefix(err, "list item of %s", known->id);
    return j;
}
