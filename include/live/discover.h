/* Which page of which list is asked for next, so that no job of a window stays unknown and new ones
 * are known soon. Pure: no clock, no I/O; `now_ms` never goes back, `now_s` is the service's time.
 *
 * Three looks, newest job first:
 *
 *   head    from a little before the newest job that lists have shown; once in each `refresh`. It
 *           ends with a page that reaches behind that job and brings nothing new from there
 *   recent  the last day, or the window if that is shorter; once an hour, for lists may lag
 *   sweep   the whole window; once, from the beginning on
 *
 * A look goes back in spans that one list may have, and through each page by page; where one ends
 * the next begins, so that no second lies between. Pages of one look follow each other, looks do
 * not wait for each other. A page that failed is asked for again; a token that is refused begins
 * its span anew, from the oldest job that was seen in it. */
#ifndef ICE_LIVE_DISCOVER_H
#define ICE_LIVE_DISCOVER_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct discover;

enum discover_look { DISCOVER_HEAD, DISCOVER_RECENT, DISCOVER_SWEEP, DISCOVER_LOOKS };

/* One list may span 30 days; less, so that a clock's error does not pass that. */
#define DISCOVER_SPAN_S    (INT64_C(30) * 86400 - 3600)
#define DISCOVER_HEAD_S    900 /* so far the head looks behind the newest job */
#define DISCOVER_RECENT_S  INT64_C(86400)
#define DISCOVER_RECENT_MS INT64_C(3600000)
#define DISCOVER_BARREN                                                                            \
    100 /* pages in a row without anything new: the token is given up, the first time */
#define DISCOVER_REST_MS 60000 /* a list that is refused as it stands rests for so long */
#define DISCOVER_NO_TIME INT64_MIN
#define DISCOVER_NOW     INT64_MAX

struct discover_config {
    int64_t window_s; /* `discover` */
    int64_t head_ms;  /* between two looks at the head */
};

struct discover *discover_new(const struct discover_config *config, int64_t now_s, int64_t now_ms,
                              struct err *err);
void discover_free(struct discover *d);

/* When the look's next page is to be asked for; INT64_MAX: while one is, or never again. */
int64_t discover_due_ms(const struct discover *d, enum discover_look look);

/* A page is asked for from now on, until discover_shown or discover_failed says what came of it. */
void discover_begin(struct discover *d, enum discover_look look, int64_t now_s, int64_t now_ms);

/* The page that is being asked for, for a call that goes out now. */
struct discover_query {
    int64_t start_s;
    int64_t end_s;     /* DISCOVER_NOW: none */
    const char *token; /* borrowed; NULL: the first page */
};
struct discover_query discover_query(struct discover *d, enum discover_look look, int64_t now_s);

struct discover_page {
    int64_t newest_s, oldest_s; /* CreateTime of its jobs; DISCOVER_NO_TIME: there are none */
    size_t fresh;               /* jobs that were not known before ... */
    int64_t fresh_s;            /* ... and the oldest of them; DISCOVER_NO_TIME: there are none */
    const char *next_token;     /* NULL: it was the last one */
};
void discover_shown(struct discover *d, enum discover_look look, const struct discover_page *page,
                    int64_t now_ms);

/* It came to nothing: it is asked for again after `delay_ms`. `refused`: the service does not take
 * it as it stands, and would not the next time. */
void discover_failed(struct discover *d, enum discover_look look, bool refused, int64_t delay_ms,
                     int64_t now_ms);

/* A list of all jobs from `start_s` on shows what the head would show, if it is not under way. */
bool discover_covers(const struct discover *d, int64_t start_s);
/* Such a list has been seen to its end: that was this round's look at the head. */
void discover_covered(struct discover *d, int64_t newest_s, int64_t now_ms);

/* The sweep has not come to its end. */
bool discover_sweeping(const struct discover *d);
/* Back to where all jobs have been seen. */
int64_t discover_reached_s(const struct discover *d);

#endif
