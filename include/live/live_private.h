/* What the files of the live room share. Nobody else includes it.
 *
 *   live.c     made, started, stopped; the thread's loop; health
 *   look.c     look-ups and the places where they wait
 *   send.c     from wanted or due to under way
 *   outcome.c  what an attempt came to, and what follows
 *   refresh.c  between the schedule and the rest: what it learns, what it wants
 *   round.c    a round of lists, page by page
 *   discovery.c  between discover.c and the rest: the lists that find jobs
 *   lists.c    what all lists have in common: their items, and that they are refused
 *   loud.c     what is said aloud once an hour
 *
 * and, pure, budget.c, breaker.c, cover.c, discover.c, schedule*.c.
 *
 * A look-up is one job (or one page of a list) being asked for, its repetitions included. It is in
 * one place at a time, and what is ready goes out in this order:
 *
 *   wanted by readers ──────> ready ───┐
 *   changed, says a list ───> changed ─┤
 *   a round's next page ────> page ────┼──> flying ──> over
 *   discovery's next page ──> discover ┤      │
 *   due, says the schedule ────────────┘      │
 *           back to where it was <── delayed <┤  back-off
 *                                <─ renewing <┘  waits for new keys
 *
 * Whoever comes later in this order gets a call in so many all the same (send.c).
 *
 * All of it belongs to live's thread, but for what `health_lock` protects. */
#ifndef ICE_LIVE_LIVE_PRIVATE_H
#define ICE_LIVE_LIVE_PRIVATE_H

#include "api/errors.h"
#include "base/thread.h"
#include "job/job.h"
#include "job/name.h"
#include "live/breaker.h"
#include "live/budget.h"
#include "live/discover.h"
#include "live/live.h"
#include "live/schedule.h"
#include <stdatomic.h>
#include <stddef.h>

#define LIVE_INFLIGHT    64
#define LIVE_PROBE_MS    3000 /* a call while the service is down; cache_read waits as long for it */
#define LIVE_RENEW_MS    5000          /* the longest wait for new keys */
#define LIVE_LAST_TRY_MS 1000          /* a repetition needs so much time before its readers go */
#define LIVE_IDLE_MS     CACHE_LOOK_MS /* the longest wait of the loop */
#define LIVE_LISTS_MS    60000         /* lists that are refused are tried again after this */
#define LIVE_TURN        8    /* of so many calls, one is for who is late behind the others */
#define LIVE_MISSED_MS   1000 /* a page with jobs that could not be taken in is looked at again */

struct creds_keys;
struct ice_answer;

enum look_place {
    LOOK_NOWHERE,
    LOOK_READY,
    LOOK_CHANGED,
    LOOK_PAGE,
    LOOK_DISCOVER,
    LOOK_RENEWING,
    LOOK_FLYING,
    LOOK_DELAYED
};

struct look {
    struct live *live; /* NULL once live has gone: its call still comes back */
    struct look *prev, *next;
    enum look_place place;
    enum look_place home;        /* where it goes when it is ready: LOOK_READY to LOOK_DISCOVER */
    enum discover_look discover; /* of LOOK_DISCOVER */
    bool anew;                   /* ... with the first page of a list */
    bool ended;                  /* the one Get of a job that had ended before it was known */
    uint64_t key;                /* 0 for a page */
    uint64_t ticket;             /* flying: of the budget */
    int64_t due_ms;              /* delayed: when to ask again; renewing: until when to wait */
    unsigned failures;           /* attempts of this look-up that failed */
    bool renewed;
    bool clock_corrected;
    struct creds_keys *refused; /* renewing: a reference to the keys that were no good, or NULL */
    struct job *item;           /* what a list has shown, if Get should fail to; or NULL */
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
struct look *look_new(struct looks *s, struct live *l, enum look_place home);
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

/* The round of lists under way. */
struct round {
    struct cover cover;
    bool running;
    unsigned list;  /* which of the cover's */
    unsigned pages; /* of that list, seen */
    uint64_t items; /* in them */
    int64_t last_s; /* CreateTime of the last one */
    char *token;    /* of the next page; NULL: the first */
    bool missed;    /* it showed jobs that could not be taken in */
};

struct discovery {
    struct discover *plan; /* NULL: nothing is discovered */
    int64_t page_ms;       /* what the last page took */
    int64_t begun_ms;
    uint64_t pages, found;
    unsigned since_page; /* calls since the last page */
};

/* What the service says to lists of any kind. */
struct lists {
    int64_t not_before_ms; /* they were refused */
    bool refused;
};

struct live {
    struct live_config config;
    struct looks looks;
    struct budget *budget;
    struct schedule *schedule; /* NULL: nothing is refreshed */
    struct round round;
    struct discovery discovery;
    struct lists lists;
    struct breaker breaker;
    struct loud loud;
    int64_t sent_ms;  /* the last call */
    unsigned in_turn; /* calls since the schedule's last one */
    pthread_t thread;
    bool started;
    _Atomic bool stopping;
    pthread_mutex_t health_lock; /* protects the two below */
    struct live_health health;
    struct schedule_marks marks;
};

/* live.c: one turn of the thread's loop, the wait for news included. */
void live_turn(struct live *l);

/* live.c: bring what live_health gives up to date. */
void live_show_health(struct live *l, int64_t now_ms);

/* send.c */
void live_take_wanted(struct live *l);
void live_wake_due(struct live *l, int64_t now_ms);
void live_wake_renewed(struct live *l, int64_t now_ms);
void live_send_ready(struct live *l, int64_t now_ms);
/* When live_send_ready may have something to do, if nothing happens before. */
int64_t live_next_send_ms(const struct live *l, int64_t now_ms);

/* outcome.c: the callback of ice_get and ice_list, `arg` a look-up; and what follows a call that
 * could not be made. */
void live_answered(void *arg, struct ice_answer *a);
void live_not_sent(struct live *l, struct look *k, const struct err *why, int64_t now_ms);

/* refresh.c; without a schedule they do nothing. Begin: with what the cache knows already. */
int refresh_begin(struct live *l, struct err *err);
void refresh_take_touched(struct live *l, int64_t now_ms);
/* The look-up of the Get that is due, nowhere yet and being asked for in the cache; NULL: none. */
struct look *refresh_due(struct live *l, int64_t now_ms);
void refresh_asked(struct live *l, const struct look *k, int64_t now_ms);
void refresh_got(struct live *l, const struct look *k, const struct job *job, bool changed,
                 int64_t now_ms);
void refresh_failed(struct live *l, const struct look *k, enum api_class class, int64_t delay_ms,
                    int64_t now_ms);
/* Known from a list since now. */
void refresh_discovered(struct live *l, uint64_t key, const struct job *item, int64_t now_ms);
/* The look-up of the one Get of a job that had ended before it was known, as refresh_due. */
struct look *refresh_ended(struct live *l, int64_t now_ms);
/* A list shows another status than is known, or no longer shows the job (`item` NULL): Get it,
 * ahead of all that nobody waits for. */
void refresh_changed(struct live *l, uint64_t key, struct job *item, int64_t now_ms);

/* round.c */
void round_begin_due(struct live *l, int64_t now_ms);
int round_send(struct live *l, struct look *k, int64_t timeout_ms, struct err *err);
void round_page(struct live *l, const struct job_page *page, int64_t now_ms);
/* A page came to nothing for good. */
void round_failed(struct live *l, enum api_class class, const char *error, int64_t now_ms);
void round_free(struct live *l);

/* discovery.c; with `discover` off they do nothing. */
int discovery_begin(struct live *l, struct err *err);
void discovery_begin_due(struct live *l, int64_t now_ms);
/* When that has something to do. */
int64_t discovery_next_ms(const struct live *l);
int discovery_send(struct live *l, struct look *k, int64_t timeout_ms, struct err *err);
void discovery_page(struct live *l, const struct look *k, const struct job_page *page,
                    int64_t took_ms, int64_t now_ms);
void discovery_failed(struct live *l, const struct look *k, enum api_class class, const char *error,
                      int64_t rest_ms, int64_t now_ms);
/* A round has listed all jobs from `start_s` on, up to `newest_s`. */
void discovery_covered(struct live *l, int64_t start_s, int64_t newest_s, int64_t now_ms);
/* How many calls a second its pages can take, which follow each other; 0: there are none just now.
 */
unsigned discovery_pace(const struct live *l, int64_t now_ms);
void discovery_show_health(const struct live *l, struct live_health *h);

/* lists.c: what an item shows. */
enum lists_item {
    LISTS_KNOWN,  /* or not to be taken in */
    LISTS_FRESH,  /* known from now on */
    LISTS_MISSED, /* it should be, and is not */
};
enum lists_item lists_take(struct live *l, struct job *item, int64_t now_ms);
bool lists_allowed(const struct live *l, int64_t now_ms);
/* Lists (API_DENIED), or this one, are not for us: say so, once. */
void lists_refused(struct live *l, enum api_class class, const char *error, int64_t now_ms);
/* They all rest for a while. */
void lists_rest(struct live *l, int64_t now_ms);
/* A page has come. */
void lists_worked(struct live *l);

#endif
