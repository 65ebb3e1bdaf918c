#include "api/creds.h"
#include "api/ice.h"
#include "base/clock.h"
#include "base/metric.h"
#include "cache/cache.h"
#include "live/live_private.h"

#define PROBE_MS       1000 /* between two calls of our own while the service is down */
#define PAGE_KEPT_PART 10   /* of the pace, left to readers by pages of discovery */

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

static bool is_full(const struct live *l)
{
    return l->looks.lists[LOOK_FLYING].n >= l->config.inflight_max;
}

/* Some connections, too, are left to readers. */
static bool is_spare_full(const struct live *l)
{
    return l->looks.lists[LOOK_FLYING].n >= l->config.inflight_max - l->config.inflight_max / 4;
}

/* When one may call whom nobody waits for, keeping so much of the budget for others. While the
 * service is down it is one that probes. */
static int64_t spare_ms(const struct live *l, int64_t wait_ms, int64_t now_ms)
{
    int64_t at = now_ms + wait_ms;
    return l->breaker.open ? time_max(at, l->sent_ms + PROBE_MS) : at;
}

/* Discovery's page leaves a tenth. */
static int64_t page_ms(const struct live *l, int64_t now_ms)
{
    unsigned kept = (unsigned)(budget_pace(l->budget) / PAGE_KEPT_PART);
    return spare_ms(l, budget_wait_keeping(l->budget, kept, now_ms), now_ms);
}

/* The schedule's own leaves what readers may want, and besides what discovery can use, unless it is
 * its turn. */
static int64_t own_ms(const struct live *l, bool turn, int64_t now_ms)
{
    int64_t wait = budget_wait_spare(l->budget, now_ms);
    unsigned pages = turn ? 0 : discovery_pace(l, now_ms);
    if (pages > 0)
        wait = time_max(wait, budget_wait_keeping(l->budget, pages, now_ms));
    return spare_ms(l, wait, now_ms);
}

/* What has been due for long gets a call in so many, whoever else wants them; a job in use need not
 * wait for more than one page of discovery. */
static bool is_own_turn(const struct live *l, bool readers, int64_t now_ms)
{
    if (!l->schedule || l->breaker.open)
        return false;
    if (!readers && l->in_turn > 1 && schedule_used_due(l->schedule, now_ms))
        return true;
    return l->in_turn + 1 >= LIVE_TURN &&
           schedule_next_ms(l->schedule) < now_ms - l->config.refresh_ms;
}

/* Nor does discovery wait for ever. */
static bool is_pages_turn(const struct live *l)
{
    return l->discovery.since_page + 1 >= LIVE_TURN && !l->breaker.open;
}

/* When discovery's next page may go out; INT64_MAX: something has to land first, or there is none.
 */
static int64_t next_page_ms(const struct live *l, int64_t now_ms)
{
    if (!l->looks.lists[LOOK_DISCOVER].head)
        return INT64_MAX;
    if (is_pages_turn(l))
        return now_ms + budget_wait(l->budget, now_ms);
    return is_spare_full(l) ? INT64_MAX : page_ms(l, now_ms);
}

static struct look *next_page(const struct live *l, int64_t now_ms)
{
    return next_page_ms(l, now_ms) <= now_ms ? l->looks.lists[LOOK_DISCOVER].head : NULL;
}

/* The jobs that had ended wait for all else. */
static bool is_time_for_ended(const struct live *l, int64_t now_ms)
{
    return l->schedule && discovery_pace(l, now_ms) == 0 &&
           schedule_next_ms(l->schedule) > now_ms && !l->looks.lists[LOOK_DISCOVER].head;
}

/* The schedule's own next, or NULL. */
static struct look *next_own(struct live *l, int64_t now_ms)
{
    struct look *k = refresh_due(l, now_ms);
    if (!k && is_time_for_ended(l, now_ms))
        k = refresh_ended(l, now_ms);
    if (!k)
        return NULL;
    l->in_turn = 0;
    metric_add(METRIC_REFRESH_GET, 1);
    return k;
}

/* The look-up that may go out now, or NULL. */
static struct look *next_look(struct live *l, int64_t now_ms)
{
    drop_abandoned(l, now_ms);
    if (is_full(l) || budget_wait(l->budget, now_ms) > 0)
        return NULL;
    struct look *first = first_ready(l), *page = next_page(l, now_ms);
    bool turn = is_own_turn(l, first != NULL, now_ms);
    struct look *rival = page && (!first || is_pages_turn(l)) ? page : first;
    if (rival && !turn)
        return rival;
    if (!rival && (is_spare_full(l) || own_ms(l, turn, now_ms) > now_ms))
        return NULL;
    struct look *own = next_own(l, now_ms);
    return own ? own : rival;
}

/* When the schedule may have one to send. */
static int64_t next_own_ms(const struct live *l, int64_t now_ms)
{
    int64_t due = schedule_next_ms(l->schedule);
    if (is_spare_full(l))
        return INT64_MAX;
    if (is_time_for_ended(l, now_ms)) {
        int64_t ended = schedule_ended_ms(l->schedule);
        due = time_min(due, ended);
    }
    return due <= now_ms ? own_ms(l, is_own_turn(l, false, now_ms), now_ms) : due;
}

static int64_t next_round_ms(const struct live *l)
{
    if (l->round.running || l->breaker.open)
        return INT64_MAX;
    return time_max(schedule_round_ms(l->schedule), l->lists.not_before_ms);
}

int64_t live_next_send_ms(const struct live *l, int64_t now_ms)
{
    if (is_full(l))
        return INT64_MAX; /* one of them has to land first */
    if (first_ready(l))
        return now_ms + budget_wait(l->budget, now_ms);
    int64_t next = next_page_ms(l, now_ms);
    if (!l->schedule)
        return next;
    int64_t own = next_own_ms(l, now_ms), round = next_round_ms(l);
    return time_min(next, time_min(own, round));
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
    if (k->home == LOOK_DISCOVER)
        return discovery_send(l, k, call_timeout(l), err);
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
    bool page = k->home == LOOK_PAGE || k->home == LOOK_DISCOVER;
    metric_add(page ? METRIC_API_LIST : METRIC_API_GET, 1);
    metric_add(METRIC_API_INFLIGHT, 1);
}

void live_send_ready(struct live *l, int64_t now_ms)
{
    struct look *k;
    while ((k = next_look(l, now_ms))) {
        l->in_turn++;
        l->discovery.since_page++;
        send(l, k, now_ms);
    }
}
