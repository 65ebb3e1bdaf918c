/* Inode numbers: derived, never looked up in a table.
 *
 * A job's nodes are `key << 16 | number`: the cache's 48-bit key of the job and the 16-bit number
 * of the field's name; 0 is the job's directory, 1 to 3 are its links in the views. The directory
 * of a project is the same of 48 bits of its ProjectId's hash, with a number of its own. Below 2^16
 * are the fixed nodes, and above NODE_DATE_BASE the days: one number each since 1970, up to the
 * year 2148. So they survive a remount, and a FORGET needs no counting. Pure. */
#ifndef ICE_FS_NODE_H
#define ICE_FS_NODE_H

#include "job/job.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fixed_node { /* the root is FUSE_ROOT_ID */
                  NODE_NONE = 0,
                  NODE_ROOT = 1,
                  NODE_JOBS,
                  NODE_META,
                  NODE_METRICS,
                  NODE_HEALTH,
                  NODE_HELP,
                  NODE_EVENTS, /* the stream: opened by name, in no listing */
                  NODE_EVENTS_LOG,
                  NODE_BY_STATUS,
                  NODE_STATUS, /* by-status/<Status>: NODE_STATUS + enum job_status; OTHER has no
                                  directory */
                  NODE_INIT,
                  NODE_QUEUING,
                  NODE_PROCESSING,
                  NODE_SUCCESS,
                  NODE_FAILED,
                  NODE_BY_PROJECT,
                  NODE_BY_DATE,
                  NODE_JOBS_TSV,
                  NODE_FIXED_END,
};
#define NODE_DATE_BASE 256

struct fixed_entry {
    enum fixed_node node;
    enum fixed_node parent;
    const char *name;
    bool is_dir;
    bool hidden; /* from listings */
};

/* The directory of a status, NODE_NONE for JOB_STATUS_OTHER; and back: JOB_STATUS_OTHER for what is
 * no such directory. */
enum fixed_node node_of_status(enum job_status status);
enum job_status status_of_node(uint64_t ino);

/* NULL when there is none. */
const struct fixed_entry *fixed_find(enum fixed_node parent, const char *name);
const struct fixed_entry *fixed_get(uint64_t ino);
/* The i-th child of a fixed directory. */
const struct fixed_entry *fixed_child(enum fixed_node parent, size_t i);

/* ---- jobs ---- */

#define NODE_NUMBER_BITS 16
/* Numbers that are no field's. */
#define NODE_LINKS   3 /* a job's links: 1 in by-status/, 2 in by-project/, 3 in by-date/ */
#define NODE_PROJECT 15

static inline uint16_t node_number(uint64_t ino)
{
    return (uint16_t)ino;
}
static inline uint64_t node_make(uint64_t key, uint16_t number)
{
    return key << NODE_NUMBER_BITS | number;
}
/* A job's directory (number 0), one of its links or of its fields. */
static inline bool node_is_job(uint64_t ino)
{
    return ino >> NODE_NUMBER_BITS != 0 && node_number(ino) != NODE_PROJECT;
}
static inline uint64_t node_key(uint64_t ino)
{
    return ino >> NODE_NUMBER_BITS;
}
static inline bool node_is_job_dir(uint64_t ino)
{
    return node_is_job(ino) && node_number(ino) == 0;
}
static inline bool node_is_link(uint64_t ino)
{
    return node_is_job(ino) && node_number(ino) >= 1 && node_number(ino) <= NODE_LINKS;
}

/* ---- groups: the directories of by-project/ and by-date/, which come and go ---- */

/* The directory of a ProjectId; NODE_NONE for one that cannot be a name: empty, ".", "..", with a
 * '/' or control characters, longer than 255 bytes. */
uint64_t node_of_project(const char *project);
static inline bool node_is_project(uint64_t ino)
{
    return ino >> NODE_NUMBER_BITS != 0 && node_number(ino) == NODE_PROJECT;
}

/* The directory of the day (UTC) of a moment; NODE_NONE outside of 1970 to 2148. */
uint64_t node_of_date(int64_t unix_s);
static inline bool node_is_date(uint64_t ino)
{
    return ino >= NODE_DATE_BASE && ino >> NODE_NUMBER_BITS == 0;
}
#define NODE_DATE_LEN 11 /* "2020-12-23" with the NUL */
void node_date_name(uint64_t ino, char out[NODE_DATE_LEN]);
/* The directory of this name; NODE_NONE for what is none. */
uint64_t node_date_named(const char *name);

#endif
