/* Locks that cannot fail silently, scope-bound locking, named threads. A failing pthread call on
 * our own initialised object is a broken invariant and aborts; creating a thread can fail and says
 * so. */
#ifndef ICE_BASE_THREAD_H
#define ICE_BASE_THREAD_H

#include "base/err.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

void mutex_init(pthread_mutex_t *m);
void mutex_destroy(pthread_mutex_t *m);
void mutex_lock(pthread_mutex_t *m);
void mutex_unlock(pthread_mutex_t *m);

/* Condition variables run on CLOCK_MONOTONIC, so that every wait can have a deadline. */
void cond_init(pthread_cond_t *c);
void cond_destroy(pthread_cond_t *c);
void cond_signal(pthread_cond_t *c);
void cond_broadcast(pthread_cond_t *c);

/* Wait until `deadline_ms` (clock_mono_ms). false: the deadline has passed. May wake without
 * reason. */
bool cond_wait_until(pthread_cond_t *c, pthread_mutex_t *m, int64_t deadline_ms);

static inline void mutex_scope_end(pthread_mutex_t **m)
{
    mutex_unlock(*m);
}
#define LOCK_CONCAT_(a, b) a##b
#define LOCK_NAME_(a, b)   LOCK_CONCAT_(a, b)
/* Hold a lock to the end of the scope. */
#define LOCK_SCOPE(mutex)                                                                          \
    pthread_mutex_t *LOCK_NAME_(lock_scope_, __LINE__) ICE_CLEANUP(mutex_scope_end) ICE_UNUSED =   \
        (mutex_lock(mutex), (mutex))

/* Start a thread with all signals blocked. `name` has at most 15 bytes. 0, or -1 with `err`. */
int thread_start(pthread_t *out, const char *name, void *(*fn)(void *), void *arg,
                 struct err *err) ICE_MUST_CHECK;

void thread_join(pthread_t t);

#endif
