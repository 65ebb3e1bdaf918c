#include "cache/cache_private.h"

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

bool cache_begin(struct cache *c, uint64_t key, int64_t now_ms, char id[JOB_ID_MAX + 1])
{
    cache_lock(c);
    struct entry *e = table_find(&c->table, key);
    bool begun = e && !e->asking;
    if (begun) {
        if (e->list != LIST_WANTED) { /* else a reader began it */
            e->begun_ms = now_ms;
            e->retrying = false;
        }
        entry_move(c, e, LIST_NONE);
        e->asking = true;
        entry_copy_id(e, id);
        if (c->down) { /* one probe is enough */
            c->probe_key = key;
            c->probe_ms = now_ms;
        }
    }
    cache_unlock(c);
    return begun;
}

void cache_attempt(struct cache *c, uint64_t key, int64_t now_ms)
{
    cache_lock(c);
    if (c->probe_key == key)
        c->probe_ms = now_ms; /* the budget may have held it back */
    cache_unlock(c);
}

/* `lookup_ms`: how long a LOOKUP counts. */
static int64_t wanted_until(const struct entry *e, int64_t lookup_ms)
{
    int64_t until = INT64_MIN;
    if (!e->known && e->looked_ms != CACHE_LONG_AGO)
        until = e->looked_ms + lookup_ms;
    for (const struct cache_waiter *w = e->waiters; w; w = w->entry_next_)
        if (w->deadline_ms_ > until)
            until = w->deadline_ms_;
    return until;
}

int64_t cache_wanted_until(struct cache *c, uint64_t key)
{
    cache_lock(c);
    const struct entry *e = table_find(&c->table, key);
    /* Whoever follows a LOOKUP waits as long as all do. */
    int64_t until = e ? wanted_until(e, c->queues[WAIT_WHOLE].delay_ms) : INT64_MIN;
    cache_unlock(c);
    return until;
}

bool cache_abandon(struct cache *c, uint64_t key, int64_t now_ms)
{
    struct after after = {0};
    cache_lock(c);
    struct entry *e = table_find(&c->table, key);
    bool over = !e || (!e->known && !e->unborn && wanted_until(e, CACHE_LOOKUP_MS) <= now_ms &&
                       !e->waiters);
    if (e && over) {
        entry_over(c, e, MEMORY_NONE, now_ms);
        after_tell(&after, e, CACHE_NOTHING);
    }
    cache_unlock(c);
    after_finish(c, &after);
    return over;
}
