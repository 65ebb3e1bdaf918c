/* Who watches: inotify watches make no request, so a job that somebody only waits for would look
 * unused.
 *
 * /proc/PID/fdinfo/N lists every watch with inode and device; root sees all processes, others their
 * own (and in user mode without allow_other nobody else can watch). */
#ifndef ICE_FS_WATCHERS_H
#define ICE_FS_WATCHERS_H

#include <stdint.h>

struct fs;

/* If it is time: find the watches on this mount and touch their jobs in the cache. Returns when to
 * come again (clock_mono_ms): every few seconds, and never so often that looking takes more than a
 * hundredth of the time. The updater's thread. */
int64_t watchers_look(struct fs *fs, int64_t now_ms);

#endif
