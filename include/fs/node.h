/* Inode numbers: derived, never looked up in a table.
 *
 * A job's nodes are `key << 16 | number`: the cache's 48-bit key of the job and the 16-bit number
 * of the field's name; 0 is the job's directory, 1 to 15 are kept for its links in views. Fixed
 * nodes are below 2^16. So they survive a remount, and a FORGET needs no counting. Pure. */
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
                  NODE_FIXED_END,
};

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

#define NODE_NUMBER_BITS 16

static inline bool node_is_job(uint64_t ino)
{
    return ino >> NODE_NUMBER_BITS != 0;
}
static inline uint64_t node_key(uint64_t ino)
{
    return ino >> NODE_NUMBER_BITS;
}
/* 0: the job's directory; NODE_LINK: its link in by-status/. */
#define NODE_LINK 1
static inline uint16_t node_number(uint64_t ino)
{
    return (uint16_t)ino;
}
static inline uint64_t node_make(uint64_t key, uint16_t number)
{
    return key << NODE_NUMBER_BITS | number;
}

#endif
