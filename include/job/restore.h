/* A snapshot put away and made again, times and all. */
#ifndef ICE_JOB_RESTORE_H
#define ICE_JOB_RESTORE_H

#include "base/buf.h"
#include "base/err.h"
#include "job/job.h"

/* What has to be kept of a snapshot. All of it points into the snapshot, but `times`. */
struct job_record {
    const char *id;
    const char *body; /* job.json */
    size_t len;
    const char *times; /* of the fields whose times are not the version's; "" for none. Text, one
                          line a pair of times: mtime_ns SP ctime_ns (SP name)+ LF */
    int64_t mtime_ns;  /* the version's */
    int64_t ctime_ns;
    bool partial;
};

/* `times` is filled and stays the owner of r->times. 0, or -1 (errno of buf_add). */
int job_record(const struct job *j, struct buf *times, struct job_record *r) ICE_MUST_CHECK;

/* The same snapshot as was recorded: every content and every time. NULL with `err`: `body` is no
 * reply of this job, `times` makes no sense, no memory. */
struct job *job_restore(const struct job_record *r, struct err *err);

#endif
