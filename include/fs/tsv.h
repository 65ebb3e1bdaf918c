/* jobs.tsv: a line for each known job, made when somebody opens it to read, at most once between
 * two changes.
 *
 * A version is a file in memory that nobody sees (memfd_create(2)), counted: who has opened one
 * reads it to its end, whatever changes. 100,000 lines take some 100 ms, and lines may have to come
 * from the disk: so it is made by a thread that lives as long as somebody waits, and whoever opens
 * the file waits for it without a thread, with a deadline. All who come while it is being made, and
 * before the next change, get the same.
 *
 * Thread-safe. Knows nothing of FUSE: waiters are called back without a lock. */
#ifndef ICE_FS_TSV_H
#define ICE_FS_TSV_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cache;
struct tsv;

struct tsv *tsv_new(struct cache *cache, struct err *err);
/* Answer everybody with EIO, refuse from now on, and wait for the thread. NULL is nothing. */
void tsv_stop(struct tsv *t);
void tsv_free(struct tsv *t); /* stopped, and no version is held. NULL is nothing */

/* As it would be if it were made now; makes nothing. */
struct tsv_stat {
    uint64_t size;
    int64_t mtime_ns; /* when a job last changed that has a line */
};
void tsv_stat(struct tsv *t, struct tsv_stat *out);

/* Something was shown. true: a job that has a line has changed since this was last asked. */
bool tsv_changed(struct tsv *t);
/* Whether a field stands in the lines. Pure. */
bool tsv_has_column(const char *field);

struct tsv_version;
void tsv_version_unref(struct tsv_version *v); /* NULL is nothing */
int tsv_version_fd(const struct tsv_version *v);
void tsv_version_stat(const struct tsv_version *v, struct tsv_stat *out);

/* Embedded in the caller's request: set `answer`, zero the rest. Belongs to the tsv while parked.
 */
struct tsv_waiter {
    /* Without a lock, once: a reference to a version, or NULL and an errno. Any thread. */
    void (*answer)(struct tsv_waiter *w, struct tsv_version *v, int error);
    struct tsv_waiter *prev_, *next_;
    int64_t deadline_ms_;
    uint64_t turn_; /* the first making that began after it came */
    int state_;
};

enum tsv_opening {
    TSV_READY,       /* *v is a reference */
    TSV_PARKED,      /* will be answered; it may have been already */
    TSV_INTERRUPTED, /* tsv_cancel came before */
    TSV_FAILED,      /* *error is an errno */
};
enum tsv_opening tsv_open(struct tsv *t, struct tsv_waiter *w, int64_t deadline_ms,
                          struct tsv_version **v, int *error);

/* An interrupt. true: it was parked and is the caller's again. false: somebody else answers it, or
 * it was not parked yet. */
bool tsv_cancel(struct tsv *t, struct tsv_waiter *w);

/* Answer those whose deadline has passed with ETIMEDOUT. Returns the next deadline, INT64_MAX for
 * none; it may be too early, never too late. */
int64_t tsv_expire(struct tsv *t, int64_t now_ms);
/* `alarm` is called, without a lock, when a waiter parks with an earlier deadline than tsv_expire
 * has told. Set before anybody opens. */
void tsv_set_alarm(struct tsv *t, void (*alarm)(void *arg), void *arg);

#endif
