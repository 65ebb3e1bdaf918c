/* A round of lists: one page after the other, oldest job first, so that jobs born meanwhile come
 * last and move no other. A list that turns out to be dearer than was thought is left where it is;
 * the next round knows better. */
#include "api/ice.h"
#include "base/clock.h"
#include "base/metric.h"
#include "cache/cache.h"
#include "job/facts.h"
#include "live/live_private.h"
#include <string.h>

#define DEARER 2 /* times as many pages as were thought ... */
#define SLACK  4 /* ... and so many more are seen before a list is left */

#define CLOCK_SLACK_S 1 /* whether the first second counts is not documented */

/* ---- begun and over ---- */

static void forget_token(struct round *r)
{
    free(MOVE_PTR(r->token));
}

void round_free(struct live *l)
{
    forget_token(&l->round);
}

static void missing(void *arg, uint64_t key)
{
    refresh_changed(arg, key, NULL, clock_mono_ms());
}

static void over(struct live *l, bool whole, int64_t now_ms)
{
    struct round *r = &l->round;
    forget_token(r);
    r->running = false;
    schedule_end_round(l->schedule, whole, now_ms, missing, l);
    if (whole && !r->missed && r->cover.lists[0] == COVER_ALL)
        discovery_covered(l, r->cover.start_s, r->last_s, now_ms);
}

static void ask_page(struct live *l, int64_t now_ms)
{
    if (looks_reserve(&l->looks) < 0) {
        over(l, false, now_ms);
        return;
    }
    struct look *k = look_new(&l->looks, l, LOOK_PAGE);
    k->key = 0;
    k->id[0] = '\0';
    look_move(&l->looks, k, LOOK_PAGE);
}

static void begin_list(struct live *l, unsigned list, int64_t now_ms)
{
    struct round *r = &l->round;
    forget_token(r);
    r->list = list;
    r->pages = 0;
    r->items = 0;
    r->last_s = r->cover.start_s;
    ask_page(l, now_ms);
}

void round_begin_due(struct live *l, int64_t now_ms)
{
    struct round *r = &l->round;
    if (!l->schedule || r->running || l->breaker.open || !lists_allowed(l, now_ms) ||
        now_ms < schedule_round_ms(l->schedule))
        return;
    const struct schedule_means means = {.real_s = clock_real_ns() / NS_PER_S,
                                         .window_s = l->config.window_ms / MS_PER_S,
                                         .pace = budget_pace(l->budget)};
    r->cover = schedule_begin_round(l->schedule, &means, now_ms);
    metric_add(METRIC_REFRESH_ROUNDS, 1);
    if (r->cover.n == 0)
        return;
    r->running = true;
    r->missed = false;
    begin_list(l, 0, now_ms);
}

int round_send(struct live *l, struct look *k, int64_t timeout_ms, struct err *err)
{
    const struct round *r = &l->round;
    char start[CLOCK_ISO_LEN];
    clock_iso(r->cover.start_s - CLOCK_SLACK_S, start);
    const struct ice_list_query query = {
        .start_time = start,
        .status = job_status_name(cover_status(r->cover.lists[r->list])),
        .sort_by = "CreationTime:Asc",
        .next_token = r->token,
        .max_results = COVER_PAGE,
    };
    return ice_list(l->config.ice, &query, timeout_ms, live_answered, k, err);
}

/* ---- what a page shows ---- */

static void note_times(struct round *r, const struct job_page *page)
{
    for (size_t i = page->n; i-- > 0;) {
        int64_t create_s = job_facts_of(page->jobs[i])->create_s;
        if (create_s != JOB_NO_TIME) {
            r->last_s = create_s;
            return;
        }
    }
}

static void take_items(struct live *l, const struct job_page *page, int64_t now_ms)
{
    for (size_t i = 0; i < page->n; i++)
        if (lists_take(l, page->jobs[i], now_ms) == LISTS_MISSED)
            l->round.missed = true;
}

/* ---- and on ---- */

static void note_list(struct live *l, bool to_its_end)
{
    const struct round *r = &l->round;
    int64_t now_s = clock_real_ns() / NS_PER_S;
    schedule_note_list(l->schedule, r->cover.lists[r->list], r->cover.start_s,
                       to_its_end ? now_s : r->last_s, r->items);
}

static void next_list(struct live *l, int64_t now_ms)
{
    struct round *r = &l->round;
    note_list(l, true);
    if (r->list + 1 < r->cover.n)
        begin_list(l, r->list + 1, now_ms);
    else
        over(l, true, now_ms);
}

void round_page(struct live *l, const struct job_page *page, int64_t now_ms)
{
    struct round *r = &l->round;
    r->pages++;
    r->items += page->n;
    note_times(r, page);
    take_items(l, page, now_ms);
    lists_worked(l);
    forget_token(r);
    if (!page->next_token) {
        next_list(l, now_ms);
        return;
    }
    r->token = strdup(page->next_token);
    if (r->pages >= r->cover.pages[r->list] * DEARER + SLACK || !r->token) {
        note_list(l, false);
        over(l, false, now_ms);
        return;
    }
    ask_page(l, now_ms);
}

void round_failed(struct live *l, enum api_class class, const char *error, int64_t now_ms)
{
    over(l, false, now_ms);
    if (class != API_DENIED && class != API_BAD_REQUEST && class != API_NOT_FOUND)
        return;
    lists_refused(l, class, error, now_ms);
    lists_rest(l, now_ms);
}
