/* The log of changes: JSON lines with a sequence number, kept bounded, and who waits for the next
 * one.
 *
 * One line:
 * {"seq":N,"time":"…Z","job":"<id>","event":"created|changed|removed","status":"…","was":"…","fields":[…]}
 * A heartbeat of the stream, in no log: {"seq":N,"time":"…Z","event":"heartbeat"} with the number
 * of the last change.
 *
 * Thread-safe. Knows nothing of FUSE: waiters are called back without the lock. The sequence goes
 * on over restarts: numbers are reserved ahead in a small file of the state directory, so that
 * after a crash they go on higher, never lower. */
#ifndef ICE_FS_EVENTS_H
#define ICE_FS_EVENTS_H

#include "base/buf.h"
#include "base/err.h"
#include "job/job.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct events;

#define EVENTS_LOG_MAX                                                                             \
    ((size_t)4 << 20) /* past this the log is cut to its newer half, at a line                     \
                       */
#define EVENTS_LINE_MAX 32768

/* `sequence_file`: where numbers are reserved; NULL: they start from the microseconds since 1970,
 * which also never go back. A file that cannot be read or written is said in the log once, and the
 * NULL way serves. */
struct events *events_new(const char *sequence_file, struct err *err);
void events_free(struct events *e); /* nobody may wait any more */

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

/* Append a line and wake who waits. */
void events_append(struct events *e, const struct event *event);

/* The bounded log as a file: size, times, content. `base`: how many bytes have been cut off its
 * front ever, so that positions of the stream (which counts from the first byte ever) stay valid.
 */
struct events_stat {
    uint64_t base;
    size_t size;
    uint64_t last_seq; /* 0: none yet */
    int64_t mtime_ns;
};
void events_stat(struct events *e, struct events_stat *out);
/* Copy up to `n` bytes at a position of the file (not of the stream). Returns how many. */
size_t events_read_log(struct events *e, size_t offset, char *out, size_t n);

/* A reader of the stream. Starts at the end: it sees what comes from now on. */
struct events_reader; /* position, and the rest of a line of which a part was read */
struct events_reader *events_reader_new(struct events *e);
void events_reader_free(struct events_reader *r);

/* Parked in the caller's request; belongs to `e` while parked. */
struct events_waiter {
    void (*wake)(struct events_waiter *w); /* without the lock, once; then read again. Any thread */
    struct events_reader *reader;
    struct events_waiter *prev_, *next_;
    int64_t deadline_ms_;
    int state_;
};

/* Up to `n` bytes for this reader: the number of them, > 0; or 0 when there are none. A reader who
 * fell behind the bounded log goes on with its first whole line (the gap shows in the numbers).
 * Bytes are never split from what was asked: a shell reads one at a time, and the rest is kept. */
size_t events_reader_take(struct events_reader *r, char *out, size_t n);
/* The same, but when there is nothing: park `w` until there is, or until `deadline_ms`, when a
 * heartbeat line is put before this reader. Returns true when parked. `interrupted` before parking:
 * events_cancel remembers it (see cache_cancel); then false with *interrupted. */
bool events_park(struct events_waiter *w, int64_t deadline_ms, bool *interrupted);
/* true: it was parked and is the caller's again. */
bool events_cancel(struct events_waiter *w);
/* Whether events_reader_take would give something: for poll. */
bool events_reader_ready(struct events_reader *r);

/* Wake the waiters whose deadline has passed, each with a heartbeat. Returns the next deadline,
 * INT64_MAX for none. */
int64_t events_expire(struct events *e, int64_t now_ms);
/* Called (without the lock) when a waiter parks with an earlier deadline than any before. */
void events_set_alarm(struct events *e, void (*alarm)(void *arg), void *arg);

/* Wake everybody; from now on a stream with nothing to read is at its end (takes give 0, parking is
 * refused). */
void events_shutdown(struct events *e);
bool events_is_shut(struct events *e);

#endif
