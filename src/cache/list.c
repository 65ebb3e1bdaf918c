#include "cache/cache_private.h"

#define SLACK 64 /* jobs that may become known between counting and copying */

/* Copy all known jobs, if they fit. */
static bool copy_known(struct cache *c, struct cache_row *rows, size_t cap, size_t *n)
{
    if (c->known > cap)
        return false;
    *n = 0;
    for (size_t i = 0; i < c->table.cap; i++) {
        const struct entry *e = c->table.slots[i];
        if (e && e->known)
            rows[(*n)++] = (struct cache_row){.key = e->key, .facts = job_facts_ref(e->facts)};
    }
    return true;
}

int cache_list(struct cache *c, struct cache_row **rows, size_t *n)
{
    for (;;) {
        cache_lock(c);
        size_t cap = c->known + SLACK;
        cache_unlock(c);
        /* Memory is asked for without the lock. */
        struct cache_row *copy = calloc(cap, sizeof(*copy));
        if (!copy)
            return -1;
        cache_lock(c);
        bool fits = copy_known(c, copy, cap, n);
        cache_unlock(c);
        if (fits) {
            *rows = copy;
            return 0;
        }
        free(copy);
    }
}

void cache_list_free(struct cache_row *rows, size_t n)
{
    for (size_t i = 0; rows && i < n; i++)
        job_facts_unref(rows[i].facts);
    free(rows);
}

uint64_t cache_generation(struct cache *c)
{
    cache_lock(c);
    uint64_t generation = c->generation;
    cache_unlock(c);
    return generation;
}
