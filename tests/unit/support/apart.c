/* A test that fails leaves its threads, servers and locks behind, and the next tests would fail by
 * them: they run in a fresh process. Stands before cmocka's own function in every test program
 * (WRAP in the Makefile); while all pass there is one process, and nothing differs. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define BEGIN_AT "TEST_BEGIN_AT" /* "<first test> <failed so far>" */

int __real__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t n,
                                   CMFixtureFunction setup, CMFixtureFunction teardown);
int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t n,
                                   CMFixtureFunction setup, CMFixtureFunction teardown);

static const struct CMUnitTest *given; /* the tests as they are */
static size_t next;                    /* the one to begin next */
static unsigned failed;                /* in processes before this one */
static bool under_way;                 /* a test has begun and not come to its end */

static void go_on_in_a_fresh_process(void)
{
    char begin[64], *argv[] = {program_invocation_name, NULL};
    sigset_t none;
    snprintf(begin, sizeof begin, "%zu %u", next, failed + 1);
    setenv(BEGIN_AT, begin, 1);
    fflush(NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv("/proc/self/exe", argv);
    unsetenv(BEGIN_AT); /* then here, as well as it goes */
}

static int begin_test(void **state)
{
    if (under_way)
        go_on_in_a_fresh_process();
    const struct CMUnitTest *test = &given[next++];
    under_way = true;
    return test->setup_func ? test->setup_func(state) : 0;
}

static void call_test(void **state)
{
    given[next - 1].test_func(state);
    under_way = false;
}

static int end_test(void **state)
{
    const struct CMUnitTest *test = &given[next - 1];
    bool was_under_way = under_way;
    under_way = true;
    int rc = test->teardown_func ? test->teardown_func(state) : 0;
    under_way = was_under_way || rc != 0;
    return rc;
}

void __real__skip(const char *file, int line);
void __wrap__skip(const char *file, int line);

/* Who skips leaves nothing behind. */
void __wrap__skip(const char *file, int line)
{
    under_way = false;
    __real__skip(file, line);
}

static size_t where_to_begin(size_t n)
{
    const char *text = getenv(BEGIN_AT);
    size_t at = 0;
    if (text && sscanf(text, "%zu %u", &at, &failed) != 2)
        at = failed = 0;
    unsetenv(BEGIN_AT); /* not for programs that tests start */
    return at < n ? at : 0;
}

int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t n,
                                   CMFixtureFunction setup, CMFixtureFunction teardown)
{
    struct CMUnitTest *wrapped = calloc(n, sizeof *wrapped);
    if (!wrapped)
        return -1;
    given = tests;
    next = where_to_begin(n);
    size_t first = next;
    for (size_t i = first; i < n; i++)
        wrapped[i] = (struct CMUnitTest){.name = tests[i].name,
                                         .test_func = call_test,
                                         .setup_func = begin_test,
                                         .teardown_func = end_test,
                                         .initial_state = tests[i].initial_state};
    int rc = __real__cmocka_run_group_tests(name, wrapped + first, n - first, setup, teardown);
    free(wrapped);
    if (failed > 0 && rc >= 0)
        printf("[  FAILED  ] %s: %u test(s) in all\n", name, failed + (unsigned)rc);
    return rc < 0 ? rc : rc + (int)failed;
}
