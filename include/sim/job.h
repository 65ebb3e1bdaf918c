/* A generated job as the service shows it. Pure. */
#ifndef ICE_SIM_JOB_H
#define ICE_SIM_JOB_H

#include "base/buf.h"
#include "sim/id.h"
#include <stdbool.h>
#include <stdint.h>

/* Which operation asks: a list's items lack Timeline, Progress, SubJobMaterials and VodMediaId. */
enum sim_form { SIM_FORM_GET, SIM_FORM_LIST };

struct sim_job {
    uint64_t seed;
    uint64_t index;
    int64_t born_ms;
};

/* Append the job's object at that time, `{"JobId":...}`. 0 or -1 (errno of buf_add). */
int sim_job_write(const struct sim_job *job, int64_t now_ms, enum sim_form form,
                  struct buf *out) ICE_MUST_CHECK;

/* What lists filter by. */
const char *sim_job_type(const struct sim_job *job); /* EditingJob, VETemplateJob, LiveEditingJob */
bool sim_job_project(const struct sim_job *job, char out[SIM_ID_LEN]); /* false: has none */
bool sim_job_master(const struct sim_job *job, char out[SIM_ID_LEN]);  /* false: of no batch */

/* Whether the word occurs in the job's ids or user data. 1, 0, or -1 without memory. */
int sim_job_has_word(const struct sim_job *job, const char *word);

#endif
