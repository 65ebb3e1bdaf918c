/* Which requests are answered within microseconds. */
#ifndef ICE_FS_QUICK_H
#define ICE_FS_QUICK_H

#include <stdbool.h>
#include <stddef.h>

/* `request`: as read from /dev/fuse. true for what concerns one job, for the steps of a path, and
 * for what has no answer; false for what may take its time (listings, files made of all jobs) and
 * for what nobody has thought of. */
bool request_is_quick(const void *request, size_t len);

#endif
