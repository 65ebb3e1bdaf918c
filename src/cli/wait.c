#include "cli/wait.h"
#include "base/attr.h"
#include "base/clock.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

enum wait_result wait_readable(int fd, int64_t deadline_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    for (;;) {
        int64_t left = deadline_ms - clock_mono_ms();
        int n = poll(&p, 1, left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left);
        if (n > 0)
            return WAIT_READY;
        if (n < 0 && errno != EINTR)
            return WAIT_FAILED;
        if (clock_mono_ms() >= deadline_ms)
            return WAIT_TIMEOUT;
    }
}

bool wait_child(pid_t child, int64_t deadline_ms)
{
    CLEANUP_FD int fd = pidfd_open(child, 0);
    if (fd >= 0)
        wait_readable(fd, deadline_ms);
    return waitpid(child, NULL, WNOHANG) != 0;
}
