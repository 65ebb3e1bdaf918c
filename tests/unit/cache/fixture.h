/* A cache with a clock of the test's own, readers that count their answers, and jobs to put in. */
#ifndef TEST_CACHE_FIXTURE_H
#define TEST_CACHE_FIXTURE_H

#include "cache/cache.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TTL      10000
#define PATIENCE 1000
#define MISSING  30000
#define TIMEOUT  10000
#define WHOLE    9900 /* TIMEOUT less the margin */

#define ID "cdb3e74639973036bc84aaaabbbbcccc"

struct bench {
    struct cache *c;
    int wakes;
    int events[CACHE_LEAVING + 1];
    char event_id[JOB_ID_MAX + 1];
    const struct job *event_before, *event_after;
    int answered_before_event, answered_after; /* by `watch` */
    const struct reader *watch;
};

struct reader {
    struct cache_waiter w; /* first: the answer finds its reader by it */
    int answers;
    struct cache_answer got;
};

static inline void bench_wake(void *arg)
{
    ((struct bench *)arg)->wakes++;
}

static inline void bench_event(void *arg, enum cache_event event, uint64_t key, const char *id,
                               const struct job *before, const struct job *after)
{
    struct bench *b = arg;
    (void)key;
    b->events[event]++;
    snprintf(b->event_id, sizeof(b->event_id), "%s", id);
    b->event_before = before;
    b->event_after = after;
    if (b->watch)
        b->answered_before_event = b->watch->answers;
}

static inline void bench_open_with(struct bench *b, int64_t patience_ms)
{
    *b = (struct bench){0};
    struct cache_config config = {.ttl_ms = TTL,
                                  .patience_ms = patience_ms,
                                  .ttl_missing_ms = MISSING,
                                  .timeout_ms = TIMEOUT,
                                  .wake = bench_wake,
                                  .wake_arg = b};
    b->c = cache_new(&config, NULL);
    assert_non_null(b->c);
    cache_listen(b->c, bench_event, b);
}

static inline void bench_open(struct bench *b)
{
    bench_open_with(b, PATIENCE);
}

static inline void bench_close(struct bench *b)
{
    cache_shutdown(b->c, EIO);
    cache_free(b->c);
}

static inline void reader_answer(struct cache_waiter *w, struct cache_answer *a)
{
    struct reader *r = (struct reader *)w;
    r->answers++;
    r->got = *a;
}

static inline struct reader reader_new(void)
{
    return (struct reader){.w.answer = reader_answer};
}

/* Start a read; what is known at once lands in `got` without counting as an answer. */
static inline enum cache_verdict reader_read_need(struct bench *b, struct reader *r, uint64_t key,
                                                  enum cache_need need, int64_t now_ms)
{
    *r = reader_new();
    return cache_read(b->c, key, need, now_ms, &r->w, &r->got);
}

static inline enum cache_verdict reader_read(struct bench *b, struct reader *r, uint64_t key,
                                             int64_t now_ms)
{
    return reader_read_need(b, r, key, CACHE_NEED_GET, now_ms);
}

static inline void reader_done(struct reader *r)
{
    job_unref(r->got.job);
    r->got.job = NULL;
}

/* A read that is answered at once. */
static inline struct cache_answer read_now(struct bench *b, uint64_t key, int64_t now_ms)
{
    struct reader r;
    assert_int_not_equal(reader_read(b, &r, key, now_ms), CACHE_PARKED);
    struct cache_answer a = r.got;
    job_unref(a.job); /* the cache still has it */
    return a;
}

/* cache_lookup by somebody who drops the facts. */
static inline enum cache_verdict lookup(struct cache *c, const char *id, int64_t now_ms,
                                        uint64_t *key, struct cache_answer *a)
{
    struct job_facts *facts;
    enum cache_verdict verdict = cache_lookup(c, id, now_ms, key, &facts, a);
    assert_int_equal(facts != NULL, verdict == CACHE_CONTENT);
    assert_null(a->job);
    job_facts_unref(facts);
    return verdict;
}

static inline uint64_t key_of_name(struct bench *b, const char *id, int64_t now_ms)
{
    uint64_t key = 0;
    struct cache_answer a;
    lookup(b->c, id, now_ms, &key, &a);
    assert_int_not_equal(key, 0);
    return key;
}

/* As live does: take all that is wanted. Returns how many; the last one's key. */
static inline int take_all(struct bench *b, uint64_t *key)
{
    char id[JOB_ID_MAX + 1];
    uint64_t k;
    int n = 0;
    for (; cache_take_wanted(b->c, &k, id); n++)
        if (key)
            *key = k;
    return n;
}

static inline struct job *job_new(const char *id, const char *status, int progress,
                                  const struct job *before)
{
    char body[512];
    struct err err = {""};
    int len = snprintf(body, sizeof(body),
                       "{\"RequestId\":\"R-1\",\"MediaProducingJob\":{\"JobId\":\"%s\","
                       "\"Status\":\"%s\",\"Progress\":%d}}",
                       id, status, progress);
    struct job *job =
        job_from_get(id, body, (size_t)len, before, INT64_C(1700000000000000000), &err);
    if (!job)
        fail_msg("%s", err.text);
    return job;
}

/* A snapshot as discovery makes it: without what only Get gives. */
static inline struct job *job_new_partial(const char *id, const char *status)
{
    char body[512];
    struct job_page page;
    int len = snprintf(body, sizeof(body),
                       "{\"RequestId\":\"R-2\",\"MaxResults\":\"10\",\"MediaProducingJobList\":"
                       "[{\"JobId\":\"%s\",\"Status\":\"%s\"}]}",
                       id, status);
    assert_int_equal(job_page_from_list(body, (size_t)len, 1, &page, NULL), 0);
    assert_int_equal(page.n, 1);
    struct job *job = job_ref(page.jobs[0]);
    job_page_free(&page);
    return job;
}

static inline void put_job(struct bench *b, uint64_t key, const char *status, int progress,
                           int64_t now_ms)
{
    char id[JOB_ID_MAX + 1];
    assert_true(cache_id_of(b->c, key, id));
    struct job *before = cache_newest(b->c, key);
    struct job *job = job_new(id, status, progress, before);
    cache_put_job(b->c, key, job, now_ms, now_ms * 1000000);
    job_unref(before);
    job_unref(job);
}

/* A job that is known, and asked for by nobody. */
static inline uint64_t known(struct bench *b, const char *id, const char *status, int64_t now_ms)
{
    uint64_t key = key_of_name(b, id, now_ms);
    take_all(b, NULL);
    put_job(b, key, status, 10, now_ms);
    return key;
}

#endif
