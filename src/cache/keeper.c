#include "cache/keeper.h"
#include "base/clock.h"
#include "base/log.h"
#include "cache/keeper_private.h"
#include <string.h>

#define KEEP_PARTS          20 /* of `keep`: so exactly it is kept */
#define FORGET_EVERY_MIN_MS 50
#define FORGET_EVERY_MAX_MS 60000

/* ---- made ---- */

static int64_t forget_every(int64_t keep_ms)
{
    int64_t every = time_min(keep_ms / KEEP_PARTS, FORGET_EVERY_MAX_MS);
    return every < FORGET_EVERY_MIN_MS ? FORGET_EVERY_MIN_MS : every;
}

/* Microseconds since 1970. */
static uint64_t number_of_now(void)
{
    int64_t us = clock_real_ns() / 1000;
    if (us < 1)
        return 1;
    return (uint64_t)us < KEEPER_NUMBER_MAX ? (uint64_t)us : KEEPER_NUMBER_MAX;
}

/* The first time: on the caller's thread. */
static void begin(struct keeper *k)
{
    k->first = number_of_now();
    atomic_init(&k->used, k->first - 1);
    if (!k->path)
        return;
    struct cache_backing backing = keeper_backing;
    backing.arg = k;
    backing.read_grain_ms = k->keep_ms == INT64_MAX ? 0 : k->forget_every_ms;
    cache_set_backing(k->cache, &backing);
    if (!keeper_take_in_hand(k))
        return;
    keeper_reserve(k);
    if (k->limit > 0) {
        k->first = k->limit - KEEPER_AHEAD;
        atomic_store(&k->used, k->first - 1);
    }
}

static int copy_text(char **to, const char *from)
{
    *to = from ? strdup(from) : NULL;
    return from && !*to ? -1 : 0;
}

struct keeper *keeper_new(const struct keeper_config *config, struct err *err)
{
    struct keeper *k = calloc(1, sizeof *k);
    if (!k || copy_text(&k->path, config->path) < 0 || copy_text(&k->vfs, config->vfs) < 0) {
        if (k)
            free(k->path);
        free(k);
        err_set(err, "no memory for the keeper");
        return NULL;
    }
    k->cache = config->cache;
    k->keep_ms = config->keep_ms;
    k->forget_every_ms = forget_every(config->keep_ms);
    mutex_init(&k->lock);
    cond_init(&k->cond);
    cond_init(&k->left);
    begin(k);
    return k;
}

void keeper_free(struct keeper *k)
{
    if (!k)
        return;
    if (k->started)
        keeper_stop(k, 0);
    if (k->path)
        cache_set_backing(k->cache, &(struct cache_backing){0});
    store_close(k->store);
    cond_destroy(&k->left);
    cond_destroy(&k->cond);
    mutex_destroy(&k->lock);
    free(k->path);
    free(k->vfs);
    free(k);
}

/* ---- the thread ---- */

/* When there is something to do; called with the lock held. */
static int64_t due_ms(const struct keeper *k, int64_t now_ms)
{
    int64_t due = now_ms + KEEPER_IDLE_MS;
    if (k->keep_ms != INT64_MAX)
        due = time_min(due, k->forget_due_ms);
    if (!k->path)
        return due;
    if (k->damaged && now_ms >= k->aside_due_ms)
        return now_ms;
    if (keeper_in_trouble(k))
        return time_min(due, k->retry_due_ms);
    return k->woken ? time_min(due, k->woken_ms + KEEPER_GATHER_MS) : due;
}

/* false: it is over. */
static bool wait_for_work(struct keeper *k)
{
    LOCK_SCOPE(&k->lock);
    while (!k->stopping) {
        int64_t now = clock_mono_ms(), due = due_ms(k, now);
        if (due <= now)
            break;
        cond_wait_until(&k->cond, &k->lock, due);
    }
    return !k->stopping;
}

/* Whether it is time to save; a wake that comes from now on is for the next time. */
static bool take_wake(struct keeper *k)
{
    int64_t now = clock_mono_ms();
    LOCK_SCOPE(&k->lock);
    if (!k->path || (keeper_in_trouble(k) && !k->damaged && now < k->retry_due_ms))
        return false;
    k->woken = false;
    return true;
}

static void *run(void *arg)
{
    struct keeper *k = arg;
    while (wait_for_work(k)) {
        keeper_forget(k);
        if (take_wake(k) && keeper_take_in_hand(k))
            keeper_save(k, INT64_MAX, false);
    }
    return NULL;
}

int keeper_start(struct keeper *k, struct err *err)
{
    if (thread_start(&k->thread, "ice-keeper", run, k, err) < 0)
        return -1;
    k->started = true;
    return 0;
}

/* ---- the end ---- */

static void finish(struct keeper *k)
{
    if (k->path && keeper_take_in_hand(k))
        keeper_save(k, k->stop_ms, true);
    size_t unsaved = k->path ? cache_count_unsaved(k->cache) : 0;
    if (unsaved > 0)
        log_warn("not saved at the end jobs=%zu", unsaved);
}

static void announce_end(struct keeper *k, int64_t timeout_ms)
{
    LOCK_SCOPE(&k->lock);
    k->stopping = true;
    k->stop_ms = clock_mono_ms() + timeout_ms;
    if (k->store)
        store_hurry(k->store, k->stop_ms);
    cond_signal(&k->cond);
}

void keeper_stop(struct keeper *k, int64_t timeout_ms)
{
    if (k->stopped)
        return;
    announce_end(k, timeout_ms);
    if (k->started)
        thread_join(k->thread);
    k->started = false;
    k->stopped = true;
    finish(k);
    if (k->store)
        store_hurry(k->store, INT64_MAX); /* it may still be read */
}

/* ---- told ---- */

uint64_t keeper_first_number(const struct keeper *k)
{
    return k->first;
}

void keeper_used(struct keeper *k, uint64_t number)
{
    atomic_store(&k->used, number);
}

void keeper_health(struct keeper *k, struct keeper_health *out)
{
    mutex_lock(&k->lock);
    *out = k->health;
    if (out->trouble == STORE_FINE && k->reading != STORE_FINE) {
        out->trouble = k->reading;
        memcpy(out->error, k->reading_error, sizeof out->error);
    }
    mutex_unlock(&k->lock);
    out->kept = k->path != NULL;
    out->unsaved = k->path ? cache_count_unsaved(k->cache) : 0;
}
