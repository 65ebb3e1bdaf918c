#include "live/discover.h"
#include "base/clock.h"
#include <stdlib.h>
#include <string.h>

#define EDGE_S    1 /* whether the first and the last second count is not documented */
#define LOST_MS   1000
#define DOUBLINGS 6 /* of the wait for a token that is not lost, at most */

struct cursor {
    bool running; /* a look has begun and is not over */
    bool asked;   /* for a page, which is under way */
    int64_t due_ms;
    int64_t begun_ms;
    int64_t bottom_s;  /* of the look */
    int64_t newest_s;  /* job that the look has shown */
    int64_t top_s;     /* of the span; DISCOVER_NOW */
    int64_t from_s;    /* of the span */
    int64_t reached_s; /* the oldest job seen in the span; DISCOVER_NOW: none yet */
    char *token;       /* of the next page; NULL: the first */
    unsigned lost;     /* tokens in a row that led nowhere */
    unsigned barren;   /* pages in a row with nothing new */
};

struct discover {
    struct discover_config config;
    struct cursor cursors[DISCOVER_LOOKS];
    int64_t begun_s;
    int64_t seen_s; /* the newest job that was shown; from there on the head sees all */
    bool swept;
};

struct discover *discover_new(const struct discover_config *config, int64_t now_s, int64_t now_ms,
                              struct err *err)
{
    struct discover *d = calloc(1, sizeof *d);
    if (!d) {
        err_set(err, "cannot begin to look for jobs: out of memory");
        return NULL;
    }
    d->config = *config;
    d->begun_s = d->seen_s = now_s;
    d->cursors[DISCOVER_SWEEP].due_ms = now_ms;
    d->cursors[DISCOVER_HEAD].due_ms = now_ms + config->head_ms;
    d->cursors[DISCOVER_RECENT].due_ms = now_ms + DISCOVER_RECENT_MS;
    return d;
}

void discover_free(struct discover *d)
{
    if (!d)
        return;
    for (int look = 0; look < DISCOVER_LOOKS; look++)
        free(d->cursors[look].token);
    free(d);
}

/* ---- what is asked for ---- */

static int64_t bottom_of(const struct discover *d, enum discover_look look, int64_t now_s)
{
    switch (look) {
    case DISCOVER_HEAD: /* a job may say that it is of tomorrow */
        return time_min(d->seen_s, now_s) - time_min(DISCOVER_HEAD_S, d->config.window_s);
    case DISCOVER_RECENT:
        return now_s - time_min(DISCOVER_RECENT_S, d->config.window_s);
    case DISCOVER_SWEEP:
    case DISCOVER_LOOKS:
        break;
    }
    return d->begun_s - d->config.window_s;
}

int64_t discover_due_ms(const struct discover *d, enum discover_look look)
{
    const struct cursor *c = &d->cursors[look];
    return c->asked ? INT64_MAX : c->due_ms;
}

void discover_begin(struct discover *d, enum discover_look look, int64_t now_s, int64_t now_ms)
{
    struct cursor *c = &d->cursors[look];
    c->asked = true;
    if (c->running)
        return;
    c->running = true;
    c->begun_ms = now_ms;
    c->bottom_s = bottom_of(d, look, now_s);
    c->newest_s = DISCOVER_NO_TIME;
    c->top_s = c->reached_s = DISCOVER_NOW;
    c->lost = c->barren = 0;
}

struct discover_query discover_query(struct discover *d, enum discover_look look, int64_t now_s)
{
    struct cursor *c = &d->cursors[look];
    /* A first page may have to wait for hours: its span ends when it goes out. */
    if (!c->token)
        c->from_s = time_max(time_min(c->top_s, now_s) - DISCOVER_SPAN_S, c->bottom_s);
    return (struct discover_query){.start_s = c->from_s - EDGE_S,
                                   .end_s =
                                       c->top_s == DISCOVER_NOW ? DISCOVER_NOW : c->top_s + EDGE_S,
                                   .token = c->token};
}

/* ---- what came of it ---- */

static void forget_token(struct cursor *c)
{
    free(c->token);
    c->token = NULL;
}

static void look_over(struct discover *d, enum discover_look look, int64_t now_ms)
{
    struct cursor *c = &d->cursors[look];
    forget_token(c);
    c->running = false;
    switch (look) {
    case DISCOVER_HEAD:
        d->seen_s = time_max(d->seen_s, c->newest_s);
        c->due_ms = time_max(now_ms, c->begun_ms + d->config.head_ms);
        break;
    case DISCOVER_RECENT:
        c->due_ms = time_max(now_ms, c->begun_ms + DISCOVER_RECENT_MS);
        break;
    case DISCOVER_SWEEP:
    case DISCOVER_LOOKS:
        d->swept = true;
        c->due_ms = INT64_MAX;
        break;
    }
}

static void span_over(struct discover *d, enum discover_look look, int64_t now_ms)
{
    struct cursor *c = &d->cursors[look];
    forget_token(c);
    if (c->from_s <= c->bottom_s) {
        look_over(d, look, now_ms);
        return;
    }
    c->top_s = c->from_s;
    c->reached_s = DISCOVER_NOW;
    c->due_ms = now_ms;
}

static unsigned doublings(const struct cursor *c)
{
    return c->lost < DOUBLINGS ? c->lost : DOUBLINGS;
}

/* All that is newer than what was reached has been seen: newest first. */
static void begin_anew(struct cursor *c, int64_t now_ms)
{
    int64_t wait_ms = time_max((int64_t)LOST_MS << doublings(c), (int64_t)c->barren * LOST_MS);
    forget_token(c);
    c->top_s = time_min(c->top_s, c->reached_s);
    c->due_ms = now_ms + wait_ms;
    c->barren = 0;
    c->lost++;
}

/* Whether the page has led further. */
static bool note_times(struct cursor *c, const struct discover_page *page)
{
    c->newest_s = time_max(c->newest_s, page->newest_s);
    if (page->oldest_s == DISCOVER_NO_TIME || page->oldest_s >= c->reached_s)
        return page->fresh > 0;
    c->reached_s = page->oldest_s;
    return true;
}

/* All is seen down to where the last head began, and nothing that should have been seen then. */
static bool is_head_enough(const struct discover *d, enum discover_look look,
                           const struct discover_page *page)
{
    bool reaches = page->oldest_s != DISCOVER_NO_TIME && page->oldest_s < d->seen_s;
    bool late = page->fresh > 0 && page->fresh_s < d->seen_s;
    return look == DISCOVER_HEAD && reaches && !late;
}

/* Pages without anything new may be so many and no more; the next time twice as many, for it may
 * be that a second has them. */
static bool is_barren(const struct cursor *c)
{
    return c->barren >= (unsigned)DISCOVER_BARREN << doublings(c);
}

static void turn_page(struct cursor *c, const char *token, bool further, int64_t now_ms)
{
    forget_token(c);
    c->barren = further ? 0 : c->barren + 1;
    if (!is_barren(c))
        c->token = strdup(token);
    if (!c->token) {
        begin_anew(c, now_ms);
        return;
    }
    if (further)
        c->lost = 0;
    c->due_ms = now_ms;
}

void discover_shown(struct discover *d, enum discover_look look, const struct discover_page *page,
                    int64_t now_ms)
{
    struct cursor *c = &d->cursors[look];
    c->asked = false;
    bool further = note_times(c, page);
    if (is_head_enough(d, look, page))
        look_over(d, look, now_ms);
    else if (page->next_token)
        turn_page(c, page->next_token, further, now_ms);
    else
        span_over(d, look, now_ms);
}

void discover_failed(struct discover *d, enum discover_look look, bool refused, int64_t delay_ms,
                     int64_t now_ms)
{
    struct cursor *c = &d->cursors[look];
    c->asked = false;
    if (refused && c->token)
        begin_anew(c, now_ms);
    else
        c->due_ms = now_ms + (refused ? time_max(delay_ms, DISCOVER_REST_MS) : delay_ms);
}

bool discover_covers(const struct discover *d, int64_t start_s)
{
    return !d->cursors[DISCOVER_HEAD].running && start_s <= d->seen_s;
}

void discover_covered(struct discover *d, int64_t newest_s, int64_t now_ms)
{
    d->seen_s = time_max(d->seen_s, newest_s);
    d->cursors[DISCOVER_HEAD].due_ms = now_ms + d->config.head_ms;
}

/* ---- how far it is ---- */

bool discover_sweeping(const struct discover *d)
{
    return !d->swept;
}

int64_t discover_reached_s(const struct discover *d)
{
    const struct cursor *c = &d->cursors[DISCOVER_SWEEP];
    int64_t reached_s = d->begun_s;
    if (d->swept)
        return c->bottom_s;
    if (c->running)
        reached_s = time_min(reached_s, time_min(c->top_s, c->reached_s));
    return reached_s;
}
