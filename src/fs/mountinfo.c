/* /proc/self/mountinfo (proc_pid_mountinfo(5)), and the state of a mount point before it is used.
 */
#include "base/log.h"
#include "fs/fs_private.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define TYPE_MAX 64

struct row {
    int id;
    unsigned major, minor;
    char path[4096];
    char type[TYPE_MAX];
};

/* Blanks, tabs, line feeds and backslashes of a path are written as \ooo. */
static void unescape(char *text)
{
    char *out = text;
    for (const char *in = text; *in; in++) {
        unsigned code;
        if (in[0] == '\\' && sscanf(in + 1, "%3o", &code) == 1 && strlen(in) >= 4) {
            *out++ = (char)code;
            in += 3;
        } else {
            *out++ = *in;
        }
    }
    *out = '\0';
}

static bool parse_row(const char *line, struct row *row)
{
    if (sscanf(line, "%d %*d %u:%u %*s %4095s", &row->id, &row->major, &row->minor, row->path) != 4)
        return false;
    const char *dash = strstr(line, " - ");
    if (!dash || sscanf(dash, " - %63s", row->type) != 1)
        return false;
    unescape(row->path);
    return true;
}

/* Call `each` for all rows until it returns true. */
static bool scan(bool (*each)(const struct row *row, void *arg), void *arg)
{
    FILE *f = fopen("/proc/self/mountinfo", "re");
    char *line CLEANUP_FREE = NULL;
    size_t cap = 0;
    bool found = false;
    if (!f) {
        log_error("cannot read /proc/self/mountinfo: %m");
        return false;
    }
    struct row *row = calloc(1, sizeof *row);
    while (row && !found && getline(&line, &cap, f) > 0)
        found = parse_row(line, row) && each(row, arg);
    free(row);
    fclose(f);
    return found;
}

struct top {
    const char *path;
    int id;
    char *type;
};

/* The last row of a path is the topmost. */
static bool note_top(const struct row *row, void *arg)
{
    struct top *top = arg;
    if (strcmp(row->path, top->path) == 0) {
        top->id = row->id;
        if (top->type)
            memcpy(top->type, row->type, TYPE_MAX);
    }
    return false;
}

int mountinfo_top(const char *path, char *type)
{
    struct top top = {.path = path, .id = -1, .type = type};
    scan(note_top, &top);
    return top.id;
}

struct device_of {
    int id;
    dev_t device;
};

static bool same_mount(const struct row *row, void *arg)
{
    const struct device_of *m = arg;
    return row->id == m->id && makedev(row->major, row->minor) == m->device;
}

bool mountinfo_has(int mount_id, dev_t device)
{
    struct device_of m = {.id = mount_id, .device = device};
    return scan(same_mount, &m);
}

static bool note_device(const struct row *row, void *arg)
{
    struct device_of *d = arg;
    if (row->id == d->id)
        d->device = makedev(row->major, row->minor);
    return row->id == d->id;
}

dev_t mountinfo_device(int mount_id)
{
    struct device_of d = {.id = mount_id};
    scan(note_device, &d);
    return d.device;
}

/* fusermount3 may do for its user what umount2(2) may not. */
static int fusermount_lazily(const char *path)
{
    pid_t pid = fork();
    if (pid < 0)
        return -1;
    if (pid == 0) {
        execlp("fusermount3", "fusermount3", "-u", "-z", "-q", "--", path, (char *)NULL);
        _exit(127);
    }
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

int unmount_lazily(const char *path)
{
    if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
        return 0;
    return errno == EPERM ? fusermount_lazily(path) : -1;
}

static int repair(const char *path, struct err *err)
{
    log_info("taking away the dead mount path=%s", path);
    if (unmount_lazily(path) == 0)
        return 0;
    return err_set(err, "cannot take away the dead mount on %s: %s; try `umount -l %s` as root",
                   path, strerror(errno), path);
}

/* Asked of the server, not of the kernel's cache: a dead mount's root may be answered from there. 0
 * or -1 with errno. */
static int stat_surely(const char *path, mode_t *mode)
{
    struct statx st;
    if (statx(AT_FDCWD, path, AT_STATX_FORCE_SYNC, STATX_TYPE, &st) < 0)
        return -1;
    *mode = st.stx_mode;
    return 0;
}

#define DEAD_MOUNTS_MAX 16 /* stacked on one another by earlier starts */

int mountpoint_prepare(const char *path, struct err *err)
{
    char type[TYPE_MAX] = "";
    mode_t mode = 0;
    for (int i = 0; i < DEAD_MOUNTS_MAX; i++) {
        bool fuse = mountinfo_top(path, type) >= 0 && strncmp(type, "fuse", 4) == 0;
        if (stat_surely(path, &mode) == 0) {
            if (fuse && strcmp(type, "fuse.icejobfs") == 0)
                return err_set(
                    err, "cannot mount on %s: icejobfs is mounted there already; `umount %s` first",
                    path, path);
            break;
        }
        if (errno != ENOTCONN || !fuse)
            return err_set(err, "cannot mount on %s: %s", path, strerror(errno));
        if (repair(path, err) < 0)
            return -1;
    }
    if (!S_ISDIR(mode))
        return err_set(err, "cannot mount on %s: not a directory", path);
    return 0;
}
