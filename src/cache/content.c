/* Content in memory is what is read, what is not finished and what is not saved; the rest may leave
 * for the store, those that were not read for longest first (with a second chance for who was read
 * since the last look), and comes back when it is asked for. */
#include "base/metric.h"
#include "cache/cache_private.h"
#include <string.h>

/* A snapshot, and what the heap adds to it. */
static size_t weight(const struct job *job)
{
    return job ? job_size(job) + 32 : 0;
}

struct job *content_set(struct cache *c, struct job **at, const struct job *job)
{
    struct job *before = *at;
    c->bytes += weight(job);
    c->bytes -= weight(before);
    *at = job ? job_ref(job) : NULL;
    return before;
}

/* ---- out ---- */

static void leave(struct cache *c, struct entry *e)
{
    entry_move(c, e, LIST_NONE);
    job_unref(content_set(c, &e->job, NULL));
    metric_add(METRIC_CACHE_EVICTED, 1);
}

void content_trim(struct cache *c, const struct entry *but)
{
    if (!c->backing.load || c->config.size_max == 0)
        return;
    bool spared = false; /* it alone was left the last time */
    while (c->bytes > c->config.size_max) {
        struct entry *e = c->lists[LIST_IDLE].head;
        if (!e || (e == but && spared))
            return;
        spared = e == but;
        if (e->hot || e == but) {
            e->hot = false;
            entry_move(c, e, LIST_IDLE);
        } else {
            leave(c, e);
        }
    }
}

/* ---- in ---- */

static bool is_away(const struct entry *e)
{
    return e && e->known && !e->job;
}

static void come_back(struct cache *c, struct entry *e, const struct job *job)
{
    e->lost = !job; /* for now: the store may be well again the next time */
    if (!job)
        return;
    content_set(c, &e->job, job);
    if (job_mtime_ns(job) != e->facts->mtime_ns || job_partial(job) != e->facts->partial) {
        stage_change_facts(c, e, job_facts_of(job));
        c->row_generation++;
    }
    if (e->list == LIST_NONE)
        entry_rest(c, e);
    content_trim(c, e);
}

static void bring_back(struct cache *c, const struct entry *away)
{
    char id[JOB_ID_MAX + 1];
    entry_copy_id(away, id);
    cache_unlock(c);
    if (c->before_wait)
        c->before_wait();
    struct job *job = c->backing.load ? c->backing.load(c->backing.arg, id) : NULL;
    cache_lock(c);
    struct entry *e = entry_find(c, id);
    if (is_away(e))
        come_back(c, e, job);
    job_unref(job);
    metric_add(METRIC_CACHE_LOADED, 1);
}

struct entry *content_locate(struct cache *c, uint64_t key)
{
    struct entry *e = table_find(&c->table, key);
    if (is_away(e)) {
        bring_back(c, e);
        e = table_find(&c->table, key);
    }
    return e;
}
