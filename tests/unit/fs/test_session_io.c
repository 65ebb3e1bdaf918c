/* What the session reads: how the end of a connection is told. */
#include "fs/fs_private.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

/* In the place of libc's, for one descriptor: what the kernel answers there. */
static struct {
    int fd, error;
} device = {.fd = -1};

ssize_t read(int fd, void *buf, size_t n)
{
    if (fd == device.fd) {
        errno = device.error;
        return -1;
    }
    struct iovec iov = {.iov_base = buf, .iov_len = n};
    return readv(fd, &iov, 1);
}

static struct fuse_session *new_session(void)
{
    static const struct fuse_lowlevel_ops none;
    char name[] = "test";
    char *argv[] = {name, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(1, argv);
    struct err err;
    struct fuse_session *se = fuse_session_new(&args, &none, sizeof none, NULL);
    assert_non_null(se);
    device.fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_true(device.fd >= 0);
    assert_int_equal(session_set_io(se, device.fd, &err), 0);
    fuse_opt_free_args(&args);
    return se;
}

static int receive(int error)
{
    struct fuse_session *se = new_session();
    struct fuse_buf buf = {0};
    device.error = error;
    int n = fuse_session_receive_buf(se, &buf);
    bool exited = fuse_session_exited(se);
    free(buf.mem);
    device.fd = -1;
    fuse_session_destroy(se); /* closes the descriptor */
    return exited ? 0 : n;
}

static void an_unmount_ends_the_session_whichever_word_the_kernel_has_for_it(void **state)
{
    (void)state;
    assert_int_equal(receive(ENODEV), 0);
    assert_int_equal(receive(ECONNABORTED), 0);
}

static void other_errors_stay_what_they_are(void **state)
{
    (void)state;
    assert_int_equal(receive(EAGAIN), -EAGAIN);
    assert_int_equal(receive(EINTR), -EINTR);
    assert_int_equal(receive(EIO), -EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unmount_ends_the_session_whichever_word_the_kernel_has_for_it),
        cmocka_unit_test(other_errors_stay_what_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
