#include "cache/cache_private.h"
#include <string.h>

#define SLACK 64 /* jobs that may become known between counting and copying */

/* Copy all known jobs, if they fit. */
static bool copy_known(struct cache *c, struct cache_row *rows, size_t cap, size_t *n)
{
    if (c->known > cap)
        return false;
    *n = 0;
    for (size_t i = 0; i < c->table.cap; i++) {
        const struct entry *e = c->table.slots[i];
        if (e && e->job)
            rows[(*n)++] = (struct cache_row){.key = e->key, .job = job_ref(e->job)};
    }
    return true;
}

static int by_id(const void *a, const void *b)
{
    const struct cache_row *x = a, *y = b;
    return strcmp(job_id(x->job), job_id(y->job));
}

int cache_list(struct cache *c, struct cache_row **rows, size_t *n)
{
    for (;;) {
        cache_lock(c);
        size_t cap = c->known + SLACK;
        cache_unlock(c);
        /* Memory is asked for without the lock, and so is the sorting. */
        struct cache_row *copy = calloc(cap, sizeof(*copy));
        if (!copy)
            return -1;
        cache_lock(c);
        bool fits = copy_known(c, copy, cap, n);
        cache_unlock(c);
        if (fits) {
            qsort(copy, *n, sizeof(*copy), by_id);
            *rows = copy;
            return 0;
        }
        free(copy);
    }
}

void cache_list_free(struct cache_row *rows, size_t n)
{
    for (size_t i = 0; rows && i < n; i++)
        job_unref(rows[i].job);
    free(rows);
}

uint64_t cache_generation(struct cache *c)
{
    cache_lock(c);
    uint64_t generation = c->generation;
    cache_unlock(c);
    return generation;
}
