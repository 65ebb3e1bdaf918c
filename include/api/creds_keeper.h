/* Private to credentials: the object itself and the thread that keeps its keys fresh.
 *
 * Walking (ctx, kept, status but for what is marked) belongs to one thread: the caller of
 * creds_load before creds_start, the keeper after. `lock` protects what is below it; it is held for
 * a few loads and stores, never while a source is asked or `changed` is called. */
#ifndef ICE_API_CREDS_KEEPER_H
#define ICE_API_CREDS_KEEPER_H

#include "api/creds_chain.h"
#include "api/creds_policy.h"
#include "base/thread.h"

struct creds {
    struct creds_ctx ctx;
    struct creds_status status;
    int64_t look_ms; /* between two looks at the files */
    int64_t looked_mono_ms;
    bool running;
    pthread_t thread;
    void (*changed)(void *arg);
    void *changed_arg;

    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct creds_keys *keys; /* in force, or NULL */
    enum creds_source kept;  /* where they came from */
    struct err failure;      /* of the last attempt, "" when it worked */
    bool refused;            /* creds_refused spoke of the keys in force */
    bool announce;           /* ... of older ones: `changed` is due, nothing else */
    bool stop;
};

/* One attempt: walk or ask the kept source; publish what it gave or remember why it failed. 0 or
 * -1. */
int creds_keeper_attempt(struct creds *c, enum creds_do what, int64_t timeout_ms, struct err *err);

/* The thread. `arg` is the struct creds. */
void *creds_keeper_run(void *arg);

#endif
