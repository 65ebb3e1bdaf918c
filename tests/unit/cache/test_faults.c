/* Faults: never a false ENOENT, older content where there is any, an honest errno where not, and a
 * memory that keeps readers from waiting out the same fault one after the other. */
#include <errno.h>

#include "base/metric.h"
#include "cache/fixture.h"

static struct reader parked(struct bench *b, uint64_t key, int64_t now_ms)
{
    struct reader r;
    assert_int_equal(reader_read(b, &r, key, now_ms), CACHE_PARKED);
    assert_true(cache_cancel(b->c, &r.w));
    return r;
}

static void missing_is_remembered_for_its_ttl_and_then_asked_again(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = key_of_name(&b, ID, 0);
    struct reader r;
    reader_read(&b, &r, key, 0);
    take_all(&b, NULL);
    cache_put_missing(b.c, key, 100);
    assert_int_equal(r.got.verdict, CACHE_MISSING);
    assert_int_equal(r.got.error, ENOENT);
    assert_int_equal(b.events[CACHE_NOTHING], 1);

    uint64_t again;
    struct cache_answer a;
    assert_int_equal(lookup(b.c, ID, 100 + MISSING - 1, &again, &a), CACHE_MISSING);
    assert_int_equal(read_now(&b, key, 100 + MISSING - 1).verdict, CACHE_MISSING);
    assert_int_equal(cache_peek(b.c, key, CACHE_NEED_GET, 100 + MISSING - 1, &a), CACHE_MISSING);
    assert_int_equal(take_all(&b, NULL), 0);
    assert_int_equal(lookup(b.c, ID, 100 + MISSING, &again, &a), CACHE_PARKED);
    assert_int_equal(take_all(&b, NULL), 1);
    bench_close(&b);
}

static void a_name_that_came_to_nothing_is_forgotten_in_time(void **state)
{
    (void)state;
    static const struct {
        enum api_class class;
        int64_t until_ms;
    } cases[] = {{API_NOT_FOUND, MISSING}, {API_DENIED, 60000}, {API_TEMPORARY, 5000}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bench b;
        bench_open(&b);
        uint64_t key = key_of_name(&b, ID, 0);
        take_all(&b, NULL);
        if (cases[i].class == API_NOT_FOUND)
            cache_put_missing(b.c, key, 0);
        else
            cache_put_fault(b.c, key, cases[i].class, API_NET_NONE, "x", 0);
        struct cache_info info;
        assert_int_equal(cache_next_deadline(b.c), cases[i].until_ms);
        cache_expire(b.c, cases[i].until_ms - 1);
        assert_true(cache_info(b.c, key, CACHE_NEED_GET, 0, &info));
        cache_expire(b.c, cases[i].until_ms);
        assert_false(cache_info(b.c, key, CACHE_NEED_GET, 0, &info));
        assert_int_equal(cache_next_deadline(b.c), INT64_MAX);
        bench_close(&b);
    }
}

static void content_outlives_the_service_forgetting_it(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = known(&b, ID, "Processing", 0);
    struct reader r;
    reader_read(&b, &r, key, TTL);
    take_all(&b, NULL);
    cache_put_missing(b.c, key, TTL + 10);
    assert_int_equal(r.got.verdict, CACHE_CONTENT);
    assert_true(r.got.stale);
    reader_done(&r);
    cache_expire(b.c, TTL * 1000);
    assert_int_equal(b.events[CACHE_NOTHING], 0);
    assert_int_equal(read_now(&b, key, TTL + MISSING).verdict, CACHE_CONTENT);
    assert_int_equal(take_all(&b, NULL), 0); /* remembered */
    parked(&b, key, TTL + 10 + MISSING);
    assert_int_equal(take_all(&b, NULL), 1);
    bench_close(&b);
}

static void each_class_gives_its_errno_to_readers_without_content(void **state)
{
    (void)state;
    static const struct {
        enum api_class class;
        enum api_net net;
        int error;
    } cases[] = {
        {API_BAD_REQUEST, API_NET_NONE, EINVAL},
        {API_DENIED, API_NET_NONE, EACCES},
        {API_CREDENTIALS, API_NET_NONE, EACCES},
        {API_CLOCK, API_NET_NONE, EACCES},
        {API_THROTTLED, API_NET_NONE, EAGAIN},
        {API_TEMPORARY, API_NET_NONE, EIO},
        {API_TEMPORARY, API_NET_TIMEOUT, ETIMEDOUT},
        {API_TEMPORARY, API_NET_UNREACHABLE, EHOSTUNREACH},
        {API_BROKEN, API_NET_NONE, EPROTO},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bench b;
        bench_open(&b);
        uint64_t key = key_of_name(&b, ID, 0);
        struct reader r;
        reader_read(&b, &r, key, 0);
        take_all(&b, NULL);
        cache_put_fault(b.c, key, cases[i].class, cases[i].net, "why", 10);
        assert_int_equal(r.answers, 1);
        assert_int_equal(r.got.verdict, CACHE_FAULT);
        assert_int_equal(r.got.error, cases[i].error);
        assert_int_equal(b.events[CACHE_NOTHING], 1);
        if (cases[i].class != API_DENIED) { /* the next one asks again */
            parked(&b, key, 11);
            assert_int_equal(take_all(&b, NULL), 1);
        }
        bench_close(&b);
    }
}

static void denied_is_not_asked_again_for_a_minute(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = key_of_name(&b, ID, 0), again;
    take_all(&b, NULL);
    cache_put_fault(b.c, key, API_DENIED, API_NET_NONE, "no permission", 0);
    struct cache_answer a = read_now(&b, key, 59999);
    assert_int_equal(a.error, EACCES);
    assert_int_equal(cache_peek(b.c, key, CACHE_NEED_GET, 59999, &a), CACHE_FAULT);
    assert_int_equal(lookup(b.c, ID, 59999, &again, &a), CACHE_PARKED);
    assert_int_equal(again, key);
    assert_int_equal(take_all(&b, NULL), 0);
    parked(&b, key, 60000);
    assert_int_equal(take_all(&b, NULL), 1);
    bench_close(&b);
}

static void denied_gives_older_content_at_once_and_stale(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = known(&b, ID, "Processing", 0);
    cache_put_fault(b.c, key, API_DENIED, API_NET_NONE, "no permission", TTL);
    struct cache_answer a = read_now(&b, key, TTL + 1);
    assert_int_equal(a.verdict, CACHE_CONTENT);
    assert_true(a.stale);
    assert_int_equal(take_all(&b, NULL), 0);
    bench_close(&b);
}

static void the_deadline_gives_the_errno_of_the_last_fault(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = key_of_name(&b, ID, 0);
    struct reader r;
    reader_read(&b, &r, key, 0);
    take_all(&b, NULL);
    cache_put_retry(b.c, key, API_THROTTLED, API_NET_NONE, "slow down", 10);
    assert_int_equal(r.answers, 0);
    cache_put_retry(b.c, key, API_TEMPORARY, API_NET_UNREACHABLE, "no route", 20);
    cache_expire(b.c, WHOLE);
    assert_int_equal(r.got.error, EHOSTUNREACH);
    bench_close(&b);
}

static void a_failed_attempt_gives_older_content_without_waiting_for_the_next(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = known(&b, ID, "Processing", 0);
    struct reader r;
    reader_read(&b, &r, key, TTL);
    take_all(&b, NULL);
    cache_put_retry(b.c, key, API_TEMPORARY, API_NET_BROKEN, "cut", TTL + 50);
    assert_int_equal(r.answers, 1);
    assert_true(r.got.stale);
    reader_done(&r);
    assert_true(read_now(&b, key, TTL + 60).stale); /* and whoever comes before the next attempt */
    put_job(&b, key, "Processing", 20, TTL + 100);
    assert_false(read_now(&b, key, TTL + 110).stale);
    bench_close(&b);
}

static void stale_and_the_error_last_until_the_next_success(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = known(&b, ID, "Processing", 0);
    struct cache_info info;
    cache_put_fault(b.c, key, API_BROKEN, API_NET_NONE, "not JSON", 100);
    assert_true(read_now(&b, key, 200).stale); /* within its ttl, but the last attempt failed */
    cache_info(b.c, key, CACHE_NEED_GET, 200, &info);
    assert_true(info.stale);
    assert_string_equal(info.error, "not JSON");
    put_job(&b, key, "Processing", 10, 300);
    cache_info(b.c, key, CACHE_NEED_GET, 300, &info);
    assert_false(info.stale);
    assert_string_equal(info.error, "");
    bench_close(&b);
}

static void a_long_error_is_cut_at_a_character(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = key_of_name(&b, ID, 0);
    char text[400] = "x";
    for (int i = 0; i < 100; i++)
        strcat(text, "剪");
    struct cache_info info;
    cache_put_fault(b.c, key, API_BROKEN, API_NET_NONE, text, 0);
    cache_info(b.c, key, CACHE_NEED_GET, 0, &info);
    assert_int_equal(strlen(info.error), 1 + 84 * 3);
    cache_put_fault(b.c, key, API_BROKEN, API_NET_NONE, NULL, 0);
    cache_info(b.c, key, CACHE_NEED_GET, 0, &info);
    assert_string_equal(info.error, "");
    assert_int_equal(info.age_ms, -1);
    bench_close(&b);
}

static void readers_behind_a_slow_failure_get_one_short_attempt(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = key_of_name(&b, ID, 0);
    struct reader first, second;
    reader_read(&b, &first, key, 0);
    take_all(&b, NULL);
    cache_put_fault(b.c, key, API_TEMPORARY, API_NET_TIMEOUT, "slow", 5000);
    struct cache_answer a;
    assert_int_equal(cache_peek(b.c, key, CACHE_NEED_GET, 5500, &a), CACHE_FAULT);
    assert_int_equal(reader_read(&b, &second, key, 5500), CACHE_PARKED);
    assert_int_equal(take_all(&b, NULL), 1);
    cache_expire(b.c, 5500 + PATIENCE);
    assert_int_equal(second.answers, 1);
    assert_int_equal(second.got.error, ETIMEDOUT);
    /* Once the moment has passed a reader waits in full again. */
    assert_int_equal(reader_read(&b, &second, key, 5500 + 2 * PATIENCE), CACHE_PARKED);
    cache_expire(b.c, 5500 + 3 * PATIENCE);
    assert_int_equal(second.answers, 0);
    bench_close(&b);
}

static void readers_behind_a_hung_attempt_do_not_wait_it_out_either(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = key_of_name(&b, ID, 0);
    struct reader first, second;
    reader_read(&b, &first, key, 0);
    take_all(&b, NULL);
    cache_expire(b.c, WHOLE); /* the attempt is still out */
    assert_int_equal(reader_read(&b, &second, key, WHOLE + 10), CACHE_PARKED);
    assert_int_equal(take_all(&b, NULL), 0);
    cache_expire(b.c, WHOLE + 10 + PATIENCE);
    assert_int_equal(second.answers, 1);
    bench_close(&b);
}

static void without_patience_a_slow_failure_is_repeated_at_once(void **state)
{
    (void)state;
    struct bench b;
    bench_open_with(&b, 0);
    uint64_t key = key_of_name(&b, ID, 0);
    take_all(&b, NULL);
    cache_put_fault(b.c, key, API_TEMPORARY, API_NET_UNREACHABLE, "slow", 5000);
    assert_int_equal(read_now(&b, key, 5500).error, EHOSTUNREACH);
    bench_close(&b);
}

static void a_quick_failure_is_not_remembered(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = key_of_name(&b, ID, 0);
    struct reader r;
    take_all(&b, NULL);
    cache_put_fault(b.c, key, API_TEMPORARY, API_NET_NONE, "500", 999);
    assert_int_equal(reader_read(&b, &r, key, 1000), CACHE_PARKED);
    cache_expire(b.c, 1000 + PATIENCE);
    assert_int_equal(r.answers, 0);
    bench_close(&b);
}

static void while_the_service_is_down_one_reader_probes_and_the_others_fail_at_once(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = key_of_name(&b, ID, 0), other = key_of_name(&b, "another-job-1", 0);
    take_all(&b, NULL);
    cache_put_fault(b.c, key, API_TEMPORARY, API_NET_NONE, "503", 1);
    cache_put_fault(b.c, other, API_TEMPORARY, API_NET_NONE, "503", 1);
    cache_service(b.c, true, EHOSTUNREACH);

    struct reader probe, next;
    uint64_t wanted = 0;
    assert_int_equal(reader_read(&b, &probe, key, 100), CACHE_PARKED);
    assert_int_equal(take_all(&b, &wanted), 1);
    assert_int_equal(wanted, key);
    assert_int_equal(read_now(&b, other, 200).error, EHOSTUNREACH);
    assert_int_equal(read_now(&b, key, 200).error, EHOSTUNREACH);
    /* The budget held the attempt back: it counts from when it went out. */
    cache_attempt(b.c, key, 900);
    assert_int_equal(read_now(&b, other, 1899).error, EHOSTUNREACH);
    /* An attempt that hangs is joined by another. */
    assert_int_equal(reader_read(&b, &next, other, 1900), CACHE_PARKED);
    assert_int_equal(take_all(&b, &wanted), 1);
    assert_int_equal(wanted, other);
    /* Nobody probes for longer than three seconds. */
    cache_expire(b.c, 3099);
    assert_int_equal(probe.answers, 0);
    cache_expire(b.c, 3100);
    assert_int_equal(probe.answers, 1);
    assert_int_equal(probe.got.verdict, CACHE_FAULT);
    /* The end of an attempt makes room for the next at once. */
    cache_put_fault(b.c, other, API_TEMPORARY, API_NET_NONE, "503", 3200);
    assert_int_equal(next.answers, 1);
    assert_int_equal(reader_read(&b, &next, other, 3201), CACHE_PARKED);
    bench_close(&b);
}

static void a_probe_that_a_lookup_began_is_its_readers(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    cache_service(b.c, true, EIO);
    uint64_t key = key_of_name(&b, ID, 0), other = key_of_name(&b, "another-job-1", 1);
    struct reader r;
    assert_int_equal(reader_read(&b, &r, key, 2), CACHE_PARKED);
    assert_int_equal(read_now(&b, key, 3).error, EIO); /* one waits, the others do not */
    assert_int_equal(read_now(&b, other, 3).error, EIO);
    put_job(&b, key, "Init", 0, 10);
    assert_int_equal(r.got.verdict, CACHE_CONTENT);
    reader_done(&r);
    bench_close(&b);
}

static void while_the_service_is_down_older_content_comes_at_once(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = known(&b, ID, "Processing", 0);
    cache_service(b.c, true, EIO);
    for (int i = 0; i < 100; i++) {
        struct cache_answer a = read_now(&b, key, TTL + i);
        assert_int_equal(a.verdict, CACHE_CONTENT);
        assert_true(a.stale);
    }
    assert_int_equal(take_all(&b, NULL), 1); /* the probe in the background */
    put_job(&b, key, "Processing", 50, TTL + 200);
    cache_service(b.c, false, 0);
    assert_false(read_now(&b, key, TTL + 300).stale);
    bench_close(&b);
}

static void a_look_up_of_names_does_not_add_calls_to_an_outage(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    cache_service(b.c, true, EIO);
    char id[32];
    for (int i = 0; i < 100; i++) {
        snprintf(id, sizeof(id), "some-job-%d", i);
        key_of_name(&b, id, i);
    }
    assert_int_equal(take_all(&b, NULL), 1);
    struct cache_info info;
    uint64_t key = key_of_name(&b, "some-job-50", 150);
    cache_expire(b.c, 50 + 4999);
    assert_true(cache_info(b.c, key, CACHE_NEED_GET, 0, &info));
    cache_expire(b.c, 50 + 5000); /* nobody asked for it: it goes like any other */
    assert_false(cache_info(b.c, key, CACHE_NEED_GET, 0, &info));
    bench_close(&b);
}

static void what_readers_get_is_counted(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    int64_t hit = metric_get(METRIC_CACHE_HIT), stale = metric_get(METRIC_CACHE_STALE),
            fault = metric_get(METRIC_CACHE_FAULT), missing = metric_get(METRIC_CACHE_MISSING),
            parked_before = metric_get(METRIC_CACHE_PARKED), jobs = metric_get(METRIC_JOBS),
            unfinished = metric_get(METRIC_JOBS_UNFINISHED);
    uint64_t key = known(&b, ID, "Processing", 0);
    assert_int_equal(metric_get(METRIC_JOBS) - jobs, 1);
    assert_int_equal(metric_get(METRIC_JOBS_UNFINISHED) - unfinished, 1);
    read_now(&b, key, 0);
    assert_int_equal(metric_get(METRIC_CACHE_HIT) - hit, 1);
    struct reader r;
    reader_read(&b, &r, key, TTL);
    assert_int_equal(metric_get(METRIC_CACHE_WAITERS), 1);
    assert_int_equal(metric_get(METRIC_CACHE_PARKED) - parked_before, 1);
    cache_expire(b.c, TTL + PATIENCE);
    reader_done(&r);
    assert_int_equal(metric_get(METRIC_CACHE_WAITERS), 0);
    assert_int_equal(metric_get(METRIC_CACHE_STALE) - stale, 1);
    put_job(&b, key, "Success", 100, TTL + PATIENCE);
    assert_int_equal(metric_get(METRIC_JOBS_UNFINISHED) - unfinished, 0);
    uint64_t none = key_of_name(&b, "another-job-1", 0);
    cache_put_missing(b.c, none, 0);
    read_now(&b, none, 0);
    assert_int_equal(metric_get(METRIC_CACHE_MISSING) - missing, 1);
    uint64_t denied = key_of_name(&b, "another-job-2", 0);
    cache_put_fault(b.c, denied, API_DENIED, API_NET_NONE, "x", 0);
    read_now(&b, denied, 0);
    assert_int_equal(metric_get(METRIC_CACHE_FAULT) - fault, 1);
    bench_close(&b);
    assert_int_equal(metric_get(METRIC_JOBS), jobs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_is_remembered_for_its_ttl_and_then_asked_again),
        cmocka_unit_test(a_name_that_came_to_nothing_is_forgotten_in_time),
        cmocka_unit_test(content_outlives_the_service_forgetting_it),
        cmocka_unit_test(each_class_gives_its_errno_to_readers_without_content),
        cmocka_unit_test(denied_is_not_asked_again_for_a_minute),
        cmocka_unit_test(denied_gives_older_content_at_once_and_stale),
        cmocka_unit_test(the_deadline_gives_the_errno_of_the_last_fault),
        cmocka_unit_test(a_failed_attempt_gives_older_content_without_waiting_for_the_next),
        cmocka_unit_test(stale_and_the_error_last_until_the_next_success),
        cmocka_unit_test(a_long_error_is_cut_at_a_character),
        cmocka_unit_test(readers_behind_a_slow_failure_get_one_short_attempt),
        cmocka_unit_test(readers_behind_a_hung_attempt_do_not_wait_it_out_either),
        cmocka_unit_test(without_patience_a_slow_failure_is_repeated_at_once),
        cmocka_unit_test(a_quick_failure_is_not_remembered),
        cmocka_unit_test(while_the_service_is_down_one_reader_probes_and_the_others_fail_at_once),
        cmocka_unit_test(a_probe_that_a_lookup_began_is_its_readers),
        cmocka_unit_test(while_the_service_is_down_older_content_comes_at_once),
        cmocka_unit_test(a_look_up_of_names_does_not_add_calls_to_an_outage),
        cmocka_unit_test(what_readers_get_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
