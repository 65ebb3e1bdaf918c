#include "base/clock.h"
#include "base/hash.h"
#include "base/metric.h"
#include "cache/cache_private.h"

struct cache *cache_new(const struct cache_config *config, struct err *err)
{
    struct cache *c = calloc(1, sizeof(*c));
    if (!c) {
        err_set(err, "cannot make the cache: out of memory");
        return NULL;
    }
    c->config = *config;
    c->hash = hash_text;
    c->provisional_max = CACHE_PROVISIONAL_MAX;
    int64_t whole = cache_patience_ms(config->timeout_ms);
    c->queues[WAIT_WHOLE].delay_ms = whole;
    c->queues[WAIT_PATIENCE].delay_ms = time_min(config->patience_ms, whole);
    c->queues[WAIT_PROBE].delay_ms = time_min(CACHE_PROBE_MS, whole);
    mutex_init(&c->lock);
    return c;
}

static void forget_known(const struct entry *e)
{
    if (!e->known)
        return;
    metric_add(METRIC_JOBS, -1);
    metric_add(METRIC_JOBS_UNFINISHED, job_facts_final(e->facts) ? 0 : -1);
}

void cache_free(struct cache *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->table.cap; i++) {
        struct entry *e = c->table.slots[i];
        if (!e)
            continue;
        forget_known(e);
        entry_free(e);
    }
    table_free(&c->table);
    group_free_all(c);
    free(c->forgotten.ids);
    mutex_destroy(&c->lock);
    free(c);
}

void cache_lock(struct cache *c)
{
    mutex_lock(&c->lock);
}

void cache_unlock(struct cache *c)
{
    bool wake = c->wake, wake_save = c->wake_save;
    c->wake = c->wake_save = false;
    mutex_unlock(&c->lock);
    if (wake && c->config.wake)
        c->config.wake(c->config.wake_arg);
    if (wake_save && c->backing.wake)
        c->backing.wake(c->backing.arg);
}

void cache_listen(struct cache *c, cache_listener *fn, void *arg)
{
    cache_lock(c);
    c->listener = fn;
    c->listener_arg = arg;
    cache_unlock(c);
}

void cache_listen_after(struct cache *c, void (*fn)(void *arg), void *arg)
{
    c->answered = fn;
    c->answered_arg = arg;
}

void cache_group_by(struct cache *c, cache_label *label)
{
    cache_lock(c);
    c->label = label;
    cache_unlock(c);
}

void cache_before_wait(struct cache *c, void (*before_wait)(void))
{
    cache_lock(c);
    c->before_wait = before_wait;
    cache_unlock(c);
}

void cache_set_backing(struct cache *c, const struct cache_backing *backing)
{
    cache_lock(c);
    c->backing = *backing;
    cache_unlock(c);
}

void cache_stage_changes(struct cache *c, bool on)
{
    cache_lock(c);
    c->staging = on;
    cache_unlock(c);
}

void cache_service(struct cache *c, bool down, int error)
{
    cache_lock(c);
    c->down = down;
    c->down_error = error;
    c->probe_key = 0;
    cache_unlock(c);
}

/* Answer one reader whose deadline has passed. The attempt may go on; who comes next waits less. */
static bool expire_one(struct cache *c, int64_t now_ms)
{
    struct owed owed = {0};
    cache_lock(c);
    owed.waiters = waiters_take_late(c, now_ms);
    if (owed.waiters) {
        struct entry *e = owed.waiters->entry_;
        e->slow_ms = now_ms + CACHE_SLOW_MS;
        answer_last(&owed.answer, c, e, owed.waiters->need_, now_ms);
    }
    cache_unlock(c);
    bool any = owed.waiters != NULL;
    waiters_answer(&owed);
    return any;
}

void cache_expire(struct cache *c, int64_t now_ms)
{
    while (expire_one(c, now_ms))
        ;
    bool any = true;
    while (any) { /* a lock each: thousands of names may be due, and readers come in between */
        cache_lock(c);
        any = entry_forget_one(c, now_ms);
        cache_unlock(c);
    }
}

int64_t cache_next_deadline(struct cache *c)
{
    cache_lock(c);
    int64_t next = waiters_next_deadline(c);
    for (int list = LIST_SOON; list <= LIST_DENIED; list++)
        if (c->lists[list].head)
            next = time_min(next, c->lists[list].head->forget_ms);
    cache_unlock(c);
    return next;
}

void cache_shutdown(struct cache *c, int error)
{
    for (;;) {
        struct owed owed = {0};
        cache_lock(c);
        c->shut = true;
        c->shut_error = error;
        owed.waiters = waiters_take_late(c, INT64_MAX);
        cache_unlock(c);
        if (!owed.waiters)
            return;
        answer_fault(&owed.answer, error);
        waiters_answer(&owed);
    }
}
