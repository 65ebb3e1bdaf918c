#include "cache/cache_private.h"

bool cache_settled(struct cache *c, uint64_t key)
{
    cache_lock(c);
    const struct entry *e = table_find(&c->table, key);
    bool settled = e && e->settled;
    cache_unlock(c);
    return settled;
}

static enum cache_hold open_one(struct entry *e, bool fill)
{
    if (!e->settled) {
        e->pins++;
        return CACHE_PINNED;
    }
    e->pins += fill; /* should it change meanwhile, it is not settled before that is over */
    e->kept++;
    return fill ? CACHE_FILLING : CACHE_KEPT;
}

enum cache_hold cache_open(struct cache *c, uint64_t key, bool fill, struct job **current)
{
    cache_lock(c);
    struct entry *e = content_locate(c, key);
    enum cache_hold hold = e ? open_one(e, fill) : CACHE_PINNED;
    *current = hold != CACHE_PINNED && e->job ? job_ref(e->job) : NULL;
    cache_unlock(c);
    return hold;
}

unsigned cache_pins(struct cache *c, uint64_t key)
{
    cache_lock(c);
    const struct entry *e = table_find(&c->table, key);
    unsigned pins = e ? e->pins : 0;
    cache_unlock(c);
    return pins;
}

/* One pin less. true: a job that has ended may be settled now. Called with the lock held. */
static bool unpin(struct entry *e)
{
    return e->pins > 0 && --e->pins == 0 && e->known && !e->settled && job_facts_final(e->facts);
}

bool cache_close(struct cache *c, uint64_t key, enum cache_hold hold)
{
    cache_lock(c);
    struct entry *e = table_find(&c->table, key);
    bool last = e && hold != CACHE_KEPT && unpin(e);
    if (e && hold == CACHE_KEPT && e->kept > 0)
        e->kept--;
    cache_unlock(c);
    return last;
}

void cache_settle(struct cache *c, uint64_t key)
{
    cache_lock(c);
    struct entry *e = table_find(&c->table, key);
    if (e && e->known && !e->staged && job_facts_final(e->facts) && !e->facts->partial &&
        e->pins == 0)
        e->settled = true;
    cache_unlock(c);
}

unsigned cache_unsettle(struct cache *c, uint64_t key)
{
    cache_lock(c);
    struct entry *e = table_find(&c->table, key);
    unsigned kept = e ? e->kept : 0;
    if (e)
        e->settled = false;
    cache_unlock(c);
    return kept;
}
