/* Jobs that the control path made or changed. An entry stands still with exactly the fields given,
 * or (live) is laid over the generated job of the same id while that goes on living, or says that
 * the job is gone. */
#ifndef ICE_SIM_PATCHES_H
#define ICE_SIM_PATCHES_H

#include "base/buf.h"
#include "base/err.h"
#include "sim/job.h"
#include "sim/map.h"
#include <stdbool.h>
#include <stdint.h>

#define SIM_PATCHES_MAX 200000

struct sim_patch {
    char *id;
    bool gone;
    char *fields;     /* live: the JSON object to lay over; NULL: stands still */
    char *get;        /* still: the object as Get and ... */
    char *list;       /* ... as a list shows it */
    char status[16];  /* still: facts for filters */
    char project[80]; /* still */
    int64_t create_s; /* sort key: CreateTime, or the time of the PUT without one ... */
    uint64_t order;   /* ... then this: the index of a generated job, or a larger serial number */
};

/* Orders of jobs that are not generated begin here. */
#define SIM_PATCH_ORDER_BASE (UINT64_C(1) << 40)

struct sim_patches {
    struct sim_map by_id;      /* id -> index in `all` */
    struct sim_patch **all;    /* in order of making */
    struct sim_patch **sorted; /* those not gone, by (create_s, order) */
    size_t n_all, n_sorted, cap;
};

void sim_patches_clear(struct sim_patches *p);

/* NULL: the id is not patched. Borrowed. */
const struct sim_patch *sim_patches_find(const struct sim_patches *p, const char *id);

/* Lay the JSON object `json` over the job `id`; `_live` true keeps a generated job alive, `_null`
 * lists fields to show as null, a null removes. `base` is the generated job of that id or NULL. 0,
 * or -1 with `err`; nothing is changed then. */
int sim_patches_put(struct sim_patches *p, const char *id, const struct sim_job *base,
                    int64_t now_ms, const char *json, struct err *err) ICE_MUST_CHECK;

/* The job is gone. 0, or -1 with `err`. */
int sim_patches_remove(struct sim_patches *p, const char *id, struct err *err) ICE_MUST_CHECK;

/* Append the object of a patch that is not gone; a live one needs its `base`. 0 or -1 (no memory).
 */
int sim_patch_write(const struct sim_patch *patch, const struct sim_job *base, int64_t now_ms,
                    enum sim_form form, struct buf *out) ICE_MUST_CHECK;

#endif
