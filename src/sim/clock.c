#include "sim/clock.h"
#include "base/clock.h"

int64_t sim_clock_ms(const struct sim_clock *c, int64_t mono_ns)
{
    if (c->frozen || mono_ns <= c->mono_ns)
        return c->sim_ms;
    return c->sim_ms + (int64_t)((double)(mono_ns - c->mono_ns) / (double)NS_PER_MS * c->speed);
}

/* From here on time is counted afresh. */
static void rebase(struct sim_clock *c, int64_t mono_ns)
{
    c->sim_ms = sim_clock_ms(c, mono_ns);
    c->mono_ns = mono_ns;
}

void sim_clock_advance(struct sim_clock *c, int64_t mono_ns, int64_t ms)
{
    rebase(c, mono_ns);
    c->sim_ms += ms;
}

void sim_clock_set(struct sim_clock *c, int64_t mono_ns, double speed, bool frozen)
{
    rebase(c, mono_ns);
    c->speed = speed;
    c->frozen = frozen;
}
