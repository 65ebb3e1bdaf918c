/* Log lines about keys of replies that get no file: one line a key, however often it comes, and at
 * most JOB_DROPPED_MAX in the life of the process. Private to the room. */
#ifndef ICE_JOB_DROPPED_H
#define ICE_JOB_DROPPED_H

#define JOB_DROPPED_MAX 256

void job_dropped_log(const char *key, const char *why);

#endif
