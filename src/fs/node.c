#include "fs/node.h"
#include "base/attr.h"
#include <string.h>

static const struct fixed_entry fixed[] = {
    {NODE_ROOT, NODE_ROOT, "", true, false},
    {NODE_JOBS, NODE_ROOT, "jobs", true, false},
    {NODE_BY_STATUS, NODE_ROOT, "by-status", true, false},
    {NODE_INIT, NODE_BY_STATUS, "Init", true, false},
    {NODE_QUEUING, NODE_BY_STATUS, "Queuing", true, false},
    {NODE_PROCESSING, NODE_BY_STATUS, "Processing", true, false},
    {NODE_SUCCESS, NODE_BY_STATUS, "Success", true, false},
    {NODE_FAILED, NODE_BY_STATUS, "Failed", true, false},
    {NODE_EVENTS_LOG, NODE_ROOT, "events.log", false, false},
    {NODE_EVENTS, NODE_ROOT, "events", false, true},
    {NODE_META, NODE_ROOT, ".icejobfs", true, false},
    {NODE_METRICS, NODE_META, "metrics", false, false},
    {NODE_HEALTH, NODE_META, "health.json", false, false},
    {NODE_HELP, NODE_META, "help.txt", false, false},
};

enum fixed_node node_of_status(enum job_status status)
{
    return status == JOB_STATUS_OTHER ? NODE_NONE : (enum fixed_node)(NODE_STATUS + (int)status);
}

enum job_status status_of_node(uint64_t ino)
{
    return ino >= NODE_INIT && ino <= NODE_FAILED ? (enum job_status)(ino - NODE_STATUS)
                                                  : JOB_STATUS_OTHER;
}

const struct fixed_entry *fixed_find(enum fixed_node parent, const char *name)
{
    for (size_t i = 1; i < ARRAY_LEN(fixed); i++)
        if (fixed[i].parent == parent && strcmp(fixed[i].name, name) == 0)
            return &fixed[i];
    return NULL;
}

const struct fixed_entry *fixed_get(uint64_t ino)
{
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        if (fixed[i].node == ino)
            return &fixed[i];
    return NULL;
}

const struct fixed_entry *fixed_child(enum fixed_node parent, size_t i)
{
    for (size_t k = 1; k < ARRAY_LEN(fixed); k++)
        if (fixed[k].parent == parent && !fixed[k].hidden && i-- == 0)
            return &fixed[k];
    return NULL;
}
