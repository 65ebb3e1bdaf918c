#include "cli/mountpoint.h"
#include "cli/path.h"
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char *refuse(const char *path, int error, struct err *err)
{
    if (error == ENOENT)
        err_set(err, "mount point %s does not exist: make the directory first", path);
    else if (error == ENOTDIR)
        err_set(err, "mount point %s is not a directory", path);
    else
        err_set(err, "mount point %s: %s", path, strerror(error));
    return NULL;
}

/* Nothing can be asked of a dead mount, its parent can. */
static char *resolve_dead(const char *path, struct err *err)
{
    CLEANUP_FREE char *for_dir = strdup(path);
    CLEANUP_FREE char *for_base = strdup(path);
    if (!for_dir || !for_base)
        return refuse(path, ENOMEM, err);
    CLEANUP_FREE char *dir = realpath(dirname(for_dir), NULL);
    if (!dir)
        return refuse(path, errno, err);
    char *joined = path_join(dir, basename(for_base));
    return joined ? joined : refuse(path, ENOMEM, err);
}

char *mountpoint_resolve(const char *path, struct err *err)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return errno == ENOTCONN ? resolve_dead(path, err) : refuse(path, errno, err);
    if (!S_ISDIR(st.st_mode))
        return refuse(path, ENOTDIR, err);
    char *real = realpath(path, NULL);
    return real ? real : refuse(path, errno, err);
}
