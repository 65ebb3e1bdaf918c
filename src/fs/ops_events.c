/* The log of changes as two files.
 *
 * events.log is a file as others are, but for its growing: it is never pinned. `events` is a
 * stream: a READ with nothing to give is an unanswered request, parked as park.c has it (the same
 * rules hold for interrupts, and for who frees it): answered by the next line, by a heartbeat in
 * time, by the end of the mount, or EINTR.
 *
 * poll(2) parks no request but a watch, which tells the kernel of each line from then on: who waits
 * for edges (EPOLLET) does not ask again. It is counted, for the handle that it belongs to may be
 * closed while it is being woken. */
#include "base/clock.h"
#include "base/metric.h"
#include "base/thread.h"
#include "fs/events.h"
#include "fs/fs_private.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>

bool attr_events(struct fs *fs, uint64_t ino, struct stat *st)
{
    struct events_stat now;
    if (ino != NODE_EVENTS && ino != NODE_EVENTS_LOG)
        return false;
    events_stat(fs->events, &now);
    attr_file(fs, ino, ino == NODE_EVENTS ? 0 : now.size, now.mtime_ns, now.mtime_ns, st);
    return true;
}

/* ---- open ---- */

static struct handle *open_handle(struct fs *fs, uint64_t ino)
{
    struct events_stat now;
    struct handle *h = handle_new(ino);
    if (!h)
        return NULL;
    events_stat(fs->events, &now);
    h->log_base = now.base;
    if (ino == NODE_EVENTS_LOG)
        return h;
    h->reader = events_reader_new(fs->events);
    if (h->reader)
        return h;
    handle_free(h);
    return NULL;
}

void events_op_open(struct parked *p)
{
    struct handle *h = open_handle(p->fs, p->ino);
    if (!h) {
        fuse_reply_err(p->req, ENOMEM);
        return;
    }
    p->fi.fh = (uintptr_t)h;
    p->fi.direct_io = 1;
    p->fi.nonseekable = p->ino == NODE_EVENTS;
    p->fi.noflush = 1;
    /* The opener was killed meanwhile: no RELEASE will come. */
    if (fuse_reply_open(p->req, &p->fi) == -ENOENT)
        events_op_close(p->fs, h);
}

/* ---- read: events.log ---- */

/* The reader of a handle has its place in the log. */
static size_t read_place(struct fs *fs, struct handle *h, uint64_t off, char *out, size_t size)
{
    mutex_lock(&h->lock);
    uint64_t base = h->log_base;
    mutex_unlock(&h->lock);
    size_t n = events_read_log(fs->events, &base, off, out, size);
    mutex_lock(&h->lock);
    h->log_base = base;
    mutex_unlock(&h->lock);
    return n;
}

static size_t read_now(struct fs *fs, uint64_t off, char *out, size_t size)
{
    struct events_stat now;
    events_stat(fs->events, &now);
    return events_read_log(fs->events, &now.base, off, out, size);
}

void events_op_read_log(fuse_req_t req, struct fs *fs, struct handle *h, size_t size, off_t off)
{
    CLEANUP_FREE char *out = malloc(size ? size : 1);
    if (!out) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    size_t n =
        h ? read_place(fs, h, (uint64_t)off, out, size) : read_now(fs, (uint64_t)off, out, size);
    fuse_reply_buf(req, out, n);
}

/* ---- read: events ---- */

/* A READ that waits. */
struct waiting {
    struct events_waiter waiter; /* first: it is what comes back */
    fuse_req_t req;
    size_t size;
    int64_t deadline_ms;
};

struct answer {
    size_t n;
    char data[EVENTS_LINE_MAX];
};

/* What there is, or the end. false: nothing yet. The end is asked for first: what was appended
 * before it is still given. */
static bool look(struct events *e, struct events_reader *r, size_t size, struct answer *a)
{
    bool shut = events_is_shut(e);
    a->n = events_reader_take(r, a->data, size < sizeof a->data ? size : sizeof a->data);
    return a->n > 0 || shut || size == 0;
}

/* After the interrupt function is taken back it does not run, so the memory may go. */
static void finish(struct waiting *w, const struct answer *a)
{
    fuse_req_interrupt_func(w->req, NULL, NULL);
    if (a)
        fuse_reply_buf(w->req, a->data, a->n);
    else
        fuse_reply_err(w->req, EINTR);
    free(w);
}

/* Answer, or park (again). `w` may be gone after it. */
static void answer_or_park(struct waiting *w)
{
    struct answer a;
    while (!look(w->waiter.events, w->waiter.reader, w->size, &a)) {
        switch (events_park(&w->waiter, w->deadline_ms)) {
        case EVENTS_PARKED:
            workers_left_waiting();
            return;
        case EVENTS_READY:
            break;
        case EVENTS_INTERRUPTED:
            metric_add(METRIC_FS_INTERRUPTED, 1);
            finish(w, NULL);
            return;
        }
    }
    finish(w, &a);
}

static void on_wake(struct events_waiter *waiter)
{
    answer_or_park((struct waiting *)waiter);
}

static void on_interrupt(fuse_req_t req, void *data)
{
    struct waiting *w = data;
    if (!events_cancel(&w->waiter))
        return; /* who has it finds out, or answers */
    metric_add(METRIC_FS_INTERRUPTED, 1);
    fuse_reply_err(req, EINTR);
    free(w);
}

static void wait_for_line(fuse_req_t req, struct fs *fs, struct events_reader *r, size_t size)
{
    struct waiting *w = malloc(sizeof *w);
    if (!w) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    *w =
        (struct waiting){.waiter = {.wake = on_wake, .events = fs->events, .reader = r},
                         .req = req,
                         .size = size,
                         .deadline_ms = clock_mono_ms() + cache_patience_ms(fs->config.timeout_ms)};
    fuse_req_interrupt_func(req, on_interrupt, w); /* before it is parked: it may be gone then */
    answer_or_park(w);
}

/* What is there at once needs no memory. */
static void read_stream(fuse_req_t req, struct fs *fs, struct events_reader *r, size_t size,
                        int flags)
{
    struct answer a;
    if (look(fs->events, r, size, &a))
        fuse_reply_buf(req, a.data, a.n);
    else if (flags & O_NONBLOCK)
        fuse_reply_err(req, EAGAIN);
    else
        wait_for_line(req, fs, r, size);
}

void events_op_read(fuse_req_t req, struct fs *fs, struct handle *h, size_t size, off_t off,
                    int flags)
{
    if (h->reader)
        read_stream(req, fs, h->reader, size, flags);
    else
        events_op_read_log(req, fs, h, size, off);
}

/* ---- poll ---- */

struct events_watch {
    struct events_waiter waiter; /* first: it is what comes back */
    _Atomic unsigned refs;       /* the handle's, and one while it is parked or being woken */
    struct fuse_pollhandle *poll;
};

static void watch_unref(struct events_watch *w, unsigned n)
{
    if (atomic_fetch_sub(&w->refs, n) > n)
        return;
    fuse_pollhandle_destroy(w->poll);
    free(w);
}

/* Nothing of the handle is touched: it may be closed by now. */
static void on_line(struct events_waiter *waiter)
{
    struct events_watch *w = (struct events_watch *)waiter;
    fuse_lowlevel_notify_poll(w->poll);
    if (events_park(&w->waiter, INT64_MAX) != EVENTS_PARKED)
        watch_unref(w, 1);
}

/* The handle's part in it, and what is parked of it. */
static void drop_watch(struct events_watch *w)
{
    if (w)
        watch_unref(w, events_cancel(&w->waiter) ? 2 : 1);
}

/* One is enough for a handle. Parked before it is the handle's: who finds it there is told of what
 * comes from then on. */
static void set_watch(struct handle *h, struct events_watch *w)
{
    unsigned done = events_park(&w->waiter, INT64_MAX) == EVENTS_PARKED ? 0 : 1;
    mutex_lock(&h->lock);
    bool first = !h->watch;
    if (first)
        h->watch = w;
    mutex_unlock(&h->lock);
    if (!first)
        done += events_cancel(&w->waiter) ? 2 : 1;
    if (done)
        watch_unref(w, done);
}

static bool watched(struct handle *h)
{
    LOCK_SCOPE(&h->lock);
    return h->watch != NULL;
}

/* Tell the kernel when there is something to read; `poll` is ours in any case. */
static int watch(struct fs *fs, struct handle *h, struct fuse_pollhandle *poll)
{
    struct events_watch *w = watched(h) ? NULL : malloc(sizeof *w);
    if (w) {
        *w = (struct events_watch){
            .waiter = {.wake = on_line, .events = fs->events}, .refs = 2, .poll = poll};
        set_watch(h, w);
        return 0;
    }
    fuse_pollhandle_destroy(poll);
    return watched(h) ? 0 : -1;
}

void events_op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
                    struct fuse_pollhandle *ph)
{
    if (ino != NODE_EVENTS) {
        if (ph)
            fuse_pollhandle_destroy(ph);
        fuse_reply_poll(req, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
        return;
    }
    struct handle *h = handle_of(fi);
    if (ph && watch(fs_of(req), h, ph) < 0)
        fuse_reply_err(req, ENOMEM);
    else /* asked for after it is watched: nothing falls in between */
        fuse_reply_poll(req, events_reader_ready(h->reader) ? POLLIN | POLLRDNORM : 0);
}

/* ---- release ---- */

void events_op_close(struct fs *fs, struct handle *h)
{
    (void)fs;
    drop_watch(h->watch);
    events_reader_free(h->reader);
    handle_free(h);
}
