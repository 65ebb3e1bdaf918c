/* The groups that are visible: directories of by-project/ and by-date/ that have links, and those
 * of by-status/, which are always there.
 *
 * A group becomes visible inside the notifier's MKDIR, before its first link, and goes inside its
 * RMDIR, after its last. The registry keeps its name and counts its links; who counts is one thread
 * (the updater), who looks is any.
 *
 * The inode of a project is made of a hash. Of two ProjectIds with the same one the first has the
 * directory, and jobs of the other have no link in by-project/; that is logged, once. */
#ifndef ICE_FS_GROUPS_H
#define ICE_FS_GROUPS_H

#include "base/err.h"
#include "fs/view.h"

struct cache;
struct groups;

/* With the groups of by-status/. NULL without memory. */
struct groups *groups_new(struct err *err);
void groups_free(struct groups *g); /* NULL is nothing */

/* The groups of jobs that are known already, with their links. 0, or -1 without memory. */
int groups_restore(struct groups *g, struct cache *cache, struct err *err);

/* Make one visible. false: its inode is another name's, or no memory. */
bool groups_show(struct groups *g, uint64_t ino, const char *name);
/* It is no longer visible; false: it has links, is always there, or was not visible. */
bool groups_hide(struct groups *g, uint64_t ino);

bool groups_has(struct groups *g, uint64_t ino);
/* Copy its name; false: it is not visible. */
bool groups_name(struct groups *g, uint64_t ino, char out[NAME_MAX + 1]);
/* The visible group of this name in the view; NODE_NONE: there is none. */
uint64_t groups_find(struct groups *g, unsigned view, const char *name);

/* The group that a job's link belongs in: view_label, or NODE_NONE while that inode is another
 * name's. */
uint64_t groups_place(struct groups *g, unsigned view, const struct job_facts *facts);

/* `n` links more (or less) are in it. Returns how many there are. NODE_NONE is nothing. */
size_t groups_count(struct groups *g, uint64_t ino, long n);

/* The visible groups of a view, in no order. 0, or -1 without memory. */
struct group_row {
    uint64_t ino;
    char name[NAME_MAX + 1];
};
int groups_list(struct groups *g, unsigned view, struct group_row **rows, size_t *n);

#endif
