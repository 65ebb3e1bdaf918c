/* What the service has seen, for tests to hold against what a client claims. */
#ifndef ICE_SIM_STATS_H
#define ICE_SIM_STATS_H

#include "base/buf.h"
#include "sim/map.h"
#include "sim/window.h"
#include <stdint.h>

struct sim_stats {
    uint64_t get, list, other;
    struct sim_map by_job;  /* calls of Get */
    struct sim_map refused; /* answers by error code */
    struct sim_window second;
    size_t max_per_second;
    uint64_t connections; /* accepted since the last reset */
    uint64_t open;        /* now */
    uint64_t inflight;    /* calls not yet answered in full, now */
};

void sim_stats_init(struct sim_stats *s);
void sim_stats_free(struct sim_stats *s);

/* Forget what was counted; what is open and in flight goes on. */
void sim_stats_reset(struct sim_stats *s);

/* Count a call at its arrival; `job` may be NULL. Without memory the tables miss it. */
void sim_stats_call(struct sim_stats *s, const char *action, const char *job, int64_t mono_ns);
void sim_stats_refused(struct sim_stats *s, const char *code);

/* Append as a JSON object. 0 or -1. */
int sim_stats_write(const struct sim_stats *s, struct buf *out) ICE_MUST_CHECK;

#endif
