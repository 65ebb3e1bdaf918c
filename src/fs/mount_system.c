/* System mode: users get a mount that the kernel itself keeps read-only; a private clone of it,
 * detached, writable and reachable by no path, is for the notifier. Measured order: fsopen,
 * fsconfig, fsmount read-only, move_mount, then open_tree(CLONE) and mount_setattr clearing
 * read-only on the clone (mount_setattr(2), fsopen(2)). */
#include "fs/fs_private.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* By number: glibc has wrappers only from 2.36 on, and its <sys/mount.h> does not go with
 * <linux/mount.h> before 2.37. */
static int sys_fsopen(const char *type, unsigned flags)
{
    return (int)syscall(SYS_fsopen, type, flags);
}

static int sys_fsconfig(int fd, unsigned cmd, const char *key, const char *value)
{
    return (int)syscall(SYS_fsconfig, fd, cmd, key, value, 0);
}

static int sys_fsmount(int fd, unsigned flags, unsigned attr)
{
    return (int)syscall(SYS_fsmount, fd, flags, attr);
}

static int sys_move_mount(int from, const char *to)
{
    return (int)syscall(SYS_move_mount, from, "", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH);
}

static int sys_clone_tree(int fd)
{
    return (int)syscall(SYS_open_tree, fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

static int sys_clear_attr(int fd, uint64_t attr)
{
    struct mount_attr change = {.attr_clr = attr};
    return (int)syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &change, sizeof change);
}

/* The kernel or the container does not have the call: another way serves. */
static int no_call(struct err *err, const char *call)
{
    int error = errno;
    err_set(err, "%s: %s", call, strerror(error));
    return error == ENOSYS || error == EPERM || error == EOPNOTSUPP || error == EINVAL ? 1 : -1;
}

static int set_number(int context, const char *key, unsigned long value)
{
    char text[24];
    snprintf(text, sizeof text, "%lu", value);
    return sys_fsconfig(context, FSCONFIG_SET_STRING, key, text);
}

static int configure(struct fs *fs, int context, int device)
{
    if (sys_fsconfig(context, FSCONFIG_SET_STRING, "source", fs->config.source) < 0 ||
        sys_fsconfig(context, FSCONFIG_SET_STRING, "subtype", "icejobfs") < 0 ||
        set_number(context, "fd", (unsigned long)device) < 0 ||
        sys_fsconfig(context, FSCONFIG_SET_STRING, "rootmode", "40000") < 0 ||
        set_number(context, "user_id", geteuid()) < 0 ||
        set_number(context, "group_id", getegid()) < 0 ||
        sys_fsconfig(context, FSCONFIG_SET_FLAG, "default_permissions", NULL) < 0)
        return -1;
    if (fs->config.allow_other && sys_fsconfig(context, FSCONFIG_SET_FLAG, "allow_other", NULL) < 0)
        return -1;
    return sys_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL);
}

/* The id of a mount that is held open. */
static int id_of(int mount)
{
    char path[64], line[128];
    int id = -1;
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", mount);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "mnt_id: %d", &id) == 1)
            break;
    if (f)
        fclose(f);
    return id;
}

/* Attach for users, then keep the clone. Neither `mount` nor the context stays open: they would
 * make umount busy. */
static int attach(struct fs *fs, int mount, struct err *err)
{
    if (sys_move_mount(mount, fs->config.mountpoint) < 0)
        return err_set(err, "cannot mount on %s: %s", fs->config.mountpoint, strerror(errno));
    fs->mounted = true;
    fs->mount_id = id_of(mount);
    fs->private_fd = sys_clone_tree(mount);
    if (fs->private_fd < 0)
        return no_call(err, "open_tree");
    return sys_clear_attr(fs->private_fd, MOUNT_ATTR_RDONLY) < 0 ? no_call(err, "mount_setattr")
                                                                 : 0;
}

static int make_mount(struct fs *fs, int device, struct err *err)
{
    int context CLEANUP_FD = sys_fsopen("fuse", FSOPEN_CLOEXEC);
    if (context < 0)
        return no_call(err, "fsopen");
    if (configure(fs, context, device) < 0)
        return no_call(err, "fsconfig");
    int mount CLEANUP_FD = sys_fsmount(context, FSMOUNT_CLOEXEC,
                                       MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    if (mount < 0)
        return no_call(err, "fsmount");
    return attach(fs, mount, err);
}

int mount_system(struct fs *fs, struct err *err)
{
    int device CLEANUP_FD = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (device < 0)
        return err_set(err,
                       "cannot open /dev/fuse: %s; is the fuse module loaded (`modprobe fuse`)?",
                       strerror(errno));
    int rc = make_mount(fs, device, err);
    if (rc != 0) {
        mount_undo(fs);
        return rc;
    }
    return session_set_io(fs->session, MOVE_FD(device), err);
}
