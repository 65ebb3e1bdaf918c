/* The whole way of a read, on real sockets: cache, refresh thread, ICE client, HTTP engine, and a
 * server that answers by a script. */
#ifndef TEST_LIVE_FIXTURE_H
#define TEST_LIVE_FIXTURE_H

#include "api/creds.h"
#include "api/http.h"
#include "api/ice.h"
#include "base/clock.h"
#include "base/thread.h"
#include "cache/cache.h"
#include "live/live.h"
#include "support/httpd.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ID       "cdb3e74639973036bc84aaaabbbbcccc"
#define TTL      300
#define PATIENCE 900
#define CALLS    2048

/* One answer of the server; the last of a script is repeated. */
struct step {
    int status;          /* 0: 200 */
    const char *code;    /* an error body with this code */
    const char *body;    /* as it is; NULL: the job's reply, or the error's */
    const char *headers; /* besides Date */
    const char *job;     /* the reply's JobId; NULL: the one asked for */
    int delay_ms;
    bool hang, close_early;
    size_t cut_after;
};

struct world {
    httpd_handler *serve; /* in the place of the script, or NULL */
    void *serve_arg;
    const struct step *steps;
    size_t n_steps;
    _Atomic unsigned calls;
    _Atomic int64_t at_ms[CALLS]; /* when each call came in */
    const char *refuse_key;       /* a key id that is answered with InvalidAccessKeyId.NotFound */
    void (*on_refusal)(struct world *w);
    char home[64];
    const char *key_id; /* of the environment; NULL: none there */
    struct httpd *server;
    struct http *http;
    struct creds *creds;
    struct ice *ice;
    struct cache *cache;
    struct live *live;
    struct live *_Atomic awake; /* for the cache's wake, which is there before live */
    pthread_mutex_t lock;       /* protects readers' answers */
    pthread_cond_t answered;
};

struct reader {
    struct cache_waiter w; /* first */
    struct world *world;
    struct cache_answer got;
    bool done;
    int64_t begun_ms, ended_ms;
};

static inline void world_reply(struct httpd_response *resp, const struct step *s, const char *id,
                               unsigned n)
{
    static _Thread_local char body[1024];
    if (s->code)
        snprintf(body, sizeof(body),
                 "{\"RequestId\":\"R-%u\",\"HostId\":\"h\",\"Code\":\"%s\",\"Message\":\"m\"}", n,
                 s->code);
    else
        snprintf(body, sizeof(body),
                 "{\"RequestId\":\"R-%u\",\"MediaProducingJob\":{\"JobId\":\"%s\","
                 "\"Status\":\"Processing\",\"Progress\":%u}}",
                 n, s->job ? s->job : id, n % 100);
    *resp = (struct httpd_response){.status = s->status,
                                    .body = s->body ? s->body : body,
                                    .headers = s->headers,
                                    .delay_ms = s->delay_ms,
                                    .hang = s->hang,
                                    .close_early = s->close_early,
                                    .cut_after = s->cut_after};
}

static inline void world_handler(void *arg, const struct httpd_request *req,
                                 struct httpd_response *resp)
{
    struct world *w = arg;
    static const struct step refusal = {.status = 404, .code = "InvalidAccessKeyId.NotFound"};
    const char *id = httpd_param(req, "JobId"), *auth = httpd_header(req, "Authorization");
    unsigned n = atomic_fetch_add(&w->calls, 1);
    if (n < CALLS)
        w->at_ms[n] = clock_mono_ms();
    if (w->serve) {
        w->serve(w->serve_arg, req, resp);
        return;
    }
    const struct step *s = &w->steps[n < w->n_steps ? n : w->n_steps - 1];
    if (w->refuse_key && auth && strstr(auth, w->refuse_key)) {
        s = &refusal;
        if (w->on_refusal)
            w->on_refusal(w);
    }
    world_reply(resp, s, id ? id : "none", n + 1);
}

static inline const char *world_getenv(void *ctx, const char *name)
{
    struct world *w = ctx;
    if (w->key_id && strcmp(name, "ALIBABA_CLOUD_ACCESS_KEY_ID") == 0)
        return w->key_id;
    if (w->key_id && strcmp(name, "ALIBABA_CLOUD_ACCESS_KEY_SECRET") == 0)
        return "secret-of-the-test";
    if (strcmp(name, "ALIBABA_CLOUD_ECS_METADATA_DISABLED") == 0)
        return "true";
    return NULL;
}

static inline void world_wake(void *arg)
{
    struct world *w = arg;
    live_wake(w->awake);
}

#define MUST(call)                                                                                 \
    do {                                                                                           \
        struct err must_err = {""};                                                                \
        struct err *err = &must_err;                                                               \
        if (!(call))                                                                               \
            fail_msg("%s: %s", #call, must_err.text);                                              \
    } while (0)

/* What differs between tests; the rest is the same for all. */
struct setting {
    int64_t timeout_ms;
    unsigned qps;
    unsigned inflight;
    int64_t refresh_ms;  /* 0: readers alone */
    int64_t patience_ms; /* 0: PATIENCE */
    int64_t discover_ms; /* 0: off */
    int64_t keep_ms;     /* 0: for ever */
};

static inline void world_clients(struct world *w, struct setting s)
{
    struct creds_env env = {.getenv = world_getenv, .ctx = w, .home = w->home};
    MUST((w->creds = creds_new(&env, err)));
    MUST(creds_load(w->creds, 2000, err) == 0);
    MUST((w->http = http_new(&(struct http_config){.proxy = ""}, err)));
    MUST((w->ice = ice_new(&(struct ice_config){.endpoint = httpd_url(w->server),
                                                .http = w->http,
                                                .creds = w->creds},
                           err)));
    MUST((w->cache = cache_new(
              &(struct cache_config){.ttl_ms = TTL,
                                     .patience_ms = s.patience_ms ? s.patience_ms : PATIENCE,
                                     .ttl_missing_ms = 60000,
                                     .timeout_ms = s.timeout_ms,
                                     .wake = world_wake,
                                     .wake_arg = w},
              err)));
    MUST((w->live = live_new(&(struct live_config){.http = w->http,
                                                   .ice = w->ice,
                                                   .creds = w->creds,
                                                   .cache = w->cache,
                                                   .qps = s.qps,
                                                   .inflight_max = s.inflight,
                                                   .timeout_ms = s.timeout_ms,
                                                   .refresh_ms = s.refresh_ms,
                                                   .discover_ms = s.discover_ms,
                                                   .keep_ms = s.keep_ms,
                                                   .ttl_ms = TTL},
                             err)));
}

/* All but the thread. Set w->key_id or w->home before. */
static inline void world_make(struct world *w, const struct step *steps, size_t n, struct setting s)
{
    w->steps = steps;
    w->n_steps = n;
    mutex_init(&w->lock);
    cond_init(&w->answered);
    MUST(http_global_init(err) == 0);
    w->server = httpd_start(world_handler, w);
    world_clients(w, s);
    w->awake = w->live;
}

static inline void world_open(struct world *w, const struct step *steps, size_t n, struct setting s)
{
    world_make(w, steps, n, s);
    MUST(creds_start(w->creds, live_wake, w->live, err) == 0);
    MUST(live_start(w->live, err) == 0);
}

static inline struct world world_with_keys(void)
{
    return (struct world){.key_id = "LTAI-test", .home = "/nonexistent"};
}

/* The refresh thread ends within a second, whatever is under way. */
static inline void world_stop(struct world *w)
{
    int64_t before = clock_mono_ms();
    live_stop(w->live);
    assert_true(clock_mono_ms() - before < 1000);
    cache_shutdown(w->cache, ENOTCONN);
}

static inline void world_close(struct world *w)
{
    world_stop(w);
    creds_free(w->creds); /* its thread calls live_wake */
    live_free(w->live);
    http_free(w->http);
    ice_free(w->ice);
    cache_free(w->cache);
    httpd_stop(w->server);
    cond_destroy(&w->answered);
    mutex_destroy(&w->lock);
}

static inline void reader_end(struct reader *r, const struct cache_answer *a)
{
    LOCK_SCOPE(&r->world->lock);
    r->got = *a;
    r->done = true;
    r->ended_ms = clock_mono_ms();
    cond_broadcast(&r->world->answered);
}

static inline void reader_answer(struct cache_waiter *w, struct cache_answer *a)
{
    reader_end((struct reader *)w, a);
}

static inline void reader_start(struct world *w, struct reader *r, const char *id)
{
    uint64_t key;
    struct cache_answer a;
    *r = (struct reader){.w.answer = reader_answer, .world = w, .begun_ms = clock_mono_ms()};
    struct job_facts *facts = NULL;
    cache_lookup(w->cache, id, r->begun_ms, &key, &facts, &a);
    job_facts_unref(facts);
    if (a.verdict == CACHE_MISSING ||
        cache_read(w->cache, key, CACHE_NEED_GET, clock_mono_ms(), &r->w, &a) != CACHE_PARKED)
        reader_end(r, &a);
}

static inline void reader_await(struct reader *r)
{
    int64_t deadline = clock_mono_ms() + 15000;
    LOCK_SCOPE(&r->world->lock);
    while (!r->done)
        assert_true(cond_wait_until(&r->world->answered, &r->world->lock, deadline));
}

/* Wait for the answer; the content is dropped, its verdict stays. */
static inline void reader_wait(struct reader *r)
{
    reader_await(r);
    job_unref(r->got.job);
    r->got.job = NULL;
}

static inline int64_t reader_took(const struct reader *r)
{
    return r->ended_ms - r->begun_ms;
}

static inline struct reader read_job(struct world *w, const char *id)
{
    struct reader r;
    reader_start(w, &r, id);
    reader_wait(&r);
    return r;
}

/* Wait until `condition` holds, but not for ever. */
#define AWAIT(condition)                                                                           \
    do {                                                                                           \
        int64_t await_deadline = clock_mono_ms() + 10000;                                          \
        while (!(condition)) {                                                                     \
            assert_true(clock_mono_ms() < await_deadline);                                         \
            usleep(1000);                                                                          \
        }                                                                                          \
    } while (0)

#endif
