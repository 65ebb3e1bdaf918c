#include "api/creds.h"
#include "api/ice.h"
#include "base/clock.h"
#include "base/metric.h"
#include "cache/cache.h"
#include "live/live_private.h"

void live_take_wanted(struct live *l)
{
    struct looks *s = &l->looks;
    /* What cannot be taken for want of memory stays wanted, and is tried again within a second. */
    while (looks_reserve(s) == 0 &&
           cache_take_wanted(l->config.cache, &s->spare->key, s->spare->id)) {
        struct look *k = look_new(s);
        k->live = l;
        look_move(s, k, LOOK_READY);
    }
}

void live_wake_due(struct live *l, int64_t now_ms)
{
    struct looks *s = &l->looks;
    while (s->n_delayed > 0 && s->delayed[0]->due_ms <= now_ms)
        look_move(s, s->delayed[0], LOOK_READY);
}

void live_wake_renewed(struct live *l, int64_t now_ms)
{
    struct look_list *waiting = &l->looks.lists[LOOK_RENEWING];
    if (!waiting->head)
        return;
    struct creds_keys *keys = creds_get(l->config.creds, NULL);
    for (struct look *k = waiting->head, *next; k; k = next) {
        next = k->next;
        if ((!keys || keys == k->refused) && now_ms < k->due_ms)
            continue;
        creds_keys_unref(MOVE_PTR(k->refused));
        look_move(&l->looks, k, LOOK_READY);
    }
    creds_keys_unref(keys);
}

/* How long one call may take: it stalls out after a third of that. */
static int64_t call_timeout(const struct live *l)
{
    int64_t whole = l->config.timeout_ms;
    return l->breaker.open && whole > LIVE_PROBE_MS ? LIVE_PROBE_MS : whole;
}

static void send(struct live *l, struct look *k, int64_t now_ms)
{
    struct err err = {""};
    cache_attempt(l->config.cache, k->key, now_ms);
    look_move(&l->looks, k, LOOK_FLYING);
    if (ice_get(l->config.ice, k->id, call_timeout(l), live_answered, k, &err) < 0) {
        live_not_sent(l, k, &err, now_ms);
        return;
    }
    k->ticket = budget_sent(l->budget, now_ms);
    metric_add(METRIC_API_GET, 1);
    metric_add(METRIC_API_INFLIGHT, 1);
}

void live_send_ready(struct live *l, int64_t now_ms)
{
    struct look *k;
    while ((k = l->looks.lists[LOOK_READY].head)) {
        if (cache_abandon(l->config.cache, k->key, now_ms)) {
            look_free(&l->looks, k);
            continue;
        }
        if (l->looks.lists[LOOK_FLYING].n >= l->config.inflight_max ||
            budget_wait(l->budget, now_ms) > 0)
            return;
        send(l, k, now_ms);
    }
}
