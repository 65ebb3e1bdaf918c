/* When each generated job is born: a function that never decreases with the index, so that lists
 * and time ranges need no sorting. */
#ifndef ICE_SIM_BIRTHS_H
#define ICE_SIM_BIRTHS_H

#include <stdint.h>

struct sim_births {
    uint64_t seed;
    uint64_t n;       /* jobs that exist at the epoch; with 0 none is ever born */
    int64_t epoch_ms; /* start of simulated time, milliseconds since 1970 */
    int64_t span_ms;  /* age of the oldest at the epoch; most are much younger */
    int64_t every_ms; /* one birth in each such interval after the epoch; 0: none */
};

/* Milliseconds since 1970. */
int64_t sim_birth_ms(const struct sim_births *b, uint64_t index);

/* How many are born at t_ms or before: their indexes are 0 to that number less one. */
uint64_t sim_births_until(const struct sim_births *b, int64_t t_ms);

#endif
