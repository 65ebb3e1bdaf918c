/* What src/fs/events.c (the log and its readers) and src/fs/events_waiters.c share. */
#ifndef ICE_FS_EVENTS_PRIVATE_H
#define ICE_FS_EVENTS_PRIVATE_H

#include "base/buf.h"
#include "fs/events.h"
#include <pthread.h>

struct events {
    struct events_numbers numbers;
    pthread_mutex_t append_lock; /* one line at a time; taken before `lock`. Protects: */
    uint64_t next_seq;
    struct buf line;

    pthread_mutex_t lock; /* protects all below; short */
    char *log;            /* EVENTS_LOG_MAX bytes, whole lines */
    size_t len;
    uint64_t base; /* bytes ever cut off: log[0] is byte `base` of the stream */
    uint64_t last_seq;
    int64_t mtime_ns;
    struct events_waiter *waiters;
    int64_t next_ms; /* not later than any waiter's deadline */
    void (*alarm)(void *arg);
    void *alarm_arg;
    bool shut;
};

struct events_reader {
    struct events *events;
    uint64_t position; /* in the stream, at the start of a line; under the lock, as all here */
    size_t rest_at;    /* what is left of a line of which a part was taken, or of a heartbeat */
    size_t rest_end;
    char rest[EVENTS_LINE_MAX];
};

/* Called with the lock held. */
bool events_reader_has(const struct events_reader *r);

/* Take all waiters off, with the lock held; then wake them, without it. */
struct events_waiter *events_waiters_take(struct events *e);
void events_waiters_wake(struct events_waiter *taken);

#endif
