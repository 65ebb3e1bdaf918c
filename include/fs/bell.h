/* The daemon's side of the notifier: start it, ask it, and start it anew when it has died or hangs.
 *
 * All by one thread (the updater); bell_is_notifier and bell_retire from any. */
#ifndef ICE_FS_BELL_H
#define ICE_FS_BELL_H

#include "base/err.h"
#include "fs/notifier.h"
#include <stdbool.h>
#include <sys/types.h>

struct bell;

/* `mountpoint`: user mode's; NULL: system mode, below `root_fd`, which is borrowed until bell_free.
 * Starts nothing. */
struct bell *bell_new(const char *mountpoint, int root_fd, struct err *err);

/* Ask for one operation and wait for it, at most five seconds. 0, or an errno: what the operation
 * gave; EIO when the notifier died or hung (it is killed; the next call starts another, at most one
 * a second). */
int bell_do(struct bell *b, enum notify_op op, const char *path, const char *other);

/* Whether a request comes from the notifier: FUSE gives the thread id of the caller, and it has one
 * thread. */
bool bell_is_notifier(const struct bell *b, pid_t caller);

/* Its process id, 0 while there is none. */
pid_t bell_pid(const struct bell *b);

/* End the notifier for good: bell_do gives EIO from now on. Any thread; a call under way gets EIO.
 * NULL is nothing. */
void bell_retire(struct bell *b);

/* End the notifier and wait for its end, by the thread that asks it or after that thread. Requests
 * must still be served meanwhile: one of its own may be waiting. bell_is_notifier goes on working.
 * NULL is nothing. */
void bell_stop(struct bell *b);

/* After the last request. NULL is nothing. */
void bell_free(struct bell *b);

#endif
