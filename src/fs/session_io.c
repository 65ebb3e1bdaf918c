/* What the session talks through.
 *
 * libfuse before 3.17 takes FUSE_CAP_PARALLEL_DIROPS and does not tell the kernel, which then
 * serializes all look-ups in a directory (measured: 1.8 s behind a slow one, against 0). So the bit
 * is set in the answer to INIT, on its way out. */
#include "fs/fs_private.h"
#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* The start of the kernel's interface (linux/fuse.h): the answer to a request, and to INIT. */
struct fuse_out_header_ {
    uint32_t len;
    int32_t error;
    uint64_t unique;
};
struct fuse_init_out_start_ {
    uint32_t major, minor, max_readahead, flags;
};
#define FUSE_PARALLEL_DIROPS_BIT (UINT32_C(1) << 18)

/* The first answer of a connection is that to INIT, sent before any other request arrives. */
static _Atomic bool init_answered;

static void ask_for_parallel_dirops(struct iovec *iov, int count)
{
    if (count < 2 || iov[0].iov_len != sizeof(struct fuse_out_header_) ||
        iov[1].iov_len < sizeof(struct fuse_init_out_start_))
        return;
    const struct fuse_out_header_ *head = iov[0].iov_base;
    struct fuse_init_out_start_ *init = iov[1].iov_base;
    if (head->error == 0 && init->major == 7)
        init->flags |= FUSE_PARALLEL_DIROPS_BIT;
}

static ssize_t session_writev(int fd, struct iovec *iov, int count, void *userdata)
{
    (void)userdata;
    /* Looked at before it is written: every reply passes here. */
    if (!atomic_load_explicit(&init_answered, memory_order_relaxed) &&
        !atomic_exchange_explicit(&init_answered, true, memory_order_relaxed))
        ask_for_parallel_dirops(iov, count);
    return writev(fd, iov, count);
}

/* The end of an unmount aborts the connection: a read that meets the middle of it is told so (once
 * in 30 ends of large mounts), and not that the mount is gone, which libfuse takes for an end in
 * peace. */
static ssize_t session_read(int fd, void *buf, size_t len, void *userdata)
{
    (void)userdata;
    ssize_t n = read(fd, buf, len);
    if (n < 0 && errno == ECONNABORTED)
        errno = ENODEV;
    return n;
}

int session_set_io(struct fuse_session *se, int fd, struct err *err)
{
    static const struct fuse_custom_io io = {.writev = session_writev, .read = session_read};
    atomic_store(&init_answered, false);
    int rc = fuse_session_custom_io(se, &io, fd);
    if (rc != 0)
        return err_set(err, "cannot set up the session: %s", strerror(rc < 0 ? -rc : EINVAL));
    return 0;
}
