/* What a request tells before it is looked into: whether it is answered within microseconds, and
 * who asks. */
#ifndef ICE_FS_QUICK_H
#define ICE_FS_QUICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `request`: as read from /dev/fuse. true for what concerns one job, for the steps of a path, and
 * for what has no answer; false for what may take its time (listings, files made of all jobs) and
 * for what nobody has thought of. */
bool request_is_quick(const void *request, size_t len);

/* The thread that asks; 0: none (the kernel by itself), or no request. */
uint32_t request_asker(const void *request, size_t len);

#endif
