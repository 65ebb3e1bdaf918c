#include "cli/alive.h"
#include "base/clock.h"
#include "cli/wait.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define KILLED_MS 100 /* a process that waits for the mount may not end before the mount does */

static int ask(const char *mountpoint, const char *parent)
{
    struct stat here;
    struct stat above;
    if (stat(mountpoint, &here) < 0 || stat(parent, &above) < 0)
        return errno;
    return here.st_dev == above.st_dev ? ENODEV : 0;
}

/* In the child of a process that may have threads: async-signal-safe calls alone. It must not hold
 * the connection's descriptor while it waits for the connection, or the mount would outlive the
 * daemon. */
static void child(int out, const char *mountpoint, const char *parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (dup2(out, STDIN_FILENO) < 0)
        _exit(1);
    close_range(STDIN_FILENO + 1, ~0U, 0);
    int error = ask(mountpoint, parent);
    _exit(write(STDIN_FILENO, &error, sizeof error) == (ssize_t)sizeof error ? 0 : 1);
}

static int take_answer(int fd, const char *mountpoint, int64_t deadline_ms, struct err *err)
{
    int error = 0;
    if (wait_readable(fd, deadline_ms) != WAIT_READY)
        return err_set(err, "the mount at %s does not answer", mountpoint);
    if (read(fd, &error, sizeof error) != (ssize_t)sizeof error)
        return err_set(err, "look at the mount at %s: no result", mountpoint);
    if (error == ENODEV)
        return 1;
    return error ? err_set(err, "look at the mount at %s: %s", mountpoint, strerror(error)) : 0;
}

int alive_wait(const char *mountpoint, int64_t timeout_ms, struct err *err)
{
    int ends[2];
    CLEANUP_FREE char *copy = strdup(mountpoint);
    if (!copy)
        return err_set(err, "look at the mount: %s", strerror(ENOMEM));
    const char *parent = dirname(copy);
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_set(err, "look at the mount: pipe: %s", strerror(errno));
    CLEANUP_FD int in = ends[0];
    CLEANUP_FD int out = ends[1];
    pid_t pid = fork();
    if (pid == 0)
        child(out, mountpoint, parent);
    if (pid < 0)
        return err_set(err, "look at the mount: fork: %s", strerror(errno));
    close(MOVE_FD(out)); /* so that its end is seen */
    int rc = take_answer(in, mountpoint, clock_mono_ms() + timeout_ms, err);
    kill(pid, SIGKILL);
    wait_child(pid, clock_mono_ms() + KILLED_MS);
    return rc;
}
