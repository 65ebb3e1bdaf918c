#include "cache/cache_private.h"
#include <errno.h>

static void set_ages(struct entry *e, const struct cache_restored *job)
{
    /* Old until the service confirms it. */
    e->age = (struct version_age){.confirmed_ms = CACHE_LONG_AGO,
                                  .got_ms = CACHE_LONG_AGO,
                                  .fetched_real_ns = job->fetched_real_ns,
                                  .got_real_ns = job->got_real_ns,
                                  .ended = job->ended};
    e->read_ms = job->read_ms;
    e->gone = job->gone;
    e->error_no = job->gone ? ENOENT : 0;
    e->settled = job->ended && job_facts_final(job->facts) && !job->facts->partial;
}

/* The entry that it gets: of a name that nobody asks for now, or a new one. */
static struct entry *place(struct cache *c, const char *id, int *error)
{
    struct entry *e = entry_find(c, id);
    *error = 0;
    if (!e)
        return entry_make(c, id, error);
    return e->known || e->unborn || entry_asked(e) || e->waiters ? NULL : e;
}

int cache_restore(struct cache *c, const struct cache_restored *job)
{
    int error = 0;
    struct job_facts *facts = job_facts_new(job->facts);
    if (!facts)
        return -1;
    cache_lock(c);
    struct entry *e = place(c, facts->id, &error);
    if (e) {
        entry_move(c, e, LIST_NONE);
        e->memory = MEMORY_NONE;
        set_ages(e, job);
        stage_known(c, e, facts);
    }
    cache_unlock(c);
    job_facts_unref(facts);
    return error ? -1 : 0;
}

void cache_restore_missing(struct cache *c, const char *id, int64_t until_ms)
{
    int error;
    cache_lock(c);
    struct entry *e = entry_find(c, id) ? NULL : entry_of(c, id, &error);
    if (e) {
        e->memory = MEMORY_MISSING;
        e->memory_ms = e->forget_ms = until_ms;
        entry_failed(e, ENOENT, NULL);
        entry_move(c, e, LIST_MISSING);
    }
    cache_unlock(c);
}

void cache_each_missing(struct cache *c, void (*each)(void *arg, const char *id, int64_t until_ms),
                        void *arg)
{
    cache_lock(c);
    for (const struct entry *e = c->lists[LIST_MISSING].head; e; e = e->next)
        each(arg, e->facts->id, e->memory_ms);
    cache_unlock(c);
}
