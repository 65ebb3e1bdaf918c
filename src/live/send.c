#include "api/creds.h"
#include "api/ice.h"
#include "base/clock.h"
#include "base/metric.h"
#include "cache/cache.h"
#include "live/live_private.h"

#define PROBE_MS 1000 /* between two calls of the schedule's while the service is down */

/* ---- ready ---- */

void live_take_wanted(struct live *l)
{
    struct looks *s = &l->looks;
    /* What cannot be taken for want of memory stays wanted, and is tried again within a second. */
    while (looks_reserve(s) == 0 &&
           cache_take_wanted(l->config.cache, &s->spare->key, s->spare->id))
        look_move(s, look_new(s, l, LOOK_READY), LOOK_READY);
}

void live_wake_due(struct live *l, int64_t now_ms)
{
    struct looks *s = &l->looks;
    while (s->n_delayed > 0 && s->delayed[0]->due_ms <= now_ms)
        look_move(s, s->delayed[0], s->delayed[0]->home);
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
        look_move(&l->looks, k, k->home);
    }
    creds_keys_unref(keys);
}

/* ---- which is next ---- */

/* Readers who nobody waits for any more leave the queue. */
static void drop_abandoned(struct live *l, int64_t now_ms)
{
    struct look *k;
    while ((k = l->looks.lists[LOOK_READY].head) && cache_abandon(l->config.cache, k->key, now_ms))
        look_free(&l->looks, k);
}

/* The first that goes before the schedule's own, or NULL. */
static struct look *first_ready(const struct live *l)
{
    for (enum look_place place = LOOK_READY; place <= LOOK_PAGE; place++)
        if (l->looks.lists[place].head)
            return l->looks.lists[place].head;
    return NULL;
}

/* When the schedule may call, as far as the budget goes: a part of it is left to readers. While the
 * service is down it is one that probes. */
static int64_t spare_ms(const struct live *l, int64_t now_ms)
{
    int64_t at = now_ms + budget_wait_spare(l->budget, now_ms);
    int64_t probe = l->sent_ms + PROBE_MS;
    return l->breaker.open && probe > at ? probe : at;
}

/* Whatever readers want, what has been due for long gets a call in so many. */
static bool is_schedules_turn(const struct live *l, int64_t now_ms)
{
    return l->schedule && l->in_turn + 1 >= LIVE_TURN && !l->breaker.open &&
           schedule_next_ms(l->schedule) < now_ms - l->config.refresh_ms;
}

static bool is_full(const struct live *l)
{
    return l->looks.lists[LOOK_FLYING].n >= l->config.inflight_max;
}

/* Some connections, too, are left to readers. */
static bool is_spare_full(const struct live *l)
{
    return l->looks.lists[LOOK_FLYING].n >= l->config.inflight_max - l->config.inflight_max / 4;
}

/* The look-up that may go out now, or NULL. */
static struct look *next_look(struct live *l, int64_t now_ms)
{
    drop_abandoned(l, now_ms);
    struct look *first = first_ready(l);
    if (is_full(l) || budget_wait(l->budget, now_ms) > 0)
        return NULL;
    if (first && !is_schedules_turn(l, now_ms))
        return first;
    if (!first && (is_spare_full(l) || spare_ms(l, now_ms) > now_ms))
        return NULL;
    struct look *due = refresh_due(l, now_ms);
    if (!due)
        return first;
    l->in_turn = 0;
    metric_add(METRIC_REFRESH_GET, 1);
    return due;
}

int64_t live_next_send_ms(const struct live *l, int64_t now_ms)
{
    if (is_full(l))
        return INT64_MAX; /* one of them has to land first */
    if (first_ready(l))
        return now_ms + budget_wait(l->budget, now_ms);
    if (!l->schedule)
        return INT64_MAX;
    int64_t due = schedule_next_ms(l->schedule), next = schedule_round_ms(l->schedule);
    if (is_spare_full(l))
        due = INT64_MAX;
    if (due <= now_ms)
        due = spare_ms(l, now_ms);
    if (l->round.running || l->breaker.open)
        next = INT64_MAX;
    else if (next < l->round.not_before_ms)
        next = l->round.not_before_ms;
    return due < next ? due : next;
}

/* ---- under way ---- */

/* How long one call may take: it stalls out after a third of that. */
static int64_t call_timeout(const struct live *l)
{
    int64_t whole = l->config.timeout_ms;
    return l->breaker.open && whole > LIVE_PROBE_MS ? LIVE_PROBE_MS : whole;
}

static int call(struct live *l, struct look *k, int64_t now_ms, struct err *err)
{
    if (k->home == LOOK_PAGE)
        return round_send(l, k, call_timeout(l), err);
    cache_attempt(l->config.cache, k->key, now_ms);
    refresh_asked(l, k, now_ms);
    return ice_get(l->config.ice, k->id, call_timeout(l), live_answered, k, err);
}

static void send(struct live *l, struct look *k, int64_t now_ms)
{
    struct err err = {""};
    look_move(&l->looks, k, LOOK_FLYING);
    if (call(l, k, now_ms, &err) < 0) {
        live_not_sent(l, k, &err, now_ms);
        return;
    }
    k->ticket = budget_sent(l->budget, now_ms);
    l->sent_ms = now_ms;
    metric_add(k->home == LOOK_PAGE ? METRIC_API_LIST : METRIC_API_GET, 1);
    metric_add(METRIC_API_INFLIGHT, 1);
}

void live_send_ready(struct live *l, int64_t now_ms)
{
    struct look *k;
    while ((k = next_look(l, now_ms))) {
        l->in_turn++;
        send(l, k, now_ms);
    }
}
