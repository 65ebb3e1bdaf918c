/* The workers: a few threads that take requests from /dev/fuse and answer from memory.
 *
 * No request blocks a worker, so their number follows the processors and not the readers.
 *
 * Where there is more than one processor, one worker listens and the others sit on the bench: a
 * single listener can wait awake for the next request (fs/spin.h), and a request wakes no second
 * one in vain. It reads without blocking, and sleeps in poll(2). Someone is called from the bench
 *   - before a request that may take long (fs/quick.h), or when one turns out to have to wait for
 * the disk: the one called listens from then on,
 *   - when several ask and the listener never finds the queue empty: the one called helps, until it
 *     finds it so. No more than half as many listen as there are processors: the askers need some.
 * `listeners` counts who listens, those called included, so that it is nobody only while each
 * worker answers a request; the first to be through listens again.
 *
 * With a single processor, waiting awake would keep the asker from asking: all sleep in read(2),
 * which wakes one of them a request.
 *
 * A signal without SA_RESTART ends either sleep when they shall stop. */
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/thread.h"
#include "fs/fs_private.h"
#include "fs/quick.h"
#include "fs/spin.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define WORKERS_MIN 2
#define WORKERS_MAX 8
#define WAKE_SIGNAL SIGUSR1
#define BACKLOG     16      /* so many changes of who asks without an empty queue: help is called */
#define BENCH_MS    3600000 /* every wait has an end */
#define PAUSES      10      /* between two looks at the queue: about half a microsecond */

struct worker {
    struct workers *all;
    pthread_t thread;
    struct spin spin;
    uint32_t asker;   /* of the last request */
    bool away;        /* somebody else has been called to listen in its place */
    unsigned backlog; /* how often that changed since the queue was found empty */
    _Atomic bool done;
    bool started;
};

struct workers {
    struct fs *fs;
    int ended_fd;
    _Atomic bool stopping;
    _Atomic int error;
    bool bench;           /* one listens; else all do */
    pthread_mutex_t lock; /* protects the next three */
    pthread_cond_t called;
    unsigned benched, calls;    /* who sits there; how many of them have been called and still do */
    _Atomic unsigned listeners; /* written with the lock held */
    size_t n, listeners_max;
    struct worker worker[WORKERS_MAX];
};

static size_t workers_wanted(void)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    if (cpus < WORKERS_MIN)
        return WORKERS_MIN;
    return cpus > WORKERS_MAX ? WORKERS_MAX : (size_t)cpus;
}

/* Whether the asker can run while a worker waits awake. */
static bool more_than_one_processor(void)
{
    cpu_set_t mine;
    return sysconf(_SC_NPROCESSORS_ONLN) > 1 && sched_getaffinity(0, sizeof mine, &mine) == 0 &&
           CPU_COUNT(&mine) > 1;
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
    w->listeners_max = w->n / 2;
    w->bench = more_than_one_processor();
    mutex_init(&w->lock);
    cond_init(&w->called);
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

/* ---- who listens ---- */

/* Called with the lock held. */
static void call_one(struct workers *w)
{
    if (w->calls == w->benched)
        return;
    w->calls++;
    w->listeners++;
    cond_signal(&w->called);
}

/* Called with the lock held: sit until called, or until the end. */
static void sit(struct workers *w)
{
    w->benched++;
    while (w->calls == 0 && !atomic_load(&w->stopping))
        cond_wait_until(&w->called, &w->lock, clock_mono_ms() + BENCH_MS);
    w->benched--;
    if (w->calls > 0)
        w->calls--;
}

/* Listen if nobody does, else wait to be called. */
static void take_place(struct workers *w)
{
    LOCK_SCOPE(&w->lock);
    if (w->listeners == 0)
        w->listeners++;
    else
        sit(w);
}

/* The queue is empty: true for one who was not the only listener, and is none any more. */
static bool leave_to_others(struct workers *w)
{
    if (atomic_load_explicit(&w->listeners, memory_order_relaxed) < 2)
        return false;
    LOCK_SCOPE(&w->lock);
    if (w->listeners < 2)
        return false;
    w->listeners--;
    return true;
}

static void hand_over(struct workers *w)
{
    LOCK_SCOPE(&w->lock);
    if (--w->listeners == 0)
        call_one(w);
}

static void call_help(struct workers *w)
{
    LOCK_SCOPE(&w->lock);
    if (w->listeners < w->listeners_max)
        call_one(w);
}

/* One who asks again and again is never helped by a second listener, even if each request is there
 * when it is looked for. */
static void note_asker(struct worker *self, const struct fuse_buf *buf)
{
    uint32_t asker = request_asker(buf->mem, buf->size);
    if (asker == 0 || asker == self->asker)
        return;
    self->asker = asker;
    if (++self->backlog < BACKLOG)
        return;
    self->backlog = 0;
    call_help(self->all);
}

/* ---- listening ---- */

static void pause_briefly(void)
{
    for (int i = 0; i < PAUSES; i++) {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("yield");
#else
        atomic_signal_fence(memory_order_seq_cst);
#endif
    }
}

/* Nothing was there: look again soon, or sleep until there is something. */
static void wait_for_request(struct worker *self)
{
    struct pollfd fd = {.fd = fuse_session_fd(self->all->fs->session), .events = POLLIN};
    enum spin_advice advice = spin_nothing(&self->spin, clock_mono_ns());
    switch (advice) {
    case SPIN_YIELD:
        sched_yield();
        return;
    case SPIN_TRY:
        pause_briefly();
        return;
    case SPIN_MISSED:
        metric_add(METRIC_FS_SPIN_MISSES, 1);
        break;
    case SPIN_SLEEP:
        break;
    }
    if (!atomic_load(&self->all->stopping))
        poll(&fd, 1, -1);
}

/* How many bytes a request has; as fuse_session_receive_buf where there is none, and -EAGAIN when
 * another listens as well. */
static int next_request(struct worker *self, struct fuse_buf *buf)
{
    struct workers *w = self->all;
    for (;;) {
        int n = fuse_session_receive_buf(w->fs->session, buf);
        if (n != -EAGAIN || !w->bench)
            return n;
        self->backlog = 0;
        if (leave_to_others(w))
            return n;
        if (atomic_load(&w->stopping))
            return -EINTR;
        wait_for_request(self);
    }
}

static _Thread_local struct worker *serving; /* of this thread, while it answers a request */

static void go_away(struct worker *self)
{
    if (self->away || !self->all->bench)
        return;
    self->away = true;
    hand_over(self->all);
}

void workers_before_wait(void)
{
    if (serving)
        go_away(serving);
}

void workers_left_waiting(void)
{
    if (serving)
        spin_unanswered(&serving->spin);
}

static void note_request(struct spin *s)
{
    bool waited = s->since_ns != 0;
    bool paid = spin_request(s, waited ? clock_mono_ns() : 0);
    if (waited)
        metric_add(paid ? METRIC_FS_SPIN_HITS : METRIC_FS_SPIN_MISSES, 1);
}

static void process(struct worker *self, struct fuse_buf *buf)
{
    struct workers *w = self->all;
    bool quick = !w->bench || request_is_quick(buf->mem, buf->size);
    note_request(&self->spin);
    if (!quick)
        go_away(self);
    else if (w->listeners_max > 1)
        note_asker(self, buf);
    serving = self;
    fuse_session_process_buf(w->fs->session, buf);
    serving = NULL;
    if (self->away)
        take_place(w);
    self->away = false;
}

static void serve(struct worker *self, struct fuse_buf *buf)
{
    struct workers *w = self->all;
    struct fuse_session *se = w->fs->session;
    while (!atomic_load(&w->stopping) && !fuse_session_exited(se)) {
        int n = next_request(self, buf);
        if (n == -EAGAIN && w->bench)
            take_place(w);
        if (n == -EINTR || n == -EAGAIN)
            continue;
        if (n <= 0) {
            ended(w, n == -ENODEV ? 0 : -n);
            return;
        }
        process(self, buf);
    }
    if (fuse_session_exited(se))
        ended(w, 0);
}

static void *worker_main(void *arg)
{
    struct worker *self = arg;
    struct fuse_buf buf = {0};
    allow_wake_signal();
    if (self->all->bench)
        take_place(self->all);
    serve(self, &buf);
    free(buf.mem);
    atomic_store(&self->done, true);
    return NULL;
}

static int read_without_blocking(int fd, struct err *err)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return err_set(err, "cannot prepare /dev/fuse: %s", strerror(errno));
    return 0;
}

int workers_start(struct workers *w, struct err *err)
{
    struct sigaction act = {.sa_handler = nothing};
    sigaction(WAKE_SIGNAL, &act, NULL);
    if (w->bench && read_without_blocking(fuse_session_fd(w->fs->session), err) < 0)
        return -1;
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

/* A signal that comes just before a sleep is lost: it is repeated until the thread is through. */
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
    mutex_lock(&w->lock);
    atomic_store(&w->stopping, true);
    cond_broadcast(&w->called);
    mutex_unlock(&w->lock);
    for (size_t i = 0; i < w->n; i++)
        if (w->worker[i].started)
            stop_one(&w->worker[i]);
}

void workers_free(struct workers *w)
{
    if (!w)
        return;
    close(w->ended_fd);
    cond_destroy(&w->called);
    mutex_destroy(&w->lock);
    free(w);
}
