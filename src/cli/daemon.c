#include "cli/daemon.h"
#include "base/clock.h"
#include "base/log.h"
#include "cli/wait.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Point the standard descriptors from `first` to `last` at /dev/null. */
static int silence(int first, int last, struct err *err)
{
    CLEANUP_FD int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return err_set(err, "open /dev/null: %s", strerror(errno));
    for (int fd = first; fd <= last; fd++)
        if (dup2(null, fd) < 0)
            return err_set(err, "redirect descriptor %d: %s", fd, strerror(errno));
    return 0;
}

static int become_daemon(struct err *err)
{
    if (setsid() < 0)
        return err_set(err, "start a session: %s", strerror(errno));
    if (chdir("/") < 0)
        return err_set(err, "go to /: %s", strerror(errno));
    return silence(STDIN_FILENO, STDIN_FILENO, err);
}

int daemon_fork(enum daemon_side *side, int *link, pid_t *child, struct err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_set(err, "go to the background: pipe: %s", strerror(errno));
    fflush(NULL); /* or buffered output would be written twice */
    pid_t pid = fork();
    if (pid < 0) {
        int saved = errno;
        close(ends[0]);
        close(ends[1]);
        return err_set(err, "go to the background: fork: %s", strerror(saved));
    }
    *side = pid ? DAEMON_PARENT : DAEMON_CHILD;
    *child = pid;
    *link = ends[pid ? 0 : 1];
    close(ends[pid ? 1 : 0]);
    return pid ? 0 : become_daemon(err);
}

int daemon_wait(int link, pid_t child, int64_t timeout_ms, struct err *err)
{
    unsigned char byte;
    switch (wait_readable(link, clock_mono_ms() + timeout_ms)) {
    case WAIT_READY:
        if (read(link, &byte, 1) == 1)
            return byte;
        return err_set(err, "the daemon ended before the mount answered");
    case WAIT_TIMEOUT:
        kill(child, SIGTERM);
        return err_set(err, "the mount did not answer within %lld s",
                       (long long)(timeout_ms / MS_PER_S));
    case WAIT_FAILED:
        break;
    }
    return err_set(err, "wait for the daemon: %s", strerror(errno));
}

static int leave_terminal(struct err *err)
{
    log_to_syslog(true);
    if (silence(STDOUT_FILENO, STDERR_FILENO, err) == 0)
        return 0;
    log_to_syslog(false);
    return -1;
}

int daemon_tell(int *link, enum daemon_verdict verdict, struct err *err)
{
    CLEANUP_FD int fd = MOVE_FD(*link);
    if (fd < 0)
        return 0;
    if (verdict == DAEMON_READY && leave_terminal(err) < 0)
        return -1;
    unsigned char byte = (unsigned char)verdict;
    ssize_t n;
    do
        n = write(fd, &byte, 1);
    while (n < 0 && errno == EINTR);
    return n == 1 ? 0 : err_set(err, "whoever started it has gone: %s", strerror(errno));
}
