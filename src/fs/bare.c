/* Files without an open (option fastcache).
 *
 * An OPEN answered with ENOSYS is the last one: from then on the kernel opens every file by itself
 * and keeps its pages. So nothing can be pinned for a reader, and a READ gets what is current; the
 * pages are dropped when the content changes, which a reader may meet in the middle: page and size
 * are then of two versions (measured: 1 read of 300 to 1,000 of a file that changes all the time).
 * The mount must be one that the kernel keeps users from writing to, for an open for writing is not
 * asked for either. */
#include "base/clock.h"
#include "fs/fs_private.h"
#include <errno.h>

static void read_meta(fuse_req_t req, struct fs *fs, uint64_t ino, size_t size, off_t off)
{
    struct buf text CLEANUP_BUF = BUF_INIT(META_MAX);
    int64_t when_ns;
    if (meta_recent(fs, (enum fixed_node)ino, &text, &when_ns) < 0)
        fuse_reply_err(req, ENOMEM);
    else
        reply_slice(req, buf_str(&text), text.len, size, off);
}

static void resume_read(struct parked *p, const struct cache_answer *a)
{
    if (a->verdict == CACHE_CONTENT)
        reply_job_slice(p, a->job);
    else
        fuse_reply_err(p->req, a->error ? a->error : EIO);
}

/* What is known is the answer: GETATTR has told of its size, and the refresh keeps it current. */
static void read_field(const struct parked *p)
{
    struct cache_answer a = {0};
    struct parked now = *p;
    struct cache *cache = p->fs->config.cache;
    int64_t now_ms = clock_mono_ms();
    cache_touch(cache, node_key(p->ino), now_ms);
    if (cache_peek(cache, node_key(p->ino), node_need(p->ino), now_ms, &a) == CACHE_CONTENT)
        resume_read(&now, &a);
    else
        park_or_resume(p);
    job_unref(a.job);
}

void bare_op_read(fuse_req_t req, uint64_t ino, size_t size, off_t off)
{
    struct fs *fs = fs_of(req);
    struct parked p = {
        .fs = fs, .req = req, .resume = resume_read, .ino = ino, .size = size, .offset = off};
    if (node_is_job(ino))
        read_field(&p);
    else if (ino == NODE_JOBS_TSV)
        tsv_op_read_bare(&p);
    else if (ino == NODE_EVENTS_LOG)
        events_op_read_log(req, fs, NULL, size, off);
    else
        read_meta(req, fs, ino, size, off);
}
