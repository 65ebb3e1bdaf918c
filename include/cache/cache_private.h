/* What the files of the cache room share. Nobody else includes it.
 *
 *   table.c    key -> entry, open addressing
 *   entry.c    the life of an entry: found by id, made, wanted, remembered, forgotten
 *   waiters.c  who is parked: FIFO queues by kind of delay, and a list at each entry
 *   answer.c   what a reader is told
 *   read.c     what readers call
 *   touch.c    what readers are after
 *   ask.c      what live asks for
 *   put.c      what live puts in
 *   stage.c    which version is shown
 *   list.c     the snapshot of all known jobs
 *   group.c    jobs by their labels
 *   rows.c     the lines of jobs.tsv
 *   content.c  content that leaves memory and comes back
 *   save.c     what is not saved yet
 *   restore.c  what comes from the store
 *   forget.c   known jobs that are forgotten
 *   pins.c     open handles, and whether the kernel may keep pages
 *   cache.c    the whole: made, expired, shut down, freed
 *
 * Functions here are called with the cache's lock held unless they say otherwise. */
#ifndef ICE_CACHE_CACHE_PRIVATE_H
#define ICE_CACHE_CACHE_PRIVATE_H

#include "base/thread.h"
#include "cache/cache.h"
#include <stddef.h>

#define CACHE_PROVISIONAL_MAX 65536           /* names without content */
#define CACHE_LONG_AGO        (INT64_MIN / 4) /* a time that never was */
#define CACHE_PROBES          8               /* keys tried for one id before it is refused */

#define CACHE_DENIED_MS  60000 /* denied is not asked again before */
#define CACHE_SLOW_MS    1000  /* a look-up as slow as this failed slowly; remembered as long */
#define CACHE_PROBE_MS   3000  /* the longest that a reader probes a service that is down */
#define CACHE_PROBING_MS 1000  /* while a probe is younger than this, nobody else waits */
#define CACHE_LOOKUP_MS  1000  /* a LOOKUP counts as a reader for so long: its GETATTR follows */
/* A name without content outlives its fault by this, so that an inode number just given out still
 * names its job. */
#define CACHE_SOON_MS 5000

#define CACHE_TOUCH_MS    1000 /* a job in use is passed on so often */
#define CACHE_INTEREST_MS 5000 /* a use after so long without one ends live's wait */

/* ---- entries
 * -------------------------------------------------------------------------------------- */

enum entry_list_kind {
    LIST_NONE,
    LIST_WANTED,
    LIST_SOON,
    LIST_MISSING,
    LIST_DENIED,
    LIST_IDLE, /* their content may leave memory; the first in first */
    LIST_KINDS
};

enum entry_memory {
    MEMORY_NONE,
    MEMORY_MISSING, /* the service said JobNotFound */
    MEMORY_DENIED,
};

/* When the service last gave a version, and how. */
struct version_age {
    int64_t confirmed_ms; /* by Get or list */
    int64_t got_ms;       /* by Get */
    int64_t fetched_real_ns;
    int64_t got_real_ns;
    bool ended; /* a Get has shown the job's end: nothing of it ages */
};

/* What of an entry is not in the store. */
enum entry_save { SAVE_NOTHING, SAVE_ROW, SAVE_ALL };

struct group;

/* Its place in one grouping. */
struct entry_link {
    struct group *group; /* NULL: in none */
    struct entry *prev, *next;
};

/* Provisional (not known), unborn (not known, staged) or known; the content of a known one is in
 * `job`, in the store (`job` NULL), or lost. */
struct entry {
    uint64_t key;
    struct job_facts *facts;      /* of what is shown; of a provisional one the id alone */
    struct job *job;              /* shown; NULL: none, or it has left memory */
    struct job *staged;           /* newer, not shown yet; or NULL */
    struct cache_waiter *waiters; /* linked by entry_next_ */
    struct entry *prev, *next;    /* in the list named by `list` */
    struct entry *touched_next;   /* in the queue of the touched */
    struct entry *unsaved_next;   /* in the queue of the unsaved */
    struct entry_link links[CACHE_GROUPINGS];
    char *error;            /* text of the last failure since the last success, or NULL */
    struct version_age age; /* of `job` */
    struct version_age staged_age;
    int64_t staged_ms;    /* since when the one shown is not the newest */
    int64_t touched_ms;   /* when its use was last passed on */
    int64_t begun_ms;     /* when the present look-up was first wanted */
    int64_t looked_ms;    /* last LOOKUP of the name while it had no content */
    int64_t memory_ms;    /* `memory` holds until then */
    int64_t slow_ms;      /* until then the last look-up's slow failure is remembered */
    int64_t forget_ms;    /* in a list of the forgettable: when */
    int64_t read_ms;      /* last read of a known one */
    int64_t saved_ms;     /* when its row was last saved */
    unsigned pins;        /* open files that are pinned, and those that are being filled */
    unsigned kept;        /* open files of the settled job, whose pages the kernel keeps */
    int error_no;         /* errno of the last failure since the last success, 0 for none */
    unsigned char list;   /* enum entry_list_kind */
    unsigned char memory; /* enum entry_memory */
    bool asking;          /* live has taken it and owes a put */
    bool retrying;        /* an attempt of the present look-up has failed */
    bool settled;
    bool touched; /* in the queue of the touched */
    bool known;
    bool lost;            /* known, and its content could not be had back when it was last wanted */
    bool gone;            /* the service has forgotten it */
    bool leaving;         /* CACHE_LEAVING was told, and nobody has read it since */
    bool unborn;          /* discovered, staged, not shown */
    bool hot;             /* read since it was last looked at for leaving memory */
    bool unsaved;         /* in the queue of the unsaved */
    unsigned char save;   /* enum entry_save: what is to be saved when it is taken from there */
    unsigned char saving; /* enum entry_save: what is being saved */
};

struct entry_list {
    struct entry *head, *tail;
};

/* Open addressing with linear probing; keys are hashes already. */
struct table {
    struct entry **slots;
    size_t cap; /* a power of two, or 0 */
    size_t used;
};

struct entry *table_find(const struct table *t, uint64_t key);
int table_add(struct table *t, struct entry *e) ICE_MUST_CHECK; /* 0, or -1 without memory */
void table_remove(struct table *t, const struct entry *e);
void table_free(struct table *t); /* not the entries */

/* ---- waiters
 * -------------------------------------------------------------------------------------- */

enum waiter_state { WAITER_NEW, WAITER_PARKED, WAITER_TAKEN, WAITER_INTERRUPTED };

/* Each kind has one delay, so that each queue is in order of deadlines. */
enum waiter_kind { WAIT_WHOLE, WAIT_PATIENCE, WAIT_PROBE, WAIT_KINDS };

struct waiter_queue {
    struct cache_waiter *head, *tail;
    int64_t delay_ms;
};

/* Waiters taken off, and the answer that all of them get. Carried out of the lock. */
struct owed {
    struct cache_waiter *waiters; /* linked by entry_next_ */
    struct cache_answer answer;
};

/* Ids that grow in number. */
struct id_list {
    char (*ids)[JOB_ID_MAX + 1];
    size_t n, cap;
};

struct cache {
    struct cache_config config;
    struct cache_backing backing; /* set before threads start, as `label` is */
    cache_label *label;           /* or NULL */
    void (*before_wait)(void);    /* or NULL; set before threads start */
    uint64_t (*hash)(
        const char *id);  /* 64 bits; the upper 48 are the key. Tests give a worse one */
    pthread_mutex_t lock; /* protects all below; held for moments, never across a call */
    struct table table;
    struct entry_list lists[LIST_KINDS];
    struct waiter_queue queues[WAIT_KINDS];
    struct entry *touched, *touched_last;  /* first in, first out; known jobs are never dropped */
    bool touched_woken;                    /* live has been woken for them and has not come yet */
    struct entry *unsaved, *unsaved_last;  /* first in, first out */
    size_t n_unsaved;                      /* being saved included */
    struct group *groups[CACHE_GROUPINGS]; /* hash tables of uthash, by label */
    struct id_list forgotten;
    size_t forget_at;   /* where in the table the next look for idle jobs begins */
    size_t bytes;       /* of the content in memory */
    uint64_t row_bytes; /* of all lines of jobs.tsv */
    uint64_t row_generation;
    bool missing_changed; /* since cache_each_missing */
    bool staging;
    size_t known;
    size_t provisional;
    size_t provisional_max;
    uint64_t generation;
    bool wake;      /* when the lock is given back */
    bool wake_save; /* ... whoever saves */
    bool down;      /* the service, by the circuit breaker's word */
    int down_error;
    uint64_t probe_key; /* who probes while it is down; 0 nobody */
    int64_t probe_ms;
    bool shut;
    int shut_error;
    cache_listener *listener; /* set before threads start */
    void *listener_arg;
    void (*answered)(void *arg);
    void *answered_arg;
};

void cache_lock(struct cache *c);
/* Give the lock back, then end live's wait if something has come up for it. */
void cache_unlock(struct cache *c);

void waiters_park(struct cache *c, struct entry *e, struct cache_waiter *w, enum waiter_kind kind,
                  int64_t now_ms);
void waiters_unpark(struct cache *c, struct cache_waiter *w);
/* Take the waiters of one entry who have this need off all queues. */
struct cache_waiter *waiters_take(struct cache *c, struct entry *e, enum cache_need need);
/* The first waiter whose deadline has passed, off all queues, or NULL. */
struct cache_waiter *waiters_take_late(struct cache *c, int64_t now_ms);
int64_t waiters_next_deadline(const struct cache *c);
/* Without the lock: call back all; drops the answer's own reference. */
void waiters_answer(struct owed *o);

/* ---- entry.c
 * -------------------------------------------------------------------------------------- */

/* Find by id; NULL: there is none. */
struct entry *entry_find(const struct cache *c, const char *id);
/* Find by id, or make a provisional one. NULL with *error: ENOMEM or ENFILE. */
struct entry *entry_of(struct cache *c, const char *id, int *error);
/* Make one, whatever their number; NULL with *error. There is none of that id. */
struct entry *entry_make(struct cache *c, const char *id, int *error);
void entry_copy_id(const struct entry *e, char id[JOB_ID_MAX + 1]);
void entry_drop(struct cache *c, struct entry *e);
void entry_free(struct entry *e);

/* Put it at the end of a list, off the one that it is on; LIST_NONE: off. */
void entry_move(struct cache *c, struct entry *e, enum entry_list_kind list);

/* Have it asked for, unless it is already. */
void entry_want(struct cache *c, struct entry *e, int64_t now_ms);
/* While the service is down: whether a reader of this one may wait for it, as the probe. */
bool entry_probe(struct cache *c, struct entry *e, int64_t now_ms);
bool entry_asked(const struct entry *e);
/* It is in none of the lists of those that are waited for or forgotten: let its content leave
 * memory, if it may. */
void entry_rest(struct cache *c, struct entry *e);

/* The look-up is over without content: remember, and forget in time if nobody has any content. */
void entry_over(struct cache *c, struct entry *e, enum entry_memory memory, int64_t now_ms);
bool entry_held(const struct entry *e, int64_t now_ms); /* a memory is in force */
/* There is content for this need, in memory or in the store. */
bool entry_has(const struct entry *e, enum cache_need need);
/* There is, and it needs no renewal. */
bool entry_fresh(const struct cache *c, const struct entry *e, enum cache_need need,
                 int64_t now_ms);
/* When the service last gave what this need is after. */
int64_t entry_time(const struct entry *e, enum cache_need need);
/* What this need is after is known already, and about to be shown. */
bool entry_coming(const struct entry *e, enum cache_need need);
/* Keep the last failure: the errno for readers, the text (or NULL) for people. */
void entry_failed(struct entry *e, int error_no, const char *text);

/* Drop the first entry whose time has come, or (`now_ms` INT64_MAX) the one nobody will miss most.
 * false: none. */
bool entry_forget_one(struct cache *c, int64_t now_ms);

/* ---- answer.c
 * -------------------------------------------------------------------------------------- */

/* Fill an answer from what the entry has: content, which is in memory (a reference is added), or
 * the fault. */
enum cache_verdict answer_content(struct cache_answer *a, const struct cache *c,
                                  const struct entry *e, enum cache_need need, int64_t now_ms);
/* How long what it has needs no renewal; 0: it does now. */
int64_t answer_fresh_for(const struct cache *c, const struct entry *e, enum cache_need need,
                         int64_t now_ms);
enum cache_verdict answer_missing(struct cache_answer *a);
enum cache_verdict answer_fault(struct cache_answer *a, int error);
/* What holds when no newer word will come: content, the remembered answer, or the last fault's
 * errno. */
enum cache_verdict answer_last(struct cache_answer *a, const struct cache *c, const struct entry *e,
                               enum cache_need need, int64_t now_ms);
/* Without the lock: for the metrics. */
void answer_count(const struct cache_answer *a);

/* ---- content.c
 * -------------------------------------------------------------------------------------- */

/* The entry of a key, with its content in memory if it is known and not lost. Gives the lock back
 * meanwhile if it has to be loaded. */
struct entry *content_locate(struct cache *c, uint64_t key);
/* Put a version in the place of the one in `*at`, whose reference is given to the caller. */
struct job *content_set(struct cache *c, struct job **at, const struct job *job); /* or NULL */
/* Let content leave memory until what is left has its size; not that of `but` (or NULL). */
void content_trim(struct cache *c, const struct entry *but);

/* ---- group.c
 * -------------------------------------------------------------------------------------- */

void group_join(struct cache *c, struct entry *e);
void group_leave(struct cache *c, struct entry *e);
/* Its facts change: leave and join where the label does. */
void group_move(struct cache *c, struct entry *e, const struct job_facts *facts);
void group_free_all(struct cache *c);

/* ---- save.c
 * -------------------------------------------------------------------------------------- */

/* It differs from what is stored. */
void save_entry(struct cache *c, struct entry *e, enum entry_save what);
/* It was confirmed, which is saved now and then. */
void save_age(struct cache *c, struct entry *e, int64_t now_ms);
/* Somebody has read it. */
void save_read(struct cache *c, struct entry *e, int64_t now_ms);
/* Off the queue, if it is in it: it is about to be dropped. */
void save_drop(struct cache *c, struct entry *e);

/* ---- touch.c
 * -------------------------------------------------------------------------------------- */

/* Somebody uses it: pass that on, unless it was done a moment ago. */
void touch_entry(struct cache *c, struct entry *e, int64_t now_ms);

/* ---- stage.c
 * -------------------------------------------------------------------------------------- */

/* What is to be done once the lock is given back. */
struct after {
    struct owed owed[CACHE_NEEDS];
    bool tell;
    enum cache_event event;
    const struct job *before;  /* a reference, or NULL */
    const struct job *now;     /* borrowed from the caller */
    const struct job *dropped; /* a reference to let go of, or NULL */
    uint64_t key;
    char id[JOB_ID_MAX + 1];
};

/* The listener is to be told. */
void after_tell(struct after *after, const struct entry *e, enum cache_event event);
/* Take whoever waits for this entry with this need; they get what is shown now. */
void after_owe(struct cache *c, struct entry *e, enum cache_need need, struct after *after,
               int64_t now_ms);
/* Without the lock: the listener first, so that who is answered finds it told. */
void after_finish(struct cache *c, struct after *after);

/* Known from now on, by these facts; the lines of jobs.tsv and the groupings follow. */
void stage_known(struct cache *c, struct entry *e, const struct job_facts *facts);
/* Known no more. */
void stage_unknown(struct cache *c, struct entry *e);
/* Other facts of a known one: content that came back from the store is somebody else's version. */
void stage_change_facts(struct cache *c, struct entry *e, const struct job_facts *facts);
/* Show what is staged of an unborn one. */
void stage_birth(struct cache *c, struct entry *e);
/* Discovered: staged, and the listener is to be told. */
void stage_unborn(struct cache *c, struct entry *e, struct job *job, struct after *after);

/* A snapshot from the service: in the place of the one shown, or staged beside it. Returns the age
 * of where it went, for the caller to renew. */
struct version_age *stage_put(struct cache *c, struct entry *e, struct job *job,
                              struct after *after, int64_t now_ms);

#endif
