/* File names joined. */
#ifndef ICE_CLI_PATH_H
#define ICE_CLI_PATH_H

/* "dir/name", malloc'ed; `name` alone if it is absolute. NULL without memory. */
char *path_join(const char *dir, const char *name);

#endif
