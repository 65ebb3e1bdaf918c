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
 * A known job's facts (job/facts.h) are always in memory; its content may have left for the store.
 * Functions that give content bring it back through cache_backing.load, which may wait for the
 * disk, without the lock; those that give facts never do.
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
#include "job/facts.h"
#include "job/job.h"
#include "job/name.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct cache;

struct cache_config {
    int64_t
        ttl_ms; /* age from which a read of an unfinished job asks again; finished jobs never age */
    int64_t patience_ms;    /* how long such a read waits before it gets the older content */
    int64_t ttl_missing_ms; /* how long JobNotFound is remembered */
    int64_t timeout_ms;     /* the longest that a reader without content waits */
    size_t size_max; /* bytes of content in memory, past which finished jobs that are saved leave
                        it; 0: nothing ever does */
    void (*wake)(void *arg); /* something is wanted, or a deadline comes before CACHE_LOOK_MS and
                                before all others: end live's wait. Any thread, no lock held */
    void *wake_arg;
};

/* The longest that a reader may wait: a margin below `timeout`, so that the whole operation stays
 * within it. */
int64_t cache_patience_ms(int64_t timeout_ms);

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

/* LOOKUP of a name under jobs/: never waits. `key` is set unless MISSING. CACHE_CONTENT: known;
 * `*facts` is a reference for the caller, a->job is NULL. CACHE_PARKED here means provisional:
 * nothing known yet, asking has begun. CACHE_MISSING: remembered JobNotFound. CACHE_FAULT only for
 * lack of memory or past the ceiling of provisional names (ENFILE). A job that has been discovered
 * and is not shown yet is shown from now on. The caller has checked job_id_possible. */
enum cache_verdict cache_lookup(struct cache *c, const char *id, int64_t now_ms, uint64_t *key,
                                struct job_facts **facts, struct cache_answer *a);

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

/* The read of content that needs no renewal: true with a CONTENT answer, at once and without a
 * waiter; counts as a read. false: cache_read is the way. */
bool cache_read_fresh(struct cache *c, uint64_t key, enum cache_need need, int64_t now_ms,
                      struct cache_answer *a);

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
    bool gone;       /* the service has forgotten it (JobNotFound after it was known) */
    char error[256]; /* the last failure since the last success; "" none */
};
bool cache_info(struct cache *c, uint64_t key, enum cache_need need, int64_t now_ms,
                struct cache_info *out);

/* Copy the id (JOB_ID_MAX + 1 bytes) of any key in the table, provisional ones too. */
bool cache_id_of(struct cache *c, uint64_t key, char id[JOB_ID_MAX + 1]);

/* A known job, by its id or its key: a reference to the facts of what is shown, or NULL. Asks
 * nothing, makes nothing, loads nothing. */
struct job_facts *cache_find(struct cache *c, const char *id, uint64_t *key);
struct job_facts *cache_facts(struct cache *c, uint64_t key);

/* All known jobs, in no order. */
struct cache_row {
    uint64_t key;
    struct job_facts *facts; /* a reference each */
};
int cache_list(struct cache *c, struct cache_row **rows, size_t *n);
void cache_list_free(struct cache_row *rows, size_t n);
/* A number that changes whenever a job becomes known or stops being known. */
uint64_t cache_generation(struct cache *c);

/* ---- groupings: known jobs by a label, so that listing one group costs no look at the others
 * ---- */

#define CACHE_GROUPINGS 3
/* The label of a job in a grouping; 0: in no group. Pure. */
typedef uint64_t cache_label(const struct job_facts *facts, unsigned grouping);
/* Set before any job is known. */
void cache_group_by(struct cache *c, cache_label *label);

int cache_list_group(struct cache *c, unsigned grouping, uint64_t label, struct cache_row **rows,
                     size_t *n);
size_t cache_group_size(struct cache *c, unsigned grouping, uint64_t label);

struct cache_group {
    uint64_t label;
    size_t n;
    struct job_facts *one; /* a reference to one of its jobs */
};
/* All groups that have jobs, in no order. 0, or -1 without memory. */
int cache_groups(struct cache *c, unsigned grouping, struct cache_group **groups, size_t *n);
void cache_groups_free(struct cache_group *groups, size_t n);

/* ---- the lines of jobs.tsv (job/row.h) ---- */

struct cache_rows_stat {
    uint64_t bytes;      /* of all lines, without the header */
    uint64_t generation; /* changes whenever a line does */
};
void cache_rows_stat(struct cache *c, struct cache_rows_stat *out);
/* Call `each` for the line of every known job, sorted by id; may wait for the disk. `*generation`:
 * of what was given. 0, or -1 with `err`. */
int cache_each_row(struct cache *c, void (*each)(void *arg, const char *row, size_t len), void *arg,
                   uint64_t *generation, struct err *err);

/* For the fs room: open files of a job, and whether the kernel may keep its pages. A job known as
 * finished from its first reply is settled at once; one that finished later when the fs room says
 * so, after the kernel has dropped what it held, and while no file of it is pinned. */
enum cache_hold {
    CACHE_PINNED, /* not settled: each open file shows a version of its own */
    CACHE_KEPT,   /* settled: the kernel keeps pages, which belong to all */
    CACHE_FILLING /* kept, and pinned until the kernel has been given its pages */
};
/* A file of a job is opened. `fill`: the caller would give the kernel its pages, and is FILLING if
 * the job is settled. `*current`: a reference to the version of a settled job, else NULL; may wait
 * for the disk. */
enum cache_hold cache_open(struct cache *c, uint64_t key, bool fill, struct job **current);
/* PINNED or KEPT: it is closed. FILLING: that is over, and it is KEPT from now on. true: it was the
 * last pin of a job that has ended and is not settled. */
bool cache_close(struct cache *c, uint64_t key, enum cache_hold hold);
unsigned cache_pins(struct cache *c, uint64_t key);
bool cache_settled(struct cache *c, uint64_t key);
void cache_settle(struct cache *c, uint64_t key); /* if finished and without pins */
/* Before it changes after all: no longer settled. How many of its files are open and kept. */
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
/* JobNotFound. What was known stays, and is `gone`. */
void cache_put_missing(struct cache *c, uint64_t key, int64_t now_ms);
void cache_put_fault(struct cache *c, uint64_t key, enum api_class class, enum api_net net,
                     const char *error, int64_t now_ms);

/* The look-up has waited in the queue and its call would go out now. true: nobody waits for it any
 * more and it has no content to renew; it is over, without a call. false: go on. */
bool cache_abandon(struct cache *c, uint64_t key, int64_t now_ms);

/* A list shows a job that nobody has named: it is known from now on, from the list alone. While
 * changes are staged it is shown when cache_publish says so, or somebody names it. false: it was
 * known already, or is being asked for (nothing is done; cache_put_listed fits), or no memory. */
bool cache_discover(struct cache *c, struct job *item, int64_t now_ms, int64_t now_real_ns,
                    uint64_t *key);
/* Discovered and not shown yet. */
bool cache_unborn(struct cache *c, const char *id, uint64_t *key);

/* What readers are shown; a reference or NULL. */
struct job *cache_current(struct cache *c, uint64_t key);

/* The newest version, staged or shown, with which a reply is compared; a reference or NULL. */
struct job *cache_newest(struct cache *c, uint64_t key);

/* The circuit breaker's word: the service is down (`error`: the errno for readers without content)
 * or up again. */
void cache_service(struct cache *c, bool down, int error);

/* Live's thread: answer waiters whose deadline has passed; forget what is no longer remembered. To
 * be called at the next deadline, and every CACHE_LOOK_MS whatever happens: so most readers who
 * park need not wake live, which costs each of them system calls. */
#define CACHE_LOOK_MS 1000
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
    CACHE_UNBORN,  /* `after` was discovered: shown when cache_publish says so, or somebody names it
                    */
    CACHE_LEAVING, /* it is to be forgotten: when it has been taken off, cache_forget. `before` and
                      `after` are NULL */
};
/* On live's thread, without locks, after the table shows the new state and before waiting readers
 * are answered. `before` and `after` are borrowed (NULL where there is none). One listener, set
 * before live starts. */
typedef void cache_listener(void *arg, enum cache_event event, uint64_t key, const char *id,
                            const struct job *before, const struct job *after);
void cache_listen(struct cache *c, cache_listener *fn, void *arg);
/* After the readers of an event have been answered, too: for what they need not wait for, such as
 * waking somebody, which costs tens of microseconds. Set before live starts. */
void cache_listen_after(struct cache *c, void (*fn)(void *arg), void *arg);

/* Staging: a change of a known job is not shown when it is put, but when whoever tells the kernel
 * has prepared for it. While on, a put version is kept beside the one shown (a newer one takes the
 * place of an older one that was not published), the listener is told CACHE_STAGED, and readers who
 * wait go on waiting, with their deadlines. A first version is shown at once. Set before threads
 * start. */
void cache_stage_changes(struct cache *c, bool on);

/* Show a version that was staged, and answer who waits for it; the listener is not told again. If
 * something newer is staged by now, that stays staged: it was told of too. */
void cache_publish(struct cache *c, uint64_t key, const struct job *job, int64_t now_ms);

/* ---- kept (cache/keeper.h)
 * ------------------------------------------------------------------------------------------ */

/* Where content goes that leaves memory. Called without the lock. */
struct cache_backing {
    /* The content of a job; a reference, or NULL if it is lost: then the service is asked again. */
    struct job *(*load)(void *arg, const char *id);
    /* store_each_row's. 0 or -1. */
    int (*each_row)(void *arg,
                    void (*each)(void *each_arg, const char *id, const char *row, size_t len),
                    void *each_arg, struct err *err);
    void (*wake)(void *arg); /* there is something to save */
    void *arg;
    int64_t read_grain_ms; /* how exactly the last read of a finished job is saved; 0: not at all */
};
/* Set before threads start. */
void cache_set_backing(struct cache *c, const struct cache_backing *backing);

/* `before_wait` is called, without the lock, on each thread that is about to wait for the disk: the
 * fs room's workers have somebody else listen meanwhile. Set before threads start. */
void cache_before_wait(struct cache *c, void (*before_wait)(void));

/* A job as it has to be saved. */
struct cache_save {
    uint64_t key;
    struct job *content;     /* a reference, or NULL: the content is saved already */
    struct job_facts *facts; /* a reference */
    int64_t fetched_real_ns;
    int64_t got_real_ns;
    int64_t read_ms; /* when it was last read, clock_mono_ms */
    bool ended;
    bool gone;
};
/* Take up to `max` jobs that are not saved. Returns how many; each goes back by cache_saved. */
size_t cache_take_unsaved(struct cache *c, struct cache_save *out, size_t max);
/* They were saved, or (`ok` false) were not and wait again. Drops the references. */
void cache_saved(struct cache *c, struct cache_save *saves, size_t n, bool ok);
size_t cache_count_unsaved(struct cache *c);
/* Everything counts as not saved: the store is a new one. Loads nothing: what has left memory is
 * lost with the old one. */
void cache_unsave_all(struct cache *c);

/* Take up to `max` ids of jobs that were forgotten and are to leave the store. */
size_t cache_take_forgotten(struct cache *c, char (*ids)[JOB_ID_MAX + 1], size_t max);

/* Ids remembered as missing: call `each` for all. `until_ms`: clock_mono_ms. */
void cache_each_missing(struct cache *c, void (*each)(void *arg, const char *id, int64_t until_ms),
                        void *arg);

/* A job from the store: known, its content there. Nothing is told to the listener. Of a job that is
 * known already nothing is done. 0, or -1 without memory. */
struct cache_restored {
    const struct job_facts *facts; /* borrowed, and copied */
    int64_t fetched_real_ns;
    int64_t got_real_ns;
    int64_t read_ms; /* may be before the clock's beginning */
    bool ended;
    bool gone;
};
int cache_restore(struct cache *c, const struct cache_restored *job);
/* That a job is missing, too. */
void cache_restore_missing(struct cache *c, const char *id, int64_t until_ms);

/* Begin to forget finished jobs that nobody has read for `keep_ms`, a part of the table each time;
 * without a listener they are forgotten at once. Returns how many. */
size_t cache_forget_idle(struct cache *c, int64_t keep_ms, int64_t now_ms);
/* CACHE_LEAVING was told and nobody has read it since. */
bool cache_leaving(struct cache *c, uint64_t key);
/* It has been taken off: forget it, content and all; unless somebody has read it since, or it is
 * being asked for: then it is known as before. */
void cache_forget(struct cache *c, uint64_t key);

#endif
