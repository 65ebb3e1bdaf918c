/* The notifier: a separate process of ours that does the file operations whose events users see.
 *
 * The kernel fires inotify for what somebody does through the mount, never for what a FUSE server
 * changes by itself. So the daemon asks this process to open, write a byte and close (a doorbell),
 * to create, remove, link and rename; the daemon recognises it by its thread id and acknowledges
 * without looking at the data.
 *
 * It must be a process: a thread of the daemon that waits in a request of its own daemon cannot be
 * killed, and keeps the connection alive. It is exec'd, so /dev/fuse (O_CLOEXEC) is not in it. In
 * system mode it works below the private, detached mount; in user mode below a clone of its own
 * (fs/notifier_place.h) or, where that is forbidden, by absolute paths, opened anew each time, for
 * a kept descriptor would make umount busy. */
#ifndef ICE_FS_NOTIFIER_H
#define ICE_FS_NOTIFIER_H

#include <limits.h>
#include <stdint.h>

enum notify_op {
    NOTIFY_RING,    /* open for writing, write other's first byte, close: OPEN MODIFY CLOSE_WRITE */
    NOTIFY_CREATE,  /* create, write one byte, close: CREATE OPEN MODIFY CLOSE_WRITE */
    NOTIFY_UNLINK,  /* DELETE */
    NOTIFY_MKDIR,   /* CREATE|ISDIR */
    NOTIFY_RMDIR,   /* DELETE|ISDIR */
    NOTIFY_SYMLINK, /* path -> other: CREATE */
    NOTIFY_RENAME,  /* path -> other: MOVED_FROM, MOVED_TO */
};

#define NOTIFY_PATH_MAX 512

/* One datagram each way on a SOCK_SEQPACKET pair. Paths are relative to the root of the mount. */
struct notify_request {
    uint32_t sequence;
    uint32_t op; /* enum notify_op */
    char path[NOTIFY_PATH_MAX];
    char other[NOTIFY_PATH_MAX];
};

struct notify_reply {
    uint32_t sequence;
    int32_t error; /* 0 or errno */
};

/* The descriptors that the process is started with; the arguments are `--notifier`, the mount
 * point ("" in system mode) and the daemon's process id. */
#define NOTIFIER_SOCKET_FD 3
#define NOTIFIER_ROOT_FD   4 /* system mode only */

/* main of the process: serve until the socket closes or the daemon ends. `mountpoint` "": work
 * below NOTIFIER_ROOT_FD. Does not return. */
int notifier_main(const char *mountpoint, const char *daemon);

#endif
