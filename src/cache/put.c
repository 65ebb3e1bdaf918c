#include "cache/cache_private.h"
#include <errno.h>

static void succeeded(struct entry *e)
{
    e->error_no = 0;
    free(MOVE_PTR(e->error));
}

/* Readers wait on while what they wait for is staged: its publication answers them. */
static void owe_unless_staged(struct cache *c, struct entry *e, enum cache_need need,
                              struct after *after, int64_t now_ms)
{
    if (!entry_coming(e, need))
        after_owe(c, e, need, after, now_ms);
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
    struct version_age *age = stage_put(c, e, job, &after, now_ms);
    *age = (struct version_age){.confirmed_ms = now_ms,
                                .got_ms = now_ms,
                                .fetched_real_ns = now_real_ns,
                                .got_real_ns = now_real_ns,
                                .ended = job_final(job) && !job_partial(job)};
    succeeded(e);
    entry_over(c, e, MEMORY_NONE, now_ms);
    owe_unless_staged(c, e, CACHE_NEED_ANY, &after, now_ms);
    owe_unless_staged(c, e, CACHE_NEED_GET, &after, now_ms);
    cache_unlock(c);
    after_finish(c, &after);
}

/* What a list shows is known now; whoever looks for it no longer waits for nothing. */
static void known_by_list(struct cache *c, struct entry *e)
{
    if (e->list != LIST_NONE && e->list != LIST_WANTED)
        entry_move(c, e, LIST_NONE);
    e->memory = MEMORY_NONE;
}

void cache_put_listed(struct cache *c, uint64_t key, struct job *job, int64_t now_ms,
                      int64_t now_real_ns)
{
    struct after after = {0};
    cache_lock(c);
    struct entry *e = table_find(&c->table, key);
    if (!e) {
        cache_unlock(c);
        return;
    }
    bool first = !e->job;
    struct version_age *age = stage_put(c, e, job, &after, now_ms);
    age->confirmed_ms = now_ms;
    age->fetched_real_ns = now_real_ns;
    if (first)
        known_by_list(c, e);
    if (!entry_asked(e) && !entry_held(e, now_ms))
        succeeded(e);
    owe_unless_staged(c, e, CACHE_NEED_ANY, &after, now_ms);
    cache_unlock(c);
    after_finish(c, &after);
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
    after_owe(c, e, CACHE_NEED_ANY, &after, now_ms);
    after_owe(c, e, CACHE_NEED_GET, &after, now_ms);
    if (!e->job)
        after_tell(&after, e, CACHE_NOTHING);
    cache_unlock(c);
    after_finish(c, &after);
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
        for (enum cache_need need = 0; need < CACHE_NEEDS; need++)
            if (entry_has(e, need))
                after_owe(c, e, need, &after, now_ms);
    }
    cache_unlock(c);
    after_finish(c, &after);
}
