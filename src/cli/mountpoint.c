#include "cli/mountpoint.h"
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

char *mountpoint_resolve(const char *path, struct err *err)
{
    struct stat st;
    char *real = realpath(path, NULL); /* asks nothing of a dead mount */
    if (!real)
        return refuse(path, errno, err);
    int error = stat(real, &st) < 0 ? errno : S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
    if (error == 0 || error == ENOTCONN)
        return real;
    free(real);
    return refuse(path, error, err);
}
