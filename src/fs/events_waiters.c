/* Who waits for the next line. Whoever takes a waiter off the list under the lock wakes it, or,
 * for an interrupt, has it back: so it is never answered twice.
 *
 * An interrupt may come while a waiter is not parked: before it is for the first time, or between
 * being woken and finding that another reader of the same file was faster. It is remembered, and
 * parking then refused. */
#include "base/clock.h"
#include "base/thread.h"
#include "fs/events_line.h"
#include "fs/events_private.h"
#include <string.h>
#include <utlist.h>

enum { WAITER_FREE, WAITER_PARKED, WAITER_INTERRUPTED };

/* Called with the lock held. */
static void unpark(struct events *e, struct events_waiter *w)
{
    DL_DELETE2(e->waiters, w, prev_, next_);
    w->state_ = WAITER_FREE;
}

/* Put on a list of those to be woken. Called with the lock held. */
static void take(struct events *e, struct events_waiter *w, struct events_waiter **taken)
{
    unpark(e, w);
    DL_APPEND2(*taken, w, prev_, next_);
}

struct events_waiter *events_waiters_take(struct events *e)
{
    struct events_waiter *taken = e->waiters;
    for (struct events_waiter *w = taken; w; w = w->next_)
        w->state_ = WAITER_FREE;
    e->waiters = NULL;
    e->next_ms = INT64_MAX;
    return taken;
}

void events_waiters_wake(struct events_waiter *taken)
{
    while (taken) {
        struct events_waiter *w = taken;
        taken = w->next_; /* before the callback, which may free it or park it again */
        w->wake(w);
    }
}

/* Called with the lock held. Returns whether the alarm is to be called. */
static bool park(struct events *e, struct events_waiter *w, int64_t deadline_ms)
{
    w->deadline_ms_ = deadline_ms;
    w->state_ = WAITER_PARKED;
    DL_APPEND2(e->waiters, w, prev_, next_);
    bool earlier = deadline_ms < e->next_ms;
    if (earlier)
        e->next_ms = deadline_ms;
    return earlier && e->alarm;
}

enum events_parking events_park(struct events_waiter *w, int64_t deadline_ms)
{
    struct events *e = w->events;
    bool ring = false;
    enum events_parking result = EVENTS_PARKED;
    mutex_lock(&e->lock);
    if (w->state_ == WAITER_INTERRUPTED)
        result = EVENTS_INTERRUPTED;
    else if (e->shut || (w->reader && events_reader_has(w->reader)))
        result = EVENTS_READY;
    else
        ring = park(e, w, deadline_ms);
    mutex_unlock(&e->lock);
    if (ring)
        e->alarm(e->alarm_arg);
    return result;
}

bool events_cancel(struct events_waiter *w)
{
    struct events *e = w->events;
    LOCK_SCOPE(&e->lock);
    bool parked = w->state_ == WAITER_PARKED;
    if (parked)
        unpark(e, w);
    w->state_ = WAITER_INTERRUPTED;
    return parked;
}

/* Called with the lock held. Two requests may wait on one reader: the first one's heartbeat
 * stands. */
static void put_heartbeat(struct events_reader *r, const char *line, size_t len)
{
    if (!r || events_reader_has(r))
        return;
    memcpy(r->rest, line, len);
    r->rest_at = 0;
    r->rest_end = len;
}

/* Called with the lock held. */
static struct events_waiter *take_late(struct events *e, int64_t now_ms)
{
    struct events_waiter *taken = NULL, *after;
    char line[EVENTS_HEARTBEAT_MAX];
    size_t len = events_line_heartbeat(line, e->last_seq, clock_real_ns());
    e->next_ms = INT64_MAX;
    for (struct events_waiter *w = e->waiters; w; w = after) {
        after = w->next_;
        if (w->deadline_ms_ <= now_ms) {
            take(e, w, &taken);
            put_heartbeat(w->reader, line, len);
        } else if (w->deadline_ms_ < e->next_ms) {
            e->next_ms = w->deadline_ms_;
        }
    }
    return taken;
}

int64_t events_expire(struct events *e, int64_t now_ms)
{
    struct events_waiter *taken = NULL;
    mutex_lock(&e->lock);
    if (e->next_ms <= now_ms)
        taken = take_late(e, now_ms);
    int64_t next_ms = e->next_ms;
    mutex_unlock(&e->lock);
    events_waiters_wake(taken);
    return next_ms;
}

void events_set_alarm(struct events *e, void (*alarm)(void *arg), void *arg)
{
    LOCK_SCOPE(&e->lock);
    e->alarm = alarm;
    e->alarm_arg = arg;
}

void events_shutdown(struct events *e)
{
    mutex_lock(&e->lock);
    e->shut = true;
    struct events_waiter *taken = events_waiters_take(e);
    mutex_unlock(&e->lock);
    events_waiters_wake(taken);
}

bool events_is_shut(struct events *e)
{
    LOCK_SCOPE(&e->lock);
    return e->shut;
}
