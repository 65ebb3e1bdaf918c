/* What the program that is killed tells of itself, and who checks what it left. */
#ifndef CRASH_SEEN_H
#define CRASH_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#define CRASH_JOBS     200 /* that change all the time */
#define CRASH_FINISHED 400 /* that come, are finished, and leave memory */

/* A reader has seen this version of a job; one write into the pipe. */
struct seen {
    uint32_t job;
    uint32_t wrong; /* what came back from the store was not what was put there */
    uint64_t version;
    uint64_t number; /* of an event */
    int64_t mono_ms;
};

/* The id of a job. Static memory, by thread. */
const char *crash_id(uint32_t job);

/* Change jobs, from this version on, and tell on `out` what readers see, until killed. `keep`:
 * with a keeper's thread; without one nothing is saved. Does not return. */
void crash_child(const char *path, uint64_t version, bool keep, int out) __attribute__((noreturn));

/* What is on the disk: versions[job], 0 for none. A database that does not open, or that is
 * damaged, gives false, with one line on stderr. */
bool crash_versions(const char *path, uint64_t *versions);

#endif
