/* User mode: fusermount3 (or mount(2), for root without the newer calls) mounts; the daemon refuses
 * every change itself. A superblock mounted `ro` would refuse the notifier too, so it is not. */
#include "base/log.h"
#include "fs/fs_private.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

int mount_user(struct fs *fs, struct err *err)
{
    if (fuse_session_mount(fs->session, fs->config.mountpoint) != 0)
        return err_set(err,
                       "cannot mount on %s: see the line above; `icejobfs doctor` checks "
                       "/dev/fuse, fusermount3 and "
                       "/etc/fuse.conf",
                       fs->config.mountpoint);
    fs->mounted = true;
    fs->mount_id = mountinfo_top(fs->config.mountpoint, NULL);
    return session_set_io(fs->session, fuse_session_fd(fs->session), err);
}

void mount_undo(struct fs *fs)
{
    int clone = MOVE_FD(fs->private_fd);
    if (clone >= 0)
        close(clone);
    /* Only our own mount, and only while it is the one on top. */
    if (fs->mounted && mountinfo_top(fs->config.mountpoint, NULL) == fs->mount_id &&
        unmount_lazily(fs->config.mountpoint) < 0)
        log_warn("cannot unmount path=%s error=%s", fs->config.mountpoint, strerror(errno));
    fs->mounted = false;
}
