/* The lists that find jobs which nobody has named: what discover.c plans, asked for and taken in.
 */
#include "api/ice.h"
#include "api/retry.h"
#include "base/clock.h"
#include "base/log.h"
#include "cache/cache.h"
#include "job/facts.h"
#include "live/live_private.h"

#define HEAD_PART   4    /* of all calls, a head may take one in so many */
#define PROBE_MS    1000 /* between two calls while the service is down */
#define PAGE_MS_MIN 10

/* The service's clock, as far as it is known. */
static int64_t now_s(const struct live *l)
{
    return clock_real_ns() / NS_PER_S + ice_clock_offset_s(l->config.ice);
}

int discovery_begin(struct live *l, struct err *err)
{
    if (l->config.discover_ms <= 0)
        return 0;
    int64_t least_ms = HEAD_PART * MS_PER_S / l->config.qps;
    const struct discover_config config = {
        .window_s = l->config.discover_ms / MS_PER_S,
        .head_ms = l->config.refresh_ms > least_ms ? l->config.refresh_ms : least_ms,
    };
    l->discovery.begun_ms = clock_mono_ms();
    l->discovery.plan = discover_new(&config, now_s(l), l->discovery.begun_ms, err);
    return l->discovery.plan ? 0 : -1;
}

/* ---- which page is next ---- */

/* A round that lists all jobs is about to show what the head would. */
static bool is_covered(const struct live *l)
{
    const struct round *r = &l->round;
    return r->running && r->cover.lists[0] == COVER_ALL &&
           discover_covers(l->discovery.plan, r->cover.start_s);
}

static int64_t next_ms(const struct live *l, enum discover_look look)
{
    int64_t at = discover_due_ms(l->discovery.plan, look);
    int64_t probe_ms = l->sent_ms + PROBE_MS;
    if (at == INT64_MAX || (look == DISCOVER_HEAD && is_covered(l)))
        return INT64_MAX;
    at = time_max(at, l->lists.not_before_ms);
    if (!l->breaker.open)
        return at;
    /* One call is enough to see whether it is up again. */
    if (l->looks.lists[LOOK_DISCOVER].head || l->looks.lists[LOOK_FLYING].head)
        return INT64_MAX;
    return time_max(probe_ms, at);
}

int64_t discovery_next_ms(const struct live *l)
{
    int64_t first = INT64_MAX;
    for (enum discover_look look = 0; l->discovery.plan && look < DISCOVER_LOOKS; look++) {
        int64_t at = next_ms(l, look);
        first = at < first ? at : first;
    }
    return first;
}

void discovery_begin_due(struct live *l, int64_t now_ms)
{
    struct looks *s = &l->looks;
    for (enum discover_look look = 0; l->discovery.plan && look < DISCOVER_LOOKS; look++) {
        if (next_ms(l, look) > now_ms || looks_reserve(s) < 0)
            continue;
        struct look *k = look_new(s, l, LOOK_DISCOVER);
        k->key = 0;
        k->id[0] = '\0';
        k->discover = look;
        discover_begin(l->discovery.plan, look, now_s(l), now_ms);
        look_move(s, k, LOOK_DISCOVER);
    }
}

int discovery_send(struct live *l, struct look *k, int64_t timeout_ms, struct err *err)
{
    char start[CLOCK_ISO_LEN], end[CLOCK_ISO_LEN];
    struct discover_query q = discover_query(l->discovery.plan, k->discover, now_s(l));
    clock_iso(q.start_s, start);
    clock_iso(q.end_s == DISCOVER_NOW ? 0 : q.end_s, end);
    const struct ice_list_query query = {
        .start_time = start,
        .end_time = q.end_s == DISCOVER_NOW ? NULL : end,
        .sort_by = "CreationTime:Desc",
        .next_token = q.token,
        .max_results = COVER_PAGE,
    };
    k->anew = !q.token;
    l->discovery.since_page = 0;
    return ice_list(l->config.ice, &query, timeout_ms, live_answered, k, err);
}

/* ---- what came of it ---- */

static void note_time(struct discover_page *seen, int64_t create_s, bool fresh)
{
    if (create_s == JOB_NO_TIME)
        return;
    if (create_s > seen->newest_s)
        seen->newest_s = create_s;
    if (seen->oldest_s == DISCOVER_NO_TIME || create_s < seen->oldest_s)
        seen->oldest_s = create_s;
    if (fresh && (seen->fresh_s == DISCOVER_NO_TIME || create_s < seen->fresh_s))
        seen->fresh_s = create_s;
}

/* Returns whether all jobs of the page are known now. */
static bool take_page(struct live *l, const struct job_page *page, struct discover_page *seen,
                      int64_t now_ms)
{
    bool missed = false;
    *seen = (struct discover_page){DISCOVER_NO_TIME, DISCOVER_NO_TIME, 0, DISCOVER_NO_TIME,
                                   page->next_token};
    for (size_t i = 0; i < page->n; i++) {
        int64_t create_s = job_facts_of(page->jobs[i])->create_s;
        enum lists_item item = lists_take(l, page->jobs[i], now_ms);
        seen->fresh += item == LISTS_FRESH;
        missed = missed || item == LISTS_MISSED;
        note_time(seen, create_s, item == LISTS_FRESH);
    }
    return !missed;
}

static void say_swept(const struct live *l, int64_t now_ms)
{
    log_info("all jobs of the window are known window_s=%lld found=%llu pages=%llu took_ms=%lld",
             (long long)(l->config.discover_ms / MS_PER_S), (unsigned long long)l->discovery.found,
             (unsigned long long)l->discovery.pages, (long long)(now_ms - l->discovery.begun_ms));
}

void discovery_page(struct live *l, const struct look *k, const struct job_page *page,
                    int64_t took_ms, int64_t now_ms)
{
    struct discovery *d = &l->discovery;
    struct discover_page seen;
    bool sweeping = discover_sweeping(d->plan);
    lists_worked(l);
    d->pages++;
    d->page_ms = took_ms;
    if (take_page(l, page, &seen, now_ms))
        discover_shown(d->plan, k->discover, &seen, now_ms);
    else
        discover_failed(d->plan, k->discover, false, LIVE_MISSED_MS, now_ms);
    if (sweeping && !discover_sweeping(d->plan))
        say_swept(l, now_ms);
}

void discovery_failed(struct live *l, const struct look *k, enum api_class class, const char *error,
                      int64_t rest_ms, int64_t now_ms)
{
    bool refused = class == API_BAD_REQUEST || class == API_NOT_FOUND;
    /* A token that is refused is old; a list that is refused without one is wrong. */
    if (class == API_DENIED || (refused && k->anew))
        lists_refused(l, class, error, now_ms);
    if (class == API_DENIED)
        lists_rest(l, now_ms);
    discover_failed(l->discovery.plan, k->discover, refused, rest_ms, now_ms);
}

void discovery_covered(struct live *l, int64_t start_s, int64_t newest_s, int64_t now_ms)
{
    if (l->discovery.plan && discover_covers(l->discovery.plan, start_s))
        discover_covered(l->discovery.plan, newest_s, now_ms);
}

/* ---- how far it is ---- */

static bool has_page(const struct live *l, enum look_place place)
{
    for (const struct look *k = l->looks.lists[place].head; k; k = k->next)
        if (k->home == LOOK_DISCOVER && k->discover != DISCOVER_HEAD)
            return true;
    return false;
}

/* Not while its next page has to wait for other reasons. */
static bool is_going_on(const struct live *l, int64_t now_ms)
{
    const struct discover *plan = l->discovery.plan;
    if (!plan || l->breaker.open)
        return false;
    bool due = discover_due_ms(plan, DISCOVER_SWEEP) <= now_ms ||
               discover_due_ms(plan, DISCOVER_RECENT) <= now_ms;
    return (due && lists_allowed(l, now_ms)) || has_page(l, LOOK_DISCOVER) ||
           has_page(l, LOOK_FLYING);
}

unsigned discovery_pace(const struct live *l, int64_t now_ms)
{
    int64_t page_ms = l->discovery.page_ms > PAGE_MS_MIN ? l->discovery.page_ms : PAGE_MS_MIN;
    return is_going_on(l, now_ms) ? (unsigned)(MS_PER_S / page_ms) + 1 : 0;
}

void discovery_show_health(const struct live *l, struct live_health *h)
{
    const struct discovery *d = &l->discovery;
    h->lists_refused = l->lists.refused;
    h->details_due = l->schedule ? schedule_ended_count(l->schedule) : 0;
    h->discovered_s = -1;
    if (!d->plan)
        return;
    h->discovering = discover_sweeping(d->plan);
    h->discovered_s = now_s(l) - discover_reached_s(d->plan);
    h->discovered = d->found;
    h->pages = d->pages;
}
