/* LOOKUP, GETATTR, ACCESS.
 *
 * LOOKUP never waits: it holds the directory's lock in the kernel. A possible but unknown job id,
 * and a field of a job not yet fetched, get a provisional entry (valid for 0 s); GETATTR and OPEN
 * then wait, interruptibly. */
#include "base/clock.h"
#include "base/metric.h"
#include "fs/fs_private.h"
#include "fs/groups.h"
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

/* Files of these nodes change without notice. The directories never do, but for jobs/, and that
 * with an invalidation: each step of a path through it would be a request otherwise. */
static double fixed_attr_timeout(const struct fixed_entry *node)
{
    return node->node == NODE_HELP || node->is_dir ? KERNEL_FOREVER : 0;
}

static void lookup_fixed(fuse_req_t req, struct fs *fs, const struct fixed_entry *node)
{
    struct stat st;
    if (fs->config.fastcache && node->node == NODE_EVENTS) {
        fuse_reply_err(req, EOPNOTSUPP); /* a stream cannot be read without an open */
        return;
    }
    attr_fixed(fs, node, &st);
    reply_entry(req, &st, KERNEL_FOREVER, fixed_attr_timeout(node));
}

static void lookup_known_job(fuse_req_t req, struct fs *fs, uint64_t ino,
                             const struct job_facts *facts, const struct cache_answer *a)
{
    struct stat st;
    attr_facts(fs, ino, facts, &st);
    reply_entry(req, &st, KERNEL_FOREVER, attr_timeout(a));
}

static void lookup_job(fuse_req_t req, struct fs *fs, const char *name)
{
    uint64_t key = 0;
    struct job_facts *facts = NULL;
    struct cache_answer a = {0};
    if (!job_id_possible(name)) {
        reply_no_such_name(req);
        return;
    }
    /* Its MKDIR is on the way: for everybody else the job is shown by being named. */
    if (from_notifier(req) && cache_unborn(fs->config.cache, name, &key)) {
        fuse_reply_err(req, ENOENT);
        return;
    }
    switch (cache_lookup(fs->config.cache, name, clock_mono_ms(), &key, &facts, &a)) {
    case CACHE_CONTENT:
        lookup_known_job(req, fs, node_make(key, 0), facts, &a);
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
    job_facts_unref(facts);
}

/* A name that the shown version lacks may be on its way in or out. false: it is not. */
static bool reply_staged_field(fuse_req_t req, struct fs *fs, uint64_t key, const char *name)
{
    uint16_t number = job_name_find(name);
    struct job *job = number ? stage_find(fs->stage, key, number) : NULL;
    struct stat st;
    bool found = job && attr_job(fs, node_make(key, number), job, &st);
    if (found)
        reply_entry(req, &st, KERNEL_FOREVER, 0);
    job_unref(job);
    return found;
}

static void lookup_known_field(fuse_req_t req, struct fs *fs, uint64_t key, const char *name,
                               const struct cache_answer *a)
{
    const struct job_field *f = job_find(a->job, name);
    struct stat st;
    if (f) {
        attr_job(fs, node_make(key, f->number), a->job, &st);
        reply_entry(req, &st, KERNEL_FOREVER, attr_timeout(a));
    } else if (!reply_staged_field(req, fs, key, name)) {
        reply_no_such_name(req);
    }
}

/* It may come with the first Get; the notifier, who is about to create it, finds nothing. */
static void lookup_unknown_field(fuse_req_t req, struct fs *fs, uint64_t key, const char *name)
{
    uint16_t number = job_name_possible(name) ? job_name_number(name) : 0;
    if (reply_staged_field(req, fs, key, name))
        return;
    if (number == 0 || from_notifier(req))
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

/* A job's directory or link, a group: nodes that need no content. false: there is no such node. */
static bool attr_bare(struct fs *fs, uint64_t ino, struct stat *st, double *timeout)
{
    bool bare = node_is_job_dir(ino) || node_is_link(ino);
    struct job_facts *facts = bare ? cache_facts(fs->config.cache, node_key(ino)) : NULL;
    bool known = facts || (view_of_group(ino) < VIEWS && groups_has(fs->groups, ino));
    if (facts)
        attr_facts(fs, ino, facts, st);
    else if (known)
        attr_group(fs, ino, st);
    *timeout = facts ? attr_timeout_facts(facts) : KERNEL_FOREVER;
    job_facts_unref(facts);
    return known;
}

static void lookup_field_self(fuse_req_t req, struct fs *fs, uint64_t ino)
{
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

/* "." and "..": a handle (NFS, open_by_handle_at) is turned into a node again. */
static void lookup_self(fuse_req_t req, struct fs *fs, uint64_t ino)
{
    const struct fixed_entry *node = fixed_get(ino);
    struct stat st;
    double timeout;
    if (node)
        lookup_fixed(req, fs, node);
    else if (attr_bare(fs, ino, &st, &timeout))
        reply_entry(req, &st, KERNEL_FOREVER, timeout);
    else
        lookup_field_self(req, fs, ino);
}

static uint64_t parent_of(uint64_t ino)
{
    const struct fixed_entry *node = fixed_get(ino);
    if (node)
        return node->parent;
    unsigned view = view_of_group(ino);
    if (view < VIEWS)
        return views[view].dir;
    return node_number(ino) ? node_make(node_key(ino), 0) : NODE_JOBS;
}

static void lookup_link(fuse_req_t req, struct fs *fs, fuse_ino_t group, const char *name)
{
    uint64_t key = 0;
    struct job_facts *facts = view_find(fs, group, name, &key);
    struct stat st;
    if (facts) {
        attr_facts(fs, node_make(key, views[view_of_group(group)].link), facts, &st);
        reply_entry(req, &st, KERNEL_FOREVER, KERNEL_FOREVER);
    } else {
        reply_no_such_name(req);
    }
    job_facts_unref(facts);
}

static void lookup_group(fuse_req_t req, struct fs *fs, unsigned view, const char *name)
{
    uint64_t ino = groups_find(fs->groups, view, name);
    struct stat st;
    if (ino == NODE_NONE) {
        reply_no_such_name(req);
        return;
    }
    attr_group(fs, ino, &st);
    reply_entry(req, &st, KERNEL_FOREVER, KERNEL_FOREVER);
}

static void lookup_in_fixed(fuse_req_t req, struct fs *fs, fuse_ino_t parent, const char *name)
{
    const struct fixed_entry *node = fixed_find((enum fixed_node)parent, name);
    if (node)
        lookup_fixed(req, fs, node);
    else if (parent == NODE_JOBS)
        lookup_job(req, fs, name);
    else if (view_of_dir(parent) < VIEWS)
        lookup_group(req, fs, view_of_dir(parent), name);
    else if (view_of_group(parent) < VIEWS)
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
    else if (node_is_job_dir(parent))
        lookup_field(req, fs, node_key(parent), name);
    else
        fuse_reply_err(req, ENOTDIR);
}

static bool reply_attr_staged(const struct parked *p)
{
    struct job *job = stage_find(p->fs->stage, node_key(p->ino), node_number(p->ino));
    struct stat st;
    bool found = job && attr_job(p->fs, p->ino, job, &st);
    if (found)
        fuse_reply_attr(p->req, &st, 0);
    job_unref(job);
    return found;
}

static void reply_attr(struct parked *p, const struct cache_answer *a)
{
    struct stat st;
    if (a->verdict != CACHE_CONTENT)
        fuse_reply_err(p->req, a->error ? a->error : EIO);
    else if (attr_job(p->fs, p->ino, a->job, &st))
        fuse_reply_attr(p->req, &st, attr_timeout(a));
    else if (!reply_attr_staged(p))
        fuse_reply_err(p->req, ENOENT);
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

/* Not known yet: wait, unless only the stage has it (a name of the first Get's that is about to be
 * shown), or the notifier asks, who must not wait. */
static void getattr_unknown(const struct parked *p)
{
    if (reply_attr_staged(p))
        return;
    if (from_notifier(p->req))
        fuse_reply_err(p->req, ENOENT);
    else
        park_or_resume(p);
}

/* Of a field, or of a job that is not known yet. */
static void getattr_job(fuse_req_t req, struct fs *fs, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct parked p = {.fs = fs, .req = req, .resume = reply_attr, .ino = ino};
    struct cache_answer a = {0};
    /* What is known is the answer, however old: stat is no read, so listings cost no call. */
    if (cache_peek(fs->config.cache, node_key(ino), node_need(ino), clock_mono_ms(), &a) !=
        CACHE_CONTENT)
        getattr_unknown(&p);
    else if (attr_job(fs, ino, a.job, &(struct stat){0}) || !reply_attr_pinned(req, fs, fi))
        reply_attr(&p, &a);
    job_unref(a.job);
}

static void getattr_fixed(fuse_req_t req, struct fs *fs, const struct fixed_entry *node,
                          const struct fuse_file_info *fi)
{
    struct stat st;
    if (node->node == NODE_JOBS_TSV)
        attr_tsv(fs, fi, &st);
    else
        attr_fixed(fs, node, &st);
    fuse_reply_attr(req, &st, fixed_attr_timeout(node));
}

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct fs *fs = fs_of(req);
    const struct fixed_entry *node = fixed_get(ino);
    struct stat st;
    double timeout;
    metric_add(METRIC_FS_GETATTR, 1);
    /* It is use, which the refresh goes by. */
    if (node_is_job(ino) && !from_notifier(req))
        cache_touch(fs->config.cache, node_key(ino), clock_mono_ms());
    if (node)
        getattr_fixed(req, fs, node, fi);
    else if (attr_bare(fs, ino, &st, &timeout))
        fuse_reply_attr(req, &st, timeout);
    else if (node_is_job(ino))
        getattr_job(req, fs, ino, fi);
    else
        fuse_reply_err(req, ENOENT);
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

static bool is_directory(uint64_t ino)
{
    const struct fixed_entry *node = fixed_get(ino);
    return node ? node->is_dir : !node_is_job(ino) || node_is_job_dir(ino);
}

/* Asked only in user mode; in system mode the kernel goes by the attributes. */
void op_access(fuse_req_t req, fuse_ino_t ino, int mask)
{
    struct fs *fs = fs_of(req);
    bool is_dir = is_directory(ino);
    struct stat st;
    double timeout;
    int refused = access_check(fs, req, is_dir, mask & ~W_OK);
    if (mask & W_OK)
        fuse_reply_err(req, EROFS);
    else if (refused || (!is_dir && (mask & X_OK)))
        fuse_reply_err(req, EACCES);
    else if (!node_is_job(ino) || attr_bare(fs, ino, &st, &timeout))
        fuse_reply_err(req, 0);
    else
        access_job(req, fs, ino);
}
