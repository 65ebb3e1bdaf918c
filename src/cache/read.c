#include "base/metric.h"
#include "cache/cache_private.h"
#include <errno.h>
#include <string.h>

/* A name without content: have it asked for, unless the answer is remembered or asking would only
 * add to an outage. */
static void begin(struct cache *c, struct entry *e, int64_t now_ms)
{
    if (c->shut || entry_held(e, now_ms))
        return;
    e->looked_ms = now_ms;
    if (c->down)
        entry_probe(c, e, now_ms);
    else
        entry_want(c, e, now_ms);
}

/* What is known is listed by its facts: its content is not looked at. */
static enum cache_verdict found(const struct cache *c, const struct entry *e, int64_t now_ms,
                                struct job_facts **facts, struct cache_answer *a)
{
    int64_t fresh_for_ms = answer_fresh_for(c, e, CACHE_NEED_ANY, now_ms);
    *a = (struct cache_answer){.verdict = CACHE_CONTENT,
                               .stale = fresh_for_ms == 0 || e->error_no != 0,
                               .fresh_for_ms = fresh_for_ms};
    *facts = job_facts_ref(e->facts);
    return a->verdict;
}

static enum cache_verdict lookup(struct cache *c, const char *id, int64_t now_ms, uint64_t *key,
                                 struct job_facts **facts, struct cache_answer *a)
{
    int error = 0;
    struct entry *e = entry_of(c, id, &error);
    if (!e)
        return answer_fault(a, error);
    *key = e->key;
    if (e->unborn) /* it is named now */
        stage_birth(c, e);
    if (e->known)
        return found(c, e, now_ms, facts, a);
    if (e->memory == MEMORY_MISSING && entry_held(e, now_ms))
        return answer_missing(a);
    begin(c, e, now_ms);
    /* Nobody asks, so nothing else would ever end this name. */
    if (e->list == LIST_NONE && !e->asking)
        entry_over(c, e, MEMORY_NONE, now_ms);
    *a = (struct cache_answer){.verdict = CACHE_PARKED};
    return CACHE_PARKED;
}

enum cache_verdict cache_lookup(struct cache *c, const char *id, int64_t now_ms, uint64_t *key,
                                struct job_facts **facts, struct cache_answer *a)
{
    *facts = NULL;
    cache_lock(c);
    enum cache_verdict v = lookup(c, id, now_ms, key, facts, a);
    cache_unlock(c);
    if (v != CACHE_CONTENT) /* a name that is there is no read yet */
        answer_count(a);
    return v;
}

static enum cache_verdict peek(struct cache *c, uint64_t key, enum cache_need need, int64_t now_ms,
                               struct cache_answer *a)
{
    const struct entry *e = content_locate(c, key);
    if (!e)
        return answer_missing(a);
    if (entry_has(e, need) || entry_held(e, now_ms) || now_ms < e->slow_ms)
        return answer_last(a, c, e, need, now_ms);
    *a = (struct cache_answer){.verdict = CACHE_PARKED};
    return CACHE_PARKED;
}

enum cache_verdict cache_peek(struct cache *c, uint64_t key, enum cache_need need, int64_t now_ms,
                              struct cache_answer *a)
{
    cache_lock(c);
    enum cache_verdict v = peek(c, key, need, now_ms, a);
    cache_unlock(c);
    return v;
}

bool cache_read_fresh(struct cache *c, uint64_t key, enum cache_need need, int64_t now_ms,
                      struct cache_answer *a)
{
    cache_lock(c);
    struct entry *e = content_locate(c, key);
    bool fresh = e && e->job && entry_fresh(c, e, need, now_ms);
    if (fresh) {
        answer_content(a, c, e, need, now_ms);
        save_read(c, e, now_ms);
        touch_entry(c, e, now_ms);
    }
    cache_unlock(c);
    if (fresh) {
        metric_add(METRIC_CACHE_HIT, 1);
        answer_count(a);
    }
    return fresh;
}

static enum cache_verdict park(struct cache *c, struct entry *e, struct cache_waiter *w,
                               enum waiter_kind kind, int64_t now_ms, struct cache_answer *a)
{
    waiters_park(c, e, w, kind, now_ms);
    *a = (struct cache_answer){.verdict = CACHE_PARKED};
    return CACHE_PARKED;
}

/* Patience is that of the look-up (or of what has to happen before a new version is shown), not of
 * each reader: who comes late to a slow one waits no more. */
static bool patient(const struct cache *c, int64_t since_ms, int64_t now_ms)
{
    return now_ms - since_ms < c->queues[WAIT_PATIENCE].delay_ms;
}

/* Whether to wait for newer content than there is; has it asked for. */
static bool worth_waiting(struct cache *c, struct entry *e, enum cache_need need, int64_t now_ms)
{
    if (entry_coming(e, need))
        return patient(c, e->staged_ms, now_ms);
    if (c->down) {
        entry_probe(c, e, now_ms);
        return false;
    }
    entry_want(c, e, now_ms);
    return !e->retrying && patient(c, e->begun_ms, now_ms);
}

/* There is content. */
static enum cache_verdict read_known(struct cache *c, struct entry *e, int64_t now_ms,
                                     struct cache_waiter *w, struct cache_answer *a)
{
    enum cache_need need = w->need_;
    if (entry_fresh(c, e, need, now_ms) || entry_held(e, now_ms) || c->shut ||
        !worth_waiting(c, e, need, now_ms))
        return answer_content(a, c, e, need, now_ms);
    return park(c, e, w, WAIT_PATIENCE, now_ms, a);
}

/* There is none. */
static enum cache_verdict read_unknown(struct cache *c, struct entry *e, int64_t now_ms,
                                       struct cache_waiter *w, struct cache_answer *a)
{
    if (entry_held(e, now_ms))
        return answer_last(a, c, e, w->need_, now_ms);
    if (c->shut)
        return answer_fault(a, c->shut_error);
    if (entry_coming(e, w->need_))
        return park(c, e, w, WAIT_WHOLE, now_ms, a);
    if (c->down) {
        if (!entry_probe(c, e, now_ms))
            return answer_fault(a, c->down_error);
        return park(c, e, w, WAIT_PROBE, now_ms, a);
    }
    bool slow = now_ms < e->slow_ms;
    if (slow && c->queues[WAIT_PATIENCE].delay_ms <= 0)
        return answer_last(a, c, e, w->need_, now_ms);
    entry_want(c, e, now_ms);
    return park(c, e, w, slow ? WAIT_PATIENCE : WAIT_WHOLE, now_ms, a);
}

static enum cache_verdict read_locked(struct cache *c, uint64_t key, int64_t now_ms,
                                      struct cache_waiter *w, struct cache_answer *a)
{
    struct entry *e = content_locate(c, key);
    if (!e)
        return answer_missing(a);
    save_read(c, e, now_ms);
    touch_entry(c, e, now_ms);
    return entry_has(e, w->need_) ? read_known(c, e, now_ms, w, a)
                                  : read_unknown(c, e, now_ms, w, a);
}

enum cache_verdict cache_read(struct cache *c, uint64_t key, enum cache_need need, int64_t now_ms,
                              struct cache_waiter *w, struct cache_answer *a)
{
    cache_lock(c);
    w->need_ = need;
    if (w->state_ == WAITER_INTERRUPTED) {
        cache_unlock(c);
        *a = (struct cache_answer){.verdict = CACHE_INTERRUPTED, .error = EINTR};
        return CACHE_INTERRUPTED;
    }
    enum cache_verdict v = read_locked(c, key, now_ms, w, a);
    if (v != CACHE_PARKED)
        w->state_ = WAITER_TAKEN;
    cache_unlock(c);
    if (v == CACHE_CONTENT)
        metric_add(METRIC_CACHE_HIT, 1);
    else if (v == CACHE_PARKED)
        metric_add(METRIC_CACHE_PARKED, 1);
    answer_count(a);
    return v;
}

bool cache_cancel(struct cache *c, struct cache_waiter *w)
{
    cache_lock(c);
    bool parked = w->state_ == WAITER_PARKED;
    if (parked)
        waiters_unpark(c, w);
    else if (w->state_ == WAITER_NEW)
        w->state_ = WAITER_INTERRUPTED;
    cache_unlock(c);
    return parked;
}

bool cache_info(struct cache *c, uint64_t key, enum cache_need need, int64_t now_ms,
                struct cache_info *out)
{
    *out = (struct cache_info){.age_ms = -1};
    cache_lock(c);
    const struct entry *e = table_find(&c->table, key);
    if (e) {
        out->asking = entry_asked(e);
        out->gone = e->gone;
        out->fetched_real_ns = need == CACHE_NEED_GET ? e->age.got_real_ns : e->age.fetched_real_ns;
        if (entry_has(e, need)) {
            out->age_ms = now_ms - entry_time(e, need);
            out->stale = e->error_no != 0 || !entry_fresh(c, e, need, now_ms);
        }
        if (e->error)
            memcpy(out->error, e->error, strlen(e->error)); /* entry_failed cut it */
    }
    cache_unlock(c);
    return e != NULL;
}

bool cache_id_of(struct cache *c, uint64_t key, char id[JOB_ID_MAX + 1])
{
    cache_lock(c);
    const struct entry *e = table_find(&c->table, key);
    if (e)
        entry_copy_id(e, id);
    cache_unlock(c);
    return e != NULL;
}

struct job_facts *cache_find(struct cache *c, const char *id, uint64_t *key)
{
    cache_lock(c);
    const struct entry *e = entry_find(c, id);
    struct job_facts *facts = e && e->known ? job_facts_ref(e->facts) : NULL;
    if (facts)
        *key = e->key;
    cache_unlock(c);
    return facts;
}

struct job_facts *cache_facts(struct cache *c, uint64_t key)
{
    cache_lock(c);
    const struct entry *e = table_find(&c->table, key);
    struct job_facts *facts = e && e->known ? job_facts_ref(e->facts) : NULL;
    cache_unlock(c);
    return facts;
}

bool cache_unborn(struct cache *c, const char *id, uint64_t *key)
{
    cache_lock(c);
    const struct entry *e = entry_find(c, id);
    bool unborn = e && e->unborn;
    if (unborn)
        *key = e->key;
    cache_unlock(c);
    return unborn;
}
