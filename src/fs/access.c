#include "fs/fs_private.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define GROUPS_MAX 256

static bool in_group(fuse_req_t req, gid_t gid)
{
    if (fuse_req_ctx(req)->gid == gid)
        return true;
    gid_t groups[GROUPS_MAX];
    int n = fuse_req_getgroups(req, GROUPS_MAX, groups);
    for (int i = 0; i < n && i < GROUPS_MAX; i++)
        if (groups[i] == gid)
            return true;
    return false;
}

int access_check(struct fs *fs, fuse_req_t req, bool is_dir, int mask)
{
    if (fs->system_mode || !fs->config.allow_other)
        return 0;
    const struct fuse_ctx *who = fuse_req_ctx(req);
    if (who->uid == 0 || from_notifier(req))
        return 0;
    unsigned mode = (is_dir ? 0555U : 0444U) & ~(unsigned)fs->config.umask;
    unsigned bits;
    if (who->uid == fs->config.uid)
        bits = mode >> 6;
    else if (in_group(req, fs->config.gid))
        bits = mode >> 3;
    else
        bits = mode;
    unsigned want = (unsigned)mask & 7U;
    return (bits & want) == want ? 0 : EACCES;
}
