#include "fs/tsv.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/thread.h"
#include "cache/cache.h"
#include "job/row.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utlist.h>

enum { WAITER_NEW, WAITER_PARKED, WAITER_TAKEN, WAITER_INTERRUPTED };

struct tsv_version {
    atomic_uint refs;
    int fd;
    uint64_t size;
    uint64_t generation; /* cache_rows_stat's, of its lines */
    int64_t mtime_ns;
};

struct tsv {
    struct cache *cache;
    pthread_mutex_t lock;        /* protects all below */
    struct tsv_version *current; /* the last that was made, until its lines change; or NULL */
    uint64_t seen;               /* the generation of the lines when they were last looked at */
    uint64_t told;               /* ... when tsv_changed was last asked */
    int64_t mtime_ns;
    struct tsv_waiter *waiters;
    uint64_t turn; /* makings begun */
    pthread_t thread;
    bool making; /* the thread will look at the waiters again */
    bool joinable;
    int64_t next_ms; /* not later than any waiter's deadline */
    void (*alarm)(void *arg);
    void *alarm_arg;
    bool shut;
};

struct tsv *tsv_new(struct cache *cache, struct err *err)
{
    struct cache_rows_stat rows;
    struct tsv *t = calloc(1, sizeof *t);
    if (!t) {
        err_set(err, "no memory for jobs.tsv");
        return NULL;
    }
    t->cache = cache;
    mutex_init(&t->lock);
    cache_rows_stat(cache, &rows);
    t->seen = t->told = rows.generation;
    t->mtime_ns = clock_real_ns();
    t->next_ms = INT64_MAX;
    return t;
}

void tsv_free(struct tsv *t)
{
    if (!t)
        return;
    tsv_version_unref(t->current);
    mutex_destroy(&t->lock);
    free(t);
}

/* ---- versions ---- */

static struct tsv_version *version_new(void)
{
    struct tsv_version *v = calloc(1, sizeof *v);
    if (!v)
        return NULL;
    atomic_init(&v->refs, 1);
    v->fd = memfd_create("jobs.tsv", MFD_CLOEXEC);
    if (v->fd >= 0)
        return v;
    free(v);
    return NULL;
}

static struct tsv_version *version_ref(struct tsv_version *v)
{
    atomic_fetch_add(&v->refs, 1);
    return v;
}

void tsv_version_unref(struct tsv_version *v)
{
    if (!v || atomic_fetch_sub(&v->refs, 1) > 1)
        return;
    close(v->fd);
    free(v);
}

int tsv_version_fd(const struct tsv_version *v)
{
    return v->fd;
}

void tsv_version_stat(const struct tsv_version *v, struct tsv_stat *out)
{
    *out = (struct tsv_stat){.size = v->size, .mtime_ns = v->mtime_ns};
}

/* ---- what its lines are now ---- */

/* Called with the lock held. A version of other lines is of no use to anybody who comes. */
static void look(struct tsv *t, struct cache_rows_stat *rows)
{
    cache_rows_stat(t->cache, rows);
    if (rows->generation != t->seen) {
        int64_t now_ns = clock_real_ns();
        t->seen = rows->generation;
        t->mtime_ns = now_ns > t->mtime_ns ? now_ns : t->mtime_ns + 1;
    }
    if (t->current && t->current->generation != rows->generation)
        tsv_version_unref(MOVE_PTR(t->current));
}

void tsv_stat(struct tsv *t, struct tsv_stat *out)
{
    struct cache_rows_stat rows;
    LOCK_SCOPE(&t->lock);
    look(t, &rows);
    *out = (struct tsv_stat){.size = strlen(job_row_header) + rows.bytes, .mtime_ns = t->mtime_ns};
}

bool tsv_changed(struct tsv *t)
{
    struct cache_rows_stat rows;
    LOCK_SCOPE(&t->lock);
    look(t, &rows);
    bool changed = t->told != rows.generation;
    t->told = rows.generation;
    return changed;
}

bool tsv_has_column(const char *field)
{
    size_t len = strlen(field), n;
    for (const char *column = job_row_header; *column; column += n + 1) {
        n = strcspn(column, "\t\n");
        if (n == len && memcmp(column, field, n) == 0)
            return true;
    }
    return false;
}

/* ---- made ---- */

#define CHUNK ((size_t)256 << 10)

struct making {
    struct tsv_version *version;
    struct buf chunk;
    int error; /* an errno, 0 for none */
};

static void flush(struct making *m)
{
    const char *at = buf_str(&m->chunk);
    for (size_t left = m->chunk.len; left > 0 && !m->error;) {
        ssize_t n = write(m->version->fd, at, left);
        if (n < 0 && errno != EINTR)
            m->error = errno;
        if (n <= 0)
            continue;
        at += n;
        left -= (size_t)n;
        m->version->size += (uint64_t)n;
    }
    buf_reset(&m->chunk);
}

static void add_row(void *arg, const char *row, size_t len)
{
    struct making *m = arg;
    if (m->error)
        return;
    if (buf_add(&m->chunk, row, len) < 0)
        m->error = ENOMEM;
    else if (m->chunk.len >= CHUNK)
        flush(m);
}

/* Without the lock. A version, or NULL and an errno. */
static struct tsv_version *make(struct cache *cache, int *error)
{
    struct err err = {""};
    struct making m = {.version = version_new(), .chunk = BUF_INIT(CHUNK + 4 * JOB_REPLY_MAX)};
    *error = ENOMEM;
    if (!m.version)
        return NULL;
    metric_add(METRIC_FS_TSV_MADE, 1);
    add_row(&m, job_row_header, strlen(job_row_header));
    int rc = cache_each_row(cache, add_row, &m, &m.version->generation, &err);
    flush(&m);
    buf_free(&m.chunk);
    *error = rc < 0 && !m.error ? EIO : m.error;
    if (*error == 0)
        return m.version;
    log_warn("jobs.tsv cannot be made error=%s", rc < 0 ? err.text : strerror(m.error));
    tsv_version_unref(m.version);
    return NULL;
}

/* ---- waiting ---- */

/* Called with the lock held: off the list, onto another. */
static void take(struct tsv *t, struct tsv_waiter *w, struct tsv_waiter **taken)
{
    DL_DELETE2(t->waiters, w, prev_, next_);
    w->state_ = WAITER_TAKEN;
    DL_APPEND2(*taken, w, prev_, next_);
}

/* Called with the lock held: those who came before a making began. */
static struct tsv_waiter *take_turn(struct tsv *t, uint64_t turn)
{
    struct tsv_waiter *taken = NULL, *next;
    for (struct tsv_waiter *w = t->waiters; w; w = next) {
        next = w->next_;
        if (w->turn_ <= turn)
            take(t, w, &taken);
    }
    return taken;
}

/* Without the lock; consumes a reference to `v`. */
static void answer(struct tsv_waiter *taken, struct tsv_version *v, int error)
{
    while (taken) {
        struct tsv_waiter *w = taken;
        taken = w->next_; /* before the callback, which may free it */
        w->answer(w, v ? version_ref(v) : NULL, error);
    }
    tsv_version_unref(v);
}

/* Called with the lock held. A reference to a version that is right now, or NULL. */
static struct tsv_version *right_now(struct tsv *t)
{
    struct cache_rows_stat rows;
    look(t, &rows);
    return t->current ? version_ref(t->current) : NULL;
}

/* Called with the lock held: it is kept until its lines change. */
static void keep(struct tsv *t, struct tsv_version *v)
{
    tsv_version_unref(t->current);
    t->current = version_ref(v);
    v->mtime_ns = t->mtime_ns;
}

/* Called with the lock held, which is given back meanwhile. */
static void serve_turn(struct tsv *t)
{
    int error = 0;
    uint64_t turn = ++t->turn;
    struct tsv_version *v = right_now(t);
    if (!v) {
        mutex_unlock(&t->lock);
        v = make(t->cache, &error);
        mutex_lock(&t->lock);
        if (v)
            keep(t, v);
    }
    struct tsv_waiter *taken = take_turn(t, turn);
    mutex_unlock(&t->lock);
    answer(taken, v, error);
    mutex_lock(&t->lock);
}

static void *make_main(void *arg)
{
    struct tsv *t = arg;
    mutex_lock(&t->lock);
    while (t->waiters)
        serve_turn(t);
    t->making = false;
    mutex_unlock(&t->lock);
    return NULL;
}

/* Called with the lock held. One that is through has given the lock back for good. */
static int start(struct tsv *t)
{
    struct err err = {""};
    if (t->making)
        return 0;
    if (t->joinable)
        thread_join(t->thread);
    t->joinable = thread_start(&t->thread, "ice-tsv", make_main, t, &err) == 0;
    t->making = t->joinable;
    if (!t->making)
        log_warn("jobs.tsv cannot be made error=%s", err.text);
    return t->making ? 0 : -1;
}

/* Called with the lock held. Returns whether the alarm is to be called. */
static bool park(struct tsv *t, struct tsv_waiter *w, int64_t deadline_ms)
{
    w->state_ = WAITER_PARKED;
    w->turn_ = t->turn + 1;
    w->deadline_ms_ = deadline_ms;
    DL_APPEND2(t->waiters, w, prev_, next_);
    bool earlier = deadline_ms < t->next_ms;
    if (earlier)
        t->next_ms = deadline_ms;
    return earlier && t->alarm;
}

/* Called with the lock held. */
static enum tsv_opening open_locked(struct tsv *t, struct tsv_waiter *w, int64_t deadline_ms,
                                    struct tsv_version **v, int *error, bool *ring)
{
    if (w->state_ == WAITER_INTERRUPTED)
        return TSV_INTERRUPTED;
    *v = right_now(t);
    if (*v)
        return TSV_READY;
    if (t->shut || start(t) < 0) {
        *error = t->shut ? EIO : ENOMEM;
        return TSV_FAILED;
    }
    *ring = park(t, w, deadline_ms);
    return TSV_PARKED;
}

enum tsv_opening tsv_open(struct tsv *t, struct tsv_waiter *w, int64_t deadline_ms,
                          struct tsv_version **v, int *error)
{
    bool ring = false;
    mutex_lock(&t->lock);
    enum tsv_opening result = open_locked(t, w, deadline_ms, v, error, &ring);
    if (result != TSV_PARKED)
        w->state_ = WAITER_TAKEN;
    mutex_unlock(&t->lock);
    if (ring)
        t->alarm(t->alarm_arg);
    return result;
}

bool tsv_cancel(struct tsv *t, struct tsv_waiter *w)
{
    LOCK_SCOPE(&t->lock);
    bool parked = w->state_ == WAITER_PARKED;
    if (parked)
        DL_DELETE2(t->waiters, w, prev_, next_);
    if (w->state_ != WAITER_TAKEN)
        w->state_ = WAITER_INTERRUPTED;
    return parked;
}

/* Called with the lock held. */
static struct tsv_waiter *take_late(struct tsv *t, int64_t now_ms)
{
    struct tsv_waiter *taken = NULL, *next;
    t->next_ms = INT64_MAX;
    for (struct tsv_waiter *w = t->waiters; w; w = next) {
        next = w->next_;
        if (w->deadline_ms_ <= now_ms)
            take(t, w, &taken);
        else if (w->deadline_ms_ < t->next_ms)
            t->next_ms = w->deadline_ms_;
    }
    return taken;
}

int64_t tsv_expire(struct tsv *t, int64_t now_ms)
{
    mutex_lock(&t->lock);
    struct tsv_waiter *taken = t->next_ms <= now_ms ? take_late(t, now_ms) : NULL;
    int64_t next_ms = t->next_ms;
    mutex_unlock(&t->lock);
    answer(taken, NULL, ETIMEDOUT);
    return next_ms;
}

void tsv_set_alarm(struct tsv *t, void (*alarm)(void *arg), void *arg)
{
    LOCK_SCOPE(&t->lock);
    t->alarm = alarm;
    t->alarm_arg = arg;
}

void tsv_stop(struct tsv *t)
{
    if (!t)
        return;
    mutex_lock(&t->lock);
    t->shut = true;
    struct tsv_waiter *taken = take_turn(t, UINT64_MAX);
    bool joinable = t->joinable;
    t->joinable = false;
    mutex_unlock(&t->lock);
    answer(taken, NULL, EIO);
    if (joinable)
        thread_join(t->thread);
}
