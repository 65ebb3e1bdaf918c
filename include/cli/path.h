/* File names joined, directories made. */
#ifndef ICE_CLI_PATH_H
#define ICE_CLI_PATH_H

/* "dir/name", malloc'ed; `name` alone if it is absolute. NULL without memory. */
char *path_join(const char *dir, const char *name);

/* Make a directory and those above it; one that is there is fine. 0, or -1 with errno. */
int path_make_dirs(const char *path, unsigned mode);

#endif
