/* Whether a mount answers. */
#ifndef ICE_CLI_ALIVE_H
#define ICE_CLI_ALIVE_H

#include "base/err.h"
#include <stdint.h>

/* Wait until stat(2) of `mountpoint` (absolute) succeeds and shows another file system than its
 * parent's. A process of its own asks: the daemon must never wait for itself. 0; 1 when no mount is
 * there (any more); or -1 with `err`, also when there is no answer within `timeout_ms`. */
int alive_wait(const char *mountpoint, int64_t timeout_ms, struct err *err);

#endif
