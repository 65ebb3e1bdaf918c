#include "fs/notifier_place.h"
#include "base/attr.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* <sys/mount.h> does not go with <linux/mount.h> before glibc 2.37. */
int mount(const char *source, const char *target, const char *type, unsigned long flags,
          const void *data);
int umount2(const char *target, int flags);
#define DETACH 2 /* MNT_DETACH */

static int write_file(const char *path, const char *text)
{
    int fd CLEANUP_FD = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
}

/* We stay who we are: the daemon answers nobody else. */
static int map_ids(uid_t uid, gid_t gid)
{
    char users[64], groups[64];
    snprintf(users, sizeof users, "%u %u 1", (unsigned)uid, (unsigned)uid);
    snprintf(groups, sizeof groups, "%u %u 1", (unsigned)gid, (unsigned)gid);
    return write_file("/proc/self/setgroups", "deny") < 0 ||
                   write_file("/proc/self/uid_map", users) < 0 ||
                   write_file("/proc/self/gid_map", groups) < 0
               ? -1
               : 0;
}

/* Leave all mounts but an empty one of our own. /proc is a directory that is there and that nobody
 * needs any more. */
static int throw_out_all_mounts(void)
{
    if (mount("none", "/proc", "tmpfs", MS_NOSUID | MS_NODEV, "size=4k") < 0 ||
        chdir("/proc") < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
        return -1;
    return umount2(".", DETACH) < 0 || chdir("/") < 0 ? -1 : 0;
}

static int move_there(const char *mountpoint)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 || map_ids(uid, gid) < 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return -1;
    int root CLEANUP_FD =
        (int)syscall(SYS_open_tree, AT_FDCWD, mountpoint, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (root < 0 || throw_out_all_mounts() < 0)
        return -1;
    return MOVE_FD(root);
}

/* There is no way back from half of it: a child tries. */
static bool may_move(const char *mountpoint)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(move_there(mountpoint) >= 0 ? 0 : 1);
    if (pid < 0)
        return false;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int notifier_place(const char *mountpoint)
{
    return may_move(mountpoint) ? move_there(mountpoint) : -1;
}
