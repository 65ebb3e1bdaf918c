/* What is kept in memory of every known job, whether its content is there or in the store: enough
 * to list it, to show its directory and its links, and to plan its refresh. Immutable, counted, one
 * allocation. */
#ifndef ICE_JOB_FACTS_H
#define ICE_JOB_FACTS_H

#include "base/attr.h"
#include "job/job.h"
#include <stdbool.h>
#include <stdint.h>

#define JOB_NO_TIME INT64_MIN

struct job_facts {
    const char *id;
    const char *project; /* ProjectId, "" for none */
    int64_t create_s;    /* CreateTime in seconds since 1970, JOB_NO_TIME: none that can be read */
    int64_t mtime_ns;    /* as job_mtime_ns, job_ctime_ns */
    int64_t ctime_ns;
    uint32_t row_len; /* bytes of its line in jobs.tsv (job/row.h) */
    uint8_t status;   /* enum job_status */
    bool partial;     /* as job_partial */
    bool duration;    /* it has one */
};

/* A copy of what `from` says, reference for the caller; NULL without memory. */
struct job_facts *job_facts_new(const struct job_facts *from);
struct job_facts *job_facts_ref(const struct job_facts *f);
void job_facts_unref(const struct job_facts *f); /* NULL is nothing */

static inline bool job_facts_final(const struct job_facts *f)
{
    return job_status_final((enum job_status)f->status);
}

/* Those of a snapshot; borrowed, as long as it lives. */
const struct job_facts *job_facts_of(const struct job *j);

#endif
