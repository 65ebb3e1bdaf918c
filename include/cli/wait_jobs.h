/* Waiting for jobs to end, by inotify on the files of their directories. */
#ifndef ICE_CLI_WAIT_JOBS_H
#define ICE_CLI_WAIT_JOBS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum wait_exit {
    WAIT_EXIT_SUCCESS = 0, /* all Success */
    WAIT_EXIT_FAILED = 1,  /* one Failed at least */
    WAIT_EXIT_REFUSED = 2, /* misuse, an unknown job, a mount that went away */
    WAIT_EXIT_TIMEOUT = 124,
    WAIT_EXIT_INTERRUPTED = 130,
};

/* Wait for the jobs in these directories until `deadline_ms` (clock_mono_ms). Each that ends gets a
 * line on `out`, "<JobId>\tSuccess" or "<JobId>\tFailed\t<code>\t<message>"; what goes wrong, one
 * on `complaints`. Any directory with the files `status` and `job_id` will do. */
enum wait_exit wait_jobs_run(char *const *dirs, size_t n, int64_t deadline_ms, FILE *out,
                             FILE *complaints);

#endif
