/* The way to the background.
 *
 *   started process ── fork ──> daemon: new session, / as its directory, stdin from /dev/null
 *        │  waits on a pipe        │  mounts; its messages still go to the user's stderr
 *        │ <──── one byte ─────────│  DAEMON_READY once the mount answers, else DAEMON_FAILED
 *        └ exits with it           └ stdout and stderr to /dev/null, log to syslog
 *
 * The fork comes before any thread. */
#ifndef ICE_CLI_DAEMON_H
#define ICE_CLI_DAEMON_H

#include "base/err.h"
#include <stdint.h>
#include <sys/types.h>

#define DAEMON_START_MS 60000 /* the longest that a start may take */

enum daemon_verdict {
    DAEMON_READY = 0,
    DAEMON_FAILED = 1, /* it has said why on stderr */
};

enum daemon_side { DAEMON_CHILD, DAEMON_PARENT };

/* Fork. In the child `*link` is where the verdict goes; in the parent it is where it comes from,
 * and `*child` is set. 0 or -1. */
int daemon_fork(enum daemon_side *side, int *link, pid_t *child, struct err *err);

/* The parent: wait for the verdict. The verdict, or -1 with `err` when the daemon ended without one
 * or `timeout_ms` have passed (it is then told to end). */
int daemon_wait(int link, pid_t child, int64_t timeout_ms, struct err *err);

/* The child: give the verdict and close `*link` (-1: in front, nothing to do). DAEMON_READY also
 * lets go of the user's terminal and turns the log to syslog. 0, or -1 when the parent is gone:
 * whoever started it no longer wants it. */
int daemon_tell(int *link, enum daemon_verdict verdict, struct err *err);

#endif
