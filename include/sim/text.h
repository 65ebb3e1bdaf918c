/* The long texts of a generated job: JSON in a string, as the service keeps it. Pure: the same seed
 * and index give the same bytes at any time. */
#ifndef ICE_SIM_TEXT_H
#define ICE_SIM_TEXT_H

#include "sim/out.h"
#include <stdint.h>

/* 1 to 5 KB for most, about 200 KB for one in 128. */
void sim_text_timeline(struct sim_out *o, uint64_t seed, uint64_t index);
void sim_text_clips_param(struct sim_out *o, uint64_t seed, uint64_t index);
/* At most 512 bytes; plain text instead of JSON for one in 20. */
void sim_text_user_data(struct sim_out *o, uint64_t seed, uint64_t index);
void sim_text_materials(struct sim_out *o, uint64_t seed, uint64_t index);

struct sim_failure {
    const char *code;
    const char *message;
    bool breaks_timeline; /* the timeline itself is at fault: it does not parse */
};

const struct sim_failure *sim_text_failure(uint64_t seed, uint64_t index);

#endif
