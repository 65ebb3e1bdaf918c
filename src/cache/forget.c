/* Finished jobs that nobody has read for long: marked, taken off by the listener, then forgotten.
 * Who reads one in between keeps it. */
#include "cache/cache_private.h"
#include <string.h>

#define LOOK_AT 8192 /* slots of the table each time */
#define AT_ONCE 64

static bool is_idle(const struct entry *e, int64_t keep_ms, int64_t now_ms)
{
    return e && e->known && job_facts_final(e->facts) && !e->leaving && !e->staged &&
           !entry_asked(e) && !e->waiters && !e->touched && e->save == SAVE_NOTHING &&
           e->saving == SAVE_NOTHING && e->pins == 0 && e->kept == 0 &&
           now_ms - e->read_ms >= keep_ms;
}

static size_t mark_idle(struct cache *c, int64_t keep_ms, int64_t now_ms, struct after *marked)
{
    size_t n = 0, looked = 0;
    cache_lock(c);
    for (; looked < LOOK_AT && looked < c->table.cap && n < AT_ONCE; looked++) {
        c->forget_at = c->forget_at + 1 < c->table.cap ? c->forget_at + 1 : 0;
        struct entry *e = c->table.slots[c->forget_at];
        if (!is_idle(e, keep_ms, now_ms))
            continue;
        e->leaving = true;
        marked[n] = (struct after){0};
        after_tell(&marked[n++], e, CACHE_LEAVING);
    }
    cache_unlock(c);
    return n;
}

size_t cache_forget_idle(struct cache *c, int64_t keep_ms, int64_t now_ms)
{
    struct after marked[AT_ONCE];
    size_t n = mark_idle(c, keep_ms, now_ms, marked);
    for (size_t i = 0; i < n; i++) {
        after_finish(c, &marked[i]);
        if (!c->listener)
            cache_forget(c, marked[i].key);
    }
    return n;
}

bool cache_leaving(struct cache *c, uint64_t key)
{
    cache_lock(c);
    const struct entry *e = table_find(&c->table, key);
    bool leaving = e && e->leaving;
    cache_unlock(c);
    return leaving;
}

/* Without memory it stays in the store, and is known again after a restart. */
static void note_forgotten(struct cache *c, const struct entry *e)
{
    struct id_list *l = &c->forgotten;
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 64;
        void *wider = realloc(l->ids, cap * sizeof *l->ids);
        if (!wider)
            return;
        l->ids = wider;
        l->cap = cap;
    }
    entry_copy_id(e, l->ids[l->n++]);
    c->wake_save = true;
}

static void drop_touched(struct cache *c, const struct entry *e)
{
    struct entry **at = &c->touched, *before = NULL;
    if (!e->touched)
        return;
    for (; *at != e; at = &(*at)->touched_next)
        before = *at;
    *at = e->touched_next;
    if (c->touched_last == e)
        c->touched_last = before;
}

void cache_forget(struct cache *c, uint64_t key)
{
    struct after after = {0};
    cache_lock(c);
    struct entry *e = table_find(&c->table, key);
    bool free = e && e->known && e->leaving && !entry_asked(e);
    if (e && !free) /* somebody reads it or asks for it: another time */
        e->leaving = false;
    if (free) {
        if (c->backing.wake)
            note_forgotten(c, e);
        save_drop(c, e);
        drop_touched(c, e);
        after.before = content_set(c, &e->job, NULL);
        after.dropped = content_set(c, &e->staged, NULL);
        after.owed[0].waiters = waiters_take(c, e, CACHE_NEED_ANY);
        after.owed[1].waiters = waiters_take(c, e, CACHE_NEED_GET);
        answer_missing(&after.owed[0].answer);
        answer_missing(&after.owed[1].answer);
        stage_unknown(c, e);
        entry_drop(c, e);
    }
    cache_unlock(c);
    after_finish(c, &after);
}

size_t cache_take_forgotten(struct cache *c, char (*ids)[JOB_ID_MAX + 1], size_t max)
{
    cache_lock(c);
    struct id_list *l = &c->forgotten;
    size_t n = l->n < max ? l->n : max;
    l->n -= n;
    if (n > 0)
        memcpy(ids, l->ids + l->n, n * sizeof *ids);
    cache_unlock(c);
    return n;
}
