/* What the kernel holds: how many look-ups of each inode it has not forgotten, and of files how
 * many are open.
 *
 * An inode that it does not hold can have no watch, so nothing need be rung there. Counts follow
 * the FUSE protocol: every entry given out (LOOKUP, CREATE, MKDIR, SYMLINK, READDIRPLUS) is one
 * more, FORGET takes some away; a FORGET of what is not there is ignored. Thread-safe; in shards,
 * each with a short lock of its own. */
#ifndef ICE_FS_HELD_H
#define ICE_FS_HELD_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct held;

struct held *held_new(struct err *err);
void held_free(struct held *h);

/* One more. Without memory the inode counts as held for ever: ringing too much is harmless, too
 * little is not. */
void held_add(struct held *h, uint64_t ino);
void held_forget(struct held *h, uint64_t ino, uint64_t n);
bool held_has(const struct held *h, uint64_t ino);
/* Open files of an inode. The first one since the kernel has taken it up, if no other is open, has
 * the turn to give the kernel its pages; until held_filled nobody else opens it. */
enum held_turn { HELD_OPEN, HELD_FILL, HELD_BUSY /* not opened */ };
enum held_turn held_open(struct held *h, uint64_t ino);
/* The turn is over; with `!done` the next first one has it. */
void held_filled(struct held *h, uint64_t ino, bool done);
void held_close(struct held *h, uint64_t ino);
size_t held_count(const struct held *h);

#endif
