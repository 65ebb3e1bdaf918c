/* A job's links in the views, moved by one piece of code in all of them: a link comes (CREATE),
 * moves from group to group (MOVED_FROM, MOVED_TO) or goes (DELETE); a group comes before its first
 * link and goes after its last. The updater's thread alone.
 *
 * A link resolves at every moment: it is in the old group or in the new one, and never at neither
 * (stage.h says where it stands, and each operation of the notifier moves it in one step). */
#ifndef ICE_FS_LINKS_H
#define ICE_FS_LINKS_H

#include "fs/view.h"

struct fs;

struct links {
    struct fs *fs;
    uint64_t key;
    const char *id;
    uint64_t from[VIEWS]; /* where they stand */
    const struct job_facts *after;
};

/* Hold the links of a job where they are: where `before` (NULL: the job is new, nowhere) puts them,
 * or where they are held already. `after`: of the version to be shown, NULL: the job leaves. */
struct links links_begin(struct fs *fs, uint64_t key, const char *id,
                         const struct job_facts *before, const struct job_facts *after);
/* Once `after` is shown: bring them to where it puts them, and tell. From then on they follow what
 * is shown, unless the job leaves: then they are held nowhere until links_free. */
void links_move(const struct links *l);
void links_free(struct fs *fs, uint64_t key);
/* Nobody knows where they stood before `facts` were shown: the kernel drops what it may hold. */
void links_follow(struct fs *fs, uint64_t key, const char *id, const struct job_facts *facts);

#endif
