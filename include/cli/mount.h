/* `icejobfs SOURCE MOUNTPOINT`: everything put together in the order that it needs, served, and
 * taken down in reverse. */
#ifndef ICE_CLI_MOUNT_H
#define ICE_CLI_MOUNT_H

struct options;

/* The exit status: 0 once the mount has ended (in front) or answers (the started process), 1 when
 * it cannot be made or serving broke; stderr then has one line that says why. */
int mount_run(const struct options *o);

#endif
