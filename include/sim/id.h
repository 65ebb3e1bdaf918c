/* Ids of 32 lower-case hex digits that look random and yet give their index back: a keyed
 * permutation of 128 bits. So a job is found by its id without a table of all jobs. */
#ifndef ICE_SIM_ID_H
#define ICE_SIM_ID_H

#include <stdbool.h>
#include <stdint.h>

#define SIM_ID_LEN 33 /* with the NUL */

enum sim_id_kind {
    SIM_ID_JOB = 1,
    SIM_ID_PROJECT,
    SIM_ID_MEDIA,
    SIM_ID_TEMPLATE,
    SIM_ID_VOD,
    SIM_ID_MASTER,
    SIM_ID_MATERIAL
};

void sim_id_make(uint64_t seed, enum sim_id_kind kind, uint64_t index, char out[SIM_ID_LEN]);

/* false: not an id of this seed and kind. */
bool sim_id_index(uint64_t seed, enum sim_id_kind kind, const char *id, uint64_t *index);

#endif
