#include "base/thread.h"
#include "base/clock.h"
#include "base/log.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A pthread call on our own object failed: nothing that follows could be trusted. */
static void must(int rc, const char *what)
{
    if (rc == 0)
        return;
    log_error("%s failed: %s", what, strerror(rc));
    abort();
}

void mutex_init(pthread_mutex_t *m)
{
    must(pthread_mutex_init(m, NULL), "pthread_mutex_init");
}

void mutex_destroy(pthread_mutex_t *m)
{
    must(pthread_mutex_destroy(m), "pthread_mutex_destroy");
}

void mutex_lock(pthread_mutex_t *m)
{
    must(pthread_mutex_lock(m), "pthread_mutex_lock");
}

void mutex_unlock(pthread_mutex_t *m)
{
    must(pthread_mutex_unlock(m), "pthread_mutex_unlock");
}

void cond_init(pthread_cond_t *c)
{
    pthread_condattr_t attr;
    must(pthread_condattr_init(&attr), "pthread_condattr_init");
    must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC), "pthread_condattr_setclock");
    must(pthread_cond_init(c, &attr), "pthread_cond_init");
    pthread_condattr_destroy(&attr);
}

void cond_destroy(pthread_cond_t *c)
{
    must(pthread_cond_destroy(c), "pthread_cond_destroy");
}

void cond_signal(pthread_cond_t *c)
{
    must(pthread_cond_signal(c), "pthread_cond_signal");
}

void cond_broadcast(pthread_cond_t *c)
{
    must(pthread_cond_broadcast(c), "pthread_cond_broadcast");
}

bool cond_wait_until(pthread_cond_t *c, pthread_mutex_t *m, int64_t deadline_ms)
{
    if (deadline_ms < 0) /* long past, and no valid timespec */
        deadline_ms = 0;
    struct timespec t = {
        .tv_sec = deadline_ms / MS_PER_S,
        .tv_nsec = (deadline_ms % MS_PER_S) * NS_PER_MS,
    };
    int rc = pthread_cond_timedwait(c, m, &t);
    if (rc == ETIMEDOUT)
        return false;
    must(rc, "pthread_cond_timedwait");
    return true;
}

int thread_start(pthread_t *out, const char *name, void *(*fn)(void *), void *arg, struct err *err)
{
    sigset_t all, old;
    sigfillset(&all);
    must(pthread_sigmask(SIG_SETMASK, &all, &old), "pthread_sigmask");
    int rc = pthread_create(out, NULL, fn, arg);
    must(pthread_sigmask(SIG_SETMASK, &old, NULL), "pthread_sigmask");
    if (rc != 0)
        return err_set(err, "cannot start the thread %s: %s", name, strerror(rc));
    pthread_setname_np(*out, name);
    return 0;
}

void thread_join(pthread_t t)
{
    must(pthread_join(t, NULL), "pthread_join");
}
