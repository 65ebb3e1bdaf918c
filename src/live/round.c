/* A round of lists: one page after the other, oldest job first, so that jobs born meanwhile come
 * last and move no other. A list that turns out to be dearer than was thought is left where it is;
 * the next round knows better. */
#include "api/ice.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "cache/cache.h"
#include "job/job.h"
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
    forget_token(&l->round);
    l->round.running = false;
    schedule_end_round(l->schedule, whole, now_ms, missing, l);
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
    if (!l->schedule || r->running || l->breaker.open || now_ms < r->not_before_ms ||
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

static bool same_status(const struct job *a, const struct job *b)
{
    const struct job_field *x = job_find(a, "status"), *y = job_find(b, "status");
    return x && y ? strcmp(x->data, y->data) == 0 : x == y;
}

static void lay_over(struct live *l, uint64_t key, const struct job *known, const struct job *item,
                     int64_t now_ms)
{
    struct err err = {""};
    int64_t real_ns = clock_real_ns();
    struct job *job = job_merge_list(known, item, real_ns, &err);
    if (!job) {
        log_warn("what a list shows is lost job=%s error=%s", job_id(known), err.text);
        return;
    }
    cache_put_listed(l->config.cache, key, job, now_ms, real_ns);
    schedule_listed(l->schedule, key, job == known ? SCHEDULE_SAME : SCHEDULE_CHANGED, now_ms);
    job_unref(job);
}

static void take_item(struct live *l, struct job *item, int64_t now_ms)
{
    uint64_t key = 0;
    struct job *shown = cache_find(l->config.cache, job_id(item), &key);
    bool ours = shown && schedule_has(l->schedule, key);
    job_unref(shown);
    struct job *known = ours ? cache_newest(l->config.cache, key) : NULL;
    if (!known || job_item_outdated(known, item)) {
        job_unref(known);
        return;
    }
    if (same_status(known, item)) {
        lay_over(l, key, known, item, now_ms);
    } else {
        schedule_listed(l->schedule, key, SCHEDULE_OTHER_STATUS, now_ms);
        refresh_changed(l, key, item, now_ms);
    }
    job_unref(known);
}

static void note_times(struct round *r, const struct job_page *page)
{
    int64_t ns;
    for (size_t i = page->n; i-- > 0;) {
        const struct job_field *f = job_find(page->jobs[i], "create_time");
        char text[CLOCK_ISO_LEN] = "";
        if (f && f->len == CLOCK_ISO_LEN)
            memcpy(text, f->data, f->len - 1);
        if (clock_parse_iso(text, &ns) == 0) {
            r->last_s = ns / NS_PER_S;
            return;
        }
    }
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
    for (size_t i = 0; i < page->n; i++)
        take_item(l, page->jobs[i], now_ms);
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
    l->round.not_before_ms = now_ms + LIVE_LISTS_MS;
    if (loud_now(&l->loud, "lists", now_ms))
        log_error("jobs cannot be listed, so each is asked for by itself: that is slower and takes "
                  "more calls; grant this user or role the RAM action ice:ListMediaProducingJobs "
                  "error=%s",
                  error);
}
