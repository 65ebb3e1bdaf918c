#include "api/creds.h"
#include "api/ice.h"
#include "api/retry.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/random.h"
#include "cache/cache.h"
#include "live/live_private.h"
#include <stdio.h>

/* What an attempt came to, whoever found it out: the network, the service or the parser. */
struct outcome {
    enum api_class class;
    enum api_net net;
    int status;
    const char *code;
    int64_t retry_after_ms;
    struct creds_keys *keys; /* that signed it, or NULL */
    const char *error;
    struct job *job;      /* class API_OK: of a Get ... */
    bool changed;         /* ... other than was known before */
    struct job_page page; /* ... of a list */
    int64_t took_ms;
};

static bool is_page(const struct look *k)
{
    return k->home == LOOK_PAGE || k->home == LOOK_DISCOVER;
}

/* ---- what everybody learns from it ---- */

static void count(const struct ice_answer *a, enum api_class class)
{
    static const enum metric metrics[] = {
        [API_OK] = METRIC_API_OK,
        [API_NOT_FOUND] = METRIC_API_NOT_FOUND,
        [API_BAD_REQUEST] = METRIC_API_BAD_REQUEST,
        [API_DENIED] = METRIC_API_DENIED,
        [API_CREDENTIALS] = METRIC_API_CREDENTIALS,
        [API_CLOCK] = METRIC_API_CLOCK,
        [API_THROTTLED] = METRIC_API_THROTTLED,
        [API_TEMPORARY] = METRIC_API_TEMPORARY,
        [API_BROKEN] = METRIC_API_BROKEN,
    };
    metric_add(METRIC_API_INFLIGHT, -1);
    metric_add(METRIC_API_MS, a->took_ms);
    metric_add(metrics[class], 1);
}

static void note_health(struct live *l, const struct outcome *o, int64_t now_ms)
{
    bool good = o->class == API_OK || o->class == API_NOT_FOUND;
    LOCK_SCOPE(&l->health_lock);
    if (o->status != 0)
        l->health.last_answer_ms = now_ms;
    if (o->class == API_OK)
        l->health.last_success_real_ns = clock_real_ns();
    snprintf(l->health.last_error, sizeof(l->health.last_error), "%s", good ? "" : o->error);
}

static void note_budget(struct live *l, const struct outcome *o, int64_t now_ms)
{
    if (o->class == API_THROTTLED)
        budget_throttled(l->budget, now_ms, o->retry_after_ms);
    else if (o->status != 0)
        budget_answered(l->budget, now_ms);
}

/* Get does not tell what a list has shown: that is shown then. */
static void show_item(struct live *l, const struct look *k, int64_t now_ms)
{
    int64_t real_ns = clock_real_ns();
    struct job *known = cache_newest(l->config.cache, k->key);
    struct job *job = known ? job_merge_list(known, k->item, real_ns, NULL) : NULL;
    if (job)
        cache_put_listed(l->config.cache, k->key, job, now_ms, real_ns);
    job_unref(job);
    job_unref(known);
}

static void give_up_page(struct live *l, const struct look *k, const struct outcome *o,
                         int64_t rest_ms, int64_t now_ms)
{
    if (k->home == LOOK_PAGE)
        round_failed(l, o->class, o->error, now_ms);
    else
        discovery_failed(l, k, o->class, o->error, rest_ms, now_ms);
}

/* `rest_ms`: so long nobody asks again but readers. */
static void give_up(struct live *l, struct look *k, const struct outcome *o, int64_t rest_ms,
                    int64_t now_ms)
{
    log_debug("look-up ended without an answer job=%s class=%s failures=%u error=%s",
              is_page(k) ? "list" : k->id, api_class_name(o->class), k->failures, o->error);
    if (is_page(k)) {
        give_up_page(l, k, o, rest_ms, now_ms);
    } else {
        if (k->item)
            show_item(l, k, now_ms);
        cache_put_fault(l->config.cache, k->key, o->class, o->net, o->error, now_ms);
        refresh_failed(l, k, o->class, rest_ms, now_ms);
    }
    look_free(&l->looks, k);
}

/* The service is down: nobody is kept waiting for a call that would fail too. */
static void give_up_waiting(struct live *l, const struct outcome *o, int64_t now_ms)
{
    struct looks *s = &l->looks;
    while (s->n_delayed > 0)
        give_up(l, s->delayed[0], o, 0, now_ms);
    for (enum look_place place = LOOK_READY; place <= LOOK_DISCOVER; place++)
        while (s->lists[place].head)
            give_up(l, s->lists[place].head, o, 0, now_ms);
}

static void note_breaker(struct live *l, const struct outcome *o, int64_t now_ms)
{
    /* Without keys nothing was sent: that says nothing about the service. */
    if (o->class == API_CREDENTIALS && o->status == 0)
        return;
    if (!breaker_note(&l->breaker, o->class, now_ms))
        return;
    live_show_health(l, now_ms); /* before readers are answered: who asks why finds it there */
    if (!l->breaker.open) {
        log_info("service up again");
        cache_service(l->config.cache, false, 0);
        if (l->schedule)
            schedule_resume(l->schedule, now_ms);
        return;
    }
    log_warn("service down error=%s", o->error);
    cache_service(l->config.cache, true, api_errno(o->class, o->net));
    give_up_waiting(l, o, now_ms);
}

/* What somebody must put right is said aloud; the service would only repeat itself. */
static void note_refusal(struct live *l, const struct look *k, const struct outcome *o,
                         int64_t now_ms)
{
    if (o->class != API_DENIED && o->class != API_CREDENTIALS && o->class != API_CLOCK)
        return;
    if (is_page(k) && o->class == API_DENIED) /* lists.c says what that means */
        return;
    const char *what = o->code[0] ? o->code : api_class_name(o->class);
    if (loud_now(&l->loud, what, now_ms))
        log_error("service refuses class=%s code=%s job=%s error=%s", api_class_name(o->class),
                  what, is_page(k) ? "list" : k->id, o->error);
}

/* ---- what follows for the look-up ---- */

/* Whether somebody will still be there for an answer to a call at `due_ms`. */
static bool worth_waiting(const struct live *l, const struct look *k, int64_t due_ms)
{
    if (k->home == LOOK_PAGE) /* a later round is as good */
        return due_ms < schedule_round_ms(l->schedule);
    if (k->home == LOOK_DISCOVER) /* no page is left out */
        return true;
    int64_t until = cache_wanted_until(l->config.cache, k->key);
    return until != INT64_MIN && due_ms <= until - LIVE_LAST_TRY_MS;
}

static void tell_retry(struct live *l, const struct look *k, const struct outcome *o,
                       int64_t now_ms)
{
    if (!is_page(k))
        cache_put_retry(l->config.cache, k->key, o->class, o->net, o->error, now_ms);
}

static void ask_later(struct live *l, struct look *k, const struct outcome *o, int64_t due_ms,
                      int64_t now_ms)
{
    if (l->breaker.open || !worth_waiting(l, k, due_ms)) {
        give_up(l, k, o, due_ms - now_ms, now_ms);
        return;
    }
    log_debug("will retry job=%s class=%s in_ms=%lld error=%s", is_page(k) ? "list" : k->id,
              api_class_name(o->class), (long long)(due_ms - now_ms), o->error);
    tell_retry(l, k, o, now_ms);
    k->due_ms = due_ms;
    look_move(&l->looks, k, LOOK_DELAYED);
}

/* Wait for keys other than those that were refused; they may be there already. */
static void ask_with_other_keys(struct live *l, struct look *k, const struct outcome *o,
                                int64_t now_ms)
{
    struct creds_keys *now = creds_get(l->config.creds, NULL);
    bool others = now && now != o->keys;
    creds_keys_unref(now);
    if (!others && o->keys && !creds_refused(l->config.creds, o->keys)) {
        note_refusal(l, k, o, now_ms);
        give_up(l, k, o, RETRY_DENIED_MS, now_ms);
        return;
    }
    k->renewed = true;
    k->refused = o->keys ? creds_keys_ref(o->keys) : NULL;
    k->due_ms = now_ms + LIVE_RENEW_MS;
    tell_retry(l, k, o, now_ms);
    look_move(&l->looks, k, LOOK_RENEWING);
}

static void failed(struct live *l, struct look *k, const struct outcome *o, int64_t now_ms)
{
    k->failures++;
    struct retry_step step = retry_decide(o->class, k->failures, k->renewed, k->clock_corrected,
                                          o->retry_after_ms, random_u64());
    if (step.action == RETRY_NO)
        note_refusal(l, k, o, now_ms);
    switch (step.action) {
    case RETRY_NO:
        give_up(l, k, o, step.delay_ms, now_ms);
        return;
    case RETRY_AFTER:
        ask_later(l, k, o, now_ms + step.delay_ms, now_ms);
        return;
    case RETRY_RENEW_KEYS:
        ask_with_other_keys(l, k, o, now_ms);
        return;
    case RETRY_CLOCK:
        k->clock_corrected = true;
        look_move(&l->looks, k, k->home);
        return;
    }
}

static void follow_get(struct live *l, struct look *k, const struct outcome *o, int64_t now_ms)
{
    if (o->class == API_OK) {
        cache_put_job(l->config.cache, k->key, o->job, now_ms, clock_real_ns());
        refresh_got(l, k, o->job, o->changed, now_ms);
    } else {
        cache_put_missing(l->config.cache, k->key, now_ms);
        refresh_failed(l, k, o->class, 0, now_ms);
    }
}

static void follow(struct live *l, struct look *k, const struct outcome *o, int64_t now_ms)
{
    look_move(&l->looks, k, LOOK_NOWHERE);
    if (o->class == API_OK && is_page(k)) {
        if (k->home == LOOK_PAGE)
            round_page(l, &o->page, now_ms);
        else
            discovery_page(l, k, &o->page, o->took_ms, now_ms);
        look_free(&l->looks, k);
    } else if (o->class == API_OK || (o->class == API_NOT_FOUND && !is_page(k))) {
        follow_get(l, k, o, now_ms);
        look_free(&l->looks, k);
    } else {
        failed(l, k, o, now_ms);
    }
}

static int parse_job(const struct live *l, const struct look *k, const struct buf *body,
                     struct outcome *o, struct err *err)
{
    struct job *before = cache_newest(l->config.cache, k->key);
    o->job = job_from_get(k->id, buf_str(body), body->len, before, clock_real_ns(), err);
    o->changed = o->job != before;
    job_unref(before);
    return o->job ? 0 : -1;
}

/* A body that is no snapshot of this job, or no page, makes the answer a broken one. */
static void parse(const struct live *l, const struct look *k, const struct buf *body,
                  struct outcome *o, struct err *err)
{
    int rc = is_page(k)
                 ? job_page_from_list(buf_str(body), body->len, clock_real_ns(), &o->page, err)
                 : parse_job(l, k, body, o, err);
    if (rc == 0)
        return;
    o->class = API_BROKEN;
    o->error = err->text;
}

static void take_in(struct live *l, struct look *k, const struct ice_answer *a)
{
    struct err err = {""};
    struct outcome o = {.class = a->class,
                        .net = a->net,
                        .status = a->status,
                        .code = a->code,
                        .retry_after_ms = a->retry_after_ms,
                        .keys = a->keys,
                        .took_ms = a->took_ms,
                        .error = a->error.text};
    if (o.class == API_OK)
        parse(l, k, &a->body, &o, &err);
    int64_t now_ms = clock_mono_ms();
    budget_landed(l->budget, k->ticket, now_ms);
    count(a, o.class);
    note_health(l, &o, now_ms);
    note_budget(l, &o, now_ms);
    note_breaker(l, &o, now_ms);
    follow(l, k, &o, now_ms);
    job_unref(o.job);
    job_page_free(&o.page);
}

void live_answered(void *arg, struct ice_answer *a)
{
    struct look *k = arg;
    struct live *l = k->live;
    if (!l || l->stopping) { /* the engine is being shut down */
        metric_add(METRIC_API_INFLIGHT, -1);
        if (l)
            look_free(&l->looks, k);
        else
            free(k);
        return;
    }
    take_in(l, k, a);
}

void live_not_sent(struct live *l, struct look *k, const struct err *why, int64_t now_ms)
{
    struct outcome o = {
        .class = API_TEMPORARY, .net = API_NET_BROKEN, .code = "", .error = why->text};
    note_health(l, &o, now_ms);
    look_move(&l->looks, k, LOOK_NOWHERE);
    failed(l, k, &o, now_ms);
}
