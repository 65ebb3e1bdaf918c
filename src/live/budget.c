#include "live/budget.h"
#include "api/retry.h"
#include <stdlib.h>

/* How much later one call may arrive than another: the way's jitter, and the millisecond that the
 * clock cuts off. Costs 6 % of the throughput. */
#define MARGIN_MS    60
#define STILL_MS     1000 /* after a throttling that names no time */
#define STEP_MS      1000 /* between two halvings, and between two steps back */
#define STEPS        8    /* from nothing to the whole pace */
#define LOWEST_PART  16   /* of qps */
#define LOWEST_PACE  0.5  /* calls a second */
#define SPREAD_FROM  21   /* calls a window, from which they are spread */
#define SPREAD_PARTS 10
#define LONG_AGO_MS  (INT64_MIN / 4)

struct budget {
    unsigned qps;
    double pace;
    int64_t still_until_ms;
    int64_t halved_ms; /* last halving */
    int64_t step_ms;   /* from which time brings the pace back */
    unsigned next;     /* where the next send is written */
    int64_t sent[];    /* ring of the last `qps` sends */
};

struct budget *budget_new(unsigned qps, struct err *err)
{
    if (qps == 0 || qps > BUDGET_QPS_MAX) {
        err_set(err, "a budget of %u calls a second: must be 1 to %d", qps, BUDGET_QPS_MAX);
        return NULL;
    }
    struct budget *b = malloc(sizeof(*b) + qps * sizeof(b->sent[0]));
    if (!b) {
        err_set(err, "cannot keep a budget of %u calls a second: out of memory", qps);
        return NULL;
    }
    *b = (struct budget){.qps = qps, .pace = qps};
    b->still_until_ms = b->halved_ms = b->step_ms = LONG_AGO_MS;
    for (unsigned i = 0; i < qps; i++)
        b->sent[i] = LONG_AGO_MS;
    return b;
}

void budget_free(struct budget *b)
{
    free(b);
}

/* When the n-th last call went out, n from 1 to qps. */
static int64_t nth_last(const struct budget *b, unsigned n)
{
    return b->sent[(b->next + b->qps - n) % b->qps];
}

/* The pace as whole calls in a window of at least one second: 1.25 a second is 2 in 1.6 s. */
static void window(const struct budget *b, unsigned *calls, int64_t *ms)
{
    unsigned n = (unsigned)b->pace;
    if (n < b->pace)
        n++;
    *calls = n;
    /* Rounded up: a window that is too short by a part of a millisecond lets one call too many in.
     */
    *ms = (int64_t)(n * 1000.0 / b->pace + 0.999) + MARGIN_MS;
}

int64_t budget_wait(const struct budget *b, int64_t now_ms)
{
    unsigned calls;
    int64_t window_ms;
    window(b, &calls, &window_ms);
    int64_t free_at = nth_last(b, calls) + window_ms;
    if (calls >= SPREAD_FROM) {
        unsigned part = (calls + SPREAD_PARTS - 1) / SPREAD_PARTS;
        int64_t at = nth_last(b, part) + (window_ms + SPREAD_PARTS - 1) / SPREAD_PARTS;
        free_at = at > free_at ? at : free_at;
    }
    if (b->still_until_ms > free_at)
        free_at = b->still_until_ms;
    return free_at > now_ms ? free_at - now_ms : 0;
}

void budget_sent(struct budget *b, int64_t now_ms)
{
    b->sent[b->next] = now_ms;
    b->next = (b->next + 1) % b->qps;
}

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
