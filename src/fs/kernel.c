/* What the kernel is given, and told to drop. ENOENT: it does not hold it, which is as good. */
#include "base/log.h"
#include "base/metric.h"
#include "fs/fs_private.h"
#include <errno.h>
#include <string.h>

static void told(int rc, const char *what, uint64_t ino)
{
    metric_add(METRIC_FS_INVALIDATED, 1);
    if (rc != 0 && rc != -ENOENT && rc != -ENODEV && rc != -EBADF)
        log_warn("telling the kernel failed what=%s inode=%llu error=%s", what,
                 (unsigned long long)ino, strerror(-rc));
}

void kernel_store(struct fs *fs, uint64_t ino, const char *data, size_t len)
{
    struct fuse_bufvec text = FUSE_BUFVEC_INIT(len);
    text.buf[0].mem = (void *)data; /* libfuse does not write there */
    if (fuse_lowlevel_notify_store(fs->session, ino, 0, &text, FUSE_BUF_NO_SPLICE) == 0)
        metric_add(METRIC_FS_FILLED, 1);
}

void kernel_drop_inode(struct fs *fs, uint64_t ino)
{
    told(fuse_lowlevel_notify_inval_inode(fs->session, ino, 0, 0), "inode", ino);
}

void kernel_drop_attributes(struct fs *fs, uint64_t ino)
{
    told(fuse_lowlevel_notify_inval_inode(fs->session, ino, -1, 0), "attributes", ino);
}

void kernel_drop_name(struct fs *fs, uint64_t parent, const char *name)
{
    told(fuse_lowlevel_notify_inval_entry(fs->session, parent, name, strlen(name)), "name", parent);
}
