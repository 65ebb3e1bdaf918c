/* One job as its directory shows it. */
#ifndef ICE_CLI_WAIT_JOB_H
#define ICE_CLI_WAIT_JOB_H

#include "base/buf.h"
#include "base/err.h"

enum wait_look {
    WAIT_LOOK_RUNNING,
    WAIT_LOOK_SUCCESS,
    WAIT_LOOK_FAILED,
    WAIT_LOOK_LATER,  /* a fault that may pass; `err` */
    WAIT_LOOK_NO_JOB, /* it will not become a job; `err` */
};

/* Read the job's status, and when it has ended append its line to `line`. Waits as long as the
 * files make a reader wait; a signal may end it (WAIT_LOOK_LATER, errno EINTR). */
enum wait_look wait_job_look(const char *dir, struct buf *line, struct err *err);

/* Whether a failed call on a mount may do better in a while. */
bool wait_job_may_pass(int error);

/* Why a call on a mount failed. */
const char *wait_job_reason(int error);

#define WAIT_LINE_MAX ((size_t)64 << 10)

#endif
