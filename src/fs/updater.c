/* The updater: tells the kernel and the users what changed.
 *
 * The cache's listener only files a note here and returns. A note is kept per job: while it waits,
 * later changes fall into it, so the queue is bounded by the number of jobs; what is shown and what
 * is staged is taken from the cache when its turn comes.
 *
 *   listener (live's thread) ── note ──> [queue by job] ── updater ──> publish.c ──> kernel,
 * notifier RELEASE of the last pin  ── note ──>
 *
 * Notifications wait for directory locks that a LOOKUP or READDIR holds while it is served: so no
 * lock is held here while notifying, and the workers must still serve until updater_stop has
 * returned. */
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "fs/events.h"
#include "fs/fs_private.h"
#include "fs/watchers.h"
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <utlist.h>

#define IDLE_MS   60000 /* nothing is waited for without an end */
#define UNKEPT_MS 50    /* how long a late change waits for cached handles to close */

struct note {
    uint64_t key;
    bool created; /* the job is known now and was not */
    bool staged;  /* a new version waits to be shown */
    bool nothing; /* a provisional name came to nothing */
    bool settle;
    char id[JOB_ID_MAX + 1];
    struct note *prev, *next;
};

struct updater {
    struct fs *fs;
    pthread_t thread;
    bool running;
    pthread_mutex_t lock; /* protects all below */
    pthread_cond_t more;
    struct note *queue; /* in order of arrival */
    void *by_key;       /* the same notes, a tree of tsearch(3) */
    bool alarm;         /* a reader of the stream waits with an earlier deadline */
    bool stopping;
};

static void on_alarm(void *arg)
{
    struct updater *u = arg;
    LOCK_SCOPE(&u->lock);
    u->alarm = true;
    cond_signal(&u->more);
}

struct updater *updater_new(struct fs *fs, struct err *err)
{
    struct updater *u = calloc(1, sizeof *u);
    if (!u) {
        err_set(err, "no memory for the updater");
        return NULL;
    }
    u->fs = fs;
    mutex_init(&u->lock);
    cond_init(&u->more);
    events_set_alarm(fs->events, on_alarm, u);
    return u;
}

static int compare_notes(const void *a, const void *b)
{
    const struct note *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

static struct note *note_new(uint64_t key, const char *id)
{
    struct note *n = calloc(1, sizeof *n);
    if (!n)
        return NULL;
    n->key = key;
    if (id)
        memcpy(n->id, id, strnlen(id, JOB_ID_MAX));
    return n;
}

/* Called with the lock held. The note of a job, new if it has none; NULL without memory. */
static struct note *note_of(struct updater *u, uint64_t key, const char *id)
{
    struct note wanted = {.key = key};
    struct note *const *found = tfind(&wanted, &u->by_key, compare_notes);
    if (found)
        return *found;
    struct note *n = note_new(key, id);
    if (!n || !tsearch(n, &u->by_key, compare_notes)) {
        free(n);
        return NULL;
    }
    DL_APPEND(u->queue, n);
    cond_signal(&u->more);
    return n;
}

static void write_down(struct note *n, enum cache_event event)
{
    switch (event) {
    case CACHE_CREATED:
        n->created = true;
        n->nothing = false;
        break;
    case CACHE_STAGED:
        n->staged = true;
        break;
    case CACHE_NOTHING:
        n->nothing = true;
        break;
    case CACHE_CHANGED: /* staging is on: changes come staged */
        break;
    }
}

bool updater_note(struct updater *u, enum cache_event event, uint64_t key, const char *id)
{
    LOCK_SCOPE(&u->lock);
    struct note *n = u->stopping ? NULL : note_of(u, key, id);
    if (n)
        write_down(n, event);
    return n != NULL;
}

void updater_unpinned(struct updater *u, uint64_t key)
{
    LOCK_SCOPE(&u->lock);
    struct note *n = u->stopping ? NULL : note_of(u, key, NULL);
    if (n)
        n->settle = true;
}

/* ---- what is done ---- */

/* A finished job changes once more (a Duration that comes late): from now on it is opened directly,
 * and whoever reads pages of it gets a moment to finish. */
static void unsettle(struct fs *fs, uint64_t key)
{
    int64_t deadline_ms = clock_mono_ms() + UNKEPT_MS;
    if (!cache_settled(fs->config.cache, key))
        return;
    while (cache_unsettle(fs->config.cache, key) > 0 && clock_mono_ms() < deadline_ms)
        nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
}

static void show_staged(struct fs *fs, uint64_t key)
{
    struct job *before = cache_current(fs->config.cache, key),
               *after = cache_newest(fs->config.cache, key);
    if (before && after && before != after) {
        unsettle(fs, key);
        publish_change(fs, key, before, after);
    }
    job_unref(before);
    job_unref(after);
}

static void show_created(struct fs *fs, uint64_t key)
{
    struct job *job = cache_current(fs->config.cache, key);
    if (job)
        publish_created(fs, key, job);
    job_unref(job);
}

/* The job has ended and nobody holds an older version: its pages may be kept from now on, once
 * those that an mmap of an older version left behind are gone. */
static void settle(struct fs *fs, uint64_t key)
{
    struct cache *cache = fs->config.cache;
    struct job *job = cache_current(cache, key);
    if (job && job_final(job) && !cache_settled(cache, key) && cache_pins(cache, key) == 0) {
        for (size_t i = 0; i < job_n_fields(job); i++)
            kernel_drop_inode(fs, node_make(key, job_field_at(job, i)->number));
        cache_settle(cache, key);
    }
    job_unref(job);
}

static void act(struct fs *fs, const struct note *n)
{
    if (n->nothing) {
        kernel_drop_name(fs, NODE_JOBS, n->id);
        return;
    }
    if (n->created)
        show_created(fs, n->key);
    if (n->staged)
        show_staged(fs, n->key);
    settle(fs, n->key);
}

/* ---- the thread ---- */

/* Called with the lock held. */
static struct note *take(struct updater *u)
{
    struct note *n = u->queue;
    if (n) {
        DL_DELETE(u->queue, n);
        tdelete(n, &u->by_key, compare_notes);
    }
    return n;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* What is due by the clock; returns when there is something next. Without the lock. */
static int64_t run_timers(struct updater *u)
{
    int64_t now_ms = clock_mono_ms();
    int64_t next_ms = events_expire(u->fs->events, now_ms);
    return least(least(next_ms, watchers_look(u->fs, now_ms)), now_ms + IDLE_MS);
}

/* Called with the lock held, which is given back meanwhile. */
static void turn(struct updater *u)
{
    struct note *n = take(u);
    u->alarm = false;
    mutex_unlock(&u->lock);
    if (n)
        act(u->fs, n);
    free(n);
    int64_t next_ms = run_timers(u);
    mutex_lock(&u->lock);
    while (!u->queue && !u->alarm && !u->stopping && cond_wait_until(&u->more, &u->lock, next_ms))
        ;
}

static void *updater_main(void *arg)
{
    struct updater *u = arg;
    mutex_lock(&u->lock);
    while (!u->stopping)
        turn(u);
    mutex_unlock(&u->lock);
    return NULL;
}

int updater_start(struct updater *u, struct err *err)
{
    if (thread_start(&u->thread, "ice-updater", updater_main, u, err) < 0)
        return -1;
    u->running = true;
    return 0;
}

void updater_stop(struct updater *u)
{
    mutex_lock(&u->lock);
    u->stopping = true;
    cond_signal(&u->more);
    mutex_unlock(&u->lock);
    if (u->running)
        thread_join(u->thread);
    u->running = false;
}

void updater_free(struct updater *u)
{
    if (!u)
        return;
    for (struct note *n = take(u); n; n = take(u))
        free(n);
    cond_destroy(&u->more);
    mutex_destroy(&u->lock);
    free(u);
}
