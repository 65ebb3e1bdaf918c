/* Counters and gauges: what is added is there, and the text form is OpenMetrics. */
#include "base/metric.h"
#include "support/alloc_fail.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void values_are_added_and_set(void **state)
{
    (void)state;
    metric_set(METRIC_JOBS, 5);
    metric_add(METRIC_JOBS, 3);
    metric_add(METRIC_JOBS, -1);
    assert_int_equal(metric_get(METRIC_JOBS), 7);
    metric_set(METRIC_JOBS, 0);
    assert_int_equal(metric_get(METRIC_JOBS), 0);
}

static void *add_many(void *arg)
{
    for (int i = 0; i < 10000; i++)
        metric_add(METRIC_FS_READ, 1);
    return arg;
}

static void threads_lose_no_count(void **state)
{
    (void)state;
    pthread_t threads[4];
    int64_t before = metric_get(METRIC_FS_READ);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(metric_get(METRIC_FS_READ) - before, 40000);
}

/* TYPE, HELP and sample of one metric; returns what follows. */
static const char *check_metric(const char *text)
{
    char name[64], type[16], help_of[64], sample[64], expected[80];
    long long value;
    int n = 0;
    assert_int_equal(sscanf(text, "# TYPE %63s %15s\n# HELP %63s %*[^\n]\n%63s %lld\n%n", name,
                            type, help_of, sample, &value, &n),
                     5);
    assert_true(n > 0);
    assert_int_equal(strncmp(name, "icejobfs_", 9), 0);
    assert_string_equal(help_of, name);
    assert_true(strcmp(type, "counter") == 0 || strcmp(type, "gauge") == 0);
    snprintf(expected, sizeof expected, "%s%s", name, *type == 'c' ? "_total" : "");
    assert_string_equal(sample, expected);
    return text + n;
}

static void the_text_form_is_openmetrics(void **state)
{
    (void)state;
    CLEANUP_BUF struct buf out = BUF_INIT(1 << 20);
    metric_set(METRIC_API_GET, 12);
    metric_set(METRIC_CACHE_WAITERS, -3);
    assert_int_equal(metric_render(&out), 0);
    assert_non_null(strstr(buf_str(&out), "\nicejobfs_cache_waiters -3\n"));
    assert_non_null(strstr(buf_str(&out), "\nicejobfs_api_get_total 12\n"));
    const char *rest = buf_str(&out);
    for (int m = 0; m < METRIC_COUNT; m++)
        rest = check_metric(rest);
    assert_string_equal(rest, "# EOF\n");
}

static void rendering_fails_cleanly(void **state)
{
    (void)state;
    CLEANUP_BUF struct buf small = BUF_INIT(100);
    assert_int_equal(metric_render(&small), -1);
    for (unsigned n = 1;; n++) {
        CLEANUP_BUF struct buf out = BUF_INIT(1 << 20);
        alloc_fail_at(n);
        int rc = metric_render(&out);
        bool fired = alloc_fail_fired();
        assert_int_equal(rc, fired ? -1 : 0);
        if (!fired)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_added_and_set),
        cmocka_unit_test(threads_lose_no_count),
        cmocka_unit_test(the_text_form_is_openmetrics),
        cmocka_unit_test(rendering_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
