/* A service of many jobs and the refresh of them, in simulated time: the schedule and the budget as
 * live runs them, with calls that take `rtt_ms`. A day takes milliseconds. */
#ifndef TEST_SCHEDULE_WORLD_H
#define TEST_SCHEDULE_WORLD_H

#include "live/budget.h"
#include "live/schedule.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define REFRESH INT64_C(5000)
#define NEVER   (INT64_MAX / 2)
#define EPOCH_S INT64_C(1700000000) /* real seconds at time 0 */
#define DAY_MS  INT64_C(86400000)

/* One job of the service, and what has been seen of it. */
struct sim_job {
    int64_t born_ms;  /* Init from here on */
    int64_t queue_ms; /* Queuing from here on, and so on; NEVER */
    int64_t work_ms;
    int64_t end_ms;
    int64_t step_ms;     /* progress moves so often while it works; 0: not at all */
    int64_t duration_ms; /* known from here on; NEVER */
    bool unknown;        /* on lists, but nobody has named it */

    enum job_status seen;
    int64_t seen_step;
    bool ended; /* by a Get */
    unsigned gets, lists;
    int64_t last_get_ms, least_gap_ms, most_gap_ms;
    int64_t told_ms; /* when its present status was learnt from a Get */
};

struct sim_call {
    bool page;
    size_t job;
    uint64_t ticket;
    int64_t at_ms; /* of its answer */
};

#define CALLS_MAX 4096

struct world {
    struct schedule *s;
    struct budget *b;
    struct sim_job *jobs;
    size_t n;
    int64_t now_ms, rtt_ms;
    unsigned qps;
    bool lists_denied;
    int64_t window_s;

    struct sim_call calls[CALLS_MAX]; /* under way, first come first */
    size_t first, flying;
    struct cover cover;
    bool running, page_ready;
    unsigned list;
    size_t from; /* of the next page, in jobs by birth */
    uint64_t items;
    size_t changed[CALLS_MAX]; /* jobs whose Get goes ahead of the rest */
    size_t n_changed;

    int64_t *sent; /* ms of each call, for the busiest second */
    size_t n_sent, cap_sent;
    unsigned gets, pages, rounds;
    int64_t *delays; /* from a change of status to its being known */
    size_t n_delays, cap_delays;
};

static inline struct world *world_new(size_t n, unsigned qps)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    const struct schedule_config config = {.refresh_ms = REFRESH, .interest_ms = 3 * REFRESH};
    *w = (struct world){.n = n, .qps = qps, .rtt_ms = 10};
    w->s = schedule_new(&config, NULL);
    w->b = budget_new(qps, NULL);
    w->jobs = calloc(n, sizeof *w->jobs);
    assert_non_null(w->jobs);
    for (size_t i = 0; i < n; i++)
        w->jobs[i] = (struct sim_job){.queue_ms = NEVER,
                                      .work_ms = NEVER,
                                      .end_ms = NEVER,
                                      .last_get_ms = -1,
                                      .least_gap_ms = NEVER};
    return w;
}

static inline void world_free(struct world *w)
{
    schedule_free(w->s);
    budget_free(w->b);
    free(w->jobs);
    free(w->sent);
    free(w->delays);
    free(w);
}

static inline void push(int64_t **array, size_t *n, size_t *cap, int64_t value)
{
    if (*n == *cap) {
        *cap = *cap ? *cap * 2 : 1024;
        *array = realloc(*array, *cap * sizeof **array);
        assert_non_null(*array);
    }
    (*array)[(*n)++] = value;
}

/* ---- the service ---- */

static inline enum job_status status_at(const struct sim_job *j, int64_t ms)
{
    if (ms >= j->end_ms)
        return JOB_STATUS_SUCCESS;
    if (ms >= j->work_ms)
        return JOB_STATUS_PROCESSING;
    return ms >= j->queue_ms ? JOB_STATUS_QUEUING : JOB_STATUS_INIT;
}

static inline int64_t status_since(const struct sim_job *j, int64_t ms)
{
    if (ms >= j->end_ms)
        return j->end_ms;
    if (ms >= j->work_ms)
        return j->work_ms;
    return ms >= j->queue_ms ? j->queue_ms : j->born_ms;
}

static inline int64_t step_at(const struct sim_job *j, int64_t ms)
{
    return j->step_ms && ms >= j->work_ms ? (ms - j->work_ms) / j->step_ms : 0;
}

static inline struct schedule_job facts_at(const struct sim_job *j, int64_t ms)
{
    return (struct schedule_job){.status = status_at(j, ms),
                                 .create_s = EPOCH_S + j->born_ms / 1000,
                                 .duration = ms >= j->duration_ms};
}

/* ---- what the refresh does ---- */

/* A reader names the job. */
static inline void name_job(struct world *w, size_t i)
{
    struct sim_job *j = &w->jobs[i];
    const struct schedule_job facts = facts_at(j, w->now_ms);
    assert_int_equal(schedule_add(w->s, i + 1, &facts, w->now_ms), 0);
    j->seen = facts.status;
    j->seen_step = step_at(j, w->now_ms);
    j->ended = job_status_final(facts.status);
}

static inline struct sim_call *call(struct world *w, bool page, size_t job)
{
    assert_true(w->flying < CALLS_MAX);
    struct sim_call *c = &w->calls[(w->first + w->flying++) % CALLS_MAX];
    *c = (struct sim_call){page, job, budget_sent(w->b, w->now_ms), w->now_ms + w->rtt_ms};
    push(&w->sent, &w->n_sent, &w->cap_sent, w->now_ms);
    return c;
}

static inline void send_get(struct world *w, size_t i)
{
    struct sim_job *j = &w->jobs[i];
    schedule_asked(w->s, i + 1, w->now_ms);
    if (j->last_get_ms >= 0) {
        int64_t gap = w->now_ms - j->last_get_ms;
        j->least_gap_ms = gap < j->least_gap_ms ? gap : j->least_gap_ms;
        j->most_gap_ms = gap > j->most_gap_ms ? gap : j->most_gap_ms;
    }
    j->last_get_ms = w->now_ms;
    j->gets++;
    w->gets++;
    call(w, false, i);
}

static inline void land_get(struct world *w, size_t i)
{
    struct sim_job *j = &w->jobs[i];
    int64_t then = w->now_ms - w->rtt_ms / 2; /* when the service answered */
    const struct schedule_job facts = facts_at(j, then);
    bool changed = facts.status != j->seen || step_at(j, then) != j->seen_step;
    if (facts.status != j->seen) {
        j->told_ms = w->now_ms;
        push(&w->delays, &w->n_delays, &w->cap_delays, w->now_ms - status_since(j, then));
    }
    j->seen = facts.status;
    j->seen_step = step_at(j, then);
    j->ended = job_status_final(facts.status);
    schedule_got(w->s, i + 1, &facts, changed, w->now_ms);
}

static inline void add_changed(void *arg, uint64_t key)
{
    struct world *w = arg;
    assert_true(w->n_changed < CALLS_MAX);
    w->changed[w->n_changed++] = key - 1;
}

static inline bool on_list(const struct world *w, const struct sim_job *j, int64_t then)
{
    enum job_status wanted = cover_status(w->cover.lists[w->list]);
    return then >= j->born_ms && EPOCH_S + j->born_ms / 1000 >= w->cover.start_s &&
           (wanted == JOB_STATUS_OTHER || status_at(j, then) == wanted);
}

static inline void show_item(struct world *w, size_t i, int64_t then)
{
    struct sim_job *j = &w->jobs[i];
    j->lists++;
    if (!schedule_has(w->s, i + 1) || j->ended)
        return;
    if (status_at(j, then) == j->seen) {
        schedule_listed(w->s, i + 1, SCHEDULE_SAME, w->now_ms);
    } else {
        schedule_listed(w->s, i + 1, SCHEDULE_OTHER_STATUS, w->now_ms);
        add_changed(w, i + 1);
    }
}

static inline void begin_list(struct world *w, unsigned list)
{
    w->list = list;
    w->from = 0;
    w->items = 0;
    w->page_ready = true;
}

static inline void end_round(struct world *w, bool whole)
{
    w->running = false;
    schedule_end_round(w->s, whole, w->now_ms, add_changed, w);
}

static inline void land_page(struct world *w)
{
    int64_t then = w->now_ms - w->rtt_ms / 2;
    unsigned shown = 0;
    for (; w->from < w->n && shown < COVER_PAGE; w->from++) {
        if (!on_list(w, &w->jobs[w->from], then))
            continue;
        shown++;
        show_item(w, w->from, then);
    }
    w->items += shown;
    if (w->from < w->n) {
        w->page_ready = true;
        return;
    }
    schedule_note_list(w->s, w->cover.lists[w->list], w->cover.start_s, EPOCH_S + w->now_ms / 1000,
                       w->items);
    if (w->list + 1 < w->cover.n)
        begin_list(w, w->list + 1);
    else
        end_round(w, true);
}

static inline void begin_round(struct world *w)
{
    const struct schedule_means means = {
        .real_s = EPOCH_S + w->now_ms / 1000, .window_s = w->window_s, .pace = budget_pace(w->b)};
    w->cover = schedule_begin_round(w->s, &means, w->now_ms);
    w->rounds++;
    w->running = w->cover.n > 0;
    if (w->running)
        begin_list(w, 0);
}

/* Send what may go out now. Returns when to look again. */
static inline int64_t send_all(struct world *w)
{
    uint64_t key;
    if (!w->lists_denied && !w->running && schedule_round_ms(w->s) <= w->now_ms)
        begin_round(w);
    while (w->n_changed > 0 && budget_wait(w->b, w->now_ms) == 0)
        send_get(w, w->changed[--w->n_changed]);
    if (w->page_ready && w->n_changed == 0 && budget_wait(w->b, w->now_ms) == 0) {
        w->page_ready = false;
        w->pages++;
        call(w, true, 0);
    }
    while (w->n_changed == 0 && budget_wait_spare(w->b, w->now_ms) == 0 &&
           schedule_next(w->s, w->now_ms, &key))
        send_get(w, key - 1);
    int64_t next = schedule_next_ms(w->s);
    if (next <= w->now_ms)
        next = w->now_ms + budget_wait_spare(w->b, w->now_ms);
    if (!w->lists_denied && !w->running && schedule_round_ms(w->s) < next)
        next = schedule_round_ms(w->s);
    if (w->page_ready || w->n_changed > 0) {
        int64_t free_ms = w->now_ms + budget_wait(w->b, w->now_ms);
        next = free_ms < next ? free_ms : next;
    }
    return next;
}

static inline void land_first(struct world *w)
{
    struct sim_call c = w->calls[w->first];
    w->first = (w->first + 1) % CALLS_MAX;
    w->flying--;
    w->now_ms = c.at_ms;
    budget_landed(w->b, c.ticket, w->now_ms);
    if (c.page)
        land_page(w);
    else
        land_get(w, c.job);
}

/* Let time pass up to `until_ms`. */
static inline void run_until(struct world *w, int64_t until_ms)
{
    for (;;) {
        int64_t next = send_all(w);
        if (w->flying > 0 && w->calls[w->first].at_ms <= next &&
            w->calls[w->first].at_ms <= until_ms) {
            land_first(w);
            continue;
        }
        if (next > until_ms)
            break;
        w->now_ms = next > w->now_ms ? next : w->now_ms + 1;
    }
    w->now_ms = until_ms;
}

static inline void run_for(struct world *w, int64_t ms)
{
    run_until(w, w->now_ms + ms);
}

static inline struct schedule_health health_at(const struct world *w, int64_t now_ms)
{
    const struct schedule_marks m = schedule_marks(w->s);
    return schedule_health(&m, REFRESH, now_ms);
}

/* Begin to count anew. */
static inline void forget_counts(struct world *w)
{
    w->gets = w->pages = w->rounds = 0;
    w->n_delays = 0;
    for (size_t i = 0; i < w->n; i++) {
        w->jobs[i].gets = w->jobs[i].lists = 0;
        w->jobs[i].most_gap_ms = 0;
        w->jobs[i].least_gap_ms = NEVER;
    }
}

static inline unsigned busiest_second(const struct world *w)
{
    unsigned most = 0;
    size_t from = 0;
    for (size_t to = 0; to < w->n_sent; to++) {
        while (w->sent[to] - w->sent[from] >= 1000)
            from++;
        most = to - from + 1 > most ? (unsigned)(to - from + 1) : most;
    }
    return most;
}

static inline int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* What 99 of 100 changes of status took, at most, to become known. */
static inline int64_t delay_99(struct world *w)
{
    assert_true(w->n_delays > 0);
    qsort(w->delays, w->n_delays, sizeof *w->delays, by_size);
    return w->delays[(w->n_delays * 99 - 1) / 100];
}

/* A small generator with a seed of its own: every run is the same. */
static inline int64_t draw(uint64_t *seed, int64_t below)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int64_t)((*seed >> 33) % (uint64_t)below);
}

#endif
