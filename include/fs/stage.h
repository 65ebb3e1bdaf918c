/* The version that is about to be shown: names that appear become visible inside the notifier's
 * CREATE, names that go stay until its UNLINK, links move inside its RENAME. Between those requests
 * the old version is the truth.
 *
 * One job at a time (the updater's); readers from any thread. Beside it the links: a job's link in
 * by-status/ stands where the last SYMLINK or RENAME put it, whatever its snapshot says meanwhile.
 */
#ifndef ICE_FS_STAGE_H
#define ICE_FS_STAGE_H

#include "base/err.h"
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

/* ---- links: where a job's link in by-status/ stands ---- */

/* Hold the link of a job where it is (JOB_STATUS_OTHER: nowhere) whatever its status becomes, until
 * stage_link_free. Without memory the link follows the status silently. */
void stage_link_hold(struct stage *s, uint64_t key, enum job_status at);
void stage_link_free(struct stage *s, uint64_t key);
/* `status`: of the shown version. */
enum job_status stage_link_at(struct stage *s, uint64_t key, enum job_status status);

#endif
