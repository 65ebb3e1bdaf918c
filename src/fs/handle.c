#include "base/thread.h"
#include "fs/fs_private.h"
#include "fs/tsv.h"
#include <stdlib.h>
#include <utlist.h>

/* All that are open. The lock protects the list and is held for moments. */
static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;
static struct handle *open_handles;

struct handle *handle_new(uint64_t ino)
{
    struct handle *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    mutex_init(&h->lock);
    atomic_init(&h->refs, 1);
    h->ino = ino;
    h->text = BUF_INIT(META_MAX);
    mutex_lock(&open_lock);
    DL_APPEND(open_handles, h);
    mutex_unlock(&open_lock);
    return h;
}

void handle_ref(struct handle *h)
{
    atomic_fetch_add(&h->refs, 1);
}

void handle_free(struct handle *h)
{
    if (!h || atomic_fetch_sub(&h->refs, 1) > 1)
        return;
    mutex_lock(&open_lock);
    DL_DELETE(open_handles, h);
    mutex_unlock(&open_lock);
    job_unref(h->job);
    job_unref(h->beside);
    cache_list_free(h->rows, h->n_rows);
    free(h->groups);
    tsv_version_unref(h->tsv);
    buf_free(&h->text);
    mutex_destroy(&h->lock);
    free(h);
}

void handles_close(struct fs *fs)
{
    while (open_handles) /* no request is served any more, so nobody else touches the list */
        handle_close(fs, open_handles);
}

struct handle *handle_of(const struct fuse_file_info *fi)
{
    return (struct handle *)(uintptr_t)
        fi->fh; /* NOLINT(performance-no-int-to-ptr): libfuse's field for it */
}
