#include "fs/quick.h"
#include "fs/node.h"
#include <linux/fuse.h>

bool request_is_quick(const void *request, size_t len)
{
    const struct fuse_in_header *in = request;
    if (len < sizeof *in)
        return false;
    switch (in->opcode) {
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
        return true;
    case FUSE_GETATTR:
    case FUSE_OPENDIR:
    case FUSE_LOOKUP:
        return node_is_job(in->nodeid) || in->nodeid == NODE_JOBS;
    default:
        return node_is_job(in->nodeid);
    }
}

uint32_t request_asker(const void *request, size_t len)
{
    const struct fuse_in_header *in = request;
    return len < sizeof *in ? 0 : in->pid;
}
