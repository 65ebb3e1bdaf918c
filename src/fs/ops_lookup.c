/* LOOKUP, GETATTR, ACCESS.
 *
 * LOOKUP never waits: it holds the directory's lock in the kernel. A possible but unknown job id,
 * and a field of a job not yet fetched, get a provisional entry (valid for 0 s); GETATTR and OPEN
 * then wait, interruptibly. */
#include "base/clock.h"
#include "base/metric.h"
#include "fs/fs_private.h"
#include "fs/stage.h"
#include <errno.h>
#include <string.h>

static void reply_provisional(fuse_req_t req, const struct fs *fs, uint64_t ino)
{
    struct stat st;
    if (node_number(ino) == 0)
        attr_dir(fs, ino, fs->born_ns, fs->born_ns, &st);
    else
        attr_file(fs, ino, 0, fs->born_ns, fs->born_ns, &st);
    reply_entry(req, &st, 0, 0);
}

/* Files of these nodes change without notice, and jobs/ with each new job; the other directories
 * never do. */
static double fixed_attr_timeout(const struct fixed_entry *node)
{
    bool constant = node->node == NODE_HELP || (node->is_dir && node->node != NODE_JOBS);
    return constant ? KERNEL_FOREVER : 0;
}

static void lookup_fixed(fuse_req_t req, struct fs *fs, const struct fixed_entry *node)
{
    struct stat st;
    attr_fixed(fs, node, &st);
    reply_entry(req, &st, KERNEL_FOREVER, fixed_attr_timeout(node));
}

static void lookup_job(fuse_req_t req, struct fs *fs, const char *name)
{
    if (!job_id_possible(name)) {
        reply_no_such_name(req);
        return;
    }
    uint64_t key = 0;
    struct cache_answer a = {0};
    struct stat st;
    switch (cache_lookup(fs->config.cache, name, clock_mono_ms(), &key, &a)) {
    case CACHE_CONTENT:
        attr_job(fs, node_make(key, 0), a.job, &st);
        reply_entry(req, &st, KERNEL_FOREVER, attr_timeout(&a));
        break;
    case CACHE_PARKED:
        reply_provisional(req, fs, node_make(key, 0));
        break;
    case CACHE_MISSING:
        fuse_reply_err(req, ENOENT);
        break;
    case CACHE_FAULT:
    case CACHE_INTERRUPTED:
        fuse_reply_err(req, a.error ? a.error : EIO);
        break;
    }
    job_unref(a.job);
}

/* A name that the shown version lacks may be on its way in or out. */
static void lookup_staged_field(fuse_req_t req, struct fs *fs, uint64_t key, const char *name)
{
    uint16_t number = job_name_find(name);
    struct job *job = number ? stage_find(fs->stage, key, number) : NULL;
    struct stat st;
    if (job && attr_job(fs, node_make(key, number), job, &st))
        reply_entry(req, &st, KERNEL_FOREVER, 0);
    else
        reply_no_such_name(req);
    job_unref(job);
}

static void lookup_known_field(fuse_req_t req, struct fs *fs, uint64_t key, const char *name,
                               const struct cache_answer *a)
{
    const struct job_field *f = job_find(a->job, name);
    struct stat st;
    if (f) {
        attr_job(fs, node_make(key, f->number), a->job, &st);
        reply_entry(req, &st, KERNEL_FOREVER, attr_timeout(a));
    } else {
        lookup_staged_field(req, fs, key, name);
    }
}

static void lookup_unknown_field(fuse_req_t req, struct fs *fs, uint64_t key, const char *name)
{
    uint16_t number = job_name_possible(name) ? job_name_number(name) : 0;
    if (number == 0)
        fuse_reply_err(req, ENOENT);
    else
        reply_provisional(req, fs, node_make(key, number));
}

static void lookup_field(fuse_req_t req, struct fs *fs, uint64_t key, const char *name)
{
    struct cache_answer a = {0};
    enum cache_need need =
        job_name_needs_get(job_name_find(name)) ? CACHE_NEED_GET : CACHE_NEED_ANY;
    switch (cache_peek(fs->config.cache, key, need, clock_mono_ms(), &a)) {
    case CACHE_CONTENT:
        lookup_known_field(req, fs, key, name, &a);
        break;
    case CACHE_MISSING:
        fuse_reply_err(req, ENOENT);
        break;
    case CACHE_PARKED:
    case CACHE_FAULT: /* it may have passed: GETATTR and OPEN find out, and may wait for it */
    case CACHE_INTERRUPTED:
        lookup_unknown_field(req, fs, key, name);
        break;
    }
    job_unref(a.job);
}

/* "." and "..": a handle (NFS, open_by_handle_at) is turned into a node again. */
static void lookup_self(fuse_req_t req, struct fs *fs, uint64_t ino)
{
    const struct fixed_entry *node = node_is_job(ino) ? NULL : fixed_get(ino);
    if (node) {
        lookup_fixed(req, fs, node);
        return;
    }
    struct cache_answer a = {0};
    struct stat st;
    bool known = node_is_job(ino) &&
                 cache_peek(fs->config.cache, node_key(ino), node_need(ino), clock_mono_ms(), &a) ==
                     CACHE_CONTENT &&
                 attr_job(fs, ino, a.job, &st);
    if (known)
        reply_entry(req, &st, KERNEL_FOREVER, attr_timeout(&a));
    else
        fuse_reply_err(req, ESTALE);
    job_unref(a.job);
}

static uint64_t parent_of(uint64_t ino)
{
    if (node_is_job(ino))
        return node_number(ino) ? node_make(node_key(ino), 0) : NODE_JOBS;
    const struct fixed_entry *node = fixed_get(ino);
    return node ? node->parent : NODE_ROOT;
}

static void lookup_link(fuse_req_t req, struct fs *fs, fuse_ino_t dir, const char *name)
{
    uint64_t key = 0;
    struct job *job = view_find(fs, dir, name, &key);
    struct stat st;
    if (job) {
        attr_link(fs, key, job, &st);
        reply_entry(req, &st, KERNEL_FOREVER, KERNEL_FOREVER);
    } else {
        reply_no_such_name(req);
    }
    job_unref(job);
}

static void lookup_in_fixed(fuse_req_t req, struct fs *fs, fuse_ino_t parent, const char *name)
{
    const struct fixed_entry *node = fixed_find((enum fixed_node)parent, name);
    if (node)
        lookup_fixed(req, fs, node);
    else if (parent == NODE_JOBS)
        lookup_job(req, fs, name);
    else if (status_of_node(parent) != JOB_STATUS_OTHER)
        lookup_link(req, fs, parent, name);
    else
        reply_no_such_name(req);
}

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct fs *fs = fs_of(req);
    metric_add(METRIC_FS_LOOKUP, 1);
    if (access_check(fs, req, true, X_OK) != 0)
        fuse_reply_err(req, EACCES);
    else if (strcmp(name, ".") == 0)
        lookup_self(req, fs, parent);
    else if (strcmp(name, "..") == 0)
        lookup_self(req, fs, parent_of(parent));
    else if (!node_is_job(parent))
        lookup_in_fixed(req, fs, parent, name);
    else if (node_number(parent) == 0)
        lookup_field(req, fs, node_key(parent), name);
    else
        fuse_reply_err(req, ENOTDIR);
}

static void reply_attr_staged(struct parked *p)
{
    struct job *job = stage_find(p->fs->stage, node_key(p->ino), node_number(p->ino));
    struct stat st;
    if (job && attr_job(p->fs, p->ino, job, &st))
        fuse_reply_attr(p->req, &st, 0);
    else
        fuse_reply_err(p->req, ENOENT);
    job_unref(job);
}

static void reply_attr(struct parked *p, const struct cache_answer *a)
{
    struct stat st;
    if (a->verdict != CACHE_CONTENT)
        fuse_reply_err(p->req, a->error ? a->error : EIO);
    else if (attr_job(p->fs, p->ino, a->job, &st))
        fuse_reply_attr(p->req, &st, attr_timeout(a));
    else
        reply_attr_staged(p);
}

/* fstat of an open handle whose field or job is gone still has an answer: the pinned version. */
static bool reply_attr_pinned(fuse_req_t req, struct fs *fs, struct fuse_file_info *fi)
{
    struct handle *h = fi ? handle_of(fi) : NULL;
    struct stat st;
    if (!h || !node_is_job(h->ino))
        return false;
    pthread_mutex_lock(&h->lock);
    bool known = h->job && attr_job(fs, h->ino, h->job, &st);
    pthread_mutex_unlock(&h->lock);
    if (known)
        fuse_reply_attr(req, &st, 0);
    return known;
}

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    metric_add(METRIC_FS_GETATTR, 1);
    if (!node_is_job(ino)) {
        const struct fixed_entry *node = fixed_get(ino);
        struct stat st;
        if (!node) {
            fuse_reply_err(req, ESTALE);
            return;
        }
        attr_fixed(fs, node, &st);
        fuse_reply_attr(req, &st, fixed_attr_timeout(node));
        return;
    }
    struct parked p = {.fs = fs, .req = req, .resume = reply_attr, .ino = ino};
    struct cache_answer a = {0};
    /* What is known is the answer, however old: stat is no read, so listings cost no call. But it
     * is use, which the refresh goes by. */
    cache_touch(fs->config.cache, node_key(ino), clock_mono_ms());
    if (cache_peek(fs->config.cache, node_key(ino), node_need(ino), clock_mono_ms(), &a) !=
        CACHE_CONTENT)
        park_or_resume(&p);
    else if (attr_job(fs, ino, a.job, &(struct stat){0}) || !reply_attr_pinned(req, fs, fi))
        reply_attr(&p, &a);
    job_unref(a.job);
}

static void reply_access(struct parked *p, const struct cache_answer *a)
{
    bool known = a->verdict == CACHE_CONTENT;
    if (known && attr_job(p->fs, p->ino, a->job, &(struct stat){0}))
        fuse_reply_err(p->req, 0);
    else
        fuse_reply_err(p->req, known || !a->error ? ENOENT : a->error);
}

/* A provisional entry is no answer to whether something can be read: that waits, as GETATTR does.
 */
static void access_job(fuse_req_t req, struct fs *fs, fuse_ino_t ino)
{
    struct parked p = {.fs = fs, .req = req, .resume = reply_access, .ino = ino};
    struct cache_answer a = {0};
    if (cache_peek(fs->config.cache, node_key(ino), node_need(ino), clock_mono_ms(), &a) ==
        CACHE_CONTENT)
        reply_access(&p, &a);
    else
        park_or_resume(&p);
    job_unref(a.job);
}

/* Asked only in user mode; in system mode the kernel goes by the attributes. */
void op_access(fuse_req_t req, fuse_ino_t ino, int mask)
{
    struct fs *fs = fs_of(req);
    const struct fixed_entry *node = node_is_job(ino) ? NULL : fixed_get(ino);
    bool is_dir = node ? node->is_dir : node_number(ino) == 0;
    int refused = access_check(fs, req, is_dir, mask & ~W_OK);
    if (mask & W_OK)
        fuse_reply_err(req, EROFS);
    else if (refused || (!is_dir && (mask & X_OK)))
        fuse_reply_err(req, EACCES);
    else if (node_is_job(ino))
        access_job(req, fs, ino);
    else
        fuse_reply_err(req, 0);
}
