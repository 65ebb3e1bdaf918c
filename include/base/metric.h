/* Counters and gauges of the process, one table. Relaxed atomics: added to from any thread, read
 * without locks. */
#ifndef ICE_BASE_METRIC_H
#define ICE_BASE_METRIC_H

#include "base/buf.h"
#include <stdint.h>

/* name, type, help. The text form prefixes icejobfs_ and gives counters the suffix _total
 * (OpenMetrics 1.0). */
#define METRIC_TABLE(X)                                                                            \
    X(API_GET, "api_get", "counter", "GetMediaProducingJob calls sent")                            \
    X(API_LIST, "api_list", "counter", "ListMediaProducingJobs calls sent")                        \
    X(API_OK, "api_ok", "counter", "calls answered with data")                                     \
    X(API_NOT_FOUND, "api_not_found", "counter", "calls answered with JobNotFound")                \
    X(API_BAD_REQUEST, "api_bad_request", "counter", "calls refused as malformed")                 \
    X(API_DENIED, "api_denied", "counter", "calls refused for want of permission")                 \
    X(API_CREDENTIALS, "api_credentials", "counter", "calls refused for their credentials")        \
    X(API_CLOCK, "api_clock", "counter", "calls refused for their date")                           \
    X(API_THROTTLED, "api_throttled", "counter", "calls throttled")                                \
    X(API_TEMPORARY, "api_temporary", "counter", "calls that failed for now")                      \
    X(API_BROKEN, "api_broken", "counter", "answers that were no answers")                         \
    X(API_MS, "api_milliseconds", "counter", "time spent waiting for answers, summed")             \
    X(API_INFLIGHT, "api_inflight", "gauge", "calls under way")                                    \
    X(CREDS_RENEWED, "credentials_renewed", "counter", "times that new keys were obtained")        \
    X(CREDS_FAILED, "credentials_failed", "counter", "times that obtaining keys failed")           \
    X(JOBS, "jobs", "gauge", "jobs known")                                                         \
    X(JOBS_UNFINISHED, "jobs_unfinished", "gauge", "jobs known and not ended")                     \
    X(CACHE_HIT, "cache_hit", "counter", "reads answered from memory at once")                     \
    X(CACHE_PARKED, "cache_parked", "counter", "reads that waited for an answer")                  \
    X(CACHE_STALE, "cache_stale", "counter", "reads answered with older content")                  \
    X(CACHE_FAULT, "cache_fault", "counter", "reads answered with a fault's errno")                \
    X(CACHE_MISSING, "cache_missing", "counter", "reads answered with ENOENT")                     \
    X(CACHE_WAITERS, "cache_waiters", "gauge", "readers waiting now")                              \
    X(CACHE_LOADED, "cache_loaded", "counter", "contents brought back from the store")             \
    X(CACHE_EVICTED, "cache_evicted", "counter", "contents that left memory for the store")        \
    X(REFRESH_ROUNDS, "refresh_rounds", "counter", "rounds of the refresh begun")                  \
    X(REFRESH_GET, "refresh_get", "counter", "GetMediaProducingJob calls of the refresh's own")    \
    X(REFRESH_LAG_MS, "refresh_lag_milliseconds", "gauge",                                         \
      "age of the oldest look at an unfinished job")                                               \
    X(REFRESH_LATE_MS, "refresh_late_milliseconds", "gauge", "how long a call has been due")       \
    X(JOB_CHANGES, "job_changes", "counter", "replies that changed a job")                         \
    X(FS_LOOKUP, "fs_lookup", "counter", "FUSE LOOKUP requests")                                   \
    X(FS_GETATTR, "fs_getattr", "counter", "FUSE GETATTR requests")                                \
    X(FS_OPEN, "fs_open", "counter", "FUSE OPEN and OPENDIR requests")                             \
    X(FS_READ, "fs_read", "counter", "FUSE READ requests")                                         \
    X(FS_FILLED, "fs_filled", "counter", "files whose pages were given with the answer to OPEN")   \
    X(FS_READDIR, "fs_readdir", "counter", "FUSE READDIR and READDIRPLUS requests")                \
    X(FS_XATTR, "fs_xattr", "counter", "FUSE GETXATTR and LISTXATTR requests")                     \
    X(FS_SPIN_HITS, "fs_spin_hits", "counter", "requests that came while a worker waited awake")   \
    X(FS_SPIN_MISSES, "fs_spin_misses", "counter", "times that it waited awake for nothing")       \
    X(FS_INTERRUPTED, "fs_interrupted", "counter", "waiting requests ended by a signal")           \
    X(FS_NOTIFIED, "fs_notified", "counter", "operations that the notifier did")                   \
    X(FS_NOT_NOTIFIED, "fs_not_notified", "counter", "operations that the notifier failed to do")  \
    X(FS_INVALIDATED, "fs_invalidated", "counter", "inodes and names invalidated in the kernel")   \
    X(FS_TSV_MADE, "fs_tsv_made", "counter", "times that jobs.tsv was made")

enum metric {
#define METRIC_ENUM(id, name, type, help) METRIC_##id,
    METRIC_TABLE(METRIC_ENUM)
#undef METRIC_ENUM
        METRIC_COUNT
};

void metric_add(enum metric m, int64_t n);
void metric_set(enum metric m, int64_t value);
int64_t metric_get(enum metric m);

/* The whole table as OpenMetrics text, "# EOF" included. 0, or -1 (errno of buf_add). */
int metric_render(struct buf *out) ICE_MUST_CHECK;

#endif
