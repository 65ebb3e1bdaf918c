#include "cli/mountpoint.h"
#include "cli/path.h"
#include <errno.h>
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

/* Cut "a/b/" into "a" and "b". */
static const char *cut_base(char *path)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        path[--n] = '\0';
    char *slash = strrchr(path, '/');
    if (!slash)
        return NULL;
    *slash = '\0';
    return slash + 1;
}

/* Nothing can be asked of a dead mount, its parent can. */
static char *resolve_dead(const char *path, struct err *err)
{
    CLEANUP_FREE char *dir = strdup(path);
    if (!dir)
        return refuse(path, ENOMEM, err);
    const char *base = cut_base(dir);
    CLEANUP_FREE char *real = realpath(!base ? "." : *dir ? dir : "/", NULL);
    if (!real)
        return refuse(path, errno, err);
    char *joined = path_join(real, base ? base : dir);
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
