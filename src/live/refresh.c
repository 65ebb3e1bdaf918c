#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "cache/cache.h"
#include "job/job.h"
#include "live/live_private.h"
#include <string.h>

static int64_t create_s(const struct job *job)
{
    const struct job_field *f = job_find(job, "create_time");
    char text[CLOCK_ISO_LEN];
    int64_t ns;
    if (!f || f->len != CLOCK_ISO_LEN) /* its line feed in the place of the NUL */
        return SCHEDULE_NO_TIME;
    memcpy(text, f->data, f->len);
    text[f->len - 1] = '\0';
    return clock_parse_iso(text, &ns) == 0 ? ns / NS_PER_S : SCHEDULE_NO_TIME;
}

static struct schedule_job facts_of(const struct job *job)
{
    return (struct schedule_job){.status = job_status(job),
                                 .create_s = create_s(job),
                                 .partial = job_partial(job),
                                 .duration = job_find(job, "duration") != NULL};
}

static void add(struct live *l, uint64_t key, const struct job *job, int64_t now_ms)
{
    struct schedule_job facts = facts_of(job);
    if (schedule_add(l->schedule, key, &facts, now_ms) < 0)
        log_warn("no memory to keep a job current job=%s", job_id(job));
}

/* What is known from before may have changed since. */
int refresh_begin(struct live *l, struct err *err)
{
    struct cache_row *rows;
    size_t n;
    if (!l->schedule)
        return 0;
    if (cache_list(l->config.cache, &rows, &n) < 0)
        return err_set(err, "cannot begin to refresh: out of memory");
    int64_t now_ms = clock_mono_ms();
    for (size_t i = 0; i < n; i++) {
        if (job_final(rows[i].job) && !job_partial(rows[i].job))
            continue;
        add(l, rows[i].key, rows[i].job, now_ms);
        schedule_again(l->schedule, rows[i].key, now_ms);
    }
    cache_list_free(rows, n);
    return 0;
}

void refresh_take_touched(struct live *l, int64_t now_ms)
{
    uint64_t key;
    while (cache_take_touched(l->config.cache, &key))
        if (l->schedule)
            schedule_touch(l->schedule, key, now_ms);
}

struct look *refresh_due(struct live *l, int64_t now_ms)
{
    struct looks *s = &l->looks;
    uint64_t key;
    while (l->schedule && schedule_next(l->schedule, now_ms, &key)) {
        schedule_asked(l->schedule, key, now_ms); /* by us, or by whoever was first */
        if (looks_reserve(s) < 0)
            return NULL;
        if (!cache_begin(l->config.cache, key, now_ms, s->spare->id))
            continue;
        struct look *k = look_new(s, l, LOOK_READY);
        k->key = key;
        return k;
    }
    return NULL;
}

void refresh_asked(struct live *l, const struct look *k, int64_t now_ms)
{
    if (l->schedule)
        schedule_asked(l->schedule, k->key, now_ms);
}

void refresh_got(struct live *l, const struct look *k, const struct job *job, bool changed,
                 int64_t now_ms)
{
    if (!l->schedule)
        return;
    struct schedule_job facts = facts_of(job);
    if (schedule_has(l->schedule, k->key))
        schedule_got(l->schedule, k->key, &facts, changed, now_ms);
    else if (changed) /* what was known already is here, or has ended for good */
        add(l, k->key, job, now_ms);
}

void refresh_failed(struct live *l, const struct look *k, enum api_class class, int64_t delay_ms,
                    int64_t now_ms)
{
    bool answered = class == API_NOT_FOUND || class == API_BAD_REQUEST;
    if (l->schedule)
        schedule_failed(l->schedule, k->key, delay_ms, answered, now_ms);
}

void refresh_changed(struct live *l, uint64_t key, struct job *item, int64_t now_ms)
{
    struct looks *s = &l->looks;
    if (looks_reserve(s) < 0 || !cache_begin(l->config.cache, key, now_ms, s->spare->id)) {
        schedule_again(l->schedule, key, now_ms);
        return;
    }
    struct look *k = look_new(s, l, LOOK_CHANGED);
    k->key = key;
    k->item = item ? job_ref(item) : NULL;
    look_move(s, k, LOOK_CHANGED);
}
