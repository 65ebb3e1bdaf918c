/* All jobs of the simulated region: the generated ones, under the patches of the control path. */
#ifndef ICE_SIM_WORLD_H
#define ICE_SIM_WORLD_H

#include "sim/births.h"
#include "sim/patches.h"

/* The service forgets a job after a year. */
#define SIM_KEEP_MS (INT64_C(365) * 86400000)

struct sim_world {
    struct sim_births births;
    struct sim_patches patches;
};

/* The generated job of that id, born and not forgotten at now_ms; whether it is patched or not. */
bool sim_world_generated(const struct sim_world *w, const char *id, int64_t now_ms,
                         struct sim_job *job);

/* Append the job's object. 1, 0 when there is no such job, -1 without memory. */
int sim_world_get(const struct sim_world *w, const char *id, int64_t now_ms, enum sim_form form,
                  struct buf *out) ICE_MUST_CHECK;

#endif
