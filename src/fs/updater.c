/* The updater: tells the kernel what changed.
 *
 * The cache's listener only files a note here and returns. A note is kept per job: while it waits,
 * later changes are merged into it (oldest version before, newest after), so the queue is bounded
 * by the number of jobs. The content has been swapped before the note is filed: whoever reads after
 * the invalidation reads the new version.
 *
 *   listener (live's thread) ── note ──> [queue by job] ── updater ── notify_inval_* ──> kernel
 *   RELEASE of the last pin  ── note ──>
 *
 * Notifications wait for directory locks that a LOOKUP or READDIR holds while it is served: so no
 * lock is held here while notifying, and the workers must still serve until updater_stop has
 * returned. */
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/thread.h"
#include "base/uthash_safe.h"
#include "fs/fs_private.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define IDLE_MS 60000 /* nothing is waited for without an end */

struct note {
    uint64_t key;
    struct job *before, *after; /* counted, or NULL */
    bool appeared;              /* the job is known now and was not */
    bool nothing;               /* a provisional name came to nothing */
    bool settle;
    char id[JOB_ID_MAX + 1];
    struct note *prev, *next;
    UT_hash_handle hh;
};

struct updater {
    struct fs *fs;
    pthread_t thread;
    bool running;
    pthread_mutex_t lock; /* protects all below */
    pthread_cond_t more;
    struct note *queue; /* in order of arrival */
    struct note *by_key;
    bool stopping;
};

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
    return u;
}

static void note_free(struct note *n)
{
    job_unref(n->before);
    job_unref(n->after);
    free(n);
}

/* Called with the lock held. The note of a job, new if it has none. */
static struct note *note_of(struct updater *u, uint64_t key, const char *id)
{
    struct note *n;
    HASH_FIND(hh, u->by_key, &key, sizeof key, n);
    if (n)
        return n;
    n = calloc(1, sizeof *n);
    if (!n)
        return NULL;
    n->key = key;
    if (id)
        memcpy(n->id, id, strnlen(id, JOB_ID_MAX));
    HASH_ADD(hh, u->by_key, key, sizeof n->key, n);
    if (!n->hh.tbl) {
        free(n);
        return NULL;
    }
    DL_APPEND(u->queue, n);
    cond_signal(&u->more);
    return n;
}

static void merge(struct note *n, enum cache_event event, const struct job *before,
                  const struct job *after)
{
    if (event == CACHE_NOTHING) {
        n->nothing = true;
        return;
    }
    n->nothing = false;
    if (event == CACHE_CREATED)
        n->appeared = true;
    if (!n->before && !n->after && before)
        n->before = job_ref(before);
    job_unref(n->after);
    n->after = after ? job_ref(after) : NULL;
}

void updater_listen(struct updater *u, enum cache_event event, uint64_t key, const char *id,
                    const struct job *before, const struct job *after)
{
    mutex_lock(&u->lock);
    struct note *n = u->stopping ? NULL : note_of(u, key, id);
    if (n)
        merge(n, event, before, after);
    bool lost = !n && !u->stopping;
    mutex_unlock(&u->lock);
    if (lost)
        log_error("no memory to tell the kernel of a change job=%s", id);
}

void updater_unpinned(struct updater *u, uint64_t key)
{
    LOCK_SCOPE(&u->lock);
    struct note *n = u->stopping ? NULL : note_of(u, key, NULL);
    if (n)
        n->settle = true;
}

/* ENOENT: the kernel does not hold it, which is as good. */
static void told(int rc, const char *what, uint64_t ino)
{
    metric_add(METRIC_FS_INVALIDATED, 1);
    if (rc != 0 && rc != -ENOENT && rc != -ENODEV && rc != -EBADF)
        log_warn("telling the kernel failed what=%s inode=%llu error=%s", what,
                 (unsigned long long)ino, strerror(-rc));
}

static void drop_inode(struct updater *u, uint64_t ino)
{
    told(fuse_lowlevel_notify_inval_inode(u->fs->session, ino, 0, 0), "inode", ino);
}

static void drop_attributes(struct updater *u, uint64_t ino)
{
    told(fuse_lowlevel_notify_inval_inode(u->fs->session, ino, -1, 0), "attributes", ino);
}

static void drop_name(struct updater *u, uint64_t parent, const char *name)
{
    told(fuse_lowlevel_notify_inval_entry(u->fs->session, parent, name, strlen(name)), "name",
         parent);
}

static void tell_fields(struct updater *u, const struct note *n)
{
    static struct job_change
        changes[JOB_DIFF_MAX]; /* one updater, and too large for its stack's taste */
    uint64_t dir = node_make(n->key, 0);
    size_t count = job_diff(n->before, n->after, changes, JOB_DIFF_MAX);
    for (size_t i = 0; i < count && i < JOB_DIFF_MAX; i++) {
        if (changes[i].kind == JOB_FIELD_CHANGED)
            drop_inode(u, node_make(n->key, changes[i].number));
        else
            drop_name(u, dir, changes[i].name);
    }
    drop_attributes(u, dir);
}

/* The job has ended and nobody holds an older version: its pages may be kept from now on, once
 * those that an mmap of an older version left behind are gone. */
static void settle(struct updater *u, uint64_t key, const struct job *job)
{
    struct cache *cache = u->fs->config.cache;
    if (!job || !job_final(job) || cache_settled(cache, key) || cache_pins(cache, key) > 0)
        return;
    for (size_t i = 0; i < job_n_fields(job); i++)
        drop_inode(u, node_make(key, job_field_at(job, i)->number));
    cache_settle(cache, key);
}

static void tell(struct updater *u, struct note *n)
{
    if (n->nothing) {
        drop_name(u, NODE_JOBS, n->id);
        return;
    }
    if (n->appeared)
        drop_attributes(u, NODE_JOBS);
    else if (n->after)
        tell_fields(u, n);
    struct job *now = n->settle ? cache_current(u->fs->config.cache, n->key) : job_ref(n->after);
    settle(u, n->key, now);
    job_unref(now);
}

/* Called with the lock held. */
static struct note *take(struct updater *u)
{
    struct note *n = u->queue;
    if (n) {
        DL_DELETE(u->queue, n);
        HASH_DEL(u->by_key, n);
    }
    return n;
}

static void *updater_main(void *arg)
{
    struct updater *u = arg;
    mutex_lock(&u->lock);
    while (!u->stopping) {
        struct note *n = take(u);
        if (!n) {
            cond_wait_until(&u->more, &u->lock, clock_mono_ms() + IDLE_MS);
            continue;
        }
        mutex_unlock(&u->lock);
        tell(u, n);
        note_free(n);
        mutex_lock(&u->lock);
    }
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
        note_free(n);
    cond_destroy(&u->more);
    mutex_destroy(&u->lock);
    free(u);
}
