#include "live/budget.h"
#include "api/retry.h"
#include <stdbool.h>
#include <stdlib.h>

#define ROUND_MS     1    /* what clocks of whole milliseconds cut off */
#define LAND_MS      500  /* without an answer a call counts as landed after this */
#define STILL_MS     1000 /* after a throttling that names no time */
#define STEP_MS      1000 /* between two halvings, and between two steps back */
#define STEPS        8    /* from nothing to the whole pace */
#define LOWEST_PART  16   /* of qps */
#define LOWEST_PACE  0.5  /* calls a second */
#define SPREAD_FROM  21   /* calls a window, from which they are spread */
#define SPREAD_PARTS 10
#define KEPT_PART    5 /* of the places, for calls that somebody waits for */
#define LONG_AGO_MS  (INT64_MIN / 4)

struct call {
    int64_t sent_ms;
    bool flying;
};

struct budget {
    unsigned qps;
    double pace;
    int64_t still_until_ms;
    int64_t halved_ms; /* last halving */
    int64_t step_ms;   /* from which time brings the pace back */

    /* Calls by ticket. LAND_MS bounds how many can lie between the oldest in flight and the next:
     * less than two windows' worth. */
    struct call *calls;
    unsigned n_calls;
    uint64_t oldest; /* all before it have landed */
    uint64_t next;
    unsigned flying;

    int64_t *landed; /* ring of `qps`: when those that still take a place have landed */
    unsigned first;
    unsigned n_landed;
};

static int make_rings(struct budget *b)
{
    b->n_calls = 2 * b->qps;
    b->calls = calloc(b->n_calls, sizeof(*b->calls));
    b->landed = calloc(b->qps, sizeof(*b->landed));
    if (!b->calls || !b->landed)
        return -1;
    for (unsigned i = 0; i < b->n_calls; i++)
        b->calls[i].sent_ms = LONG_AGO_MS;
    return 0;
}

struct budget *budget_new(unsigned qps, struct err *err)
{
    if (qps == 0 || qps > BUDGET_QPS_MAX) {
        err_set(err, "a budget of %u calls a second: must be 1 to %d", qps, BUDGET_QPS_MAX);
        return NULL;
    }
    struct budget *b = calloc(1, sizeof(*b));
    if (b) {
        *b = (struct budget){.qps = qps, .pace = qps, .next = qps, .oldest = qps};
        b->still_until_ms = b->halved_ms = b->step_ms = LONG_AGO_MS;
    }
    if (!b || make_rings(b) < 0) {
        err_set(err, "cannot keep a budget of %u calls a second: out of memory", qps);
        budget_free(b);
        return NULL;
    }
    return b;
}

void budget_free(struct budget *b)
{
    if (!b)
        return;
    free(b->calls);
    free(b->landed);
    free(b);
}

/* ---- which calls take a place ---- */

/* The pace as whole calls in a window of at least one second: 1.25 a second is 2 in 1.6 s. */
static unsigned window_calls(const struct budget *b)
{
    unsigned n = (unsigned)b->pace;
    return n < b->pace ? n + 1 : n;
}

static int64_t window_ms(const struct budget *b)
{
    /* Rounded up: a window that is too short by a part of a millisecond lets one call too many in.
     */
    return (int64_t)(window_calls(b) * 1000.0 / b->pace + 0.999) + ROUND_MS;
}

static struct call *call_at(const struct budget *b, uint64_t ticket)
{
    return &b->calls[ticket % b->n_calls];
}

static void drop_first_landed(struct budget *b)
{
    b->first = (b->first + 1) % b->qps;
    b->n_landed--;
}

static void land(struct budget *b, struct call *c, int64_t now_ms)
{
    c->flying = false;
    b->flying--;
    if (b->n_landed == b->qps) /* more were sent than allowed */
        drop_first_landed(b);
    b->landed[(b->first + b->n_landed++) % b->qps] = now_ms;
}

/* Land what has been out for too long, and free the places of those that landed a window ago. */
static void settle(struct budget *b, int64_t now_ms)
{
    for (; b->oldest < b->next; b->oldest++) {
        struct call *c = call_at(b, b->oldest);
        if (c->flying && now_ms - c->sent_ms < LAND_MS)
            break;
        if (c->flying)
            land(b, c, now_ms);
    }
    while (b->n_landed > 0 && b->landed[b->first] + window_ms(b) <= now_ms)
        drop_first_landed(b);
}

/* When the next place is free, or may be, and `kept` more. */
static int64_t place_at(const struct budget *b, unsigned kept)
{
    unsigned taken = b->flying + b->n_landed, calls = window_calls(b) - kept;
    if (taken < calls)
        return LONG_AGO_MS;
    unsigned to_go = taken - calls; /* so many more than one must go */
    if (to_go < b->n_landed)
        return b->landed[(b->first + to_go) % b->qps] + window_ms(b);
    return call_at(b, b->oldest)->sent_ms + LAND_MS;
}

/* When the present tenth of a window is over, if its share is used up but for its part of what is
 * kept. */
static int64_t spread_at(const struct budget *b, unsigned kept)
{
    unsigned calls = window_calls(b);
    if (calls < SPREAD_FROM)
        return LONG_AGO_MS;
    unsigned part = (calls - kept + SPREAD_PARTS - 1) / SPREAD_PARTS;
    return call_at(b, b->next - part)->sent_ms + (window_ms(b) + SPREAD_PARTS - 1) / SPREAD_PARTS;
}

static int64_t wait_keeping(struct budget *b, unsigned kept, int64_t now_ms)
{
    int64_t at = place_at(b, kept), spread = spread_at(b, kept);
    if (spread > at)
        at = spread;
    if (b->still_until_ms > at)
        at = b->still_until_ms;
    return at > now_ms ? at - now_ms : 0;
}

int64_t budget_wait(struct budget *b, int64_t now_ms)
{
    settle(b, now_ms);
    return wait_keeping(b, 0, now_ms);
}

int64_t budget_wait_spare(struct budget *b, int64_t now_ms)
{
    settle(b, now_ms);
    return wait_keeping(b, window_calls(b) / KEPT_PART, now_ms);
}

int64_t budget_wait_keeping(struct budget *b, unsigned kept, int64_t now_ms)
{
    unsigned most = window_calls(b) - 1;
    settle(b, now_ms);
    return wait_keeping(b, kept < most ? kept : most, now_ms);
}

uint64_t budget_sent(struct budget *b, int64_t now_ms)
{
    struct call *c = call_at(b, b->next);
    if (c->flying) /* more were sent than allowed */
        land(b, c, now_ms);
    *c = (struct call){.sent_ms = now_ms, .flying = true};
    b->flying++;
    return b->next++;
}

void budget_landed(struct budget *b, uint64_t ticket, int64_t now_ms)
{
    struct call *c = call_at(b, ticket);
    if (b->next - ticket <= b->n_calls && c->flying)
        land(b, c, now_ms);
}

/* ---- the pace ---- */

static double lowest(const struct budget *b)
{
    double part = (double)b->qps / LOWEST_PART;
    return part > LOWEST_PACE ? part : LOWEST_PACE;
}

void budget_throttled(struct budget *b, int64_t now_ms, int64_t retry_after_ms)
{
    int64_t still = retry_after_ms > 0 ? retry_after_ms : STILL_MS;
    if (still > RETRY_AFTER_MAX_MS)
        still = RETRY_AFTER_MAX_MS;
    if (now_ms + still > b->still_until_ms)
        b->still_until_ms = now_ms + still;
    b->step_ms = b->still_until_ms;
    /* Calls that were under way together are refused together: that is one throttling. */
    if (now_ms - b->halved_ms < STEP_MS)
        return;
    b->halved_ms = now_ms;
    b->pace = b->pace / 2 > lowest(b) ? b->pace / 2 : lowest(b);
}

void budget_answered(struct budget *b, int64_t now_ms)
{
    if (b->pace >= b->qps || now_ms - b->step_ms < STEP_MS)
        return;
    int64_t steps = (now_ms - b->step_ms) / STEP_MS;
    b->step_ms += steps * STEP_MS;
    b->pace += (double)(steps < STEPS ? steps : STEPS) * b->qps / STEPS;
    if (b->pace > b->qps)
        b->pace = b->qps;
}

double budget_pace(const struct budget *b)
{
    return b->pace;
}
