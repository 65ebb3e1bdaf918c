#include "fs/node.h"
#include "base/attr.h"
#include <string.h>

static const struct fixed_entry fixed[] = {
    {NODE_ROOT, NODE_ROOT, "", true},
    {NODE_JOBS, NODE_ROOT, "jobs", true},
    {NODE_META, NODE_ROOT, ".icejobfs", true},
    {NODE_METRICS, NODE_META, "metrics", false},
    {NODE_HEALTH, NODE_META, "health.json", false},
    {NODE_HELP, NODE_META, "help.txt", false},
};

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
        if (fixed[k].parent == parent && i-- == 0)
            return &fixed[k];
    return NULL;
}
