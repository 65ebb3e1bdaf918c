#include "api/creds_process.h"
#include "base/clock.h"
#include "base/secret.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>

#define SLICE_MS 50 /* how late the command's end, or a stop, may be noticed */

/* Its own group, so that it can be killed with all that it started; signals as a command expects
 * them, whatever this thread blocks. */
static int set_attributes(posix_spawnattr_t *attr)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setpgroup(attr, 0);
    posix_spawnattr_setsigmask(attr, &none);
    posix_spawnattr_setsigdefault(attr, &all);
    return posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
}

static int set_files(posix_spawn_file_actions_t *files, int out)
{
    int rc = posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(files, out, 1);
    if (rc == 0)
        rc = posix_spawn_file_actions_addopen(files, 2, "/dev/null", O_WRONLY, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(files, 3);
    return rc;
}

/* 0 or an errno. */
static int spawn(char *const argv[], int out, pid_t *pid)
{
    posix_spawnattr_t attr;
    posix_spawn_file_actions_t files;
    int rc = posix_spawnattr_init(&attr);
    if (rc != 0)
        return rc;
    rc = posix_spawn_file_actions_init(&files);
    if (rc == 0) {
        rc = set_attributes(&attr);
        if (rc == 0)
            rc = set_files(&files, out);
        if (rc == 0)
            rc = posix_spawnp(pid, argv[0], &files, &attr, argv, environ);
        posix_spawn_file_actions_destroy(&files);
    }
    posix_spawnattr_destroy(&attr);
    return rc;
}

/* Has it ended? Without taking its status: until that is done its number, which is its group's,
 * stays its own. */
static bool has_ended(pid_t pid)
{
    siginfo_t info = {0};
    int rc = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT);
    return rc < 0 ? errno != EINTR : info.si_pid != 0;
}

enum got { GOT_SOME, GOT_NOTHING_NOW, GOT_END, GOT_TOO_MUCH };

static enum got read_some(int fd, struct buf *out)
{
    char piece[4096];
    ssize_t n = read(fd, piece, sizeof piece);
    int saved = errno;
    bool kept = n <= 0 || buf_add(out, piece, (size_t)n) == 0;
    secret_wipe(piece, sizeof piece);
    if (n < 0)
        return saved == EAGAIN || saved == EINTR ? GOT_NOTHING_NOW : GOT_END;
    if (n == 0)
        return GOT_END;
    return kept ? GOT_SOME : GOT_TOO_MUCH;
}

/* Read until the command has ended and its output is in. A child that it left behind may hold the
 * pipe open; nobody waits for that one. 0 or -1. */
static int collect(int fd, pid_t pid, int64_t deadline_ms, const atomic_bool *stop, struct buf *out,
                   struct err *err)
{
    bool open = true;
    for (;;) {
        bool ended = has_ended(pid);
        enum got got = GOT_SOME;
        while (open && got == GOT_SOME)
            got = read_some(fd, out);
        if (got == GOT_TOO_MUCH)
            return err_set(err, "printed more than %zu bytes", out->max);
        open = open && got != GOT_END;
        if (ended)
            return 0;
        int64_t left = deadline_ms - clock_mono_ms();
        if (left <= 0)
            return err_set(err, "took too long and was killed");
        if (atomic_load(stop))
            return err_set(err, "was killed: shutting down");
        struct pollfd p = {.fd = open ? fd : -1, .events = POLLIN};
        poll(&p, 1, (int)(left < SLICE_MS ? left : SLICE_MS));
    }
}

/* Kill what is left of the group and take the status. */
static int reap(pid_t pid)
{
    int status = 0;
    kill(-pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

static int check_status(int status, struct err *err)
{
    if (WIFSIGNALED(status))
        return err_set(err, "was ended by signal %d", WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        return err_set(err, "ended with status %d", WEXITSTATUS(status));
    return 0;
}

static int run(char *const argv[], int64_t timeout_ms, const atomic_bool *stop, struct buf *out,
               struct err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_set(err, "no pipe for its output: %s", strerror(errno));
    CLEANUP_FD int in = ends[0];
    fcntl(in, F_SETFL, O_NONBLOCK);
    int64_t deadline_ms = clock_mono_ms() + timeout_ms;
    pid_t pid;
    int rc = spawn(argv, ends[1], &pid);
    close(ends[1]);
    if (rc != 0)
        return err_set(err, "cannot be started: %s", strerror(rc));
    rc = collect(in, pid, deadline_ms, stop, out, err);
    int status = reap(pid);
    return rc < 0 ? -1 : check_status(status, err);
}

int creds_process_run(char *const argv[], int64_t timeout_ms, const atomic_bool *stop,
                      struct buf *out, struct err *err)
{
    if (run(argv, timeout_ms, stop, out, err) < 0)
        return err_prefix(err, "command %.160s", argv[0]);
    return 0;
}
