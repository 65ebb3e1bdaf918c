#include "base/clock.h"
#include "base/log.h"
#include "cache/cache.h"
#include "job/facts.h"
#include "live/live_private.h"
#include <string.h>

/* ---- an item of a job that is known ---- */

static bool same_status(const struct job *a, const struct job *b)
{
    const struct job_field *x = job_find(a, "status"), *y = job_find(b, "status");
    return x && y ? strcmp(x->data, y->data) == 0 : x == y;
}

static void lay_over(struct live *l, uint64_t key, const struct job *known, const struct job *item,
                     int64_t now_ms)
{
    struct err err = {""};
    int64_t real_ns = clock_real_ns();
    struct job *job = job_merge_list(known, item, real_ns, &err);
    if (!job) {
        log_warn("what a list shows is lost job=%s error=%s", job_id(known), err.text);
        return;
    }
    cache_put_listed(l->config.cache, key, job, now_ms, real_ns);
    schedule_listed(l->schedule, key, job == known ? SCHEDULE_SAME : SCHEDULE_CHANGED, now_ms);
    job_unref(job);
}

/* Of a job that lists alone have shown all that is known is of this kind. Else a Get tells what
 * else a change of status has changed. */
static void take_known(struct live *l, uint64_t key, struct job *item, int64_t now_ms)
{
    struct job *known = cache_newest(l->config.cache, key);
    if (!known || job_item_outdated(known, item)) {
        job_unref(known);
        return;
    }
    if (job_partial(known) || same_status(known, item)) {
        lay_over(l, key, known, item, now_ms);
        if (job_partial(known) && job_final(item))
            schedule_listed_end(l->schedule, key);
    } else {
        schedule_listed(l->schedule, key, SCHEDULE_OTHER_STATUS, now_ms);
        refresh_changed(l, key, item, now_ms);
    }
    job_unref(known);
}

static bool is_known(struct live *l, const struct job *item, uint64_t *key)
{
    struct job_facts *facts = cache_find(l->config.cache, job_id(item), key);
    job_facts_unref(facts);
    return facts || cache_unborn(l->config.cache, job_id(item), key);
}

/* ---- an item of one that is not ---- */

static bool read_time(const struct job *job, const char *name, int64_t *ns)
{
    const struct job_field *f = job_find(job, name);
    char text[CLOCK_ISO_LEN];
    if (!f || f->len != sizeof text) /* its line feed in the place of the NUL */
        return false;
    memcpy(text, f->data, sizeof text);
    text[sizeof text - 1] = '\0';
    return clock_parse_iso(text, ns) == 0;
}

/* It ended so long ago that it would be forgotten by now: it may have been. */
static bool is_past_keeping(const struct live *l, const struct job *item)
{
    int64_t ns;
    if (l->config.keep_ms == 0 || !job_final(item))
        return false;
    if (!read_time(item, "complete_time", &ns) && !read_time(item, "modified_time", &ns) &&
        !read_time(item, "create_time", &ns))
        return false;
    return (clock_real_ns() - ns) / NS_PER_MS > l->config.keep_ms;
}

static enum lists_item discover(struct live *l, struct job *item, int64_t now_ms)
{
    uint64_t key;
    if (!l->discovery.plan || is_past_keeping(l, item))
        return LISTS_KNOWN;
    if (!cache_discover(l->config.cache, item, now_ms, clock_real_ns(), &key))
        return LISTS_MISSED; /* a reader has named it and waits for a Get, or there is no memory */
    l->discovery.found++;
    refresh_discovered(l, key, item, now_ms);
    return LISTS_FRESH;
}

enum lists_item lists_take(struct live *l, struct job *item, int64_t now_ms)
{
    uint64_t key = 0;
    if (!is_known(l, item, &key))
        return discover(l, item, now_ms);
    if (l->schedule && schedule_has(l->schedule, key))
        take_known(l, key, item, now_ms);
    return LISTS_KNOWN;
}

/* ---- refused ---- */

static const char policy[] = "{\"Version\":\"1\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":["
                             "\"ice:ListMediaProducingJobs\",\"ice:GetMediaProducingJob\"],"
                             "\"Resource\":\"*\"}]}";

bool lists_allowed(const struct live *l, int64_t now_ms)
{
    return now_ms >= l->lists.not_before_ms;
}

static void say_denied(struct live *l, const char *error, int64_t now_ms)
{
    bool said = l->lists.refused || !loud_now(&l->loud, "lists denied", now_ms);
    l->lists.refused = true;
    if (!said)
        log_error("jobs cannot be listed: none is found that nobody has named, and unfinished ones "
                  "are asked for one by one, which takes more calls; add this RAM policy to the "
                  "user or role: %s error=%s",
                  policy, error);
}

void lists_refused(struct live *l, enum api_class class, const char *error, int64_t now_ms)
{
    if (class == API_DENIED)
        say_denied(l, error, now_ms);
    else if (loud_now(&l->loud, "list refused", now_ms))
        log_error("a list of jobs is refused: jobs that nobody has named may not be found, and "
                  "unfinished ones are asked for one by one, which takes more calls error=%s",
                  error);
}

void lists_rest(struct live *l, int64_t now_ms)
{
    l->lists.not_before_ms = now_ms + LIVE_LISTS_MS;
}

void lists_worked(struct live *l)
{
    if (l->lists.refused)
        log_info("jobs can be listed again");
    l->lists.refused = false;
}
