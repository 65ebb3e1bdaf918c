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
#include "fs/gather.h"
#include "fs/notes.h"
#include "fs/publish.h"
#include "fs/tsv.h"
#include "fs/watchers.h"
#include <stdlib.h>
#include <time.h>

#define IDLE_MS   60000 /* nothing is waited for without an end */
#define UNKEPT_MS 50    /* how long a late change waits for cached handles to close */
/* After each drop of the listing all who are on their way through jobs/ ask for its attributes: in
 * a burst of new names it is dropped so often, and when none has come for GATHER_QUIET_MS. */
#define LISTING_MS 20

struct updater {
    struct fs *fs;
    pthread_t thread;
    bool running;
    pthread_mutex_t lock; /* protects all below */
    pthread_cond_t more;
    struct notes notes;
    struct gather named; /* jobs that readers have named, among the notes */
    int64_t act_ms;      /* when the notes are taken up; INT64_MAX: when those shall be told of */
    bool unheard;        /* the thread has not been woken for that */
    bool alarm;          /* somebody waits with an earlier deadline */
    bool stopping;
    /* This thread's own: when the kernel dropped its listing for readers' sake, and when the last
     * job was named that it has told of. */
    int64_t listed_ms, named_ms;
};

/* Called with the lock held. */
static int64_t due_ms(const struct updater *u)
{
    return time_min(u->act_ms, gather_due_ms(&u->named));
}

/* Called with the lock held. A wake-up costs system calls: one that is on its way is enough. */
static void act_now(struct updater *u)
{
    u->unheard |= u->act_ms > 0;
    u->act_ms = 0;
}

/* Called with the lock held. Those that come after the first only put off what is due. */
static void gather(struct updater *u)
{
    u->unheard |= !u->named.any && u->act_ms > 0;
    gather_add(&u->named, clock_mono_ms());
}

/* Called with the lock held, and gives it back: whoever is woken before that runs into the lock. */
static void unlock_and_call(struct updater *u)
{
    bool call = u->unheard;
    u->unheard = false;
    mutex_unlock(&u->lock);
    if (call)
        cond_signal(&u->more);
}

static void on_alarm(void *arg)
{
    struct updater *u = arg;
    mutex_lock(&u->lock);
    u->alarm = u->unheard = true;
    unlock_and_call(u);
}

struct updater *updater_new(struct fs *fs, struct err *err)
{
    struct updater *u = calloc(1, sizeof *u);
    if (!u) {
        err_set(err, "no memory for the updater");
        return NULL;
    }
    u->fs = fs;
    u->act_ms = INT64_MAX;
    mutex_init(&u->lock);
    cond_init(&u->more);
    events_set_alarm(fs->events, on_alarm, u);
    tsv_set_alarm(fs->tsv, on_alarm, u);
    return u;
}

bool updater_note(struct updater *u, enum cache_event event, uint64_t key, const char *id)
{
    mutex_lock(&u->lock);
    bool noted = u->stopping || notes_add(&u->notes, event, key, id); /* at the end nobody looks */
    if (event == CACHE_CREATED) {
        gather(u); /* updater_call follows */
        mutex_unlock(&u->lock);
    } else {
        act_now(u);
        unlock_and_call(u);
    }
    return noted;
}

void updater_call(struct updater *u)
{
    mutex_lock(&u->lock);
    unlock_and_call(u);
}

void updater_unpinned(struct updater *u, uint64_t key)
{
    mutex_lock(&u->lock);
    if (!u->stopping)
        notes_settle(&u->notes, key); /* without memory its pages are not kept */
    act_now(u);
    unlock_and_call(u);
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

/* When to come again. Whoever opens jobs/ before that gets a new listing (ops_dir.c). */
static int64_t show_listing(struct updater *u, int64_t now_ms)
{
    if (listing_is_told(u->fs))
        return INT64_MAX;
    int64_t due_ms = time_min(u->listed_ms + LISTING_MS, u->named_ms + GATHER_QUIET_MS);
    if (now_ms < due_ms)
        return due_ms;
    u->listed_ms = now_ms;
    publish_listing_again(u->fs);
    return INT64_MAX;
}

static void act(struct updater *u, const struct note *n)
{
    struct fs *fs = u->fs;
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

/* What is due by the clock; returns when there is something next. Without the lock. */
static int64_t run_timers(struct updater *u)
{
    int64_t now_ms = clock_mono_ms();
    int64_t next_ms =
        time_min(events_expire(u->fs->events, now_ms), tsv_expire(u->fs->tsv, now_ms));
    next_ms = time_min(next_ms, watchers_look(u->fs, now_ms));
    return time_min(time_min(next_ms, show_listing(u, now_ms)), now_ms + IDLE_MS);
}

/* Called with the lock held: once notes are due, all are taken, one after another. */
static struct note *take_due(struct updater *u)
{
    if (clock_mono_ms() < due_ms(u))
        return NULL;
    struct note *n = notes_take(&u->notes);
    u->act_ms = notes_empty(&u->notes) ? INT64_MAX : 0;
    if (u->named.any)
        u->named_ms = u->named.last_ms;
    u->named = (struct gather){0};
    return n;
}

/* Called with the lock held, which is given back meanwhile. */
static void turn(struct updater *u)
{
    struct note *n = take_due(u);
    u->alarm = false;
    mutex_unlock(&u->lock);
    if (n)
        act(u, n);
    free(n);
    int64_t next_ms = run_timers(u);
    mutex_lock(&u->lock);
    while (u->act_ms > 0 && !u->alarm && !u->stopping &&
           cond_wait_until(&u->more, &u->lock, time_min(next_ms, due_ms(u))))
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
