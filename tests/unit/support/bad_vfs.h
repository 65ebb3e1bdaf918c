/* A file system of SQLite's that fails when it is told to: the system's, with faults before it.
 *
 * One for the whole process; threads may use it while a test changes what fails. */
#ifndef TEST_BAD_VFS_H
#define TEST_BAD_VFS_H

enum bad_kind {
    BAD_NOTHING,
    BAD_FULL,  /* no write fits: ENOSPC */
    BAD_WRITE, /* no write works: EIO */
    BAD_SYNC,  /* no fsync works: EIO */
    BAD_READ,  /* no read works: EIO */
};

/* Registered with SQLite; its name. */
const char *bad_vfs(void);

/* From now on so many calls of this kind still work, and all that follow fail. */
void bad_vfs_fail(enum bad_kind kind, unsigned working);

/* How many calls have failed since. */
unsigned bad_vfs_failed(void);

#endif
