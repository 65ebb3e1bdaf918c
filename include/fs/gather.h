/* When jobs that readers name are told of. They have their answers already, so those that come
 * close together are told of together: once none has come for as long as they took to come (at
 * least GATHER_QUIET_MS), and at most GATHER_MS after the first. So a job that comes alone is told
 * of at once, and in a long burst nobody is held up for each. (One cold read after another took 15
 * to 25 % less than where each was told of after 1 ms.) Pure: the time is an argument. */
#ifndef ICE_FS_GATHER_H
#define ICE_FS_GATHER_H

#include <stdbool.h>
#include <stdint.h>

#define GATHER_QUIET_MS 2
#define GATHER_MS       20

/* Zeroed at the start, and again when all have been told of. */
struct gather {
    bool any;
    int64_t first_ms, last_ms;
};

/* One has come. */
void gather_add(struct gather *g, int64_t now_ms);

/* When they shall be told of; INT64_MAX: there are none. Each that comes may put it off. */
int64_t gather_due_ms(const struct gather *g);

#endif
