#include "job/dropped.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/thread.h"
#include <stdbool.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* protects the two below */
static uint64_t seen[JOB_DROPPED_MAX];
static size_t n_seen;

/* Whether it is new; remembers it. */
static bool first_time(uint64_t hash)
{
    LOCK_SCOPE(&lock);
    for (size_t i = 0; i < n_seen; i++)
        if (seen[i] == hash)
            return false;
    if (n_seen == JOB_DROPPED_MAX)
        return false;
    seen[n_seen++] = hash;
    return true;
}

void job_dropped_log(const char *key, const char *why)
{
    if (first_time(hash_text(key)))
        log_warn("a key of a job gets no file: key=\"%.64s\" why=\"%s\"", key, why);
}
