/* Which version of a job is shown.
 *
 *   put ──> shown                    the first version; any, while staging is off
 *   put ──> staged ── publish ──> shown
 *              ^  └─ a newer one takes its place; the older one may still be published */
#include "base/metric.h"
#include "cache/cache_private.h"

/* ---- what is done without the lock ---- */

void after_tell(struct after *after, const struct entry *e, enum cache_event event)
{
    after->tell = true;
    after->event = event;
    after->key = e->key;
    entry_copy_id(e, after->id);
}

void after_owe(struct cache *c, struct entry *e, enum cache_need need, struct after *after,
               int64_t now_ms)
{
    struct owed *owed = &after->owed[need];
    owed->waiters = waiters_take(c, e, need);
    if (owed->waiters)
        answer_last(&owed->answer, c, e, need, now_ms);
}

void after_finish(struct cache *c, struct after *after)
{
    if (after->tell && c->listener)
        c->listener(c->listener_arg, after->event, after->key, after->id, after->before,
                    after->now);
    job_unref(after->before);
    job_unref(after->dropped);
    for (int need = 0; need < CACHE_NEEDS; need++)
        waiters_answer(&after->owed[need]);
}

/* ---- versions ---- */

static int unfinished(const struct job *job)
{
    return job && !job_final(job);
}

/* The reference to what was shown before goes to the caller. */
static struct job *show(struct entry *e, const struct job *job)
{
    struct job *before = e->job;
    metric_add(METRIC_JOBS_UNFINISHED, unfinished(job) - unfinished(before));
    e->job = job_ref(job);
    e->settled = false; /* the kernel may hold what was there before */
    return before;
}

static void show_first(struct cache *c, struct entry *e, struct job *job, struct after *after)
{
    show(e, job);
    e->settled = job_final(job) && !job_partial(job);
    c->provisional--;
    c->known++;
    c->generation++;
    metric_add(METRIC_JOBS, 1);
    after->now = job;
    after_tell(after, e, CACHE_CREATED);
}

static void show_next(struct entry *e, struct job *job, struct after *after)
{
    after->before = show(e, job);
    after->now = job;
    metric_add(METRIC_JOB_CHANGES, 1);
    after_tell(after, e, CACHE_CHANGED);
}

static void stage(struct entry *e, struct job *job, struct after *after, int64_t now_ms)
{
    if (!e->staged) {
        e->staged_age = e->age;
        e->staged_ms = now_ms;
    }
    after->dropped = e->staged;
    e->staged = job_ref(job);
    after->before = job_ref(e->job);
    after->now = job;
    metric_add(METRIC_JOB_CHANGES, 1);
    after_tell(after, e, CACHE_STAGED);
}

struct version_age *stage_put(struct cache *c, struct entry *e, struct job *job,
                              struct after *after, int64_t now_ms)
{
    if (job == (e->staged ? e->staged : e->job))
        return e->staged ? &e->staged_age : &e->age;
    if (!e->job)
        show_first(c, e, job, after);
    else if (c->staging)
        stage(e, job, after, now_ms);
    else
        show_next(e, job, after);
    return e->staged ? &e->staged_age : &e->age;
}

/* Who needs a Get goes on waiting for one that is under way, and for content that has any. */
static bool is_answer(const struct cache *c, const struct entry *e, enum cache_need need,
                      int64_t now_ms)
{
    if (need == CACHE_NEED_ANY)
        return true;
    return entry_has(e, need) && (!entry_asked(e) || entry_fresh(c, e, need, now_ms));
}

void cache_publish(struct cache *c, uint64_t key, const struct job *job, int64_t now_ms)
{
    struct after after = {0};
    cache_lock(c);
    struct entry *e = table_find(&c->table, key);
    if (e && e->job && e->job != job) {
        after.before = show(e, job);
        /* Of an older one too: it was right until the newer one came, which follows. */
        if (e->staged)
            e->age = e->staged_age;
        if (e->staged == job)
            after.dropped = MOVE_PTR(e->staged);
        for (enum cache_need need = 0; need < CACHE_NEEDS; need++)
            if (is_answer(c, e, need, now_ms))
                after_owe(c, e, need, &after, now_ms);
    }
    cache_unlock(c);
    after_finish(c, &after);
}

struct job *cache_current(struct cache *c, uint64_t key)
{
    cache_lock(c);
    const struct entry *e = table_find(&c->table, key);
    struct job *job = e && e->job ? job_ref(e->job) : NULL;
    cache_unlock(c);
    return job;
}

struct job *cache_newest(struct cache *c, uint64_t key)
{
    cache_lock(c);
    const struct entry *e = table_find(&c->table, key);
    struct job *job = e && e->job ? job_ref(e->staged ? e->staged : e->job) : NULL;
    cache_unlock(c);
    return job;
}
