/* by-status/<Status>/<JobId> -> ../../jobs/<JobId>. A link stands where the last operation of the
 * notifier put it. */
#include "base/clock.h"
#include "fs/fs_private.h"
#include "fs/stage.h"
#include <errno.h>
#include <stdio.h>

static bool stands_in(struct fs *fs, uint64_t dir, uint64_t key, const struct job *job)
{
    return stage_link_at(fs->stage, key, job_status(job)) == status_of_node(dir);
}

struct job *view_find(struct fs *fs, uint64_t dir, const char *name, uint64_t *key)
{
    struct job *job = cache_find(fs->config.cache, name, key);
    if (!job || stands_in(fs, dir, *key, job))
        return job;
    job_unref(job);
    return NULL;
}

bool view_has(struct fs *fs, uint64_t dir, uint64_t key)
{
    struct job *job = cache_current(fs->config.cache, key);
    bool has = job && stands_in(fs, dir, key, job);
    job_unref(job);
    return has;
}

void view_filter(struct fs *fs, uint64_t dir, struct cache_row *rows, size_t *n)
{
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++) {
        if (stands_in(fs, dir, rows[i].key, rows[i].job))
            rows[kept++] = rows[i];
        else
            job_unref(rows[i].job);
    }
    *n = kept;
}

void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
    char id[JOB_ID_MAX + 1], text[sizeof LINK_PREFIX + JOB_ID_MAX];
    if (!node_is_job(ino) || node_number(ino) != NODE_LINK) {
        fuse_reply_err(req, EINVAL);
        return;
    }
    if (!cache_id_of(fs_of(req)->config.cache, node_key(ino), id)) {
        fuse_reply_err(req, ESTALE);
        return;
    }
    snprintf(text, sizeof text, "%s%s", LINK_PREFIX, id);
    fuse_reply_readlink(req, text);
}
