#include "fs/gather.h"
#include "base/clock.h"

void gather_add(struct gather *g, int64_t now_ms)
{
    if (!g->any)
        g->first_ms = now_ms;
    g->last_ms = now_ms;
    g->any = true;
}

int64_t gather_due_ms(const struct gather *g)
{
    int64_t quiet_ms = time_max(GATHER_QUIET_MS, g->last_ms - g->first_ms);
    return g->any ? time_min(g->last_ms + quiet_ms, g->first_ms + GATHER_MS) : INT64_MAX;
}
