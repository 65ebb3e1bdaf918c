/* Events of the last second: for the throttle, and for the highest rate seen. Pure: the time is an
 * argument and never goes back. Zeroed memory is empty. */
#ifndef ICE_SIM_WINDOW_H
#define ICE_SIM_WINDOW_H

#include "base/attr.h"
#include <stddef.h>
#include <stdint.h>

#define SIM_WINDOW_MAX (1U << 17) /* events counted in one second */

struct sim_window {
    int64_t *times; /* ring; cap is 0 or a power of two */
    size_t cap, first, n;
};

/* How many events lie less than one second before now_ns. */
size_t sim_window_count(struct sim_window *w, int64_t now_ns);

/* Add one. 0, or -1 with errno ENOMEM or EFBIG. */
int sim_window_add(struct sim_window *w, int64_t now_ns) ICE_MUST_CHECK;

void sim_window_free(struct sim_window *w);

#endif
