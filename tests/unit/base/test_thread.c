/* Locks, waits with deadlines, and threads that leave signals to others. */
#include "base/clock.h"
#include "base/thread.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

struct shared {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int count;
    char name[32];
    sigset_t blocked;
};

static int set_up(void **state)
{
    static struct shared s;
    memset(&s, 0, sizeof s);
    mutex_init(&s.lock);
    cond_init(&s.changed);
    *state = &s;
    return 0;
}

static int tear_down(void **state)
{
    struct shared *s = *state;
    cond_destroy(&s->changed);
    mutex_destroy(&s->lock);
    return 0;
}

static void *count_up(void *arg)
{
    struct shared *s = arg;
    for (int i = 0; i < 1000; i++) {
        LOCK_SCOPE(&s->lock);
        s->count++;
    }
    LOCK_SCOPE(&s->lock);
    s->count++;
    cond_broadcast(&s->changed);
    return NULL;
}

static void a_scope_holds_its_lock_to_the_end(void **state)
{
    struct shared *s = *state;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(thread_start(&threads[i], "counter", count_up, s, NULL), 0);
    for (int i = 0; i < 4; i++)
        thread_join(threads[i]);
    assert_int_equal(s->count, 4004);
    {
        LOCK_SCOPE(&s->lock);
        assert_int_not_equal(pthread_mutex_trylock(&s->lock), 0);
    }
    assert_int_equal(pthread_mutex_trylock(&s->lock), 0);
    mutex_unlock(&s->lock);
}

static void a_wait_ends_when_it_is_signalled(void **state)
{
    struct shared *s = *state;
    pthread_t thread;
    int64_t deadline = clock_mono_ms() + 10 * MS_PER_S;
    assert_int_equal(thread_start(&thread, "counter", count_up, s, NULL), 0);
    mutex_lock(&s->lock);
    bool in_time = true;
    while (s->count < 1001 && in_time)
        in_time = cond_wait_until(&s->changed, &s->lock, deadline);
    assert_int_equal(s->count, 1001);
    mutex_unlock(&s->lock);
    thread_join(thread);
}

static void a_wait_ends_at_its_deadline(void **state)
{
    struct shared *s = *state;
    LOCK_SCOPE(&s->lock);
    int64_t deadline = clock_mono_ms() + 20;
    while (cond_wait_until(&s->changed, &s->lock, deadline))
        ;
    assert_true(clock_mono_ms() >= deadline);
    assert_true(clock_mono_ms() < deadline + 5 * MS_PER_S);
}

static void a_deadline_long_past_ends_the_wait_at_once(void **state)
{
    struct shared *s = *state;
    static const int64_t past[] = {0, -1, -999, -1000, INT64_MIN};
    LOCK_SCOPE(&s->lock);
    for (size_t i = 0; i < ARRAY_LEN(past); i++)
        assert_false(cond_wait_until(&s->changed, &s->lock, past[i]));
}

static void a_deadline_at_the_end_of_time_waits(void **state)
{
    struct shared *s = *state;
    pthread_t thread;
    mutex_lock(&s->lock);
    assert_int_equal(thread_start(&thread, "counter", count_up, s, NULL), 0);
    while (s->count < 1001)
        assert_true(cond_wait_until(&s->changed, &s->lock, INT64_MAX));
    mutex_unlock(&s->lock);
    thread_join(thread);
}

static void *look_around(void *arg)
{
    struct shared *s = arg;
    pthread_sigmask(SIG_SETMASK, NULL, &s->blocked);
    LOCK_SCOPE(&s->lock);
    while (s->count == 0 && cond_wait_until(&s->changed, &s->lock, clock_mono_ms() + 10 * MS_PER_S))
        ;
    pthread_getname_np(pthread_self(), s->name, sizeof s->name);
    return NULL;
}

static void a_thread_has_a_name_and_all_signals_blocked(void **state)
{
    struct shared *s = *state;
    pthread_t thread;
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    assert_int_equal(thread_start(&thread, "fifteen-letters", look_around, s, NULL), 0);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    mutex_lock(&s->lock);
    s->count = 1;
    cond_signal(&s->changed);
    mutex_unlock(&s->lock);
    thread_join(thread);
    assert_string_equal(s->name, "fifteen-letters");
    assert_true(sigismember(&s->blocked, SIGTERM) && sigismember(&s->blocked, SIGINT) &&
                sigismember(&s->blocked, SIGPIPE));
    assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
/* In a child that has no room for a stack, nor an old one at hand: this is the first test. */
static void a_thread_that_cannot_start_says_so(void **state)
{
    struct shared *s = *state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        pthread_t thread;
        struct err err = {""};
        const struct rlimit none = {1, 1};
        setrlimit(RLIMIT_AS, &none);
        int rc = thread_start(&thread, "counter", count_up, s, &err);
        _exit(rc == -1 && strncmp(err.text, "cannot start the thread counter: ", 33) == 0 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}
#endif

/* In a child, which the abort ends. */
static void a_broken_lock_aborts(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        pthread_mutex_t lock;
        pthread_mutexattr_t checking;
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        pthread_mutexattr_init(&checking);
        pthread_mutexattr_settype(&checking, PTHREAD_MUTEX_ERRORCHECK);
        pthread_mutex_init(&lock, &checking);
        mutex_unlock(&lock); /* not locked */
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        cmocka_unit_test_setup_teardown(a_thread_that_cannot_start_says_so, set_up, tear_down),
#endif
        cmocka_unit_test_setup_teardown(a_scope_holds_its_lock_to_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wait_ends_when_it_is_signalled, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wait_ends_at_its_deadline, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_deadline_long_past_ends_the_wait_at_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_deadline_at_the_end_of_time_waits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_thread_has_a_name_and_all_signals_blocked, set_up,
                                        tear_down),
        cmocka_unit_test(a_broken_lock_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
