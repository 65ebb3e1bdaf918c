#include "base/clock.h"
#include "base/log.h"
#include "cache/keeper_private.h"
#include <inttypes.h>

/* ---- which store is used ---- */

/* Put it in the place of the one before, which is closed when nobody uses it any more. */
static void swap(struct keeper *k, struct store *s)
{
    mutex_lock(&k->lock);
    struct store *before = k->store;
    k->changing = true;
    while (k->users > 0)
        cond_wait_until(&k->left, &k->lock, clock_mono_ms() + KEEPER_IDLE_MS);
    k->changing = false;
    k->store = s;
    k->damaged = false;
    k->reading = STORE_FINE;
    if (s && k->stopping)
        store_hurry(s, k->stop_ms);
    cond_broadcast(&k->left);
    mutex_unlock(&k->lock);
    store_close(before);
}

/* ---- restored ---- */

struct restoring {
    struct keeper *k;
    struct keeper_clocks now;
    size_t n;
    bool failed;
};

/* A time when somebody read, between 1970 and now, on the other clock. */
static int64_t to_mono_ms(const struct keeper_clocks *now, int64_t real_s)
{
    if (real_s < 0)
        real_s = 0;
    if (real_s > now->real_ms / MS_PER_S)
        return now->mono_ms;
    return real_s * MS_PER_S - now->real_ms + now->mono_ms;
}

static void restore_job(void *arg, const struct store_job *job)
{
    struct restoring *r = arg;
    const struct cache_restored restored = {
        .facts = job->facts,
        .fetched_real_ns = job->fetched_real_ns,
        .got_real_ns = job->got_real_ns,
        .read_ms = to_mono_ms(&r->now, job->read_real_s),
        .ended = job->ended,
        .gone = job->gone,
    };
    r->n++;
    if (cache_restore(r->k->cache, &restored) < 0)
        r->failed = true;
}

static void restore_missing(void *arg, const char *id, int64_t until_real_ms)
{
    struct restoring *r = arg;
    int64_t left = until_real_ms - r->now.real_ms;
    if (left > KEEPER_BELIEVED_MS) /* the clock was set back */
        left = KEEPER_BELIEVED_MS;
    cache_restore_missing(r->k->cache, id, r->now.mono_ms + left);
}

static int restore(struct keeper *k, enum store_trouble *why, struct err *err)
{
    struct restoring r = {.k = k, .now = keeper_clocks()};
    if (store_each(k->store, restore_job, &r, why, err) < 0 ||
        store_each_missing(k->store, r.now.real_ms, restore_missing, &r, why, err) < 0)
        return -1;
    if (r.failed) {
        *why = STORE_NOMEM;
        return err_set(err, "no memory for the jobs of %s", k->path);
    }
    k->restored = true;
    log_info("restored jobs=%zu ms=%" PRId64 " file=%s", r.n, clock_mono_ms() - r.now.mono_ms,
             k->path);
    return 0;
}

/* ---- numbers of events ---- */

bool keeper_reserve(struct keeper *k)
{
    uint64_t used = atomic_load(&k->used), first;
    enum store_trouble why;
    struct err err = {""};
    if (k->limit > used + KEEPER_AHEAD / 2)
        return true;
    if (store_reserve(k->store, k->limit > used ? k->limit : used + 1, KEEPER_AHEAD, &first, &why,
                      &err) < 0) {
        keeper_trouble(k, why, &err);
        return false;
    }
    k->limit = first + KEEPER_AHEAD;
    return true;
}

/* ---- in trouble ---- */

/* The database is another one from now on: all that memory has belongs into it. */
static void let_go(struct keeper *k)
{
    swap(k, NULL);
    k->restored = false;
    k->missing_sum = 0;
    cache_unsave_all(k->cache);
}

static int set_aside(struct keeper *k, struct err *err)
{
    char aside[PATH_MAX];
    int64_t now = clock_mono_ms();
    if (now < k->aside_due_ms)
        return err_prefix(err, "set aside a moment ago, and again");
    if (store_set_aside(k->path, clock_real_ns() / NS_PER_S, aside, err) < 0)
        return -1;
    k->aside_due_ms = now + KEEPER_ASIDE_MS;
    log_error("a database is no good and was set aside file=%s aside=%s", k->path, aside);
    return 0;
}

/* true: there is a store, if only for reading. */
static bool open_new(struct keeper *k)
{
    enum store_trouble why;
    struct err err = {""};
    struct store *s = store_open(k->path, k->vfs, &why, &err);
    if (!s && why == STORE_CORRUPT && set_aside(k, &err) == 0)
        s = store_open(k->path, k->vfs, &why, &err);
    if (s) {
        swap(k, s);
        return true;
    }
    keeper_trouble(k, why, &err);
    return false;
}

/* Perhaps it can be written by now; until then the one before is of use for reading. */
static void open_again(struct keeper *k)
{
    enum store_trouble why;
    struct err err = {""};
    struct store *s = store_open(k->path, k->vfs, &why, &err);
    if (s && store_writable(s))
        swap(k, s);
    else
        store_close(s);
}

/* If it is still in its place: else somebody has set it aside already, and begun another. */
static bool leave_damaged(struct keeper *k)
{
    struct err err = {"a reader found it corrupt"};
    bool ours = store_in_place(k->store);
    if (ours && clock_mono_ms() < k->aside_due_ms) {
        keeper_trouble(k, STORE_CORRUPT, &err);
        return false;
    }
    let_go(k);
    if (!ours || set_aside(k, &err) == 0)
        return true;
    keeper_trouble(k, STORE_CORRUPT, &err);
    return false;
}

static enum store_trouble trouble_of(struct keeper *k)
{
    LOCK_SCOPE(&k->lock);
    return k->damaged ? STORE_CORRUPT : k->health.trouble;
}

/* false: it is no use. */
static bool mend(struct keeper *k)
{
    enum store_trouble trouble = trouble_of(k);
    if (!k->store)
        return true;
    if (trouble == STORE_CORRUPT)
        return leave_damaged(k);
    if (!store_in_place(k->store)) {
        log_warn("the database is gone from its place; another one is begun file=%s", k->path);
        let_go(k);
    } else if (!store_writable(k->store) || trouble == STORE_READONLY || trouble == STORE_IO) {
        open_again(k);
    }
    return true;
}

bool keeper_take_in_hand(struct keeper *k)
{
    enum store_trouble why;
    struct err err = {""};
    if (!mend(k) || (!k->store && !open_new(k)))
        return false;
    if (!k->restored && restore(k, &why, &err) < 0) {
        keeper_trouble(k, why, &err);
        return false;
    }
    if (store_writable(k->store))
        return true;
    /* Only to be told why. */
    store_save(k->store, &(struct store_batch){0}, &why, &err);
    keeper_trouble(k, why, &err);
    return false;
}
