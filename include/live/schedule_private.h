/* How the schedule keeps its jobs. Nobody but schedule*.c includes it.
 *
 * A job is in the table (by key), in one of two heaps (by due time), and, while it is unfinished,
 * in the list by the time of the last look at it. */
#ifndef ICE_LIVE_SCHEDULE_PRIVATE_H
#define ICE_LIVE_SCHEDULE_PRIVATE_H

#include "live/schedule.h"

enum schedule_queue { QUEUE_USED, QUEUE_IDLE, QUEUES };

struct planned {
    uint64_t key;
    struct planned *older, *newer; /* by the last look at it */
    int64_t create_s;
    int64_t due_ms;      /* of its next Get */
    int64_t asked_ms;    /* of its last Get */
    int64_t interval_ms; /* while nobody uses it */
    int64_t since_ms;    /* when the interval last grew or shrank */
    int64_t used_ms;
    int64_t seen_ms;     /* last look, by Get or list */
    int64_t unlisted_ms; /* until then no list is trusted to show it */
    size_t at;           /* its place in the heap */
    unsigned round;      /* the last whose list has shown it */
    unsigned failures;   /* Gets in a row that came to nothing */
    unsigned char queue;
    unsigned char status; /* enum job_status */
    bool counted;         /* the lists of this round are to show it */
    bool again;           /* another Get follows the one under way */
    bool late;            /* ended: one Get for its Duration is to come */
};

struct planned_heap {
    struct planned **jobs;
    size_t n;
};

/* First in, first out. */
struct ended_queue {
    uint64_t *keys;
    size_t first, n, cap; /* keys[first] to keys[first + n - 1] */
    int64_t not_before_ms;
};

struct schedule {
    struct schedule_config config;
    int64_t lead_ms; /* so much before an interval is over its call goes out */
    struct planned **slots;
    size_t cap; /* of slots: a power of two, or 0 */
    size_t n;
    size_t room; /* of each heap, and of `scratch` */
    struct planned_heap heaps[QUEUES];
    struct planned *oldest, *newest; /* look at an unfinished job */
    size_t unfinished;
    struct ended_queue ended;
    unsigned used_in_turn; /* Gets of jobs in use since the last of another */
    struct cover_job *scratch;
    struct cover_memory memory;
    struct cover cover; /* of the round under way */
    bool in_round;
    unsigned round;
    int64_t begun_ms; /* of the last round */
    int64_t next_round_ms;
    int64_t round_took_ms;
};

/* ---- schedule_jobs.c ---- */

struct planned *planned_find(const struct schedule *s, uint64_t key);
/* A zeroed one, due never, in the idle queue and in no list; NULL without memory. */
struct planned *planned_add(struct schedule *s, uint64_t key);
void planned_remove(struct schedule *s, struct planned *p);
void planned_free_all(struct schedule *s);

void planned_set_due(struct schedule *s, struct planned *p, enum schedule_queue queue,
                     int64_t due_ms);

/* It has been looked at; joins the list if it is not in it. */
void planned_seen(struct schedule *s, struct planned *p, int64_t now_ms);
/* It is unfinished no more. */
void planned_unlist(struct schedule *s, struct planned *p);

/* ---- schedule_ended.c ---- */

int ended_add(struct ended_queue *q, uint64_t key) ICE_MUST_CHECK;
void ended_free(struct ended_queue *q);

/* ---- schedule.c ---- */

/* The Get is due within the interval at which it should be looked at. */
bool planned_is_soon(const struct schedule *s, const struct planned *p);

#endif
