#include "base/clock.h"
#include "base/log.h"
#include "cache/keeper_private.h"
#include <stdio.h>

/* ---- the store, while somebody else than the thread uses it ---- */

static struct store *begin_use(struct keeper *k)
{
    LOCK_SCOPE(&k->lock);
    while (k->changing)
        cond_wait_until(&k->left, &k->lock, clock_mono_ms() + KEEPER_IDLE_MS);
    k->users += k->store != NULL;
    return k->store;
}

static void end_use(struct keeper *k)
{
    LOCK_SCOPE(&k->lock);
    if (--k->users == 0)
        cond_broadcast(&k->left);
}

/* ---- trouble in reading ---- */

static bool note(struct keeper *k, enum store_trouble why, const struct err *err)
{
    LOCK_SCOPE(&k->lock);
    bool new = k->reading != why;
    k->reading = why;
    snprintf(k->reading_error, sizeof k->reading_error, "%.*s", (int)sizeof k->reading_error - 1,
             err->text);
    if (why == STORE_CORRUPT && !k->damaged) {
        k->damaged = true;
        cond_signal(&k->cond);
    }
    return new;
}

static void judge(struct keeper *k, enum store_trouble why, const struct err *err)
{
    bool new = note(k, why, err);
    if (new && why != STORE_FINE)
        log_error("what left memory cannot be read trouble=%s error=%s", store_trouble_name(why),
                  err->text);
    else if (new)
        log_info("what left memory can be read again file=%s", k->path);
}

/* ---- what the cache calls ---- */

static struct job *load(void *arg, const char *id)
{
    struct keeper *k = arg;
    struct store *s = begin_use(k);
    struct err err = {""};
    enum store_trouble why;
    if (!s)
        return NULL;
    struct job *job = store_load(s, id, &why, &err);
    judge(k, why, &err); /* while it is the store that is used */
    end_use(k);
    if (!job && why == STORE_FINE)
        log_debug("content is lost job=%s error=%s", id, err.text);
    return job;
}

static int each_row(void *arg,
                    void (*each)(void *each_arg, const char *id, const char *row, size_t len),
                    void *each_arg, struct err *err)
{
    struct keeper *k = arg;
    struct store *s = begin_use(k);
    enum store_trouble why = STORE_FINE;
    struct err text = {""};
    if (!s)
        return err_set(err, "there is no store to read from");
    int rc = store_each_row(s, each, each_arg, &why, &text);
    judge(k, rc < 0 ? why : STORE_FINE, &text);
    end_use(k);
    return rc < 0 ? err_set(err, "%s", text.text) : 0;
}

static void wake(void *arg)
{
    struct keeper *k = arg;
    int64_t now = clock_mono_ms();
    LOCK_SCOPE(&k->lock);
    if (k->woken)
        return;
    k->woken = true;
    k->woken_ms = now;
    cond_signal(&k->cond);
}

const struct cache_backing keeper_backing = {.load = load, .each_row = each_row, .wake = wake};
