/* The keeper: carries what the cache knows to the store and back. One thread.
 *
 * Written behind: what changes is saved within KEEPER_SAVE_MS, many changes in one transaction, and
 * no reader waits for it. What goes wrong with the disk is said once, told by keeper_health, and
 * tried again; meanwhile everything goes on from memory, and what could not be saved is saved
 * later. A corrupt database is set aside and a new one begun with all that is in memory.
 *
 * It also forgets: jobs that have ended and that nobody has read for `keep`. */
#ifndef ICE_CACHE_KEEPER_H
#define ICE_CACHE_KEEPER_H

#include "base/buf.h"
#include "base/err.h"
#include "cache/store.h"
#include <stdbool.h>
#include <stdint.h>

struct cache;
struct keeper;

#define KEEPER_SAVE_MS  250  /* what has changed is saved within this */
#define KEEPER_RETRY_MS 2000 /* a store in trouble is tried again after this, at first */

struct keeper_config {
    struct cache *cache; /* borrowed until keeper_free */
    const char *path;    /* of the database; NULL: nothing is kept */
    const char *vfs;     /* store_open's */
    int64_t keep_ms;     /* INT64_MAX: for ever */
};

/* Open the store and restore what it knows into the cache, on the calling thread, before the cache
 * is used by others. A store in trouble is no error: it is logged, and tried again by the thread.
 * NULL only without memory. */
struct keeper *keeper_new(const struct keeper_config *config, struct err *err);
int keeper_start(struct keeper *k, struct err *err);

/* Save what is not saved, for at most `timeout_ms`; end the thread. The cache may still be read. */
void keeper_stop(struct keeper *k, int64_t timeout_ms);
void keeper_free(struct keeper *k); /* NULL is nothing */

/* Numbers of events: the first one to use, higher than all before; and that one was used, so that
 * more are reserved in time. keeper_used never waits. Without a store the clock (microseconds since
 * 1970) keeps them from going back. */
uint64_t keeper_first_number(const struct keeper *k);
void keeper_used(struct keeper *k, uint64_t number);

/* For health.json. */
struct keeper_health {
    bool kept;                  /* there is a store at all */
    enum store_trouble trouble; /* STORE_FINE: all is well */
    char error[512];            /* of the last failure, "" while all is well */
    uint64_t unsaved;           /* jobs that wait to be saved */
    int64_t saved_real_ns;      /* the last transaction, 0 for none */
};
void keeper_health(struct keeper *k, struct keeper_health *out);

#endif
