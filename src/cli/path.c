#include "cli/path.h"
#include <stdlib.h>
#include <string.h>

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
