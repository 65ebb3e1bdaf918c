/* Having the notifier do what users shall see, at a pace that watchers can follow. The updater's
 * thread alone. */
#ifndef ICE_FS_TELL_H
#define ICE_FS_TELL_H

#include "fs/notifier.h"
#include <stdbool.h>

struct fs;

/* false: it was not done, and nobody was told; then it is for the caller to do it silently. */
bool tell(struct fs *fs, enum notify_op op, const char *path, const char *other);

/* A path below the root of the mount. */
struct tell_path {
    char text[NOTIFY_PATH_MAX];
};
struct tell_path tell_path(const char *dir, const char *name,
                           const char *leaf); /* leaf may be NULL */

#endif
