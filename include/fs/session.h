/* The mount: made in one of two ways, served, and taken down.
 *
 * System mode (root): fsopen(2) and friends give users a read-only mount, and keep a private,
 * detached, writable one of the same superblock for the notifier. User mode: fusermount3 mounts,
 * and the daemon itself refuses every change with EROFS. Where root lacks the mount calls, user
 * mode's way serves, and the log says so. */
#ifndef ICE_FS_SESSION_H
#define ICE_FS_SESSION_H

#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct cache;
struct keeper;
struct live;
struct fs;

struct fs_config {
    const char *source; /* shown by mount(8) and findmnt */
    const char *mountpoint;
    struct cache *cache;   /* borrowed until fs_free */
    struct live *live;     /* for health.json; may be NULL */
    struct keeper *keeper; /* for health.json; may be NULL */
    int64_t timeout_ms;
    bool notify; /* changes fire inotify, through the notifier; false: they are shown silently */
    /* Numbers of events (fs/events.h): the first one, 0 for the clock's; told of each that was
     * used.
     */
    uint64_t first_event;
    void (*event_used)(void *arg, uint64_t number);
    void *event_used_arg;
    uid_t uid;
    gid_t gid;
    mode_t umask; /* of files: 0444 & ~umask, of directories 0555 & ~umask */
    bool allow_other;
    /* The kernel opens files without asking (src/fs/bare.c). System mode only: fs_mount fails in
     * the other. */
    bool fastcache;
    bool debug; /* libfuse's own debug lines */
};

/* Before any job is known to the cache, restored ones included. */
void fs_prepare_cache(struct cache *cache);

/* Mount. A dead mount of ours on the mount point (ENOTCONN) is taken away first. No threads yet.
 * NULL with `err`. */
struct fs *fs_mount(const struct fs_config *config, struct err *err);

/* Start the workers and the updater; the mount answers from now on. 0 or -1. */
int fs_start(struct fs *fs, struct err *err);

/* Block until the mount is gone (umount), the connection is aborted, or `stop_fd` (a signalfd or
 * eventfd) is readable. Returns 0 for those, -1 with `err` if serving broke. */
int fs_wait(struct fs *fs, int stop_fd, struct err *err);

/* The kernel's own limit for a request (sysctl fs.fuse.*_request_timeout, Linux 6.14) in
 * milliseconds, 0: none. It aborts the whole mount when a request stays open for longer, so
 * `timeout` must stay well below. */
int64_t fs_kernel_limit_ms(void);

/* Answer whoever waits, unmount if still mounted, stop and join the threads, free. Leaves nothing
 * behind. */
void fs_free(struct fs *fs);

#endif
