/* Entries given out and taken back: what the kernel holds. */
#include "fs/fs_private.h"
#include "fs/held.h"
#include <errno.h>

#define GENERATION 1

void reply_entry(fuse_req_t req, const struct stat *st, double entry_timeout, double attr_timeout_s)
{
    struct held *held = fs_of(req)->held;
    struct fuse_entry_param e = {
        .ino = st->st_ino,
        .generation = GENERATION,
        .attr = *st,
        .attr_timeout = attr_timeout_s,
        .entry_timeout = entry_timeout,
    };
    held_add(held, e.ino); /* before the reply: a FORGET may follow at once */
    if (fuse_reply_entry(req, &e) == -ENOENT)
        held_forget(held, e.ino, 1); /* interrupted: the kernel did not take it */
}

void reply_no_such_name(fuse_req_t req)
{
    struct fuse_entry_param e = {.entry_timeout = KERNEL_FOREVER};
    fuse_reply_entry(req, &e);
}

void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
    held_forget(fs_of(req)->held, ino, nlookup);
    fuse_reply_none(req);
}

void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
    for (size_t i = 0; i < count; i++)
        held_forget(fs_of(req)->held, forgets[i].ino, forgets[i].nlookup);
    fuse_reply_none(req);
}
