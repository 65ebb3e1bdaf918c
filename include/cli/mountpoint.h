/* The mount point as the user named it -> absolute path of an existing directory. */
#ifndef ICE_CLI_MOUNTPOINT_H
#define ICE_CLI_MOUNTPOINT_H

#include "base/err.h"

/* malloc'ed, without symbolic links, or NULL with `err`. A dead mount (ENOTCONN) is fine: mounting
 * takes it away. */
char *mountpoint_resolve(const char *path, struct err *err);

#endif
