#include "cache/cache_private.h"

void touch_entry(struct cache *c, struct entry *e, int64_t now_ms)
{
    if (!e->known || job_facts_final(e->facts) || now_ms - e->touched_ms < CACHE_TOUCH_MS)
        return;
    bool anew = now_ms - e->touched_ms >= CACHE_INTEREST_MS;
    e->touched_ms = now_ms;
    /* Who is in use all the time is asked for at full pace already: live sees it in its own time.
     */
    if (anew && !c->touched_woken)
        c->touched_woken = c->wake = true;
    if (e->touched)
        return;
    e->touched = true;
    e->touched_next = NULL;
    *(c->touched ? &c->touched_last->touched_next : &c->touched) = e;
    c->touched_last = e;
}

void cache_touch(struct cache *c, uint64_t key, int64_t now_ms)
{
    cache_lock(c);
    struct entry *e = table_find(&c->table, key);
    if (e)
        touch_entry(c, e, now_ms);
    cache_unlock(c);
}

bool cache_take_touched(struct cache *c, uint64_t *key)
{
    cache_lock(c);
    struct entry *e = c->touched;
    if (e) {
        c->touched = e->touched_next;
        e->touched = false;
        *key = e->key;
    } else {
        c->touched_woken = false;
    }
    cache_unlock(c);
    return e != NULL;
}
