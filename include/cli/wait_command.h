/* `icejobfs wait [--timeout TIME] JOBDIR...`: block until the jobs have ended.
 *
 * Works on any mount of ours, needs no credentials and asks nobody: the status files are watched
 * with inotify. Nothing on the mount is held open meanwhile, so it can be unmounted. */
#ifndef ICE_CLI_WAIT_COMMAND_H
#define ICE_CLI_WAIT_COMMAND_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wait_options {
    bool help;
    int64_t timeout_ms; /* INT64_MAX: none given */
    char **dirs;        /* point into the arguments */
    size_t n_dirs;
};

/* `argv[0]` is "wait". 0, or -1 with `err` (a usage error). Reorders `argv`. Not thread-safe
 * (getopt). */
int wait_command_parse(int argc, char **argv, struct wait_options *out, struct err *err);

/* Whether a path is on a FUSE file system that answers. 0, or -1 with `err`. */
int wait_command_check(const char *dir, struct err *err);

/* The command. Returns its exit status. */
int wait_command_run(int argc, char **argv);

#endif
