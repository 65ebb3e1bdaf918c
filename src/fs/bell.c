#include "fs/bell.h"
#include "base/clock.h"
#include "base/log.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* An operation takes some 100 us, on a busy machine many times that; the first one's time has the
 * start of a program in it. Too short a patience costs events, too long a one delays content. */
#define ANSWER_MS  5000
#define RESTART_MS 1000

struct bell {
    char *mountpoint; /* "" in system mode */
    int root_fd;
    int socket; /* -1 while there is no notifier */
    _Atomic pid_t pid;
    uint32_t sequence;
    int64_t started_ms;
    atomic_bool retired;
};

struct bell *bell_new(const char *mountpoint, int root_fd, struct err *err)
{
    struct bell *b = calloc(1, sizeof *b);
    if (b)
        b->mountpoint = strdup(mountpoint ? mountpoint : "");
    if (!b || !b->mountpoint) {
        err_set(err, "no memory for the notifier");
        free(b);
        return NULL;
    }
    b->root_fd = root_fd;
    b->socket = -1;
    b->started_ms = INT64_MIN / 2;
    return b;
}

/* A descriptor above those that the notifier finds its own at: no dup2 hits another's source. -1.
 */
static int above(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, NOTIFIER_ROOT_FD + 1);
}

/* Exactly the descriptors that notifier.h names. 0 or an errno. */
static int give_files(posix_spawn_file_actions_t *files, int socket, int root)
{
    int rc = posix_spawn_file_actions_adddup2(files, socket, NOTIFIER_SOCKET_FD);
    if (rc == 0 && root >= 0)
        rc = posix_spawn_file_actions_adddup2(files, root, NOTIFIER_ROOT_FD);
    return rc ? rc
              : posix_spawn_file_actions_addclosefrom_np(files, root >= 0 ? NOTIFIER_ROOT_FD + 1
                                                                          : NOTIFIER_ROOT_FD);
}

/* Spawned, not forked: a fork copies the tables of all pages, and each that the daemon touches
 * meanwhile, which takes longer the more jobs are known. 0 or an errno. */
static int spawn_with(const struct bell *b, int socket, int root, pid_t *pid)
{
    char program[] = "icejobfs", command[] = "--notifier", daemon[24];
    snprintf(daemon, sizeof daemon, "%ld", (long)getpid());
    char *argv[] = {program, command, b->mountpoint, daemon, NULL};
    char *envp[] = {NULL}; /* no credentials in its environment */
    posix_spawn_file_actions_t files;
    int rc = posix_spawn_file_actions_init(&files);
    if (rc)
        return rc;
    rc = give_files(&files, socket, root);
    if (rc == 0)
        rc = posix_spawn(pid, "/proc/self/exe", &files, NULL, argv, envp);
    posix_spawn_file_actions_destroy(&files);
    return rc;
}

static int spawn(const struct bell *b, int socket, pid_t *pid)
{
    int high_socket = above(socket), high_root = b->root_fd >= 0 ? above(b->root_fd) : -1;
    bool enough = high_socket >= 0 && (high_root >= 0 || b->root_fd < 0);
    int rc = enough ? spawn_with(b, high_socket, high_root, pid) : EMFILE;
    if (high_socket >= 0)
        close(high_socket);
    if (high_root >= 0)
        close(high_root);
    return rc;
}

static int start(struct bell *b)
{
    int64_t now_ms = clock_mono_ms();
    int pair[2];
    if (atomic_load(&b->retired) || now_ms - b->started_ms < RESTART_MS)
        return -1;
    b->started_ms = now_ms;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        log_error("cannot start the notifier error=%s", strerror(errno));
        return -1;
    }
    pid_t pid;
    int error = spawn(b, pair[1], &pid);
    close(pair[1]);
    if (error) {
        log_error("cannot start the notifier error=%s", strerror(error));
        close(pair[0]);
        return -1;
    }
    b->socket = pair[0];
    atomic_store(&b->pid, pid);
    if (atomic_load(&b->retired)) /* bell_retire may not have seen it */
        kill(pid, SIGKILL);
    return 0;
}

/* The number is free for others once the process has been waited for: until then nobody else is
 * taken for it. */
static void stop(struct bell *b)
{
    pid_t pid = atomic_exchange(&b->pid, 0);
    int socket = MOVE_FD(b->socket);
    if (socket >= 0)
        close(socket);
    if (pid <= 0)
        return;
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

static int receive(struct bell *b, int64_t deadline_ms)
{
    struct pollfd fd = {.fd = b->socket, .events = POLLIN};
    struct notify_reply reply;
    for (;;) {
        int64_t left = deadline_ms - clock_mono_ms();
        int n = poll(&fd, 1, left > 0 ? (int)left : 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        if (recv(b->socket, &reply, sizeof reply, 0) != (ssize_t)sizeof reply)
            return -1;
        if (reply.sequence == b->sequence)
            return reply.error;
    }
}

static int ask(struct bell *b, const struct notify_request *r)
{
    if (send(b->socket, r, sizeof *r, MSG_NOSIGNAL) != (ssize_t)sizeof *r)
        return -1;
    return receive(b, clock_mono_ms() + ANSWER_MS);
}

static int copy_path(char out[NOTIFY_PATH_MAX], const char *path)
{
    size_t n = path ? strlen(path) : 0;
    if (n >= NOTIFY_PATH_MAX)
        return -1;
    memcpy(out, path ? path : "", n + 1);
    return 0;
}

int bell_do(struct bell *b, enum notify_op op, const char *path, const char *other)
{
    struct notify_request r = {.sequence = ++b->sequence, .op = op};
    if (copy_path(r.path, path) < 0 || copy_path(r.other, other) < 0)
        return ENAMETOOLONG;
    if (b->socket < 0 && start(b) < 0)
        return EIO;
    int rc = ask(b, &r);
    if (rc >= 0)
        return rc;
    if (!atomic_load(&b->retired))
        log_warn("the notifier died or hung, starting another pid=%d", (int)bell_pid(b));
    stop(b);
    return EIO;
}

bool bell_is_notifier(const struct bell *b, pid_t caller)
{
    return caller != 0 && caller == atomic_load(&b->pid);
}

pid_t bell_pid(const struct bell *b)
{
    return atomic_load(&b->pid);
}

/* The process is only waited for by the thread that asks it, so its number is still its own. */
void bell_retire(struct bell *b)
{
    if (!b)
        return;
    atomic_store(&b->retired, true);
    pid_t pid = atomic_load(&b->pid);
    if (pid > 0)
        kill(pid, SIGKILL);
}

void bell_stop(struct bell *b)
{
    if (!b)
        return;
    atomic_store(&b->retired, true);
    stop(b);
}

void bell_free(struct bell *b)
{
    if (!b)
        return;
    bell_stop(b);
    free(b->mountpoint);
    free(b);
}
