#include "cli/path.h"
#include "base/attr.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

char *path_join(const char *dir, const char *name)
{
    if (*name == '/')
        return strdup(name);
    size_t n_dir = strlen(dir);
    size_t n_name = strlen(name);
    char *path = malloc(n_dir + n_name + 2);
    if (!path)
        return NULL;
    memcpy(path, dir, n_dir);
    path[n_dir] = '/';
    memcpy(path + n_dir + 1, name, n_name);
    path[n_dir + 1 + n_name] = '\0';
    return path;
}

int path_make_dirs(const char *path, unsigned mode)
{
    char *copy CLEANUP_FREE = strdup(path);
    if (!copy)
        return -1;
    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, mode) < 0 && errno != EEXIST)
            return -1;
        *slash = '/';
    }
    return mkdir(copy, mode) < 0 && errno != EEXIST ? -1 : 0;
}
