/* What the notifier may do, and nobody else: the tree is read-only for users. Each operation is the
 * moment at which its change becomes visible, so that whoever gets the event finds it, and nobody
 * finds it before. Never waits: the notifier could not be killed meanwhile. */
#include "fs/bell.h"
#include "fs/fs_private.h"
#include "fs/groups.h"
#include "fs/held.h"
#include "fs/publish.h"
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

/* A job's link goes from one group to another, NODE_NONE for none. 0 or an errno; the link's inode.
 */
static int move_link(struct fs *fs, uint64_t from, uint64_t to, const char *name, uint64_t *ino)
{
    uint64_t key = 0;
    unsigned view = view_of_group(from ? from : to);
    struct job_facts *facts = view < VIEWS ? cache_find(fs->config.cache, name, &key) : NULL;
    job_facts_unref(facts);
    if (!facts || !stage_link_move(fs->stage, key, view, from, to))
        return ENOENT;
    *ino = node_make(key, views[view].link);
    return 0;
}

static int unlink_field(struct fs *fs, fuse_ino_t parent, const char *name)
{
    uint64_t key = node_key(parent);
    uint16_t number = job_name_find(name);
    bool goes = cache_leaving(fs->config.cache, key) || stage_hide(fs->stage, key, number);
    return number && goes ? 0 : ENOENT;
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct fs *fs = fs_of(req);
    uint64_t ino;
    if (!from_notifier(req))
        fuse_reply_err(req, EROFS);
    else if (node_is_job(parent))
        fuse_reply_err(req, unlink_field(fs, parent, name));
    else
        fuse_reply_err(req, move_link(fs, parent, NODE_NONE, name, &ino));
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
               const char *newname, unsigned int flags)
{
    uint64_t ino;
    (void)flags;
    if (!from_notifier(req))
        fuse_reply_err(req, EROFS);
    else if (strcmp(name, newname) != 0)
        fuse_reply_err(req, EINVAL);
    else
        fuse_reply_err(req, move_link(fs_of(req), parent, newparent, name, &ino));
}

static void reply_facts(fuse_req_t req, struct fs *fs, uint64_t ino)
{
    struct job_facts *facts = cache_facts(fs->config.cache, node_key(ino));
    struct stat st;
    if (facts) {
        attr_facts(fs, ino, facts, &st);
        reply_entry(req, &st, KERNEL_FOREVER, attr_timeout_facts(facts));
    } else {
        fuse_reply_err(req, ENOENT);
    }
    job_facts_unref(facts);
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
    struct fs *fs = fs_of(req);
    uint64_t ino = 0;
    (void)target;
    if (!from_notifier(req)) {
        fuse_reply_err(req, EROFS);
        return;
    }
    int error = move_link(fs, NODE_NONE, parent, name, &ino);
    if (error)
        fuse_reply_err(req, error);
    else
        reply_facts(req, fs, ino);
}

/* ---- directories ---- */

static void make_job(fuse_req_t req, struct fs *fs, const char *name)
{
    uint64_t key = 0;
    if (publish_unborn(fs, name, &key))
        reply_facts(req, fs, node_make(key, 0));
    else
        fuse_reply_err(req, EEXIST);
}

static void make_group(fuse_req_t req, struct fs *fs, unsigned view, const char *name)
{
    uint64_t ino = views[view].lasting ? NODE_NONE : views[view].named(name);
    struct stat st;
    if (ino == NODE_NONE || !groups_show(fs->groups, ino, name)) {
        fuse_reply_err(req, EEXIST);
        return;
    }
    attr_group(fs, ino, &st);
    reply_entry(req, &st, KERNEL_FOREVER, KERNEL_FOREVER);
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
    struct fs *fs = fs_of(req);
    unsigned view = view_of_dir(parent);
    (void)mode;
    if (!from_notifier(req) || (parent != NODE_JOBS && view == VIEWS))
        fuse_reply_err(req, EROFS);
    else if (parent == NODE_JOBS)
        make_job(req, fs, name);
    else
        make_group(req, fs, view, name);
}

static int remove_job(struct fs *fs, const char *name)
{
    struct cache *cache = fs->config.cache;
    uint64_t key = 0;
    struct job_facts *facts = cache_find(cache, name, &key);
    job_facts_unref(facts);
    if (!facts)
        return ENOENT;
    return publish_forget(fs, key) ? 0 : EBUSY;
}

static int remove_group(struct fs *fs, unsigned view, const char *name)
{
    uint64_t ino = groups_find(fs->groups, view, name);
    return ino && groups_hide(fs->groups, ino) ? 0 : ENOTEMPTY;
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct fs *fs = fs_of(req);
    unsigned view = view_of_dir(parent);
    if (!from_notifier(req) || (parent != NODE_JOBS && view == VIEWS))
        fuse_reply_err(req, EROFS);
    else if (parent == NODE_JOBS)
        fuse_reply_err(req, remove_job(fs, name));
    else
        fuse_reply_err(req, remove_group(fs, view, name));
}
