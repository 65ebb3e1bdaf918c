#include "fs/watchers.h"
#include "base/clock.h"
#include "base/metric.h"
#include "fs/fs_private.h"
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define INTERVAL_MS 5000
#define SHARE       100 /* at most one part in so many of the time is spent looking */

/* The kernel prints s_dev as major << 20 | minor. */
static uint64_t kernel_dev(dev_t dev)
{
    return (uint64_t)major(dev) << 20 | minor(dev);
}

static void touch_watched(struct fs *fs, const char *line, int64_t now_ms)
{
    uint64_t ino, dev;
    if (sscanf(line, "inotify wd:%*x ino:%" SCNx64 " sdev:%" SCNx64, &ino, &dev) != 2)
        return;
    if (dev == kernel_dev(fs->device) && node_is_job(ino))
        cache_touch(fs->config.cache, node_key(ino), now_ms);
}

static void read_watches(struct fs *fs, int process, const char *number, int64_t now_ms)
{
    char path[64], line[256];
    snprintf(path, sizeof path, "fdinfo/%.20s", number);
    int fd = openat(process, path, O_RDONLY | O_CLOEXEC);
    FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (!f) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while (fgets(line, sizeof line, f))
        touch_watched(fs, line, now_ms);
    fclose(f);
}

static bool is_inotify(int fds, const char *number)
{
    char target[32];
    ssize_t n = readlinkat(fds, number, target, sizeof target - 1);
    return n > 0 && strncmp(target, "anon_inode:inotify", (size_t)n) == 0;
}

/* Processes come and go while they are looked at, and others' are closed to ordinary users: no
 * error. */
static DIR *open_dir(int parent, const char *path)
{
    int fd = openat(parent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (fd >= 0 && !dir)
        close(fd);
    return dir;
}

static void look_at_process(struct fs *fs, int proc, const char *pid, int64_t now_ms)
{
    int process CLEANUP_FD = openat(proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = process >= 0 ? open_dir(process, "fd") : NULL;
    if (!dir)
        return;
    int fds = dirfd(dir);
    for (const struct dirent *e = readdir(dir); fds >= 0 && e; e = readdir(dir))
        if (isdigit((unsigned char)e->d_name[0]) && is_inotify(fds, e->d_name))
            read_watches(fs, process, e->d_name, now_ms);
    closedir(dir);
}

static void look(struct fs *fs, int64_t now_ms)
{
    DIR *dir = open_dir(AT_FDCWD, "/proc");
    if (!dir)
        return;
    int proc = dirfd(dir);
    for (const struct dirent *e = readdir(dir); proc >= 0 && e; e = readdir(dir))
        if (isdigit((unsigned char)e->d_name[0]))
            look_at_process(fs, proc, e->d_name, now_ms);
    closedir(dir);
}

int64_t watchers_look(struct fs *fs, int64_t now_ms)
{
    if (now_ms < fs->watchers_next_ms)
        return fs->watchers_next_ms;
    if (metric_get(METRIC_JOBS_UNFINISHED) > 0) /* only these are asked for */
        look(fs, now_ms);
    int64_t took_ms = clock_mono_ms() - now_ms;
    int64_t pause_ms = took_ms * SHARE > INTERVAL_MS ? took_ms * SHARE : INTERVAL_MS;
    fs->watchers_next_ms = now_ms + pause_ms;
    return fs->watchers_next_ms;
}
