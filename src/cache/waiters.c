#include "base/metric.h"
#include "cache/cache_private.h"

/* What answering itself may take: 2 %, at most this. */
#define MARGIN_MAX_MS 100

int64_t cache_patience_ms(int64_t timeout_ms)
{
    int64_t margin = timeout_ms / 50;
    return timeout_ms - (margin < MARGIN_MAX_MS ? margin : MARGIN_MAX_MS);
}

static void queue_append(struct waiter_queue *q, struct cache_waiter *w)
{
    w->next_ = NULL;
    w->prev_ = q->tail;
    *(q->tail ? &q->tail->next_ : &q->head) = w;
    q->tail = w;
}

static void queue_remove(struct waiter_queue *q, struct cache_waiter *w)
{
    *(w->prev_ ? &w->prev_->next_ : &q->head) = w->next_;
    *(w->next_ ? &w->next_->prev_ : &q->tail) = w->prev_;
    w->prev_ = w->next_ = NULL;
}

void waiters_park(struct cache *c, struct entry *e, struct cache_waiter *w, enum waiter_kind kind,
                  int64_t now_ms)
{
    struct waiter_queue *q = &c->queues[kind];
    w->deadline_ms_ = now_ms + q->delay_ms;
    /* Threads read the clock before they get the lock: a moment's disorder is straightened. */
    if (q->tail && q->tail->deadline_ms_ > w->deadline_ms_)
        w->deadline_ms_ = q->tail->deadline_ms_;
    if (w->deadline_ms_ < now_ms + CACHE_LOOK_MS && w->deadline_ms_ < waiters_next_deadline(c))
        c->wake = true;
    w->state_ = WAITER_PARKED;
    w->queue_ = (int)kind;
    w->entry_ = e;
    queue_append(q, w);
    w->entry_prev_ = NULL;
    w->entry_next_ = e->waiters;
    if (e->waiters)
        e->waiters->entry_prev_ = w;
    e->waiters = w;
    metric_add(METRIC_CACHE_WAITERS, 1);
}

void waiters_unpark(struct cache *c, struct cache_waiter *w)
{
    struct entry *e = w->entry_;
    queue_remove(&c->queues[w->queue_], w);
    *(w->entry_prev_ ? &w->entry_prev_->entry_next_ : &e->waiters) = w->entry_next_;
    if (w->entry_next_)
        w->entry_next_->entry_prev_ = w->entry_prev_;
    w->entry_prev_ = w->entry_next_ = NULL;
    w->state_ = WAITER_TAKEN;
    metric_add(METRIC_CACHE_WAITERS, -1);
}

struct cache_waiter *waiters_take(struct cache *c, struct entry *e, enum cache_need need)
{
    struct cache_waiter *taken = NULL;
    for (struct cache_waiter *w = e->waiters, *next; w; w = next) {
        next = w->entry_next_;
        if (w->need_ != need)
            continue;
        waiters_unpark(c, w);
        w->entry_next_ = taken;
        taken = w;
    }
    return taken;
}

struct cache_waiter *waiters_take_late(struct cache *c, int64_t now_ms)
{
    for (int kind = 0; kind < WAIT_KINDS; kind++) {
        struct cache_waiter *w = c->queues[kind].head;
        if (w && w->deadline_ms_ <= now_ms) {
            waiters_unpark(c, w);
            return w;
        }
    }
    return NULL;
}

int64_t waiters_next_deadline(const struct cache *c)
{
    int64_t next = INT64_MAX;
    for (int kind = 0; kind < WAIT_KINDS; kind++) {
        const struct cache_waiter *w = c->queues[kind].head;
        if (w && w->deadline_ms_ < next)
            next = w->deadline_ms_;
    }
    return next;
}

void waiters_answer(struct owed *o)
{
    while (o->waiters) {
        struct cache_waiter *w = o->waiters;
        o->waiters = w->entry_next_; /* before the callback, which may free it */
        w->entry_next_ = NULL;
        struct cache_answer a = o->answer;
        if (a.job)
            job_ref(a.job);
        answer_count(&a);
        w->answer(w, &a);
    }
    job_unref(o->answer.job);
    o->answer.job = NULL;
}
