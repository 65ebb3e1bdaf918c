#include "base/thread.h"
#include "fs/fs_private.h"
#include <stdlib.h>

struct handle *handle_new(uint64_t ino)
{
    struct handle *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    mutex_init(&h->lock);
    h->ino = ino;
    h->text = BUF_INIT(META_MAX);
    return h;
}

void handle_free(struct handle *h)
{
    if (!h)
        return;
    job_unref(h->job);
    job_unref(h->beside);
    cache_list_free(h->rows, h->n_rows);
    buf_free(&h->text);
    mutex_destroy(&h->lock);
    free(h);
}

struct handle *handle_of(const struct fuse_file_info *fi)
{
    return (struct handle *)(uintptr_t)
        fi->fh; /* NOLINT(performance-no-int-to-ptr): libfuse's field for it */
}
