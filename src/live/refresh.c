#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "cache/cache.h"
#include "job/facts.h"
#include "live/live_private.h"

static struct schedule_job plan_of(const struct job_facts *facts)
{
    return (struct schedule_job){.status = (enum job_status)facts->status,
                                 .create_s = facts->create_s,
                                 .partial = facts->partial,
                                 .duration = facts->duration};
}

static void add(struct live *l, uint64_t key, const struct job_facts *facts, int64_t now_ms)
{
    const struct schedule_job job = plan_of(facts);
    if (schedule_add(l->schedule, key, &job, now_ms) < 0)
        log_warn("no memory to keep a job current job=%s", facts->id);
}

/* What is known from before may have changed since; what has ended and is whole has not. */
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
        const struct job_facts *facts = rows[i].facts;
        if (job_facts_final(facts) && !facts->partial)
            continue;
        add(l, rows[i].key, facts, now_ms);
        schedule_again(l->schedule, rows[i].key, now_ms);
    }
    cache_list_free(rows, n);
    return 0;
}

void refresh_discovered(struct live *l, uint64_t key, const struct job *item, int64_t now_ms)
{
    if (l->schedule)
        add(l, key, job_facts_of(item), now_ms);
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
    const struct schedule_job plan = plan_of(job_facts_of(job));
    if (schedule_has(l->schedule, k->key))
        schedule_got(l->schedule, k->key, &plan, changed, now_ms);
    else if (changed) /* what was known already is here, or has ended for good */
        add(l, k->key, job_facts_of(job), now_ms);
}

void refresh_failed(struct live *l, const struct look *k, enum api_class class, int64_t delay_ms,
                    int64_t now_ms)
{
    bool answered = class == API_NOT_FOUND || class == API_BAD_REQUEST;
    if (!l->schedule)
        return;
    schedule_failed(l->schedule, k->key, delay_ms, answered, now_ms);
    if (k->ended && !answered)
        schedule_put_back(l->schedule, k->key, delay_ms, now_ms);
}

/* ---- the one Get of jobs that had ended ---- */

/* It is still to come: nobody has got the job meanwhile, and the service has not forgotten it. */
static bool is_due_still(struct live *l, uint64_t key)
{
    struct cache_info info;
    char id[JOB_ID_MAX + 1];
    struct job_facts *facts = cache_facts(l->config.cache, key);
    if (!facts) /* not shown yet, or forgotten */
        return cache_id_of(l->config.cache, key, id) && cache_unborn(l->config.cache, id, &key);
    bool partial = facts->partial;
    job_facts_unref(facts);
    return partial && cache_info(l->config.cache, key, CACHE_NEED_ANY, 0, &info) && !info.gone;
}

struct look *refresh_ended(struct live *l, int64_t now_ms)
{
    struct looks *s = &l->looks;
    uint64_t key;
    while (l->schedule && schedule_next_ended(l->schedule, now_ms, &key)) {
        if (!is_due_still(l, key))
            continue;
        if (looks_reserve(s) < 0 || !cache_begin(l->config.cache, key, now_ms, s->spare->id)) {
            schedule_put_back(l->schedule, key, 0, now_ms); /* a reader was first */
            return NULL;
        }
        struct look *k = look_new(s, l, LOOK_READY);
        k->key = key;
        k->ended = true;
        return k;
    }
    return NULL;
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
