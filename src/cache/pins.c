#include "cache/cache_private.h"

bool cache_settled(struct cache *c, uint64_t key)
{
    cache_lock(c);
    const struct entry *e = table_find(&c->table, key);
    bool settled = e && e->settled;
    cache_unlock(c);
    return settled;
}

bool cache_pins_add(struct cache *c, uint64_t key, int n)
{
    cache_lock(c);
    struct entry *e = table_find(&c->table, key);
    bool settled = e && e->settled;
    if (e)
        e->pins += (unsigned)n;
    cache_unlock(c);
    return settled;
}

unsigned cache_pins(struct cache *c, uint64_t key)
{
    cache_lock(c);
    const struct entry *e = table_find(&c->table, key);
    unsigned pins = e ? e->pins : 0;
    cache_unlock(c);
    return pins;
}

bool cache_unpin(struct cache *c, uint64_t key)
{
    cache_lock(c);
    struct entry *e = table_find(&c->table, key);
    bool last =
        e && e->pins > 0 && --e->pins == 0 && e->known && !e->settled && job_facts_final(e->facts);
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

void cache_kept_add(struct cache *c, uint64_t key, int n)
{
    cache_lock(c);
    struct entry *e = table_find(&c->table, key);
    if (e)
        e->kept += (unsigned)n;
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
