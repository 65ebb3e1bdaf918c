/* What there is to see in the demo: its first jobs are named by us, as a reader would name them. */
#ifndef ICE_CLI_DEMO_JOBS_H
#define ICE_CLI_DEMO_JOBS_H

#include "base/err.h"

struct cache;
struct http;
struct ice;

/* List the simulated jobs and get each of the first hundred into the cache. The calling thread
 * pumps `http`; before the mount's threads run; at most five seconds. 0, or -1 with `err`. */
int demo_name_jobs(struct http *http, struct ice *ice, struct cache *cache, struct err *err);

#endif
