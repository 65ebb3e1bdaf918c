/* Rounds of lists. */
#include "live/schedule_private.h"

#define UNLIMITED_S                                                                                \
    (INT64_C(30) * 86400 - 3600) /* what one call may span, less a clock's error                   \
                                  */
#define SPARE_PART 5             /* of the calls: not counted on */
#define LIST_SHARE 2             /* lists may take so great a part of the calls */

int64_t schedule_round_ms(const struct schedule *s)
{
    return s->next_round_ms;
}

/* Calls that can be counted on until the next round. */
static double calls_a_round(const struct schedule *s, const struct schedule_means *means)
{
    double calls = means->pace * (double)s->config.refresh_ms / 1000;
    return calls - calls / SPARE_PART;
}

static bool is_listable(const struct planned *p, int64_t from_s, int64_t now_ms)
{
    return p->create_s != SCHEDULE_NO_TIME && p->create_s >= from_s && p->unlisted_ms <= now_ms &&
           !job_status_final((enum job_status)p->status);
}

static size_t count_soon(const struct schedule *s)
{
    size_t n = 0;
    for (const struct planned *p = s->oldest; p; p = p->newer)
        n += planned_is_soon(s, p);
    return n;
}

/* The jobs that lists can show and, unless calls are too short for them, no Get is about to. */
static size_t gather(struct schedule *s, int64_t from_s, bool gets_go_out, int64_t now_ms)
{
    size_t n = 0;
    for (const struct planned *p = s->oldest; p; p = p->newer)
        if (is_listable(p, from_s, now_ms) && !(gets_go_out && planned_is_soon(s, p)))
            s->scratch[n++] = (struct cover_job){p->create_s, (enum job_status)p->status};
    return n;
}

static struct cover choose(struct schedule *s, size_t n, double calls, int64_t now_s)
{
    struct cover c = cover_choose(s->scratch, n, &s->memory, COVER_GET, now_s);
    unsigned pages = 0;
    for (unsigned i = 0; i < c.n; i++)
        pages += c.pages[i];
    if (pages * LIST_SHARE <= calls)
        return c;
    return cover_choose(s->scratch, n, &s->memory, COVER_SLOW_GET, now_s);
}

static void count(struct schedule *s, const struct cover *c, int64_t from_s, int64_t now_ms)
{
    for (struct planned *p = s->oldest; p; p = p->newer) {
        const struct cover_job job = {p->create_s, (enum job_status)p->status};
        p->counted = c->n > 0 && is_listable(p, from_s, now_ms) && cover_shows(c, &job);
    }
}

struct cover schedule_begin_round(struct schedule *s, const struct schedule_means *means,
                                  int64_t now_ms)
{
    int64_t window_s = means->window_s;
    if (window_s <= 0 || window_s > UNLIMITED_S)
        window_s = UNLIMITED_S;
    int64_t from_s = means->real_s - window_s;
    double calls = calls_a_round(s, means);
    cover_age(&s->memory);
    size_t n = gather(s, from_s, (double)count_soon(s) <= calls, now_ms);
    s->cover = choose(s, n, calls, means->real_s);
    count(s, &s->cover, from_s, now_ms);
    s->round++;
    s->begun_ms = now_ms;
    s->next_round_ms = now_ms + s->config.refresh_ms - s->lead_ms;
    s->in_round = s->cover.n > 0;
    return s->cover;
}

void schedule_note_list(struct schedule *s, enum cover_list list, int64_t start_s, int64_t end_s,
                        uint64_t items)
{
    cover_note(&s->memory, list, start_s, end_s, items);
}

/* A job that no list has shown is left to Gets for a while, in case lists never will. */
static void report_missing(struct schedule *s, int64_t now_ms,
                           void (*missing)(void *arg, uint64_t key), void *arg)
{
    for (struct planned *p = s->oldest, *newer; p && p->seen_ms < s->begun_ms; p = newer) {
        newer = p->newer;
        if (!p->counted || p->round == s->round)
            continue;
        p->unlisted_ms = now_ms + s->config.refresh_ms * SCHEDULE_SLOWEST;
        missing(arg, p->key);
    }
}

void schedule_end_round(struct schedule *s, bool whole, int64_t now_ms,
                        void (*missing)(void *arg, uint64_t key), void *arg)
{
    if (!s->in_round)
        return;
    s->in_round = false;
    s->round_took_ms = now_ms - s->begun_ms;
    if (whole)
        report_missing(s, now_ms, missing, arg);
}

void schedule_resume(struct schedule *s, int64_t now_ms)
{
    s->next_round_ms = now_ms;
    for (struct planned *p = s->oldest; p; p = p->newer) {
        if (p->failures == 0)
            continue;
        p->failures = 0;
        if (p->due_ms > now_ms)
            planned_set_due(s, p, p->queue, now_ms);
    }
}
