/* What the files of the live room share. Nobody else includes it.
 *
 *   live.c     made, started, stopped; the thread's loop; health
 *   look.c     look-ups and the places where they wait
 *   send.c     from wanted to under way
 *   outcome.c  what an attempt came to, and what follows
 *   loud.c     what is said aloud once an hour
 *
 * A look-up is one job being asked for, its repetitions included. It is in one place at a time:
 *
 *   wanted ──> ready ──> flying ──> over
 *                ^          │
 *                ├─ delayed <┤  back-off
 *                └ renewing <┘  waits for new keys
 *
 * All of it belongs to live's thread, but for what `health_lock` protects. */
#ifndef ICE_LIVE_LIVE_PRIVATE_H
#define ICE_LIVE_LIVE_PRIVATE_H

#include "api/errors.h"
#include "base/thread.h"
#include "job/name.h"
#include "live/breaker.h"
#include "live/budget.h"
#include "live/live.h"
#include <stdatomic.h>
#include <stddef.h>

#define LIVE_INFLIGHT    64
#define LIVE_PROBE_MS    3000 /* a call while the service is down; cache_read waits as long for it */
#define LIVE_RENEW_MS    5000 /* the longest wait for new keys */
#define LIVE_LAST_TRY_MS 1000 /* a repetition needs so much time before its readers go */
#define LIVE_IDLE_MS     1000 /* the longest wait of the loop */

struct creds_keys;
struct ice_answer;

enum look_place { LOOK_NOWHERE, LOOK_READY, LOOK_RENEWING, LOOK_FLYING, LOOK_DELAYED };

struct look {
    struct live *live; /* NULL once live has gone: its call still comes back */
    struct look *prev, *next;
    enum look_place place;
    uint64_t key;
    uint64_t ticket;   /* flying: of the budget */
    int64_t due_ms;    /* delayed: when to ask again; renewing: until when to wait */
    unsigned failures; /* attempts of this look-up that failed */
    bool renewed;
    bool clock_corrected;
    struct creds_keys *refused; /* renewing: a reference to the keys that were no good, or NULL */
    char id[JOB_ID_MAX + 1];
};

struct look_list {
    struct look *head, *tail;
    unsigned n;
};

struct looks {
    struct look_list lists[LOOK_DELAYED]; /* first come, first served */
    struct look **delayed;                /* a heap: the first is due first */
    size_t n_delayed;
    size_t cap_delayed; /* room for every look-up there is */
    size_t n;           /* look-ups there are */
    struct look *spare; /* the next one, so that whoever is taken from the cache has a place */
};

/* Make sure that look_new has what it needs. 0, or -1 without memory. */
int looks_reserve(struct looks *s) ICE_MUST_CHECK;
/* The spare one, nowhere yet; after looks_reserve. */
struct look *look_new(struct looks *s);
void look_free(struct looks *s, struct look *k);
/* Take it from where it is and put it at the end of a place; LOOK_NOWHERE: nowhere. */
void look_move(struct looks *s, struct look *k, enum look_place place);
void looks_free(struct looks *s);

/* Aloud once an hour for each code. */
#define LOUD_CODES 16
struct loud {
    struct {
        char code[128];
        int64_t said_ms;
    } rows[LOUD_CODES];
};
/* Whether to say it now; then it counts as said. Pure. */
bool loud_now(struct loud *l, const char *code, int64_t now_ms);

struct live {
    struct live_config config;
    struct looks looks;
    struct budget *budget;
    struct breaker breaker;
    struct loud loud;
    pthread_t thread;
    bool started;
    _Atomic bool stopping;
    pthread_mutex_t health_lock; /* protects `health` */
    struct live_health health;
};

/* live.c: one turn of the thread's loop, the wait for news included. */
void live_turn(struct live *l);

/* live.c: bring what live_health gives up to date. */
void live_show_health(struct live *l);

/* send.c */
void live_take_wanted(struct live *l);
void live_wake_due(struct live *l, int64_t now_ms);
void live_wake_renewed(struct live *l, int64_t now_ms);
void live_send_ready(struct live *l, int64_t now_ms);

/* outcome.c: the callback of ice_get, `arg` a look-up; and what follows a call that could not be
 * made. */
void live_answered(void *arg, struct ice_answer *a);
void live_not_sent(struct live *l, struct look *k, const struct err *why, int64_t now_ms);

#endif
