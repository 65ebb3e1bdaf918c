/* The log of changes: JSON lines with a sequence number, kept bounded, and who waits for the next
 * one.
 *
 * One line:
 *   {"seq":N,"time":"…Z","job":"<id>","event":"created|changed|removed","status":"…","was":"…",
 *    "fields":["…",…]}
 * `status` and `was` are null where there is none; `fields` are file names in their order. A line
 * that would pass EVENTS_LINE_MAX leaves names out and says how many: "more":N behind the fields. A
 * heartbeat of the stream, in no log: {"seq":N,"time":"…Z","event":"heartbeat"} with the number of
 * the last change, 0 before the first.
 *
 * Numbers of one run have no gaps. After a restart they go on higher, never lower: whoever keeps
 * numbers over restarts gives the first one and is told of each that was used. Below 2^53, as
 * JSON's readers want it.
 *
 * Thread-safe. Knows nothing of FUSE: waiters are called back without a lock. */
#ifndef ICE_FS_EVENTS_H
#define ICE_FS_EVENTS_H

#include "base/err.h"
#include "job/job.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct events;

#define EVENTS_LOG_MAX                                                                             \
    ((size_t)4 << 20)         /* past this the log is cut to its newer half, at a line             \
                               */
#define EVENTS_LINE_MAX 32768 /* line feed included */

struct events_numbers {
    uint64_t first; /* 0: the microseconds since 1970, so that a restart goes on higher */
    /* Each number that a line has got; without a lock. May be NULL. */
    void (*used)(void *arg, uint64_t number);
    void *arg;
};

/* `numbers` may be NULL: the clock alone. NULL without memory. */
struct events *events_new(const struct events_numbers *numbers, struct err *err);
void events_free(struct events *e); /* no reader is left. NULL is nothing */

enum event_kind { EVENT_CREATED, EVENT_CHANGED, EVENT_REMOVED };

struct event {
    enum event_kind kind;
    const char *job;
    const char *status;               /* now; NULL none */
    const char *was;                  /* before; NULL none or the same */
    const struct job_change *changes; /* the names whose content differs */
    size_t n_changes;
    int64_t time_ns; /* clock_real_ns */
};

/* Append a line and wake who waits. Without memory the line is lost, which the log says and the
 * numbers show. */
void events_append(struct events *e, const struct event *event);

/* The bounded log as a file. `base`: how many bytes have been cut off its front ever. */
struct events_stat {
    uint64_t base;
    size_t size;
    uint64_t last_seq; /* 0: none yet */
    int64_t mtime_ns;  /* of the last line; of events_new before the first */
};
void events_stat(struct events *e, struct events_stat *out);

/* Copy up to `n` bytes at a position of the file. Returns how many, 0 at its end.
 *
 * `*base` is events_stat's from when the file was opened: what is cut off meanwhile does not shift
 * the bytes under a reader who is half through. It is renewed by a read at position 0, and when
 * what was asked for has been cut off, which then is as with any file that was cut. */
size_t events_read_log(struct events *e, uint64_t *base, uint64_t position, char *out, size_t n);

/* A reader of the stream. Starts at the end: it sees what comes from now on. It is as large as the
 * longest line, so that taking a part of one needs no memory. NULL without memory. */
struct events_reader;
struct events_reader *events_reader_new(struct events *e);
void events_reader_free(struct events_reader *r); /* nothing of it is parked. NULL is nothing */

/* Up to `n` bytes for this reader: whole lines, or a part of the first where that is longer than
 * `n` (a shell reads one byte at a time; the rest is kept). 0 when there is nothing. A reader who
 * fell behind the bounded log ends the line that it is in and goes on with the first one there is;
 * the gap shows in the numbers. */
size_t events_reader_take(struct events_reader *r, char *out, size_t n);

/* Whether a read would be answered at once: there are bytes, or the stream is shut. For poll. */
bool events_reader_ready(struct events_reader *r);

/* Parked in the caller's request. Set the upper three, zero the rest. Belongs to the events while
 * parked, and may be parked again once woken. */
struct events_waiter {
    /* Without a lock, once each time it was parked; then take again, there may still be nothing.
     * Any thread. It may free the waiter. */
    void (*wake)(struct events_waiter *w);
    struct events *events;
    struct events_reader *reader; /* NULL: waits for the next line, whatever has not been read */
    struct events_waiter *prev_, *next_;
    int64_t deadline_ms_;
    int state_;
};

enum events_parking {
    EVENTS_PARKED,      /* will be woken; the waiter may be gone already */
    EVENTS_READY,       /* there is something to read, or the stream is shut: not parked */
    EVENTS_INTERRUPTED, /* events_cancel came while it was not parked: not parked */
};

/* Park until there is something, or until `deadline_ms` (clock_mono_ms), when a heartbeat is put
 * before its reader; INT64_MAX: no deadline. */
enum events_parking events_park(struct events_waiter *w, int64_t deadline_ms);

/* An interrupt. true: it was parked and is the caller's again. false: somebody else has taken it
 * and is about to look what there is, or it was not parked yet; parking is refused from now on. */
bool events_cancel(struct events_waiter *w);

/* Wake the waiters whose deadline has passed, each with a heartbeat. Returns the next deadline,
 * INT64_MAX for none; it may be too early, never too late. */
int64_t events_expire(struct events *e, int64_t now_ms);

/* `alarm` is called, without a lock, when a waiter parks with an earlier deadline than
 * events_expire has told. Set before anybody parks. */
void events_set_alarm(struct events *e, void (*alarm)(void *arg), void *arg);

/* Wake everybody; from now on a stream with nothing to read is at its end. */
void events_shutdown(struct events *e);
bool events_is_shut(struct events *e);

#endif
