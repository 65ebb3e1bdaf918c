#include "api/http.h"
#include "base/clock.h"
#include "base/metric.h"
#include "cache/cache.h"
#include "live/live_private.h"
#include <stdlib.h>

static int make_schedule(struct live *l, struct err *err)
{
    const struct schedule_config config = {.refresh_ms = l->config.refresh_ms,
                                           .interest_ms = 3 * l->config.refresh_ms};
    struct schedule_config with_ttl = config;
    if (l->config.refresh_ms == 0)
        return 0;
    if (l->config.ttl_ms > config.interest_ms)
        with_ttl.interest_ms = l->config.ttl_ms;
    l->schedule = schedule_new(&with_ttl, err);
    return l->schedule ? 0 : -1;
}

struct live *live_new(const struct live_config *config, struct err *err)
{
    struct live *l = calloc(1, sizeof(*l));
    if (!l) {
        err_set(err, "cannot make the refresh thread: out of memory");
        return NULL;
    }
    l->config = *config;
    if (l->config.inflight_max == 0)
        l->config.inflight_max = LIVE_INFLIGHT;
    l->budget = budget_new(config->qps, err);
    if (!l->budget || make_schedule(l, err) < 0) {
        budget_free(l->budget);
        free(l);
        return NULL;
    }
    l->health.pace = budget_pace(l->budget);
    mutex_init(&l->health_lock);
    return l;
}

void live_free(struct live *l)
{
    if (!l)
        return;
    live_stop(l);
    looks_free(&l->looks);
    round_free(l);
    discover_free(l->discovery.plan);
    schedule_free(l->schedule);
    budget_free(l->budget);
    mutex_destroy(&l->health_lock);
    free(l);
}

/* ---- the thread ---- */

/* How long nothing happens unless the network or a reader makes it happen. */
static int64_t idle_ms(const struct live *l, int64_t now_ms)
{
    const struct looks *s = &l->looks;
    int64_t next = time_min(now_ms + LIVE_IDLE_MS, cache_next_deadline(l->config.cache));
    if (s->n_delayed > 0)
        next = time_min(next, s->delayed[0]->due_ms);
    if (s->lists[LOOK_RENEWING].head)
        next = time_min(next, s->lists[LOOK_RENEWING].head->due_ms);
    next = time_min(next, live_next_send_ms(l, now_ms));
    next = time_min(next, discovery_next_ms(l));
    return next > now_ms ? next - now_ms : 0;
}

void live_show_health(struct live *l, int64_t now_ms)
{
    const struct looks *s = &l->looks;
    LOCK_SCOPE(&l->health_lock);
    l->health.service_down = l->breaker.open;
    l->health.pace = budget_pace(l->budget);
    l->health.inflight = s->lists[LOOK_FLYING].n;
    l->health.waiting = (unsigned)(s->n - s->lists[LOOK_FLYING].n);
    discovery_show_health(l, &l->health);
    if (!l->schedule)
        return;
    l->marks = schedule_marks(l->schedule);
    const struct schedule_health h = schedule_health(&l->marks, l->config.refresh_ms, now_ms);
    metric_set(METRIC_REFRESH_LAG_MS, h.lag_ms);
    metric_set(METRIC_REFRESH_LATE_MS, h.late_ms);
}

void live_turn(struct live *l)
{
    int64_t now = clock_mono_ms();
    cache_expire(l->config.cache, now);
    live_take_wanted(l);
    refresh_take_touched(l, now);
    live_wake_due(l, now);
    live_wake_renewed(l, now);
    round_begin_due(l, now);
    discovery_begin_due(l, now);
    live_send_ready(l, now);
    live_show_health(l, now);
    http_pump(l->config.http, idle_ms(l, clock_mono_ms()));
}

static void *run(void *arg)
{
    struct live *l = arg;
    while (!l->stopping)
        live_turn(l);
    return NULL;
}

int live_start(struct live *l, struct err *err)
{
    if (refresh_begin(l, err) < 0 || discovery_begin(l, err) < 0 ||
        thread_start(&l->thread, "ice-refresh", run, l, err) < 0)
        return -1;
    l->started = true;
    return 0;
}

void live_wake(void *live)
{
    struct live *l = live;
    if (l)
        http_wakeup(l->config.http);
}

void live_stop(struct live *l)
{
    l->stopping = true;
    if (!l->started)
        return;
    live_wake(l);
    thread_join(l->thread);
    l->started = false;
}

void live_health(struct live *l, struct live_health *out)
{
    LOCK_SCOPE(&l->health_lock);
    *out = l->health;
    if (l->config.refresh_ms == 0)
        return;
    /* The thread may have nothing to do just now: time goes on. */
    const struct schedule_health h =
        schedule_health(&l->marks, l->config.refresh_ms, clock_mono_ms());
    out->behind = h.behind;
    out->lag_ms = h.lag_ms;
    out->round_ms = l->marks.round_ms;
}
