/* What readers get, and when: content, patience, single-flight, interrupts, deadlines. */
#include <errno.h>

#include "cache/fixture.h"

static void sixty_four_readers_of_a_cold_job_cost_one_call(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = key_of_name(&b, ID, 0), wanted = 0;
    struct reader r[64];
    for (int i = 0; i < 64; i++)
        assert_int_equal(reader_read(&b, &r[i], key, i), CACHE_PARKED);
    assert_int_equal(take_all(&b, &wanted), 1);
    assert_int_equal(wanted, key);
    put_job(&b, key, "Processing", 5, 100);
    for (int i = 0; i < 64; i++) {
        assert_int_equal(r[i].answers, 1);
        assert_int_equal(r[i].got.verdict, CACHE_CONTENT);
        assert_false(r[i].got.stale);
        assert_int_equal(r[i].got.fresh_for_ms, TTL);
        reader_done(&r[i]);
    }
    assert_int_equal(take_all(&b, NULL), 0);
    bench_close(&b);
}

static void fresh_content_is_given_at_once_and_costs_no_call(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = known(&b, ID, "Processing", 1000);
    struct cache_answer a = read_now(&b, key, 1000 + TTL - 1);
    assert_int_equal(a.verdict, CACHE_CONTENT);
    assert_false(a.stale);
    assert_int_equal(a.fresh_for_ms, 1);
    assert_int_equal(take_all(&b, NULL), 0);
    bench_close(&b);
}

static void finished_content_never_ages(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = known(&b, ID, "Success", 0);
    struct cache_answer a = read_now(&b, key, INT64_C(1) << 50);
    assert_int_equal(a.verdict, CACHE_CONTENT);
    assert_false(a.stale);
    assert_int_equal(a.fresh_for_ms, INT64_MAX);
    assert_int_equal(take_all(&b, NULL), 0);
    bench_close(&b);
}

static void content_past_its_ttl_waits_for_the_newer_answer(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = known(&b, ID, "Processing", 0);
    struct reader r;
    assert_int_equal(reader_read(&b, &r, key, TTL), CACHE_PARKED);
    assert_int_equal(take_all(&b, NULL), 1);
    put_job(&b, key, "Processing", 77, TTL + 200);
    assert_int_equal(r.answers, 1);
    assert_false(r.got.stale);
    assert_string_equal(job_find(r.got.job, "progress")->data, "77\n");
    reader_done(&r);
    bench_close(&b);
}

static void patience_ends_with_the_older_content(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = known(&b, ID, "Processing", 0);
    struct reader r;
    assert_int_equal(reader_read(&b, &r, key, TTL), CACHE_PARKED);
    assert_int_equal(cache_next_deadline(b.c), TTL + PATIENCE);
    cache_expire(b.c, TTL + PATIENCE - 1);
    assert_int_equal(r.answers, 0);
    cache_expire(b.c, TTL + PATIENCE);
    assert_int_equal(r.answers, 1);
    assert_int_equal(r.got.verdict, CACHE_CONTENT);
    assert_true(r.got.stale);
    assert_int_equal(r.got.fresh_for_ms, 0);
    reader_done(&r);
    bench_close(&b);
}

static void patience_is_that_of_the_look_up_not_of_each_reader(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = known(&b, ID, "Processing", 0);
    struct reader r;
    assert_int_equal(reader_read(&b, &r, key, TTL), CACHE_PARKED);
    take_all(&b, NULL);
    cache_expire(b.c, TTL + PATIENCE);
    reader_done(&r);
    assert_true(read_now(&b, key, TTL + PATIENCE).stale); /* the call is still under way */
    bench_close(&b);
}

static void no_patience_gives_the_older_content_and_asks_behind_it(void **state)
{
    (void)state;
    struct bench b;
    bench_open_with(&b, 0);
    uint64_t key = known(&b, ID, "Processing", 0);
    struct cache_answer a = read_now(&b, key, TTL);
    assert_int_equal(a.verdict, CACHE_CONTENT);
    assert_true(a.stale);
    assert_int_equal(take_all(&b, NULL), 1);
    bench_close(&b);
}

static void an_answer_that_nobody_waits_for_any_more_still_lands(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = key_of_name(&b, ID, 0);
    struct reader r;
    reader_read(&b, &r, key, 0);
    take_all(&b, NULL);
    cache_expire(b.c, WHOLE);
    assert_int_equal(r.got.verdict, CACHE_FAULT);
    assert_int_equal(r.got.error, ETIMEDOUT);
    put_job(&b, key, "Processing", 5, WHOLE + 10);
    assert_int_equal(read_now(&b, key, WHOLE + 20).verdict, CACHE_CONTENT);
    assert_int_equal(r.answers, 1);
    bench_close(&b);
}

static void a_reader_without_content_waits_just_less_than_the_timeout(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = key_of_name(&b, ID, 0);
    struct reader r;
    reader_read(&b, &r, key, 500);
    assert_int_equal(cache_next_deadline(b.c), 500 + WHOLE);
    assert_int_equal(cache_wanted_until(b.c, key), 500 + WHOLE);
    cache_expire(b.c, 500 + WHOLE - 1);
    assert_int_equal(r.answers, 0);
    cache_expire(b.c, 500 + WHOLE);
    assert_int_equal(r.answers, 1);
    bench_close(&b);
}

static void a_partial_job_is_asked_for_even_when_finished(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = key_of_name(&b, ID, 0);
    take_all(&b, NULL);
    struct job *partial = job_new_partial(ID, "Success");
    cache_put_job(b.c, key, partial, 0, 1);
    job_unref(partial);
    assert_false(cache_settled(b.c, key));
    struct reader r;
    assert_int_equal(reader_read(&b, &r, key, 10), CACHE_PARKED);
    assert_int_equal(take_all(&b, NULL), 1);
    put_job(&b, key, "Success", 100, 20);
    assert_int_equal(r.got.fresh_for_ms, INT64_MAX);
    reader_done(&r);
    bench_close(&b);
}

static void an_interrupt_gives_a_parked_reader_back(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = key_of_name(&b, ID, 0);
    struct reader stays, goes;
    reader_read(&b, &stays, key, 0);
    reader_read(&b, &goes, key, 0);
    assert_true(cache_cancel(b.c, &goes.w));
    assert_false(cache_cancel(b.c, &goes.w));
    put_job(&b, key, "Init", 0, 10);
    assert_int_equal(goes.answers, 0);
    assert_int_equal(stays.answers, 1);
    assert_false(cache_cancel(b.c, &stays.w)); /* answered already */
    reader_done(&stays);
    bench_close(&b);
}

static void an_interrupt_before_the_read_keeps_it_from_parking(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = key_of_name(&b, ID, 0);
    struct reader r = reader_new();
    assert_false(cache_cancel(b.c, &r.w));
    assert_int_equal(cache_read(b.c, key, CACHE_NEED_GET, 0, &r.w, &r.got), CACHE_INTERRUPTED);
    cache_shutdown(b.c, EIO);
    assert_int_equal(r.answers, 0);
    bench_close(&b);
}

static void an_interrupt_after_an_answer_at_once_is_nothing(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = known(&b, ID, "Success", 0);
    struct reader r;
    assert_int_equal(reader_read(&b, &r, key, 0), CACHE_CONTENT);
    assert_false(cache_cancel(b.c, &r.w));
    reader_done(&r);
    bench_close(&b);
}

static void live_is_woken_for_what_is_new_and_not_for_what_it_has(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = key_of_name(&b, ID, 0);
    assert_int_equal(b.wakes, 1);
    struct reader r;
    reader_read(&b, &r, key, 0); /* its deadline is far: live looks before that by itself */
    assert_int_equal(b.wakes, 1);
    key_of_name(&b, "another-job-1", 5); /* live has been woken and has not come */
    assert_int_equal(b.wakes, 1);
    assert_int_equal(take_all(&b, NULL), 2);
    key_of_name(&b, "another-job-2", 5);
    assert_int_equal(b.wakes, 2);
    bench_close(&b);
}

static void live_is_woken_for_a_deadline_before_it_looks_by_itself(void **state)
{
    (void)state;
    struct bench b;
    struct reader first, near, later;
    bench_open_with(&b, CACHE_LOOK_MS - 1);
    uint64_t key = known(&b, ID, "Processing", 0);
    reader_read(&b, &first, key, TTL);
    assert_int_equal(take_all(&b, NULL), 1);
    assert_true(cache_cancel(b.c, &first.w));
    int before = b.wakes;
    assert_int_equal(reader_read(&b, &near, key, TTL + 1), CACHE_PARKED);
    assert_int_equal(b.wakes, before + 1);
    assert_int_equal(reader_read(&b, &later, key, TTL + 2), CACHE_PARKED);
    assert_int_equal(b.wakes, before + 1);
    cache_cancel(b.c, &near.w);
    cache_cancel(b.c, &later.w);
    bench_close(&b);
}

static void count_answers(void *arg)
{
    struct bench *b = arg;
    b->answered_after = b->watch->answers;
}

static void the_listener_is_told_before_readers_are_answered_and_after(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = key_of_name(&b, ID, 0);
    struct reader r;
    reader_read(&b, &r, key, 0);
    b.watch = &r;
    b.answered_before_event = b.answered_after = -1;
    cache_listen_after(b.c, count_answers, &b);
    put_job(&b, key, "Init", 0, 10);
    assert_int_equal(b.answered_before_event, 0);
    assert_int_equal(b.answered_after, 1);
    assert_int_equal(r.answers, 1);
    assert_int_equal(b.events[CACHE_CREATED], 1);
    assert_null(b.event_before);
    assert_non_null(b.event_after);
    assert_string_equal(b.event_id, ID);
    reader_done(&r);
    bench_close(&b);
}

static void only_a_reply_that_differs_is_a_change(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = known(&b, ID, "Processing", 0);
    uint64_t generation = cache_generation(b.c);
    put_job(&b, key, "Processing", 10, 100);
    assert_int_equal(b.events[CACHE_CHANGED], 0);
    struct cache_info info;
    assert_true(cache_info(b.c, key, CACHE_NEED_GET, 150, &info));
    assert_int_equal(info.age_ms, 50); /* confirmed all the same */
    assert_int_equal(info.fetched_real_ns, 100 * 1000000);
    put_job(&b, key, "Processing", 11, 200);
    assert_int_equal(b.events[CACHE_CHANGED], 1);
    assert_non_null(b.event_before);
    assert_int_equal(cache_generation(b.c), generation);
    bench_close(&b);
}

static void a_key_that_nobody_has_is_missing(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    struct cache_answer a = read_now(&b, 4711, 0);
    assert_int_equal(a.verdict, CACHE_MISSING);
    assert_int_equal(a.error, ENOENT);
    assert_int_equal(cache_peek(b.c, 4711, CACHE_NEED_GET, 0, &a), CACHE_MISSING);
    struct cache_info info;
    char id[JOB_ID_MAX + 1];
    assert_false(cache_info(b.c, 4711, CACHE_NEED_GET, 0, &info));
    assert_false(cache_id_of(b.c, 4711, id));
    assert_null(cache_current(b.c, 4711));
    assert_int_equal(cache_wanted_until(b.c, 4711), INT64_MIN);
    assert_true(cache_abandon(b.c, 4711, 0));
    cache_put_missing(b.c, 4711, 0);
    cache_put_fault(b.c, 4711, API_BROKEN, API_NET_NONE, "x", 0);
    cache_put_retry(b.c, 4711, API_BROKEN, API_NET_NONE, "x", 0);
    struct job *job = job_new(ID, "Init", 0, NULL);
    cache_put_job(b.c, 4711, job, 0, 0);
    job_unref(job);
    assert_int_equal(read_now(&b, 4711, 0).verdict, CACHE_MISSING);
    bench_close(&b);
}

static void a_name_that_nobody_reads_is_not_asked_for_after_a_second(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = key_of_name(&b, ID, 0);
    take_all(&b, NULL);
    assert_false(cache_abandon(b.c, key, 999)); /* its GETATTR may be on the way */
    struct reader r;
    reader_read(&b, &r, key, 999);
    assert_false(cache_abandon(b.c, key, 5000));
    assert_true(cache_cancel(b.c, &r.w));
    assert_true(cache_abandon(b.c, key, 5000));
    assert_int_equal(b.events[CACHE_NOTHING], 1);
    assert_int_equal(reader_read(&b, &r, key, 5001), CACHE_PARKED);
    assert_int_equal(take_all(&b, NULL), 1);
    bench_close(&b);
}

static void content_past_its_ttl_is_renewed_though_its_readers_have_gone(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = known(&b, ID, "Processing", 0);
    struct reader r;
    reader_read(&b, &r, key, TTL);
    take_all(&b, NULL);
    assert_true(cache_cancel(b.c, &r.w));
    assert_int_equal(cache_wanted_until(b.c, key), INT64_MIN);
    assert_false(cache_abandon(b.c, key, TTL + 60000));
    bench_close(&b);
}

static void a_peek_asks_nobody(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = known(&b, ID, "Processing", 0);
    struct cache_answer a;
    assert_int_equal(cache_peek(b.c, key, CACHE_NEED_GET, TTL * 5, &a), CACHE_CONTENT);
    assert_true(a.stale);
    job_unref(a.job);
    assert_int_equal(take_all(&b, NULL), 0);
    uint64_t cold = key_of_name(&b, "another-job-1", 0);
    assert_int_equal(cache_peek(b.c, cold, CACHE_NEED_GET, 0, &a), CACHE_PARKED);
    bench_close(&b);
}

static void a_shutdown_answers_everybody_and_parks_nobody(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    uint64_t key = key_of_name(&b, ID, 0), old = known(&b, "another-job-1", "Init", 0);
    struct reader cold, patient;
    reader_read(&b, &cold, key, TTL);
    reader_read(&b, &patient, old, TTL);
    cache_shutdown(b.c, ENOTCONN);
    assert_int_equal(cold.answers, 1);
    assert_int_equal(cold.got.error, ENOTCONN);
    assert_int_equal(patient.answers, 1);
    assert_int_equal(read_now(&b, key, TTL).error, ENOTCONN);
    assert_int_equal(read_now(&b, old, TTL).verdict, CACHE_CONTENT);
    key_of_name(&b, "another-job-2", TTL);
    assert_int_equal(take_all(&b, NULL), 1); /* what was wanted before */
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixty_four_readers_of_a_cold_job_cost_one_call),
        cmocka_unit_test(fresh_content_is_given_at_once_and_costs_no_call),
        cmocka_unit_test(finished_content_never_ages),
        cmocka_unit_test(content_past_its_ttl_waits_for_the_newer_answer),
        cmocka_unit_test(patience_ends_with_the_older_content),
        cmocka_unit_test(patience_is_that_of_the_look_up_not_of_each_reader),
        cmocka_unit_test(no_patience_gives_the_older_content_and_asks_behind_it),
        cmocka_unit_test(an_answer_that_nobody_waits_for_any_more_still_lands),
        cmocka_unit_test(a_reader_without_content_waits_just_less_than_the_timeout),
        cmocka_unit_test(a_partial_job_is_asked_for_even_when_finished),
        cmocka_unit_test(an_interrupt_gives_a_parked_reader_back),
        cmocka_unit_test(an_interrupt_before_the_read_keeps_it_from_parking),
        cmocka_unit_test(an_interrupt_after_an_answer_at_once_is_nothing),
        cmocka_unit_test(live_is_woken_for_what_is_new_and_not_for_what_it_has),
        cmocka_unit_test(live_is_woken_for_a_deadline_before_it_looks_by_itself),
        cmocka_unit_test(the_listener_is_told_before_readers_are_answered_and_after),
        cmocka_unit_test(only_a_reply_that_differs_is_a_change),
        cmocka_unit_test(a_key_that_nobody_has_is_missing),
        cmocka_unit_test(a_name_that_nobody_reads_is_not_asked_for_after_a_second),
        cmocka_unit_test(content_past_its_ttl_is_renewed_though_its_readers_have_gone),
        cmocka_unit_test(a_peek_asks_nobody),
        cmocka_unit_test(a_shutdown_answers_everybody_and_parks_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
