#include "base/clock.h"
#include "base/hash.h"
#include "cache/keeper_private.h"
#include <string.h>

struct keeper_clocks keeper_clocks(void)
{
    return (struct keeper_clocks){.mono_ms = clock_mono_ms(),
                                  .real_ms = clock_real_ns() / NS_PER_MS};
}

static int64_t to_real_s(const struct keeper_clocks *now, int64_t mono_ms)
{
    int64_t real_ms = mono_ms - now->mono_ms + now->real_ms;
    return real_ms > 0 ? real_ms / MS_PER_S : 0;
}

/* ---- what is missing ---- */

struct gathering {
    struct store_missing *rows; /* NULL: only the sum is wanted */
    char (*ids)[JOB_ID_MAX + 1];
    const struct keeper_clocks *now;
    size_t n;
    uint64_t sum;
};

/* Called with the cache's lock held. */
static void gather(void *arg, const char *id, int64_t until_ms)
{
    struct gathering *g = arg;
    if (g->n == KEEPER_MISSING_MAX)
        return;
    if (g->rows) {
        memcpy(g->ids[g->n], id, strlen(id) + 1);
        g->rows[g->n] = (struct store_missing){
            .id = g->ids[g->n], .until_real_ms = until_ms - g->now->mono_ms + g->now->real_ms};
    }
    g->sum += hash_text(id) ^ (uint64_t)until_ms;
    g->n++;
}

/* What is missing, if that is something else than what was saved; without memory another time. */
static void gather_missing(struct keeper *k, struct gathering *g)
{
    cache_each_missing(k->cache, gather, g);
    if (g->sum == k->missing_sum)
        return;
    g->rows = calloc(KEEPER_MISSING_MAX, sizeof *g->rows);
    g->ids = calloc(KEEPER_MISSING_MAX, sizeof *g->ids);
    if (!g->rows || !g->ids) {
        free(MOVE_PTR(g->rows));
        return;
    }
    g->n = 0;
    g->sum = 0;
    cache_each_missing(k->cache, gather, g);
}

/* ---- one transaction ---- */

static struct store_put put_of(const struct cache_save *s, const struct keeper_clocks *now)
{
    return (struct store_put){.job = {.facts = s->facts,
                                      .fetched_real_ns = s->fetched_real_ns,
                                      .got_real_ns = s->got_real_ns,
                                      .read_real_s = to_real_s(now, s->read_ms),
                                      .ended = s->ended,
                                      .gone = s->gone},
                              .content = s->content};
}

/* Who was forgotten and is known again is among the saves of this or a later transaction: take them
 * first, forget before they are put. */
static size_t take(struct keeper *k, const struct keeper_clocks *now)
{
    size_t n = cache_take_unsaved(k->cache, k->saves, KEEPER_BATCH);
    for (size_t i = 0; i < n; i++)
        k->puts[i] = put_of(&k->saves[i], now);
    if (k->n_forgotten == 0)
        k->n_forgotten = cache_take_forgotten(k->cache, k->forgotten, KEEPER_BATCH);
    return n;
}

static bool save_batch(struct keeper *k, const struct store_batch *b)
{
    enum store_trouble why;
    struct err err = {""};
    if (store_save(k->store, b, &why, &err) < 0) {
        keeper_trouble(k, why, &err);
        return false;
    }
    k->n_forgotten = 0;
    mutex_lock(&k->lock);
    k->health.saved_real_ns = clock_real_ns();
    mutex_unlock(&k->lock);
    return true;
}

/* 1: saved; 0: there was nothing; -1: trouble. */
static int save_once(struct keeper *k, bool with_missing)
{
    const char *forget[KEEPER_BATCH];
    const struct keeper_clocks now = keeper_clocks();
    struct gathering missing = {.now = &now};
    if (with_missing)
        gather_missing(k, &missing);
    size_t n = take(k, &now);
    for (size_t i = 0; i < k->n_forgotten; i++)
        forget[i] = k->forgotten[i];
    const struct store_batch batch = {
        .puts = k->puts,
        .n_puts = n,
        .missing = missing.rows,
        .n_missing = missing.rows ? missing.n : 0,
        .forget = forget,
        .n_forget = k->n_forgotten,
        .forget_unread_s = k->keep_ms == INT64_MAX ? 0 : to_real_s(&now, now.mono_ms - k->keep_ms),
    };
    int rc = n > 0 || k->n_forgotten > 0 || missing.rows ? 1 : 0;
    if (rc > 0 && !save_batch(k, &batch))
        rc = -1;
    cache_saved(k->cache, k->saves, n, rc >= 0);
    if (missing.rows && rc > 0)
        k->missing_sum = missing.sum;
    free(missing.rows);
    free(missing.ids);
    return rc;
}

/* ---- all of it ---- */

static bool missing_due(struct keeper *k, int64_t now_ms)
{
    if (now_ms < k->missing_due_ms)
        return false;
    k->missing_due_ms = now_ms + KEEPER_MISSING_MS;
    return true;
}

void keeper_save(struct keeper *k, int64_t until_ms, bool last)
{
    int rc;
    do
        rc = save_once(k, missing_due(k, clock_mono_ms()) || last);
    while (rc > 0 && clock_mono_ms() < until_ms);
    if (rc >= 0 && keeper_reserve(k))
        keeper_fine(k);
}

void keeper_forget(struct keeper *k)
{
    int64_t now = clock_mono_ms();
    if (k->keep_ms == INT64_MAX || now < k->forget_due_ms)
        return;
    k->forget_due_ms = now + k->forget_every_ms;
    /* The cache knows when a job was read as exactly as that. */
    for (int part = 0; part < KEEPER_FORGET_PARTS; part++)
        cache_forget_idle(k->cache, k->keep_ms + k->forget_every_ms, now);
}
