#include "base/metric.h"
#include "cache/cache_private.h"
#include <errno.h>

int64_t answer_fresh_for(const struct cache *c, const struct entry *e, enum cache_need need,
                         int64_t now_ms)
{
    if (!entry_fresh(c, e, need, now_ms))
        return 0;
    return job_facts_final(e->facts) ? INT64_MAX
                                     : c->config.ttl_ms - (now_ms - entry_time(e, need));
}

enum cache_verdict answer_content(struct cache_answer *a, const struct cache *c,
                                  const struct entry *e, enum cache_need need, int64_t now_ms)
{
    int64_t fresh_for_ms = answer_fresh_for(c, e, need, now_ms);
    *a = (struct cache_answer){.verdict = CACHE_CONTENT,
                               .job = job_ref(e->job),
                               .stale = fresh_for_ms == 0 || e->error_no != 0,
                               .fresh_for_ms = fresh_for_ms};
    return a->verdict;
}

enum cache_verdict answer_missing(struct cache_answer *a)
{
    *a = (struct cache_answer){.verdict = CACHE_MISSING, .error = ENOENT};
    return a->verdict;
}

enum cache_verdict answer_fault(struct cache_answer *a, int error)
{
    *a = (struct cache_answer){.verdict = CACHE_FAULT, .error = error};
    return a->verdict;
}

enum cache_verdict answer_last(struct cache_answer *a, const struct cache *c, const struct entry *e,
                               enum cache_need need, int64_t now_ms)
{
    if (entry_has(e, need))
        return answer_content(a, c, e, need, now_ms);
    if (e->memory == MEMORY_MISSING && entry_held(e, now_ms))
        return answer_missing(a);
    return answer_fault(a, e->error_no ? e->error_no : ETIMEDOUT);
}

void answer_count(const struct cache_answer *a)
{
    switch (a->verdict) {
    case CACHE_CONTENT:
        if (a->stale)
            metric_add(METRIC_CACHE_STALE, 1);
        break;
    case CACHE_MISSING:
        metric_add(METRIC_CACHE_MISSING, 1);
        break;
    case CACHE_FAULT:
        metric_add(METRIC_CACHE_FAULT, 1);
        break;
    case CACHE_PARKED:
    case CACHE_INTERRUPTED:
        break;
    }
}
