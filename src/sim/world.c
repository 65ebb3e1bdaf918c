#include "sim/world.h"

bool sim_world_generated(const struct sim_world *w, const char *id, int64_t now_ms,
                         struct sim_job *job)
{
    uint64_t index;
    if (!sim_id_index(w->births.seed, SIM_ID_JOB, id, &index))
        return false;
    if (index >= sim_births_until(&w->births, now_ms))
        return false;
    *job = (struct sim_job){w->births.seed, index, sim_birth_ms(&w->births, index)};
    return now_ms - job->born_ms <= SIM_KEEP_MS;
}

int sim_world_get(const struct sim_world *w, const char *id, int64_t now_ms, enum sim_form form,
                  struct buf *out)
{
    struct sim_job job;
    bool generated = sim_world_generated(w, id, now_ms, &job);
    const struct sim_patch *patch = sim_patches_find(&w->patches, id);
    if (patch ? patch->gone || (patch->fields && !generated) : !generated)
        return 0;
    int rc = patch ? sim_patch_write(patch, generated ? &job : NULL, now_ms, form, out)
                   : sim_job_write(&job, now_ms, form, out);
    return rc < 0 ? -1 : 1;
}
