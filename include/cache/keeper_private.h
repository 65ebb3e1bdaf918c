/* What the files of the keeper share. Nobody else includes it.
 *
 *   keeper.c           made, the thread, stopped
 *   keeper_open.c      the store opened, restored from, set aside, taken in hand again
 *   keeper_save.c      one transaction after the other; forgetting; numbers of events
 *   keeper_trouble.c   what is wrong, said once, and when it is tried again
 *   keeper_load.c      what the cache asks for, on its callers' threads
 *
 * Only the keeper's thread (before it starts: who makes it) changes the store and uses what stands
 * below "the thread's own". */
#ifndef ICE_CACHE_KEEPER_PRIVATE_H
#define ICE_CACHE_KEEPER_PRIVATE_H

#include "base/thread.h"
#include "cache/cache.h"
#include "cache/keeper.h"
#include <stdatomic.h>

#define KEEPER_GATHER_MS    (KEEPER_SAVE_MS / 2) /* changes join the one that came first */
#define KEEPER_RETRY_MAX_MS 30000
#define KEEPER_IDLE_MS      60000 /* the longest sleep */
#define KEEPER_BATCH        512   /* jobs in one transaction */
#define KEEPER_ASIDE_MS     60000 /* no database is set aside sooner after another */
#define KEEPER_MISSING_MS   2000  /* what is missing is saved no more often */
#define KEEPER_MISSING_MAX  4096  /* ids */
#define KEEPER_BELIEVED_MS  60000 /* the longest that an id stays missing after a restart */
#define KEEPER_FORGET_PARTS 32    /* of the table that are looked at in one go */
#define KEEPER_AHEAD        ((uint64_t)1 << 20) /* numbers of events reserved at once */
/* Below 2^53, as JSON's readers want it. */
#define KEEPER_NUMBER_MAX (((uint64_t)1 << 53) - 4 * KEEPER_AHEAD)

/* Both clocks at one moment. */
struct keeper_clocks {
    int64_t mono_ms;
    int64_t real_ms;
};
struct keeper_clocks keeper_clocks(void);

struct keeper_missing {
    struct store_missing *rows;
    size_t n;
};

struct keeper {
    struct cache *cache;
    char *path; /* NULL: nothing is kept */
    char *vfs;
    int64_t keep_ms;
    int64_t forget_every_ms;

    pthread_mutex_t lock; /* protects the next part */
    pthread_cond_t cond;  /* the thread has something to do */
    pthread_cond_t left;  /* nobody uses the store any more, or there is another one */
    struct store *store;  /* NULL: there is none */
    unsigned users;       /* of the store, beside the thread */
    bool changing;        /* it is given up for another: who comes waits */
    bool woken;           /* there is something to save ... */
    int64_t woken_ms;     /* ... since then */
    bool damaged;         /* a reader has found the database corrupt */
    bool stopping;
    int64_t stop_ms;
    struct keeper_health health; /* of saving; `unsaved` aside */
    enum store_trouble reading;  /* trouble that readers have */
    char reading_error[sizeof((struct keeper_health *)NULL)->error];

    uint64_t first;
    _Atomic uint64_t used;

    /* the thread's own */
    pthread_t thread;
    bool started;
    bool stopped;
    bool restored;    /* what the database knew is in the cache */
    uint64_t limit;   /* numbers below are reserved; 0: none */
    int64_t retry_ms; /* the wait before the next try; 0: no trouble */
    int64_t retry_due_ms;
    int64_t forget_due_ms;
    int64_t aside_due_ms;
    int64_t missing_due_ms;
    uint64_t missing_sum; /* of those that are saved */
    struct cache_save saves[KEEPER_BATCH];
    struct store_put puts[KEEPER_BATCH];
    size_t n_forgotten; /* that wait to leave the store */
    char forgotten[KEEPER_BATCH][JOB_ID_MAX + 1];
};

/* ---- trouble ---- */

void keeper_trouble(struct keeper *k, enum store_trouble why, const struct err *err);
void keeper_fine(struct keeper *k);
bool keeper_in_trouble(const struct keeper *k);

/* ---- the store ---- */

/* Open it if there is none and it is time; make good what can be made good. true: it can be
 * written. */
bool keeper_take_in_hand(struct keeper *k);
/* Numbers of events, if more are needed. false: trouble. */
bool keeper_reserve(struct keeper *k);

/* ---- saving ---- */

/* Save all there is to save, until `until_ms`. `last`: nothing is put off. */
void keeper_save(struct keeper *k, int64_t until_ms, bool last);
void keeper_forget(struct keeper *k);

/* ---- what the cache asks for ---- */

extern const struct cache_backing keeper_backing; /* without `arg` */

#endif
