/* Simulated time: starts at the wall clock's time and runs at its own speed. Pure: the monotonic
 * clock is an argument. */
#ifndef ICE_SIM_CLOCK_H
#define ICE_SIM_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define SIM_SPEED_MAX 1e6

struct sim_clock {
    int64_t sim_ms;  /* simulated time ... */
    int64_t mono_ns; /* ... at this monotonic time */
    double speed;
    bool frozen;
};

int64_t sim_clock_ms(const struct sim_clock *c, int64_t mono_ns);

/* These take effect from mono_ns on and never turn time back. */
void sim_clock_advance(struct sim_clock *c, int64_t mono_ns, int64_t ms);
void sim_clock_set(struct sim_clock *c, int64_t mono_ns, double speed, bool frozen);

#endif
