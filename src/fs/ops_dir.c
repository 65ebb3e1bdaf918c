/* OPENDIR, READDIR, READDIRPLUS, RELEASEDIR.
 *
 * A handle lists one version: that of the first read, and again that of a rewind. While a change is
 * being shown, the names of the other version that can be found are listed too, so that whoever
 * lists on an event finds what it told of. Offsets are positions in it, 1 and 2 being "." and "..".
 * READDIR holds the directory's lock in the kernel and never waits; OPENDIR of a job not yet
 * fetched does.
 *
 * A pass may be older than what is shown when it goes on: the kernel is then given names alone, for
 * what it takes for looked up it would keep. While a READDIR is answered no name can come or go:
 * that needs the directory's lock too. */
#include "base/clock.h"
#include "base/metric.h"
#include "base/thread.h"
#include "fs/fs_private.h"
#include "fs/groups.h"
#include "fs/held.h"
#include "fs/stage.h"
#include <errno.h>
#include <stdlib.h>

/* One entry about to be listed. */
struct entry {
    const char *name; /* NULL: nothing at this position */
    struct stat st;
    double attr_timeout;
    bool plus; /* the kernel may keep it as if looked up */
};

static void reply_opendir(struct parked *p, const struct job *job)
{
    struct handle *h = handle_new(p->ino);
    if (!h) {
        fuse_reply_err(p->req, ENOMEM);
        return;
    }
    h->job = job ? job_ref(job) : NULL;
    p->fi.fh = (uintptr_t)h;
    /* The kernel keeps the listing while the directory's time stays, and is told of each change;
     * one that it will be told of in a moment (updater.c) is seen at once. */
    p->fi.cache_readdir =
        p->ino == NODE_JOBS ||
        (node_is_job(p->ino) && cache_settled(p->fs->config.cache, node_key(p->ino)));
    p->fi.keep_cache = p->fi.cache_readdir && (p->ino != NODE_JOBS || listing_is_told(p->fs));
    if (fuse_reply_open(p->req, &p->fi) == -ENOENT)
        handle_free(h);
}

static void resume_opendir(struct parked *p, const struct cache_answer *a)
{
    if (a->verdict == CACHE_CONTENT)
        reply_opendir(p, a->job);
    else
        fuse_reply_err(p->req, a->error ? a->error : EIO);
}

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct parked p = {
        .fs = fs_of(req), .req = req, .resume = resume_opendir, .ino = ino, .fi = *fi};
    metric_add(METRIC_FS_OPEN, 1);
    if (access_check(p.fs, req, true, R_OK) != 0) {
        fuse_reply_err(req, EACCES);
        return;
    }
    if (!node_is_job(ino)) {
        reply_opendir(&p, NULL);
        return;
    }
    struct cache_answer a = {0};
    /* Listing what is known costs no call, however old it is. */
    if (cache_peek(p.fs->config.cache, node_key(ino), CACHE_NEED_ANY, clock_mono_ms(), &a) ==
        CACHE_CONTENT)
        reply_opendir(&p, a.job);
    else
        park_or_resume(&p);
    job_unref(a.job);
}

/* Called with the handle's lock held: the listing of the pass before goes. */
static void drop_listing(struct handle *h)
{
    cache_list_free(h->rows, h->n_rows);
    free(h->groups);
    h->rows = NULL;
    h->groups = NULL;
    h->n_rows = h->n_groups = 0;
}

/* Called with the handle's lock held. 0 or -1. */
static int take_listing(struct fs *fs, struct handle *h)
{
    unsigned view = view_of_dir(h->ino);
    drop_listing(h);
    if (h->ino == NODE_JOBS)
        return cache_list(fs->config.cache, &h->rows, &h->n_rows);
    if (view_of_group(h->ino) < VIEWS)
        return view_list(fs, h->ino, &h->rows, &h->n_rows);
    if (view < VIEWS)
        return groups_list(fs->groups, view, &h->groups, &h->n_groups);
    return 0;
}

/* Called with the handle's lock held: begin a pass at offset 0 with what is current. */
static int begin_pass(struct fs *fs, struct handle *h)
{
    uint64_t key = node_key(h->ino);
    struct job *job = node_is_job(h->ino) ? cache_current(fs->config.cache, key) : NULL;
    if (job) {
        job_unref(h->job);
        h->job = job;
    }
    job_unref(h->beside);
    h->beside = h->job ? stage_beside(fs->stage, key, h->job) : NULL;
    h->outdated = false;
    return take_listing(fs, h);
}

/* Called with the handle's lock held: a pass goes on. */
static void go_on(struct fs *fs, struct handle *h)
{
    if (!h->job)
        return;
    struct job *job = cache_current(fs->config.cache, node_key(h->ino));
    h->outdated = job != h->job;
    job_unref(job);
}

/* A change is told by an invalidation; the second is for versions that were listed late. */
static void keep_entry(const struct job_facts *facts, struct entry *e)
{
    e->plus = true;
    e->attr_timeout = attr_timeout_facts(facts);
}

/* A name that the shown version lacks. */
static bool is_visible(struct fs *fs, uint64_t key, uint16_t number)
{
    struct job *job = stage_find(fs->stage, key, number);
    job_unref(job);
    return job != NULL;
}

/* First the fields of the shown version, then those beside it. */
static bool field_entry(struct fs *fs, struct handle *h, size_t i, struct entry *e)
{
    size_t n = job_n_fields(h->job);
    const struct job *job = i < n ? h->job : h->beside;
    size_t at = i < n ? i : i - n;
    if (!job || at >= job_n_fields(job))
        return false;
    const struct job_field *f = job_field_at(job, at);
    if (job == h->beside && !is_visible(fs, node_key(h->ino), f->number))
        return true;
    e->name = f->name;
    if (!h->outdated)
        keep_entry(job_facts_of(job), e);
    return attr_job(fs, node_make(node_key(h->ino), f->number), job, &e->st);
}

/* What a row of the listing has become; NULL: it has gone since the pass began. */
static struct job_facts *row_facts(struct fs *fs, const struct handle *h, uint64_t key)
{
    struct job_facts *facts = cache_facts(fs->config.cache, key);
    if (!facts || h->ino == NODE_JOBS || view_has(fs, h->ino, key, facts))
        return facts;
    job_facts_unref(facts);
    return NULL;
}

/* jobs/: the directories; a group: the links. */
static bool row_entry(struct fs *fs, const struct handle *h, size_t i, struct entry *e)
{
    if (i >= h->n_rows)
        return false;
    const struct cache_row *row = &h->rows[i];
    struct job_facts *facts = row_facts(fs, h, row->key);
    if (!facts)
        return true;
    uint16_t number = h->ino == NODE_JOBS ? 0 : views[view_of_group(h->ino)].link;
    e->name = row->facts->id;
    keep_entry(facts, e);
    attr_facts(fs, node_make(row->key, number), facts, &e->st);
    job_facts_unref(facts);
    return true;
}

/* by-date/: the days. */
static bool group_entry(struct fs *fs, const struct handle *h, size_t i, struct entry *e)
{
    if (i >= h->n_groups)
        return false;
    if (!groups_has(fs->groups, h->groups[i].ino))
        return true;
    e->name = h->groups[i].name;
    attr_group(fs, h->groups[i].ino, &e->st);
    return true;
}

static bool fixed_dir_entry(struct fs *fs, struct handle *h, size_t i, struct entry *e)
{
    const struct fixed_entry *child = fixed_child((enum fixed_node)h->ino, i);
    if (!child)
        return false;
    e->name = child->name;
    attr_fixed(fs, child, &e->st);
    return true;
}

/* The entry at a position; false: past the end. */
static bool entry_at(struct fs *fs, struct handle *h, size_t pos, struct entry *e)
{
    *e = (struct entry){0};
    if (pos < 2) {
        e->name = pos == 0 ? "." : "..";
        attr_dir(fs, h->ino, 0, 0, &e->st);
        return true;
    }
    if (node_is_job(h->ino))
        return field_entry(fs, h, pos - 2, e);
    if (h->groups)
        return group_entry(fs, h, pos - 2, e);
    return h->rows ? row_entry(fs, h, pos - 2, e) : fixed_dir_entry(fs, h, pos - 2, e);
}

static size_t add_entry(fuse_req_t req, char *out, size_t room, const struct entry *e, off_t next,
                        bool plus)
{
    if (!plus)
        return fuse_add_direntry(req, out, room, e->name, &e->st, next);
    struct fuse_entry_param p = {.attr = e->st};
    if (e->plus) {
        p.ino = e->st.st_ino;
        p.generation = 1;
        p.entry_timeout = KERNEL_FOREVER;
        p.attr_timeout = e->attr_timeout;
    }
    return fuse_add_direntry_plus(req, out, room, e->name, &p, next);
}

static size_t fill(fuse_req_t req, struct handle *h, char *out, size_t size, off_t off, bool plus)
{
    size_t used = 0;
    struct entry e;
    for (size_t pos = (size_t)off; entry_at(fs_of(req), h, pos, &e); pos++) {
        if (!e.name)
            continue;
        size_t n = add_entry(req, out + used, size - used, &e, (off_t)pos + 1, plus);
        if (n > size - used)
            break;
        if (plus && e.plus)
            held_add(fs_of(req)->held, e.st.st_ino);
        used += n;
    }
    return used;
}

#define READDIR_MAX                                                                                \
    ((size_t)1 << 20) /* the kernel asks for at most a few pages; never trust a size */

static void readdir_any(fuse_req_t req, size_t size, off_t off, struct fuse_file_info *fi,
                        bool plus)
{
    struct handle *h = handle_of(fi);
    metric_add(METRIC_FS_READDIR, 1);
    size_t room = size < READDIR_MAX ? size : READDIR_MAX;
    char *out CLEANUP_FREE = malloc(room ? room : 1);
    size_t used = 0;
    bool failed = !out || off < 0;
    mutex_lock(&h->lock);
    if (!failed && off == 0)
        failed = begin_pass(fs_of(req), h) < 0;
    else if (!failed)
        go_on(fs_of(req), h);
    if (!failed)
        used = fill(req, h, out, room, off, plus);
    mutex_unlock(&h->lock);
    if (failed)
        fuse_reply_err(req, ENOMEM);
    else
        fuse_reply_buf(req, out, used);
}

void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
    (void)ino;
    readdir_any(req, size, off, fi, false);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
                    struct fuse_file_info *fi)
{
    (void)ino;
    readdir_any(req, size, off, fi, true);
}

void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)ino;
    handle_free(handle_of(fi));
    fuse_reply_err(req, 0);
}
