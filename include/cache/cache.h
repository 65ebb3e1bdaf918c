/* What is known: the table of jobs, their age, the readers who wait (single-flight), and who is
 * told of changes.
 *
 * Nothing here does I/O, reads a clock or sleeps: `now_ms` is clock_mono_ms of the caller. One
 * short lock protects the table; it is never held while a callback runs. A job's `key` is 48 bits
 * of hash of its id (collisions resolved by probing), never 0: inode numbers are made of it, and it
 * is the same after a restart.
 *
 * A reader never blocks a thread. cache_read either answers at once or parks the caller's waiter;
 * who parks is answered exactly once: by the reply, by its deadline, or by cache_cancel (an
 * interrupt), whichever takes it first.
 *
 *   reader (FUSE worker)                 cache                          live's thread
 *   cache_read ── miss ──> park, put on the wanted list ── wake() ──> cache_take_wanted, ask the
 * service <── answer(waiter) ── take the waiters off <────────── cache_put_job / _missing / _fault
 *                                                          <────────── cache_expire (deadlines)
 */
#ifndef ICE_CACHE_CACHE_H
#define ICE_CACHE_CACHE_H

#include "api/errors.h"
#include "base/err.h"
#include "job/job.h"
#include "job/name.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct cache;

struct cache_config {
    int64_t
        ttl_ms; /* age from which a read of an unfinished job asks again; finished jobs never age */
    int64_t patience_ms;     /* how long such a read waits before it gets the older content */
    int64_t ttl_missing_ms;  /* how long JobNotFound is remembered */
    int64_t timeout_ms;      /* the longest that a reader without content waits */
    void (*wake)(void *arg); /* something is wanted, or an earlier deadline: end live's wait. Any
                                thread, no lock held */
    void *wake_arg;
};

struct cache *cache_new(const struct cache_config *config, struct err *err);
void cache_free(struct cache *c); /* nobody may wait any more: call cache_shutdown first */

/* ---- what readers see
 * ------------------------------------------------------------------------------- */

enum cache_verdict {
    CACHE_CONTENT, /* `job` is a reference for the receiver */
    CACHE_MISSING, /* the service said so, or nobody has this key: ENOENT (ESTALE is the fs room's
                      choice) */
    CACHE_FAULT,   /* `error`: the errno of the fault */
    CACHE_PARKED,  /* the waiter will be answered later */
    CACHE_INTERRUPTED, /* cache_cancel came before: not parked, never answered */
};

struct cache_answer {
    enum cache_verdict verdict;
    struct job *job;
    bool stale;           /* older than it should be, or the last attempt to renew it failed */
    int error;            /* CACHE_MISSING: ENOENT; CACHE_FAULT: EACCES, EAGAIN, ETIMEDOUT, ... */
    int64_t fresh_for_ms; /* how long this answer needs no renewal: remaining ttl; INT64_MAX for
                             finished jobs */
};

/* What a reader is after. A list item confirms what lists show, and no more: content has two ages.
 */
enum cache_need {
    CACHE_NEED_ANY, /* what a list shows too: fresh since the last Get or list item */
    CACHE_NEED_GET, /* what only Get gives (job_name_needs_get): fresh since the last Get; there is
                       no such content in a snapshot known from a list alone */
};
#define CACHE_NEEDS 2

/* Embedded in the caller's request. Set `answer` and zero the rest. Belongs to the cache while
 * parked. */
struct cache_waiter {
    /* Called without locks, on live's thread or the thread of cache_shutdown; the receiver owns
     * a->job. */
    void (*answer)(struct cache_waiter *w, struct cache_answer *a);
    struct cache_waiter *prev_, *next_, *entry_prev_, *entry_next_;
    void *entry_;
    int64_t deadline_ms_;
    enum cache_need need_;
    int queue_;
    int state_; /* new, parked, taken, interrupted; under the cache's lock */
};

/* LOOKUP of a name under jobs/: never waits. `key` is set unless MISSING. CACHE_CONTENT: known.
 * CACHE_PARKED here means provisional: nothing known yet, asking has begun. CACHE_MISSING:
 * remembered JobNotFound. CACHE_FAULT only for lack of memory or past the ceiling of provisional
 * names (ENFILE). The caller has checked job_id_possible. */
enum cache_verdict cache_lookup(struct cache *c, const char *id, int64_t now_ms, uint64_t *key,
                                struct cache_answer *a);

/* What is known now, without asking or waiting: CONTENT, MISSING, FAULT (remembered, still in
 * force) or PARKED (nothing yet, for this need). Does not count as a read. */
enum cache_verdict cache_peek(struct cache *c, uint64_t key, enum cache_need need, int64_t now_ms,
                              struct cache_answer *a);

/* A read: content that is fresh (or finished) at once; content past its ttl after at most
 * `patience` (the older one, stale, if no newer has come, or at once if the service is known to be
 * down); without content the answer to one call shared by all, or at the deadline the errno of the
 * last fault (ETIMEDOUT if none). Returns PARKED, INTERRUPTED or the answer. Rules for faults:
 * api/errors.h gives class -> errno; denied is remembered for 60 s; after a look-up that failed
 * slowly (>= 1 s), for a moment (1 s) readers get one short attempt (patience), so that those who
 * queue do not each wait it out; while the service is down (cache_service), the first reader
 * becomes the probe (one attempt, at most 3 s) and the others fail at once while an attempt younger
 * than 1 s is under way. CACHE_NEED_GET of a snapshot known from a list alone is a read without
 * content. While a newer version is staged nothing is asked: the reader waits for its publication,
 * `patience` at most. Counts as cache_touch. */
enum cache_verdict cache_read(struct cache *c, uint64_t key, enum cache_need need, int64_t now_ms,
                              struct cache_waiter *w, struct cache_answer *a);

/* Somebody reads or watches this job: the refresh asks for it sooner, while it is unfinished.
 * Cheap; at most once a second a job is passed on. */
void cache_touch(struct cache *c, uint64_t key, int64_t now_ms);

/* An interrupt: true: the waiter was parked and is the caller's again (answer EINTR). false:
 * somebody else has taken it and answers, or it was not parked yet (then cache_read will return
 * INTERRUPTED). */
bool cache_cancel(struct cache *c, struct cache_waiter *w);

/* For xattrs and health. */
struct cache_info {
    int64_t fetched_real_ns; /* when the content was last confirmed by the service; 0: never */
    int64_t age_ms;          /* -1 without content (for this need) */
    bool stale;
    bool asking;
    char error[256]; /* the last failure since the last success; "" none */
};
bool cache_info(struct cache *c, uint64_t key, enum cache_need need, int64_t now_ms,
                struct cache_info *out);

/* Copy the id (JOB_ID_MAX + 1 bytes) of any key in the table, provisional ones too. */
bool cache_id_of(struct cache *c, uint64_t key, char id[JOB_ID_MAX + 1]);

/* A known job by its id: a reference to what is shown, and its key; or NULL. Asks nothing, makes
 * nothing. */
struct job *cache_find(struct cache *c, const char *id, uint64_t *key);

/* All known jobs (those with content), newest CreateTime last not promised: sorted by id. */
struct cache_row {
    uint64_t key;
    struct job *job; /* a reference each */
};
int cache_list(struct cache *c, struct cache_row **rows, size_t *n);
void cache_list_free(struct cache_row *rows, size_t n);
/* A number that changes whenever a job becomes known or stops being known. */
uint64_t cache_generation(struct cache *c);

/* For the fs room: open handles pinned to content of an unfinished job, and whether its pages may
 * be kept by the kernel. A job known as finished from its first reply is settled at once; one that
 * finished later when the fs room says so, after the kernel has dropped what it held. Adding
 * returns the settled state before it. */
bool cache_settled(struct cache *c, uint64_t key);
bool cache_pins_add(struct cache *c, uint64_t key, int n);
unsigned cache_pins(struct cache *c, uint64_t key);
void cache_settle(struct cache *c, uint64_t key); /* if finished and without pins */
/* Open handles of a settled job; before it changes after all: no longer settled, returns how many
 * are open. */
void cache_kept_add(struct cache *c, uint64_t key, int n);
unsigned cache_unsettle(struct cache *c, uint64_t key);

/* ---- what live does
 * --------------------------------------------------------------------------------- */

/* Take the next job that readers want and nobody asks for yet; it counts as being asked for from
 * now. false: none. */
bool cache_take_wanted(struct cache *c, uint64_t *key, char id[JOB_ID_MAX + 1]);

/* Live asks for a job of its own accord: it counts as being asked for from now, and readers who
 * come share it. false: nobody has this key, or it is being asked for already. */
bool cache_begin(struct cache *c, uint64_t key, int64_t now_ms, char id[JOB_ID_MAX + 1]);

/* Take the next job that somebody has read or watched (cache_touch). false: none. */
bool cache_take_touched(struct cache *c, uint64_t *key);

/* An attempt goes out now (the budget may have delayed it). */
void cache_attempt(struct cache *c, uint64_t key, int64_t now_ms);

/* The latest deadline of readers who wait for it, INT64_MIN if nobody does: a retry past it serves
 * nobody. A LOOKUP of a name without content counts as a reader for one second: its GETATTR is on
 * the way. */
int64_t cache_wanted_until(struct cache *c, uint64_t key);

/* An attempt failed and another will follow: remember it (the errno at the deadline, the xattr),
 * give readers who have older content that content now. */
void cache_put_retry(struct cache *c, uint64_t key, enum api_class class, enum api_net net,
                     const char *error, int64_t now_ms);

/* The look-up is over. Each wakes the readers without holding the lock, after the listener has been
 * told. cache_put_job consumes nothing: it takes its own reference. `now_real_ns`: for
 * user.ice.fetched_at. */
void cache_put_job(struct cache *c, uint64_t key, struct job *job, int64_t now_ms,
                   int64_t now_real_ns);
/* What a list shows of the job, laid over what was known of it (job_merge_list). Like
 * cache_put_job, but it is no answer to a Get: a look-up under way goes on, and readers who need
 * what only Get gives go on waiting. */
void cache_put_listed(struct cache *c, uint64_t key, struct job *job, int64_t now_ms,
                      int64_t now_real_ns);
void cache_put_missing(struct cache *c, uint64_t key, int64_t now_ms);
void cache_put_fault(struct cache *c, uint64_t key, enum api_class class, enum api_net net,
                     const char *error, int64_t now_ms);

/* The look-up has waited in the queue and its call would go out now. true: nobody waits for it any
 * more and it has no content to renew; it is over, without a call. false: go on. */
bool cache_abandon(struct cache *c, uint64_t key, int64_t now_ms);

/* What readers are shown; a reference or NULL. */
struct job *cache_current(struct cache *c, uint64_t key);

/* The newest version, staged or shown, with which a reply is compared; a reference or NULL. */
struct job *cache_newest(struct cache *c, uint64_t key);

/* The circuit breaker's word: the service is down (`error`: the errno for readers without content)
 * or up again. */
void cache_service(struct cache *c, bool down, int error);

/* Live's thread: answer waiters whose deadline has passed; forget what is no longer remembered. */
void cache_expire(struct cache *c, int64_t now_ms);
/* The next moment at which cache_expire has work; INT64_MAX for none. */
int64_t cache_next_deadline(struct cache *c);

/* Answer everybody with `error` and refuse to park from now on. */
void cache_shutdown(struct cache *c, int error);

/* ---- who is told
 * ------------------------------------------------------------------------------------ */

enum cache_event {
    CACHE_CREATED,
    CACHE_CHANGED,
    CACHE_NOTHING, /* a provisional name came to nothing */
    CACHE_STAGED,  /* `after` is known, and `before` shown until cache_publish */
};
/* On live's thread, without locks, after the table shows the new state and before waiting readers
 * are answered. `before` and `after` are borrowed (NULL where there is none). One listener, set
 * before live starts. */
typedef void cache_listener(void *arg, enum cache_event event, uint64_t key, const char *id,
                            const struct job *before, const struct job *after);
void cache_listen(struct cache *c, cache_listener *fn, void *arg);

/* Staging: a change of a known job is not shown when it is put, but when whoever tells the kernel
 * has prepared for it. While on, a put version is kept beside the one shown (a newer one takes the
 * place of an older one that was not published), the listener is told CACHE_STAGED, and readers who
 * wait go on waiting, with their deadlines. A first version is shown at once. Set before threads
 * start. */
void cache_stage_changes(struct cache *c, bool on);

/* Show a version that was staged, and answer who waits for it; the listener is not told again. If
 * something newer is staged by now, that stays staged: it was told of too. */
void cache_publish(struct cache *c, uint64_t key, const struct job *job, int64_t now_ms);

#endif
