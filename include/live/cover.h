/* Which lists a round asks for: the cheapest way to see the status of jobs that no Get is about to
 * show. Pure.
 *
 * A list shows 100 jobs a call, but also those that have ended and those that nobody knows; it can
 * be narrowed by time and by status, but Queuing is no filter. So the choice is between no list,
 * the list of all jobs, and those of Processing and Init, each from the CreateTime of one of the
 * jobs on; older ones are left to Gets. What a list costs is known from the last time it was asked
 * for. */
#ifndef ICE_LIVE_COVER_H
#define ICE_LIVE_COVER_H

#include "job/job.h"
#include <stddef.h>
#include <stdint.h>

#define COVER_PAGE 100 /* jobs a call, at most */

enum cover_list { COVER_ALL, COVER_PROCESSING, COVER_INIT, COVER_LISTS };

/* The status that it is narrowed to, JOB_STATUS_OTHER for none. */
enum job_status cover_status(enum cover_list list);

struct cover_job {
    int64_t create_s; /* its CreateTime, seconds since 1970 */
    enum job_status status;
};

/* The last that was seen of each list. Zeroed: nothing. */
struct cover_memory {
    struct {
        int64_t start_s, end_s; /* jobs created between these ... */
        uint64_t items;         /* ... were so many */
        unsigned rounds;        /* for how many rounds that is believed */
    } seen[COVER_LISTS];
};

/* A list from `start_s` to `end_s` (now) had so many items. */
void cover_note(struct cover_memory *m, enum cover_list list, int64_t start_s, int64_t end_s,
                uint64_t items);
/* A round has passed. */
void cover_age(struct cover_memory *m);

struct cover {
    unsigned n; /* lists to ask for, in this order; 0: Gets are cheaper */
    enum cover_list lists[2];
    unsigned pages[2]; /* calls that each is thought to cost */
    int64_t start_s;   /* of the oldest job that they show */
};

/* Whether one of the lists should show this job. */
bool cover_shows(const struct cover *c, const struct cover_job *job);

/* What a job costs that is left to Gets, in parts of a call. */
#define COVER_CALL     8
#define COVER_GET      8 /* one Get a round */
#define COVER_SLOW_GET 1 /* one Get now and then: where calls are short */

/* Choose for `n` jobs, which are sorted here. Of equal costs that which shows more. */
struct cover cover_choose(struct cover_job *jobs, size_t n, const struct cover_memory *m,
                          unsigned get_cost, int64_t now_s);

#endif
