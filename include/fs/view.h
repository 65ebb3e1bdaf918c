/* The views: directories of links to jobs, one mechanism for all three.
 *
 *   by-status/<Status>/<JobId>      -> ../../jobs/<JobId>
 *   by-project/<ProjectId>/<JobId>     a project that has jobs
 *   by-date/<YYYY-MM-DD>/<JobId>       the day of CreateTime (UTC)
 *
 * A view is a grouping of the cache: the label of a job is the inode of the directory (a group)
 * that its link belongs in. The directories of statuses are always there; the others are there
 * while they have links (fs/groups.h). Pure. */
#ifndef ICE_FS_VIEW_H
#define ICE_FS_VIEW_H

#include "fs/node.h"
#include "job/facts.h"
#include "job/name.h"
#include <limits.h>

#define VIEW_LINK_PREFIX "../../jobs/"
#define VIEW_LINK_MAX    (sizeof VIEW_LINK_PREFIX + JOB_ID_MAX) /* text of a link with the NUL */

enum view_id { VIEW_STATUS, VIEW_PROJECT, VIEW_DATE };
#define VIEWS 3

struct view {
    enum fixed_node dir;
    uint16_t link; /* node_number of its links */
    bool lasting;  /* its groups are fixed nodes */
    uint64_t (*group)(const struct job_facts *facts);
    uint64_t (*named)(
        const char *name); /* the group of this name, NODE_NONE: there cannot be one */
};
extern const struct view views[VIEWS];

/* Fits cache_label: the group that a job's link belongs in, 0: it has no link in this view. */
uint64_t view_label(const struct job_facts *facts, unsigned view);

/* The view that a directory such as by-date/ is; VIEWS: none. */
unsigned view_of_dir(uint64_t ino);
/* The view that a group such as by-date/2026-03-01/ is in; VIEWS: it is no group. */
unsigned view_of_group(uint64_t ino);
/* The view of a job's link. */
unsigned view_of_link(uint64_t ino);

/* The name of a job's group; the job has one. */
void view_group_name(unsigned view, const struct job_facts *facts, char out[NAME_MAX + 1]);

#endif
