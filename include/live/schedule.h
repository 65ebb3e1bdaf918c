/* Which job is asked for when. Pure: no lock, no clock, no I/O; `now_ms` never goes back.
 *
 * It knows the unfinished jobs. Each has a time at which its next Get is due, for what only Get
 * tells (progress): at the pace of `refresh` while somebody uses it or it keeps changing, else
 * after an interval that doubles up to SCHEDULE_SLOWEST times that. Their status is kept at the
 * pace of `refresh` by rounds of lists, where that is cheaper than Gets (live/cover.h).
 *
 *   use (read, watched) ──> schedule_touch ─┐              ┌─> schedule_next ──> a Get
 *   what Gets came to ────> schedule_got  ──┼─> the jobs ──┤
 *   what lists showed ────> schedule_listed ┘              └─> schedule_begin_round ──> lists
 *
 * When calls are short, jobs in use come first, but for one Get in four; else the order is by due
 * time: each gets its turn. A job that has ended is asked no more, but once if its Duration is
 * still to come.
 *
 * Jobs that had ended when a list first showed them wait in a queue of their own for the one Get
 * that they still need. There may be a hundred thousand of them: a key each, never due, and no part
 * of what follows but where it says so. */
#ifndef ICE_LIVE_SCHEDULE_H
#define ICE_LIVE_SCHEDULE_H

#include "base/attr.h"
#include "base/err.h"
#include "job/job.h"
#include "live/cover.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct schedule;

#define SCHEDULE_SLOWEST  12    /* intervals of `refresh`: the slowest pace */
#define SCHEDULE_LATE_MS  60000 /* a late Duration is asked for after this, or the slowest pace */
#define SCHEDULE_ENDED_MS 5000
#define SCHEDULE_NO_TIME  INT64_MIN

struct schedule_config {
    int64_t refresh_ms;
    int64_t interest_ms; /* so long a use counts */
};

struct schedule *schedule_new(const struct schedule_config *config, struct err *err);
void schedule_free(struct schedule *s);

/* ---- what is known of jobs ---- */

struct schedule_job {
    enum job_status status;
    int64_t create_s; /* CreateTime in seconds since 1970; SCHEDULE_NO_TIME: no list can show it */
    bool partial;     /* known from a list alone: its first Get is due, if it has not ended */
    bool duration;    /* it has one */
};

/* Somebody has shown us this job: it is taken in if it has not ended, or its Duration or (known
 * from a list alone) its one Get is still to come. 0, or -1 without memory: it is then refreshed by
 * its readers alone. */
int schedule_add(struct schedule *s, uint64_t key, const struct schedule_job *job,
                 int64_t now_ms) ICE_MUST_CHECK;

/* A Get of the job goes out, whoever wanted it. Of jobs that are not in the schedule this and all
 * below does nothing. */
void schedule_asked(struct schedule *s, uint64_t key, int64_t now_ms);

/* A Get has shown the job. `changed`: other than it was known before. */
void schedule_got(struct schedule *s, uint64_t key, const struct schedule_job *job, bool changed,
                  int64_t now_ms);

/* A Get came to nothing: not before `delay_ms`, and less and less often. `answered`: the service
 * has no more to say of this job, which is no fault. */
void schedule_failed(struct schedule *s, uint64_t key, int64_t delay_ms, bool answered,
                     int64_t now_ms);

/* A list has shown the job; with another status a Get follows from the caller. */
enum schedule_item { SCHEDULE_SAME, SCHEDULE_CHANGED, SCHEDULE_OTHER_STATUS };
void schedule_listed(struct schedule *s, uint64_t key, enum schedule_item item, int64_t now_ms);

/* The Get under way may have come too early to show what a list has shown: another one follows. */
void schedule_again(struct schedule *s, uint64_t key, int64_t now_ms);

/* Somebody reads or watches the job. */
void schedule_touch(struct schedule *s, uint64_t key, int64_t now_ms);

bool schedule_has(const struct schedule *s, uint64_t key);

/* ---- Gets ---- */

/* The job whose Get should go out now; it stays due until schedule_asked. false: none is due. */
bool schedule_next(struct schedule *s, int64_t now_ms, uint64_t *key);

/* When one will be, INT64_MAX for never; may be past. */
int64_t schedule_next_ms(const struct schedule *s);

/* One of a job in use is due. */
bool schedule_used_due(const struct schedule *s, int64_t now_ms);

/* ---- the one Get of jobs that had ended before they were known ---- */

/* Take the next one off the queue. It may have got its Get by other ways. false: none. */
bool schedule_next_ended(struct schedule *s, int64_t now_ms, uint64_t *key);

/* When there is one, INT64_MAX for never. */
int64_t schedule_ended_ms(const struct schedule *s);

/* A list has shown the end of a job that lists alone have shown: it has ended before it was known
 * well. Of others it does nothing. */
void schedule_listed_end(struct schedule *s, uint64_t key);

/* Its Get came to nothing: back, behind the others, and none of them before `delay_ms`, or
 * SCHEDULE_ENDED_MS if that is longer. */
void schedule_put_back(struct schedule *s, uint64_t key, int64_t delay_ms, int64_t now_ms);

size_t schedule_ended_count(const struct schedule *s);

/* ---- rounds of lists ---- */

struct schedule_means {
    int64_t real_s;   /* seconds since 1970: lists go back only so far from now */
    int64_t window_s; /* how far back lists are asked, at most 30 days; 0: those */
    double pace;      /* calls a second */
};

/* When the next round begins. */
int64_t schedule_round_ms(const struct schedule *s);

/* A round begins: the lists to ask for, perhaps none. */
struct cover schedule_begin_round(struct schedule *s, const struct schedule_means *means,
                                  int64_t now_ms);

/* One of its lists has been seen to its end, or as far as it was worth: so many items of jobs
 * created from the cover's start to `end_s`. */
void schedule_note_list(struct schedule *s, enum cover_list list, int64_t start_s, int64_t end_s,
                        uint64_t items);

/* The round is over. `whole`: all its lists have been seen to their ends; then each job that they
 * should have shown and did not has changed, and `missing` is called for it. */
void schedule_end_round(struct schedule *s, bool whole, int64_t now_ms,
                        void (*missing)(void *arg, uint64_t key), void *arg);

/* The service is up again: begin a round now, and try those that failed. */
void schedule_resume(struct schedule *s, int64_t now_ms);

/* ---- how it keeps up ---- */

/* The times that tell, for a look at them from another thread at any later moment. */
struct schedule_marks {
    size_t jobs;       /* unfinished */
    int64_t oldest_ms; /* the oldest look at one of them */
    int64_t due_ms;    /* since when, or from when on, something is due; INT64_MAX: nothing is */
    int64_t round_ms;  /* what the last round of lists took; 0: none yet */
};
struct schedule_marks schedule_marks(const struct schedule *s);

struct schedule_health {
    int64_t lag_ms;  /* age of the oldest look at an unfinished job */
    int64_t late_ms; /* how long what is due has been due, at most */
    bool behind;     /* that is longer than `refresh` */
};
struct schedule_health schedule_health(const struct schedule_marks *m, int64_t refresh_ms,
                                       int64_t now_ms);

#endif
