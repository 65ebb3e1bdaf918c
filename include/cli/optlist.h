/* The text after -o: NAME[=VALUE],... as mount(8), fstab and people write it. */
#ifndef ICE_CLI_OPTLIST_H
#define ICE_CLI_OPTLIST_H

#include "base/err.h"
#include <stdbool.h>

struct options;

/* Set each option of the list (commas separate; `\,` is a comma and `\\` a backslash in a value;
 * empty items count for nothing). mount(8)'s own options are skipped, unknown ones refused, unless
 * `sloppy` (mount(8) -s). 0 or -1. */
int optlist_apply(struct options *o, const char *list, const char *cwd, bool sloppy,
                  struct err *err);

/* Whether an option is one of mount(8)'s own, which say nothing to us (`_netdev`, `x-*`, `dev`).
 * `ro` and `rw` are among them: the tree is read-only in any case. */
bool optlist_ignored(const char *name);

#endif
