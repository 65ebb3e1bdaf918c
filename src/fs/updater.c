/* The updater: tells the kernel and the users what changed.
 *
 * The cache's listener only files a note here (fs/notes.h) and returns; what is shown and what is
 * staged is taken from the cache when its turn comes.
 *
 *   listener (live's thread) ── note ──> [notes] ── updater ──> publish.c ──> kernel, notifier
 *   RELEASE of the last pin  ── note ──>
 *
 * Notifications wait for directory locks that a LOOKUP or READDIR holds while it is served: so no
 * lock is held here while notifying, and the workers must still serve until updater_stop has
 * returned. */
#include "base/clock.h"
#include "base/thread.h"
#include "fs/events.h"
#include "fs/fs_private.h"
#include "fs/notes.h"
#include "fs/publish.h"
#include "fs/tsv.h"
#include "fs/watchers.h"
#include <stdlib.h>
#include <time.h>

#define IDLE_MS   60000 /* nothing is waited for without an end */
#define UNKEPT_MS 50    /* how long a late change waits for cached handles to close */

struct updater {
    struct fs *fs;
    pthread_t thread;
    bool running;
    pthread_mutex_t lock; /* protects all below */
    pthread_cond_t more;
    struct notes notes;
    bool alarm; /* somebody waits with an earlier deadline */
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
    tsv_set_alarm(fs->tsv, on_alarm, u);
    return u;
}

bool updater_note(struct updater *u, enum cache_event event, uint64_t key, const char *id)
{
    LOCK_SCOPE(&u->lock);
    bool noted = u->stopping || notes_add(&u->notes, event, key, id); /* at the end nobody looks */
    cond_signal(&u->more);
    return noted;
}

void updater_unpinned(struct updater *u, uint64_t key)
{
    LOCK_SCOPE(&u->lock);
    if (!u->stopping)
        notes_settle(&u->notes, key); /* without memory its pages are not kept */
    cond_signal(&u->more);
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

static void with_current(struct fs *fs, uint64_t key,
                         void (*step)(struct fs *fs, uint64_t key, const struct job *job))
{
    struct job *job = cache_current(fs->config.cache, key);
    if (job)
        step(fs, key, job);
    job_unref(job);
}

static bool may_settle(struct cache *cache, uint64_t key)
{
    struct job_facts *facts = cache_facts(cache, key);
    bool may = facts && job_facts_final(facts) && !cache_settled(cache, key) &&
               cache_pins(cache, key) == 0;
    job_facts_unref(facts);
    return may;
}

/* The job has ended and nobody holds an older version: its pages may be kept from now on, once
 * those that an mmap of an older version left behind are gone. */
static void settle(struct fs *fs, uint64_t key)
{
    struct cache *cache = fs->config.cache;
    struct job *job = may_settle(cache, key) ? cache_current(cache, key) : NULL;
    if (!job)
        return;
    for (size_t i = 0; i < job_n_fields(job); i++)
        kernel_drop_inode(fs, node_make(key, job_field_at(job, i)->number));
    cache_settle(cache, key);
    job_unref(job);
}

static void act(struct fs *fs, const struct note *n)
{
    if (n->nothing) {
        kernel_drop_name(fs, NODE_JOBS, n->id);
        return;
    }
    if (n->unborn)
        publish_born(fs, n->key, n->id);
    else if (n->created)
        with_current(fs, n->key, publish_created);
    if (n->changed)
        with_current(fs, n->key, publish_unseen);
    if (n->staged)
        show_staged(fs, n->key);
    if (n->leaving)
        publish_leaving(fs, n->key, n->id);
    settle(fs, n->key);
}

/* ---- the thread ---- */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* What is due by the clock; returns when there is something next. Without the lock. */
static int64_t run_timers(struct updater *u)
{
    int64_t now_ms = clock_mono_ms();
    int64_t next_ms = least(events_expire(u->fs->events, now_ms), tsv_expire(u->fs->tsv, now_ms));
    return least(least(next_ms, watchers_look(u->fs, now_ms)), now_ms + IDLE_MS);
}

/* Called with the lock held, which is given back meanwhile. */
static void turn(struct updater *u)
{
    struct note *n = notes_take(&u->notes);
    u->alarm = false;
    mutex_unlock(&u->lock);
    if (n)
        act(u->fs, n);
    free(n);
    int64_t next_ms = run_timers(u);
    mutex_lock(&u->lock);
    while (notes_empty(&u->notes) && !u->alarm && !u->stopping &&
           cond_wait_until(&u->more, &u->lock, next_ms))
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
    notes_free(&u->notes);
    cond_destroy(&u->more);
    mutex_destroy(&u->lock);
    free(u);
}
