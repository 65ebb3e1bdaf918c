/* Which version of a job is shown.
 *
 *   put ──> shown                    the first version; any, while staging is off
 *   put ──> staged ── publish ──> shown
 *              ^  └─ a newer one takes its place; the older one may still be published */
#include "base/metric.h"
#include "cache/cache_private.h"
#include "job/row.h"

/* ---- what is done without the lock ---- */

void after_tell(struct after *after, const struct entry *e, enum cache_event event)
{
    after->tell = true;
    after->event = event;
    after->key = e->key;
    entry_copy_id(e, after->id);
}

void after_owe(struct cache *c, struct entry *e, enum cache_need need, struct after *after,
               int64_t now_ms)
{
    struct owed *owed = &after->owed[need];
    owed->waiters = waiters_take(c, e, need);
    if (owed->waiters)
        answer_last(&owed->answer, c, e, need, now_ms);
}

void after_finish(struct cache *c, struct after *after)
{
    if (after->tell && c->listener)
        c->listener(c->listener_arg, after->event, after->key, after->id, after->before,
                    after->now);
    job_unref(after->before);
    job_unref(after->dropped);
    for (int need = 0; need < CACHE_NEEDS; need++)
        waiters_answer(&after->owed[need]);
    if (after->tell && c->answered)
        c->answered(c->answered_arg);
}

/* ---- versions ---- */

static int unfinished(const struct job_facts *f)
{
    return !job_facts_final(f);
}

static void replace_facts(struct entry *e, const struct job_facts *facts)
{
    const struct job_facts *had = e->facts;
    e->facts = job_facts_ref(facts);
    job_facts_unref(had);
}

void stage_known(struct cache *c, struct entry *e, const struct job_facts *facts)
{
    c->provisional -= !e->unborn;
    e->known = true;
    e->unborn = false;
    replace_facts(e, facts);
    c->known++;
    c->generation++;
    c->row_bytes += facts->row_len;
    c->row_generation++;
    group_join(c, e);
    metric_add(METRIC_JOBS, 1);
    metric_add(METRIC_JOBS_UNFINISHED, unfinished(facts));
}

void stage_unknown(struct cache *c, struct entry *e)
{
    group_leave(c, e);
    e->known = false;
    c->provisional++; /* until it is dropped */
    c->known--;
    c->generation++;
    c->row_bytes -= e->facts->row_len;
    c->row_generation++;
    metric_add(METRIC_JOBS, -1);
    metric_add(METRIC_JOBS_UNFINISHED, -unfinished(e->facts));
}

void stage_change_facts(struct cache *c, struct entry *e, const struct job_facts *facts)
{
    c->row_bytes += facts->row_len;
    c->row_bytes -= e->facts->row_len;
    metric_add(METRIC_JOBS_UNFINISHED, unfinished(facts) - unfinished(e->facts));
    group_move(c, e, facts);
    replace_facts(e, facts);
}

/* Of a known job. The reference to what was shown before goes to the caller. */
static struct job *show(struct cache *c, struct entry *e, const struct job *job, int64_t now_ms)
{
    if (job_final(job) && !job_facts_final(e->facts)) /* from now on it may be forgotten */
        e->read_ms = now_ms;

    struct job *before = content_set(c, &e->job, job);
    c->row_generation += !before || !job_row_same(before, job);
    stage_change_facts(c, e, job_facts_of(job));
    e->settled = e->lost = false; /* the kernel may hold what was there before */
    save_entry(c, e, SAVE_ALL);
    return before;
}

/* Of one that is not known yet, whose content is in its place. */
static void show_first(struct cache *c, struct entry *e)
{
    stage_known(c, e, job_facts_of(e->job));
    e->settled = job_final(e->job) && !job_partial(e->job);
    save_entry(c, e, SAVE_ALL);
}

static void create(struct cache *c, struct entry *e, struct job *job, struct after *after,
                   int64_t now_ms)
{
    content_set(c, &e->job, job);
    show_first(c, e);
    e->read_ms = now_ms;
    after->now = job;
    after_tell(after, e, CACHE_CREATED);
}

static void show_next(struct cache *c, struct entry *e, struct job *job, struct after *after,
                      int64_t now_ms)
{
    after->before = show(c, e, job, now_ms);
    after->now = job;
    metric_add(METRIC_JOB_CHANGES, 1);
    after_tell(after, e, CACHE_CHANGED);
}

static void stage(struct cache *c, struct entry *e, struct job *job, struct after *after,
                  int64_t now_ms)
{
    if (!e->staged) {
        e->staged_age = e->age;
        e->staged_ms = now_ms;
    }
    after->dropped = content_set(c, &e->staged, job);
    after->before = job_ref(e->job);
    after->now = job;
    metric_add(METRIC_JOB_CHANGES, 1);
    after_tell(after, e, CACHE_STAGED);
}

void stage_unborn(struct cache *c, struct entry *e, struct job *job, struct after *after)
{
    content_set(c, &e->staged, job);
    e->staged_age = e->age;
    e->unborn = true;
    c->provisional--;
    after->now = job;
    after_tell(after, e, CACHE_UNBORN);
}

void stage_birth(struct cache *c, struct entry *e)
{
    e->job = MOVE_PTR(e->staged); /* and its weight with it */
    e->age = e->staged_age;
    show_first(c, e);
}

struct version_age *stage_put(struct cache *c, struct entry *e, struct job *job,
                              struct after *after, int64_t now_ms)
{
    if (job == (e->staged ? e->staged : e->job))
        return e->staged ? &e->staged_age : &e->age;
    if (e->unborn) /* the listener knows that there is something to show */
        after->dropped = content_set(c, &e->staged, job);
    else if (!e->known)
        create(c, e, job, after, now_ms);
    else if (c->staging && e->job)
        stage(c, e, job, after, now_ms);
    else /* without the old content nobody could tell what has changed */
        show_next(c, e, job, after, now_ms);
    return e->staged ? &e->staged_age : &e->age;
}

/* Who needs a Get goes on waiting for one that is under way, and for content that has any. */
static bool is_answer(const struct cache *c, const struct entry *e, enum cache_need need,
                      int64_t now_ms)
{
    if (need == CACHE_NEED_ANY)
        return true;
    return entry_has(e, need) && (!entry_asked(e) || entry_fresh(c, e, need, now_ms));
}

static void publish(struct cache *c, struct entry *e, const struct job *job, struct after *after,
                    int64_t now_ms)
{
    if (e->unborn) {
        stage_birth(c, e);
        return;
    }
    after->before = show(c, e, job, now_ms);
    /* Of an older one too: it was right until the newer one came, which follows. */
    if (e->staged)
        e->age = e->staged_age;
    if (e->staged == job)
        after->dropped = content_set(c, &e->staged, NULL);
}

void cache_publish(struct cache *c, uint64_t key, const struct job *job, int64_t now_ms)
{
    struct after after = {0};
    cache_lock(c);
    struct entry *e = table_find(&c->table, key);
    /* With nothing staged somebody who named it was shown the newest already. */
    if (e && (e->unborn || (e->known && e->staged && e->job != job))) {
        publish(c, e, job, &after, now_ms);
        for (enum cache_need need = 0; need < CACHE_NEEDS; need++)
            if (is_answer(c, e, need, now_ms))
                after_owe(c, e, need, &after, now_ms);
        if (e->list == LIST_NONE)
            entry_rest(c, e);
        content_trim(c, NULL);
    }
    cache_unlock(c);
    after_finish(c, &after);
}

struct job *cache_current(struct cache *c, uint64_t key)
{
    cache_lock(c);
    const struct entry *e = content_locate(c, key);
    struct job *job = e && e->job ? job_ref(e->job) : NULL;
    cache_unlock(c);
    return job;
}

struct job *cache_newest(struct cache *c, uint64_t key)
{
    cache_lock(c);
    const struct entry *e = content_locate(c, key);
    const struct job *newest = e && e->staged ? e->staged : e ? e->job : NULL;
    struct job *job = newest ? job_ref(newest) : NULL;
    cache_unlock(c);
    return job;
}
