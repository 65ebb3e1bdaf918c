#include "live/schedule.h"
#include "base/clock.h"
#include "live/schedule_private.h"
#include <stdlib.h>

#define LEAD_PART   16  /* of `refresh` */
#define LEAD_MAX_MS 100 /* what a call and a busy machine may take */
#define USED_SHARE  4   /* of so many Gets, one is for a job that is not in use, if it is due */
#define LONG_AGO    (INT64_MIN / 4)

struct schedule *schedule_new(const struct schedule_config *config, struct err *err)
{
    struct schedule *s = calloc(1, sizeof *s);
    if (!s) {
        err_set(err, "cannot make the schedule: out of memory");
        return NULL;
    }
    s->config = *config;
    s->lead_ms = time_min(config->refresh_ms / LEAD_PART, LEAD_MAX_MS);
    s->begun_ms = s->next_round_ms = LONG_AGO;
    return s;
}

void schedule_free(struct schedule *s)
{
    if (!s)
        return;
    planned_free_all(s);
    ended_free(&s->ended);
    free(s);
}

/* ---- when a Get is due ---- */

static int64_t slowest(const struct schedule *s)
{
    return s->config.refresh_ms * SCHEDULE_SLOWEST;
}

static bool is_used(const struct schedule *s, const struct planned *p, int64_t now_ms)
{
    return now_ms - p->used_ms < s->config.interest_ms;
}

static int64_t interval(const struct schedule *s, const struct planned *p, int64_t now_ms)
{
    return is_used(s, p, now_ms) ? s->config.refresh_ms : p->interval_ms;
}

static void plan_next(struct schedule *s, struct planned *p, int64_t now_ms)
{
    planned_set_due(s, p, is_used(s, p, now_ms) ? QUEUE_USED : QUEUE_IDLE,
                    p->asked_ms + interval(s, p, now_ms) - s->lead_ms);
}

/* Due at `due_ms` if not before. What is called for now is late from now on only. */
static void bring_forward(struct schedule *s, struct planned *p, int64_t due_ms, int64_t now_ms)
{
    enum schedule_queue queue = is_used(s, p, now_ms) ? QUEUE_USED : QUEUE_IDLE;
    planned_set_due(s, p, queue, time_min(p->due_ms, time_max(due_ms, now_ms)));
}

/* It has just changed: it will again. */
static void set_fast(struct schedule *s, struct planned *p, int64_t now_ms)
{
    p->interval_ms = s->config.refresh_ms;
    p->since_ms = now_ms;
}

/* Readers who ask often do not make it slower: it stays on each step for as long as the step says.
 */
static void set_slower(struct schedule *s, struct planned *p, int64_t now_ms)
{
    if (now_ms - p->since_ms < p->interval_ms - s->lead_ms)
        return;
    p->interval_ms = time_min(p->interval_ms * 2, slowest(s));
    p->since_ms = now_ms;
}

bool planned_is_soon(const struct schedule *s, const struct planned *p)
{
    return p->due_ms <= p->seen_ms + s->config.refresh_ms;
}

/* ---- what is known of jobs ---- */

static void note_facts(struct planned *p, const struct schedule_job *job)
{
    p->status = (unsigned char)job->status;
    p->create_s = job->create_s;
}

static bool awaits_duration(const struct schedule_job *job)
{
    return job->status == JOB_STATUS_SUCCESS && !job->duration && !job->partial;
}

static void await_duration(struct schedule *s, struct planned *p, int64_t now_ms)
{
    planned_unlist(s, p);
    p->late = true;
    p->counted = false;
    planned_set_due(s, p, QUEUE_IDLE, now_ms + time_max(SCHEDULE_LATE_MS, slowest(s)));
}

int schedule_add(struct schedule *s, uint64_t key, const struct schedule_job *job, int64_t now_ms)
{
    bool ended = job_status_final(job->status);
    if (planned_find(s, key))
        return 0;
    if (ended && job->partial)
        return ended_add(&s->ended, key);
    if (ended && !awaits_duration(job))
        return 0;
    struct planned *p = planned_add(s, key);
    if (!p)
        return -1;
    note_facts(p, job);
    p->used_ms = p->unlisted_ms = LONG_AGO;
    p->asked_ms = now_ms;
    set_fast(s, p, now_ms);
    if (ended) {
        await_duration(s, p, now_ms);
        return 0;
    }
    planned_seen(s, p, now_ms);
    if (job->partial)
        planned_set_due(s, p, QUEUE_IDLE, now_ms);
    else
        plan_next(s, p, now_ms);
    return 0;
}

void schedule_asked(struct schedule *s, uint64_t key, int64_t now_ms)
{
    struct planned *p = planned_find(s, key);
    if (!p)
        return;
    p->asked_ms = now_ms;
    s->used_in_turn = p->queue == QUEUE_USED ? s->used_in_turn + 1 : 0;
    if (p->late) /* until its answer is here */
        planned_set_due(s, p, QUEUE_IDLE, now_ms + slowest(s));
    else
        plan_next(s, p, now_ms);
}

/* A Get has shown that it has ended: that was the last one, or the last but one. */
static void end(struct schedule *s, struct planned *p, const struct schedule_job *job,
                int64_t now_ms)
{
    if (!p->late && awaits_duration(job))
        await_duration(s, p, now_ms);
    else
        planned_remove(s, p);
}

void schedule_got(struct schedule *s, uint64_t key, const struct schedule_job *job, bool changed,
                  int64_t now_ms)
{
    struct planned *p = planned_find(s, key);
    if (!p)
        return;
    if (job_status_final(job->status)) {
        end(s, p, job, now_ms);
        return;
    }
    note_facts(p, job);
    p->failures = 0;
    planned_seen(s, p, now_ms);
    if (changed) {
        p->unlisted_ms = LONG_AGO;
        set_fast(s, p, now_ms);
    } else {
        set_slower(s, p, now_ms);
    }
    plan_next(s, p, now_ms);
    if (p->again && !changed)
        bring_forward(s, p, now_ms, now_ms);
    p->again = false;
}

void schedule_failed(struct schedule *s, uint64_t key, int64_t delay_ms, bool answered,
                     int64_t now_ms)
{
    struct planned *p = planned_find(s, key);
    if (!p)
        return;
    unsigned doublings = p->failures < 4 ? p->failures : 4;
    int64_t pause = time_min(s->config.refresh_ms << doublings, slowest(s));
    p->failures++;
    p->again = false;
    if (answered) {
        pause = time_max(slowest(s), SCHEDULE_LATE_MS);
        if (!p->late)
            planned_seen(s, p, now_ms);
    }
    planned_set_due(s, p, p->queue, now_ms + time_max(delay_ms, pause));
}

void schedule_listed(struct schedule *s, uint64_t key, enum schedule_item item, int64_t now_ms)
{
    struct planned *p = planned_find(s, key);
    if (!p || p->late)
        return;
    p->round = s->round;
    switch (item) {
    case SCHEDULE_OTHER_STATUS: /* its Get is the look that counts */
        return;
    case SCHEDULE_CHANGED:
        set_fast(s, p, now_ms);
        bring_forward(s, p, p->asked_ms + interval(s, p, now_ms) - s->lead_ms, now_ms);
        break;
    case SCHEDULE_SAME:
        break;
    }
    planned_seen(s, p, now_ms);
}

void schedule_again(struct schedule *s, uint64_t key, int64_t now_ms)
{
    struct planned *p = planned_find(s, key);
    if (!p)
        return;
    p->again = true;
    bring_forward(s, p, now_ms, now_ms);
}

void schedule_touch(struct schedule *s, uint64_t key, int64_t now_ms)
{
    struct planned *p = planned_find(s, key);
    if (!p || p->late)
        return;
    p->used_ms = now_ms;
    /* Not sooner than a failure allows. */
    int64_t due = p->asked_ms + s->config.refresh_ms - s->lead_ms;
    bring_forward(s, p, p->failures ? p->due_ms : due, now_ms);
}

bool schedule_has(const struct schedule *s, uint64_t key)
{
    return planned_find(s, key) != NULL;
}

/* ---- Gets ---- */

/* Who is first in its queue and due; NULL: nobody. */
static struct planned *due(const struct schedule *s, enum schedule_queue queue, int64_t now_ms)
{
    const struct planned_heap *h = &s->heaps[queue];
    return h->n > 0 && h->jobs[0]->due_ms <= now_ms ? h->jobs[0] : NULL;
}

bool schedule_next(struct schedule *s, int64_t now_ms, uint64_t *key)
{
    struct planned *used = due(s, QUEUE_USED, now_ms), *idle = due(s, QUEUE_IDLE, now_ms);
    bool idles_turn = idle && s->used_in_turn + 1 >= USED_SHARE;
    const struct planned *first = used && !idles_turn ? used : idle;
    if (first)
        *key = first->key;
    return first != NULL;
}

int64_t schedule_next_ms(const struct schedule *s)
{
    int64_t next = INT64_MAX;
    for (int queue = 0; queue < QUEUES; queue++)
        if (s->heaps[queue].n > 0)
            next = time_min(next, s->heaps[queue].jobs[0]->due_ms);
    return next;
}

bool schedule_used_due(const struct schedule *s, int64_t now_ms)
{
    return due(s, QUEUE_USED, now_ms) != NULL;
}

/* ---- how it keeps up ---- */

struct schedule_marks schedule_marks(const struct schedule *s)
{
    struct schedule_marks m = {
        .jobs = s->unfinished, .due_ms = schedule_next_ms(s), .round_ms = s->round_took_ms};
    if (s->oldest)
        m.oldest_ms = s->oldest->seen_ms;
    if (s->in_round)
        m.due_ms = time_min(m.due_ms, s->begun_ms + s->config.refresh_ms);
    return m;
}

struct schedule_health schedule_health(const struct schedule_marks *m, int64_t refresh_ms,
                                       int64_t now_ms)
{
    struct schedule_health h = {0};
    if (m->jobs > 0)
        h.lag_ms = time_max(now_ms - m->oldest_ms, 0);
    if (m->due_ms < now_ms)
        h.late_ms = now_ms - m->due_ms;
    h.behind = h.late_ms > refresh_ms;
    return h;
}
