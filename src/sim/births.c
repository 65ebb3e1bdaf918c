#include "sim/births.h"
#include "sim/dice.h"

/* Within its slot a birth keeps off the edges, so that the order of indexes is the order of births.
 */
static double jitter(const struct sim_births *b, uint64_t index)
{
    return 0.1 + 0.8 * sim_dice_unit(b->seed, index, SIM_FOR_BIRTH);
}

/* Ages grow with the cube: with a span of a day, about one in eight is younger than three minutes
 * and so still at work when time starts. */
static int64_t age_ms(const struct sim_births *b, uint64_t index)
{
    double u = ((double)(b->n - index) - jitter(b, index)) / (double)b->n;
    return (int64_t)((double)b->span_ms * u * u * u);
}

int64_t sim_birth_ms(const struct sim_births *b, uint64_t index)
{
    if (index < b->n)
        return b->epoch_ms - age_ms(b, index);
    double slot = (double)(index - b->n) + jitter(b, index);
    return b->epoch_ms + (int64_t)(slot * (double)b->every_ms);
}

/* The first index in [lo, hi) that is born after t_ms. */
static uint64_t bisect(const struct sim_births *b, uint64_t lo, uint64_t hi, int64_t t_ms)
{
    while (lo < hi) {
        uint64_t middle = lo + (hi - lo) / 2;
        if (sim_birth_ms(b, middle) <= t_ms)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo;
}

uint64_t sim_births_until(const struct sim_births *b, int64_t t_ms)
{
    if (b->n == 0)
        return 0;
    if (t_ms < b->epoch_ms)
        return bisect(b, 0, b->n, t_ms);
    if (b->every_ms <= 0)
        return b->n;
    uint64_t slot = (uint64_t)((t_ms - b->epoch_ms) / b->every_ms);
    return bisect(b, b->n + (slot ? slot - 1 : 0), b->n + slot + 2, t_ms);
}
