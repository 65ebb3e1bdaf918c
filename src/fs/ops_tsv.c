/* jobs.tsv as an open file: OPEN waits for a version as park.c has it (the same rules hold for
 * interrupts, and for who frees it), READ reads that version. */
#include "base/clock.h"
#include "base/metric.h"
#include "fs/fs_private.h"
#include "fs/tsv.h"
#include <errno.h>
#include <stdlib.h>

void attr_tsv(struct fs *fs, const struct fuse_file_info *fi, struct stat *st)
{
    const struct handle *h = fi ? handle_of(fi) : NULL;
    struct tsv_stat now;
    if (h && h->tsv)
        tsv_version_stat(h->tsv, &now);
    else
        tsv_stat(fs->tsv, &now);
    attr_file(fs, NODE_JOBS_TSV, now.size, now.mtime_ns, now.mtime_ns, st);
}

/* ---- open ---- */

struct opening {
    struct tsv_waiter waiter; /* first: it is what comes back */
    struct fs *fs;
    fuse_req_t req;
    struct fuse_file_info fi;
    bool bare; /* nothing is opened: a READ of these */
    size_t size;
    off_t offset;
};

static void reply_part(fuse_req_t req, const struct tsv_version *v, size_t size, off_t off)
{
    CLEANUP_FREE char *out = malloc(size ? size : 1);
    if (!out) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    ssize_t n = pread(tsv_version_fd(v), out, size, off);
    if (n < 0)
        fuse_reply_err(req, errno);
    else
        fuse_reply_buf(req, out, (size_t)n);
}

static void reply_version(struct opening *o, struct tsv_version *v)
{
    if (o->bare) {
        reply_part(o->req, v, o->size, o->offset);
        tsv_version_unref(v);
        return;
    }
    struct handle *h = handle_new(NODE_JOBS_TSV);
    if (!h) {
        tsv_version_unref(v);
        fuse_reply_err(o->req, ENOMEM);
        return;
    }
    h->tsv = v;
    o->fi.fh = (uintptr_t)h;
    o->fi.direct_io = 1;
    o->fi.noflush = 1;
    /* The opener was killed meanwhile: no RELEASE will come. */
    if (fuse_reply_open(o->req, &o->fi) == -ENOENT)
        handle_free(h);
}

/* After the interrupt function is taken back it does not run, so the memory may go. */
static void finish(struct opening *o, struct tsv_version *v, int error)
{
    fuse_req_interrupt_func(o->req, NULL, NULL);
    if (v)
        reply_version(o, v);
    else
        fuse_reply_err(o->req, error);
    free(o);
}

static void on_answer(struct tsv_waiter *w, struct tsv_version *v, int error)
{
    finish((struct opening *)w, v, error);
}

static void on_interrupt(fuse_req_t req, void *data)
{
    struct opening *o = data;
    if (!tsv_cancel(o->fs->tsv, &o->waiter))
        return;
    metric_add(METRIC_FS_INTERRUPTED, 1);
    fuse_reply_err(req, EINTR);
    free(o);
}

static void open_version(struct parked *p, bool bare)
{
    struct opening *o = malloc(sizeof *o);
    struct tsv_version *v = NULL;
    int error = 0;
    if (!o) {
        fuse_reply_err(p->req, ENOMEM);
        return;
    }
    *o = (struct opening){.waiter.answer = on_answer,
                          .fs = p->fs,
                          .req = p->req,
                          .fi = p->fi,
                          .bare = bare,
                          .size = p->size,
                          .offset = p->offset};
    fuse_req_interrupt_func(o->req, on_interrupt, o);
    int64_t deadline_ms = clock_mono_ms() + cache_patience_ms(p->fs->config.timeout_ms);
    switch (tsv_open(p->fs->tsv, &o->waiter, deadline_ms, &v, &error)) {
    case TSV_PARKED:
        return; /* it may be gone already */
    case TSV_READY:
    case TSV_FAILED:
        break;
    case TSV_INTERRUPTED:
        error = EINTR;
        break;
    }
    finish(o, v, error);
}

void tsv_op_open(struct parked *p)
{
    open_version(p, false);
}

void tsv_op_read_bare(struct parked *p)
{
    open_version(p, true);
}

/* ---- read ---- */

void tsv_op_read(fuse_req_t req, const struct handle *h, size_t size, off_t off)
{
    reply_part(req, h->tsv, size, off);
}
