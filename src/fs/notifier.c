#include "fs/notifier.h"
#include "base/attr.h"
#include "base/num.h"
#include "fs/notifier_place.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define FULL_PATH_MAX (PATH_MAX + NOTIFY_PATH_MAX)

/* Where paths start. */
struct base {
    int dirfd;
    const char *prefix;
};

static int full(const struct base *b, const char *path, char out[FULL_PATH_MAX])
{
    int n = snprintf(out, FULL_PATH_MAX, "%s%s%s", b->prefix, *b->prefix ? "/" : "", path);
    if (n >= 0 && n < FULL_PATH_MAX)
        return 0;
    errno = ENAMETOOLONG;
    return -1;
}

/* The daemon acknowledges the byte and drops it. A direct_io handle's never touches a page; where
 * the kernel opens files by itself it may, so it is the one that is there. */
static int write_one(const struct base *b, const char *path, int flags, char byte)
{
    int fd CLEANUP_FD = openat(b->dirfd, path, flags | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0444);
    if (fd < 0 || pwrite(fd, &byte, 1, 0) != 1)
        return -1;
    return close(MOVE_FD(fd));
}

static int perform(const struct base *b, enum notify_op op, const char *path, const char *other,
                   const char *target)
{
    switch (op) {
    case NOTIFY_RING:
        return write_one(b, path, 0, *target);
    case NOTIFY_CREATE:
        return write_one(b, path, O_CREAT | O_EXCL, '\n');
    case NOTIFY_UNLINK:
        return unlinkat(b->dirfd, path, 0);
    case NOTIFY_MKDIR:
        return mkdirat(b->dirfd, path, 0555);
    case NOTIFY_RMDIR:
        return unlinkat(b->dirfd, path, AT_REMOVEDIR);
    case NOTIFY_SYMLINK:
        return symlinkat(target, b->dirfd, path);
    case NOTIFY_RENAME:
        return renameat(b->dirfd, path, b->dirfd, other);
    }
    errno = EINVAL;
    return -1;
}

static int32_t answer(const struct base *b, struct notify_request *r)
{
    char path[FULL_PATH_MAX], other[FULL_PATH_MAX];
    r->path[NOTIFY_PATH_MAX - 1] = r->other[NOTIFY_PATH_MAX - 1] = '\0';
    if (full(b, r->path, path) < 0 || full(b, r->other, other) < 0)
        return errno;
    return perform(b, (enum notify_op)r->op, path, other, r->other) < 0 ? errno : 0;
}

/* 1: served one; 0: the daemon is gone. */
static int serve_one(const struct base *b)
{
    struct notify_request request;
    ssize_t n = recv(NOTIFIER_SOCKET_FD, &request, sizeof request, 0);
    if (n < 0 && errno == EINTR)
        return 1;
    if (n != (ssize_t)sizeof request)
        return 0;
    struct notify_reply reply = {.sequence = request.sequence, .error = answer(b, &request)};
    return send(NOTIFIER_SOCKET_FD, &reply, sizeof reply, MSG_NOSIGNAL) == (ssize_t)sizeof reply;
}

/* What is blocked and ignored is inherited, from a daemon that blocks all and from who started it;
 * this one can always be ended. */
static void take_default_signals(void)
{
    sigset_t none;
    struct sigaction was;
    for (int s = 1; s <= SIGRTMAX; s++)
        if (sigaction(s, NULL, &was) == 0 && was.sa_handler == SIG_IGN)
            signal(s, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_IGN);
    /* A terminal's Ctrl-C is for the daemon, which still needs us to say good-bye. */
    signal(SIGINT, SIG_IGN);
}

/* Where paths start: system mode's private mount, a clone that is our own, or the users' mount
 * itself. */
static struct base choose_base(const char *mountpoint)
{
    if (!*mountpoint)
        return (struct base){.dirfd = NOTIFIER_ROOT_FD, .prefix = ""};
    int own = notifier_place(mountpoint);
    if (own >= 0)
        return (struct base){.dirfd = own, .prefix = ""};
    return (struct base){.dirfd = AT_FDCWD, .prefix = mountpoint};
}

/* It ends with the daemon even if the socket were inherited by somebody. */
static void end_with(const char *daemon)
{
    uint64_t pid = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (num_parse_u64(daemon, 1, INT32_MAX, &pid) < 0 || (uint64_t)getppid() != pid)
        _exit(EXIT_FAILURE);
}

int notifier_main(const char *mountpoint, const char *daemon)
{
    end_with(daemon);
    take_default_signals();
    umask(0);
    prctl(PR_SET_NAME, "ice-notifier", 0, 0, 0);
    struct base b = choose_base(mountpoint);
    while (serve_one(&b) > 0)
        ;
    /* Nothing is left to flush or free; what sanitizers do at an exit needs /proc, and it is gone.
     */
    _exit(EXIT_SUCCESS);
}
