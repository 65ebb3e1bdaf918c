/* The refresh thread: owns the HTTP engine's pump, the budget, the retries and every deadline.
 *
 * It takes what readers want from the cache, asks the service within the budget, parses the replies
 * into snapshots and puts them into the cache. With what readers leave of the budget it keeps every
 * known unfinished job current (live/schedule.h), and finds the jobs that nobody has named
 * (live/discover.h). Nobody waits for it but with a deadline; it waits for nobody. */
#ifndef ICE_LIVE_LIVE_H
#define ICE_LIVE_LIVE_H

#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

struct cache;
struct creds;
struct http;
struct ice;
struct live;

struct live_config {
    struct http *http; /* all borrowed until live_free */
    struct ice *ice;
    struct creds *creds; /* its `changed` callback should call live_wake */
    struct cache *cache;
    unsigned qps;
    unsigned inflight_max; /* calls under way at once; 0: 64 */
    int64_t timeout_ms; /* of readers: a call stalls out after a third of it, so that another can be
                           tried */
    int64_t refresh_ms; /* the pace at which unfinished jobs are kept current; 0: not at all */
    int64_t window_ms;  /* how far back jobs are listed for that; 0: as far as one call can */
    int64_t discover_ms; /* how far back jobs are found that nobody has named; 0: none are */
    int64_t keep_ms;     /* not those that ended before that; 0: all */
    int64_t ttl_ms;      /* of the cache: what was read so lately is in use */
};

struct live *live_new(const struct live_config *config, struct err *err);
int live_start(struct live *l, struct err *err);

/* End the wait of its thread: something is wanted, keys have changed. Any thread, any time; NULL is
 * nothing. Fits cache_config.wake. */
void live_wake(void *live);

/* Stop the thread (within one second) and join it; calls under way come to nothing. Then free. */
void live_stop(struct live *l);
void live_free(struct live *l);

/* For health.json. */
struct live_health {
    bool service_down;
    double pace;            /* calls a second in force */
    int64_t last_answer_ms; /* clock_mono_ms of the last answer from the service, 0 for none */
    int64_t last_success_real_ns; /* 0 for none */
    unsigned inflight;
    unsigned waiting;     /* look-ups waiting for the budget or for a retry */
    bool behind;          /* the budget does not suffice to keep the pace of `refresh` */
    int64_t round_ms;     /* what the last round of lists took; 0: none yet */
    int64_t lag_ms;       /* age of the oldest look at an unfinished job */
    bool discovering;     /* not all of the window has been listed yet ... */
    int64_t discovered_s; /* ... but so many seconds back; -1: nothing is discovered */
    uint64_t discovered;  /* jobs found so */
    uint64_t pages;       /* listed for that */
    size_t details_due;   /* ended jobs whose one Get is still to come */
    bool lists_refused;
    char last_error[512]; /* "" when the last answer was good */
};
void live_health(struct live *l, struct live_health *out);

#endif
