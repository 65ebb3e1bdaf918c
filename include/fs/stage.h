/* The version that is about to be shown: names that appear become visible inside the notifier's
 * CREATE, names that go stay until its UNLINK, links move inside its RENAME. Between those requests
 * the old version is the truth.
 *
 * One job at a time (the updater's); readers from any thread. Beside it the links: a job's link in
 * a view stands where the last operation put it, whatever its snapshot says meanwhile. */
#ifndef ICE_FS_STAGE_H
#define ICE_FS_STAGE_H

#include "base/err.h"
#include "fs/view.h"
#include "job/job.h"
#include <stdbool.h>
#include <stdint.h>

struct stage;

struct stage *stage_new(struct err *err);
void stage_free(struct stage *s);

/* Begin and end the showing of a change. `before` and `after` are referenced until the end. */
void stage_begin(struct stage *s, uint64_t key, const struct job *before, const struct job *after);
void stage_end(struct stage *s);

/* CREATE of the notifier: make a name of the new version visible. A reference to the version that
 * has it, or NULL when there is no such name to appear. */
struct job *stage_show(struct stage *s, uint64_t key, uint16_t number);
/* UNLINK of the notifier: hide a name of the old version. false: no such name to go. */
bool stage_hide(struct stage *s, uint64_t key, uint16_t number);

/* For readers who do not find a name in the shown version: a reference to the version that has it
 * visibly now, or NULL. */
struct job *stage_find(struct stage *s, uint64_t key, uint16_t number);
/* For listings: a reference to the other version of a job that is being shown, of which stage_find
 * tells the visible names; NULL when none is. */
struct job *stage_beside(struct stage *s, uint64_t key, const struct job *job);

/* ---- links: in which group (fs/view.h) a job's link of a view stands ---- */

/* Hold the link of a job where it is (NODE_NONE: nowhere) wherever it belongs, until
 * stage_link_free. One that is held stays where it is. Without memory the link silently follows
 * what its job says. */
void stage_link_hold(struct stage *s, uint64_t key, unsigned view, uint64_t at);
/* It may go there (NODE_NONE: away). The updater's, before it asks the notifier. */
void stage_link_plan(struct stage *s, uint64_t key, unsigned view, uint64_t to);
/* SYMLINK, RENAME or UNLINK of the notifier: it goes. false: that was not planned. */
bool stage_link_move(struct stage *s, uint64_t key, unsigned view, uint64_t from, uint64_t to);
void stage_link_free(struct stage *s, uint64_t key, unsigned view);
/* `place`: where the link of the shown version belongs. */
uint64_t stage_link_at(struct stage *s, uint64_t key, unsigned view, uint64_t place);

/* The jobs whose link is held in this group; the caller frees them. 0, or -1 without memory. */
int stage_links_in(struct stage *s, unsigned view, uint64_t group, uint64_t **keys, size_t *n);

#endif
