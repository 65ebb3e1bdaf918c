/* The life of a generated job as a pure function of seed, index, birth and time. */
#ifndef ICE_SIM_LIFE_H
#define ICE_SIM_LIFE_H

#include <stdbool.h>
#include <stdint.h>

enum sim_status {
    SIM_STATUS_INIT,
    SIM_STATUS_QUEUING,
    SIM_STATUS_PROCESSING,
    SIM_STATUS_SUCCESS,
    SIM_STATUS_FAILED
};

/* "Init", "Queuing", ... */
const char *sim_status_name(enum sim_status status);

/* No job lives longer than this from birth to its last change. */
#define SIM_LIFE_MAX_MS INT64_C(300000)

struct sim_moment {
    enum sim_status status;
    int progress;        /* never decreases; 100 exactly for a success */
    int64_t modified_ms; /* never decreases, never later than now */
    int64_t complete_ms; /* 0 until the end */
    bool has_duration;   /* successes only; late for some */
};

struct sim_moment sim_life_at(uint64_t seed, uint64_t index, int64_t born_ms, int64_t now_ms);

#endif
