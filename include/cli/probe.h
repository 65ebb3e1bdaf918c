/* One call to the service, waited for: before the mount's threads run, and in doctor. The calling
 * thread pumps the HTTP engine meanwhile. */
#ifndef ICE_CLI_PROBE_H
#define ICE_CLI_PROBE_H

#include "api/errors.h"
#include "base/err.h"
#include <stdint.h>

struct http;
struct ice;

/* What it came to (api/ice.h). */
struct probe {
    enum api_class class;
    enum api_net net;
    int status;
    char code[128];
    char request_id[64];
    int64_t took_ms;
    struct err error; /* one line, redacted */
};

/* GetMediaProducingJob of `job_id`, or with NULL ListMediaProducingJobs of one job. Returns within
 * `timeout_ms` (and a second, should the engine itself be late). 0, or -1 with `err` when nothing
 * could be asked. */
int probe_call(struct http *http, struct ice *ice, const char *job_id, int64_t timeout_ms,
               struct probe *out, struct err *err);

#endif
