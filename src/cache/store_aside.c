#include "base/clock.h"
#include "cache/store.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAMES_MAX 100 /* tried for one second */

/* Never over something that is there, also where the file system has no such rename. */
static int rename_to_new(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    return link(from, to) == 0 ? unlink(from) : -1;
}

static int move(const char *path, const char *aside, const char *suffix)
{
    char from[PATH_MAX], to[PATH_MAX];
    if ((size_t)snprintf(from, sizeof from, "%s%s", path, suffix) >= sizeof from ||
        (size_t)snprintf(to, sizeof to, "%s%s", aside, suffix) >= sizeof to) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return rename_to_new(from, to);
}

/* "<path>.corrupt-2020-12-23T13:33:40Z", with ".2" and so on where that is taken. */
static int name_of(const char *path, int64_t now_real_s, int number, char aside[PATH_MAX])
{
    char time[CLOCK_ISO_LEN], end[16] = "";
    clock_iso(now_real_s, time);
    if (number > 1)
        snprintf(end, sizeof end, ".%d", number);
    int n = snprintf(aside, PATH_MAX, "%s.corrupt-%s%s", path, time, end);
    if (n >= 0 && n < PATH_MAX)
        return 0;
    errno = ENAMETOOLONG;
    return -1;
}

/* The log goes first: alone beside a new database it would be taken for that one's. */
static int move_all(const char *path, const char *aside)
{
    if (move(path, aside, "-wal") < 0 && errno != ENOENT)
        return -1;
    if (move(path, aside, "-shm") < 0 && errno != ENOENT)
        return -1;
    return move(path, aside, "");
}

int store_set_aside(const char *path, int64_t now_real_s, char aside[PATH_MAX], struct err *err)
{
    char name[PATH_MAX];
    for (int number = 1; number <= NAMES_MAX; number++) {
        if (name_of(path, now_real_s, number, name) < 0)
            break;
        if (access(name, F_OK) == 0) {
            errno = EEXIST;
            continue;
        }
        if (move_all(path, name) == 0) {
            if (aside)
                snprintf(aside, PATH_MAX, "%s", name);
            return 0;
        }
        if (errno != EEXIST)
            break;
    }
    return err_set(err, "cannot set %s aside: %s", path, strerror(errno));
}
