/* OPEN, READ, RELEASE.
 *
 * Unfinished jobs: direct_io with the version pinned in the handle, and pinned anew by a read at
 * offset 0, so that each pass over the file is one version. Finished and settled jobs: the kernel
 * keeps the pages (KEEP_CACHE; pages.c), and a READ gets what is current, since a page belongs to
 * the file and not to a handle. */
#include "base/clock.h"
#include "base/metric.h"
#include "base/thread.h"
#include "fs/fs_private.h"
#include "fs/stage.h"
#include <errno.h>
#include <fcntl.h>

/* ---- open ---- */

static void reply_open(struct parked *p, struct handle *h, bool keep)
{
    p->fi.fh = (uintptr_t)h;
    p->fi.direct_io = !keep;
    p->fi.keep_cache = keep;
    p->fi.noflush = 1;
    /* The opener was killed meanwhile: no RELEASE will come. */
    if (fuse_reply_open(p->req, &p->fi) == -ENOENT)
        handle_close(p->fs, h);
}

static void open_field(struct parked *p, const struct job *job)
{
    struct handle *h = handle_new(p->ino);
    int error = h ? pages_open(p->fs, h, job) : ENOMEM;
    if (error) {
        handle_free(h);
        fuse_reply_err(p->req, error);
        return;
    }
    reply_open(p, h, !h->direct);
}

/* A name that the shown version lacks may be on its way in or out. */
static void open_staged(struct parked *p)
{
    struct job *job = stage_find(p->fs->stage, node_key(p->ino), node_number(p->ino));
    if (job)
        open_field(p, job);
    else
        fuse_reply_err(p->req, ENOENT);
    job_unref(job);
}

static void resume_open(struct parked *p, const struct cache_answer *a)
{
    if (a->verdict != CACHE_CONTENT)
        fuse_reply_err(p->req, a->error ? a->error : EIO);
    else if (job_find_number(a->job, node_number(p->ino)))
        open_field(p, a->job);
    else
        open_staged(p);
}

static void open_fixed(struct parked *p)
{
    struct handle *h = handle_new(p->ino);
    if (!h || meta_render(p->fs, (enum fixed_node)p->ino, &h->text) < 0) {
        handle_free(h);
        fuse_reply_err(p->req, ENOMEM);
        return;
    }
    reply_open(p, h, false);
}

/* The notifier's doorbell: its byte is acknowledged and goes nowhere, past the page cache. */
static void open_for_writing(fuse_req_t req, struct fuse_file_info *fi)
{
    if (!from_notifier(req)) {
        fuse_reply_err(req, EROFS);
        return;
    }
    fi->fh = 0;
    fi->direct_io = 1;
    fi->noflush = 1;
    fuse_reply_open(req, fi);
}

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct parked p = {.fs = fs_of(req), .req = req, .resume = resume_open, .ino = ino, .fi = *fi};
    metric_add(METRIC_FS_OPEN, 1);
    if (p.fs->config.fastcache)
        fuse_reply_err(req, ENOSYS); /* the kernel asks no more */
    else if ((fi->flags & O_ACCMODE) != O_RDONLY || (fi->flags & O_TRUNC))
        open_for_writing(req, fi);
    else if (access_check(p.fs, req, false, R_OK) != 0)
        fuse_reply_err(req, EACCES);
    else if (node_is_job(ino))
        park_or_resume(&p);
    else if (ino == NODE_EVENTS || ino == NODE_EVENTS_LOG)
        events_op_open(&p);
    else if (ino == NODE_JOBS_TSV)
        tsv_op_open(&p);
    else
        open_fixed(&p);
}

/* ---- read ---- */

void reply_slice(fuse_req_t req, const char *data, size_t len, size_t size, off_t off)
{
    size_t from = (uint64_t)off < len ? (size_t)off : len;
    size_t n = len - from < size ? len - from : size;
    fuse_reply_buf(req, data + from, n);
}

void reply_job_slice(struct parked *p, const struct job *job)
{
    const struct job_field *f = job_find_number(job, node_number(p->ino));
    if (f)
        reply_slice(p->req, f->data, f->len, p->size, p->offset);
    else
        fuse_reply_buf(p->req, NULL, 0);
}

static struct job *pinned(struct handle *h)
{
    LOCK_SCOPE(&h->lock);
    return job_ref(h->job);
}

/* Pin the newest version, if it still has the field. */
static void pin(struct handle *h, const struct job *job)
{
    const struct job *old = NULL;
    mutex_lock(&h->lock);
    if (job_find_number(job, node_number(h->ino))) {
        old = h->job;
        h->job = job_ref(job);
    }
    h->checked_ms = clock_mono_ms();
    mutex_unlock(&h->lock);
    job_unref(old);
}

static void resume_read(struct parked *p, const struct cache_answer *a)
{
    struct handle *h = handle_of(&p->fi);
    if (a->verdict == CACHE_CONTENT)
        pin(h, a->job);
    /* A fault or a forgotten job: the handle goes on with what it has. */
    struct job *job = pinned(h);
    reply_job_slice(p, job);
    job_unref(job);
}

/* A new pass over the file begins: the first pass is that of OPEN. */
static bool begins_pass(struct handle *h, off_t off)
{
    LOCK_SCOPE(&h->lock);
    bool again = off == 0 && h->was_read;
    h->was_read = true;
    return again;
}

static void read_field(struct parked *p, struct handle *h)
{
    if (h->direct && begins_pass(h, p->offset)) {
        park_or_resume(p);
        return;
    }
    struct cache_answer a = {0};
    struct job *job = NULL;
    if (!h->direct && cache_peek(p->fs->config.cache, node_key(p->ino), CACHE_NEED_ANY,
                                 clock_mono_ms(), &a) == CACHE_CONTENT)
        job = a.job;
    else
        job = pinned(h);
    reply_job_slice(p, job);
    job_unref(job);
}

void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
    struct handle *h = handle_of(fi);
    metric_add(METRIC_FS_READ, 1);
    if (!h) {
        bare_op_read(req, ino, size, off);
        return;
    }
    if (ino == NODE_EVENTS || ino == NODE_EVENTS_LOG) {
        events_op_read(req, fs_of(req), h, size, off, fi->flags);
        return;
    }
    if (ino == NODE_JOBS_TSV) {
        tsv_op_read(req, h, size, off);
        return;
    }
    if (!node_is_job(ino)) {
        handle_ref(h);
        reply_slice(req, buf_str(&h->text), h->text.len, size, off);
        handle_free(h);
        return;
    }
    struct parked p = {.fs = fs_of(req),
                       .req = req,
                       .resume = resume_read,
                       .ino = ino,
                       .fi = *fi,
                       .size = size,
                       .offset = off};
    read_field(&p, h);
}

/* ---- release ---- */

void handle_close(struct fs *fs, struct handle *h)
{
    if (h->ino == NODE_EVENTS || h->ino == NODE_EVENTS_LOG) {
        events_op_close(fs, h);
        return;
    }
    if (node_is_job(h->ino))
        pages_close(fs, h);
    handle_free(h);
}

void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)ino;
    if (fi->fh) /* a doorbell has none */
        handle_close(fs_of(req), handle_of(fi));
    fuse_reply_err(req, 0);
}
