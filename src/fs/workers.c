/* The workers: a few threads that take requests from /dev/fuse and answer from memory.
 *
 * No request blocks a worker, so their number follows the processors and not the readers. They
 * sleep in read(2), which wakes one of them a request; a signal without SA_RESTART ends that sleep
 * when they shall stop. */
#include "base/log.h"
#include "base/thread.h"
#include "fs/fs_private.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define WORKERS_MIN 2
#define WORKERS_MAX 8
#define WAKE_SIGNAL SIGUSR1

struct worker {
    struct workers *all;
    pthread_t thread;
    _Atomic bool done;
    bool started;
};

struct workers {
    struct fs *fs;
    int ended_fd;
    _Atomic bool stopping;
    _Atomic int error;
    size_t n;
    struct worker worker[WORKERS_MAX];
};

static size_t workers_wanted(void)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    if (cpus < WORKERS_MIN)
        return WORKERS_MIN;
    return cpus > WORKERS_MAX ? WORKERS_MAX : (size_t)cpus;
}

struct workers *workers_new(struct fs *fs, struct err *err)
{
    struct workers *w = calloc(1, sizeof *w);
    if (w)
        w->ended_fd = eventfd(0, EFD_CLOEXEC);
    if (!w || w->ended_fd < 0) {
        err_set(err, "cannot prepare the workers: %s", strerror(errno));
        free(w);
        return NULL;
    }
    w->fs = fs;
    w->n = workers_wanted();
    return w;
}

static void ended(struct workers *w, int error)
{
    uint64_t one = 1;
    if (error)
        atomic_store(&w->error, error);
    if (write(w->ended_fd, &one, sizeof one) < 0)
        log_error("cannot signal the end of the session: %m");
}

static void nothing(int sig)
{
    (void)sig;
}

static void allow_wake_signal(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, WAKE_SIGNAL);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void serve(struct workers *w, struct fuse_buf *buf)
{
    struct fuse_session *se = w->fs->session;
    while (!atomic_load(&w->stopping) && !fuse_session_exited(se)) {
        int n = fuse_session_receive_buf(se, buf);
        if (n == -EINTR || n == -EAGAIN)
            continue;
        if (n <= 0) {
            ended(w, n == -ENODEV ? 0 : -n);
            return;
        }
        fuse_session_process_buf(se, buf);
    }
    if (fuse_session_exited(se))
        ended(w, 0);
}

static void *worker_main(void *arg)
{
    struct worker *self = arg;
    struct fuse_buf buf = {0};
    allow_wake_signal();
    serve(self->all, &buf);
    free(buf.mem);
    atomic_store(&self->done, true);
    return NULL;
}

int workers_start(struct workers *w, struct err *err)
{
    struct sigaction act = {.sa_handler = nothing};
    sigaction(WAKE_SIGNAL, &act, NULL);
    for (size_t i = 0; i < w->n; i++) {
        w->worker[i].all = w;
        if (thread_start(&w->worker[i].thread, "ice-fuse", worker_main, &w->worker[i], err) < 0)
            return -1;
        w->worker[i].started = true;
    }
    return 0;
}

int workers_ended_fd(const struct workers *w)
{
    return w->ended_fd;
}

int workers_error(const struct workers *w)
{
    return atomic_load(&w->error);
}

/* A signal that comes just before read(2) is lost: it is repeated until the thread is through. */
static void stop_one(struct worker *worker)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    while (!atomic_load(&worker->done)) {
        pthread_kill(worker->thread, WAKE_SIGNAL);
        nanosleep(&pause, NULL);
    }
    thread_join(worker->thread);
    worker->started = false;
}

void workers_stop(struct workers *w)
{
    atomic_store(&w->stopping, true);
    for (size_t i = 0; i < w->n; i++)
        if (w->worker[i].started)
            stop_one(&w->worker[i]);
}

void workers_free(struct workers *w)
{
    if (!w)
        return;
    close(w->ended_fd);
    free(w);
}
