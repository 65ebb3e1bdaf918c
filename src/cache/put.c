#include "base/metric.h"
#include "cache/cache_private.h"
#include <errno.h>

bool cache_take_wanted(struct cache *c, uint64_t *key, char id[JOB_ID_MAX + 1])
{
    cache_lock(c);
    struct entry *e = c->lists[LIST_WANTED].head;
    if (e) {
        entry_move(c, e, LIST_NONE);
        e->asking = true;
        *key = e->key;
        entry_copy_id(e, id);
    }
    cache_unlock(c);
    return e != NULL;
}

void cache_attempt(struct cache *c, uint64_t key, int64_t now_ms)
{
    cache_lock(c);
    if (c->probe_key == key)
        c->probe_ms = now_ms; /* the budget may have held it back */
    cache_unlock(c);
}

static int64_t wanted_until(const struct entry *e)
{
    int64_t until = INT64_MIN;
    if (!e->job && e->looked_ms != CACHE_LONG_AGO)
        until = e->looked_ms + CACHE_LOOKUP_MS;
    for (const struct cache_waiter *w = e->waiters; w; w = w->entry_next_)
        if (w->deadline_ms_ > until)
            until = w->deadline_ms_;
    return until;
}

int64_t cache_wanted_until(struct cache *c, uint64_t key)
{
    cache_lock(c);
    const struct entry *e = table_find(&c->table, key);
    int64_t until = e ? wanted_until(e) : INT64_MIN;
    cache_unlock(c);
    return until;
}

struct job *cache_current(struct cache *c, uint64_t key)
{
    cache_lock(c);
    const struct entry *e = table_find(&c->table, key);
    struct job *job = e && e->job ? job_ref(e->job) : NULL;
    cache_unlock(c);
    return job;
}

/* What is to be done once the lock is given back. */
struct after {
    struct owed owed;
    bool tell;
    enum cache_event event;
    const struct job *before; /* a reference, when the event is CHANGED */
    const struct job *now;    /* borrowed from live */
    uint64_t key;
    char id[JOB_ID_MAX + 1];
};

static void tell(struct after *after, const struct entry *e, enum cache_event event)
{
    after->tell = true;
    after->event = event;
    after->key = e->key;
    entry_copy_id(e, after->id);
}

/* Take whoever waits for this entry; they get what it has now. */
static void owe(struct cache *c, struct entry *e, struct after *after, int64_t now_ms)
{
    answer_last(&after->owed.answer, c, e, now_ms);
    after->owed.waiters = waiters_take(c, e);
}

/* Without the lock: the listener first, so that who is answered finds it told. */
static void finish(struct cache *c, struct after *after)
{
    if (after->tell && c->listener)
        c->listener(c->listener_arg, after->event, after->key, after->id, after->before,
                    after->now);
    job_unref(after->before);
    waiters_answer(&after->owed);
}

static int unfinished(const struct job *job)
{
    return job && !job_final(job);
}

/* Put a snapshot in the place of the one before it. */
static void replace(struct cache *c, struct entry *e, struct job *job, struct after *after)
{
    metric_add(METRIC_JOBS_UNFINISHED, unfinished(job) - unfinished(e->job));
    after->before = e->job;
    after->now = job;
    e->job = job_ref(job);
    if (after->before) {
        e->settled = false; /* the kernel may hold what was there before */
        metric_add(METRIC_JOB_CHANGES, 1);
        tell(after, e, CACHE_CHANGED);
        return;
    }
    e->settled = job_final(job) && !job_partial(job);
    c->provisional--;
    c->known++;
    c->generation++;
    metric_add(METRIC_JOBS, 1);
    tell(after, e, CACHE_CREATED);
}

void cache_put_job(struct cache *c, uint64_t key, struct job *job, int64_t now_ms,
                   int64_t now_real_ns)
{
    struct after after = {0};
    cache_lock(c);
    struct entry *e = table_find(&c->table, key);
    if (!e) {
        cache_unlock(c);
        return;
    }
    if (e->job != job)
        replace(c, e, job, &after);
    e->confirmed_ms = now_ms;
    e->fetched_real_ns = now_real_ns;
    e->error_no = 0;
    free(MOVE_PTR(e->error));
    entry_over(c, e, MEMORY_NONE, now_ms);
    owe(c, e, &after, now_ms);
    cache_unlock(c);
    finish(c, &after);
}

/* A look-up ends without content from the service. */
static void put_nothing(struct cache *c, uint64_t key, enum entry_memory memory, int error_no,
                        const char *error, int64_t now_ms)
{
    struct after after = {0};
    cache_lock(c);
    struct entry *e = table_find(&c->table, key);
    if (!e) {
        cache_unlock(c);
        return;
    }
    if (memory == MEMORY_NONE && now_ms - e->begun_ms >= CACHE_SLOW_MS)
        e->slow_ms = now_ms + CACHE_SLOW_MS;
    entry_failed(e, error_no, error);
    entry_over(c, e, memory, now_ms);
    owe(c, e, &after, now_ms);
    if (!e->job)
        tell(&after, e, CACHE_NOTHING);
    cache_unlock(c);
    finish(c, &after);
}

void cache_put_missing(struct cache *c, uint64_t key, int64_t now_ms)
{
    put_nothing(c, key, MEMORY_MISSING, ENOENT, "the service knows no such job", now_ms);
}

void cache_put_fault(struct cache *c, uint64_t key, enum api_class class, enum api_net net,
                     const char *error, int64_t now_ms)
{
    put_nothing(c, key, class == API_DENIED ? MEMORY_DENIED : MEMORY_NONE, api_errno(class, net),
                error, now_ms);
}

void cache_put_retry(struct cache *c, uint64_t key, enum api_class class, enum api_net net,
                     const char *error, int64_t now_ms)
{
    struct after after = {0};
    cache_lock(c);
    struct entry *e = table_find(&c->table, key);
    if (e) {
        e->retrying = true;
        entry_failed(e, api_errno(class, net), error);
        if (e->job)
            owe(c, e, &after, now_ms);
    }
    cache_unlock(c);
    finish(c, &after);
}

bool cache_abandon(struct cache *c, uint64_t key, int64_t now_ms)
{
    struct after after = {0};
    cache_lock(c);
    struct entry *e = table_find(&c->table, key);
    bool over = !e || (!e->job && wanted_until(e) <= now_ms && !e->waiters);
    if (e && over) {
        entry_over(c, e, MEMORY_NONE, now_ms);
        tell(&after, e, CACHE_NOTHING);
    }
    cache_unlock(c);
    finish(c, &after);
    return over;
}
