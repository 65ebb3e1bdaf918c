/* user.ice.*: how old, how sure. Never cached by the kernel, so always current. */
#include "base/clock.h"
#include "base/metric.h"
#include "fs/fs_private.h"
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define PREFIX "user.ice."

struct facts {
    struct cache *cache;
    uint64_t ino;
    int64_t now_ms;
    struct cache_info info;
};

static int show_fetched_at(const struct facts *f, struct buf *out)
{
    char when[CLOCK_ISO_LEN];
    clock_iso(f->info.fetched_real_ns / NS_PER_S, when);
    return buf_adds(out, f->info.fetched_real_ns ? when : "");
}

static int show_age_ms(const struct facts *f, struct buf *out)
{
    return buf_addf(out, "%" PRId64, f->info.age_ms);
}

static int show_stale(const struct facts *f, struct buf *out)
{
    return buf_addc(out, f->info.stale ? '1' : '0');
}

static int show_gone(const struct facts *f, struct buf *out)
{
    return buf_addc(out, f->info.gone ? '1' : '0');
}

/* Of the content, which may have to be brought back for it. */
static int show_request_id(const struct facts *f, struct buf *out)
{
    struct cache_answer a = {0};
    cache_peek(f->cache, node_key(f->ino), node_need(f->ino), f->now_ms, &a);
    int rc = buf_adds(out, a.job ? job_request_id(a.job) : "");
    job_unref(a.job);
    return rc;
}

static int show_error(const struct facts *f, struct buf *out)
{
    return buf_adds(out, f->info.error);
}

static const struct {
    const char *name;
    int (*show)(const struct facts *f, struct buf *out);
} table[] = {
    {PREFIX "fetched_at", show_fetched_at}, {PREFIX "age_ms", show_age_ms},
    {PREFIX "stale", show_stale},           {PREFIX "request_id", show_request_id},
    {PREFIX "error", show_error},           {PREFIX "gone", show_gone},
};

static void reply_value(fuse_req_t req, const struct buf *value, size_t size)
{
    if (size == 0)
        fuse_reply_xattr(req, value->len);
    else if (value->len > size)
        fuse_reply_err(req, ERANGE);
    else
        fuse_reply_buf(req, buf_str(value), value->len);
}

static void get(fuse_req_t req, uint64_t ino, size_t row, size_t size)
{
    struct facts facts = {.cache = fs_of(req)->config.cache, .ino = ino, .now_ms = clock_mono_ms()};
    struct buf value CLEANUP_BUF = BUF_INIT(4096);
    if (!cache_info(facts.cache, node_key(ino), node_need(ino), facts.now_ms, &facts.info))
        fuse_reply_err(req, ENODATA);
    else if (table[row].show(&facts, &value) < 0)
        fuse_reply_err(req, ENOMEM);
    else
        reply_value(req, &value, size);
}

/* Labels and access lists. "Not supported", as of any file system that has none, and not "this file
 * has none": ls -l, which asks for three of them of every file, then asks no more. */
static bool is_foreign(const char *name)
{
    return strncmp(name, "security.", strlen("security.")) == 0 ||
           strncmp(name, "system.", strlen("system.")) == 0;
}

void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
    if (is_foreign(name)) {
        fuse_reply_err(req, EOPNOTSUPP);
        return;
    }
    metric_add(METRIC_FS_XATTR, 1);
    bool ours = strncmp(name, PREFIX, strlen(PREFIX)) == 0 && node_is_job(ino);
    for (size_t i = 0; ours && i < ARRAY_LEN(table); i++) {
        if (strcmp(name, table[i].name) == 0) {
            get(req, ino, i, size);
            return;
        }
    }
    fuse_reply_err(req, ENODATA);
}

void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
    struct buf names CLEANUP_BUF = BUF_INIT(4096);
    metric_add(METRIC_FS_XATTR, 1);
    for (size_t i = 0; node_is_job(ino) && i < ARRAY_LEN(table); i++) {
        if (buf_add(&names, table[i].name, strlen(table[i].name) + 1) < 0) {
            fuse_reply_err(req, ENOMEM);
            return;
        }
    }
    reply_value(req, &names, size);
}
