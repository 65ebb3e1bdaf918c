/* What the notifier may do, and nobody else: the tree is read-only for users. Each operation is the
 * moment at which its change becomes visible, so that whoever gets the event finds it, and nobody
 * finds it before. Never waits: the notifier could not be killed meanwhile. */
#include "fs/bell.h"
#include "fs/fs_private.h"
#include "fs/held.h"
#include "fs/stage.h"
#include <errno.h>
#include <string.h>

bool from_notifier(fuse_req_t req)
{
    const struct bell *bell = fs_of(req)->bell;
    return bell && bell_is_notifier(bell, fuse_req_ctx(req)->pid);
}

static void reply_created(fuse_req_t req, const struct stat *st, struct fuse_file_info *fi)
{
    struct held *held = fs_of(req)->held;
    struct fuse_entry_param e = {
        .ino = st->st_ino, .generation = 1, .attr = *st, .entry_timeout = KERNEL_FOREVER};
    fi->fh = 0;
    fi->direct_io = 1;
    fi->noflush = 1;
    held_add(held, e.ino);
    if (fuse_reply_create(req, &e, fi) == -ENOENT)
        held_forget(held, e.ino, 1);
}

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
               struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    (void)mode;
    if (!from_notifier(req)) {
        fuse_reply_err(req, EROFS);
        return;
    }
    bool in_job = node_is_job(parent) && node_number(parent) == 0;
    uint16_t number = in_job ? job_name_find(name) : 0;
    struct job *job = number ? stage_show(fs->stage, node_key(parent), number) : NULL;
    struct stat st;
    if (job && attr_job(fs, node_make(node_key(parent), number), job, &st))
        reply_created(req, &st, fi);
    else
        fuse_reply_err(req, EEXIST);
    job_unref(job);
}

void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
              struct fuse_file_info *fi)
{
    (void)ino, (void)buf, (void)off, (void)fi;
    if (from_notifier(req))
        fuse_reply_write(req, size);
    else
        fuse_reply_err(req, EROFS);
}

/* Let the link of a job go from where it is held to where its status puts it. 0 or an errno. */
static int free_link(struct fs *fs, enum job_status from, enum job_status to, const char *name)
{
    uint64_t key = 0;
    struct job *job = cache_find(fs->config.cache, name, &key);
    bool fits =
        job && stage_link_at(fs->stage, key, job_status(job)) == from && job_status(job) == to;
    job_unref(job);
    if (!fits)
        return ENOENT;
    stage_link_free(fs->stage, key);
    return 0;
}

static int unlink_field(struct fs *fs, fuse_ino_t parent, const char *name)
{
    uint16_t number = job_name_find(name);
    return number && stage_hide(fs->stage, node_key(parent), number) ? 0 : ENOENT;
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct fs *fs = fs_of(req);
    if (!from_notifier(req))
        fuse_reply_err(req, EROFS);
    else if (node_is_job(parent))
        fuse_reply_err(req, unlink_field(fs, parent, name));
    else
        fuse_reply_err(req, free_link(fs, status_of_node(parent), JOB_STATUS_OTHER, name));
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
               const char *newname, unsigned int flags)
{
    (void)flags;
    if (!from_notifier(req))
        fuse_reply_err(req, EROFS);
    else if (strcmp(name, newname) != 0)
        fuse_reply_err(req, EINVAL);
    else
        fuse_reply_err(
            req, free_link(fs_of(req), status_of_node(parent), status_of_node(newparent), name));
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
    struct fs *fs = fs_of(req);
    (void)target;
    if (!from_notifier(req)) {
        fuse_reply_err(req, EROFS);
        return;
    }
    int error = free_link(fs, JOB_STATUS_OTHER, status_of_node(parent), name);
    uint64_t key = 0;
    struct job *job = error ? NULL : view_find(fs, parent, name, &key);
    struct stat st;
    if (job) {
        attr_link(fs, key, job, &st);
        reply_entry(req, &st, KERNEL_FOREVER, KERNEL_FOREVER);
    } else {
        fuse_reply_err(req, error ? error : ENOENT);
    }
    job_unref(job);
}
