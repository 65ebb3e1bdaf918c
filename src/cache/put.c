#include "cache/cache_private.h"
#include <errno.h>

static void succeeded(struct entry *e)
{
    e->gone = false;
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
    bool was_gone = e->gone;
    succeeded(e);
    save_age(c, e, was_gone || age->ended ? INT64_MAX : now_ms);
    entry_over(c, e, MEMORY_NONE, now_ms);
    owe_unless_staged(c, e, CACHE_NEED_ANY, &after, now_ms);
    owe_unless_staged(c, e, CACHE_NEED_GET, &after, now_ms);
    entry_rest(c, e);
    content_trim(c, e);
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
    bool first = !e->known;
    struct version_age *age = stage_put(c, e, job, &after, now_ms);
    age->confirmed_ms = now_ms;
    age->fetched_real_ns = now_real_ns;
    if (first)
        known_by_list(c, e);
    if (!entry_asked(e) && !entry_held(e, now_ms))
        succeeded(e);
    save_age(c, e, now_ms);
    owe_unless_staged(c, e, CACHE_NEED_ANY, &after, now_ms);
    cache_unlock(c);
    after_finish(c, &after);
}

/* Of a name that is being asked for the Get tells. */
static struct entry *discovered(struct cache *c, const struct job *item)
{
    struct entry *e = entry_find(c, job_id(item));
    int error;
    if (!e)
        return entry_make(c, job_id(item), &error);
    return e->known || e->unborn || entry_asked(e) ? NULL : e;
}

bool cache_discover(struct cache *c, struct job *item, int64_t now_ms, int64_t now_real_ns,
                    uint64_t *key)
{
    struct after after = {0};
    cache_lock(c);
    bool named = entry_find(c, job_id(item)) != NULL;
    struct entry *e = c->shut ? NULL : discovered(c, item);
    if (e) {
        *key = e->key;
        e->read_ms = now_ms;
        if (c->staging && !named) {
            stage_unborn(c, e, item, &after);
        } else {
            stage_put(c, e, item, &after, now_ms);
            known_by_list(c, e);
        }
        struct version_age *age = e->unborn ? &e->staged_age : &e->age;
        age->confirmed_ms = now_ms;
        age->fetched_real_ns = now_real_ns;
    }
    cache_unlock(c);
    after_finish(c, &after);
    return e != NULL;
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
    if (memory == MEMORY_MISSING && e->known && !e->gone) {
        e->gone = true;
        save_entry(c, e, SAVE_ROW);
    }
    entry_over(c, e, memory, now_ms);
    after_owe(c, e, CACHE_NEED_ANY, &after, now_ms);
    after_owe(c, e, CACHE_NEED_GET, &after, now_ms);
    if (!e->known && !e->unborn)
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
